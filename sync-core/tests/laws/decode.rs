//! Decoders never panic and never allocate much more than they were given, on arbitrary bytes and on valid ones that
//! were damaged.

use proptest::prelude::*;
use tributary_sync_core::change::{Changeset, Stored};
use tributary_sync_core::record::Record;
use tributary_sync_core::testing::{Dice, cases, strategy};
use tributary_sync_core::value::Value;
use tributary_sync_core::wire::message::{ExchangeReply, ExchangeRequest};

/// Every byte given may cost this many while it is decoded: the widest step is an entry of a record for a few bytes.
const BYTES_PER_BYTE: u64 = 64;
/// What decoding may cost on top.
const BYTES_FIXED: u64 = 16 * 1024;

/// Runs `decode` and holds it to the bound.
pub(crate) fn bounded<T>(input: &[u8], decode: impl FnOnce(&[u8]) -> T) {
    let cost = allocation_counter::measure(|| drop(decode(input)));
    let bound = BYTES_FIXED + BYTES_PER_BYTE * input.len() as u64;
    assert!(
        cost.bytes_max <= bound,
        "{} bytes allocated for {} bytes of input",
        cost.bytes_max,
        input.len()
    );
}

/// Damages bytes as transport and malice do: flips, cuts, repeats, insertions, lengths made huge.
pub(crate) fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        let end = (at + dice.below(16)).min(bytes.len());
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => bytes[at] = dice.bits().to_le_bytes()[0],
            2 => bytes.truncate(at),
            3 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            4 => drop(bytes.drain(at..end)),
            // A small number in more bytes than it needs.
            5 => bytes.insert(at, 0x18),
            _ => {
                let huge = [[0x9b, 0xff], [0x5b, 0x7f], [0xff, 0xff], [0x80, 0x80]][dice.below(4)];
                bytes.splice(at..at, huge.into_iter().chain([0xff; 7]));
            }
        }
    }
}

fn all_decoders(bytes: &[u8]) {
    bounded(bytes, Changeset::from_bytes);
    bounded(bytes, Record::from_bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        bounded(text.as_bytes(), |b| serde_json::from_slice::<Stored>(b));
        bounded(text.as_bytes(), |b| serde_json::from_slice::<Record>(b));
        bounded(text.as_bytes(), |b| serde_json::from_slice::<Value>(b));
        bounded(text.as_bytes(), |b| {
            serde_json::from_slice::<ExchangeReply>(b)
        });
        bounded(text.as_bytes(), |_| ExchangeRequest::from_json(text));
    }
}

proptest! {
    #![proptest_config(cases(8_000))]

    #[test]
    fn arbitrary_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        all_decoders(&bytes);
    }

    #[test]
    fn damaged_changesets(stored in strategy::stored(), seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let mut bytes = stored.change.bytes().to_vec();
        damage(&mut bytes, &mut dice);
        all_decoders(&bytes);
        // What is taken is canonical: one content, one hash.
        if let Ok(change) = Changeset::from_bytes(&bytes) {
            prop_assert_eq!(change.bytes(), &bytes[..]);
        }
        let mut json = serde_json::to_vec(&stored).unwrap();
        damage(&mut json, &mut dice);
        all_decoders(&json);
    }

    #[test]
    fn damaged_records(stored in strategy::stored(), seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let mut record = Record::new(stored.change.record);
        record.apply(&stored);
        let mut bytes = record.to_bytes();
        damage(&mut bytes, &mut dice);
        all_decoders(&bytes);
        if let Ok(record) = Record::from_bytes(&bytes) {
            prop_assert_eq!(record.to_bytes(), bytes);
        }
        let mut json = serde_json::to_vec(&record).unwrap();
        damage(&mut json, &mut dice);
        all_decoders(&json);
        if let Ok(record) = serde_json::from_slice::<Record>(&json) {
            prop_assert_eq!(Record::from_bytes(&record.to_bytes()).unwrap(), record);
        }
    }
}

/// Whatever stands where a length may stand: it is not believed before the bytes are there.
#[test]
fn a_huge_length_is_not_believed() {
    let writes = vec![
        ("f1".parse().unwrap(), Value::Null),
        (
            "f2".parse().unwrap(),
            serde_json::from_str(r#"{"codes":["a","b"]}"#).unwrap(),
        ),
        (
            "f3".parse().unwrap(),
            serde_json::from_str(r#"{"x40":"AAEC"}"#).unwrap(),
        ),
    ];
    let stored = crate::attacks::stored(1, 2, &[(1, 1), (2, 7)], 9, writes);
    let mut record = Record::new(stored.change.record);
    record.apply(&stored);
    // Byte strings, texts and arrays of two thousand million and of more than fit into any memory, in the fewest bytes:
    // overlong heads are refused for that alone.
    let heads: Vec<Vec<u8>> = [0x40u8, 0x60, 0x80]
        .into_iter()
        .flat_map(|major| {
            let four = [&[major | 26][..], &[0x7f, 0xff, 0xff, 0xff]].concat();
            let eight = [&[major | 27][..], &[0x7f; 8]].concat();
            [four, eight]
        })
        .collect();
    for bytes in [stored.change.bytes(), &record.to_bytes()] {
        for at in 0..bytes.len() {
            for head in &heads {
                all_decoders(&[&bytes[..at], head.as_slice(), &bytes[at..]].concat());
                all_decoders(&[&bytes[..at], head.as_slice(), &bytes[at + 1..]].concat());
            }
        }
    }
}

/// One content has one byte form: a number in more bytes than it needs is refused wherever it stands.
#[test]
fn a_number_in_more_bytes_than_it_needs_is_refused() {
    let writes = vec![(
        "f1".parse().unwrap(),
        serde_json::from_str(r#"{"int":3}"#).unwrap(),
    )];
    let stored = crate::attacks::stored(1, 2, &[(1, 1), (2, 7)], 9, writes);
    let mut record = Record::new(stored.change.record);
    record.apply(&stored);
    for bytes in [stored.change.bytes(), &record.to_bytes()] {
        for (at, byte) in bytes.iter().enumerate().filter(|(_, b)| **b & 0x1f < 24) {
            let longer = [byte & 0xe0 | 24, byte & 0x1f];
            let long = [&bytes[..at], &longer, &bytes[at + 1..]].concat();
            assert!(Changeset::from_bytes(&long).is_err() && Record::from_bytes(&long).is_err());
        }
    }
}

/// Found by damaging JSON: a size that no reader of bytes takes came in through a record as JSON.
#[test]
fn what_json_takes_the_bytes_take_too() {
    let sha256 = "ab".repeat(32);
    let attachment = |size: u64| {
        let json = format!(r#"{{"attachment":{{"sha256":"{sha256}","size":{size},"type":""}}}}"#);
        serde_json::from_str::<Value>(&json)
    };
    assert!(attachment((1 << 53) - 1).is_ok() && attachment(1 << 53).is_err());
    assert!(serde_json::from_str::<Value>(r#"{"geo":[900000001,0,null,null]}"#).is_err());
}
