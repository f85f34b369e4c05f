//! What a new form version does to consent: nobody's answers become usable because a question was changed.

use super::*;

/// Record 1 consents, record 2 has withdrawn, record 3 was never asked.
fn three() -> Office {
    let mut office = Office::open();
    let name = office.field("who/name");
    office.interview(1, 1, vec![(name.clone(), text("Sokha"))]);
    let saved = office.env.now - 60_000;
    let complete = (Key::Meta(MetaKey::Status), code("complete"));
    let withdrawn = (office.field("consent"), code("withdrawn"));
    let writes = vec![(name.clone(), text("Vanna")), withdrawn, complete.clone()];
    office.save(1, 2, &[], saved, writes);
    office.save(1, 3, &[], saved, vec![(name, text("Chan")), complete]);
    office
}

fn version(n: u8, from: &str, to: &str) -> String {
    let number = format!("id=\"case\" version=\"{n}\"");
    V1.replace("id=\"case\" version=\"1\"", &number)
        .replace(from, to)
}

/// The records that a download shows, after a look at whether lists and records say the same.
fn used(office: &Office) -> Vec<String> {
    let table = office.table(Options::default());
    let mut shown: Vec<String> = table
        .column("_record")
        .iter()
        .map(|id| id[..2].to_owned())
        .collect();
    shown.sort();
    let mut listed = office
        .files
        .read::<_, StorageError>(office.org, |txn| {
            let mut listed = Vec::new();
            for n in 1..=9 {
                let row = txn.record(RecordId::from_bytes([n; 16]))?;
                if row.is_some_and(|r| !r.state.withheld) {
                    listed.push(format!("0{n}"));
                }
            }
            Ok(listed)
        })
        .unwrap();
    listed.sort();
    assert_eq!(listed, shown, "lists and downloads agree");
    shown
}

#[test]
fn a_form_that_stops_asking_consent_makes_nobody_consent() {
    let mark = " trib:consent=\"given\"";
    let renamed = |marked: &str| {
        version(2, "/data/consent", "/data/agreed")
            .replace("<consent/>", "<agreed/>")
            .replace(mark, marked)
    };
    let cases = [
        ("the mark goes", version(2, mark, ""), vec!["01"]),
        ("the question goes", renamed(""), vec!["01"]),
        // The old records lack the new answer, and nobody may say it for them.
        ("another question takes its place", renamed(mark), vec![]),
        (
            "another code is asked for",
            version(2, mark, " trib:consent=\"withdrawn\"")
                .replace("protective(given withdrawn)", "protective(withdrawn given)"),
            vec!["02"],
        ),
    ];
    for (what, xml, still) in cases {
        let mut office = three();
        assert_eq!(used(&office), ["01"]);
        let new = office.publish(&xml);
        assert_eq!(used(&office), still, "{what}");
        // Recorded with the new version, without a word about consent.
        let writes = vec![
            (office.field("who/name"), text("Later")),
            (Key::Meta(MetaKey::Status), code("complete")),
        ];
        office.save_with(2, 9, &[], office.env.now, writes, new);
        assert_eq!(used(&office), still, "{what}, and a later interview");
    }
}

#[test]
fn which_records_are_withheld_follows_a_new_version_at_once() {
    let mut office = three();
    let mark = " trib:consent=\"given\"";
    office.publish(&version(2, mark, " trib:consent=\"given withdrawn\""));
    assert_eq!(used(&office), ["01", "02"], "an act of an org admin");
    office.publish(&version(3, "Case", "Case again"));
    assert_eq!(used(&office), ["01"]);
}
