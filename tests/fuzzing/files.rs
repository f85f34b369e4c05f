//! Where inputs lie: `tests/fuzz/corpus/<target>` holds those that libFuzzer starts from, `tests/fuzz/found/<target>` those
//! that once found something, `tests/fuzz/words/<target>.dict` the words of a format.

use std::path::{Path, PathBuf};

use super::Target;

/// The folder of everything that belongs to fuzzing.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// Where a target's seeds lie.
pub fn corpus(target: &Target) -> PathBuf {
    folder().join("corpus").join(target.name)
}

/// Where the inputs lie that once failed.
pub fn found(target: &Target) -> PathBuf {
    folder().join("found").join(target.name)
}

/// All inputs of a folder with their names, in their order; none where there is no folder.
pub fn read_all(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut inputs: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, std::fs::read(&path).expect("an input"))
        })
        .collect();
    inputs.sort();
    inputs
}

/// A target's words as libFuzzer reads them.
pub fn dictionary(target: &Target) -> String {
    let quoted = |word: &&str| {
        let letters = word.bytes().map(|b| match b {
            b'"' | b'\\' => format!("\\{}", char::from(b)),
            b' '..=b'~' => char::from(b).to_string(),
            _ => format!("\\x{b:02x}"),
        });
        format!("\"{}\"\n", letters.collect::<String>())
    };
    target.words.iter().map(quoted).collect()
}
