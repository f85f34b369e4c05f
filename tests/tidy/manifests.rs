//! Manifests: no dependency that nothing names, versions at the root alone.

use super::{Findings, files};

const MANIFESTS: [(&str, &[&str]); 7] = [
    ("server/Cargo.toml", &["server/"]),
    (
        "sync-core/Cargo.toml",
        &["sync-core/src/", "sync-core/tests/", "sync-core/benches/"],
    ),
    ("sync-core/native/Cargo.toml", &["sync-core/native/"]),
    (
        "sync-core/bindings/wasm/Cargo.toml",
        // It runs the session's tests over its own store.
        &["sync-core/bindings/wasm/", "sync-core/tests/session/"],
    ),
    ("tests/Cargo.toml", &["tests/"]),
    ("tests/disk/Cargo.toml", &["tests/disk/"]),
    ("tests/load/Cargo.toml", &["tests/load/"]),
];

/// Dependencies whose use is on its way.
const SOON: [&str; 1] = ["maud"];

#[test]
fn every_dependency_is_used() {
    let mut findings = Findings::of("no dependency that nothing names");
    let sources = files::rust();
    for (manifest, folders) in MANIFESTS {
        let words: String = sources
            .iter()
            .filter(|s| folders.iter().any(|f| s.starts_with(f)))
            .filter_map(|s| files::text(s))
            .collect();
        for (line, name) in dependencies(manifest) {
            let ident = name.replace('-', "_");
            if !names(&words, &ident) && !SOON.contains(&name.as_str()) {
                findings.add(
                    format!("{manifest}:{line}"),
                    format!("nothing names `{ident}`: take it out"),
                );
            }
        }
    }
    findings.assert_none();
}

/// The names under `[dependencies]` and its kin.
fn dependencies(manifest: &str) -> Vec<(usize, String)> {
    let text = files::text(manifest).expect("a manifest is UTF-8");
    let mut inside = false;
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            inside = line.ends_with("dependencies]");
        } else if inside && let Some(end) = line.find(['.', ' ', '=']) {
            found.push((n + 1, line[..end].to_owned()));
        }
    }
    found
}

/// Whether the text has the word.
fn names(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + word.len()..].starts_with(part))
}

#[test]
fn versions_stand_at_the_root() {
    let mut findings = Findings::of("members take versions from the workspace");
    for (manifest, _) in MANIFESTS {
        let text = files::text(manifest).expect("a manifest is UTF-8");
        for (n, line) in text.lines().enumerate() {
            if line.contains("version = \"") || line.contains("git = ") {
                findings.add(
                    format!("{manifest}:{}", n + 1),
                    "move it to the root manifest",
                );
            }
        }
    }
    findings.assert_none();
}

/// The programs for libFuzzer are a workspace of their own, but their versions are the repository's.
#[test]
fn the_fuzz_programs_bring_one_pinned_dependency() {
    const FUZZ: &str = "tests/fuzz/Cargo.toml";
    let mut findings =
        Findings::of("tests/fuzz has no lock file of its own and pins what it brings");
    let text = files::text(FUZZ).expect("a manifest is UTF-8");
    for (line, name) in dependencies(FUZZ) {
        let given = text.lines().nth(line - 1).unwrap_or_default();
        let pinned = given.contains("= \"=") || given.contains("path = ");
        if !pinned || !["libfuzzer-sys", "tributary-tests"].contains(&name.as_str()) {
            let fix = format!("`{name}`: let tests/fuzzing use it, with a version at the root");
            findings.add(format!("{FUZZ}:{line}"), fix);
        }
    }
    if files::all().iter().any(|f| f == "tests/fuzz/Cargo.lock") {
        findings.add(
            "tests/fuzz/Cargo.lock",
            "`tests/fuzz/run` makes it: take it out",
        );
    }
    findings.assert_none();
}
