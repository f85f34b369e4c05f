//! The attacks in brackets of the rules, as far as a device can stand them.

use tributary_sync_core::change::{Decision, Stamp, Stored};
use tributary_sync_core::clock::{Dot, Hlc};
use tributary_sync_core::ids::*;
use tributary_sync_core::session::*;
use tributary_sync_core::value::{Text, Value};
use tributary_sync_core::wire::Item;

use super::server::Server;
use super::world::*;

/// Two phones that share one interview with consent given.
fn shared() -> (Server, Phone, Phone) {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut b = Phone::worker(&mut server, 2);
    a.create(
        record(1),
        vec![(key(NAME), text("x")), (key(CONSENT), code("given"))],
    );
    a.sync(&mut server);
    server.assign(b.profile, record(1));
    b.sync(&mut server);
    (server, a, b)
}

#[test]
fn a_withdrawal_that_syncs_in_behind_an_open_form_is_not_overwritten_by_its_save() {
    let (mut server, mut a, mut b) = shared();
    let form = open_form(&mut a.store, record(1), FORM).unwrap();
    b.edit(record(1), vec![(key(CONSENT), code("withdrawn"))])
        .unwrap();
    b.sync(&mut server);
    a.sync(&mut server);
    assert_eq!(a.values(record(1), CONSENT), [code("withdrawn")]);
    let change = a
        .save_in(form.session, vec![(key(CONSENT), code("given"))])
        .unwrap();
    assert!(
        !change
            .seen
            .covers(Dot::new(b.actor(), Seq::new(1).unwrap()))
    );
    a.sync(&mut server);
    assert!(on_server(&server, record(1), CONSENT).contains(&code("withdrawn")));
    // Refreshed, the same save needs a decision.
    refresh(&mut a.store, form.session).unwrap();
    let again = a.save_in(form.session, vec![(key(CONSENT), code("given"))]);
    assert!(matches!(again, Err(SessionError::Save(_))));
}

#[test]
fn two_tabs_of_one_profile_do_not_open_one_record_at_once() {
    let (_, mut a, _) = shared();
    let first = open_form(&mut a.store, record(1), FORM).unwrap();
    let second = open_form(&mut a.store, record(1), FORM);
    assert!(matches!(second, Err(SessionError::FormOpen { session }) if session == first.session));
    a.save_in(first.session, vec![(key(NAME), text("from the first"))])
        .unwrap();
    let second = take_over(&mut a.store, record(1), FORM).unwrap();
    assert_eq!(second.view.values(&key(NAME)).len(), 1);
    let late = a.save_in(first.session, vec![(key(NAME), text("late"))]);
    assert!(matches!(late, Err(SessionError::FormClosed)));
    a.save_in(second.session, vec![(key(NAME), text("from the second"))])
        .unwrap();
    assert_eq!(a.values(record(1), NAME), [text("from the second")]);
}

#[test]
fn the_context_of_a_save_holds_the_sessions_own_saves() {
    let (_, mut a, _) = shared();
    let form = open_form(&mut a.store, record(1), FORM).unwrap();
    let one = a
        .save_in(form.session, vec![(key(NAME), text("1"))])
        .unwrap();
    let two = a
        .save_in(form.session, vec![(key(NAME), text("2"))])
        .unwrap();
    assert!(two.seen.covers(one.dot));
    assert_eq!(a.values(record(1), NAME), [text("2")]);
}

#[test]
fn a_worker_corrects_a_typing_mistake_but_lowers_nothing_that_others_may_rely_on() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(CONSENT), code("withdrawn"))]);
    let fixed = a
        .edit(record(1), vec![(key(CONSENT), code("given"))])
        .unwrap();
    assert_eq!(
        fixed.decisions.len(),
        1,
        "named, so that the server can tell"
    );
    a.edit(record(1), vec![(key(CONSENT), code("withdrawn"))])
        .unwrap();
    // Once it was in a request nobody knows whether the server has it.
    a.next(&mut Run::new(None));
    let plain = a.edit(record(1), vec![(key(CONSENT), code("given"))]);
    assert!(matches!(
        plain,
        Err(SessionError::Save(SaveRefused::NeedsDecision(_)))
    ));
    let decided = a.settle(record(1), CONSENT, code("given"), Some("she asked me"));
    assert!(matches!(
        decided,
        Err(SessionError::Save(SaveRefused::NotAllowed(_)))
    ));
    let cleared = a.edit(record(1), vec![(key(CONSENT), Value::Null)]);
    assert!(matches!(
        cleared,
        Err(SessionError::Save(SaveRefused::NeedsDecision(_)))
    ));
}

