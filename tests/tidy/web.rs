//! What browsers get is what the sources say: a change without a build is noticed, with no Node and no WASM compiler here.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use super::files;

/// The parts of `server/web/dist` with the folders and files whose bytes go into them, as `server/web/inputs.mjs` has them.
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
/// What lies there and does not: the output itself, tests.
const LEFT_OUT: [&str; 4] = [
    "server/web/dist/",
    "server/web/field/test/",
    "sync-core/src/testing",
    "sync-core/bindings/wasm/src/tests/",
];

fn counts(part: &str, places: &[&str], file: &str) -> bool {
    let of_the_other = part == "app" && file.starts_with("server/web/bindgen/");
    places.iter().any(|p| file.starts_with(p))
        && !LEFT_OUT.iter().any(|p| file.starts_with(p))
        && !file.ends_with(".md")
        && !of_the_other
}

fn hash(part: &str, places: &[&str]) -> String {
    let mut all = Sha256::new();
    for file in files::all().iter().filter(|f| counts(part, places, f)) {
        let bytes = std::fs::read(files::root().join(file)).expect("a listed file");
        all.update(file.as_bytes());
        all.update([0]);
        all.update(Sha256::digest(&bytes));
    }
    if part == "wasm" {
        let lock = files::text("Cargo.lock").expect("the lock file is UTF-8");
        behind(&lock, "tributary-wasm")
            .iter()
            .for_each(|package| all.update(package.as_bytes()));
    }
    hex::encode(all.finalize())
}

/// The entries of a lock file that a package needs, with itself.
fn behind<'l>(lock: &'l str, name: &'l str) -> BTreeSet<&'l str> {
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
    let mut open = vec![name];
    while let Some(wanted) = open.pop() {
        let mut words = wanted.split(' ');
        let (name, exact) = (words.next().unwrap_or_default(), words.next());
        for (version, entry) in packages.get(name).into_iter().flatten() {
            if exact.is_some_and(|exact| exact != *version) || !found.insert(*entry) {
                continue;
            }
            let named = entry.split_once("dependencies = [");
            let named = named.map_or("", |(_, rest)| rest);
            open.extend(named.split('"').skip(1).step_by(2));
        }
    }
    found
}

#[test]
fn dist_is_of_these_sources() {
    let kept = files::text("server/web/dist/inputs.sha256").expect("a hash is UTF-8");
    for (part, places) in PARTS {
        let now = format!("{}  {part}", hash(part, places));
        assert!(
            kept.lines().any(|line| line == now),
            "server/web/dist is stale: run `server/web/build {part}` and commit what it makes"
        );
    }
}

#[test]
fn the_tool_that_makes_the_javascript_is_of_the_version_of_the_crate() {
    let pinned = |manifest: &str, name: &str| {
        let text = files::text(manifest).expect("a manifest is UTF-8");
        let line = text
            .lines()
            .find(|l| l.starts_with(name))
            .map(str::to_owned);
        line.and_then(|l| l.split('"').nth(1).map(str::to_owned))
    };
    let of_the_crate = pinned("Cargo.toml", "wasm-bindgen =");
    assert!(of_the_crate.is_some());
    let tool = "server/web/bindgen/Cargo.toml";
    assert_eq!(of_the_crate, pinned(tool, "wasm-bindgen-cli-support ="));
}
