//! Erasure.

use std::path::Path;

use super::*;
use crate::storage::{AuditEntry, StorageError};

const DAYS: u64 = 24 * 60 * 60 * 1_000;

/// The files of the data folder that hold these words.
fn found(office: &Office, words: &str) -> Vec<String> {
    fn walk(folder: &Path, words: &[u8], out: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, words, out);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                if bytes.windows(words.len()).any(|w| w == words) {
                    out.push(path.file_name().unwrap().to_string_lossy().into());
                }
            }
        }
    }
    let mut out = Vec::new();
    let folder = office.files.path(office.org);
    let folder = folder.parent().unwrap().parent().unwrap();
    walk(folder, words.as_bytes(), &mut out);
    out
}

fn erase_all(office: &Office, env: &Env, who: &Acting, ids: Vec<RecordId>) -> EraseOutcome {
    erase(&office.files, env, who, true, ids, Reason::Request).unwrap()
}

fn report(outcome: EraseOutcome) -> ErasureReport {
    match outcome {
        EraseOutcome::Erased(report) => report,
        other => panic!("not erased: {other:?}"),
    }
}

#[test]
fn erased_words_are_nowhere_in_the_data_folder() {
    let office = Office::open();
    let mut dara = office.worker(2);
    for n in 1..=20 {
        let answers = vec![
            (NAME, text(&format!("Secret{n:03}Secret"))),
            (CONSENT, code("given")),
        ];
        dara.create(record(n), answers, 10);
    }
    dara.sync(&office);
    let chief = admin(&office);
    let gone: Vec<u8> = (1..=9).map(|n| n * 2).collect();
    for n in &gone {
        restrict(&office.files, &office.env, &chief, record(*n)).unwrap();
        assert!(!found(&office, &format!("Secret{n:03}Secret")).is_empty());
    }
    let env = later(&office, 7 * DAYS);
    let ids = gone.iter().map(|n| record(*n)).collect();
    let report = report(erase_all(&office, &env, &chief, ids));
    assert!(report.scrubbed);
    assert_eq!(report.erased.len(), 9);
    for n in &gone {
        assert_eq!(
            found(&office, &format!("Secret{n:03}Secret")),
            Vec::<String>::new()
        );
    }
    assert!(
        !found(&office, "Secret001Secret").is_empty(),
        "the others stay"
    );
    office.check();
}

#[test]
fn an_erasure_waits_and_asks_for_a_password_and_the_role() {
    let office = Office::open();
    crossing(&office);
    let (mona, chief) = (coordinator(&office), admin(&office));
    let try_it = |env: &Env, who: &Acting, fresh| {
        erase(
            &office.files,
            env,
            who,
            fresh,
            vec![record(1)],
            Reason::Request,
        )
    };
    assert_eq!(refusal(try_it(&office.env, &mona, true)), Code::NotAllowed);
    assert_eq!(
        refusal(try_it(&office.env, &chief, false)),
        Code::SignInAgain
    );
    let early = |outcome| matches!(outcome, EraseOutcome::TooEarly(ids) if ids == [record(1)]);
    assert!(
        early(try_it(&office.env, &chief, true).unwrap()),
        "not restricted"
    );
    restrict(&office.files, &office.env, &chief, record(1)).unwrap();
    let almost = later(&office, 7 * DAYS - 1);
    assert!(early(try_it(&almost, &chief, true).unwrap()));
    restrict(&office.files, &almost, &chief, record(1)).unwrap();
    let then = later(&office, 7 * DAYS);
    report(try_it(&then, &chief, true).unwrap());
    assert!(office.row(record(1)).is_none());
    let again = report(try_it(&then, &chief, true).unwrap());
    assert!(again.erased.is_empty(), "any request may be repeated");
    let unknown = erase(
        &office.files,
        &then,
        &chief,
        true,
        vec![record(66)],
        Reason::Other,
    );
    assert_eq!(refusal(unknown), Code::NotFound);
}