#[test]
fn a_correction_ends_at_what_a_colleague_recorded_whatever_was_typed_in_between() {
    let (mut server, mut a, mut b) = shared();
    b.edit(record(1), vec![(key(CONSENT), code("withdrawn"))])
        .unwrap();
    b.sync(&mut server);
    a.sync(&mut server);
    // The same again, and a code that nobody knows: both stand above the withdrawal, and both are not sent yet.
    for raised in ["withdrawn", "elsewhere"] {
        a.edit(record(1), vec![(key(CONSENT), code(raised))])
            .unwrap();
        let plain = a.edit(record(1), vec![(key(CONSENT), code("given"))]);
        assert!(matches!(
            plain,
            Err(SessionError::Save(SaveRefused::NeedsDecision(_)))
        ));
        let decided = a.settle(record(1), CONSENT, code("given"), Some("I mistyped"));
        assert!(matches!(
            decided,
            Err(SessionError::Save(SaveRefused::NotAllowed(_)))
        ));
    }
    a.edit(record(1), vec![(key(CONSENT), code("withdrawn"))])
        .unwrap();
    assert_eq!(a.values(record(1), CONSENT), [code("withdrawn")]);
    // What was given, and mistaken for withdrawn before anybody heard of it, may be given again.
    let mut c = Phone::worker(&mut server, 4);
    c.create(record(2), vec![(key(CONSENT), code("given"))]);
    c.sync(&mut server);
    c.edit(record(2), vec![(key(CONSENT), code("withdrawn"))])
        .unwrap();
    c.edit(record(2), vec![(key(CONSENT), code("given"))])
        .unwrap();
    assert_eq!(c.values(record(2), CONSENT), [code("given")]);
}

#[test]
fn a_coordinator_lowers_with_a_reason_and_only_what_was_shown() {
    let (mut server, mut a, _) = shared();
    let mut c = Phone::enrol(&mut server, 3, Role::Coordinator);
    a.edit(record(1), vec![(key(CONSENT), code("withdrawn"))])
        .unwrap();
    a.sync(&mut server);
    server.assign(c.profile, record(1));
    c.sync(&mut server);
    let plain = c.edit(record(1), vec![(key(CONSENT), code("given"))]);
    assert!(matches!(
        plain,
        Err(SessionError::Save(SaveRefused::NeedsDecision(_)))
    ));
    let blank = c.settle(record(1), CONSENT, code("given"), Some(" "));
    assert!(matches!(
        blank,
        Err(SessionError::Save(SaveRefused::Decision(_)))
    ));
    let form = open_form(&mut c.store, record(1), FORM).unwrap();
    let unseen = Save {
        writes: vec![(key(CONSENT), code("given"))],
        decisions: vec![Decision {
            key: key(CONSENT),
            dots: vec![Dot::new(ActorId(99), Seq::new(1).unwrap())],
            reason: Text::new("x").unwrap(),
        }],
        shown: Default::default(),
    };
    let unseen = save(&mut c.store, form.session, unseen, c.now);
    assert!(matches!(
        unseen,
        Err(SessionError::Save(SaveRefused::Decision(_)))
    ));
    close_form(&mut c.store, form.session).unwrap();
    let done = c
        .settle(record(1), CONSENT, code("given"), Some("talked to her"))
        .unwrap();
    assert_eq!(done.decisions.len(), 1);
}

#[test]
fn a_cut_context_is_repaired_by_fetching_the_record_again() {
    let (mut server, mut a, mut b) = shared();
    a.edit(record(1), vec![(key(NAME), text("y"))]).unwrap();
    a.sync(&mut server);
    b.sync(&mut server);
    // A phone that believes to have seen what nobody made.
    let mut held = b.store.held(record(1)).unwrap().unwrap();
    let mut ghost = a.store.own_after(a.actor(), Seq::ZERO, 1).unwrap()[0]
        .body
        .clone()
        .unwrap()
        .into_draft();
    ghost.dot = Dot::new(ActorId(77), Seq::new(9).unwrap());
    let ghost = Stored {
        stamp: Stamp {
            context: ghost.seen.clone(),
            effective: ghost.clock,
            received: 0,
            cut: false,
        },
        change: ghost.seal().unwrap(),
    };
    held.state.apply(&ghost);
    b.store.put_held(&held).unwrap();
    b.settle(record(1), NAME, text("z"), None).unwrap();
    b.sync(&mut server);
    assert!(b.me().refetch.is_empty());
    same(&b, &server, record(1));
}

