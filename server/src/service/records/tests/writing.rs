//! Writes of the console.

use super::*;

#[test]
fn of_two_coordinators_settling_at_once_the_second_hears_what_changed() {
    let office = Office::open();
    crossing(&office);
    let (mona, nary) = (coordinator(&office), desk(&office, 101, Role::Coordinator));
    let (first, second) = (
        look(&office, &mona, record(1)),
        look(&office, &nary, record(1)),
    );
    done(settle_for(&office, &mona, &first, NAME, text("Sokha Keo")));
    let late = settle_for(&office, &nary, &second, NAME, text("Sokha K."));
    assert_eq!(late.unwrap(), Written::Changed(vec![NAME]));
    assert_eq!(
        office.live(record(1), &NAME),
        ["Sokha Keo"],
        "nothing was written over"
    );
    let again = look(&office, &nary, record(1));
    done(settle_for(&office, &nary, &again, NAME, text("Sokha K.")));
    assert_eq!(office.live(record(1), &NAME), ["Sokha K."]);
    office.check();
}

#[test]
fn a_settled_conflict_ends_on_every_phone() {
    let office = Office::open();
    let (mut dara, mut linh) = crossing(&office);
    let mona = coordinator(&office);
    let seen = look(&office, &mona, record(1));
    assert_eq!(seen.conflicts.len(), 1);
    let candidates = &seen.conflicts[0].candidates;
    assert_eq!(candidates[0].text, "Sokha K.");
    assert!(candidates[0].winner && candidates[0].in_force && !candidates[1].in_force);
    let loser = &candidates[1].given[0];
    let settle_ = Settle {
        key: NAME,
        choice: Choice::Candidate(Dot::new(ActorId(loser.actor), Seq::new(loser.seq).unwrap())),
        reason: "she spelled it".into(),
    };
    let at = (record(1), &seen.shown);
    done(settle(&office.files, &office.env, &mona, at, settle_));
    for phone in [&mut dara, &mut linh] {
        phone.sync(&office);
        assert_eq!(phone.live(record(1), &NAME), ["Sokha Keo"]);
    }
    assert_eq!(dara.records, linh.records);
    let seen = look(&office, &mona, record(1));
    assert!(seen.conflicts.is_empty());
    let last = seen.history.last().unwrap();
    assert_eq!(last.by.user, Some(user(100)));
    assert_eq!(last.writes[0].reason.as_deref(), Some("she spelled it"));
    office.check();
}

#[test]
fn an_answer_of_a_phone_that_has_not_seen_the_settling_opens_the_conflict_again() {
    let office = Office::open();
    let (mut dara, mut linh) = crossing(&office);
    let mona = coordinator(&office);
    let seen = look(&office, &mona, record(1));
    done(settle_for(&office, &mona, &seen, NAME, text("Sokha Keo")));
    dara.write(record(1), vec![(NAME, text("Sok"))], 40);
    dara.sync(&office);
    linh.sync(&office);
    assert_eq!(office.live(record(1), &NAME), ["Sok", "Sokha Keo"]);
}

#[test]
fn a_plain_later_given_by_the_console_is_refused_and_a_decision_is_not() {
    let office = Office::open();
    let (mut dara, _) = crossing(&office);
    dara.write(record(1), vec![(CONSENT, code("withdrawn"))], 30);
    dara.sync(&office);
    let mona = coordinator(&office);
    let seen = look(&office, &mona, record(1));
    let plain = settle_for(&office, &mona, &seen, CONSENT, code("given"));
    assert_eq!(plain.unwrap(), Written::Lowers(vec![CONSENT]));
    assert_eq!(office.live(record(1), &CONSENT), ["withdrawn"]);
    let withdrawn = dara.dot(dara.items.len());
    let at = (record(1), &seen.shown);
    let decided = |dots: Vec<Dot>| {
        decide(
            &office.files,
            &office.env,
            &mona,
            at,
            (CONSENT, dots),
            (
                Choice::Value(code("given")),
                "she called and agreed again".into(),
            ),
        )
    };
    assert_eq!(refusal(decided(vec![])), Code::FieldInvalid);
    assert_eq!(
        decided(vec![dara.dot(1)]).unwrap(),
        Written::Lowers(vec![CONSENT]),
        "a decision lowers what it names"
    );
    done(decided(vec![withdrawn]));
    assert_eq!(office.effective(record(1), &CONSENT), "given");
    office.check();
}