#[test]
fn a_late_edit_after_the_erasure_is_counted_and_not_kept_and_the_report_says_who_has_not_heard() {
    let office = Office::open();
    let (mut dara, mut linh) = crossing(&office);
    let chief = admin(&office);
    restrict(&office.files, &office.env, &chief, record(1)).unwrap();
    let env = later(&office, 8 * DAYS);
    let first = report(erase_all(&office, &env, &chief, vec![record(1)]));
    assert_eq!(first.erased[0].changes, 3);
    let held: Vec<_> = first.unconfirmed.iter().map(|u| (u.user, u.held)).collect();
    assert_eq!(held, [(user(2), Some(true)), (user(3), Some(true))]);
    linh.sync(&office);
    linh.sync(&office);
    dara.write(record(1), vec![(NAME, text("LateWords"))], 90);
    assert_eq!(statuses(&dara.sync(&office)), [Status::Erased]);
    let hash = record(1).tombstone();
    let now = erasure_report(&office.files, &env, &chief, hash).unwrap();
    assert_eq!(now.erased[0].late_edits, 1);
    let waiting: Vec<_> = now.unconfirmed.iter().map(|u| u.user).collect();
    assert_eq!(
        waiting,
        [user(2)],
        "linh's cursor came back, dara's has not"
    );
    assert_eq!(found(&office, "LateWords"), Vec::<String>::new());
    dara.sync(&office);
    assert!(dara.records.is_empty());
    let now = erasure_report(&office.files, &env, &chief, hash).unwrap();
    assert!(now.unconfirmed.is_empty());
    let refused = erasure_report(&office.files, &env, &coordinator(&office), hash);
    assert_eq!(refusal(refused), Code::NotAllowed);
}

#[test]
fn many_at_once_and_many_in_an_hour_need_a_second_org_admin() {
    let office = Office::open();
    let mut dara = office.worker(2);
    for n in 1..=20 {
        dara.create(record(n), vec![(NAME, text("x"))], 10);
    }
    dara.sync(&office);
    let (chief, other) = (admin(&office), desk(&office, 111, Role::OrgAdmin));
    long_here(&office, &other);
    for n in 1..=20 {
        restrict(&office.files, &office.env, &chief, record(n)).unwrap();
    }
    let env = later(&office, 7 * DAYS);
    let nine = (1..=9).map(record).collect();
    assert_eq!(
        report(erase_all(&office, &env, &chief, nine)).erased.len(),
        9
    );
    let one_more = erase_all(&office, &env, &chief, vec![record(10)]);
    assert!(
        matches!(one_more, EraseOutcome::NeedsSecond(_)),
        "the tenth within an hour"
    );
    let env = later(&office, 7 * DAYS + 3_600_001);
    let ten = (10..=19).map(record).collect();
    let EraseOutcome::NeedsSecond(proposal) = erase_all(&office, &env, &chief, ten) else {
        panic!("ten at once");
    };
    assert!(office.row(record(10)).is_some());
    let confirm =
        |who: &Acting, fresh| confirm_erasure(&office.files, &env, who, fresh, &proposal.id);
    assert_eq!(refusal(confirm(&chief, true)), Code::SecondPersonNeeded);
    assert_eq!(refusal(confirm(&other, false)), Code::SignInAgain);
    unrestrict(&office.files, &env, &other, record(12)).unwrap();
    assert_eq!(refusal(confirm(&other, true)), Code::NotRestricted);
    restrict(&office.files, &env, &other, record(12)).unwrap();
    let early = confirm(&other, true).unwrap();
    assert!(matches!(early, EraseOutcome::TooEarly(ids) if ids == [record(12)]));
    assert!(office.row(record(10)).is_some(), "all or none");
    let env = later(&office, 7 * DAYS + 3_600_001 + 6 * DAYS);
    let pending = proposed_erasures(&office.files, &env, &other).unwrap();
    assert_eq!(pending.len(), 2, "good for a week");
    cancel_erasure(&office.files, &env, &chief, &proposal.id).unwrap();
    assert_eq!(
        refusal(confirm_erasure(
            &office.files,
            &env,
            &other,
            true,
            &proposal.id
        )),
        Code::NotFound
    );
    let env = later(&office, 15 * DAYS);
    let ten = (10..=19).map(record).collect();
    let EraseOutcome::NeedsSecond(proposal) = erase_all(&office, &env, &chief, ten) else {
        panic!("ten at once");
    };
    let done = confirm_erasure(&office.files, &env, &other, true, &proposal.id).unwrap();
    assert_eq!(report(done).erased.len(), 10);
    office.check();
}

