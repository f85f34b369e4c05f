//! Saving, pushing, pulling, emptying, when nothing goes wrong or little does.

use tributary_sync_core::ids::*;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::session::*;
use tributary_sync_core::value::Value;
use tributary_sync_core::wire::message::{Entry, Status};

use super::server::{Log, Server, pos};
use super::world::*;

#[test]
fn an_interview_made_offline_reaches_the_server_and_another_phone() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut b = Phone::worker(&mut server, 2);
    a.create(record(1), vec![(key(NAME), text("dara"))]);
    assert_eq!(a.unsent(), 1);
    a.sync(&mut server);
    assert_eq!(a.unsent(), 0);
    same(&a, &server, record(1));
    server.assign(b.profile, record(1));
    b.sync(&mut server);
    same(&b, &server, record(1));
}

#[test]
fn two_answers_given_without_sight_of_each_other_are_both_kept_until_somebody_saw_both() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut b = Phone::worker(&mut server, 2);
    a.create(record(1), vec![(key(NAME), text("dara"))]);
    a.sync(&mut server);
    server.assign(b.profile, record(1));
    b.sync(&mut server);
    a.edit(record(1), vec![(key(NAME), text("dara chan"))])
        .unwrap();
    b.edit(record(1), vec![(key(NAME), text("dara sok"))])
        .unwrap();
    a.sync(&mut server);
    b.sync(&mut server);
    a.sync(&mut server);
    assert_eq!(a.values(record(1), NAME).len(), 2);
    let refused = a.edit(record(1), vec![(key(NAME), text("dara c."))]);
    assert!(matches!(
        refused,
        Err(SessionError::Save(SaveRefused::NotShown(_)))
    ));
    a.settle(record(1), NAME, text("dara chan"), None).unwrap();
    a.sync(&mut server);
    b.sync(&mut server);
    assert_eq!(b.values(record(1), NAME), [text("dara chan")]);
    same(&a, &server, record(1));
    same(&b, &server, record(1));
}

#[test]
fn a_lost_reply_costs_one_resend_and_nothing_twice() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    a.sync_losing_the_reply(&mut server);
    assert_eq!(a.unsent(), 1);
    a.sync(&mut server);
    assert_eq!(a.unsent(), 0);
    assert_eq!(server.actors[&a.actor()].used.len(), 1);
    same(&a, &server, record(1));
}

#[test]
fn what_came_of_a_large_request_is_told_when_smaller_ones_follow_its_lost_reply() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    for n in 1..=20 {
        a.create(record(n), vec![(key(NAME), text(&"x".repeat(900)))]);
    }
    a.sync_losing_the_reply(&mut server);
    assert_eq!(server.actors[&a.actor()].used.len(), 20, "all in one");
    // The link was too slow for it: what follows asks about a part only.
    let mut run = Run::new(None);
    for _ in 0..20 {
        run.pace.halve();
    }
    let mut steps = 0;
    while a.step(&mut run, &mut server) {
        steps += 1;
        assert!(steps < 100, "the run does not end");
    }
    assert!(steps > 1, "it took several requests");
    assert_eq!(a.unsent(), 0, "the fate of every change is known");
    assert_eq!(server.actors[&a.actor()].used.len(), 20);
}

#[test]
fn a_reply_with_a_bad_signature_changes_nothing() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    for forge in 0..4 {
        let mut run = Run::new(None);
        let request = a.next(&mut run);
        let before = a.me();
        let mut reply = server
            .clone()
            .answer(a.profile, &a.device_key, &request)
            .unwrap();
        let Reply::Exchange(r) = &mut reply else {
            panic!()
        };
        match forge {
            0 => r.head.sig = "00".into(),
            1 => r.receipt.copied_seq = Seq::new(1).unwrap(),
            2 => r.acked.hash = ChainHash::from_bytes([0; 32]),
            _ => {
                let mut stone = super::server::tombstone(record(1).tombstone());
                stone.sig = "00".into();
                r.entries.push(Entry::Erased {
                    pos: pos(1),
                    tombstone: stone,
                });
            }
        }
        let refused = a.take(&mut run, &request, Ok(reply));
        assert!(matches!(refused, Err(SessionError::Reply(_))), "{forge}");
        assert_eq!(a.me(), before);
        assert_eq!(a.unsent(), 1);
    }
}

