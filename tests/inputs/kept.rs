//! The seeds and words on disk are those that the code makes; `TRIBUTARY_BLESS=1` writes them.

use std::path::Path;

use tributary_tests::fuzzing::{TARGETS, corpus, dictionary, folder, read_all, seeds};

/// All seeds together.
const CORPUS_BYTES_MAX: usize = 1_000_000;

fn bless() -> bool {
    std::env::var_os("TRIBUTARY_BLESS").is_some()
}

/// Writes what is missing or other than it should be, when asked to; else names it.
fn same(path: &Path, bytes: &[u8]) {
    if bless() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    let there = std::fs::read(path).unwrap_or_default();
    assert!(
        there == bytes,
        "{} is not what is made now: TRIBUTARY_BLESS=1 writes it",
        path.display()
    );
}

#[test]
fn seeds_are_those_that_are_made_now() {
    let mut total = 0;
    for target in TARGETS {
        for (name, bytes) in seeds(target) {
            same(&corpus(target).join(&name), &bytes);
        }
        total += read_all(&corpus(target))
            .iter()
            .map(|(_, b)| b.len())
            .sum::<usize>();
    }
    assert!(
        total <= CORPUS_BYTES_MAX,
        "{total} bytes of seeds: keep fewer"
    );
}

#[test]
fn dictionaries_hold_the_words_of_their_target() {
    for target in TARGETS.iter().filter(|t| !t.words.is_empty()) {
        let path = folder().join("words").join(format!("{}.dict", target.name));
        same(&path, dictionary(target).as_bytes());
    }
}
