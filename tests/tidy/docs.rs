//! Documents that cannot drift: every path they name exists.

use super::{Findings, files};

/// Names that look like paths and are none of this repository's files: what is made at run time, or lies elsewhere.
const ELSEWHERE: &[&str] = &[
    "directory.db",
    "target/",
    "org/",
    "attachment/",
    "erased/",
    "keys/",
];

#[test]
fn paths_named_in_documents_exist() {
    let mut findings = Findings::of("every path that a document names exists");
    for doc in files::all() {
        if !doc.ends_with(".md") {
            continue;
        }
        let folder = doc.rsplit_once('/').map_or("", |(f, _)| f);
        let text = files::text(&doc).expect("documents are UTF-8");
        for (line, named) in named_paths(&text) {
            let bare = named.trim_end_matches('/');
            let exists = [folder, ""]
                .iter()
                .any(|base| files::root().join(base).join(bare).exists());
            if !exists && !ELSEWHERE.iter().any(|e| named.starts_with(e)) {
                findings.add(
                    format!("{doc}:{line}"),
                    format!("`{named}` does not exist: name the file as it is now"),
                );
            }
        }
    }
    findings.assert_none();
}

/// What stands in backticks or in the target of a link, and looks like a path of this repository.
fn named_paths(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut fenced = false;
    for (n, line) in text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        let quoted = line.split('`').skip(1).step_by(2).map(str::to_owned);
        let linked = line
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split_once(')'))
            .map(|(target, _)| target.split('#').next().unwrap_or_default().to_owned());
        let paths = quoted.filter(|q| is_path(q)).chain(
            linked.filter(|l| !l.is_empty() && !l.contains("://") && !l.starts_with("mailto:")),
        );
        found.extend(paths.map(|p| (n + 1, p)));
    }
    found
}

fn is_path(text: &str) -> bool {
    const ENDINGS: [&str; 12] = [
        ".rs", ".md", ".toml", ".json", ".sql", ".py", ".xml", ".csv", ".sha256", ".txt", ".ts",
        "/",
    ];
    let plain = text
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"._-/".contains(&b));
    let inside = text.contains('/') && !text.starts_with('/') && !text.starts_with("../");
    plain && inside && ENDINGS.iter().any(|e| text.ends_with(e))
}
