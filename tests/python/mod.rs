//! A client in another language, written from `schemas/sync-protocol.md` alone: its arithmetic against the page's
//! examples, and the program itself against a running server.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tributary::service::By;
use tributary::service::access::Role;
use tributary_sync_core::ids::UserId;
use tributary_tests::harness::{Organisation, TestServer};

/// The Python that `tests/run` has prepared; without it these tests say that they did not run.
pub(crate) fn python() -> Option<PathBuf> {
    let given = std::env::var_os("TRIBUTARY_PYTHON").map(PathBuf::from);
    if given.is_none() {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(
            !ci,
            "TRIBUTARY_PYTHON is not set: start the tests by tests/run"
        );
        eprintln!(
            "NOT RUN: the Python client, because TRIBUTARY_PYTHON is not set; tests/run sets it"
        );
    }
    given
}

#[test]
fn the_examples_are_what_another_program_computes() {
    let Some(python) = python() else { return };
    let root = crate::tidy::root();
    let out = Command::new(python)
        .arg("tests/python/client.py")
        .arg("examples")
        .arg("schemas/sync-protocol.md")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(root)
        .output()
        .expect("python starts");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    let compared: u32 = said.trim().parse().expect("how many were compared");
    assert!(compared >= 15, "only {compared} examples were compared");
}

/// A device of the Python client.
struct Device<'p> {
    python: &'p Path,
    folder: tempfile::TempDir,
    /// The answer to its enrolment: actor, user, form packages.
    enrolled: Value,
}

impl<'p> Device<'p> {
    fn enrol(python: &'p Path, server: &TestServer, org: &Organisation<'_>, user: UserId) -> Self {
        let code = server
            .service()
            .enrol_code(By::Operator, org.id, user, None);
        let mut device = Self {
            python,
            folder: tempfile::tempdir().unwrap(),
            enrolled: Value::Null,
        };
        device.enrolled = device.expect(&["enrol", &code.unwrap().link]);
        device
    }
    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let out = Command::new(self.python)
            .arg("tests/python/client.py")
            .arg(self.folder.path())
            .args(arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("PYTHONUTF8", "1")
            .current_dir(crate::tidy::root())
            .output()
            .expect("python starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (out.status.code(), text(out.stdout), text(out.stderr))
    }
    #[track_caller]
    fn expect(&self, arguments: &[&str]) -> Value {
        let (code, out, err) = self.run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {out}{err}");
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {out}"))
    }
    /// The key of the question at the end of a path.
    fn key(&self, name: &str) -> String {
        let fields = self.enrolled["forms"][0]["fields"].as_array().unwrap();
        let ends = |f: &&Value| f["path"].as_str().unwrap().ends_with(&format!("/{name}"));
        format!("f{}", fields.iter().find(ends).expect(name)["id"])
    }
    #[track_caller]
    fn sync(&self) -> Vec<String> {
        let report = self.expect(&["sync"]);
        let results = report["results"].as_array().unwrap();
        results
            .iter()
            .map(|r| r["status"].as_str().unwrap().to_owned())
            .collect()
    }
    /// The live values of a key of a record, the winner first.
    fn shows(&self, record: &str, key: &str) -> Vec<String> {
        let shown = self.expect(&["show"]);
        let values = shown[record][key].as_array().cloned().unwrap_or_default();
        values
            .iter()
            .map(|v| v["text"].as_str().unwrap().to_owned())
            .collect()
    }
}

#[test]
fn two_devices_of_another_program_share_a_record_and_settle_a_conflict() {
    let Some(python) = python() else { return };
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let service = server.service();
    service
        .publish_builtin_interview(By::Operator, org.id)
        .unwrap();
    let (bopha, sokha) = (
        org.invite("Bopha", Role::Coordinator),
        org.invite("Sokha", Role::Worker),
    );
    let coordinator = Device::enrol(&python, &server, &org, bopha);
    let worker = Device::enrol(&python, &server, &org, sokha);

    // The coordinator makes a record and gives it to the worker, in one save.
    let key = coordinator.key("citizenship_other");
    let write = |text: &str| format!("{key}={}", json!({"text": text}));
    let give = format!("m.assignee={}", json!({"code": format!("user:{sokha}")}));
    let consent = coordinator.key("consent_store");
    let consent = format!("{consent}={}", json!({"code": "given"}));
    let record = coordinator.expect(&["new", &consent, &write("ສະບາຍດີ"), &give]);
    let record = record.as_str().unwrap();
    assert_eq!(coordinator.sync(), ["applied"]);
    assert!(worker.sync().is_empty());
    assert_eq!(worker.shows(record, &key), ["ສະບາຍດີ"]);

    // Both answer without sight of each other. Both answers stay, on both devices, in the same order.
    coordinator.expect(&["edit", record, &write("ភ្នំពេញ")]);
    worker.expect(&["edit", record, &write("မြဝတီ")]);
    assert_eq!(worker.sync(), ["applied"]);
    assert_eq!(coordinator.sync(), ["applied"]);
    assert!(worker.sync().is_empty());
    let (ours, theirs) = (coordinator.shows(record, &key), worker.shows(record, &key));
    assert_eq!(ours, ["မြဝတီ", "ភ្នំពេញ"]);
    assert_eq!(ours, theirs);

    // Somebody who saw both settles it.
    worker.expect(&["edit", record, &write("Myawaddy")]);
    assert_eq!(worker.sync(), ["applied"]);
    assert!(coordinator.sync().is_empty());
    assert_eq!(coordinator.shows(record, &key), ["Myawaddy"]);

    // What a worker may not write is kept aside, and the device shows what the server has.
    worker.expect(&["edit", record, r#"m.status={"code": "approved"}"#]);
    assert_eq!(worker.sync(), ["quarantined"]);
    assert_eq!(worker.shows(record, &key), ["Myawaddy"]);
}

#[test]
fn a_code_is_good_for_one_device_of_another_program() {
    let Some(python) = python() else { return };
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let user = org.invite("Sokha", Role::Worker);
    let link = server
        .service()
        .enrol_code(By::Operator, org.id, user, None)
        .unwrap()
        .link;
    let device = |link: &str| {
        let device = Device {
            python: &python,
            folder: tempfile::tempdir().unwrap(),
            enrolled: Value::Null,
        };
        device.run(&["enrol", link])
    };
    assert_eq!(device(&link).0, Some(0));
    let (code, out, _) = device(&link);
    assert_eq!(code, Some(3));
    let problem: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(problem["code"], "enrol_code_used");
    // A link whose root key is another one's is refused by the device itself.
    let link = server
        .service()
        .enrol_code(By::Operator, org.id, user, None)
        .unwrap()
        .link;
    let (before, after) = link.split_once("&r=").unwrap();
    let forged = format!("{before}&r={}{}", "00".repeat(32), &after[64..]);
    let (code, _, err) = device(&forged);
    assert_ne!(code, Some(0));
    assert!(err.contains("root key"), "{err}");
}
