//! Form files that are bombs, and a child that is slow, endless or broken: whatever it is, it is the child's end.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;
use tributary::service::ambient::System;
use tributary::service::error::{Code, ServiceError};
use tributary::service::forms::conversion::{answer, question};
use tributary::service::forms::{Converter, Limits, Upload};
use tributary::service::organisations::CreateOrganisation;
use tributary::service::{By, Service, ServiceOptions};
use tributary::storage::folder::DataFolder;
use tributary_sync_core::ids::OrgId;
use tributary_tests::harness::{Installation, program};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        let options = SimpleFileOptions::default();
        out.start_file(*name, options).unwrap();
        out.write_all(content).unwrap();
    }
    out.finish().unwrap().into_inner()
}

fn small_form(id: &str) -> Vec<u8> {
    format!(
        "<h:html xmlns=\"http://www.w3.org/2002/xforms\" xmlns:h=\"http://www.w3.org/1999/xhtml\"><h:head>\
         <h:title>{id}</h:title><model><instance><data id=\"{id}\"><name/></data></instance>\
         <bind nodeset=\"/data/name\" type=\"string\"/></model></h:head><h:body><input ref=\"/data/name\">\
         <label>Name</label></input></h:body></h:html>"
    )
    .into_bytes()
}

/// A workbook of a few kilobytes with so many elements that all of them together take hundreds of megabytes.
fn heavy() -> Vec<u8> {
    let cells = "<c/>".repeat(5_900_000);
    packed(&[("content.xml", format!("<a>{cells}</a>").as_bytes())])
}

fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let laughs: String = (1..10)
        .map(|n| {
            let lol = format!("&l{};", n - 1).repeat(10);
            format!("<!ENTITY l{n} \"{lol}\">")
        })
        .collect();
    let laughs = format!("<!DOCTYPE a [<!ENTITY l0 \"lol\">{laughs}]><a>&l9;</a>");
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=\"\"")).collect();
    let sheet = vec![b' '; 200 << 20];
    let sheets = [
        ("[Content_Types].xml", &b"<Types/>"[..]),
        ("xl/workbook.xml", &b"<workbook/>"[..]),
        ("xl/worksheets/sheet1.xml", &sheet),
    ];
    vec![
        ("entities in entities", laughs.into_bytes()),
        ("a zip bomb", packed(&sheets)),
        ("elements without end", heavy()),
        ("attributes without end", format!("<a{attributes}/>").into()),
        ("a deep one", "<a>".repeat(1_000_000).into()),
    ]
}

