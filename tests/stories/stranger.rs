//! A stranger's first hour: every step by the programs' own commands, from nothing to the merged dataset.

use std::io::Write;
use std::process::Stdio;

use tributary_tests::harness::{Installation, field, field_command};

#[test]
fn from_init_to_export_by_the_programs_alone() {
    let mut here = Installation::init();
    here.serve();
    let published = here.run(&["form", "publish"]);
    assert!(published.contains("outreach_interview"), "{published}");
    let link = here.worker_link("Sokha Chan");

    let phone = here.place("phone");
    let enrolled = field(&phone, &["enrol", &link, "--label", "phone"]);
    assert!(enrolled.contains("Sokha Chan"), "{enrolled}");
    let recorded = field(
        &phone,
        &[
            "new",
            "--set",
            "consent_store=given",
            "--set",
            "age_class=adult",
            "--set",
            "exploited_province=បាត់ដំបង",
            "--set",
            "journey_legs[+].leg_from=KH",
            "--set",
            "journey_legs[+].leg_to=TH",
            "--set",
            "_status=complete",
        ],
    );
    assert!(recorded.contains("Recorded as"), "{recorded}");
    let status = field(&phone, &["status"]);
    assert!(status.contains("Changes only here: 1"), "{status}");
    let synced = field(&phone, &["sync", "--quiet"]);
    assert!(synced.contains("1 changes sent"), "{synced}");
    let status = field(&phone, &["status"]);
    assert!(status.contains("Changes only here: 0"), "{status}");

    let file = here.place("dataset.csv");
    let out = file.to_str().unwrap();
    let said = here.run(&["export", "--form", "outreach_interview", "--out", out]);
    assert!(said.contains("1 records"), "{said}");
    let csv = std::fs::read_to_string(&file).unwrap();
    assert!(csv.contains("បាត់ដំបង"), "{csv}");
    here.end();
}

#[test]
fn a_link_over_standard_input_stands_in_no_list_of_processes() {
    let mut here = Installation::init();
    here.serve();
    let link = here.worker_link("Sokha Chan");
    let mut enrol = field_command(&here.place("phone"), &["enrol", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = enrol.stdin.take().unwrap();
    input.write_all(format!("{link}\n").as_bytes()).unwrap();
    drop(input);
    let done = enrol.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success() && said.contains("Sokha Chan"),
        "{said}"
    );
}
