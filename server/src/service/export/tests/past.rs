//! Equal in, equal out: validators, the past, and what changed since.

use super::*;

fn cursor(trailer: &Trailer) -> Option<String> {
    Some(trailer.cursor.clone())
}

fn busy() -> (Office, Dot) {
    let mut office = Office::open();
    let name = office.field("who/name");
    let mut last = None;
    for record in 1..=5 {
        last = Some(office.interview(1, record, vec![(name.clone(), text("first"))]));
    }
    (office, last.unwrap())
}

#[test]
fn the_past_is_equal_byte_for_byte_except_for_erasures() {
    for format in [Format::Csv, Format::JsonLines, Format::Conflicts] {
        let (mut office, last) = busy();
        let options = Options {
            format,
            ..Options::default()
        };
        let (before, then) = office.export(options.clone());
        let (again, _) = office.export(options.clone());
        assert!(before == again);
        // Edits, a new record, a new version, another policy.
        let name = office.field("who/name");
        office.save(
            2,
            5,
            &[last],
            office.env.now,
            vec![(name.clone(), text("second"))],
        );
        office.save(3, 4, &[], office.env.now, vec![(name, text("unseen"))]);
        office.interview(2, 9, Vec::new());
        office.publish_second();
        let (after, now) = office.export(options.clone());
        assert!(before != after);
        assert_ne!(then.etag, now.etag);
        let past = Options {
            as_of: cursor(&then),
            ..options.clone()
        };
        let (rebuilt, trailer) = office.export(past.clone());
        assert!(rebuilt == before, "{format:?}");
        assert!(trailer.as_of);
        assert_eq!(
            (trailer.etag, trailer.sha256, trailer.log_hash),
            (then.etag.clone(), then.sha256, then.log_hash)
        );
        let here = Options {
            as_of: cursor(&now),
            ..options.clone()
        };
        assert!(office.export(here).0 == after);
        // An erased record stays erased in the past too, and the validator says that something is missing.
        office.erase(2);
        let (rebuilt, trailer) = office.export(past);
        assert_ne!(trailer.etag, then.etag);
        let gone = RecordId::from_bytes([2; 16]).to_string();
        let kept: Vec<&str> = std::str::from_utf8(&before)
            .unwrap()
            .lines()
            .filter(|l| !l.contains(&gone))
            .collect();
        let rebuilt: Vec<&str> = std::str::from_utf8(&rebuilt).unwrap().lines().collect();
        assert_eq!(rebuilt, kept);
    }
}

#[test]
fn a_download_of_the_past_leaves_out_who_withdrew_since() {
    for format in [Format::Csv, Format::JsonLines, Format::Conflicts] {
        let (mut office, _) = busy();
        let options = Options {
            format,
            ..Options::default()
        };
        let (before, then) = office.export(options.clone());
        let withdrawn = vec![(office.field("consent"), code("withdrawn"))];
        office.save(2, 2, &[], office.env.now, withdrawn);
        let past = Options {
            as_of: cursor(&then),
            ..options
        };
        let (rebuilt, trailer) = office.export(past);
        assert_ne!(trailer.etag, then.etag);
        assert_eq!((then.counts.withheld, trailer.counts.withheld), (0, 1));
        let gone = RecordId::from_bytes([2; 16]).to_string();
        let kept: Vec<&str> = std::str::from_utf8(&before)
            .unwrap()
            .lines()
            .filter(|l| !l.contains(&gone))
            .collect();
        let rebuilt: Vec<&str> = std::str::from_utf8(&rebuilt).unwrap().lines().collect();
        assert_eq!(rebuilt, kept, "{format:?}");
    }
}

#[test]
fn a_zip_differs_in_nothing_but_its_own_description() {
    let (office, _) = busy();
    let options = Options {
        format: Format::Zip,
        ..Options::default()
    };
    let (first, one) = office.export(options.clone());
    let (second, two) = office.export(options);
    assert!(first == second, "nothing was audited in between");
    assert_eq!(one.sha256, two.sha256);
}