/// The most memory that a process ever had, in kilobytes.
fn peak(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn bombs_in_form_files_are_the_childs_end_and_cost_the_server_nothing() {
    let mut here = Installation::init();
    here.serve();
    let admin = here.admin();
    let preview = |bytes: &[u8], name: &str| {
        let body = json!({"file_name": name, "content": STANDARD.encode(bytes)});
        admin.post("/api/v1/forms/preview", &body)
    };
    preview(&small_form("first"), "first.xml").expect(200);
    let before = peak(here.server());
    for (what, bomb) in bombs() {
        let problem = preview(&bomb, "form").expect_problem("form_invalid");
        println!(
            "{what}: {} bytes, {}",
            bomb.len(),
            problem["errors"][0]["code"]
        );
    }
    let grown = peak(here.server()).saturating_sub(before);
    println!("the server's memory: {before} kB before, {grown} kB more since");
    assert!(grown < 48 * 1024, "{grown} kB");
    preview(&small_form("second"), "second.xml").expect(200);
    here.end();
}

/// A service whose child is something else, or may have less.
struct Shop {
    folder: TempDir,
    service: Service,
    org: OrgId,
}

impl Shop {
    fn with(program: PathBuf, limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path().join("data"));
        let options = ServiceOptions {
            converter: Converter { program, limits },
            ..ServiceOptions::default()
        };
        let service = Service::create(&data, options, Arc::new(System::new())).unwrap();
        let org = organisation(&service, "first");
        Self {
            folder,
            service,
            org,
        }
    }
    /// With a shell script as the child; in it, `$here` is a folder.
    fn script(text: &str, limits: Limits) -> Self {
        let mut shop = Self::with(PathBuf::new(), limits);
        let here = shop.folder.path().to_owned();
        let path = here.join("child");
        let text = format!("#!/bin/sh\nhere='{}'\n{text}\n", here.display());
        std::fs::write(&path, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        std::fs::set_permissions(&path, mode).unwrap();
        let options = ServiceOptions {
            converter: Converter {
                program: path,
                limits,
            },
            ..ServiceOptions::default()
        };
        let data = DataFolder::at(here.join("data"));
        shop.service = Service::open(&data, options, Arc::new(System::new())).unwrap();
        shop
    }
    fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn preview(&self, org: OrgId, bytes: &[u8]) -> Result<String, ServiceError> {
        let upload = Upload {
            bytes: bytes.to_vec(),
            file_name: "form".to_owned(),
            ..Upload::default()
        };
        let done = self.service.preview_form(By::Operator, org, upload);
        done.map(|view| view.form_id)
    }
    fn refused(&self, bytes: &[u8]) -> (Code, Option<String>) {
        let error = self.preview(self.org, bytes).unwrap_err();
        (error.code, error.errors.first().map(|e| e.code.clone()))
    }
}

fn organisation(service: &Service, slug: &str) -> OrgId {
    let new = CreateOrganisation {
        slug: slug.to_owned(),
        name: slug.to_owned(),
    };
    service.create_organisation(By::Operator, &new).unwrap().id
}

fn costly() -> (Code, Option<String>) {
    (Code::FormInvalid, Some("form_too_costly".to_owned()))
}

#[test]
fn a_file_that_takes_more_memory_than_the_child_may_have_is_refused_and_the_next_is_read() {
    let limits = Limits {
        memory_bytes: 224 << 20,
        ..Limits::default()
    };
    let shop = Shop::with(program("tributary"), limits);
    assert_eq!(shop.refused(&heavy()), costly());
    assert_eq!(
        shop.preview(shop.org, &small_form("small")).unwrap(),
        "small"
    );
}

#[test]
fn a_child_that_does_not_answer_is_killed() {
    let limits = Limits {
        patience: Duration::from_secs(2),
        ..Limits::default()
    };
    let shop = Shop::script("echo $$ >\"$here/process\"\nexec sleep 100000", limits);
    assert_eq!(shop.refused(&small_form("small")), costly());
    if let Ok(process) = std::fs::read_to_string(shop.place("process")) {
        assert!(!Path::new("/proc").join(process.trim()).exists());
    }
}

#[test]
fn a_child_that_answers_without_end_or_with_something_else_is_not_believed() {
    for text in [
        "exec cat /dev/zero",
        "echo nonsense",
        "echo '{\"form\":{\"xform\":\"<a/>\"}}'",
        "exit 3",
        "exit 0",
    ] {
        let shop = Shop::script(text, Limits::default());
        let (code, _) = shop.refused(&small_form("small"));
        assert_eq!(code, Code::Internal, "{text}");
    }
    let shop = Shop::script("kill -ABRT $$", Limits::default());
    assert_eq!(shop.refused(&small_form("small")), costly());
    let shop = Shop::with(PathBuf::from("/nowhere"), Limits::default());
    assert_eq!(shop.refused(b"<a/>").0, Code::Overloaded);
}

#[test]
fn the_child_is_given_no_file_no_socket_and_no_setting_of_the_server() {
    let text = "cat /proc/$$/environ >\"$here/environment\"\nls -l /proc/$$/fd >\"$here/open\"\npwd >\"$here/where\"";
    let shop = Shop::script(text, Limits::default());
    shop.refused(&small_form("small"));
    let read = |name| std::fs::read_to_string(shop.place(name)).unwrap();
    assert_eq!(read("environment"), "");
    assert_eq!(read("where").trim(), "/");
    let (open, data) = (read("open"), shop.place("data"));
    assert!(open.contains("pipe:"), "{open}");
    assert!(!open.contains("socket:"), "{open}");
    assert!(!open.contains(data.to_str().unwrap()), "{open}");
}

#[test]
fn there_is_room_for_two_and_one_of_each_organisation_and_others_come_again() {
    let text = "echo >\"$here/begun\"\nread line <\"$here/gate\"";
    let shop = Shop::script(text, Limits::default());
    for name in ["begun", "gate"] {
        let made = Command::new("mkfifo").arg(shop.place(name)).status();
        assert!(made.unwrap().success());
    }
    let begun = || {
        let mut word = String::new();
        let mut pipe = std::fs::File::open(shop.place("begun")).unwrap();
        pipe.read_to_string(&mut word).unwrap();
    };
    let [second, third] = ["second", "third"].map(|slug| organisation(&shop.service, slug));
    let file = small_form("small");
    let refused = |org| {
        let error = shop.preview(org, &file).unwrap_err();
        (error.code, error.retry_after.is_some())
    };
    let gates = std::cell::RefCell::new(None);
    std::thread::scope(|scope| {
        scope.spawn(|| shop.preview(shop.org, &file).unwrap_err());
        begun();
        assert_eq!(refused(shop.org), (Code::Overloaded, true));
        scope.spawn(|| shop.preview(second, &file).unwrap_err());
        begun();
        assert_eq!(refused(third), (Code::Overloaded, true));
        assert!(Code::Overloaded.entry().retryable);
        // Open for reading too, so that it need not wait for anybody; each of them takes a line.
        let mut gate = std::fs::OpenOptions::new();
        let mut gate = gate
            .read(true)
            .write(true)
            .open(shop.place("gate"))
            .unwrap();
        gate.write_all(b"go\ngo\n").unwrap();
        // Closed when both have ended.
        gates.replace(Some(gate));
    });
}

fn child(limits: &[&str]) -> Child {
    let mut command = Command::new(program("tributary"));
    command.arg("convert-form").args(limits);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().unwrap()
}

#[test]
fn the_child_limits_itself_before_it_reads() {
    let mut child = child(&["--memory-bytes", "300000000", "--cpu-seconds", "7"]);
    let limits = loop {
        let text = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let at = |name: &str| -> Vec<String> {
            let line = text.lines().find(|l| l.starts_with(name)).unwrap();
            let rest = line.trim_start_matches(name).split_whitespace();
            rest.take(2).map(str::to_owned).collect()
        };
        // The last that it sets.
        if at("Max processes") == ["0", "0"] {
            break [
                "Max core file size",
                "Max address space",
                "Max cpu time",
                "Max open files",
                "Max file size",
            ]
            .map(|name| at(name).join(" "));
        }
        std::thread::yield_now();
    };
    let expected = ["0 0", "300000000 300000000", "7 7", "3 3", "0 0"];
    assert_eq!(limits, expected);
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(1), "no question");
}

