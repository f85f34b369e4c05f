//! The wire forms: every way there and back gives the same changeset, the same hash and the same record; what this
//! build does not know goes through untouched.

use proptest::prelude::*;
use tributary_sync_core::change::{Changeset, Stored};
use tributary_sync_core::key::Key;
use tributary_sync_core::record::Record;
use tributary_sync_core::testing::{cases, strategy};
use tributary_sync_core::value::Value;

proptest! {
    #![proptest_config(cases(6_000))]

    #[test]
    fn a_changeset_comes_back_from_cbor_and_json_with_the_same_hash(change in strategy::changeset()) {
        let from_cbor = Changeset::from_bytes(change.bytes()).unwrap();
        prop_assert_eq!(&from_cbor, &change);
        let json = serde_json::to_string(&change).unwrap();
        let from_json: Changeset = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(from_json.hash(), change.hash());
        prop_assert_eq!(&from_json, &change);
        prop_assert_eq!(serde_json::to_string(&from_json).unwrap(), json);
    }

    #[test]
    fn the_order_in_which_a_save_wrote_is_forgotten(draft in strategy::draft()) {
        let mut backwards = draft.clone();
        backwards.writes.reverse();
        backwards.decisions.reverse();
        backwards.decisions.iter_mut().for_each(|d| d.dots.reverse());
        backwards.extensions.reverse();
        prop_assert_eq!(draft.seal().unwrap().hash(), backwards.seal().unwrap().hash());
    }

    #[test]
    fn keys_and_values_have_one_json_spelling(key in strategy::key(), value in strategy::value()) {
        prop_assert_eq!(key.to_string().parse::<Key>().unwrap(), key);
        let json = serde_json::to_string(&value).unwrap();
        prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
    }

    #[test]
    fn unknown_keys_values_and_extensions_survive_every_form(
        change in strategy::changeset(), key in strategy::opaque(), value in strategy::opaque(),
        extension in strategy::opaque(),
    ) {
        let mut draft = change.into_draft();
        draft.writes.push((Key::Opaque(key.clone()), Value::Opaque(value.clone())));
        draft.extensions = vec![extension.clone()];
        let Ok(change) = draft.seal() else { return Ok(()) };
        let stored = Stored {
            stamp: tributary_sync_core::change::Stamp {
                context: change.seen.clone(),
                effective: change.clock,
                received: 7,
                cut: false,
            },
            change,
        };
        let json: Stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
        let cbor = Changeset::from_bytes(stored.change.bytes()).unwrap();
        for change in [&json.change, &cbor] {
            prop_assert_eq!(&change.extensions, &vec![extension.clone()]);
            prop_assert!(change.writes.contains(&(Key::Opaque(key.clone()), Value::Opaque(value.clone()))));
        }
        let mut record = Record::new(stored.change.record);
        record.apply(&json);
        let record = Record::from_bytes(&record.to_bytes()).unwrap();
        let record: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        prop_assert_eq!(&record.values(&Key::Opaque(key))[0].1, &Value::Opaque(value));
    }

    #[test]
    fn a_stored_changeset_and_its_record_come_back_from_json_and_cbor(stored in strategy::stored()) {
        let back: Stored = serde_json::from_str(&serde_json::to_string(&stored).unwrap()).unwrap();
        prop_assert_eq!(&back, &stored);
        let mut record = Record::new(stored.change.record);
        record.apply(&stored);
        prop_assert_eq!(&Record::from_bytes(&record.to_bytes()).unwrap(), &record);
        let json: Record = serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap();
        prop_assert_eq!(json.digest(), record.digest());
        prop_assert_eq!(&json, &record);
    }

    #[test]
    fn no_answer_shows_in_debug_output(stored in strategy::stored()) {
        let mut draft = stored.change.clone().into_draft();
        let secret = tributary_sync_core::value::Text::new("Sokha Chea").unwrap();
        draft.writes = vec![("f1".parse().unwrap(), Value::Text(secret))];
        let change = draft.seal().unwrap();
        let mut record = Record::new(change.record);
        record.apply(&Stored { change: change.clone(), stamp: stored.stamp });
        let bytes = change.bytes().to_vec();
        let item = tributary_sync_core::wire::Item::Opaque {
            seq: change.dot.seq,
            hash: change.hash(),
            bytes,
        };
        let shown = format!("{change:?} {record:?} {item:?} {:?}", record.winner(&"f1".parse().unwrap()));
        prop_assert!(!shown.contains("Sokha"));
        // 'Sokha' as a list of byte values.
        prop_assert!(!shown.contains("83, 111, 107, 104, 97"));
    }
}
