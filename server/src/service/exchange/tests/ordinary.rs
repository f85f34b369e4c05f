//! What happens on an ordinary day.

use super::*;

#[test]
fn two_workers_who_did_not_see_each_other_are_both_kept_until_somebody_who_saw_both_settles() {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    dara.create(
        record(1),
        vec![(NAME, text("Sokha")), (CONSENT, code("given"))],
        10,
    );
    dara.sync(&office);
    office.assign(record(1), &linh, true);
    linh.sync(&office);
    dara.write(record(1), vec![(NAME, text("Sokha K."))], 20);
    linh.write(record(1), vec![(NAME, text("សុខា"))], 15);
    assert_eq!(statuses(&dara.sync(&office)), [Status::Applied]);
    assert_eq!(statuses(&linh.sync(&office)), [Status::Applied]);
    assert_eq!(office.live(record(1), &NAME), ["Sokha K.", "សុខា"]);
    assert_eq!(office.row(record(1)).unwrap().state.conflicts, 1);
    assert_eq!(
        office.effective(record(1), &NAME),
        "Sokha K.",
        "the later clock wins the export"
    );
    dara.sync(&office);
    assert_eq!(dara.records, linh.records, "both phones show the same");
    dara.write(record(1), vec![(NAME, text("Sokha Keo"))], 30);
    dara.sync(&office);
    linh.sync(&office);
    assert_eq!(linh.live(record(1), &NAME), ["Sokha Keo"]);
    assert_eq!(office.row(record(1)).unwrap().state.conflicts, 0);
    office.check();
}

#[test]
fn a_record_that_enters_the_scope_comes_whole_and_then_its_tail() {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    linh.sync(&office);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.write(record(1), vec![(CONSENT, code("given"))], 11);
    dara.sync(&office);
    office.assign(record(1), &linh, true);
    dara.write(record(1), vec![(NAME, text("two"))], 12);
    dara.sync(&office);
    let reply = linh.sync(&office);
    let whole = |e: &&Entry| matches!(e, Entry::State { .. });
    assert_eq!(reply.entries.iter().filter(whole).count(), 1);
    let tail = |e: &&Entry| matches!(e, Entry::Change { .. });
    assert_eq!(
        reply.entries.iter().filter(tail).count(),
        0,
        "what the whole record holds does not come again"
    );
    assert_eq!(linh.live(record(1), &NAME), ["two"]);
    assert_eq!(linh.live(record(1), &CONSENT), ["given"]);
    office.assign(record(1), &linh, false);
    linh.sync(&office);
    assert!(
        linh.records.is_empty(),
        "what left the scope left the phone"
    );
}

#[test]
fn pages_capped_by_bytes_bring_everything() {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    for n in 1..=40 {
        dara.create(record(n), vec![(NAME, text(&"long ".repeat(40)))], 10);
    }
    dara.sync(&office);
    for n in 1..=40 {
        office.assign(record(n), &linh, true);
    }
    let mut pages = 0;
    loop {
        let request = ExchangeRequest {
            max_bytes: 2_000,
            ..linh.request()
        };
        let reply = linh.send(&office, request).unwrap();
        linh.take(&reply);
        pages += 1;
        if !reply.more {
            break;
        }
    }
    assert!(pages > 3, "{pages} pages");
    assert_eq!(linh.records.len(), 40);
}

#[test]
fn an_edit_between_two_pages_of_a_first_pull_is_not_lost() {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    for n in 1..=6 {
        dara.create(record(n), vec![(NAME, text(&"long ".repeat(200)))], 10);
    }
    dara.sync(&office);
    for n in 1..=6 {
        office.assign(record(n), &linh, true);
    }
    let first = linh
        .send(
            &office,
            ExchangeRequest {
                max_bytes: 1_500,
                ..linh.request()
            },
        )
        .unwrap();
    assert!(first.more);
    linh.take(&first);
    dara.write(record(1), vec![(NAME, text("edited"))], 20);
    dara.sync(&office);
    while linh.sync(&office).more {}
    assert_eq!(linh.live(record(1), &NAME), ["edited"]);
}

