//! Quarantine under attack, and on an ordinary day.

use tributary_sync_core::change::{Draft, chain_next};
use tributary_sync_core::clock::Clock;
use tributary_sync_core::ids::*;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::message::{Entry, Status};

use super::*;
use crate::service::access::Role;
use crate::service::env::Env;
use crate::service::exchange::tests::{
    CONSENT, NAME, Office, Phone, STATUS, code, record, statuses, text,
};
use crate::service::records::tests::{desk, look, user};
use crate::service::records::{Acting, EraseOutcome, Reason, erase, erasure_report, restrict};

fn mona(office: &Office) -> Acting {
    desk(office, 100, Role::Coordinator)
}

fn waiting_lines(office: &Office) -> Vec<QuarantineLine> {
    let filter = QuarantineFilter::default();
    list(&office.files, &office.env, &mona(office), &filter)
        .unwrap()
        .items
}

/// A day after it came: nobody judges at once.
fn let_in(office: &Office, no: i64) -> Result<Released> {
    let env = Env {
        now: office.env.now + 24 * 60 * 60 * 1_000,
        ..office.env.clone()
    };
    release(&office.files, &env, &mona(office), no)
}

fn why(result: Result<Released>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code, Code::ReleaseRefused);
    error.members["reason"].as_str().unwrap().to_owned()
}

/// A phone that recorded offline and was revoked before it came back.
fn revoked_with(office: &Office, writes: impl FnOnce(&mut Phone)) -> Phone {
    let mut dara = office.worker(2);
    dara.create(
        record(1),
        vec![(NAME, text("Sokha")), (CONSENT, code("given"))],
        10,
    );
    dara.sync(office);
    dara.sync(office);
    writes(&mut dara);
    dara.caller.revoked = true;
    let reply = dara.send(office, dara.request()).unwrap();
    assert!(statuses(&reply).iter().all(|s| *s == Status::Quarantined));
    dara
}

#[test]
fn release_of_a_quarantined_changeset_never_weakens_whoever_decided_in_it() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(CONSENT, code("withdrawn"))], 10);
    dara.sync(&office);
    dara.sync(&office);
    let withdrawn = dara.dot(1);
    // A thief with the phone, or a colleague who pushed a coordinator's role: the changeset even carries a decision.
    dara.decide(record(1), CONSENT, code("given"), vec![withdrawn], 99);
    dara.caller.revoked = true;
    dara.caller.role = Role::Coordinator;
    dara.send(&office, dara.request()).unwrap();
    let line = &waiting_lines(&office)[0];
    assert_eq!(line.code, "device_revoked");
    assert_eq!(line.writes[0].text, "given");
    let released = let_in(&office, line.no).unwrap();
    assert!(released.kept_protection);
    assert_eq!(office.effective(record(1), &CONSENT), "withdrawn");
    assert_eq!(office.live(record(1), &CONSENT), ["given", "withdrawn"]);
    office.check();
}

#[test]
fn what_a_revoked_phone_recorded_comes_in_with_both_authors_named() {
    let office = Office::open();
    revoked_with(&office, |dara| {
        dara.create(
            record(5),
            vec![(NAME, text("Vanna")), (CONSENT, code("given"))],
            20,
        );
    });
    let line = &waiting_lines(&office)[0];
    assert!(line.creates && line.readable);
    assert_eq!(line.user, Some(user(2)));
    let_in(&office, line.no).unwrap();
    let seen = look(&office, &mona(&office), record(5));
    let given = &seen.answers[0].given[0];
    assert_eq!(given.user, Some(user(2)));
    assert!(given.released_by.is_some());
    assert_eq!(seen.maker, Some(user(2)));
    let made = office.row(record(5)).unwrap().created_at;
    assert_eq!(made, office.env.now, "when it came, not when it was judged");
    let audit = office
        .files
        .read::<_, crate::storage::StorageError>(office.org, |t| t.audit_rows(0, 100))
        .unwrap();
    let row = audit
        .iter()
        .find(|r| r.action == "quarantine.release")
        .unwrap();
    assert_eq!(row.user, Some(user(100)));
    let detail = row.detail.clone().unwrap();
    assert!(detail.contains(&format!("author={}", user(2))));
    assert!(waiting_lines(&office).is_empty());
    office.check();
}