/// Writes into the audit what happened to a user, days after the start.
fn happened(office: &Office, day: u64, by: UserId, action: &'static str, to: UserId, what: &str) {
    let entry = AuditEntry {
        user: Some(by),
        action,
        subject: Some(to.to_string()),
        detail: Some(what.to_owned()),
        ..AuditEntry::default()
    };
    let at = later(office, day * DAYS).now;
    office
        .files
        .write::<_, StorageError>(office.org, move |txn| txn.audit(&entry, at))
        .unwrap();
}

/// An org admin of old, with a password of their own.
fn long_here(office: &Office, who: &Acting) {
    let nobody = UserId::from_bytes([0xee; 16]);
    happened(office, 0, nobody, "user.create", who.user, "org_admin");
    happened(office, 0, who.user, "user.password", who.user, "link");
}

#[test]
fn the_second_person_is_none_whom_the_first_has_made_promoted_or_let_in() {
    let office = Office::open();
    let mut dara = office.worker(2);
    for n in 1..=10 {
        dara.create(record(n), vec![(NAME, text("x"))], 10);
    }
    dara.sync(&office);
    let chief = admin(&office);
    let of_old = [111, 112, 113, 114].map(|n| desk(&office, n, Role::OrgAdmin));
    for who in &of_old {
        long_here(&office, who);
    }
    // The records are restricted on the second day.
    let second = later(&office, 2 * DAYS);
    for n in 1..=10 {
        restrict(&office.files, &second, &chief, record(n)).unwrap();
    }
    let [honest, relinked, again, late] = &of_old;
    let [made, promoted, bare] = [121, 122, 123].map(|n| desk(&office, n, Role::OrgAdmin));
    let admin = "org_admin";
    for (day, by, action, to, what) in [
        (0, honest, "user.create", &promoted, "worker"),
        (0, &promoted, "user.password", &promoted, "link"),
        (0, honest, "user.create", &bare, admin),
        (3, &chief, "user.create", &made, admin),
        (3, &made, "user.password", &made, "link"),
        (3, &chief, "user.role", &promoted, admin),
        (3, &chief, "user.reset", relinked, ""),
        (3, relinked, "user.password", relinked, "link"),
        (3, &chief, "user.disable", again, ""),
        (3, &chief, "user.enable", again, ""),
    ] {
        happened(&office, day, by.user, action, to.user, what);
    }
    let ninth = later(&office, 9 * DAYS + 1);
    let all = (1..=10).map(record).collect();
    let EraseOutcome::NeedsSecond(proposal) = erase_all(&office, &ninth, &chief, all) else {
        panic!("ten at once");
    };
    happened(&office, 10, honest.user, "user.reset", late.user, "");
    happened(&office, 10, late.user, "user.password", late.user, "link");
    let tenth = later(&office, 11 * DAYS);
    let confirm = |who: &Acting| confirm_erasure(&office.files, &tenth, who, true, &proposal.id);
    for puppet in [&chief, &made, &promoted, &bare, relinked, again, late] {
        assert_eq!(refusal(confirm(puppet)), Code::SecondPersonNeeded);
    }
    assert!(office.row(record(1)).is_some());
    assert_eq!(report(confirm(honest).unwrap()).erased.len(), 10);
    office.check();
}

#[test]
fn an_erasure_that_was_not_committed_but_stands_in_the_ledger_happens_when_the_file_opens() {
    let office = Office::open();
    crossing(&office);
    let hash = record(1).tombstone();
    office.env.ledger.append(office.org, hash, 5).unwrap();
    office.files.close(office.org);
    assert!(office.row(record(1)).is_none());
    assert_eq!(found(&office, "Sokha"), Vec::<String>::new());
    office.check();
}