#[test]
fn a_lost_reply_costs_one_resend_and_changes_nothing() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    let lost = dara.send(&office, dara.request()).unwrap();
    let before = office.row(record(1));
    dara.write(record(1), vec![(NAME, text("two"))], 11);
    let reply = dara.sync(&office);
    assert_eq!(reply.results[0].status, Status::Applied);
    assert!(reply.results[0].repeat && !reply.results[1].repeat);
    assert_eq!(reply.results[0].effective, lost.results[0].effective);
    assert_ne!(before, office.row(record(1)));
    let again = dara.send(&office, dara.request_from(1)).unwrap();
    assert!(
        again
            .results
            .iter()
            .all(|r| r.repeat && r.status == Status::Applied)
    );
    office.check();
}

#[test]
fn an_emptied_record_leaves_the_scope_and_its_maker_may_still_push_to_it() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&office);
    let seen = dara.sees(record(1));
    dara.leaves = vec![record(1)];
    dara.cursor = None;
    dara.records.clear();
    dara.sync(&office);
    assert!(dara.records.is_empty());
    let late = dara
        .draft(record(1), seen, vec![(NAME, text("late"))], 12)
        .seal()
        .unwrap();
    dara.queue(late);
    assert_eq!(statuses(&dara.sync(&office)), [Status::Applied]);
    assert_eq!(office.live(record(1), &NAME), ["late"]);
}

#[test]
fn an_approval_counts_only_while_it_covers_every_answer() {
    let office = Office::open();
    let (mut dara, mut mei) = (office.worker(2), office.phone(4, Role::Reviewer));
    dara.create(
        record(1),
        vec![(NAME, text("one")), (STATUS, code("complete"))],
        10,
    );
    dara.sync(&office);
    office.assign(record(1), &mei, true);
    mei.sync(&office);
    mei.write(record(1), vec![(STATUS, code("approved"))], 20);
    mei.sync(&office);
    assert_eq!(office.row(record(1)).unwrap().state.status, "approved");
    dara.write(record(1), vec![(NAME, text("changed afterwards"))], 21);
    dara.sync(&office);
    assert_eq!(office.row(record(1)).unwrap().state.status, "complete");
}

#[test]
fn a_record_that_a_reviewers_phone_returns_comes_back_to_its_maker() {
    let office = Office::open();
    let (mut dara, mut mei) = (office.worker(2), office.phone(4, Role::Reviewer));
    dara.create(
        record(1),
        vec![(NAME, text("Sokha")), (STATUS, code("complete"))],
        10,
    );
    dara.sync(&office);
    office.assign(record(1), &mei, true);
    mei.sync(&office);
    // Dara's phone was emptied meanwhile.
    dara.leaves = vec![record(1)];
    dara.records.clear();
    dara.sync(&office);
    mei.write(record(1), vec![(STATUS, code("returned"))], 20);
    assert_eq!(statuses(&mei.sync(&office)), [Status::Applied]);
    let assignee = Key::Meta(MetaKey::Assignee);
    let to = format!("user:{}", dara.caller.user);
    assert_eq!(office.live(record(1), &assignee), [to]);
    dara.sync(&office);
    assert_eq!(dara.live(record(1), &STATUS), ["returned"]);
    // Somebody else's later save does not assign it again.
    dara.write(record(1), vec![(STATUS, code("complete"))], 30);
    dara.sync(&office);
    assert_eq!(office.live(record(1), &assignee).len(), 1);
    office.check();
}

#[test]
fn a_coordinators_phone_that_returns_to_somebody_else_is_obeyed() {
    let office = Office::open();
    let (mut dara, linh) = (office.worker(2), office.worker(3));
    let mut chan = office.phone(9, Role::Coordinator);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    office.assign(record(1), &chan, true);
    chan.sync(&office);
    let assignee = Key::Meta(MetaKey::Assignee);
    let to = format!("user:{}", linh.caller.user);
    let writes = vec![(STATUS, code("returned")), (assignee.clone(), code(&to))];
    chan.write(record(1), writes, 20);
    chan.sync(&office);
    assert_eq!(office.live(record(1), &assignee), [to]);
}
