//! The main sheet: what stands in it, and what is left out.

use super::*;

#[test]
fn every_script_survives_and_so_does_namibia() {
    let mut office = Office::open();
    let names = [
        "សុខា ចាន់",
        "ສຸກສະຫວັນ",
        "မောင်မောင်",
        "สมชาย ใจดี",
        "Nguyễn Thị Hồng",
        "陈伟",
        "a,b \"c\"\nd",
        "_dk",
        "_ref",
        "=HYPERLINK(\"http://x\",\"y\")",
        "-5",
        "-5+1",
        "NA",
        "'quoted",
        "＝1",
        "ᨣᩴᩤᨾᩮᩬᩥᨦ",
        "שלום",
        "👩🏽‍🌾",
        "e\u{301}",
    ];
    for (n, name) in (1..).zip(names) {
        let writes = vec![
            (office.field("who/name"), text(name)),
            (office.field("who/country"), code("NA")),
        ];
        office.interview(1, n, writes);
    }
    let table = office.table(Options::default());
    let undone: Vec<String> = table
        .column("who/name")
        .iter()
        .map(|c| c.strip_prefix('\'').unwrap_or(c).to_owned())
        .collect();
    assert_eq!(undone, names);
    assert!(table.column("who/country").iter().all(|c| *c == "'NA"));
    let (bytes, _) = office.export(Options {
        bom: true,
        ..Options::default()
    });
    assert!(bytes.starts_with("\u{feff}_record,".as_bytes()));
    let quoted = office.table(Options {
        missing_words: MissingWords::Quotes,
        ..Options::default()
    });
    assert!(quoted.column("who/country").iter().all(|c| *c == "NA"));
    let (bytes, _) = office.export(Options {
        line_end: LineEnd::Lf,
        ..Options::default()
    });
    assert!(!String::from_utf8(bytes).unwrap().contains('\r'));
}

#[test]
fn both_answers_of_a_conflict_are_in_the_row() {
    let mut office = Office::open();
    let name = office.field("who/name");
    let first = office.interview(1, 1, vec![(name.clone(), text("Dara"))]);
    office.save(
        2,
        1,
        &[first],
        office.env.now - 30_000,
        vec![(name.clone(), text("Dara Chan"))],
    );
    office.save(
        3,
        1,
        &[first],
        office.env.now - 40_000,
        vec![(name, text("Dara, C."))],
    );
    let table = office.table(Options::default());
    let row = &table.rows[0];
    assert_eq!(row["who/name"], "Dara Chan");
    assert_eq!(row["_conflict_count"], "1");
    assert_eq!(row["_conflicts"], "who/name");
    assert_eq!(
        row["_other_answers"],
        "who/name = Dara, C. (=Mallory, 2026-11-24T09:11:53.250Z)"
    );
    assert_eq!(row["_authors"], "'=Mallory;' Sokha;' မောင်");
    assert_eq!(row["_last_author"], "မောင်");
    assert_eq!(row["_last_device"], "02".repeat(16));
    assert_eq!(row["_last_saved"], "2026-11-24T09:12:03.250Z");
    assert_eq!(row["_last_received"], "2026-11-24T09:12:33.250Z");
    assert_eq!(row["_last_skew_s"], "-30");
    assert_eq!(row["_status"], "complete");
    assert_eq!(row["_presence"], "present");

    let (bytes, trailer) = office.export(Options {
        format: Format::Conflicts,
        ..Options::default()
    });
    let conflicts = Table::read(&bytes);
    assert_eq!(trailer.files[0].rows, 2);
    assert_eq!(conflicts.column("answer"), ["Dara Chan", "Dara, C."]);
    assert_eq!(conflicts.column("shown"), ["1", "0"]);
    assert_eq!(conflicts.column("question"), ["who/name", "who/name"]);
    assert_eq!(conflicts.column("author"), ["မောင်", "'=Mallory"]);
}

