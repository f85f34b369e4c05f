//! Zip and JSON Lines: repeats tied to their records, every answer with its author.

use std::io::{Cursor, Read as _};

use super::*;

fn files(bytes: Vec<u8>) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let names: Vec<String> = zip.file_names().map(|n| n.unwrap().into_owned()).collect();
    names
        .into_iter()
        .map(|name| {
            let mut bytes = Vec::new();
            zip.by_name(&name).unwrap().read_to_end(&mut bytes).unwrap();
            (name, bytes)
        })
        .collect()
}

fn travels() -> Office {
    let mut office = Office::open();
    let writes = vec![
        (office.row("legs", 1), place(None, "a2")),
        (office.cell("legs", 1, "legs/from"), text("Vientiane")),
        (office.row("legs", 2), place(None, "a1")),
        (office.cell("legs", 2, "legs/from"), text("ປາກເຊ")),
        (office.row("legs", 3), place(None, "a0")),
        (office.cell("legs", 3, "legs/from"), text("gone")),
        (office.row("legs/stops", 9), place(Some(2), "a0")),
        (
            office.cell("legs/stops", 9, "legs/stops/town"),
            text("Ubon"),
        ),
        (
            office.cell("legs", 4, "legs/from"),
            text("its place has not come"),
        ),
    ];
    let made = office.interview(1, 1, writes);
    let gone = vec![(office.row("legs", 3), Value::Deleted(true))];
    let deleted = office.save(2, 1, &[made], office.env.now, gone);
    let town = office.cell("legs/stops", 9, "legs/stops/town");
    office.save(
        2,
        1,
        &[made, deleted],
        office.env.now,
        vec![(town.clone(), text("Ubon Ratchathani"))],
    );
    office.save(
        3,
        1,
        &[made],
        office.env.now - 1,
        vec![(town, text("Udon"))],
    );
    office
}

#[test]
fn stops_of_a_deleted_leg_leave_the_file_with_it_unless_somebody_never_saw_them() {
    for unseen in [false, true] {
        let mut office = Office::open();
        let town = office.cell("legs/stops", 9, "legs/stops/town");
        let writes = vec![
            (office.row("legs", 2), place(None, "a1")),
            (office.cell("legs", 2, "legs/from"), text("Pakse")),
            (office.row("legs/stops", 9), place(Some(2), "a0")),
            (town.clone(), text("Ubon")),
        ];
        let first = office.interview(1, 1, writes);
        let saved = office.env.now;
        if unseen {
            office.save(2, 1, &[first], saved, vec![(town, text("Udon"))]);
        }
        let gone = vec![(office.row("legs", 2), Value::Deleted(true))];
        office.save(1, 1, &[first], saved, gone);
        let zip = Options {
            format: Format::Zip,
            ..Options::default()
        };
        let files = files(office.export(zip).0);
        let rows = |name: &str| Table::read(&files[name]).rows.len();
        let left = usize::from(unseen);
        assert_eq!(rows("case.legs.csv"), left);
        assert_eq!(rows("case.legs-stops.csv"), left);
    }
}

#[test]
fn each_repeat_is_a_file_tied_by_record_and_row() {
    let office = travels();
    let (bytes, trailer) = office.export(Options {
        format: Format::Zip,
        ..Options::default()
    });
    let files = files(bytes);
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "case.conflicts.csv",
            "case.csv",
            "case.legs-stops.csv",
            "case.legs.csv",
            "meta.json"
        ]
    );
    let legs = Table::read(&files["case.legs.csv"]);
    assert_eq!(
        legs.column("legs/from"),
        ["ປາກເຊ", "Vientiane", "its place has not come"]
    );
    assert_eq!(legs.column("_position"), ["1", "2", "3"]);
    assert!(
        legs.column("_record")
            .iter()
            .all(|id| *id == "01".repeat(16))
    );
    let stops = Table::read(&files["case.legs-stops.csv"]);
    assert_eq!(stops.column("_parent_row"), ["02".repeat(8)]);
    assert_eq!(legs.column("_row")[0], "02".repeat(8));
    assert_eq!(stops.column("legs/stops/town"), ["Ubon Ratchathani"]);
    let path = format!("legs/stops/town[{}]", "09".repeat(8));
    assert_eq!(stops.column("_conflicts"), [path.as_str()]);
    assert!(stops.column("_other_answers")[0].contains("= Udon ("));
    let main = Table::read(&files["case.csv"]);
    assert_eq!(main.column("_conflicts"), [path.as_str()]);
    assert_eq!(Table::read(&files["case.conflicts.csv"]).rows.len(), 2);

    let meta: serde_json::Value = serde_json::from_slice(&files["meta.json"]).unwrap();
    assert_eq!(meta["counts"]["rows"], 1);
    assert_eq!(meta["sha256"], trailer.sha256);
    assert_eq!(meta["files"].as_array().unwrap().len(), 4);
    for file in meta["files"].as_array().unwrap() {
        let bytes = &files[file["name"].as_str().unwrap()];
        assert_eq!(file["sha256"], hex::encode(Sha256::digest(bytes)));
        assert_eq!(file["bytes"], bytes.len());
    }
    let signed = AuditHead::signed_bytes(
        office.org,
        trailer.epoch,
        trailer.audit.n,
        &<[u8; 32]>::try_from(hex::decode(&trailer.audit.hash).unwrap()).unwrap(),
    );
    assert!(
        office
            .env
            .signer
            .verify(office.org, &signed, &trailer.audit.sig)
    );
    assert!(meta["filters"].as_array().unwrap().is_empty());
    assert_eq!(meta["quarantine_waiting"], 0);
}

