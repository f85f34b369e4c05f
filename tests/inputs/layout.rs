//! Nothing that takes bytes is left out: every target has its program and its replay, every kind of body a target.

use std::collections::BTreeSet;

use serde_json::Value;
use tributary_tests::fuzzing::{TARGETS, folder};

use super::replay::REPLAYED;

fn names() -> BTreeSet<String> {
    TARGETS.iter().map(|t| t.name.to_owned()).collect()
}

#[test]
fn every_target_has_its_program_and_its_replay() {
    let programs = std::fs::read_dir(folder().join("fuzz_targets")).unwrap();
    let programs = programs.map(|p| p.unwrap().path());
    let programs: BTreeSet<String> = programs
        .map(|p| p.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(programs, names());
    let manifest = std::fs::read_to_string(folder().join("Cargo.toml")).unwrap();
    for name in names() {
        assert!(
            manifest.contains(&format!("name = \"{name}\"\n")),
            "{name} is no program of tests/fuzz/Cargo.toml"
        );
        let program =
            std::fs::read_to_string(folder().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(
            program.contains(&format!("target(\"{name}\")")),
            "{name} runs another target"
        );
    }
    let replayed: BTreeSet<String> = REPLAYED.iter().map(|n| (*n).to_owned()).collect();
    assert_eq!(replayed, names());
}

/// Inputs that once failed lie where a target finds them.
#[test]
fn nothing_is_kept_for_a_target_that_is_not_there() {
    for kind in ["corpus", "found", "words"] {
        let Ok(entries) = std::fs::read_dir(folder().join(kind)) else {
            continue;
        };
        for entry in entries {
            let name = entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned();
            assert!(
                names().contains(&name),
                "{kind}/{name} belongs to no target"
            );
        }
    }
}

/// What routes take, and the targets that stand for it. A new media type gets a line, and a target that reads it.
const BODIES: &[(&str, &[&str])] = &[
    (
        "application/json",
        &["json_request", "json_messages", "lists", "exchange"],
    ),
    (
        "application/vnd.tributary.frame",
        &["frame_request", "exchange"],
    ),
    ("application/octet-stream", &["bundle", "form_file"]),
];

/// Bodies that nobody reads: kept as they come, and judged by their length and hash.
const UNREAD: &[&str] = &["application/offset+octet-stream"];

#[test]
fn every_kind_of_body_has_a_target() {
    let text = std::fs::read_to_string(crate::tidy::root().join("schemas/openapi.json")).unwrap();
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut taken = BTreeSet::new();
    for route in document["paths"].as_object().unwrap().values() {
        for operation in route.as_object().unwrap().values() {
            let content = operation["requestBody"]["content"].as_object();
            taken.extend(content.into_iter().flat_map(|c| c.keys().cloned()));
        }
    }
    assert!(taken.contains("application/json"));
    for media in taken.iter().filter(|m| !UNREAD.contains(&m.as_str())) {
        let line = BODIES.iter().find(|(name, _)| name == media);
        let targets = line.map_or(&[][..], |(_, targets)| targets);
        assert!(
            !targets.is_empty(),
            "a route takes {media}: add a target to tests/fuzzing that reads it"
        );
        assert!(
            targets.iter().all(|t| names().contains(*t)),
            "{media} names a target that is not there"
        );
    }
}