#[test]
fn answers_go_for_a_signed_tombstone_and_not_for_a_word_about_a_number() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    let mut run = Run::new(None);
    let request = a.next(&mut run);
    let mut reply = server
        .clone()
        .answer(a.profile, &a.device_key, &request)
        .unwrap();
    let Reply::Exchange(r) = &mut reply else {
        panic!()
    };
    r.results[0].status = Status::Erased;
    a.take(&mut run, &request, Ok(reply)).unwrap();
    assert_eq!(a.values(record(1), NAME), [text("x")]);
    let own = a.store.own_of(record(1)).unwrap();
    assert!(own[0].body.is_some());
    // Nobody has it for all this phone can prove, so it cannot be emptied.
    assert_eq!(a.unsent(), 1);

    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    a.sync(&mut server);
    a.edit(record(1), vec![(key(NAME), text("y"))]).unwrap();
    server.erase(record(1));
    a.sync(&mut server);
    assert_eq!(a.state(record(1)), None);
    assert!(a.store.own_of(record(1)).unwrap().is_empty());
    assert_eq!(a.unsent(), 0);
}

#[test]
fn replies_that_come_late_or_twice_change_nothing() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut b = Phone::worker(&mut server, 2);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    let mut run = Run::new(None);
    let request = a.next(&mut run);
    let reply = server.answer(a.profile, &a.device_key, &request);
    a.sync(&mut server);
    server.assign(b.profile, record(1));
    b.sync(&mut server);
    b.edit(record(1), vec![(key(NAME), text("y"))]).unwrap();
    b.sync(&mut server);
    a.sync(&mut server);
    let before = (a.me(), a.state(record(1)));
    a.take(&mut run, &request, reply.clone()).unwrap();
    a.take(&mut run, &request, reply).unwrap();
    assert_eq!((a.me(), a.state(record(1))), before);
    same(&a, &server, record(1));
}

#[test]
fn a_large_backlog_travels_in_batches_that_follow_the_link() {
    let mut server = Server::new();
    server.page = 7;
    let mut a = Phone::worker(&mut server, 1);
    for n in 1..=60 {
        a.create(record(n), vec![(key(NAME), text(&"x".repeat(2_000)))]);
    }
    let mut run = Run::new(None);
    run.pace.halve();
    run.pace.halve();
    let Request::Exchange(small) = a.next(&mut run) else {
        panic!()
    };
    assert!(
        (2..30).contains(&small.items.len()),
        "{}",
        small.items.len()
    );
    run.pace.double();
    let Request::Exchange(larger) = a.next(&mut run) else {
        panic!()
    };
    assert!(larger.items.len() > small.items.len());
    while a.step(&mut run, &mut server) {}
    assert_eq!((a.unsent(), server.records.len()), (0, 60));
    for n in 1..=60 {
        same(&a, &server, record(n));
    }
}

#[test]
fn what_leaves_the_scope_leaves_the_phone_once_its_own_edits_are_acknowledged() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let mut b = Phone::worker(&mut server, 2);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    a.sync(&mut server);
    server.assign(b.profile, record(1));
    b.sync(&mut server);
    b.edit(record(1), vec![(key(NAME), text("y"))]).unwrap();
    server.unassign(b.profile, record(1));
    // Another phone would already see it gone; this one still holds an edit of its own.
    b.sync(&mut server);
    assert_eq!(b.unsent(), 0);
    assert!(b.state(record(1)).is_none());
    a.sync(&mut server);
    assert_eq!(a.values(record(1), NAME), [text("y")]);
}

#[test]
fn a_phone_is_emptied_only_of_what_is_copied_or_by_a_named_choice() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.create(record(1), vec![(key(NAME), text("x"))]);
    assert!(matches!(
        obstacles(&a.store, Confirm::StoredIsEnough).unwrap()[..],
        [Obstacle::Unsent(..)]
    ));
    a.sync(&mut server);
    assert!(matches!(
        obstacles(&a.store, Confirm::CopiedOnly).unwrap()[..],
        [Obstacle::NotCopied(..)]
    ));
    assert!(
        obstacles(&a.store, Confirm::StoredIsEnough)
            .unwrap()
            .is_empty()
    );
    assert!(empty(&mut a.store, Confirm::CopiedOnly).is_err());
    server.backup();
    a.sync(&mut server);
    let head = a.me().head;
    empty(&mut a.store, Confirm::CopiedOnly).unwrap();
    assert!(a.state(record(1)).is_none());
    assert_eq!(a.me().head, head, "the head stays");
    a.sync(&mut server);
    assert!(a.me().leaves.is_empty());
    assert!(
        a.state(record(1)).is_none(),
        "it does not come back by itself"
    );
    // Numbers go on where they were.
    a.create(record(2), vec![(key(NAME), text("z"))]);
    a.sync(&mut server);
    assert_eq!(server.actors[&a.actor()].used.len(), 2);
    server.assign(a.profile, record(1));
    a.sync(&mut server);
    same(&a, &server, record(1));
    same(&a, &server, record(2));
}

