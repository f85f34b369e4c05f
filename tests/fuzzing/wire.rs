//! Messages of the exchange, changesets, records and bundles: one meaning, whatever the form.

use tributary_sync_core::change::{Changeset, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Hlc};
use tributary_sync_core::record::Record;
use tributary_sync_core::testing::message::OneForm;
use tributary_sync_core::wire::bundle as layout;
use tributary_sync_core::wire::frame::{FieldTable, NoForms};
use tributary_sync_core::wire::message::{ExchangeReply, ExchangeRequest};

use super::{bounded, shelf};

/// What a frame may cost to read, as the laws of `sync-core` have it.
const FRAME: (u64, u64) = (1024 * 1024, 640);
/// What JSON and bytes may cost.
const PLAIN: (u64, u64) = (64 * 1024, 96);

/// Those who know no form, and those who know one.
fn tables() -> [Box<dyn FieldTable>; 2] {
    [Box::new(NoForms), Box::new(OneForm::default())]
}

/// A request is the same through every form of it.
fn same_request(request: &ExchangeRequest) {
    let json = serde_json::to_string(request).expect("a request is JSON");
    let by_json = ExchangeRequest::from_json(&json).expect("its JSON is read");
    assert!(by_json == *request, "JSON says something else");
    for forms in tables() {
        let frame = request.to_frame(&*forms);
        let by_frame = ExchangeRequest::from_frame(&frame, &*forms).expect("its frame is read");
        assert!(by_frame == *request, "the frame says something else");
        let hashes = by_frame.items.iter().zip(&request.items);
        assert!({ hashes }.all(|(a, b)| a.hash() == b.hash()), "hashes");
    }
}

pub(super) fn same_reply(reply: &ExchangeReply) {
    let json = serde_json::to_string(reply).expect("a reply is JSON");
    let by_json: ExchangeReply = serde_json::from_str(&json).expect("its JSON is read");
    assert!(by_json == *reply, "JSON says something else");
    for forms in tables() {
        let frame = reply.to_frame(&*forms);
        let by_frame = ExchangeReply::from_frame(&frame, &*forms).expect("its frame is read");
        assert!(by_frame == *reply, "the frame says something else");
    }
}

pub(super) fn frame_request(bytes: &[u8]) {
    let (fixed, each) = FRAME;
    for forms in tables() {
        let read = || ExchangeRequest::from_frame(bytes, &*forms);
        if let Ok(request) = bounded(bytes.len(), fixed, each, read) {
            same_request(&request);
        }
    }
}

pub(super) fn frame_reply(bytes: &[u8]) {
    let (fixed, each) = FRAME;
    for forms in tables() {
        let read = || ExchangeReply::from_frame(bytes, &*forms);
        if let Ok(reply) = bounded(bytes.len(), fixed, each, read) {
            same_reply(&reply);
        }
    }
}

pub(super) fn json_request(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let read = || ExchangeRequest::from_json(text);
    if let Ok(request) = bounded(bytes.len(), PLAIN.0, PLAIN.1, read) {
        same_request(&request);
    }
}

pub(super) fn json_reply(bytes: &[u8]) {
    let read = || serde_json::from_slice::<ExchangeReply>(bytes);
    if let Ok(reply) = bounded(bytes.len(), PLAIN.0, PLAIN.1, read) {
        same_reply(&reply);
    }
}

pub(super) fn changeset(bytes: &[u8]) {
    let read = || Changeset::from_bytes(bytes);
    let Ok(change) = bounded(bytes.len(), PLAIN.0, PLAIN.1, read) else {
        return;
    };
    assert_eq!(change.bytes(), bytes, "another byte form of the same");
    let json = serde_json::to_vec(&change).expect("a changeset is JSON");
    let by_json: Changeset = serde_json::from_slice(&json).expect("its JSON is read");
    assert_eq!(by_json.bytes(), bytes, "JSON says something else");
    let again = by_json
        .into_draft()
        .seal()
        .expect("what was read is sealed");
    assert_eq!(again.bytes(), bytes, "sealed again it is another");
}

pub(super) fn record(bytes: &[u8]) {
    let read = || Record::from_bytes(bytes);
    let Ok(mut record) = bounded(bytes.len(), PLAIN.0, PLAIN.1, read) else {
        return;
    };
    assert_eq!(record.to_bytes(), bytes, "another byte form of the same");
    let json = serde_json::to_vec(&record).expect("a record is JSON");
    let by_json: Record = serde_json::from_slice(&json).expect("its JSON is read");
    assert!(by_json == record, "JSON says something else");
    let change = super::made::change_of(record.id());
    let stored = Stored {
        stamp: Stamp {
            context: Clock::default(),
            effective: Hlc::default(),
            received: 0,
            cut: false,
        },
        change,
    };
    record.apply(&stored);
    let once = record.to_bytes();
    record.apply(&stored);
    assert_eq!(record.to_bytes(), once, "applied twice it counts twice");
    assert!(Record::from_bytes(&once) == Ok(record), "not readable");
}

pub(super) fn bundle(bytes: &[u8]) {
    if let Ok((org, encapsulated, sealed)) = layout::parts(bytes) {
        let again = layout::file(org, encapsulated, sealed).expect("parts fit together");
        assert_eq!(again, bytes, "put together it is another file");
    }
    if let Ok(content) = layout::unpad(bytes) {
        let padded = layout::pad(content).expect("what came off goes on");
        assert_eq!(layout::unpad(&padded).expect("padded"), content);
    }
    shelf::with(|shelf| shelf.takes_no_bundle(bytes));
}