#[test]
fn saves_of_one_phone_released_one_after_the_other_are_no_conflict() {
    let office = Office::open();
    revoked_with(&office, |dara| {
        dara.write(record(1), vec![(NAME, text("Sokha K."))], 20);
        dara.write(record(1), vec![(NAME, text("Sokha Keo"))], 21);
    });
    for line in waiting_lines(&office) {
        let_in(&office, line.no).unwrap();
    }
    assert_eq!(office.live(record(1), &NAME), ["Sokha Keo"]);
    let mut linh = office.worker(3);
    office.assign(record(1), &linh, true);
    linh.sync(&office);
    assert_eq!(linh.live(record(1), &NAME), ["Sokha Keo"]);
    office.check();
}

#[test]
fn a_quarantined_context_that_lies_hides_nothing_when_it_is_released() {
    let office = Office::open();
    let mut linh = office.worker(3);
    let mut lie = None;
    let dara = revoked_with(&office, |dara| {
        office.assign(record(1), &linh, true);
        linh.sync(&office);
        linh.write(record(1), vec![(NAME, text("Sok"))], 30);
        linh.sync(&office);
        // Claims to have seen what linh wrote, and all that linh ever will.
        let mut seen = dara.sees(record(1));
        seen.add(tributary_sync_core::clock::Dot::new(
            linh.actor,
            Seq::new(COUNTER_MAX).unwrap(),
        ));
        let draft = dara.draft(record(1), seen, vec![(NAME, text("Thief"))], 40);
        lie = Some(draft.dot);
        dara.queue(draft.seal().unwrap());
    });
    let no = waiting_lines(&office)[0].no;
    let_in(&office, no).unwrap();
    assert_eq!(office.live(record(1), &NAME), ["Sok", "Thief"]);
    assert_eq!(lie, Some(dara.dot(2)));
    office.check();
}

#[test]
fn an_approval_by_a_worker_is_left_out_and_the_answers_are_not_lost() {
    let office = Office::open();
    let mut dara = office.worker(2);
    let answers = vec![
        (NAME, text("Sokha")),
        (CONSENT, code("given")),
        (STATUS, code("approved")),
    ];
    dara.create(record(1), answers, 10);
    assert_eq!(statuses(&dara.sync(&office)), [Status::Quarantined]);
    let no = waiting_lines(&office)[0].no;
    let released = let_in(&office, no).unwrap();
    assert_eq!(released.left_out, ["m.status"]);
    assert_eq!(office.live(record(1), &NAME), ["Sokha"]);
    assert_eq!(office.row(record(1)).unwrap().state.status, "draft");
    dara.create_unasked(
        record(2),
        vec![(Key::Meta(MetaKey::Assignee), code("user:x"))],
        11,
    );
    dara.sync(&office);
    let no = waiting_lines(&office)[0].no;
    assert_eq!(why(let_in(&office, no)), "nothing_allowed");
}