#[test]
fn policies_read_as_the_product_promises() {
    let mut office = Office::open();
    let (consent, needs) = (office.field("consent"), office.field("needs"));
    let first = office.interview(1, 1, vec![(needs.clone(), codes(&["food"]))]);
    office.save(
        2,
        1,
        &[first],
        office.env.now - 30_000,
        vec![(needs.clone(), codes(&["shelter"]))],
    );
    office.save(
        3,
        1,
        &[first],
        office.env.now - 20_000,
        vec![(needs, codes(&["food", "shelter"]))],
    );
    // A withdrawal that nobody saw holds, whatever clocks say.
    let other = office.interview(1, 2, Vec::new());
    office.save(
        2,
        2,
        &[other],
        1_000,
        vec![(consent.clone(), code("withdrawn"))],
    );
    office.save(
        3,
        2,
        &[other],
        office.env.now,
        vec![(consent, code("given"))],
    );
    let (bytes, trailer) = office.export(Options {
        split: true,
        ..Options::default()
    });
    let table = Table::read(&bytes);
    assert_eq!(table.rows.len(), 1);
    assert_eq!(table.column("needs"), ["food shelter"]);
    assert_eq!(table.column("needs/food"), ["1"]);
    assert_eq!(table.column("needs/shelter"), ["1"]);
    assert_eq!(
        trailer.counts,
        Counts {
            rows: 1,
            withheld: 1,
            ..Counts::default()
        }
    );
    // The union reads as the third answer, so only the two others are named.
    assert!(!table.rows[0]["_other_answers"].contains("food shelter"));
}

#[test]
fn what_is_not_wanted_is_left_out_and_counted() {
    let mut office = Office::open();
    for record in 1..=6 {
        office.interview(1, record, Vec::new());
    }
    let consent = office.field("consent");
    let saved = office.env.now;
    office.save(1, 7, &[], saved, vec![(consent, code("given"))]); // a draft
    office.save(
        1,
        8,
        &[],
        saved,
        vec![(Key::Meta(MetaKey::Status), code("complete"))],
    ); // never asked
    let seen: Vec<Dot> = (1..=3)
        .map(|n| Dot::new(ActorId(1), Seq::new(n).unwrap()))
        .collect();
    office.save(
        2,
        3,
        &seen,
        saved,
        vec![(Key::Meta(MetaKey::Deleted), Value::Deleted(true))],
    );
    office.restrict(4);
    office.erase(5);
    let (bytes, trailer) = office.export(Options::default());
    assert_eq!(Table::read(&bytes).rows.len(), 3);
    let counts = Counts {
        rows: 3,
        withheld: 1,
        restricted: 1,
        drafts: 1,
        deleted: 1,
        ..Counts::default()
    };
    assert_eq!(trailer.counts, counts);
    assert_eq!(trailer.erasures, 1);
    let all = office.table(Options {
        deleted: true,
        ..Options::default()
    });
    assert_eq!(
        all.column("_presence"),
        ["present", "present", "deleted", "present"]
    );
    let drafts = office.table(Options {
        states: vec!["draft".into()],
        ..Options::default()
    });
    assert_eq!(drafts.column("_status"), ["draft"]);
    assert!(
        office
            .try_export(Options {
                states: vec!["done".into()],
                ..Options::default()
            })
            .is_err()
    );
}

#[test]
fn an_approval_counts_while_it_covers_every_answer() {
    let mut office = Office::open();
    let name = office.field("who/name");
    for record in 1..=2 {
        let made = office.interview(1, record, vec![(name.clone(), text("x"))]);
        let status = vec![(Key::Meta(MetaKey::Status), code("approved"))];
        office.save(2, record, &[made], office.env.now, status);
    }
    let seen = [Dot::new(ActorId(1), Seq::new(2).unwrap())];
    office.save(3, 2, &seen, office.env.now, vec![(name, text("y"))]);
    assert_eq!(
        office.table(Options::default()).column("_status"),
        ["approved", "complete"]
    );
}

