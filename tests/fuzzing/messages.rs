//! The messages that are JSON alone: each is read as every kind there is.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_sync_core::change::Stored;
use tributary_sync_core::form::FormPackage;
use tributary_sync_core::record::Record;
use tributary_sync_core::value::Value;
use tributary_sync_core::wire::bundle::Bundle;
use tributary_sync_core::wire::enrol::{EnrolReply, EnrolRequest, FormDelivery, KeySet};
use tributary_sync_core::wire::message::{
    ActorReply, ActorRequest, CompareReply, CompareRequest, Entry, LostRequest, PolicyEntry,
    SignedTombstone,
};

/// Members and values of the messages.
pub(super) const WORDS: &[&str] = &[
    "\"actor\":",
    "\"epoch\":",
    "\"head\":",
    "\"cursor\":",
    "\"chain\":",
    "\"first\":",
    "\"before\":",
    "\"items\":",
    "\"leaves\":",
    "\"refetch\":",
    "\"max_bytes\":",
    "\"seq\":",
    "\"hash\":",
    "\"change\":",
    "\"opaque\":",
    "\"void\":",
    "\"writes\":",
    "\"seen\":",
    "\"decisions\":",
    "\"origin\":",
    "\"extensions\":",
    "\"effective\":",
    "\"kind\":\"state\"",
    "\"kind\":\"leave\"",
    "\"kind\":\"erased\"",
    "\"kind\":\"scope\"",
    "\"kind\":\"keys\"",
    "\"kind\":\"own\"",
    "\"status\":\"void\"",
    "\"status\":\"cut\"",
    "\"status\":\"quarantined\"",
    "\"status\":\"erased\"",
    "\"agreed\":",
    "\"acked\":",
    "\"code\":\"actor_forked\"",
    "\"code\":\"epoch_changed\"",
    "\"code\":\"sequence_gap\"",
    "\"code\":\"actor_closed\"",
    "\"code\":\"actor_unknown\"",
    "\"code\":\"item_unreadable\"",
    "\"code\":\"cursor_invalid\"",
    "\"expected\":",
    "null",
    "true",
    "9007199254740991",
    "9007199254740992",
    "{\"int\":1}",
    "{\"text\":\"a\"}",
    "{\"codes\":[]}",
    "f1",
    "f1.0000000000000001.f2",
    "m.status",
    "x40",
    "1e300",
];

/// Written and read again it is the same.
fn same<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Option<T> {
    let read: T = serde_json::from_slice(bytes).ok()?;
    let text = serde_json::to_string(&read).expect("a message is JSON");
    let again: T = serde_json::from_str(&text).expect("what was written is read");
    let twice = serde_json::to_string(&again).expect("a message is JSON");
    assert_eq!(text, twice, "{}", std::any::type_name::<T>());
    Some(read)
}

pub(super) fn all(bytes: &[u8]) {
    if let Some(request) = same::<CompareRequest>(bytes) {
        // Within its limits or refused with a code that is in the catalogue.
        let codes = tributary_sync_core::error::ParseError::CODES;
        if let Err(e) = request.check() {
            assert!(codes.iter().any(|(code, _)| *code == e.code()));
        }
    }
    same::<LostRequest>(bytes);
    same::<ActorRequest>(bytes);
    same::<ActorReply>(bytes);
    same::<CompareReply>(bytes);
    same::<EnrolRequest>(bytes);
    same::<EnrolReply>(bytes);
    same::<FormDelivery>(bytes);
    same::<KeySet>(bytes);
    same::<Bundle>(bytes);
    same::<PolicyEntry>(bytes);
    same::<SignedTombstone>(bytes);
    same::<Entry>(bytes);
    same::<Stored>(bytes);
    same::<Record>(bytes);
    same::<Value>(bytes);
    if let Ok(package) = FormPackage::from_bytes(bytes) {
        assert_eq!(package.to_bytes().expect("a package is JSON"), bytes);
    }
}
