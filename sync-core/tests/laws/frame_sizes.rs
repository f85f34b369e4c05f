//! What keeps the limits goes through as a frame as it does as JSON, however short the frame is beside what it says.

use proptest::strategy::{Strategy, ValueTree};
use tributary_sync_core::change::{Changeset, Draft, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::ids::{ActorId, EpochId, FieldId, FormHash, LogPos, RecordId, RowId, Seq};
use tributary_sync_core::key::Key;
use tributary_sync_core::record::Record;
use tributary_sync_core::testing::message::{reply, request};
use tributary_sync_core::value::{Codes, Text, Value};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::frame::NoForms;
use tributary_sync_core::wire::message::{Entry, ExchangeReply, ExchangeRequest};

fn change(n: u8, writes: Vec<(Key, Value)>) -> Changeset {
    let draft = Draft {
        record: RecordId::from_bytes([n; 16]),
        dot: Dot::new(ActorId(7), Seq::new(1).unwrap()),
        clock: Hlc::new(1_700_000_000_000, 0).unwrap(),
        form: FormHash::from_bytes([7; 32]),
        creates: true,
        epoch: EpochId::from_bytes([1; 16]),
        seen: Clock::new(),
        writes,
        decisions: Vec::new(),
        origin: None,
        extensions: Vec::new(),
    };
    draft.seal().unwrap()
}

/// `n` choices of a question, each of `len` letters.
fn chosen(n: usize, len: usize) -> Value {
    let codes = (0..n).map(|i| Text::new(format!("{i:0>len$}")).unwrap());
    Value::Codes(Codes::new(codes).unwrap())
}

fn sample<T>(strategy: impl Strategy<Value = T>) -> T {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    strategy.new_tree(&mut runner).unwrap().current()
}

#[test]
fn a_save_of_many_short_choices_keeps_the_limit_in_a_frame_as_in_json() {
    let rows = (0..500u64).map(|n| {
        let row = RowId::from_bytes(n.to_be_bytes());
        let (group, field) = (FieldId(8), FieldId(9));
        (Key::Row { group, row, field }, chosen(60, 2))
    });
    let change = change(1, rows.collect());
    assert!(
        change.bytes().len() < 128 * 1024,
        "{}",
        change.bytes().len()
    );
    let mut request: ExchangeRequest = sample(request(1));
    request.actor = change.dot.actor;
    request.first = change.dot.seq;
    request.items = vec![Item::Change {
        change: Box::new(change),
        effective: None,
    }];
    let read = ExchangeRequest::from_frame(&request.to_frame(&NoForms), &NoForms);
    assert_eq!(read.unwrap(), request);
}

#[test]
fn a_page_of_long_choices_is_read_however_short_its_frame() {
    let states = (1..=100).map(|n| {
        let questions = (10..40).map(|f| (Key::Field(FieldId(f)), chosen(12, 60)));
        let change = change(n, questions.collect());
        let mut state = Record::new(change.record);
        let stamp = Stamp {
            context: Clock::new(),
            effective: change.clock,
            received: 1,
            cut: false,
        };
        let form = change.form;
        state.apply(&Stored { stamp, change });
        let pos = LogPos::new(n.into()).unwrap();
        Entry::State { pos, form, state }
    });
    let mut reply: ExchangeReply = sample(reply(1));
    reply.entries = states.collect();
    let frame = reply.to_frame(&NoForms);
    let read = ExchangeReply::from_frame(&frame, &NoForms).map_err(|e| (e, frame.len()));
    assert_eq!(read.unwrap(), reply);
}