#[test]
fn time_ranges_and_versions_filter() {
    let mut office = Office::open();
    office.interview(1, 1, Vec::new());
    office.publish_second();
    let (consent, saved) = (office.field("consent"), office.env.now - 86_400_000);
    let writes = vec![
        (consent, code("given")),
        (Key::Meta(MetaKey::Status), code("complete")),
    ];
    office.save_with(2, 2, &[], saved, writes, office.v2);
    let rows = |options: Options| office.export(options).1.counts.rows;
    assert_eq!(
        rows(Options {
            versions: vec!["2".into()],
            ..Options::default()
        }),
        1
    );
    assert_eq!(
        rows(Options {
            versions: vec![office.v1.to_string(), "2".into()],
            ..Options::default()
        }),
        2
    );
    let range = |from: Option<&str>, to: Option<&str>| Options {
        time: Some(TimeRange {
            of: Moment::Saved,
            from: from.map(Into::into),
            to: to.map(Into::into),
        }),
        tz: Some("Asia/Phnom_Penh".into()),
        ..Options::default()
    };
    assert_eq!(rows(range(Some("2026-11-24"), None)), 1);
    assert_eq!(rows(range(None, Some("2026-11-24"))), 1);
    assert_eq!(rows(range(Some("2026-11-23T09:12:33.250Z"), None)), 2);
    assert!(office.try_export(range(Some("soon"), None)).is_err());
    assert!(
        office
            .try_export(Options {
                versions: vec!["9".into()],
                ..Options::default()
            })
            .is_err()
    );
    assert!(
        office
            .try_export(Options {
                tz: Some("Mekong".into()),
                ..Options::default()
            })
            .is_err()
    );
}

#[test]
fn every_version_has_its_columns_and_nothing_is_dropped() {
    let mut office = Office::open();
    let old_age = office.field("who/age");
    let writes = vec![
        (office.field("who/name"), text("Old")),
        (old_age.clone(), text("about 30")),
        (office.field("who/nickname"), text("Nick")),
        (Key::Field(FieldId(77)), text("nobody asked")),
        (office.cell("legs", 1, "who/name"), text("astray")),
    ];
    office.interview(1, 1, writes);
    office.publish_second();
    assert_ne!(
        office.field("who/age"),
        old_age,
        "a retyped field is a new one"
    );
    let writes = vec![
        (office.field("name"), text("New")),
        (office.field("who/age"), int(-7)),
        (office.field("who/mood"), Value::Null),
        (office.field("consent"), code("given")),
        (office.field("who/country"), code("XX")),
        (Key::Meta(MetaKey::Status), code("complete")),
    ];
    office.save_with(2, 2, &[], office.env.now, writes, office.v2);
    let table = office.table(Options::default());
    let old_age = format!("who/age.{old_age}");
    assert_eq!(
        table.names[11..19],
        [
            "consent",
            "name",
            "who/age",
            "who/country",
            "who/mood",
            "needs",
            &old_age,
            "who/nickname"
        ]
    );
    assert_eq!(table.column("name"), ["Old", "New"]);
    assert_eq!(table.column("who/age"), ["", "-7"]);
    assert_eq!(table.column(&old_age), ["about 30", ""]);
    assert_eq!(table.column("who/nickname"), ["Nick", ""]);
    assert_eq!(table.column("_form_version"), ["1", "2"]);
    let astray = format!(
        "f77 = nobody asked | {} = astray",
        office.cell("legs", 1, "who/name")
    );
    assert_eq!(table.column("_unknown_answers"), [astray.as_str(), ""]);
    assert_eq!(
        table.column("_flags")[1],
        "who/country:answer_choice_unknown"
    );
    assert!(table.column("_flags")[0].contains("f77:answer_field_unknown"));
}

#[test]
fn labels_come_in_any_language_of_the_form() {
    let mut office = Office::open();
    let country = office.field("who/country");
    office.interview(1, 1, vec![(country.clone(), code("NA"))]);
    office.interview(1, 2, vec![(country, code("XX"))]);
    for (language, label) in [("Khmer (km)", "ណាមីប៊ី"), ("km", "ណាមីប៊ី"), ("en", "Namibia")]
    {
        let table = office.table(Options {
            labels: Some(language.into()),
            ..Options::default()
        });
        assert_eq!(table.column("who/country"), [label, "XX"]);
    }
    let refused = office.try_export(Options {
        labels: Some("fr".into()),
        ..Options::default()
    });
    let message = refused.err().unwrap().to_string();
    assert!(message.contains("Khmer (km)"), "{message}");
}
