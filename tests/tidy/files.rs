//! The files that the rules look at: what git tracks or would track; without git, everything but build output.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
        .to_owned()
}

/// Every file, as a path from the repository's root with `/` between.
pub(super) fn all() -> Vec<String> {
    let mut files = tracked().unwrap_or_else(|| {
        let mut files = Vec::new();
        walk(&root(), "", &mut files);
        files
    });
    // A file deleted but not yet committed is still listed.
    files.retain(|f| root().join(f).is_file());
    files.sort();
    assert!(
        files.len() > 50,
        "the repository seems empty: {}",
        files.len()
    );
    files
}

fn tracked() -> Option<Vec<String>> {
    let out = Command::new("git")
        .args([
            "-c",
            "safe.directory=*",
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root())
        .output()
        .ok()
        .filter(|out| out.status.success())?;
    let names = String::from_utf8(out.stdout).ok()?;
    let files: Vec<String> = names.split_terminator('\0').map(str::to_owned).collect();
    (!files.is_empty()).then_some(files)
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    const BUILT: [&str; 5] = [".git", "target", "node_modules", "__pycache__", ".venv"];
    for entry in std::fs::read_dir(folder).expect("a folder of the repository") {
        let entry = entry.expect("an entry of the repository");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{prefix}{name}");
        if entry.path().is_dir() {
            if !BUILT.contains(&name.as_str()) {
                walk(&entry.path(), &format!("{path}/"), files);
            }
        } else {
            files.push(path);
        }
    }
}

/// The Rust files.
pub(crate) fn rust() -> Vec<String> {
    let mut files = all();
    files.retain(|f| f.ends_with(".rs"));
    files
}

/// The text of a file; none if it is not UTF-8.
pub(super) fn text(path: &str) -> Option<String> {
    String::from_utf8(std::fs::read(root().join(path)).expect("a listed file")).ok()
}
