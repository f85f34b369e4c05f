//! Copied and restored phones.

use tributary_sync_core::clock::{Clock, Dot};
use tributary_sync_core::ids::*;
use tributary_sync_core::session::*;

use super::server::{Server, problem};
use super::world::*;

fn names(server: &Server, n: u8) -> Vec<tributary_sync_core::value::Value> {
    on_server(server, record(n), NAME)
}

#[test]
fn a_restored_clone_that_sends_what_its_twin_delivered_takes_a_new_actor_and_loses_nothing() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    phone.create(record(1), vec![(key(NAME), text("one"))]);
    phone.sync(&mut server);
    let mut twin = phone.clone();
    phone.create(record(2), vec![(key(NAME), text("phone"))]);
    phone.sync(&mut server);
    twin.create(record(3), vec![(key(NAME), text("twin"))]);
    twin.edit(record(3), vec![(key(CONSENT), code("given"))])
        .unwrap();
    twin.edit(record(1), vec![(key(NAME), text("one, edited"))])
        .unwrap();
    twin.sync(&mut server);
    assert_eq!(twin.me().actors.len(), 2);
    assert_eq!(twin.unsent(), 0);
    assert_eq!(names(&server, 3), [text("twin")]);
    assert_eq!(names(&server, 2), [text("phone")]);
    assert_eq!(names(&server, 1), [text("one, edited")]);
    for n in 1..=3 {
        same(&twin, &server, record(n));
    }
    // The other one goes on as before.
    phone.create(record(4), vec![(key(NAME), text("later"))]);
    phone.sync(&mut server);
    assert_eq!(phone.me().actors.len(), 1);
    same(&phone, &server, record(4));
}

#[test]
fn a_phone_set_back_to_an_older_state_of_itself_does_not_reuse_its_numbers() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    phone.create(record(1), vec![(key(NAME), text("one"))]);
    phone.sync(&mut server);
    let mut restored = phone.clone();
    phone.create(record(2), vec![(key(NAME), text("two"))]);
    phone.sync(&mut server);
    restored.sync(&mut server);
    assert_eq!(restored.me().actors.len(), 2);
    same(&restored, &server, record(2));
    restored.create(record(3), vec![(key(NAME), text("three"))]);
    restored.sync(&mut server);
    assert_eq!(names(&server, 3), [text("three")]);
    assert_eq!(names(&server, 2), [text("two")]);
}

#[test]
fn both_twins_had_it_queued_and_it_is_stored_once() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    phone.create(record(1), vec![(key(NAME), text("queued"))]);
    let mut twin = phone.clone();
    twin.create(record(2), vec![(key(NAME), text("only twin"))]);
    phone.create(record(3), vec![(key(NAME), text("only phone"))]);
    phone.sync(&mut server);
    twin.sync(&mut server);
    assert_eq!(server.records[&record(1)].1.lives().len(), 1);
    assert_eq!(twin.unsent(), 0);
    for n in 1..=3 {
        same(&twin, &server, record(n));
    }
    // Now a third copy, of the time before: what it makes again are second arrivals of one origin.
    let mut third = Phone {
        store: twin.store.clone(),
        ..phone.clone()
    };
    third.create(record(4), vec![(key(NAME), text("third"))]);
    third.sync(&mut server);
    assert_eq!(names(&server, 4), [text("third")]);
}

#[test]
fn an_open_form_goes_through_a_fork_with_what_it_was_shown() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    phone.create(record(1), vec![(key(NAME), text("first"))]);
    phone.sync(&mut server);
    let mut twin = phone.clone();
    phone.create(record(2), vec![(key(NAME), text("x"))]);
    phone.sync(&mut server);
    let form = open_form(&mut twin.store, record(1), FORM).unwrap();
    twin.save_in(form.session, vec![(key(NAME), text("second"))])
        .unwrap();
    twin.sync(&mut server);
    twin.save_in(form.session, vec![(key(NAME), text("third"))])
        .unwrap();
    twin.sync(&mut server);
    assert_eq!(
        names(&server, 1),
        [text("third")],
        "its own earlier save was seen"
    );
    same(&twin, &server, record(1));
}

