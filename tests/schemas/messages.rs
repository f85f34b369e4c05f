//! `schemas/messages/sync.schema.json` against the examples of the protocol page and thousands of drawn messages.

use std::collections::HashMap;

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value as Json;
use tributary_sync_core::testing::strategy;

use super::page::Page;

const ADDRESS: &str = "https://tributary.invalid/schemas/messages/sync.schema.json";

/// The kinds of examples and the definitions they follow.
const MESSAGES: [(&str, &str); 18] = [
    ("actor-reply", "ActorReply"),
    ("actor-request", "ActorRequest"),
    ("changeset", "NamedChangeset"),
    ("compare-reply", "CompareReply"),
    ("compare-request", "CompareRequest"),
    ("device-proof", "DeviceProof"),
    ("device-token", "DeviceToken"),
    ("enrol-reply", "EnrolReply"),
    ("enrol-request", "EnrolRequest"),
    ("entry", "Entry"),
    ("exchange-reply", "ExchangeReply"),
    ("exchange-request", "ExchangeRequest"),
    ("item", "Item"),
    ("key-set", "KeySet"),
    ("lost-request", "LostRequest"),
    ("nonce-reply", "NonceReply"),
    ("problem", "Problem"),
    ("stored", "Stored"),
];

struct Validator {
    schemas: Schemas,
    known: HashMap<&'static str, SchemaIndex>,
}

impl Validator {
    fn new() -> Self {
        let path = crate::tidy::root().join("schemas/messages/sync.schema.json");
        let text = std::fs::read_to_string(path).expect("the schema");
        let schema: Json = serde_json::from_str(&text).expect("the schema is JSON");
        let mut compiler = Compiler::new();
        compiler.add_resource(ADDRESS, schema).expect("a schema");
        let mut schemas = Schemas::new();
        let known = MESSAGES
            .iter()
            .map(|(_, name)| {
                let index = compiler.compile(&format!("{ADDRESS}#/$defs/{name}"), &mut schemas);
                (*name, index.unwrap_or_else(|e| panic!("{name}: {e}")))
            })
            .collect();
        Self { schemas, known }
    }
    fn check(&self, name: &str, json: &Json) -> Result<(), String> {
        let index = self.known[name];
        self.schemas
            .validate(json, index)
            .map_err(|e| format!("not a {name}: {e:#}"))
    }
}

#[test]
fn examples_follow_the_schemas() {
    let validator = Validator::new();
    let page = Page::read();
    for block in page.all() {
        if let Some((_, name)) = MESSAGES.iter().find(|(kind, _)| *kind == block.kind()) {
            let checked = validator.check(name, &block.json());
            checked.unwrap_or_else(|e| panic!("line {}: {e}", block.line));
        }
    }
}

#[test]
fn whatever_is_serialised_follows_the_schemas() {
    let validator = Validator::new();
    let mut runner = TestRunner::new(Config::with_cases(1_000));
    runner
        .run(&strategy::stored(), |stored| {
            let json = serde_json::to_value(&stored).unwrap();
            validator
                .check("Stored", &json)
                .map_err(TestCaseError::fail)
        })
        .unwrap();
}

#[test]
fn what_no_server_takes_breaks_the_schemas() {
    let validator = Validator::new();
    let page = Page::read();
    let good: Json = page.one("exchange-request").json();
    type Break = fn(&mut Json);
    let breaks: [(&str, Break); 6] = [
        ("a member that is not known", |r| r["more"] = true.into()),
        ("a number without items' beginning", |r| {
            r["first"] = 0.into()
        }),
        ("a hash in upper case", |r| {
            r["before"] = "AB".repeat(32).into();
        }),
        ("two kinds in one item", |r| {
            r["items"][0]["void"] = serde_json::json!({"seq": 1, "hash": "00".repeat(32)});
        }),
        ("a value of two types", |r| {
            r["items"][0]["change"]["writes"]["f1"] = serde_json::json!({"int": 1, "bool": true});
        }),
        ("a decimal with an exponent", |r| {
            r["items"][0]["change"]["writes"]["f1"] = serde_json::json!({"decimal": "1e5"});
        }),
    ];
    validator.check("ExchangeRequest", &good).unwrap();
    for (what, make) in breaks {
        let mut bad = good.clone();
        make(&mut bad);
        assert!(validator.check("ExchangeRequest", &bad).is_err(), "{what}");
        let text = bad.to_string();
        let read = tributary_sync_core::wire::message::ExchangeRequest::from_json(&text);
        // 0 as the first number reads, and is refused by the gate.
        assert!(read.is_err() || bad["first"] == 0, "{what}");
    }
}
