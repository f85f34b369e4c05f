//! Tests that documents name exist: what a document says to be shown, is shown by something that runs.

use super::{Findings, files};

#[test]
fn tests_named_in_documents_exist() {
    let mut findings = Findings::of("every test that server/docs/security.md names exists");
    let tests = tests();
    let doc = "server/docs/security.md";
    let text = files::text(doc).expect("the document");
    let mut named = 0;
    for (n, line) in text.lines().enumerate() {
        for name in line.split('`').skip(1).step_by(2).filter(|q| is_test(q)) {
            named += 1;
            if !tests.contains(name) {
                findings.add(
                    format!("{doc}:{}", n + 1),
                    format!(
                        "there is no test `{name}`: name it as it is now, or say that it is not met"
                    ),
                );
            }
        }
    }
    assert!(named >= 30, "only {named} tests are named");
    findings.assert_none();
}

/// A name with several underscores, and nothing else.
fn is_test(quoted: &str) -> bool {
    let plain = quoted
        .bytes()
        .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    plain && quoted.matches('_').count() >= 3
}

/// The names of all functions that follow `#[test]`.
fn tests() -> std::collections::HashSet<String> {
    let mut found = std::collections::HashSet::new();
    for file in files::rust() {
        let text = files::text(&file).unwrap_or_default();
        for after in text.split("#[test]").skip(1) {
            let name = after
                .split("fn ")
                .nth(1)
                .and_then(|rest| rest.split('(').next());
            found.extend(name.map(str::to_owned));
        }
    }
    found
}