#[test]
fn an_edit_of_another_is_not_cut_when_a_fork_dropped_the_cursor() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut b = Phone::worker(&mut server, 2);
    a.create(record(1), vec![(key(NAME), text("a"))]);
    a.sync(&mut server);
    server.assign(b.profile, record(1));
    b.sync(&mut server);
    let mut twin = b.clone();
    b.create(record(2), vec![(key(NAME), text("b"))]);
    b.sync(&mut server);
    twin.edit(
        record(1),
        vec![(key(NAME), text("by the twin, who saw it"))],
    )
    .unwrap();
    twin.sync(&mut server);
    assert_eq!(names(&server, 1), [text("by the twin, who saw it")]);
}

#[test]
fn a_fork_asks_for_a_new_actor_under_one_name_however_often_the_reply_is_lost() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    phone.create(record(1), vec![(key(NAME), text("x"))]);
    let mut twin = phone.clone();
    phone.edit(record(1), vec![(key(NAME), text("y"))]).unwrap();
    phone.sync(&mut server);
    twin.edit(record(1), vec![(key(NAME), text("z"))]).unwrap();
    let mut run = Run::new(None);
    assert!(twin.step(&mut run, &mut server), "the fork");
    let first = twin.next(&mut run);
    server
        .answer(twin.profile, &twin.device_key, &first)
        .unwrap();
    // The reply is lost, the program ends, and meanwhile something is saved under the old number.
    twin.create(record(2), vec![(key(NAME), text("meanwhile"))]);
    let mut run = Run::new(None);
    assert_eq!(twin.next(&mut run), first);
    twin.sync(&mut server);
    assert_eq!(server.actors.len(), 2);
    assert_eq!(names(&server, 2), [text("meanwhile")]);
    same(&twin, &server, record(1));
    assert_eq!(
        names(&server, 1).len(),
        2,
        "two answers without sight of each other"
    );
}

#[test]
fn a_fork_below_what_was_asked_is_found_by_comparing() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    let mut twin = phone.clone();
    for (n, who) in [(1, &mut phone), (2, &mut twin)] {
        who.create(record(n), vec![(key(NAME), text("a"))]);
        who.edit(record(n), vec![(key(NAME), text("b"))]).unwrap();
    }
    phone.sync(&mut server);
    // Its acknowledgement was of another life: the server says only 'forked'.
    let mut run = Run::new(None);
    let request = twin.next(&mut run);
    twin.take(&mut run, &request, Err(problem("actor_forked")))
        .unwrap();
    assert!(matches!(twin.me().phase, Phase::Compare { .. }));
    twin.sync(&mut server);
    assert_eq!((twin.me().actors.len(), twin.unsent()), (2, 0));
    same(&twin, &server, record(2));
}

#[test]
fn a_fork_of_a_clone_keeps_the_erased_erased() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    phone.create(record(1), vec![(key(NAME), text("secret"))]);
    phone.sync(&mut server);
    let mut twin = phone.clone();
    phone.create(record(2), vec![(key(NAME), text("x"))]);
    phone.sync(&mut server);
    server.erase(record(1));
    twin.edit(record(1), vec![(key(NAME), text("secret again"))])
        .unwrap();
    twin.sync(&mut server);
    assert!(twin.state(record(1)).is_none());
    assert!(twin.store.own_of(record(1)).unwrap().is_empty());
    assert!(!server.records.contains_key(&record(1)));
    assert_eq!(twin.unsent(), 0);
}

#[test]
fn re_stamped_changesets_name_where_they_first_stood() {
    let mut server = Server::new();
    let mut phone = Phone::worker(&mut server, 1);
    let mut twin = phone.clone();
    phone.create(record(1), vec![(key(NAME), text("a"))]);
    phone.sync(&mut server);
    let first = twin.create(record(2), vec![(key(NAME), text("b"))]);
    twin.edit(record(2), vec![(key(NAME), text("c"))]).unwrap();
    let old = twin.actor();
    twin.sync(&mut server);
    let again = twin.store.own_of(record(2)).unwrap();
    let origin = again[0].body.as_ref().unwrap().origin.unwrap();
    assert_eq!((origin.dot, origin.hash), (first.dot, first.hash()));
    let second = again[1].body.as_ref().unwrap();
    let own: Clock = [Dot::new(twin.actor(), Seq::new(1).unwrap())]
        .into_iter()
        .collect();
    assert_eq!(second.seen, own, "the own entry above the fork was mapped");
    assert_ne!(old, twin.actor());
}
