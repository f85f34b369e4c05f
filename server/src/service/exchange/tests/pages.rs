//! What a phone hears in a pull of several pages, after a record was taken away, and after epochs.

use super::*;

/// What stands beside the records in a whole pull: policies, form versions, tombstones; and in how many pages.
fn standing(office: &Office, phone: &mut Phone, max_bytes: u32) -> ([usize; 3], usize) {
    phone.cursor = None;
    let (mut told, mut pages) = ([0; 3], 0);
    loop {
        let request = ExchangeRequest {
            max_bytes,
            ..phone.request()
        };
        let reply = phone.send(office, request).unwrap();
        for entry in &reply.entries {
            match entry {
                Entry::Policy { .. } => told[0] += 1,
                Entry::Form { .. } => told[1] += 1,
                Entry::Erased { .. } => told[2] += 1,
                _ => {}
            }
        }
        phone.take(&reply);
        pages += 1;
        if !reply.more {
            return (told, pages);
        }
    }
}

#[test]
fn policies_forms_and_tombstones_come_with_a_first_pull_of_any_number_of_pages() {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    for n in 1..=40 {
        dara.create(record(n), vec![(NAME, text(&"long ".repeat(40)))], 10);
    }
    dara.sync(&office);
    for n in 1..=40 {
        office.assign(record(n), &linh, true);
    }
    office.erase(record(40));
    assert_eq!(standing(&office, &mut linh, 1 << 20), ([1; 3], 1));
    let (told, pages) = standing(&office, &mut linh, 2_000);
    assert_eq!(told, [1; 3], "in {pages} pages");
    assert!(pages > 5);
}

#[test]
fn the_first_answer_says_that_the_record_was_taken_away_meanwhile() {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    office.assign(record(1), &linh, true);
    linh.sync(&office);
    linh.sync(&office);
    office.assign(record(1), &linh, false);
    linh.write(record(1), vec![(NAME, text("late"))], 12);
    let told = &linh.sync(&office).results[0];
    assert_eq!(told.status, Status::Applied);
    assert!(told.out_of_scope);
}

#[test]
fn a_maker_who_is_assigned_the_record_too_empties_the_phone_and_the_file_is_sound() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    office.assign(record(1), &dara, true);
    dara.sync(&office);
    dara.leaves = vec![record(1)];
    dara.sync(&office);
    office.check();
    office.assign(record(1), &dara, false);
    office.check();
}

/// A phone that has read the record, and what it showed then.
fn shown(office: &Office) -> (Phone, Clock, EpochId) {
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(office);
    office.assign(record(1), &linh, true);
    for _ in 0..3 {
        linh.sync(office);
    }
    let (seen, epoch) = (linh.sees(record(1)), linh.epoch);
    (linh, seen, epoch)
}

#[test]
fn a_form_that_was_left_open_over_two_restores_overwrites_what_it_showed() {
    let office = Office::open();
    let (mut linh, seen, epoch) = shown(&office);
    office.open_epoch(2);
    office.open_epoch(3);
    linh.epoch = office.epoch();
    linh.cursor = None;
    let save = linh.draft(record(1), seen, vec![(NAME, text("offline"))], 30);
    linh.queue(Draft { epoch, ..save }.seal().unwrap());
    assert_eq!(statuses(&linh.sync(&office)), [Status::Applied]);
    assert_eq!(office.live(record(1), &NAME), ["offline"]);
}

#[test]
fn a_record_that_was_confirmed_and_taken_away_takes_a_late_save_after_a_restore_too() {
    let office = Office::open();
    let (mut linh, seen, epoch) = shown(&office);
    office.assign(record(1), &linh, false);
    office.open_epoch(2);
    linh.epoch = office.epoch();
    linh.cursor = None;
    let late = linh.draft(record(1), seen, vec![(NAME, text("late"))], 30);
    linh.queue(Draft { epoch, ..late }.seal().unwrap());
    assert_eq!(statuses(&linh.sync(&office)), [Status::Applied]);
}

#[test]
fn a_record_that_was_never_confirmed_takes_nothing_after_a_restore_either() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    let mut mei = office.worker(4);
    mei.sync(&office);
    mei.sync(&office);
    office.assign(record(1), &mei, true);
    office.assign(record(1), &mei, false);
    office.open_epoch(2);
    mei.epoch = office.epoch();
    mei.cursor = None;
    mei.write(record(1), vec![(NAME, text("guessed"))], 30);
    assert_eq!(statuses(&mei.sync(&office)), [Status::Quarantined]);
}

/// The changeset that waits last, sent as what could not be read.
fn unread(phone: &mut Phone, spoilt: bool) {
    let last = phone.items.pop().unwrap();
    let Item::Change { change, .. } = &last else {
        panic!("a changeset");
    };
    let mut bytes = change.bytes().to_vec();
    if spoilt {
        bytes.push(0);
    }
    phone.items.push(Item::Opaque {
        seq: change.dot.seq,
        hash: change.hash(),
        bytes,
    });
}

#[test]
fn what_could_not_be_read_once_and_can_be_now_is_taken_as_what_it_is() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    dara.write(record(1), vec![(NAME, text("second"))], 11);
    unread(&mut dara, false);
    let told = dara.send(&office, dara.request()).unwrap();
    assert_eq!(statuses(&told), [Status::Applied]);
    assert_eq!(office.live(record(1), &NAME), ["second"]);
    office.check();
}

#[test]
fn a_readable_form_of_what_waits_unread_is_no_duplicate() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    let seen = dara.sees(record(1));
    dara.write(record(1), vec![(NAME, text("second"))], 11);
    let origin = dara.origin_of(2);
    unread(&mut dara, true);
    assert_eq!(statuses(&dara.sync(&office)), [Status::Quarantined]);
    for expected in [Status::Applied, Status::Duplicate] {
        let again = dara.draft(record(1), seen.clone(), vec![(NAME, text("second"))], 11);
        let origin = Some(origin);
        dara.queue(Draft { origin, ..again }.seal().unwrap());
        assert_eq!(statuses(&dara.sync(&office)), [expected]);
    }
    assert_eq!(office.live(record(1), &NAME), ["second"]);
    office.check();
}
