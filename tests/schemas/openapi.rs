//! `schemas/openapi.json` against the code, and every documented operation against a running server.

use serde_json::Value;
use tributary_tests::harness::TestServer;

fn described() -> Value {
    serde_json::to_value(tributary::http::openapi()).expect("the description is JSON")
}

#[test]
fn the_api_description_is_checked_in() {
    let path = crate::tidy::root().join("schemas/openapi.json");
    let mut expected = serde_json::to_string_pretty(&described()).unwrap();
    expected.push('\n');
    if std::env::var_os("TRIBUTARY_BLESS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let stated = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        stated == expected,
        "schemas/openapi.json is not what the code describes. Look at the difference after:\n  \
         TRIBUTARY_BLESS=1 cargo test -p tributary-tests --test all the_api_description_is_checked_in"
    );
}

/// The path with ids in the place of its parameters.
fn filled(path: &str) -> String {
    let part = |part: &str| match part {
        "{hash}" | "{tombstone}" => "00".repeat(32),
        part if part.starts_with('{') => "00".repeat(16),
        part => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// Every operation that asks for a credential refuses whoever brings none, and says so in its description.
#[test]
fn nothing_that_needs_a_credential_answers_without_one() {
    let server = TestServer::start();
    let api = described();
    let mut asked = 0;
    for (path, methods) in api["paths"].as_object().unwrap() {
        let at = filled(path);
        for (method, operation) in methods.as_object().unwrap() {
            let secured = operation["security"]
                .as_array()
                .is_some_and(|s| !s.is_empty());
            if !secured {
                continue;
            }
            asked += 1;
            let method = method.to_uppercase();
            let json = [("content-type", "application/json")];
            let reply = server.client().send(&method, &at, &json, b"{}");
            let refused = [401, 403].contains(&reply.status);
            assert!(
                refused,
                "{method} {path} answers {} to whoever brings nothing",
                reply.status
            );
            // With a token of no worth a body or an id that cannot be read may be refused first.
            let forger = server.client().with_token("not.a.token");
            let reply = forger.send(&method, &at, &json, b"{}");
            let refused = [400, 401, 403, 404, 415, 422].contains(&reply.status);
            assert!(
                refused,
                "{method} {path} answers {} to a forged token",
                reply.status
            );
            let documented = ["401", "403"]
                .iter()
                .any(|s| operation["responses"].get(s).is_some());
            assert!(
                documented,
                "{method} {path}: describe the answer to whoever is not signed in"
            );
        }
    }
    assert!(asked >= 25, "only {asked} operations ask for a credential");
}
