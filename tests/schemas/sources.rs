//! The protocol page names the hashes of the sources it describes, so that it cannot drift in silence.

use sha2::{Digest, Sha256};

use super::page::{Page, path};
use crate::tidy::{root, rust_files};

/// What the page describes: everything that decides over bytes, hashes and messages.
const SOURCES: [&str; 8] = [
    "sync-core/src/cbor.rs",
    "sync-core/src/change.rs",
    "sync-core/src/clock.rs",
    "sync-core/src/ids.rs",
    "sync-core/src/key.rs",
    "sync-core/src/value.rs",
    "sync-core/src/value/",
    "sync-core/src/wire/",
];

fn expected() -> String {
    let mut out = String::new();
    for file in rust_files() {
        if SOURCES.iter().any(|s| file.starts_with(s)) {
            let bytes = std::fs::read(root().join(&file)).expect("a source");
            out.push_str(&format!("{}  {file}\n", hex::encode(Sha256::digest(bytes))));
        }
    }
    out
}

#[test]
fn sources_of_the_protocol_page() {
    let expected = expected();
    let page = Page::read();
    let stated = &page.one("sources").body;
    if *stated == expected {
        return;
    }
    if std::env::var_os("TRIBUTARY_BLESS").is_some() {
        let text = std::fs::read_to_string(path()).expect("the page");
        let (before, rest) = text.split_once("```text sources\n").expect("the list");
        let (_, after) = rest.split_once("```").expect("the end of the list");
        let text = format!("{before}```text sources\n{expected}```{after}");
        std::fs::write(path(), text).expect("writing the page");
        return;
    }
    let changed: Vec<&str> = expected.lines().filter(|l| !stated.contains(l)).collect();
    panic!(
        "sources of schemas/sync-protocol.md have changed:\n  {}\nRead the page, change what is no longer true, then:\n  \
         TRIBUTARY_BLESS=1 cargo test -p tributary-tests --test all sources_of_the_protocol_page",
        changed.join("\n  ")
    );
}