#[test]
fn json_lines_hold_every_answer_with_its_author() {
    let office = travels();
    let (bytes, trailer) = office.export(Options {
        format: Format::JsonLines,
        ..Options::default()
    });
    let lines: Vec<serde_json::Value> = bytes
        .split(|b| *b == b'\n')
        .filter(|l| !l.is_empty())
        .map(|l| serde_json::from_slice(l).unwrap())
        .collect();
    assert_eq!(lines.len() as u64, trailer.counts.rows);
    let line = &lines[0];
    let town = office.cell("legs/stops", 9, "legs/stops/town").to_string();
    let answers = line["answers"].as_array().unwrap();
    let answer = answers.iter().find(|a| a["key"] == town.as_str()).unwrap();
    let given: Vec<(String, String)> = answer["live"]
        .as_array()
        .unwrap()
        .iter()
        .map(|live| {
            let change = &line["changes"][live["change"].as_u64().unwrap() as usize];
            let text = |v: &serde_json::Value| v.as_str().unwrap().to_owned();
            (text(&live["value"]["text"]), text(&change["author"]))
        })
        .collect();
    let expected = [("Ubon Ratchathani", "မောင်"), ("Udon", "=Mallory")];
    assert_eq!(given, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    assert_eq!(answer["shown"]["text"], "Ubon Ratchathani");
}

#[test]
fn places_files_and_moments_read_as_people_expect() {
    use tributary_sync_core::value::*;
    let mut office = Office::open();
    let geo = |alt_cm, acc_cm| {
        Value::Geo(Geo {
            lat_e7: -115_564_001,
            lon_e7: 1_049_282_000,
            alt_cm,
            acc_cm,
        })
    };
    let values = [
        (geo(None, None), "'-11.5564001 104.9282000"),
        (
            geo(Some(-150), Some(420)),
            "'-11.5564001 104.9282000 -1.50 4.20",
        ),
        (Value::Decimal(Decimal::parse("-12.5").unwrap()), "-12.5"),
        (Value::Bool(true), "true"),
        (Value::Date(parse_date("2026-11-24").unwrap()), "2026-11-24"),
        (
            Value::DateTime(DateTime::parse("2026-11-24T09:12:33+07:00").unwrap()),
            "2026-11-24T09:12:33.000+07:00",
        ),
        (
            Value::Attachment(Attachment {
                sha256: [0xab; 32],
                size: 1,
                media_type: Text::new("image/jpeg").unwrap(),
            }),
            &"ab".repeat(32),
        ),
        (
            Value::Opaque(Opaque::new(40, vec![0, 1, 2]).unwrap()),
            "x40:AAEC",
        ),
        (codes(&["b", "a"]), "a b"),
        (Value::Null, ""),
    ];
    for (n, (value, _)) in (1..).zip(&values) {
        let writes = vec![(office.field("who/name"), value.clone())];
        office.interview(1, n, writes);
    }
    let table = office.table(Options::default());
    let expected: Vec<&str> = values.iter().map(|v| v.1).collect();
    assert_eq!(table.column("who/name"), expected);
}