#[test]
fn status_tells_what_is_only_here() {
    let mut server = Server::new();
    server.quarantines = Some(FormHash::from_bytes([8; 32]));
    let mut a = Phone::worker(&mut server, 1);
    a.store
        .put_form(&form_text(FormHash::from_bytes([8; 32])))
        .unwrap();
    a.create(record(1), vec![(key(NAME), text("x"))]);
    a.sync(&mut server);
    server.backup();
    a.create(record(2), vec![(key(NAME), text("x"))]);
    a.sync(&mut server);
    let form = create_record(&mut a.store, record(3), FormHash::from_bytes([8; 32])).unwrap();
    a.save_in(form.session, vec![(key(NAME), text("q"))])
        .unwrap();
    close_form(&mut a.store, form.session).unwrap();
    a.sync(&mut server);
    a.create(record(4), vec![(key(NAME), text("x"))]);
    let s = summary(&a.store).unwrap();
    assert_eq!(
        (s.copied, s.stored, s.with_coordinator, s.unsent, s.records),
        (1, 1, 1, 1, 4)
    );
}

#[test]
fn a_role_writes_only_the_meta_it_may() {
    let mut server = Server::new();
    let mut worker = Phone::worker(&mut server, 1);
    let mut reviewer = Phone::enrol(&mut server, 2, Role::Reviewer);
    worker.create(record(1), vec![(key(NAME), text("x"))]);
    worker.sync(&mut server);
    server.assign(reviewer.profile, record(1));
    reviewer.sync(&mut server);
    let status = Key::Meta(MetaKey::Status);
    let refused =
        |r: Result<_, SessionError>| matches!(r, Err(SessionError::Save(SaveRefused::Role(_))));
    assert!(refused(
        worker.edit(record(1), vec![(status.clone(), code("approved"))])
    ));
    assert!(refused(worker.edit(
        record(1),
        vec![(Key::Meta(MetaKey::Assignee), code("u"))]
    )));
    assert!(refused(
        reviewer.edit(record(1), vec![(key(NAME), text("y"))])
    ));
    assert!(refused(
        reviewer.edit(record(1), vec![(status.clone(), code("draft"))])
    ));
    reviewer
        .edit(record(1), vec![(status.clone(), code("returned"))])
        .unwrap();
    worker
        .edit(record(1), vec![(status, code("complete"))])
        .unwrap();
    let comment = Key::Meta(MetaKey::Comment(CommentId::from_bytes([1; 8])));
    worker
        .edit(record(1), vec![(comment.clone(), text("call back"))])
        .unwrap();
    let twice = worker.edit(record(1), vec![(comment, text("no"))]);
    assert!(matches!(
        twice,
        Err(SessionError::Save(SaveRefused::CommentWritten))
    ));
}

#[test]
fn limits_hold_at_entry() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    let form = create_record(&mut a.store, record(1), FORM).unwrap();
    let many = (0..2_001).map(|n| (key(n + 10), Value::Null)).collect();
    assert!(matches!(
        a.save_in(form.session, many),
        Err(SessionError::Parse(_))
    ));
    let large = (0..5)
        .map(|n| (key(n + 10), text(&"x".repeat(60_000))))
        .collect();
    assert!(matches!(
        a.save_in(form.session, large),
        Err(SessionError::Parse(_))
    ));
    assert!(matches!(
        a.save_in(form.session, vec![]),
        Err(SessionError::Save(SaveRefused::Nothing))
    ));
    assert_eq!(a.unsent(), 0);
}

#[test]
fn names_policies_forms_and_keys_arrive_with_the_pull() {
    let mut server = Server::new();
    let mut a = Phone::worker(&mut server, 1);
    a.sync(&mut server);
    let hash = FormHash::from_bytes([3; 32]);
    let keys = serde_json::json!({"root": "good"});
    server
        .log
        .push(Log::Other(Box::new(Entry::Form { pos: pos(1), hash })));
    server.log.push(Log::Other(Box::new(Entry::Actor {
        pos: pos(2),
        actor: ActorId(4),
        name: "Sok".into(),
        user: None,
    })));
    server.log.push(Log::Other(Box::new(Entry::Keys {
        pos: pos(3),
        keys: keys.clone(),
    })));
    a.sync(&mut server);
    assert!(a.me().wanted.contains(&hash));
    assert_eq!(a.store.person(ActorId(4)).unwrap().unwrap().name, "Sok");
    assert_eq!(a.store.keys().unwrap(), Some(keys));
    server.log.push(Log::Other(Box::new(Entry::Keys {
        pos: pos(4),
        keys: serde_json::json!({"root": "evil"}),
    })));
    let mut run = Run::new(None);
    let request = a.next(&mut run);
    let answer = server.answer(a.profile, &a.device_key, &request);
    assert!(matches!(
        a.take(&mut run, &request, answer),
        Err(SessionError::Reply(ReplyRefused::Signature))
    ));
}
