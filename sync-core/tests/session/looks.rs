//! A record shown in one step and answered in another.

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::*;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::session::*;
use tributary_sync_core::value::Value;

use super::server::Server;
use super::world::*;

/// Two phones that share a record.
fn shared() -> (Server, Phone, Phone) {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut b = Phone::worker(&mut server, 2);
    a.create(record(1), vec![(key(NAME), text("dara"))]);
    a.sync(&mut server);
    server.assign(b.profile, record(1));
    b.sync(&mut server);
    (server, a, b)
}

fn look(phone: &mut Phone) {
    let shown = phone.state(record(1)).unwrap();
    note_shown(&mut phone.store, shown, FORM).unwrap();
}

fn changed(phone: &mut Phone, key: Key, value: Value) -> Vec<Key> {
    let open = resume(&mut phone.store, record(1), FORM).unwrap();
    changed_since(&phone.store, &open, &[(key, value)]).unwrap()
}

#[test]
fn what_came_since_the_look_is_named_and_the_save_goes_by_what_was_shown() {
    let (mut server, mut a, mut b) = shared();
    look(&mut b);
    a.edit(record(1), vec![(key(NAME), text("dara chan"))])
        .unwrap();
    a.sync(&mut server);
    b.sync(&mut server);
    assert_eq!(changed(&mut b, key(NAME), text("x")), [key(NAME)]);
    assert_eq!(changed(&mut b, key(5), text("x")), []);
    // Whoever saves all the same replaces nothing that they did not see.
    let open = last_shown(&b.store, record(1)).unwrap().unwrap();
    b.save_in(open.session, vec![(key(NAME), text("dara sok"))])
        .unwrap();
    assert_eq!(b.values(record(1), NAME).len(), 2);
    look(&mut b);
    assert_eq!(changed(&mut b, key(NAME), text("x")), []);
}

#[test]
fn who_was_shown_nothing_saw_only_what_they_wrote() {
    let (mut server, mut a, mut b) = shared();
    assert_eq!(changed(&mut a, key(NAME), text("x")), []);
    assert_eq!(changed(&mut b, key(NAME), text("x")), [key(NAME)]);
    assert_eq!(changed(&mut b, key(5), text("x")), []);
    let open = resume(&mut b.store, record(1), FORM).unwrap();
    b.save_in(open.session, vec![(key(5), text("hers"))])
        .unwrap();
    b.sync(&mut server);
    a.sync(&mut server);
    same(&a, &server, record(1));
}

#[test]
fn a_word_on_the_whole_record_needs_the_whole_record_to_have_been_shown() {
    let (mut server, mut a, mut b) = shared();
    look(&mut b);
    a.edit(record(1), vec![(key(5), text("later"))]).unwrap();
    a.sync(&mut server);
    b.sync(&mut server);
    let status = Key::Meta(MetaKey::Status);
    let approved = changed(&mut b, status.clone(), code("approved"));
    assert_eq!(approved, std::slice::from_ref(&status));
    assert_eq!(changed(&mut b, status, code("complete")), []);
}

#[test]
fn looks_are_bounded_and_go_with_their_record() {
    let (_, mut a, _) = shared();
    look(&mut a);
    for n in 0..LOOKS_MAX {
        let id = RecordId::from_bytes(
            [[9; 8], (n as u64).to_be_bytes()]
                .concat()
                .try_into()
                .unwrap(),
        );
        a.create(id, vec![(key(NAME), text("x"))]);
        let shown = a.state(id).unwrap();
        note_shown(&mut a.store, shown, FORM).unwrap();
    }
    assert_eq!(forms_open(&a.store).unwrap().len(), LOOKS_MAX);
    assert_eq!(last_shown(&a.store, record(1)).unwrap(), None);
    look(&mut a);
    a.store.drop_held(record(1)).unwrap();
    forget_gone(&mut a.store).unwrap();
    assert_eq!(last_shown(&a.store, record(1)).unwrap(), None);
}

#[test]
fn a_verdict_that_a_restore_undid_is_waited_for_again_and_one_that_stands_is_told_again() {
    let (mut server, _, mut b) = shared();
    server.revoked.insert(b.profile);
    for field in [5, 6] {
        b.edit(record(1), vec![(key(field), text("aside"))])
            .unwrap();
    }
    b.sync(&mut server);
    server.revoked.remove(&b.profile);
    let waiting = |b: &Phone| summary(&b.store).unwrap().with_coordinator;
    b.sync(&mut server);
    assert_eq!(waiting(&b), 2);
    let [first, second] = [1, 2].map(|n| Dot::new(b.actor(), Seq::new(n).unwrap()));
    server.judge(first, true);
    b.sync(&mut server);
    let copy = server.backup();
    server.judge(second, false);
    b.sync(&mut server);
    assert_eq!(waiting(&b), 0);
    let mut server = copy;
    server.open_epoch(2);
    b.sync(&mut server);
    assert_eq!(waiting(&b), 1);
    server.judge(second, true);
    b.sync(&mut server);
    assert_eq!(waiting(&b), 0);
}

#[test]
fn a_user_who_is_let_in_again_goes_on_with_the_same_phone() {
    let (mut server, mut a, mut b) = shared();
    server.revoked.insert(b.profile);
    b.edit(record(1), vec![(key(5), text("while shut out"))])
        .unwrap();
    b.sync(&mut server);
    assert!(b.me().revoked);
    a.edit(record(1), vec![(key(NAME), text("meanwhile"))])
        .unwrap();
    a.sync(&mut server);
    server.revoked.remove(&b.profile);
    b.sync(&mut server);
    assert!(!b.me().revoked);
    assert_eq!(b.values(record(1), NAME), [text("meanwhile")]);
    // What was kept aside stays on the phone until it is judged.
    assert_eq!(b.values(record(1), 5), [text("while shut out")]);
    b.edit(record(1), vec![(key(6), text("again"))]).unwrap();
    b.sync(&mut server);
    assert_eq!(on_server(&server, record(1), 6), [text("again")]);
}
