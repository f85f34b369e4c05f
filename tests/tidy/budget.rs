//! Sizes, module docs and names.

use super::Findings;
use super::rust::Source;

/// Lines of a file before its inline tests.
const FILE_LINES_MAX: usize = 400;
/// Lines of a file that is all tests: stories and tables grow, but one subject stays one file.
const TEST_FILE_LINES_MAX: usize = 700;
/// Lines of a function.
const FUNCTION_LINES_MAX: usize = 70;
/// Lines of a function that is a test: a story or a table of cases is read from top to bottom.
const TEST_LINES_MAX: usize = 100;

/// Files and functions that may be longer, with the reason. `path` for a file, `path::function` for a function.
const LONGER: &[(&str, &str)] = &[
    (
        "server/src/service/forms/tests.rs::faults_name_their_cell",
        "one table of faults and the cells they are found in",
    ),
    ("sync-core/src/form/xform.rs::field", "to be split"),
    (
        "sync-core/src/cbor.rs",
        "writer and reader of one byte form, read side by side",
    ),
    (
        "sync-core/src/wire/message.rs",
        "every message of the protocol with its documented members; nearly all of it is types",
    ),
];

fn excused(what: &str) -> bool {
    LONGER.iter().any(|(name, _)| *name == what)
}

#[test]
fn files_and_functions_stay_small() {
    let mut findings = Findings::of(
        "files of at most 400 lines before inline tests (700 for test files), functions of at most 70 (100 in tests)",
    );
    for source in Source::under(&[""]) {
        let (length, max) = match source.is_test() {
            true => (source.lines.len(), TEST_FILE_LINES_MAX),
            false => (source.length(), FILE_LINES_MAX),
        };
        if length > max && !excused(&source.path) {
            findings.add(
                &source.path,
                format!("{length} lines: split it by subject (at most {max})"),
            );
        }
        let tests_from = source.length();
        for function in source.functions() {
            let name = format!("{}::{}", source.path, function.name);
            let max = match source.is_test() || function.line > tests_from {
                true => TEST_LINES_MAX,
                false => FUNCTION_LINES_MAX,
            };
            if function.length > max && !excused(&name) {
                findings.add(
                    format!("{}:{}", source.path, function.line),
                    format!(
                        "`{}` has {} lines (at most {max}): push ifs up and loops down",
                        function.name, function.length
                    ),
                );
            }
        }
    }
    findings.assert_none();
}

#[test]
fn exceptions_are_still_needed() {
    let mut findings = Findings::of("the table LONGER of tests/tidy/budget.rs holds no dead lines");
    let sources = Source::under(&[""]);
    for (what, _) in LONGER {
        let (path, function) = what
            .split_once("::")
            .map_or((*what, None), |(p, f)| (p, Some(f)));
        let needed = sources
            .iter()
            .filter(|s| s.path == path)
            .any(|s| match function {
                None => s.length() > FILE_LINES_MAX,
                Some(f) => {
                    (s.functions().iter()).any(|g| g.name == f && g.length > FUNCTION_LINES_MAX)
                }
            });
        if !needed {
            findings.add(what, "is short enough or gone: remove its line");
        }
    }
    findings.assert_none();
}

#[test]
fn every_file_says_what_it_is() {
    let mut findings = Findings::of("every Rust file opens with `//!`");
    for source in Source::under(&[""]) {
        let placeholder = source.lines.len() == 1;
        if !placeholder && !source.lines.first().is_some_and(|l| l.starts_with("//! ")) {
            findings.add(
                &source.path,
                "say in the first line what is here, and what is not",
            );
        }
    }
    findings.assert_none();
}

#[test]
fn no_module_is_a_drawer() {
    let mut findings = Findings::of("no module called utils, common, helpers or misc");
    const DRAWERS: [&str; 8] = [
        "utils",
        "util",
        "common",
        "helpers",
        "helper",
        "misc",
        "shared",
        "lib_utils",
    ];
    for path in super::files::rust() {
        let mut parts = path.trim_end_matches(".rs").split('/');
        if parts.any(|p| DRAWERS.contains(&p)) {
            findings.add(&path, "name it after what it holds");
        }
    }
    findings.assert_none();
}

#[test]
fn no_test_is_switched_off() {
    let mut findings = Findings::of("no `#[ignore]` and no `should_panic`");
    for source in Source::under(&[""]) {
        for (n, line) in source.lines.iter().enumerate() {
            let line = line.trim_start();
            let off = line.starts_with("#[ignore") || line.starts_with("#[should_panic");
            if off {
                findings.add(
                    format!("{}:{}", source.path, n + 1),
                    "mend the test or remove it; assert on the error instead of a panic",
                );
            }
        }
    }
    findings.assert_none();
}