#[test]
fn a_decision_needs_a_reason_and_the_role() {
    let office = Office::open();
    crossing(&office);
    let seen = look(&office, &coordinator(&office), record(1));
    let try_as = |who: &Acting, reason: &str| {
        refusal(decide(
            &office.files,
            &office.env,
            who,
            (record(1), &seen.shown),
            (CONSENT, vec![Dot::new(ActorId(1), Seq::new(1).unwrap())]),
            (Choice::Value(Value::Null), reason.into()),
        ))
    };
    assert_eq!(
        try_as(&coordinator(&office), "  "),
        Code::FieldInvalid,
        "no reason"
    );
    for role in [Role::Worker, Role::Reviewer, Role::ServerAdmin] {
        assert_eq!(try_as(&desk(&office, 2, role), "why not"), Code::NotAllowed);
    }
}

#[test]
fn a_clock_from_the_future_or_from_another_record_is_not_believed() {
    let office = Office::open();
    let (mut dara, _) = crossing(&office);
    dara.create(record(9), vec![(NAME, text("Other"))], 50);
    dara.sync(&office);
    let mona = coordinator(&office);
    let seen = look(&office, &mona, record(1));
    let mut future = seen.clone();
    future
        .shown
        .clock
        .add(Dot::new(dara.actor, Seq::new(COUNTER_MAX).unwrap()));
    let other = dara.dot(dara.items.len());
    let mut foreign = seen.clone();
    foreign.shown.clock.add(other);
    let mut epoch = seen.clone();
    epoch.shown.epoch = EpochId::from_bytes([9; 16]);
    for forged in [future, foreign, epoch] {
        let written = settle_for(&office, &mona, &forged, NAME, text("x"));
        assert_eq!(written.unwrap(), Written::NotShown);
    }
    assert_eq!(office.live(record(1), &NAME), ["Sokha K.", "Sokha Keo"]);
}

#[test]
fn what_was_shown_reads_back_and_nothing_else_does() {
    let office = Office::open();
    crossing(&office);
    let seen = look(&office, &coordinator(&office), record(1));
    assert_eq!(
        Shown::from_text(&seen.shown.to_text()),
        Some(seen.shown.clone())
    );
    for bad in ["", "e30", "%%%", "W10"] {
        assert_eq!(Shown::from_text(bad), None);
    }
}

#[test]
fn an_approval_counts_for_what_was_shown_and_only_that() {
    let office = Office::open();
    let (mut dara, _) = crossing(&office);
    let mona = coordinator(&office);
    let approve = |seen: &ShownRecord| {
        let at = (record(1), &seen.shown);
        review(
            &office.files,
            &office.env,
            &mona,
            at,
            Verdict::Approved,
            None,
        )
    };
    let stale = look(&office, &mona, record(1));
    dara.write(record(1), vec![(NAME, text("S. Keo"))], 60);
    dara.sync(&office);
    assert_eq!(approve(&stale).unwrap(), Written::Changed(vec![NAME]));
    done(approve(&look(&office, &mona, record(1))));
    assert_eq!(office.row(record(1)).unwrap().state.status, "approved");
    dara.sync(&office);
    dara.write(record(1), vec![(NAME, text("S. K."))], 70);
    dara.sync(&office);
    assert_ne!(
        office.row(record(1)).unwrap().state.status,
        "approved",
        "an edit ends an approval"
    );
}

