//! The vectors in `schemas/vectors/`: what other implementations (the browser's, a third party's) must agree with byte
//! for byte, and the golden bytes of record and frame version 1.
//!
//! A drift fails here. What stands in the files is frozen: `TRIBUTARY_BLESS=1 cargo test -p tributary-sync-core vectors`
//! adds cases at their ends and refuses to change one. What is stored, sent or hashed differently is a new version, with
//! vectors of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use tributary_sync_core::change::{Changeset, Stored, chain_next, chain_start};
use tributary_sync_core::ids::{ActorId, FieldId, FormHash, OrgId, Seq};
use tributary_sync_core::policy::Policies;
use tributary_sync_core::record::Record;
use tributary_sync_core::wire::frame::{FieldTable, NoForms};
use tributary_sync_core::wire::message::{ExchangeReply, ExchangeRequest, PolicyEntry};

fn path(name: &str) -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join("../schemas/vectors").join(name)
}

fn stored_vectors(name: &str) -> Json {
    let text = std::fs::read_to_string(path(name)).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Whether `made` says all that `old` said, and at most more at the ends of lists.
fn extends(old: &Json, made: &Json) -> bool {
    match (old, made) {
        (Json::Array(old), Json::Array(made)) => made.starts_with(old),
        (Json::Object(old), Json::Object(made)) => old
            .iter()
            .all(|(k, v)| made.get(k).is_some_and(|m| extends(v, m))),
        _ => old == made,
    }
}

#[test]
fn a_vector_that_stands_is_not_written_over() {
    let old = json!({"h": ["a", "b"], "actor": 1});
    assert!(extends(
        &old,
        &json!({"h": ["a", "b", "c"], "actor": 1, "more": true})
    ));
    for changed in [
        json!({"h": ["a", "c"], "actor": 1}),
        json!({"h": ["a"], "actor": 1}),
        json!({"h": ["a", "b"], "actor": 2}),
        json!({"h": ["a", "b"]}),
    ] {
        assert!(!extends(&old, &changed), "{changed}");
    }
}

/// Refuses drift, or adds to the file when told to.
fn hold(name: &str, made: &Json) {
    if std::env::var_os("TRIBUTARY_BLESS").is_some() {
        if path(name).exists() {
            assert!(
                extends(&stored_vectors(name), made),
                "{name}: a vector that stands would change; that is a new version of the form, with vectors of its own"
            );
        }
        let text = serde_json::to_string_pretty(made).unwrap() + "\n";
        std::fs::create_dir_all(path("")).unwrap();
        std::fs::write(path(name), text).unwrap();
    }
    assert_eq!(*made, stored_vectors(name), "{name} has drifted");
}

const FORM: &str = "0303030303030303030303030303030303030303030303030303030303030303";
const RECORD: &str = "11111111111111111111111111111111";
const EPOCH: &str = "0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e";

fn change(actor: u32, seq: u64, seen: &Json, writes: &Json) -> Json {
    json!({
        "actor": actor, "seq": seq, "record": RECORD, "clock": [1_793_500_000_000u64 + seq % 1_000, 0],
        "form": FORM, "epoch": EPOCH, "seen": seen, "writes": writes,
    })
}

/// The changeset of JSON as this crate writes it again.
fn again(json: &Json) -> Json {
    serde_json::to_value(parsed(json)).unwrap()
}

/// Every kind of key and value, the rare members, the bounds.
fn changesets() -> Vec<(&'static str, Json)> {
    let mut create = change(
        1,
        1,
        &json!({}),
        &json!({
            "f7": {"code": "given"},
            "f12": {"text": "Sokha ចា"},
            "f13": {"codes": ["a", "b"]},
            "f14": {"int": -9_007_199_254_740_991i64},
            "f15": {"decimal": "-12.5"},
            "f16": {"date": "2026-11-24"},
            "f17": {"time": "09:12:00.000"},
            "f18": {"time": "09:12:33.250+07:00"},
            "f19": {"datetime": "2026-11-24T09:12:33.250-03:30"},
            "f20": {"geo": [115_564_000, 1_049_282_000, null, 450]},
            "f21": {"attachment": {
                "sha256": "abababababababababababababababababababababababababababababababab",
                "size": 120_034, "type": "image/jpeg"}},
            "f22": {"bool": true},
            "f23": {"null": true},
            "f4294967295": {"int": 24},
            "g9.00000000000000aa.row": {"row": "a0"},
            "g9.00000000000000aa.f30": {"int": 12},
            "g9.00000000000000bb.row": {"row": "00000000000000aa/a1"},
            "m.status": {"code": "complete"},
            "m.comment.0000000000000001": {"text": ""},
        }),
    );
    create["creates"] = json!(true);
    let mut unknown = change(
        1,
        2,
        &json!({"1": 1}),
        &json!({
            "f7": {"x40": "AAEC"}, "x77.AAEC": {"x4294967295": ""}, "m.deleted": {"deleted": false},
        }),
    );
    unknown["extensions"] = json!({"x32": "/w=="});
    let mut decided = change(
        2,
        9,
        &json!({"1": 2, "2": 4}),
        &json!({"f7": {"code": "given"}}),
    );
    decided["decisions"] = json!([{"key": "f7", "dots": [[1, 1], [1, 2]], "reason": "she asked"}]);
    decided["origin"] = json!({"actor": 3, "seq": 8, "hash": FORM});
    vec![
        ("every kind of key and value", create),
        ("what this version does not know", unknown),
        ("a decision and an origin", decided),
        (
            "nothing written",
            change(1, 9_007_199_254_740_991, &json!({}), &json!({})),
        ),
    ]
}

fn parsed(json: &Json) -> Changeset {
    serde_json::from_value(json.clone()).unwrap()
}

#[test]
fn vectors_of_changesets() {
    let one = |(name, json): &(&str, Json)| {
        let change = parsed(json);
        json!({
            "name": name,
            "changeset": again(json),
            "cbor": hex::encode(change.bytes()),
            "item_hash": change.hash(),
        })
    };
    hold("changesets.json", &changesets().iter().map(one).collect());
    for vector in stored_vectors("changesets.json").as_array().unwrap() {
        let bytes = hex::decode(vector["cbor"].as_str().unwrap()).unwrap();
        let change = Changeset::from_bytes(&bytes).unwrap();
        assert_eq!(serde_json::to_value(&change).unwrap(), vector["changeset"]);
        assert_eq!(
            serde_json::to_value(change.hash()).unwrap(),
            vector["item_hash"]
        );
    }
}

#[test]
fn vectors_of_a_chain() {
    let org = OrgId::from_bytes([0x0a; 16]);
    let key = [&[4u8][..], &[7; 64]].concat();
    let mut hash = chain_start(org, ActorId(1), &key);
    let mut chain = vec![hash];
    let items: Vec<_> = changesets()
        .iter()
        .map(|(_, json)| parsed(json).hash())
        .collect();
    for (n, item) in (1u64..).zip(&items) {
        hash = chain_next(hash, Seq::new(n).unwrap(), *item);
        chain.push(hash);
    }
    hold(
        "chain.json",
        &json!({
            "org": org, "actor": 1, "device_key": hex::encode(&key), "item_hashes": items, "h": chain,
        }),
    );
}

fn stamped(change: &Json, effective: u64) -> Json {
    let context = &change["seen"];
    json!({
        "change": change,
        "stamp": {"context": context, "effective": [effective, 0], "received": effective + 10},
    })
}

/// Histories of few changesets, with the policies that they are read under.
fn histories() -> Vec<(&'static str, Vec<Json>)> {
    let code =
        |code: &str| json!({"f7": {"code": code}, "f12": {"text": code}, "f13": {"codes": [code]}});
    let settled = change(3, 1, &json!({"1": 1, "2": 1}), &code("given"));
    let conflict = [
        stamped(&change(1, 1, &json!({}), &code("given")), 3_000),
        stamped(&change(2, 1, &json!({}), &code("withdrawn")), 2_000),
    ];
    let mut ended = conflict.to_vec();
    ended.push(stamped(&settled, 1_000));
    let deleted = change(
        2,
        2,
        &json!({"1": 1, "2": 1}),
        &json!({
            "m.deleted": {"deleted": true}, "g9.00000000000000aa.row": {"deleted": true},
        }),
    );
    let mut gone = conflict.to_vec();
    gone.push(stamped(&deleted, 4_000));
    let mut everything: Vec<Json> = changesets()
        .iter()
        .take(3)
        .map(|(_, json)| stamped(json, 5_000))
        .collect();
    everything[2]["stamp"]["cut"] = json!(true);
    vec![
        ("two answers without sight of each other", conflict.to_vec()),
        ("settled by somebody who saw both", ended),
        ("deleted by somebody who saw both", gone),
        ("every kind of key and value", everything),
    ]
}

fn policy_entries() -> Json {
    json!([
        {"form_id": "intake", "field": 7, "policy": "protective", "order": ["given", "withdrawn"], "consent": ["given"]},
        {"form_id": "intake", "field": 13, "policy": "union"},
    ])
}

fn policies(entries: &Json) -> Policies {
    let mut policies = Policies::default();
    for entry in entries.as_array().unwrap() {
        let entry: PolicyEntry = serde_json::from_value(entry.clone()).unwrap();
        policies.set(entry.field, entry.field_policy());
    }
    policies
}

fn merged<'s>(stored: impl Iterator<Item = &'s Json>) -> Record {
    let all: Vec<Stored> = stored
        .map(|s| serde_json::from_value(s.clone()).unwrap())
        .collect();
    let mut record = Record::new(all[0].change.record);
    all.iter().for_each(|s| record.apply(s));
    record
}