#[test]
fn a_tail_without_its_record_is_no_record() {
    let (mut server, mut a, mut b) = shared();
    server.unassign(b.profile, record(1));
    a.edit(record(1), vec![(key(NAME), text("y"))]).unwrap();
    a.sync(&mut server);
    server.assign(b.profile, record(1));
    a.edit(record(1), vec![(key(NAME), text("z"))]).unwrap();
    a.sync(&mut server);
    server.page = 1;
    b.sync(&mut server);
    same(&b, &server, record(1));
}

#[test]
fn a_backfill_in_pages_misses_nothing_that_is_written_meanwhile() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut b = Phone::worker(&mut server, 2);
    for n in 1..=5 {
        a.create(record(n), vec![(key(NAME), text("x"))]);
    }
    a.sync(&mut server);
    for n in 1..=5 {
        server.assign(b.profile, record(n));
    }
    server.page = 2;
    let mut run = Run::new(None);
    for _ in 0..2 {
        b.step(&mut run, &mut server);
        a.edit(record(1), vec![(key(NAME), text("meanwhile"))])
            .unwrap();
        a.sync(&mut server);
    }
    b.sync(&mut server);
    for n in 1..=5 {
        same(&b, &server, record(n));
    }
}

#[test]
fn an_erased_record_leaves_the_phone_with_its_queue_and_its_open_form() {
    let (mut server, mut a, mut b) = shared();
    b.edit(record(1), vec![(key(NAME), text("late edit"))])
        .unwrap();
    let form = open_form(&mut b.store, record(1), FORM).unwrap();
    server.erase(record(1));
    b.sync(&mut server);
    assert!(b.state(record(1)).is_none());
    assert!(matches!(
        b.save_in(form.session, vec![(key(NAME), text("x"))]),
        Err(SessionError::FormClosed)
    ));
    assert_eq!(b.store.tombstones().unwrap().len(), 1);
    assert!(create_record(&mut b.store, record(1), FORM).is_err());
    a.sync(&mut server);
    assert!(a.state(record(1)).is_none());
    assert!(
        a.store.own_of(record(1)).unwrap().is_empty(),
        "the id is kept nowhere"
    );
}

#[test]
fn what_is_queued_for_an_erased_record_is_sent_as_void() {
    let (mut server, _, mut b) = shared();
    b.sync(&mut server);
    b.edit(record(1), vec![(key(NAME), text("queued"))])
        .unwrap();
    server.erase(record(1));
    // The tombstone arrives by a pull whose push was still empty.
    let mut empty_push = b.clone();
    let mut run = Run::new(None);
    let Request::Exchange(mut request) = empty_push.next(&mut run) else {
        panic!()
    };
    request.items.clear();
    let request = Request::Exchange(request);
    let answer = server.answer(b.profile, &b.device_key, &request);
    b.take(&mut run, &request, answer).unwrap();
    let Request::Exchange(next) = b.next(&mut run) else {
        panic!()
    };
    assert!(matches!(next.items[..], [Item::Void { .. }]));
    b.sync(&mut server);
    assert_eq!(b.unsent(), 0);
}

#[test]
fn a_quarantined_changeset_stays_visible_to_its_author_until_it_is_judged() {
    let (mut server, mut a, _) = shared();
    let odd = FormHash::from_bytes([8; 32]);
    server.quarantines = Some(odd);
    a.store.put_form(&form_text(odd)).unwrap();
    let form = open_form(&mut a.store, record(1), odd).unwrap();
    a.save_in(form.session, vec![(key(9), text("held back"))])
        .unwrap();
    close_form(&mut a.store, form.session).unwrap();
    a.sync(&mut server);
    a.sync(&mut server);
    assert_eq!(
        a.values(record(1), 9),
        [text("held back")],
        "applied again over the full state"
    );
    assert_eq!(summary(&a.store).unwrap().with_coordinator, 1);
    assert!(matches!(
        obstacles(&a.store, Confirm::CopiedOnly).unwrap()[..],
        [.., Obstacle::WithCoordinator(..)]
    ));
    // A new record of the same kind, which the server does not have at all.
    let form = create_record(&mut a.store, record(5), odd).unwrap();
    a.save_in(form.session, vec![(key(9), text("whole record"))])
        .unwrap();
    close_form(&mut a.store, form.session).unwrap();
    a.sync(&mut server);
    assert_eq!(a.values(record(5), 9), [text("whole record")]);
    let actor = a.actor();
    server.judge(Dot::new(actor, Seq::new(2).unwrap()), false);
    server.judge(Dot::new(actor, Seq::new(3).unwrap()), false);
    a.sync(&mut server);
    assert!(a.values(record(1), 9).is_empty());
    assert!(a.state(record(5)).is_none());
    assert_eq!(summary(&a.store).unwrap().with_coordinator, 0);
}

