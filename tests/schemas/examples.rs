//! The worked examples of the protocol page, replayed.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tributary_sync_core::change::{Changeset, Stored, chain_next, chain_start};
use tributary_sync_core::form::FormPackage;
use tributary_sync_core::ids::{ActorId, ChainHash, OrgId, Seq};
use tributary_sync_core::record::Record;
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::enrol::{EnrolReply, EnrolRequest, KeySet, PublicKey, SignedKey};
use tributary_sync_core::wire::message::{
    ActorReply, ActorRequest, CompareReply, CompareRequest, Entry, ExchangeReply, ExchangeRequest,
    Grant, Head, LostRequest, SignedTombstone,
};

use super::page::{Block, Page};

/// Reads an example and writes it again: nothing may be lost or added.
fn same_again<T: DeserializeOwned + Serialize>(block: &Block) -> T {
    let read: T = block.json();
    let again = serde_json::to_value(&read).expect("messages are JSON");
    assert_eq!(
        without_empty(again),
        without_empty(block.json()),
        "line {}",
        block.line
    );
    read
}

/// Members that may be left out when they are null or an empty list.
fn without_empty(json: Json) -> Json {
    match json {
        Json::Object(map) => map
            .into_iter()
            .filter(|(_, v)| !v.is_null() && v.as_array().is_none_or(|a| !a.is_empty()))
            .map(|(k, v)| (k, without_empty(v)))
            .collect(),
        Json::Array(list) => list.into_iter().map(without_empty).collect(),
        other => other,
    }
}

/// A pushed changeset names no actor; it is read as an item of an exchange.
fn request(page: &Page) -> ExchangeRequest {
    let block = page.one("exchange-request");
    ExchangeRequest::from_json(&block.body).unwrap_or_else(|e| panic!("line {}: {e:?}", block.line))
}

#[derive(Deserialize)]
struct Chain {
    organisation: OrgId,
    actor: ActorId,
    device_key: PublicKey,
    start: ChainHash,
    after: Vec<ChainHash>,
}

#[test]
fn bytes_and_hashes_of_changesets() {
    let page = Page::read();
    for block in page.of_kind("changeset") {
        let name = block.value("name").expect("a changeset has a name");
        let change: Changeset = same_again(block);
        let bytes = hex::encode(change.bytes());
        assert_eq!(page.with("cbor", "of", name).hex(), bytes, "CBOR of {name}");
        let stated = page.with("item-hash", "of", name).hex();
        assert_eq!(stated, change.hash().to_string(), "item hash of {name}");
        assert_eq!(Changeset::from_bytes(change.bytes()).unwrap(), change);
    }
}

#[test]
fn the_chain() {
    let page = Page::read();
    let block = page.one("chain");
    let chain: Chain = block.json();
    let mut hash = chain_start(chain.organisation, chain.actor, chain.device_key.as_bytes());
    assert_eq!(hash, chain.start);
    let mut hashes = vec![hash];
    for name in block.value("of").unwrap().split(',') {
        let change: Changeset = page.with("changeset", "name", name).json();
        assert_eq!(change.dot.actor, chain.actor);
        hash = chain_next(hash, change.dot.seq, change.hash());
        hashes.push(hash);
    }
    assert_eq!(hashes[1..], chain.after);
    // The exchange pushes the same two.
    let request = request(&page);
    assert_eq!((request.before, request.chain.hash), (hashes[0], hashes[2]));
    let items: Vec<_> = request.items.iter().map(Item::hash).collect();
    let named: Vec<Changeset> = page.of_kind("changeset").iter().map(|b| b.json()).collect();
    assert_eq!(items, named.iter().map(Changeset::hash).collect::<Vec<_>>());
}

#[derive(Deserialize)]
struct Merge {
    changes: Vec<Stored>,
    record: Record,
}

#[test]
fn merging_in_any_order() {
    let page = Page::read();
    let merge: Merge = page.one("merge").json();
    for turn in 0..merge.changes.len() {
        for reversed in [false, true] {
            let mut changes = merge.changes.clone();
            changes.rotate_left(turn);
            if reversed {
                changes.reverse();
            }
            let mut record = Record::new(merge.record.id());
            changes.iter().for_each(|c| record.apply(c));
            assert_eq!(record, merge.record);
            assert_eq!(record.conflicts().count(), 1);
        }
    }
}

/// The organisation, profile and keys of the examples.
fn enrolled(page: &Page) -> EnrolReply {
    same_again(page.one("enrol-reply"))
}

fn verified(key: &PublicKey, bytes: &[u8], signature: &str, what: &str) {
    let signature = hex::decode(signature).expect("signatures are hexadecimal");
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.as_bytes())
        .verify(bytes, &signature)
        .unwrap_or_else(|_| panic!("the signature of the example's {what} is wrong"));
}