/// What a reader sees.
fn read(record: &Record, policies: &Policies) -> Json {
    let values: BTreeMap<String, _> = record
        .keys()
        .map(|(key, _)| (key.to_string(), policies.read(record, key)))
        .collect();
    let conflicts: BTreeMap<String, Vec<_>> = record
        .conflicts()
        .map(|c| {
            (
                c.key.to_string(),
                c.candidates.iter().map(|c| c.value.clone()).collect(),
            )
        })
        .collect();
    json!({
        "values": values,
        "conflicts": conflicts,
        "presence": format!("{:?}", record.presence()).to_lowercase(),
        "withheld": policies.withheld(record),
    })
}

#[test]
fn vectors_of_records() {
    let entries = policy_entries();
    let one = |(name, stored): &(&str, Vec<Json>)| {
        let record = merged(stored.iter());
        json!({
            "name": name,
            "stored": stored,
            "record": record,
            "cbor": hex::encode(record.to_bytes()),
            "digest": hex::encode(record.digest()),
            "read": read(&record, &policies(&entries)),
        })
    };
    let records: Vec<Json> = histories().iter().map(one).collect();
    hold(
        "records.json",
        &json!({"policies": entries, "records": records}),
    );
    let file = stored_vectors("records.json");
    for vector in file["records"].as_array().unwrap() {
        let bytes = hex::decode(vector["cbor"].as_str().unwrap()).unwrap();
        let record = Record::from_bytes(&bytes).unwrap();
        assert_eq!(
            record,
            merged(vector["stored"].as_array().unwrap().iter().rev())
        );
        assert_eq!(
            record,
            serde_json::from_value(vector["record"].clone()).unwrap()
        );
        assert_eq!(
            hex::encode(record.digest()),
            vector["digest"].as_str().unwrap()
        );
        assert_eq!(read(&record, &policies(&file["policies"])), vector["read"]);
    }
}

