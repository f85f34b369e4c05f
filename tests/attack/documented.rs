//! Whatever is sent, the answer is one that `schemas/openapi.json` documents, and none is a failure of the server: requests
//! that schemathesis makes from the description, well-formed and not.
//!
//! `TRIBUTARY_EXAMPLES=200` tries that many for each operation instead of a few.

use std::path::PathBuf;
use std::process::Command;

use tributary::service::access::Role;
use tributary_tests::harness::{Client, TestServer};
use tributary_tests::reliability::Run;

use crate::api::field::{Form, Phone};

/// What is checked of each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

/// The Python that has it; without it this says that it did not run.
fn with_schemathesis() -> Option<PathBuf> {
    let python = crate::python::python()?;
    let has = Command::new(&python)
        .args(["-c", "import schemathesis"])
        .output();
    if has.is_ok_and(|out| out.status.success()) {
        return Some(python);
    }
    let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
    assert!(!ci, "schemathesis is missing: start the tests by tests/run");
    eprintln!(
        "NOT RUN: requests made from the description, because schemathesis is missing; tests/run installs it"
    );
    None
}

/// Runs it over the operations whose path fits, as whoever holds the token.
fn hammer(server: &TestServer, client: &Client, paths: &str) -> Option<String> {
    let python = with_schemathesis()?;
    let certificate = server.data().path().join("keys/tls-certificate.pem");
    let examples = std::env::var("TRIBUTARY_EXAMPLES").unwrap_or_else(|_| "12".to_owned());
    let stands = tempfile::tempdir().unwrap();
    let out = Command::new(python)
        .args(["-m", "schemathesis.cli", "--no-color", "run"])
        .arg(crate::tidy::root().join("schemas/openapi.json"))
        .args(["--url", server.url(), "--include-path-regex", paths])
        .arg("--tls-verify")
        .arg(certificate)
        .args([
            "--header",
            &format!("Authorization: Bearer {}", client.token().unwrap()),
        ])
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args([
            "--max-examples",
            &examples,
            "--seed",
            "20231114",
            "--generation-database",
            "none",
        ])
        .args(["--continue-on-failure", "--output-truncate", "true"])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONUTF8", "1")
        .env("PYTHONPATH", crate::tidy::root().join("tests/python"))
        .env("SCHEMATHESIS_HOOKS", "media_types")
        // It leaves a folder where it stands.
        .current_dir(stands.path())
        .output()
        .expect("python starts");
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let errors = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{paths}\n{said}\n{errors}");
    Some(said)
}

#[test]
fn every_answer_is_documented_and_none_is_a_failure_of_the_server() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let chi = org.user("Chi", Role::OrgAdmin).client;
    let form = Form::publish(&server, &org);
    let phone = Phone::enrol(&org, &form, "Dara").device.client();
    let root = server.server_admin().client;
    let mut made = 0;
    for (client, paths) in [
        (&root, "^/api/v1/organisations"),
        (&phone, "^(/sync/v1|/api/v1/device$)"),
        (
            &chi,
            "^(/(healthz|readyz|metrics)$|/api/v1/(?!organisations|device$))",
        ),
    ] {
        let Some(said) = hammer(&server, client, paths) else {
            return;
        };
        made += said.lines().filter_map(generated).sum::<u64>();
        let tail: Vec<_> = said
            .lines()
            .rev()
            .take(30)
            .filter(|l| l.contains("cases") || l.contains("generated"))
            .collect();
        println!("{paths}: {tail:?}");
    }
    assert_eq!(server.client().get("/healthz").status, 200);
    println!("{made} made up from the description");
    Run::new("made up from the description by schemathesis", 0)
        .count("requests", made)
        .keep_if_asked("attacks");
}

/// How many requests a line of its summary says it made.
fn generated(line: &str) -> Option<u64> {
    let (n, _) = line.trim().split_once(" generated")?;
    n.replace(',', "").parse().ok()
}
