//! What `server/web/dist` is made of, as one hash for the WASM and one for the app. `build` writes them there, and
//! `tests/tidy/web.rs` makes them again: who changed an input without building is told so, without Node.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sha2::{Digest, Sha256};

/// The two parts with the folders and files whose bytes go into them.
const PARTS: [(&str, &[&str]); 2] = [
    (
        "wasm",
        &[
            "sync-core/src/",
            "sync-core/Cargo.toml",
            "sync-core/bindings/wasm/",
            "server/web/bindgen/",
        ],
    ),
    ("app", &["server/web/"]),
];
/// What lies there and does not: the output itself, tests, the tool, which is pinned by its lock file.
const LEFT_OUT: [&str; 5] = [
    "server/web/dist/",
    "server/web/field/test/",
    "server/web/bindgen/src/",
    "sync-core/src/testing",
    "sync-core/bindings/wasm/src/tests/",
];

/// The text of `inputs.sha256` over these files, all of the repository at `root`, and over the locked crates behind the
/// WASM: a line for each part.
pub fn text(root: &Path, files: &[String]) -> std::io::Result<String> {
    let mut out = String::new();
    for (part, places) in PARTS {
        out += &format!("{}  {part}\n", hash(root, files, part, places)?);
    }
    Ok(out)
}

fn hash(root: &Path, files: &[String], part: &str, places: &[&str]) -> std::io::Result<String> {
    let counts = |file: &str| {
        places.iter().any(|p| file.starts_with(p))
            && !LEFT_OUT.iter().any(|p| file.starts_with(p))
            && !file.ends_with(".md")
            && !(part == "app" && file.starts_with("server/web/bindgen/"))
    };
    let sorted: BTreeSet<&String> = files.iter().filter(|f| counts(f)).collect();
    let mut all = Sha256::new();
    for file in sorted {
        // Deleted, and still listed.
        if !root.join(file).is_file() {
            continue;
        }
        all.update(file.as_bytes());
        all.update([0]);
        all.update(Sha256::digest(std::fs::read(root.join(file))?));
    }
    if part == "wasm" {
        let lock = std::fs::read_to_string(root.join("Cargo.lock"))?;
        for package in behind(&lock, "tributary-wasm") {
            all.update(package.as_bytes());
        }
    }
    let digest = all.finalize();
    Ok(digest.iter().map(|b| format!("{b:02x}")).collect())
}

/// The entries of a lock file that a package needs, with itself.
fn behind(lock: &str, name: &str) -> BTreeSet<String> {
    let mut packages: BTreeMap<&str, Vec<(&str, &str)>> = BTreeMap::new();
    for entry in lock.split("[[package]]").skip(1) {
        let member = |m: &str| {
            let line = entry.lines().find(|l| l.starts_with(m))?;
            line.split('"').nth(1)
        };
        if let (Some(name), Some(version)) = (member("name = "), member("version = ")) {
            packages.entry(name).or_default().push((version, entry));
        }
    }
    let mut found = BTreeSet::new();
    let mut open = vec![name.to_owned()];
    while let Some(wanted) = open.pop() {
        let mut words = wanted.split(' ');
        let (name, version) = (words.next().unwrap_or_default(), words.next());
        for (v, entry) in packages.get(name).into_iter().flatten() {
            if version.is_some_and(|version| version != *v) || !found.insert((*entry).to_owned()) {
                continue;
            }
            let listed = entry
                .split_once("dependencies = [")
                .map_or("", |(_, rest)| rest);
            open.extend(listed.split('"').skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}
