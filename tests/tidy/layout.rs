//! What lies where: the top level, the READMEs, released migrations, no path of anybody's machine.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::{Findings, files};

/// The top level is the diagram; a new name here is a decision.
const TOP: [&str; 13] = [
    ".ci",
    ".clippy.toml",
    ".config",
    ".gitignore",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "schemas",
    "server",
    "sync-core",
    "tests",
];

#[test]
fn the_top_level_holds_what_it_should() {
    let mut findings = Findings::of("the top level holds only the names of tests/tidy/layout.rs");
    let names: BTreeSet<String> = files::all()
        .iter()
        .filter_map(|f| f.split('/').next().map(str::to_owned))
        .collect();
    for name in &names {
        if !TOP.contains(&name.as_str()) {
            findings.add(name, "move it into the folder it belongs to");
        }
    }
    for name in TOP {
        if !names.contains(name) {
            findings.add(name, "is missing");
        }
    }
    findings.assert_none();
}

#[test]
fn every_top_folder_has_a_readme() {
    let mut findings = Findings::of("every top folder has a README.md");
    let all = files::all();
    for folder in TOP {
        let is_folder = !folder.starts_with('.') && files::root().join(folder).is_dir();
        let readme = format!("{folder}/README.md");
        let written = all.contains(&readme) && files::text(&readme).is_some_and(|t| t.len() > 200);
        if is_folder && !written {
            findings.add(readme, "say what is here and what is not");
        }
    }
    findings.assert_none();
}

#[test]
fn no_file_knows_a_machine() {
    let mut findings = Findings::of("no path of a machine in tracked text");
    // Put together here, so that this file does not find itself. `/root/item` is also what XForms call a choice.
    let paths = ["work/", "root/.", "home/"].map(|p| format!("/{p}"));
    for path in files::all() {
        let Some(text) = files::text(&path) else {
            continue;
        };
        for (n, line) in text.lines().enumerate() {
            if let Some(found) = paths.iter().find(|p| stands_alone(line, p)) {
                findings.add(
                    format!("{path}:{}", n + 1),
                    format!("`{found}` is somebody's machine: use a relative path or a variable"),
                );
            }
        }
    }
    findings.assert_none();
}

/// Whether an absolute path starts there, rather than going on (`team/work/`).
fn stands_alone(line: &str, path: &str) -> bool {
    line.match_indices(path)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}".contains(c)))
}

#[test]
fn released_migrations_are_never_edited() {
    const LIST: &str = "server/migrations/released.sha256";
    let mut findings =
        Findings::of("a migration that was released is never edited; write the next one");
    for line in files::text(LIST).expect("the list").lines() {
        let Some((hash, path)) = line.split_once("  ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        match std::fs::read(files::root().join("server/migrations").join(path)) {
            Ok(bytes) if hex::encode(Sha256::digest(&bytes)) == hash => {}
            Ok(_) => findings.add(path, "put it back as released and add a migration"),
            Err(_) => findings.add(path, "is listed as released and gone: put it back"),
        }
    }
    findings.assert_none();
}

#[test]
fn migrations_are_numbered_without_a_hole() {
    let mut findings = Findings::of("migrations are 0001.sql, 0002.sql … in each folder");
    for kind in ["directory", "org"] {
        let prefix = format!("server/migrations/{kind}/");
        let numbers = files::all()
            .into_iter()
            .filter_map(|f| Some(f.strip_prefix(&prefix)?.strip_suffix(".sql")?.to_owned()));
        for (n, number) in numbers.enumerate() {
            if number != format!("{:04}", n + 1) {
                findings.add(
                    format!("{prefix}{number}.sql"),
                    format!("{:04}.sql is next", n + 1),
                );
            }
        }
    }
    findings.assert_none();
}
