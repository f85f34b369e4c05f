//! The frame says exactly what the JSON form says, whoever knows which forms, and a damaged one harms nobody.

use proptest::prelude::*;
use tributary_sync_core::change::Changeset;
use tributary_sync_core::error::ParseError;
use tributary_sync_core::ids::FieldId;
use tributary_sync_core::testing::message::{OneForm, reply, request};
use tributary_sync_core::testing::workload::{Workload, push};
use tributary_sync_core::testing::{Dice, cases};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::frame::{FieldTable, NoForms};
use tributary_sync_core::wire::message::{ExchangeReply, ExchangeRequest, RequestUnreadable};

use crate::decode::{bounded, damage};

fn tables() -> [Box<dyn FieldTable>; 2] {
    [Box::new(NoForms), Box::new(OneForm::default())]
}

/// What a frame may cost to decode: as much as the JSON form of the same content, and a share of each byte given.
fn decoded(bytes: &[u8], forms: &dyn FieldTable) {
    let request = || drop(ExchangeRequest::from_frame(bytes, forms));
    let reply = || drop(ExchangeReply::from_frame(bytes, forms));
    for cost in [
        allocation_counter::measure(request),
        allocation_counter::measure(reply),
    ] {
        let bound = 1024 * 1024 + 640 * bytes.len() as u64;
        assert!(cost.bytes_max <= bound, "{} bytes", cost.bytes_max);
    }
}

proptest! {
    #![proptest_config(cases(3_000))]

    #[test]
    fn a_request_is_the_same_by_frame_and_by_json(request in request(6)) {
        let json = serde_json::to_string(&request).unwrap();
        let by_json = ExchangeRequest::from_json(&json).unwrap();
        prop_assert_eq!(&by_json, &request);
        for forms in tables() {
            let frame = request.to_frame(&*forms);
            let by_frame = ExchangeRequest::from_frame(&frame, &*forms).unwrap();
            for (a, b) in by_frame.items.iter().zip(&by_json.items) {
                prop_assert_eq!(a.hash(), b.hash());
            }
            prop_assert_eq!(&by_frame, &by_json);
        }
        // A reader that knows more forms than the writer thought reads the same.
        let frame = request.to_frame(&NoForms);
        prop_assert_eq!(&ExchangeRequest::from_frame(&frame, &OneForm::default()).unwrap(), &request);
    }

    #[test]
    fn a_reply_is_the_same_by_frame_and_by_json(reply in reply(6)) {
        let by_json: ExchangeReply =
            serde_json::from_str(&serde_json::to_string(&reply).unwrap()).unwrap();
        prop_assert_eq!(&by_json, &reply);
        for forms in tables() {
            let frame = reply.to_frame(&*forms);
            prop_assert_eq!(&ExchangeReply::from_frame(&frame, &*forms).unwrap(), &reply);
        }
    }

    #[test]
    fn a_damaged_frame_harms_nobody(
        request in request(4), reply in reply(4), seed in any::<u64>(),
    ) {
        let mut dice = Dice::new(seed);
        for forms in tables() {
            for mut bytes in [request.to_frame(&*forms), reply.to_frame(&*forms)] {
                damage(&mut bytes, &mut dice);
                decoded(&bytes, &*forms);
            }
        }
    }

    #[test]
    fn arbitrary_frames(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for kind in [1, 2] {
            let frame = [&[1, kind], bytes.as_slice()].concat();
            decoded(&frame, &OneForm::default());
        }
        bounded(&bytes, |b| ExchangeReply::from_frame(b, &NoForms).is_ok());
    }
}

/// Whether the item writes to a field that stands behind the first ten of [`OneForm`].
fn uses_late_field(item: &Item) -> bool {
    let late: Vec<FieldId> = OneForm::default().0[10..].to_vec();
    let Item::Change { change, .. } = item else {
        return false;
    };
    change.writes.iter().any(|(key, _)| {
        let named = [key.field(), key.row().map(|(group, _)| group)];
        named.into_iter().flatten().any(|f| late.contains(&f))
    })
}

proptest! {
    #![proptest_config(cases(1_000))]

    /// A reader whose package ends early cannot read some items: it names the first of them and no other.
    #[test]
    fn a_bad_item_is_named_by_its_number(request in request(5)) {
        let first = request.items.iter().find(|i| uses_late_field(i)).map(Item::seq);
        let short = OneForm(OneForm::default().0[..10].into());
        let frame = request.to_frame(&OneForm::default());
        match (ExchangeRequest::from_frame(&frame, &short), first) {
            (Err(RequestUnreadable::Item(item)), Some(seq)) => prop_assert_eq!(item.seq, seq),
            (Ok(read), None) => prop_assert_eq!(read, request),
            (other, _) => prop_assert!(false, "{:?}", other.map(|_| ())),
        }
    }
}

#[test]
fn a_frame_that_names_fields_by_a_form_unknown_here_says_so() {
    use proptest::strategy::{Strategy, ValueTree};
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let request = loop {
        let request = request(6).new_tree(&mut runner).unwrap().current();
        if request
            .items
            .iter()
            .any(|i| matches!(i, Item::Change { .. }))
        {
            break request;
        }
    };
    let frame = request.to_frame(&OneForm::default());
    match ExchangeRequest::from_frame(&frame, &NoForms) {
        Err(RequestUnreadable::Parse(e)) => assert_eq!(e, ParseError::UnknownForm),
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[test]
fn other_versions_and_other_messages_are_refused() {
    for bytes in [&[][..], &[0, 1], &[2, 1], &[1], &[1, 0], &[1, 3, 0, 0]] {
        assert!(ExchangeRequest::from_frame(bytes, &NoForms).is_err());
        assert!(ExchangeReply::from_frame(bytes, &NoForms).is_err());
    }
    match ExchangeRequest::from_frame(&[9, 1], &NoForms) {
        Err(RequestUnreadable::Parse(e)) => assert_eq!(e, ParseError::Version(9)),
        other => panic!("{:?}", other.map(|_| ())),
    }
}

/// The promise of design §8, measured as `cargo bench` does: 540 bytes an interview, 38 a one-field edit.
#[test]
fn a_batch_of_a_hundred_keeps_the_byte_targets() {
    let mut workload = Workload::new(7, 10);
    let packed = |workload: &Workload, changes: &[Changeset]| {
        let frame = push(workload, changes.to_vec()).to_frame(workload);
        zstd::bulk::compress(&frame, 3).unwrap().len() / changes.len()
    };
    let creates: Vec<_> = (0..100).map(|_| workload.create(0).unwrap()).collect();
    assert!(packed(&workload, &creates) <= 540);
    let edit = |change: &Changeset| {
        let seen = [change.dot].into_iter().collect();
        workload.edit(0, change, seen).unwrap()
    };
    let edits: Vec<_> = creates.iter().map(edit).collect();
    assert!(packed(&workload, &edits) <= 38);
}
