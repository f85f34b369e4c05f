//! A client in another language, written from `schemas/sync-protocol.md` alone: its arithmetic against the page's
//! examples, and the program itself against a running server.

use std::path::PathBuf;
use std::process::Command;

/// The Python that `tests/run` has prepared; without it these tests say that they did not run.
fn python() -> Option<PathBuf> {
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
