//! A server that was restored or moved, or that lost a disk without saying so.

use tributary_sync_core::ids::*;
use tributary_sync_core::session::*;

use super::server::{Server, problem};
use super::world::*;

/// Two phones, one interview in the copy and one after it.
fn before_the_fire() -> (Server, Server, Phone, Phone) {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut b = Phone::worker(&mut server, 2);
    a.create(record(1), vec![(key(NAME), text("copied"))]);
    a.sync(&mut server);
    server.assign(b.profile, record(1));
    b.sync(&mut server);
    let copy = server.backup();
    a.sync(&mut server);
    a.create(record(2), vec![(key(NAME), text("later"))]);
    a.sync(&mut server);
    b.edit(record(1), vec![(key(NAME), text("edited later"))])
        .unwrap();
    b.sync(&mut server);
    a.sync(&mut server);
    (server, copy, a, b)
}

#[test]
fn after_a_restore_phones_bring_back_what_the_copy_lacks_under_the_old_numbers() {
    let (lost, copy, mut a, mut b) = before_the_fire();
    let mut server = copy;
    server.open_epoch(2);
    a.create(record(3), vec![(key(NAME), text("made before it heard"))]);
    a.sync(&mut server);
    b.sync(&mut server);
    a.sync(&mut server);
    assert_eq!(
        (a.me().actors.len(), b.me().actors.len()),
        (1, 1),
        "same actors go on"
    );
    for n in [1, 2, 3] {
        same(&a, &server, record(n));
    }
    same(&b, &server, record(1));
    assert_eq!(
        on_server(&server, record(1), NAME),
        on_server(&lost, record(1), NAME)
    );
    assert_eq!((a.unsent(), b.unsent()), (0, 0));
    assert_eq!(a.me().head.unwrap().epoch, server.epoch);
}

#[test]
fn a_resend_repeats_its_effective_clock() {
    let (lost, copy, mut a, _) = before_the_fire();
    let mut server = copy;
    server.open_epoch(2);
    server.now += 1_000_000_000;
    a.sync(&mut server);
    let of = |s: &Server| s.records[&record(2)].1.lives()[0].effective;
    assert_eq!(of(&server), of(&lost));
}

#[test]
fn an_emptied_phone_says_what_it_cannot_bring_back_and_goes_on_under_a_new_actor() {
    let (_, copy, mut a, _) = before_the_fire();
    empty(&mut a.store, Confirm::StoredIsEnough).unwrap();
    a.create(record(3), vec![(key(NAME), text("after emptying"))]);
    let mut server = copy;
    server.open_epoch(2);
    a.sync(&mut server);
    assert_eq!(a.me().actors.len(), 2);
    let old = &a.me().actors[0];
    assert!(old.closed && server.actors[&old.actor].closed);
    assert_eq!(
        on_server(&server, record(3), NAME),
        [text("after emptying")]
    );
    assert_eq!(a.unsent(), 0);
    same(&a, &server, record(3));
    assert!(a.state(record(1)).is_none(), "it was emptied");
}

#[test]
fn an_actor_granted_after_the_copy_is_adopted_by_its_signed_grant() {
    let mut server = Server::new();
    let copy = server.backup();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    a.sync(&mut server);
    let mut server = copy;
    server.open_epoch(2);
    a.sync(&mut server);
    assert_eq!(a.me().actors.len(), 1);
    same(&a, &server, record(1));
}

#[test]
fn after_a_fork_of_one_actor_what_the_server_lacks_of_later_ones_is_made_again_too() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    phone.create(record(1), vec![(key(NAME), text("one"))]);
    phone.sync(&mut server);
    let copy = server.backup();
    let mut twin = phone.clone();
    phone.create(record(2), vec![(key(NAME), text("phone"))]);
    phone.sync(&mut server);
    twin.create(record(3), vec![(key(NAME), text("twin"))]);
    twin.sync(&mut server);
    assert_eq!(twin.me().actors.len(), 2);
    twin.create(record(4), vec![(key(NAME), text("twin, not sent"))]);
    // The copy knows the first actor only to its first number. The other phone is first to come back.
    let mut server = copy;
    server.open_epoch(2);
    phone.sync(&mut server);
    twin.sync(&mut server);
    phone.sync(&mut server);
    assert_eq!((phone.unsent(), twin.unsent()), (0, 0));
    for n in 1..=4 {
        assert_eq!(on_server(&server, record(n), NAME).len(), 1, "record {n}");
        same(&twin, &server, record(n));
    }
}

#[test]
fn a_form_left_open_over_a_restore_names_the_epoch_it_was_opened_in() {
    let (_, copy, mut a, _) = before_the_fire();
    let form = open_form(&mut a.store, record(1), FORM).unwrap();
    let mut server = copy;
    let old = server.epoch;
    server.open_epoch(2);
    a.sync(&mut server);
    let change = a
        .save_in(form.session, vec![(key(NAME), text("from the old epoch"))])
        .unwrap();
    assert_eq!(change.epoch, old);
    let fresh = refresh(&mut a.store, form.session).unwrap();
    assert_eq!(fresh.epoch, server.epoch);
    a.sync(&mut server);
    same(&a, &server, record(1));
}