#[test]
fn every_signature_is_right() {
    let page = Page::read();
    let keys: KeySet = same_again(page.one("key-set"));
    let enrolled = enrolled(&page);
    let org = enrolled.organisation.id;
    assert_eq!(enrolled.keys, keys);
    for signed in [&keys.receipt, &keys.inbox] {
        let bytes = SignedKey::signed_bytes(org, signed.purpose, &signed.key);
        verified(&keys.root, &bytes, &signed.sig, "key");
    }
    let head = |head: &Head| {
        let bytes = head.signed_bytes(org);
        verified(&keys.receipt.key, &bytes, &head.sig, "head");
    };
    let grant = |grant: &Grant| {
        let bytes = Grant::signed_bytes(org, enrolled.profile, grant.actor, grant.epoch);
        verified(&keys.receipt.key, &bytes, &grant.sig, "grant");
    };
    let tombstone = |stone: &SignedTombstone| {
        let bytes = SignedTombstone::signed_bytes(org, stone.hash);
        verified(&keys.receipt.key, &bytes, &stone.sig, "tombstone");
    };
    grant(&enrolled.grant);
    head(request(&page).head.as_ref().expect("a head"));
    let reply: ExchangeReply = page.one("exchange-reply").json();
    head(&reply.head);
    let receipt = &reply.receipt;
    verified(
        &keys.receipt.key,
        &receipt.signed_bytes(org),
        &receipt.sig,
        "receipt",
    );
    let actor: ActorReply = page.one("actor-reply").json();
    grant(&actor.grant);
    head(&actor.head);
    let compare: CompareRequest = page.one("compare-request").json();
    compare.tombstones.iter().for_each(tombstone);
    for block in page.of_kind("entry") {
        if let Entry::Erased {
            tombstone: stone, ..
        } = block.json()
        {
            tombstone(&stone);
        }
    }
    let text = std::fs::read_to_string(super::page::path()).unwrap();
    assert!(text.contains(&keys.root.fingerprint()) && text.contains(&org.to_string()));
}

#[test]
fn every_message_is_one() {
    let page = Page::read();
    let request = request(&page);
    let again = serde_json::to_value(&request).unwrap();
    let stated: Json = page.one("exchange-request").json();
    assert_eq!(without_empty(again), without_empty(stated));

    let reply: ExchangeReply = same_again(page.one("exchange-reply"));
    assert_eq!(reply.acked, request.chain);
    same_again::<EnrolRequest>(page.one("enrol-request"));
    same_again::<ActorRequest>(page.one("actor-request"));
    same_again::<ActorReply>(page.one("actor-reply"));
    same_again::<CompareRequest>(page.one("compare-request"));
    same_again::<CompareReply>(page.one("compare-reply"));
    same_again::<LostRequest>(page.one("lost-request"));

    let mut kinds: Vec<String> = Vec::new();
    for block in page.of_kind("entry") {
        same_again::<Entry>(block);
        kinds.push(block.json::<Json>()["kind"].as_str().unwrap().to_owned());
    }
    kinds.extend(["actor", "change", "scope"].map(str::to_owned));
    kinds.sort();
    assert_eq!(kinds, ENTRY_KINDS, "every kind of entry is shown");

    for block in page.of_kind("item") {
        let seq = Seq::new(item_seq(&block.json())).unwrap();
        let mut whole = serde_json::to_value(&request).unwrap();
        whole["items"] = Json::Array(vec![block.json()]);
        whole["first"] = seq.get().into();
        let read = ExchangeRequest::from_json(&whole.to_string());
        let read = read.unwrap_or_else(|e| panic!("line {}: {e:?}", block.line));
        let again = serde_json::to_value(&read.items[0]).unwrap();
        assert_eq!(again, block.json::<Json>(), "line {}", block.line);
    }
}

const ENTRY_KINDS: [&str; 13] = [
    "actor",
    "change",
    "enter",
    "erased",
    "form",
    "gone",
    "keys",
    "leave",
    "own",
    "policy",
    "quarantine",
    "scope",
    "state",
];

fn item_seq(item: &Json) -> u64 {
    let body = item.as_object().unwrap().values().find(|v| v.is_object());
    body.unwrap()["seq"].as_u64().unwrap()
}

#[test]
fn the_form_version() {
    let page = Page::read();
    let form = enrolled(&page).forms.remove(0);
    let package: FormPackage = serde_json::from_value(form.package).unwrap();
    let stated = page.one("form-hash").hex();
    assert_eq!(package.hash().unwrap().to_string(), stated);
    use sha2::Digest;
    let xform: [u8; 32] = sha2::Sha256::digest(form.xform.as_bytes()).into();
    assert_eq!(package.xform_sha256, xform);
}

#[test]
fn no_example_is_left_out() {
    let page = Page::read();
    const KINDS: [&str; 22] = [
        "actor-reply",
        "actor-request",
        "cbor",
        "chain",
        "changeset",
        "compare-reply",
        "compare-request",
        "device-proof",
        "device-token",
        "enrol-reply",
        "enrol-request",
        "entry",
        "exchange-reply",
        "exchange-request",
        "form-hash",
        "item",
        "item-hash",
        "key-set",
        "lost-request",
        "merge",
        "nonce-reply",
        "problem",
    ];
    for block in page.all() {
        let known = KINDS.contains(&block.kind()) || block.kind() == "sources";
        assert!(
            known,
            "line {}: a test must know `{}`",
            block.line,
            block.kind()
        );
    }
}
