//! What whoever runs the server asks of it: whether all is as it was written, and where its temporary files lie; and files
//! from places without a network.

use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tributary_tests::harness::{Installation, Reply, field, tributary_command};

fn check(here: &Installation) -> (Output, Value) {
    let mut command = tributary_command(&here.place("data"));
    command.args(["check", "--json"]);
    let output = command.output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    (output, report)
}

#[test]
fn check_speaks_json_and_ends_badly_where_a_file_was_touched() {
    let here = Installation::init();
    here.run(&["form", "publish"]);
    let (output, report) = check(&here);
    assert!(output.status.success());
    assert_eq!(report["sound"], true, "{report}");
    assert_eq!(report["organisations"].as_array().unwrap().len(), 1);
    // One letter of a published form, somewhere in the file.
    let files = std::fs::read_dir(here.data().organisations()).unwrap();
    let mut files = files.flatten().map(|e| e.path());
    let file = files
        .find(|p| p.extension().is_some_and(|e| e == "db"))
        .unwrap();
    let mut bytes = std::fs::read(&file).unwrap();
    let word = b"exploited_province";
    let at = bytes.windows(word.len()).position(|w| w == word).unwrap();
    bytes[at] = b'E';
    std::fs::write(&file, bytes).unwrap();
    let (output, report) = check(&here);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report["sound"], false);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(complained.contains("not sound"), "{complained}");
}

/// SQLite's own temporary files hold answers while a file is rewritten after an erasure.
#[cfg(target_os = "linux")]
#[test]
fn temporary_files_stay_inside_the_data_folder() {
    use std::os::unix::fs::PermissionsExt;
    let mut here = Installation::init();
    here.serve();
    let environment = std::fs::read(format!("/proc/{}/environ", here.server())).unwrap();
    let place = here.data().temporary();
    let wanted = format!("SQLITE_TMPDIR={}", place.display());
    let found = environment
        .split(|b| *b == 0)
        .any(|v| v == wanted.as_bytes());
    assert!(found, "{wanted} is not in its environment");
    let mode = std::fs::metadata(&place).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    // A folder that does not exist is named, not made.
    let elsewhere = here.place("typing-error");
    let mut command = tributary_command(&elsewhere);
    command.args(["org", "list"]);
    let refused = command.output().unwrap();
    assert!(String::from_utf8_lossy(&refused.stderr).contains("not a data folder yet"));
    assert!(!elsewhere.exists());
}

fn carry(here: &Installation, file: &Path) -> Reply {
    let bytes = std::fs::read(file).unwrap();
    assert!(bytes.len() <= 8 * 1024 * 1024, "{} bytes", bytes.len());
    let headers = [("content-type", "application/octet-stream")];
    here.client()
        .send("POST", "/sync/v1/bundle", &headers, &bytes)
}

#[test]
fn weeks_of_answers_are_carried_in_several_files_that_may_come_twice() {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    let (phone, link) = (here.place("phone"), here.worker_link("Dara"));
    field(&phone, &["enrol", &link]);
    let long = "ກ".repeat(20_000);
    let answers = serde_json::json!({
        "consent_store": "given", "_status": "complete", "safe_contact": long, "exploited_province": long,
        "notes": long,
    });
    let file = here.place("answers.json");
    std::fs::write(&file, answers.to_string()).unwrap();
    let recorded = 36;
    for _ in 0..recorded {
        field(&phone, &["new", "--file", file.to_str().unwrap()]);
    }
    let bundle = here.place("carry.bin");
    let said = field(&phone, &["bundle", bundle.to_str().unwrap()]);
    let files = [here.place("carry-1.bin"), here.place("carry-2.bin")];
    assert!(
        said.contains("36 changes are in 2 files") && !bundle.exists(),
        "{said}"
    );

    // The later one first: it is told what is missing, and nothing is lost.
    let early = carry(&here, &files[1]).expect_problem("sequence_gap");
    assert!(
        early["detail"]
            .as_str()
            .unwrap()
            .contains("lower number first"),
        "{early}"
    );
    let count = |outcome: &Value, what: &str| outcome[what].as_u64().unwrap();
    let first = carry(&here, &files[0]).expect(200);
    let second = carry(&here, &files[1]).expect(200);
    assert_eq!(count(&first, "stored") + count(&second, "stored"), recorded);
    for (file, known) in [(&files[1], &second), (&files[0], &first)] {
        let again = carry(&here, file).expect(200);
        assert_eq!(count(&again, "stored"), 0, "{again}");
        assert_eq!(count(&again, "known"), count(known, "stored"));
    }
    let synced = field(&phone, &["sync", "--quiet"]);
    assert!(!synced.is_empty());
    let status = field(&phone, &["status"]);
    assert!(status.contains("Changes only here: 0"), "{status}");
    here.end();
}