#[test]
fn one_phone_only_reads_the_disk_is_rolled_back_and_its_head_stops_the_server() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut reader = Phone::worker(&mut server, 2);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    a.sync(&mut server);
    let image = server.clone();
    a.create(record(2), vec![(key(NAME), text("y"))]);
    a.sync(&mut server);
    reader.sync(&mut server);
    let mut server = image;
    let mut run = Run::new(None);
    let request = reader.next(&mut run);
    let answer = server.answer(reader.profile, &reader.device_key, &request);
    let next = reader.take(&mut run, &request, answer).unwrap();
    assert!(matches!(next, Next::Later { code } if code == "organisation_stopped"));
    assert!(server.stopped);
    // Emptied phones show it too.
    assert!(
        obstacles(&reader.store, Confirm::CopiedOnly)
            .unwrap()
            .is_empty()
    );
    empty(&mut reader.store, Confirm::CopiedOnly).unwrap();
    assert!(reader.me().head.is_some());
    server.open_epoch(2);
    reader.sync(&mut server);
    a.sync(&mut server);
    assert_eq!(a.unsent(), 0);
    same(&a, &server, record(2));
}

#[test]
fn the_head_of_a_late_reply_is_not_taken_for_a_higher_one() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut run = Run::new(None);
    let request = a.next(&mut run);
    let late = server.answer(a.profile, &a.device_key, &request);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    a.sync(&mut server);
    let head = a.me().head;
    a.take(&mut run, &request, late).unwrap();
    assert_eq!(a.me().head, head);
}

#[test]
fn an_answer_of_an_earlier_epoch_is_no_acknowledgement_in_this_one() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let copy = server.backup();
    a.create(record(1), vec![(key(NAME), text("x"))]);
    let mut run = Run::new(None);
    let request = a.next(&mut run);
    let late = server.answer(a.profile, &a.device_key, &request);
    let mut server = copy;
    server.open_epoch(2);
    // It hears of the new epoch, and only then the old answer arrives.
    let mut other = Run::new(None);
    assert!(a.step(&mut other, &mut server));
    assert!(a.step(&mut other, &mut server));
    assert_eq!(a.me().epoch, server.epoch);
    a.take(&mut run, &request, late).unwrap();
    assert_eq!(a.unsent(), 1);
    a.sync(&mut server);
    same(&a, &server, record(1));
}

#[test]
fn a_void_for_a_body_that_is_still_here_is_made_again() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    phone.create(record(1), vec![(key(NAME), text("x"))]);
    phone.sync(&mut server);
    // The copy has the number as void: a twin said so before it was copied.
    let used = &mut server.actors.get_mut(&phone.actor()).unwrap().used[0];
    used.result.status = tributary_sync_core::wire::message::Status::Void;
    used.result.pos = None;
    used.result.effective = None;
    server.records.clear();
    server.scope.clear();
    server.log.clear();
    server.origins.clear();
    server.open_epoch(2);
    phone.sync(&mut server);
    assert_eq!(on_server(&server, record(1), NAME), [text("x")]);
    assert_eq!(phone.unsent(), 0);
    same(&phone, &server, record(1));
}

#[test]
fn tombstones_come_back_to_a_server_that_lost_them() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(NAME), text("secret"))]);
    a.sync(&mut server);
    let copy = server.backup();
    server.erase(record(1));
    a.sync(&mut server);
    assert!(a.state(record(1)).is_none());
    let mut server = copy;
    server.open_epoch(2);
    a.sync(&mut server);
    assert!(server.erased.contains(&record(1).tombstone()));
    assert!(!server.records.contains_key(&record(1)));
    assert!(a.state(record(1)).is_none());
}

#[test]
fn a_gap_is_filled_from_the_number_that_the_server_expects() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    a.create(record(2), vec![(key(NAME), text("y"))]);
    a.sync(&mut server);
    a.create(record(3), vec![(key(NAME), text("z"))]);
    let mut run = Run::new(None);
    let request = a.next(&mut run);
    let gap = Problem {
        expected: Some(Seq::new(2).unwrap()),
        ..problem("sequence_gap")
    };
    a.take(&mut run, &request, Err(gap)).unwrap();
    let Request::Exchange(next) = a.next(&mut run) else {
        panic!()
    };
    assert_eq!((next.first.get(), next.items.len()), (2, 2));
    a.sync(&mut server);
    assert_eq!(a.unsent(), 0);
}

#[test]
fn a_cursor_that_nobody_can_read_starts_the_pull_again() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    a.sync(&mut server);
    let mut profile = a.me();
    profile.cursor = Some("nonsense".into());
    a.store.put_profile(&profile).unwrap();
    a.sync(&mut server);
    assert_ne!(a.me().cursor.as_deref(), Some("nonsense"));
    same(&a, &server, record(1));
}

#[test]
fn more_tombstones_than_fit_into_one_comparison_go_ahead_in_several() {
    use tributary_sync_core::wire::message::{CompareReply, SignedTombstone, TOMBSTONES_MAX};
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let held = 2 * TOMBSTONES_MAX + 7;
    for n in 0..held as u64 {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let hash = RecordId::from_bytes(id).tombstone();
        let sig = String::new();
        a.store
            .put_tombstone(&SignedTombstone { hash, sig })
            .unwrap();
    }
    server.open_epoch(2);
    let mut run = Run::new(None);
    assert!(a.step(&mut run, &mut server), "hears of the epoch");
    let mut told = std::collections::BTreeSet::new();
    loop {
        let request = a.next(&mut run);
        let Request::Compare(asked) = &request else {
            panic!("{request:?}");
        };
        assert!(asked.tombstones.len() <= TOMBSTONES_MAX);
        told.extend(asked.tombstones.iter().map(|t| t.hash));
        if !asked.actors.is_empty() {
            break;
        }
        let reply = CompareReply {
            epoch: asked.epoch,
            actors: Vec::new(),
        };
        a.take(&mut run, &request, Ok(Reply::Compare(reply)))
            .unwrap();
    }
    assert_eq!(told.len(), held);
}