/// The fields of one form version.
struct Package(Vec<FieldId>);

impl FieldTable for Package {
    fn fields(&self, form: FormHash) -> Option<Arc<[FieldId]>> {
        (form.to_string() == FORM).then(|| self.0.as_slice().into())
    }
}

fn request() -> Json {
    let items: Vec<Json> = changesets()
        .iter()
        .take(2)
        .map(|(_, json)| {
            let mut change = json.clone();
            change.as_object_mut().unwrap().remove("actor");
            json!({"change": change})
        })
        .chain([
            json!({"void": {"seq": 3, "hash": FORM}}),
            json!({"opaque": {"seq": 4, "hash": FORM, "bytes": "AAEC"}}),
        ])
        .collect();
    let mut request = json!({
        "actor": 1, "epoch": EPOCH, "head": head(), "cursor": "c-1",
        "chain": {"seq": 4, "hash": FORM}, "first": 1, "before": FORM, "items": items,
        "leaves": [RECORD], "refetch": [], "max_bytes": 65_536,
        "device_time": 1_793_500_000_123u64, "client": "vectors/1",
    });
    request["items"][1]["effective"] = json!([1_793_500_000_999u64, 2]);
    request
}

fn head() -> Json {
    json!({"epoch": EPOCH, "opened": 1_790_000_000_000u64, "pos": 70, "hash": FORM, "copied": 60, "sig": "5a".repeat(64)})
}