#[test]
fn a_phone_is_told_what_became_of_its_quarantined_changesets() {
    let office = Office::open();
    let mut dara = office.worker(2);
    for n in 1..=2 {
        let answers = vec![(NAME, text("x")), (STATUS, code("approved"))];
        dara.create(record(n), answers, 10);
    }
    dara.sync(&office);
    let lines = waiting_lines(&office);
    let_in(&office, lines[0].no).unwrap();
    discard(&office.files, &office.env, &mona(&office), lines[1].no).unwrap();
    let reply = dara.sync(&office);
    let told: Vec<_> = reply
        .entries
        .iter()
        .filter_map(|e| match e {
            Entry::Quarantine { seq, released, .. } => Some((seq.get(), *released)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [(1, true), (2, false)]);
    let again = dara.send(&office, dara.request_from(1)).unwrap();
    assert_eq!(
        statuses(&again),
        [Status::Duplicate, Status::Quarantined],
        "a discarded body is not asked for again"
    );
    office.check();
}

#[test]
fn what_was_judged_is_not_judged_again_and_only_a_coordinator_judges() {
    let office = Office::open();
    revoked_with(&office, |dara| {
        dara.write(record(1), vec![(NAME, text("a"))], 20);
        dara.write(record(1), vec![(CONSENT, code("given"))], 21);
    });
    let lines = waiting_lines(&office);
    for role in [Role::Worker, Role::Reviewer, Role::ServerAdmin] {
        let who = desk(&office, 2, role);
        let refused = release(&office.files, &office.env, &who, lines[0].no);
        assert_eq!(refused.unwrap_err().code, Code::NotAllowed);
        let refused = discard(&office.files, &office.env, &who, lines[0].no);
        assert_eq!(refused.unwrap_err().code, Code::NotAllowed);
    }
    let_in(&office, lines[0].no).unwrap();
    assert_eq!(
        let_in(&office, lines[0].no).unwrap_err().code,
        Code::QuarantineJudged
    );
    discard(&office.files, &office.env, &mona(&office), lines[1].no).unwrap();
    assert_eq!(
        let_in(&office, lines[1].no).unwrap_err().code,
        Code::QuarantineJudged
    );
    assert_eq!(let_in(&office, 999).unwrap_err().code, Code::NotFound);
    let body = office
        .files
        .read::<_, crate::storage::StorageError>(office.org, move |t| t.quarantined(lines[1].no))
        .unwrap()
        .unwrap()
        .body;
    assert!(body.is_empty(), "discarded is destroyed");
}

#[test]
fn a_second_arrival_of_what_was_released_is_a_duplicate_under_whatever_number() {
    let office = Office::open();
    let dara = revoked_with(&office, |dara| {
        dara.write(record(1), vec![(NAME, text("Sokha K."))], 20);
    });
    let_in(&office, waiting_lines(&office)[0].no).unwrap();
    // The same user on a new phone, with a copy of the old one's queue, stamped again.
    let mut new = office.phone(4, Role::Worker);
    new.caller.user = dara.caller.user;
    office.assign(record(1), &new, true);
    new.sync(&office);
    let draft = Draft {
        origin: Some(dara.origin_of(2)),
        ..new.draft(record(1), Clock::new(), vec![(NAME, text("Sokha K."))], 20)
    };
    new.queue(draft.seal().unwrap());
    assert_eq!(statuses(&new.sync(&office)), [Status::Duplicate]);
    assert_eq!(office.live(record(1), &NAME), ["Sokha K."]);
}

#[test]
fn what_waits_for_an_erased_or_restricted_record_does_not_bring_it_back() {
    let office = Office::open();
    revoked_with(&office, |dara| {
        dara.write(record(1), vec![(NAME, text("HiddenWord"))], 20);
    });
    let chief = desk(&office, 110, Role::OrgAdmin);
    let no = waiting_lines(&office)[0].no;
    restrict(&office.files, &office.env, &chief, record(1)).unwrap();
    assert_eq!(why(let_in(&office, no)), "record_restricted");
    assert!(
        waiting_lines(&office)[0].writes.is_empty(),
        "hidden here too"
    );
    let env = crate::service::env::Env {
        now: office.env.now + 8 * 86_400_000,
        ..office.env.clone()
    };
    let gone = erase(
        &office.files,
        &env,
        &chief,
        true,
        vec![record(1)],
        Reason::Request,
    )
    .unwrap();
    let EraseOutcome::Erased(report) = gone else {
        panic!("not erased");
    };
    assert_eq!(report.erased[0].quarantined, 1);
    assert_eq!(let_in(&office, no).unwrap_err().code, Code::NotFound);
    let quota = office
        .files
        .read::<_, crate::storage::StorageError>(office.org, |t| {
            t.profile(ProfileId::from_bytes([2; 16]))
        })
        .unwrap()
        .unwrap()
        .quarantine_bytes;
    assert_eq!(quota, 0);
    office.check();
}

/// A phone that sends what nobody can read.
fn unreadable(office: &Office, bodies: &[Vec<u8>]) -> Phone {
    let mut dara = office.worker(2);
    for (n, bytes) in bodies.iter().enumerate() {
        let seq = Seq::new(n as u64 + 1).unwrap();
        let hash = ItemHash::from_bytes([n as u8 + 8; 32]);
        let next = chain_next(*dara.chain.last().unwrap(), seq, hash);
        dara.chain.push(next);
        let bytes = bytes.clone();
        dara.items.push(Item::Opaque { seq, hash, bytes });
    }
    dara.sync(office);
    dara
}

#[test]
fn an_erasure_finds_what_nobody_can_read_by_the_records_id_and_names_the_rest() {
    let office = Office::open();
    let id = record(7);
    let begins = [&[0x8c, 0x50], id.as_bytes().as_slice(), b"Sokha"].concat();
    let inside = format!("{{\"record\":\"{id}\", cut off: Sokha").into_bytes();
    let nameless = b"\xff Vanna".to_vec();
    unreadable(&office, &[begins.clone(), inside, nameless]);
    office.erase(id);
    let left = waiting_lines(&office);
    assert_eq!(left.len(), 1, "only what names no record");
    let admin = desk(&office, 101, Role::OrgAdmin);
    let hash = id.tombstone();
    let report = erasure_report(&office.files, &office.env, &admin, hash).unwrap();
    let named: Vec<_> = report.unreadable.iter().map(|u| u.no).collect();
    assert_eq!(named, [left[0].no]);
    office.check();
    // What comes later of the erased one is not even kept.
    let late = [begins];
    let mut linh = office.worker(3);
    let (seq, hash) = (Seq::new(1).unwrap(), ItemHash::from_bytes([1; 32]));
    linh.chain.push(chain_next(linh.chain[0], seq, hash));
    let bytes = late[0].clone();
    linh.items.push(Item::Opaque { seq, hash, bytes });
    assert_eq!(statuses(&linh.sync(&office)), [Status::Erased]);
    office.check();
}

#[test]
fn what_waited_too_long_of_a_revoked_phone_goes_counted_and_nobody_elses_does() {
    let mut office = Office::open();
    let dara = revoked_with(&office, |dara| {
        dara.write(record(1), vec![(NAME, text("one"))], 20);
        dara.write(record(1), vec![(NAME, text("two"))], 21);
    });
    let mut linh = office.worker(3);
    let answers = vec![(NAME, text("x")), (STATUS, code("approved"))];
    linh.create(record(2), answers, 10);
    linh.sync(&office);
    let gone = [dara.caller.profile];
    let day = 24 * 60 * 60 * 1_000;
    let start = office.env.now;
    for (days, dropped, left) in [(29, 0, 3), (31, 2, 1), (32, 0, 1)] {
        office.env.now = start + days * day;
        let done = drop_old(&office.files, &office.env, office.org, &gone).unwrap();
        assert_eq!(done, dropped, "after {days} days");
        assert_eq!(waiting_lines(&office).len(), left);
    }
    let (profile, audit) = office
        .files
        .read::<_, crate::storage::StorageError>(office.org, |t| {
            Ok((t.profile(gone[0])?, t.audit_rows(0, 100)?))
        })
        .unwrap();
    assert_eq!(profile.unwrap().quarantine_bytes, 0, "there is room again");
    let rows: Vec<_> = audit
        .iter()
        .filter(|r| r.action == "quarantine.expire")
        .collect();
    assert_eq!(rows.len(), 1);
    assert!(rows[0].detail.as_ref().unwrap().starts_with("bodies=2 "));
    office.check();
}

#[test]
fn what_is_discarded_is_wiped_from_the_file() {
    let office = Office::open();
    revoked_with(&office, |dara| {
        let words = text("Vanna the discarded");
        dara.create_unasked(record(5), vec![(NAME, words)], 20);
    });
    let no = waiting_lines(&office)[0].no;
    discard(&office.files, &office.env, &mona(&office), no).unwrap();
    assert!(office.files.scrub_owed().is_empty());
    let owed = office.files.read(office.org, |txn| txn.scrub_owed());
    assert!(!owed.unwrap(), "looked after without being asked again");
    office.files.close(office.org);
    let bytes = std::fs::read(office.files.path(office.org)).unwrap();
    let word = b"Vanna the discarded";
    assert!(!bytes.windows(word.len()).any(|w| w == word));
    office.check();
}