#[test]
fn since_names_what_left() {
    let (mut office, last) = busy();
    let (_, then) = office.export(Options::default());
    let (now, name) = (office.env.now, office.field("who/name"));
    // After the first download: an edit, a deletion, a withdrawal, a restriction, an erasure, a new record, a new draft.
    office.env.now += 1000;
    let seen: Vec<Dot> = (1..=5)
        .map(|n| Dot::new(ActorId(1), Seq::new(n).unwrap()))
        .collect();
    office.save(2, 5, &[last], now, vec![(name.clone(), text("edited"))]);
    office.save(
        2,
        1,
        &seen,
        now,
        vec![(Key::Meta(MetaKey::Deleted), Value::Deleted(true))],
    );
    let withdrawn = vec![(office.field("consent"), code("withdrawn"))];
    office.save(2, 2, &seen, now, withdrawn);
    office.restrict(3);
    office.erase(4);
    office.interview(1, 6, vec![(name.clone(), text("new"))]);
    office.save(
        1,
        7,
        &[],
        now,
        vec![(office.field("consent"), code("given"))],
    );
    let since = Options {
        since: cursor(&then),
        ..Options::default()
    };
    let (bytes, trailer) = office.export(since.clone());
    assert_eq!(Table::read(&bytes).column("who/name"), ["edited", "new"]);
    let left = trailer.left.unwrap();
    let id = |n: u8| RecordId::from_bytes([n; 16]);
    assert_eq!(left.erased, [id(4).tombstone()]);
    assert_eq!(left.deleted, [id(1)]);
    assert_eq!(left.gone, [id(2), id(3)]);
    assert!(!trailer.whole_again);
    assert_eq!(trailer.filters, ["since"]);
    let (lines, _) = office.export(Options {
        format: Format::JsonLines,
        ..since.clone()
    });
    assert_eq!(std::str::from_utf8(&lines).unwrap().lines().count(), 2 + 4);

    // A policy that changed since may have changed every answer.
    office.publish(STRICT);
    let (bytes, trailer) = office.export(since);
    assert!(trailer.whole_again);
    assert_eq!(Table::read(&bytes).rows.len(), 2);
    assert_eq!(trailer.left.unwrap().gone, [id(2), id(3), id(7)]);
}

/// The first form with a policy on one more field.
const STRICT: &str = include_str!("strict.xml");

#[test]
fn cursors_of_another_life_are_refused() {
    let (office, _) = busy();
    let (_, then) = office.export(Options::default());
    let head = then.position.get();
    let refused = |options| office.try_export(options).err().unwrap().code();
    let since = |text: String| Options {
        since: Some(text),
        ..Options::default()
    };
    assert_eq!(
        refused(since(format!("{}.1", EpochId::from_bytes([9; 16])))),
        "cursor_other_epoch"
    );
    assert_eq!(refused(since(format!("{}", head + 1))), "cursor_ahead");
    assert_eq!(refused(since("yesterday".into())), "export_option_invalid");
    assert_eq!(refused(since("-1".into())), "export_option_invalid");
    let both = Options {
        since: Some("1".into()),
        as_of: Some("1".into()),
        ..Options::default()
    };
    assert_eq!(refused(both), "export_option_invalid");
    // Before its first version the form was not there.
    let early = Options {
        as_of: Some("0".into()),
        ..Options::default()
    };
    assert_eq!(refused(early), "form_unknown");
}

#[test]
fn validators_follow_whatever_shows() {
    let (office, _) = busy();
    let etag = |options: Options| office.export(options).1.etag;
    let plain = etag(Options::default());
    assert_eq!(plain, etag(Options::default()));
    let others = [
        Options {
            bom: true,
            ..Options::default()
        },
        Options {
            split: true,
            ..Options::default()
        },
        Options {
            tz: Some("Asia/Bangkok".into()),
            ..Options::default()
        },
        Options {
            states: vec!["complete".into()],
            ..Options::default()
        },
        Options {
            format: Format::Zip,
            ..Options::default()
        },
    ];
    for options in others {
        assert_ne!(plain, etag(options));
    }
    office.restrict(1);
    let restricted = etag(Options::default());
    assert_ne!(plain, restricted);
    office.erase(2);
    assert_ne!(restricted, etag(Options::default()));
}