/// Every file that the fuzzers start from, and the forms of others where they are: the child says of each what the server
/// itself would say.
#[test]
fn the_child_answers_byte_for_byte_what_reading_in_the_server_would() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut folders = vec![corpus.join("form_file"), corpus.join("xform")];
    folders.extend(std::env::var_os("TRIBUTARY_HTCDS_DIR").map(PathBuf::from));
    let (mut forms, mut faults) = (0, 0);
    for path in folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
    {
        let name = path.file_name().unwrap().to_string_lossy();
        let file = std::fs::read(&path).unwrap();
        // And one that was cut.
        for bytes in [&file[..], &file[..file.len() / 2]] {
            let asked = question(bytes, &name);
            let mut child = child(&["--memory-bytes", "536870912", "--cpu-seconds", "20"]);
            child.stdin.take().unwrap().write_all(&asked).unwrap();
            let said = child.wait_with_output().unwrap();
            assert!(said.status.success(), "{name}: {}", said.status);
            assert_eq!(Some(&said.stdout), answer(&asked).as_ref(), "{name}");
            let said: Value = serde_json::from_slice(&said.stdout).unwrap();
            match said["form"].is_object() {
                true => forms += 1,
                false => faults += 1,
            }
        }
    }
    println!("{forms} forms, {faults} faults");
    assert!(forms > 0 && faults > 0);
}
