//! The load program works: a whole round in small, against the real program. It looks at no number.

#![allow(clippy::unwrap_used, reason = "what cannot fail in a test may say so")]

use std::path::Path;
use std::process::Command;

#[test]
fn a_small_round_stores_pulls_and_downloads_everything() {
    let load = Path::new(env!("CARGO_BIN_EXE_tributary-load"));
    let server = load.with_file_name("tributary");
    assert!(
        server.is_file(),
        "build the programs first: cargo build --workspace --bins"
    );
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(load);
    command.arg("--smoke").arg("--server").arg(server);
    let out = command.arg("--folder").arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    // Four phases of four batches, 16 clients with two interviews in each of two forms, three times 50 assigned records.
    assert!(said.contains("; 1814 rows, "), "{said}");
    assert!(said.contains("memory, started and idle"), "{said}");
}