fn reply() -> Json {
    let stored = stamped(&changesets()[2].1, 1_793_500_001_000);
    let state = merged(histories()[0].1.iter());
    json!({
        "epoch": EPOCH, "server_time": 1_793_500_002_000u64, "head": head(),
        "acked": {"seq": 4, "hash": FORM},
        "results": [
            {"seq": 1, "status": "applied", "effective": [1_793_500_000_001u64, 0], "pos": 68},
            {"seq": 2, "status": "quarantined", "repeat": true, "code": "not_allowed"},
        ],
        "receipt": {
            "actor": 1, "seq": 4, "hash": FORM, "epoch": EPOCH, "copied": 60, "copied_seq": 0,
            "attachments": ["cd".repeat(32)], "sig": "5b".repeat(64),
        },
        "entries": [
            {"kind": "enter", "pos": 68, "record": RECORD},
            {"kind": "state", "pos": 68, "form": FORM, "state": state},
            {"kind": "change", "pos": 69, "stored": stored},
            {"kind": "own", "pos": 70, "actor": 1, "seq": 1, "effective": [1_793_500_000_001u64, 0],
             "received": 1_793_500_001_500u64},
            {"kind": "actor", "pos": 0, "actor": 2, "name": "Dara"},
            {"kind": "leave", "pos": 70, "record": RECORD},
            {"kind": "gone", "record": FORM[..32].to_owned()},
            {"kind": "scope", "records": [RECORD]},
        ],
        "cursor": "c-2", "more": true,
    })
}

#[test]
fn vectors_of_frames() {
    let fields: Vec<u32> = vec![7, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 9, 30];
    let package = Package(fields.iter().map(|f| FieldId(*f)).collect());
    let asked = ExchangeRequest::from_json(&request().to_string()).unwrap();
    let answered: ExchangeReply = serde_json::from_value(reply()).unwrap();
    hold(
        "frames.json",
        &json!({
            "version": 1,
            "forms": {FORM: fields},
            "request": {
                "json": asked,
                "frame": hex::encode(asked.to_frame(&package)),
                "frame_without_forms": hex::encode(asked.to_frame(&NoForms)),
            },
            "reply": {
                "json": answered,
                "frame": hex::encode(answered.to_frame(&package)),
                "frame_without_forms": hex::encode(answered.to_frame(&NoForms)),
            },
        }),
    );
    let file = stored_vectors("frames.json");
    let bytes =
        |message: &str, form: &str| hex::decode(file[message][form].as_str().unwrap()).unwrap();
    for form in ["frame", "frame_without_forms"] {
        let read = ExchangeRequest::from_frame(&bytes("request", form), &package).unwrap();
        assert_eq!(
            serde_json::to_value(&read).unwrap(),
            file["request"]["json"]
        );
        let read = ExchangeReply::from_frame(&bytes("reply", form), &package).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), file["reply"]["json"]);
    }
}
