//! The mutants of `tests/mutants/`: each still breaks what it was written to break.

use super::{Findings, files};

const FOLDER: &str = "tests/mutants/";

#[test]
fn every_mutant_still_applies() {
    let mut findings = Findings::of("every patch of tests/mutants applies to the product as it is");
    let patches: Vec<String> = files::all()
        .into_iter()
        .filter(|f| f.starts_with(FOLDER) && f.ends_with(".patch"))
        .collect();
    assert!(patches.len() >= 12, "the mutants are gone: {patches:?}");
    for path in patches {
        let patch = files::text(&path).expect("a patch is text");
        if !patch.lines().next().is_some_and(|l| l.ends_with('.')) {
            findings.add(&path, "say in the first line which rule it breaks");
        }
        let hunks = hunks(&patch);
        assert!(!hunks.is_empty(), "{path} changes nothing");
        for (file, before) in hunks {
            let text = files::text(&file).unwrap_or_default();
            if text.matches(&before).count() != 1 {
                findings.add(&path, format!("`{file}` has changed: make the patch anew"));
            }
        }
    }
    findings.assert_none();
}

/// Each changed place: the file, and the lines that stand there before.
fn hunks(patch: &str) -> Vec<(String, String)> {
    let mut file = String::new();
    let mut found: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in patch.lines() {
        if let Some(path) = line.strip_prefix("--- a/") {
            file = path.to_owned();
            inside = false;
        } else if line.starts_with("@@") {
            found.push((file.clone(), String::new()));
            inside = true;
        } else if line.starts_with("diff ") {
            inside = false;
        } else if inside
            && let Some(kept) = line.strip_prefix(' ').or(line.strip_prefix('-'))
            && let Some((_, before)) = found.last_mut()
        {
            before.push_str(kept);
            before.push('\n');
        }
    }
    found
}
