//! Both forms of the Human Trafficking Case Data Standard: uploaded as they are, filled on two devices without a network,
//! with answers that cross; the download shows both.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;
use tributary_native::Device;
use tributary_sync_core::form::{FieldKind, PublishedForm};
use tributary_tests::harness::{Installation, field};

/// The folder, or a word that these tests did not run.
fn folder(test: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("TRIBUTARY_HTCDS_DIR").map(PathBuf::from);
    if folder.is_none() {
        assert!(
            std::env::var_os("CI").is_none_or(|ci| ci != "true"),
            "TRIBUTARY_HTCDS_DIR is not set"
        );
        // Standard error of a passing test is swallowed only when it goes through the macros.
        let _ = writeln!(
            std::io::stderr(),
            "{test} did not run: TRIBUTARY_HTCDS_DIR is not set"
        );
    }
    folder
}

/// An answer to every question outside repeats that takes one: the first choice, a number, a text.
fn filled(form: &PublishedForm) -> Vec<String> {
    let questions = form.fields().filter(|(_, f)| form.repeat_of(f).is_none());
    let answer = |field: &tributary_sync_core::form::Field| {
        let choices = form.model().choices(field).unwrap_or_default();
        match field.kind {
            FieldKind::SelectOne | FieldKind::SelectMultiple => Some(choices.first()?.code.clone()),
            FieldKind::Integer | FieldKind::Decimal => Some("7".to_owned()),
            FieldKind::Text => Some("ຂໍ້ຄວາມ".to_owned()),
            FieldKind::Date => Some("2024-03-01".to_owned()),
            _ => None,
        }
    };
    questions
        .filter_map(|(_, f)| Some(format!("{}={}", f.path, answer(f)?)))
        .collect()
}

fn crossing(file: &Path) {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish", file.to_str().unwrap()]);
    let (one, two) = (here.place("one"), here.place("two"));
    for (home, name) in [(&one, "Thiri Aung"), (&two, "Li Mei")] {
        let link = here.worker_link(name, here.address());
        field(home, &["enrol", &link]);
    }
    let form = Device::open(&one).unwrap().form(None).unwrap();
    let form_id = form.model().form_id.clone();
    let questions = filled(&form);
    assert!(questions.len() > 20, "{} questions", questions.len());
    let mut new = vec!["new"];
    questions.iter().for_each(|q| new.extend(["--set", q]));
    new.extend(["--set", "_status=complete"]);
    let said = field(&one, &new);
    let (_, rest) = said.split_once("Recorded as ").unwrap();
    let record = rest.split('.').next().unwrap().to_owned();
    field(&one, &["sync", "--quiet"]);

    // The second worker gets the case too.
    let admin = here.admin();
    let users = admin.get("/api/v1/users").expect(200);
    let second = users["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|u| u["name"] == "Li Mei");
    let assignee = format!("user:{}", second.unwrap()["id"].as_str().unwrap());
    let path = format!("/api/v1/records/{record}");
    let shown = admin.get(&path).expect(200)["shown"].clone();
    let body = json!({"shown": shown, "assignee": assignee});
    admin.post(&format!("{path}/assign"), &body).expect(200);
    field(&two, &["sync", "--quiet"]);

    // Neither sees the other's answer.
    let text = form
        .fields()
        .find(|(_, f)| f.kind == FieldKind::Text && form.repeat_of(f).is_none());
    let question = text.unwrap().1.path.clone();
    let (first, other) = ("ပထမ အဖြေ", "第二个回答");
    field(
        &one,
        &["edit", &record, "--set", &format!("{question}={first}")],
    );
    field(
        &two,
        &["edit", &record, "--set", &format!("{question}={other}")],
    );
    field(&one, &["sync", "--quiet"]);
    field(&two, &["sync", "--quiet"]);
    field(&one, &["sync", "--quiet"]);
    let show = field(&one, &["show", &record]);
    assert!(show.contains(first) && show.contains(other), "{show}");

    let (main, conflicts) = (here.place("all.csv"), here.place("conflicts.csv"));
    let export = ["export", "--form", &form_id, "--out"];
    here.run(&[&export[..], &[main.to_str().unwrap()]].concat());
    here.run(&[&export[..], &[conflicts.to_str().unwrap(), "--conflicts"]].concat());
    let csv = std::fs::read_to_string(main).unwrap();
    assert!(csv.contains(first) || csv.contains(other), "{csv}");
    let csv = std::fs::read_to_string(conflicts).unwrap();
    assert!(csv.contains(first) && csv.contains(other), "{csv}");
    assert!(
        csv.contains("Thiri Aung") && csv.contains("Li Mei"),
        "{csv}"
    );
    here.kill();
    here.run(&["check"]);
}

#[test]
fn the_xlsform_of_htcds_from_upload_to_both_answers() {
    if let Some(folder) = folder("the_xlsform_of_htcds_from_upload_to_both_answers") {
        crossing(&folder.join("htcds_xlsform.xlsx"));
    }
}

#[test]
fn the_xform_of_htcds_from_upload_to_both_answers() {
    if let Some(folder) = folder("the_xform_of_htcds_from_upload_to_both_answers") {
        crossing(&folder.join("htcds_xlsform.xml"));
    }
}