#[test]
fn an_item_that_cannot_be_read_is_sent_as_it_is_and_blocks_nothing() {
    let (mut server, mut a, _) = shared();
    let odd = FormHash::from_bytes([8; 32]);
    server.unreadable = Some(odd);
    a.store.put_form(&form_text(odd)).unwrap();
    let form = create_record(&mut a.store, record(6), odd).unwrap();
    a.save_in(form.session, vec![(key(9), text("?"))]).unwrap();
    a.create(record(7), vec![(key(NAME), text("fine"))]);
    a.sync(&mut server);
    assert_eq!(on_server(&server, record(7), NAME), [text("fine")]);
    assert_eq!(
        (a.unsent(), summary(&a.store).unwrap().with_coordinator),
        (0, 1)
    );
}

#[test]
fn a_revoked_phone_pushes_into_quarantine_and_pulls_nothing() {
    let (mut server, mut a, mut b) = shared();
    server.revoked.insert(b.profile);
    b.edit(record(1), vec![(key(NAME), text("by the thief"))])
        .unwrap();
    a.edit(record(1), vec![(key(NAME), text("by her"))])
        .unwrap();
    a.sync(&mut server);
    b.sync(&mut server);
    assert!(b.me().revoked);
    assert_eq!(b.unsent(), 0);
    assert_eq!(on_server(&server, record(1), NAME), [text("by her")]);
    assert!(!b.values(record(1), NAME).contains(&text("by her")));
    assert!(matches!(
        open_form(&mut b.store, record(1), FORM),
        Err(SessionError::Revoked)
    ));
}

#[test]
fn a_revoked_phone_hears_of_an_erasure_with_its_proof() {
    let (mut server, _, mut b) = shared();
    b.edit(record(1), vec![(key(NAME), text("late"))]).unwrap();
    server.revoked.insert(b.profile);
    server.erase(record(1));
    b.sync(&mut server);
    assert!(b.me().revoked);
    assert!(b.store.is_erased(record(1).tombstone()).unwrap());
    assert_eq!(b.state(record(1)), None);
    assert!(b.store.own_of(record(1)).unwrap().is_empty());
}

#[test]
fn a_clock_of_2100_loses_ties_at_worst_and_does_not_stay() {
    let (mut server, mut a, mut b) = shared();
    a.now = 4_102_444_800_000;
    a.edit(record(1), vec![(key(NAME), text("from 2100"))])
        .unwrap();
    a.now = 2_000_000;
    let right_again = a.edit(record(1), vec![(key(5), text("x"))]).unwrap();
    assert_eq!(right_again.clock, Hlc::new(2_000_000, 0).unwrap());
    a.sync(&mut server);
    b.sync(&mut server);
    // Others only learn the effective clock, at most five minutes ahead.
    b.now = 1_000_000;
    let next = b.edit(record(1), vec![(key(6), text("y"))]).unwrap();
    assert!(next.clock.ms() <= server.now + 300_000);
}

#[test]
fn a_save_into_a_record_that_left_the_scope_while_it_was_open_is_still_pushed() {
    let (mut server, _, mut b) = shared();
    let form = open_form(&mut b.store, record(1), FORM).unwrap();
    server.unassign(b.profile, record(1));
    b.sync(&mut server);
    assert!(b.state(record(1)).is_none());
    b.save_in(form.session, vec![(key(NAME), text("finished it"))])
        .unwrap();
    close_form(&mut b.store, form.session).unwrap();
    b.sync(&mut server);
    assert_eq!(on_server(&server, record(1), NAME), [text("finished it")]);
    assert_eq!(b.unsent(), 0);
}