#[test]
fn a_returned_record_comes_back_to_its_makers_phone_with_the_reason() {
    let office = Office::open();
    let (mut dara, mut linh) = crossing(&office);
    dara.leaves = vec![record(1)];
    dara.sync(&office);
    dara.records.clear();
    dara.sync(&office);
    assert!(dara.records.is_empty(), "the phone was emptied");
    let mona = coordinator(&office);
    let seen = look(&office, &mona, record(1));
    let at = (record(1), &seen.shown);
    let words = Some("which village?");
    done(review(
        &office.files,
        &office.env,
        &mona,
        at,
        Verdict::Returned,
        words,
    ));
    dara.sync(&office);
    assert_eq!(dara.live(record(1), &STATUS), ["returned"]);
    let comments = dara.records[&record(1)]
        .keys()
        .filter(|(k, _)| k.to_string().starts_with("m.comment."))
        .count();
    assert_eq!(comments, 1);
    linh.sync(&office);
    assert_eq!(
        refusal(review(
            &office.files,
            &office.env,
            &mona,
            at,
            Verdict::Returned,
            None,
        )),
        Code::FieldInvalid,
        "returning without a word helps nobody"
    );
}

#[test]
fn assigning_brings_a_record_to_a_phone_and_takes_it_away() {
    let office = Office::open();
    let (mut dara, mut vanna) = (office.worker(2), office.worker(4));
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    vanna.sync(&office);
    let mona = coordinator(&office);
    let give = |to| {
        let seen = look(&office, &mona, record(1));
        assign(
            &office.files,
            &office.env,
            &mona,
            (record(1), &seen.shown),
            to,
        )
    };
    done(give(Some(Assignee::User(user(4)))));
    vanna.sync(&office);
    assert_eq!(vanna.live(record(1), &NAME), ["Sokha"]);
    done(give(None));
    vanna.sync(&office);
    assert!(vanna.records.is_empty());
    let worker = desk(&office, 2, Role::Worker);
    let seen = look(&office, &worker, record(1));
    let to = Some(Assignee::User(user(2)));
    let refused = assign(
        &office.files,
        &office.env,
        &worker,
        (record(1), &seen.shown),
        to,
    );
    assert_eq!(refusal(refused), Code::NotAllowed);
}

#[test]
fn a_leaving_users_open_records_are_handed_over_in_one_call() {
    let office = Office::open();
    let (mut dara, mut vanna) = (office.worker(2), office.worker(4));
    for n in 1..=5 {
        dara.create(
            record(n),
            vec![(NAME, text("open")), (CONSENT, code("given"))],
            10,
        );
    }
    dara.sync(&office);
    vanna.sync(&office);
    let (mona, chief) = (coordinator(&office), admin(&office));
    let seen = look(&office, &mona, record(2));
    let at = (record(2), &seen.shown);
    done(review(
        &office.files,
        &office.env,
        &mona,
        at,
        Verdict::Approved,
        None,
    ));
    let seen = look(&office, &mona, record(3));
    let at = (record(3), &seen.shown);
    done(delete(&office.files, &office.env, &mona, at, "twice"));
    restrict(&office.files, &office.env, &chief, record(4)).unwrap();
    let who = (office.org, Some(user(100)));
    let moved = hand_over(&office.files, &office.env, who, user(2), user(4)).unwrap();
    assert_eq!(
        moved,
        HandedOver {
            records: 2,
            restricted: 1
        }
    );
    vanna.sync(&office);
    let got: Vec<_> = vanna.records.keys().copied().collect();
    assert_eq!(got, [record(1), record(5)]);
    office.check();
}

#[test]
fn deleting_needs_sight_of_everything_and_can_be_undone() {
    let office = Office::open();
    let (mut dara, _) = crossing(&office);
    let mona = coordinator(&office);
    let stale = look(&office, &mona, record(1));
    dara.write(record(1), vec![(CONSENT, code("withdrawn"))], 30);
    dara.sync(&office);
    let gone = |seen: &ShownRecord| {
        delete(
            &office.files,
            &office.env,
            &mona,
            (record(1), &seen.shown),
            "a test",
        )
    };
    assert_eq!(gone(&stale).unwrap(), Written::Changed(vec![CONSENT]));
    let seen = look(&office, &mona, record(1));
    done(gone(&seen));
    let seen = look(&office, &mona, record(1));
    assert_eq!(seen.presence, "deleted");
    let at = (record(1), &seen.shown);
    done(restore(&office.files, &office.env, &mona, at, "no test"));
    assert_eq!(look(&office, &mona, record(1)).presence, "present");
}
