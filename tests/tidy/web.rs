//! What browsers get is what the sources say: a change without a build is noticed, with no Node and no WASM compiler here.

use super::files;

#[path = "../../server/web/bindgen/src/inputs.rs"]
mod inputs;

#[test]
fn dist_is_of_these_sources() {
    const KEPT: &str = "server/web/dist/inputs.sha256";
    let kept = files::text(KEPT).expect("a hash is UTF-8");
    let now = inputs::text(&files::root(), &files::all()).expect("the inputs read");
    for line in now.lines() {
        let part = line.rsplit(' ').next().unwrap_or_default();
        assert!(
            kept.lines().any(|k| k == line),
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
    let crate_version = pinned("Cargo.toml", "wasm-bindgen =");
    assert!(crate_version.is_some());
    assert_eq!(
        crate_version,
        pinned(
            "server/web/bindgen/Cargo.toml",
            "wasm-bindgen-cli-support ="
        )
    );
}
