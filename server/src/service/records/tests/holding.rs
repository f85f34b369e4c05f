//! What phones may hold: nothing that is restricted, and without live consent only what their own user made.

use tributary_sync_core::key::MetaKey;
use tributary_sync_core::wire::message::Entry;

use super::*;

/// Asks for everything in every way there is; the states that come.
fn all_states(office: &Office, phone: &Phone) -> Vec<RecordId> {
    let mut phone = phone.clone();
    phone.refetch = vec![record(1)];
    phone.cursor = None;
    let mut out = Vec::new();
    for _ in 0..2 {
        let reply = phone.sync(office);
        for entry in &reply.entries {
            match entry {
                Entry::State { state, .. } => out.push(state.id()),
                Entry::Change { stored, .. } => out.push(stored.change.record),
                _ => {}
            }
        }
    }
    out.dedup();
    out
}

#[test]
fn a_restricted_record_leaves_every_phone_and_what_they_still_bring_is_taken() {
    let office = Office::open();
    let (mut dara, mut linh) = crossing(&office);
    dara.sync(&office);
    linh.sync(&office);
    let chief = admin(&office);
    restrict(&office.files, &office.env, &chief, record(1)).unwrap();
    dara.write(record(1), vec![(NAME, text("from the field"))], 60);
    let reply = dara.sync(&office);
    assert_eq!(statuses(&reply), [Status::Applied]);
    linh.sync(&office);
    assert!(dara.records.is_empty() && linh.records.is_empty());
    for phone in [&dara, &linh] {
        assert_eq!(all_states(&office, phone), []);
    }
    office.assign(record(1), &linh, false);
    office.assign(record(1), &linh, true);
    linh.sync(&office);
    assert!(linh.records.is_empty(), "assigning it anew changes nothing");
    office.check();
    unrestrict(&office.files, &office.env, &chief, record(1)).unwrap();
    dara.sync(&office);
    linh.sync(&office);
    let there = office.live(record(1), &NAME);
    assert!(there.contains(&"from the field".to_owned()));
    assert_eq!(dara.live(record(1), &NAME), there);
    assert_eq!(linh.live(record(1), &NAME), there);
    office.check();
}

#[test]
fn a_record_without_live_consent_stays_on_its_makers_phones_alone() {
    let office = Office::open();
    let (mut dara, mut linh) = crossing(&office);
    let mut chan = office.phone(9, Role::Coordinator);
    office.assign(record(1), &chan, true);
    chan.sync(&office);
    linh.sync(&office);
    linh.write(record(1), vec![(CONSENT, code("withdrawn"))], 50);
    linh.sync(&office);
    assert!(linh.records.is_empty(), "and left the phone that said so");
    // A coordinator's phone that has not heard assigns it to itself, and to another.
    let to = |n| code(&format!("user:{}", user(n)));
    let mut vanna = office.worker(5);
    chan.write(record(1), vec![(Key::Meta(MetaKey::Assignee), to(5))], 60);
    chan.write(record(1), vec![(Key::Meta(MetaKey::Assignee), to(9))], 61);
    assert_eq!(statuses(&chan.sync(&office)), [Status::Applied; 2]);
    vanna.sync(&office);
    for phone in [&chan, &linh, &vanna] {
        assert!(phone.records.is_empty());
        assert_eq!(all_states(&office, phone), []);
    }
    dara.sync(&office);
    assert_eq!(dara.live(record(1), &CONSENT), ["withdrawn"]);
    office.check();
    // Given again, by a decision: it comes back to whom it is assigned.
    let mona = coordinator(&office);
    let seen = look(&office, &mona, record(1));
    let dots = office.row(record(1)).unwrap().record;
    let dots = dots.values(&CONSENT).iter().map(|(dot, _)| *dot).collect();
    let choice = (Choice::Value(code("given")), "she said so again".to_owned());
    let at = (record(1), &seen.shown);
    let what = (CONSENT, dots);
    done(decide(&office.files, &office.env, &mona, at, what, choice));
    chan.sync(&office);
    assert_eq!(chan.live(record(1), &CONSENT), ["given"]);
    linh.sync(&office);
    assert!(linh.records.is_empty(), "assigned to somebody else since");
    office.check();
}

#[test]
fn a_record_that_was_never_consented_to_is_its_makers_alone_from_the_start() {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    dara.create_unasked(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    office.assign(record(1), &linh, true);
    linh.sync(&office);
    assert!(linh.records.is_empty());
    dara.write(record(1), vec![(CONSENT, code("given"))], 20);
    dara.sync(&office);
    linh.sync(&office);
    assert_eq!(linh.live(record(1), &NAME), ["Sokha"], "whole");
    office.check();
}

#[test]
fn whoever_handed_over_reads_nothing_that_the_other_writes() {
    let office = Office::open();
    let (mut dara, mut vanna) = (office.worker(2), office.worker(4));
    dara.create(record(1), vec![(NAME, text("open"))], 10);
    dara.sync(&office);
    dara.sync(&office);
    let who = (office.org, Some(user(100)));
    hand_over(&office.files, &office.env, who, user(2), user(4)).unwrap();
    vanna.sync(&office);
    vanna.write(record(1), vec![(NAME, text("the successor's"))], 20);
    vanna.sync(&office);
    dara.write(record(1), vec![(NAME, text("still on the phone"))], 21);
    assert_eq!(statuses(&dara.sync(&office)), [Status::Applied]);
    assert!(dara.records.is_empty());
    assert_eq!(all_states(&office, &dara), []);
    vanna.sync(&office);
    let both = ["still on the phone", "the successor's"];
    assert_eq!(vanna.live(record(1), &NAME), both);
    office.check();
}
