//! Direction: main → cli → startup → http → service → storage → sync-core. Nothing points back.

use super::rust::{Name, Source};
use super::{Findings, files};

/// The modules at the root of the server, each with those that it may name. A new one gets a line here.
const SERVER: &[(&str, &[&str])] = &[
    ("storage", &[]),
    ("service", &["storage"]),
    ("config", &[]),
    ("telemetry", &["config"]),
    ("tls", &["config"]),
    ("http", &["service", "storage", "config", "telemetry"]),
    (
        "startup",
        &["http", "service", "storage", "config", "telemetry", "tls"],
    ),
    (
        "cli",
        &[
            "startup",
            "http",
            "service",
            "storage",
            "config",
            "telemetry",
            "tls",
        ],
    ),
];

#[test]
fn nothing_in_the_server_points_back() {
    let mut findings =
        Findings::of("main → cli → startup → http → service → storage → sync-core, one way");
    for source in Source::under(&["server/src/"]) {
        let module = source.module();
        let Some(own) = module.first() else {
            continue; // lib.rs and main.rs
        };
        let Some((_, may)) = SERVER.iter().find(|(name, _)| name == own) else {
            findings.add(
                &source.path,
                format!("`{own}` is new: give it a line in SERVER of tests/tidy/direction.rs"),
            );
            continue;
        };
        // Tests start what they need.
        let tests_from = source.length();
        for name in source.names() {
            if source.is_test() || name.line > tests_from {
                continue;
            }
            let target = match name.segments.as_slice() {
                [first, target, ..] if first == "crate" => target,
                _ => continue,
            };
            let known = SERVER.iter().any(|(m, _)| m == target);
            if known && target != own && !may.contains(&target.as_str()) {
                findings.add(
                    at(&source, &name),
                    format!("`{own}` may not name `{target}`: move what is shared down"),
                );
            }
        }
    }
    findings.assert_none();
}

fn at(source: &Source, name: &Name) -> String {
    format!("{}:{}", source.path, name.line)
}

/// Names that may stand in some folders of the server only.
fn only_in(rule: &'static str, word: impl Fn(&str) -> bool, places: &[&str], fix: &str) {
    let mut findings = Findings::of(rule);
    for source in Source::under(&["server/src/"]) {
        let allowed = places.iter().any(|p| source.path.starts_with(p));
        let names = source.names();
        if let Some(name) = names
            .iter()
            .find(|n| !allowed && n.segments.iter().any(|s| word(s)))
        {
            findings.add(at(&source, name), fix);
        }
    }
    findings.assert_none();
}

#[test]
fn only_http_and_startup_name_actix() {
    only_in(
        "only server/src/http and startup name actix",
        |s| s.starts_with("actix"),
        &["server/src/http", "server/src/startup"],
        "let http shape the request and the answer; below it everything is plain functions",
    );
}

#[test]
fn only_storage_names_rusqlite() {
    only_in(
        "only server/src/storage names rusqlite",
        |s| s == "rusqlite",
        &["server/src/storage/"],
        "add a method to the transaction in server/src/storage",
    );
}

#[test]
fn only_the_demo_and_the_client_commands_name_the_native_device() {
    only_in(
        "of the server, only the demo names tributary_native",
        |s| s == "tributary_native",
        &["server/src/cli/demo"],
        "the server knows devices by the protocol alone",
    );
}

#[test]
fn the_merge_engine_takes_the_world_as_an_argument() {
    let mut findings =
        Findings::of("sync-core/src has no file, socket, thread, clock or random source inside");
    const MODULES: [&str; 5] = ["fs", "net", "thread", "process", "env"];
    const WORDS: [&str; 8] = [
        "SystemTime",
        "Instant",
        "rand",
        "getrandom",
        "rusqlite",
        "tokio",
        "ureq",
        "RandomState",
    ];
    for source in Source::under(&["sync-core/src/"]) {
        // Strategies and oracles of the tests ask the environment how many cases to try.
        if source.path.starts_with("sync-core/src/testing") {
            continue;
        }
        let tests_from = source.length();
        for name in source.names().iter().filter(|n| n.line <= tests_from) {
            let s: Vec<&str> = name.segments.iter().map(String::as_str).collect();
            let world = matches!(s.as_slice(), ["std", module, ..] if MODULES.contains(module))
                || s.iter().any(|w| WORDS.contains(w))
                || matches!(s.as_slice(), [_, .., "now"]);
            if world {
                findings.add(
                    at(&source, name),
                    format!("`{}`: let the caller bring it", s.join("::")),
                );
            }
        }
    }
    findings.assert_none();
}

#[test]
fn no_manifest_points_back() {
    let mut findings =
        Findings::of("packages depend downwards: tests → server → native → sync-core");
    let refused: &[(&str, &[&str])] = &[
        (
            "sync-core/Cargo.toml",
            &[
                "tributary ",
                "tributary.",
                "tributary-native",
                "tributary-tests",
                "rusqlite",
                "tokio",
                "getrandom",
            ],
        ),
        (
            "sync-core/native/Cargo.toml",
            &["tributary ", "tributary.", "tributary-tests", "actix-web"],
        ),
        (
            "sync-core/bindings/wasm/Cargo.toml",
            &[
                "tributary ",
                "tributary.",
                "tributary-native",
                "tributary-tests",
            ],
        ),
        ("server/Cargo.toml", &["tributary-tests"]),
    ];
    for (manifest, names) in refused {
        let text = files::text(manifest).expect("a manifest is UTF-8");
        for (n, line) in text.lines().enumerate() {
            if let Some(name) = names.iter().find(|name| line.starts_with(**name)) {
                let name = name.trim_end_matches(['.', ' ']);
                findings.add(
                    format!("{manifest}:{}", n + 1),
                    format!("`{name}` lies above: take it out"),
                );
            }
        }
    }
    findings.assert_none();
}
