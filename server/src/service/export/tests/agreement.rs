//! Reading in place and reading as a whole say the same, and rows leave as they come.

use std::io::Write;

use tributary_sync_core::change::{Draft, Stamp, Stored};
use tributary_sync_core::record::Record;
use tributary_sync_core::testing::Dice;

use super::super::scan::Scanner;
use super::super::whole::Whole;
use super::*;
use crate::service::exchange::status;

/// A record that three people wrote, who saw this and that of each other.
fn random_record(dice: &mut Dice, office: &Office) -> Record {
    let mut record = Record::new(RecordId::from_bytes(dice.bytes()));
    let mut made: Vec<Dot> = Vec::new();
    for n in 1..=1 + dice.below(4) as u64 {
        let actor = 1 + dice.below(3) as u32;
        let dot = Dot::new(ActorId(actor), Seq::new(n).unwrap());
        let seen: Clock = made.iter().copied().filter(|_| dice.chance(70)).collect();
        let mut writes = Vec::new();
        let mut maybe = |dice: &mut Dice, percent, key: Key, values: &[Value]| {
            if dice.chance(percent) {
                writes.push((key, values[dice.below(values.len())].clone()));
            }
        };
        let consents = [code("given"), code("withdrawn"), Value::Null];
        maybe(dice, 60, office.field("consent"), &consents);
        maybe(dice, 60, office.field("who/name"), &[text("a"), text("b")]);
        let states = [
            "draft", "complete", "approved", "returned", "rejected", "else",
        ]
        .map(code);
        maybe(dice, 70, Key::Meta(MetaKey::Status), &states);
        maybe(
            dice,
            10,
            Key::Meta(MetaKey::Deleted),
            &[Value::Deleted(true), Value::Deleted(false)],
        );
        maybe(
            dice,
            30,
            office.row("legs", 1),
            &[place(None, "a0"), Value::Deleted(true)],
        );
        maybe(dice, 30, office.cell("legs", 1, "legs/from"), &[text("x")]);
        writes.push((office.field("needs"), codes(&["food"])));
        let saved = Hlc::new(1 + dice.below(1_000) as u64, 0).unwrap();
        let draft = Draft {
            record: record.id(),
            dot,
            clock: saved,
            form: office.v1,
            creates: false,
            epoch: EpochId::from_bytes([1; 16]),
            seen: seen.clone(),
            writes,
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        };
        let stamp = Stamp {
            context: seen,
            effective: saved,
            received: 5,
            cut: false,
        };
        record.apply(&Stored {
            change: draft.seal().unwrap(),
            stamp,
        });
        made.push(dot);
    }
    record
}

#[test]
fn reading_in_place_agrees_with_reading_as_a_whole() {
    let office = Office::open();
    let export = office
        .files
        .read::<_, ExportError>(office.org, |txn| {
            prepare(txn, &office.env, LINEAGE, Options::default())
        })
        .unwrap();
    let sheet = export.layout.main().unwrap();
    let scanner = Scanner::new(&export.layout, &export.policies, sheet, true);
    let mut dice = Dice::new(11);
    let mut in_place = 0;
    for _ in 0..3_000 {
        let record = random_record(&mut dice, &office);
        let bytes = record.to_bytes();
        let scan = scanner.scan(&bytes).unwrap();
        let asked = scan.whole(&export.policies, &bytes).unwrap();
        in_place += u32::from(asked.is_none());
        let whole = Whole::new(record, &export.policies);
        let asked = asked.as_ref();
        assert_eq!(scan.status(asked), status(&whole.record));
        assert_eq!(scan.presence(asked), whole.record.presence());
        assert_eq!(
            scan.withheld(&scanner, asked),
            export.policies.withheld(&whole.record)
        );
        assert!(asked.is_some() || whole.record.conflicts().next().is_none());
    }
    assert!(
        (500..2_500).contains(&in_place),
        "{in_place} of 3,000 in place"
    );
}

/// Sees how much comes at once.
#[derive(Default)]
struct Watch {
    most: usize,
    all: usize,
}
impl Write for Watch {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.most = self.most.max(bytes.len());
        self.all += bytes.len();
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn rows_leave_as_they_come() {
    let mut office = Office::open();
    let name = office.field("who/name");
    for record in 1..=60 {
        office.interview(1, record, vec![(name.clone(), text(&"ກ".repeat(20_000)))]);
    }
    for format in [Format::Csv, Format::JsonLines] {
        let mut watch = Watch::default();
        let options = Options {
            format,
            ..Options::default()
        };
        office
            .files
            .read::<_, ExportError>(office.org, |txn| {
                let export = prepare(txn, &office.env, LINEAGE, options)?;
                export.write(txn, &office.env, &mut watch)
            })
            .unwrap();
        assert!(watch.all > 3_500_000);
        assert!(watch.most < 256 * 1024, "{} bytes at once", watch.most);
    }
}
