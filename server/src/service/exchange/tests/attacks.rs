//! The bracketed attacks of record-and-sync that a server must withstand, each by its name.

use super::*;

/// Dara made record 1 with consent given; Linh has it too.
fn shared() -> (Office, Phone, Phone) {
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
    (office, dara, linh)
}

#[test]
fn a_withdrawal_that_arrives_while_a_form_is_open_is_not_overwritten() {
    let (office, mut dara, mut linh) = shared();
    let opened = dara.sees(record(1));
    linh.write(record(1), vec![(CONSENT, code("withdrawn"))], 20);
    linh.sync(&office);
    dara.sync(&office);
    assert_eq!(dara.live(record(1), &CONSENT), ["withdrawn"]);
    let save = dara
        .draft(record(1), opened, vec![(CONSENT, code("given"))], 30)
        .seal()
        .unwrap();
    dara.queue(save);
    dara.sync(&office);
    assert_eq!(office.live(record(1), &CONSENT), ["given", "withdrawn"]);
    assert_eq!(office.effective(record(1), &CONSENT), "withdrawn");
    assert!(office.row(record(1)).unwrap().state.withheld);
}

#[test]
fn a_poison_context_of_the_far_future_is_cut_and_no_honest_write_vanishes() {
    let (office, mut dara, mut linh) = shared();
    let poison = linh
        .sees(record(1))
        .with(Dot::new(dara.actor, Seq::new(COUNTER_MAX).unwrap()));
    let lie = linh
        .draft(record(1), poison, vec![(NAME, text("lie"))], 20)
        .seal()
        .unwrap();
    linh.queue(lie);
    assert_eq!(statuses(&linh.sync(&office)), [Status::Cut]);
    dara.write(record(1), vec![(NAME, text("honest"))], 30);
    dara.sync(&office);
    assert_eq!(office.live(record(1), &NAME), ["honest", "lie"]);
}

#[test]
fn claiming_a_change_that_one_was_never_shown_is_cut() {
    let (office, mut dara, mut linh) = shared();
    dara.write(record(1), vec![(NAME, text("unseen"))], 20);
    dara.sync(&office);
    let claim = linh.sees(record(1)).with(dara.dot(2));
    let lie = linh
        .draft(record(1), claim, vec![(NAME, text("over it"))], 30)
        .seal()
        .unwrap();
    linh.queue(lie);
    assert_eq!(statuses(&linh.sync(&office)), [Status::Cut]);
    assert_eq!(office.live(record(1), &NAME), ["over it", "unseen"]);
    linh.sync(&office);
    assert_eq!(
        linh.live(record(1), &NAME),
        ["over it", "unseen"],
        "the liar's phone refetched the record"
    );
}

#[test]
fn a_context_that_names_z_is_joined_with_what_z_had_seen() {
    // Z hides X: naming only the later of two changes of others must not leave the earlier one in conflict for ever.
    let (office, mut dara, mut linh) = shared();
    dara.write(record(1), vec![(NAME, text("X"))], 20);
    dara.sync(&office);
    linh.sync(&office);
    linh.write(record(1), vec![(NAME, text("Z"))], 21);
    linh.sync(&office);
    let mut mei = office.worker(4);
    office.assign(record(1), &mei, true);
    mei.sync(&office);
    let only_z = Clock::new().with(linh.dot(1));
    let save = mei
        .draft(record(1), only_z, vec![(NAME, text("after"))], 22)
        .seal()
        .unwrap();
    mei.queue(save);
    mei.sync(&office);
    dara.sync(&office);
    let row = office.row(record(1)).unwrap();
    assert!(
        row.record
            .lives()
            .iter()
            .any(|l| l.dot == mei.dot(1) && l.clock.covers(dara.dot(2)))
    );
    assert_eq!(office.live(record(1), &NAME), ["after"]);
}

#[test]
fn an_own_entry_is_lowered_to_a_change_of_that_record_so_that_the_conflict_can_be_settled() {
    let (office, mut dara, mut linh) = shared();
    // Number 2 of Dara is of another record; a context that names it for record 1 must not stand above what is there.
    dara.create(record(2), vec![(NAME, text("other"))], 11);
    let claim = dara.sees(record(1)).with(dara.dot(2));
    let save = dara
        .draft(record(1), claim, vec![(NAME, text("mine"))], 12)
        .seal()
        .unwrap();
    dara.queue(save);
    dara.sync(&office);
    let row = office.row(record(1)).unwrap();
    let mine = row.record.live(dara.dot(3)).unwrap();
    assert_eq!(mine.clock, Clock::new().with(dara.dot(1)).with(dara.dot(3)));
    linh.write(record(1), vec![(NAME, text("theirs"))], 13);
    linh.sync(&office);
    linh.sync(&office);
    linh.write(record(1), vec![(NAME, text("settled"))], 14);
    linh.sync(&office);
    assert_eq!(office.live(record(1), &NAME), ["settled"]);
}

#[test]
fn a_plain_later_given_over_a_withdrawal_is_kept_beside_the_stronger_value() {
    let (office, mut dara, mut linh) = shared();
    linh.write(record(1), vec![(CONSENT, code("withdrawn"))], 20);
    linh.sync(&office);
    dara.sync(&office);
    dara.write(record(1), vec![(CONSENT, code("given"))], 30);
    let reply = dara.sync(&office);
    assert_eq!(reply.results[0].code.as_deref(), Some("decision_refused"));
    assert_eq!(office.live(record(1), &CONSENT), ["given", "withdrawn"]);
    assert_eq!(office.effective(record(1), &CONSENT), "withdrawn");
}

#[test]
fn two_lowerings_in_a_row_do_not_erase_the_protection() {
    let (office, mut dara, mut linh) = shared();
    linh.write(record(1), vec![(CONSENT, code("withdrawn"))], 20);
    linh.sync(&office);
    dara.sync(&office);
    dara.write(record(1), vec![(CONSENT, code("given"))], 30);
    dara.write(record(1), vec![(CONSENT, code("given"))], 31);
    dara.sync(&office);
    dara.sync(&office);
    dara.write(record(1), vec![(CONSENT, code("given"))], 32);
    dara.sync(&office);
    assert_eq!(office.effective(record(1), &CONSENT), "withdrawn");
}

#[test]
fn a_worker_may_lower_an_own_unsent_mistake_but_not_what_was_sent() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(CONSENT, code("withdrawn"))], 10);
    let mistake = vec![dara.dot(1)];
    dara.decide(record(1), CONSENT, code("given"), mistake, 11);
    dara.sync(&office);
    assert_eq!(office.live(record(1), &CONSENT), ["given"]);
    // Sent, confirmed by a cursor, then lowered by whoever holds the phone: refused.
    dara.write(record(1), vec![(CONSENT, code("withdrawn"))], 12);
    dara.sync(&office);
    dara.sync(&office);
    let sent = vec![dara.dot(3)];
    dara.decide(record(1), CONSENT, code("given"), sent, 13);
    dara.sync(&office);
    assert_eq!(office.effective(record(1), &CONSENT), "withdrawn");
}

#[test]
fn a_coordinator_lowers_with_a_named_decision() {
    let office = Office::open();
    let (mut chan, mut dara) = (office.phone(9, Role::Coordinator), office.worker(2));
    chan.create(record(1), vec![(NAME, text("Sokha"))], 10);
    chan.sync(&office);
    office.assign(record(1), &dara, true);
    dara.sync(&office);
    dara.write(record(1), vec![(CONSENT, code("withdrawn"))], 20);
    dara.sync(&office);
    assert!(dara.records.is_empty(), "only its maker keeps it");
    chan.sync(&office);
    chan.decide(record(1), CONSENT, code("given"), vec![dara.dot(1)], 30);
    chan.sync(&office);
    assert_eq!(office.live(record(1), &CONSENT), ["given"]);
    dara.sync(&office);
    assert_eq!(dara.live(record(1), &CONSENT), ["given"], "and back it is");
}

#[test]
fn lost_reply_then_erasure_then_retry_says_erased_and_nothing_returns() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.send(&office, dara.request()).unwrap();
    office.erase(record(1));
    let reply = dara.sync(&office);
    assert_eq!(statuses(&reply), [Status::Erased]);
    assert!(dara.records.is_empty());
    dara.write(record(1), vec![(NAME, text("late"))], 11);
    assert_eq!(statuses(&dara.sync(&office)), [Status::Erased]);
    assert!(office.row(record(1)).is_none());
    office.check();
}

#[test]
fn one_twins_cursor_does_not_clear_the_others_tombstone() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    dara.sync(&office);
    let mut twin = dara.clone();
    office.erase(record(1));
    dara.sync(&office);
    dara.sync(&office);
    assert!(dara.records.is_empty());
    twin.sync(&office);
    assert!(
        twin.records.is_empty(),
        "the twin hears of it by its own cursor"
    );
}

#[test]
fn a_cloned_phone_forks_and_keeps_what_both_agree_on() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    let mut clone = dara.clone();
    dara.write(record(1), vec![(NAME, text("two"))], 11);
    dara.sync(&office);
    clone.write(record(1), vec![(NAME, text("clone"))], 12);
    match clone.send(&office, clone.request()) {
        Err(Refusal::Forked {
            agreed, results, ..
        }) => {
            assert_eq!(agreed, Some(Seq::new(1).unwrap()));
            assert_eq!(results.len(), 1, "with the status of what both have");
            assert!(results[0].repeat && results[0].status == Status::Applied);
        }
        other => panic!("no fork: {other:?}"),
    }
    // The clone takes a new actor and re-stamps; the origin makes a second arrival a duplicate.
    let origin = clone.origin_of(2);
    let mut fresh = clone.clone();
    let reply = actor(
        &office.files,
        &office.env,
        &fresh.caller,
        &ActorRequest {
            instance: InstanceId::from_bytes([99; 16]),
        },
    )
    .unwrap();
    fresh.actor = reply.actor;
    fresh.chain = vec![chain_start(
        office.org,
        reply.actor,
        &fresh.caller.device_key,
    )];
    fresh.items.clear();
    fresh.acked = 0;
    fresh.cursor = None;
    fresh.records.clear();
    fresh.sync(&office);
    let seen = Clock::new().with(clone.dot(1));
    let restamped = Draft {
        origin: Some(origin),
        ..fresh.draft(record(1), seen.clone(), vec![(NAME, text("clone"))], 12)
    };
    fresh.queue(restamped.clone().seal().unwrap());
    assert_eq!(statuses(&fresh.sync(&office)), [Status::Applied]);
    assert_eq!(office.live(record(1), &NAME), ["clone", "two"]);
    let again = Draft {
        origin: Some(origin),
        dot: fresh.dot(2),
        ..restamped
    };
    fresh.queue(again.seal().unwrap());
    assert_eq!(statuses(&fresh.sync(&office)), [Status::Duplicate]);
    assert_eq!(office.live(record(1), &NAME), ["clone", "two"]);
    office.check();
}

#[test]
fn a_restored_phone_that_lacks_what_it_sent_is_told_how_far_both_agree() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    let old = dara.clone();
    dara.write(record(1), vec![(NAME, text("two"))], 11);
    dara.sync(&office);
    let refused = old.send(&office, old.request_from(2));
    assert!(
        matches!(refused, Err(Refusal::Forked { agreed: Some(n), .. }) if n.get() == 1),
        "{refused:?}"
    );
}

#[test]
fn the_same_instance_gets_the_same_actor() {
    let office = Office::open();
    let dara = office.worker(2);
    let ask = || {
        actor(
            &office.files,
            &office.env,
            &dara.caller,
            &ActorRequest {
                instance: InstanceId::from_bytes([5; 16]),
            },
        )
        .unwrap()
        .actor
    };
    assert_eq!(ask(), ask());
    assert_ne!(ask(), dara.actor);
}

#[test]
fn a_gap_names_the_number_that_is_expected() {
    let office = Office::open();
    let mut dara = office.worker(2);
    for n in 1..=3 {
        dara.create(record(n), vec![(NAME, text("x"))], 10);
    }
    let refused = dara.send(&office, dara.request_from(3));
    assert!(
        matches!(refused, Err(Refusal::Gap { expected }) if expected.get() == 1),
        "{refused:?}"
    );
    assert!(office.row(record(3)).is_none(), "nothing stored by half");
}

#[test]
fn another_profiles_number_is_no_number() {
    let (office, dara, linh) = shared();
    let stolen = ExchangeRequest {
        actor: dara.actor,
        ..linh.request()
    };
    assert!(matches!(
        linh.send(&office, stolen),
        Err(Refusal::ActorUnknown)
    ));
}

#[test]
fn a_rolled_back_disk_stops_writing_when_a_phone_shows_its_head() {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&office);
    office.files.close(office.org);
    let path = office.files.path(office.org);
    let image = std::fs::read(&path).unwrap();
    linh.create(record(2), vec![(NAME, text("lost by the roll-back"))], 11);
    linh.sync(&office);
    office.files.close(office.org);
    std::fs::write(&path, image).unwrap();
    // Another writes first: positions are the same, content is not.
    dara.write(record(1), vec![(NAME, text("two"))], 12);
    dara.sync(&office);
    assert!(matches!(
        linh.send(&office, linh.request()),
        Err(Refusal::Stopped)
    ));
    assert!(
        matches!(dara.send(&office, dara.request()), Err(Refusal::Stopped)),
        "for everybody"
    );
}

#[test]
fn a_forged_head_stops_nobody() {
    let (office, dara, linh) = shared();
    let mut head = dara.head.clone().unwrap();
    head.pos = LogPos::new(1_000_000).unwrap();
    let forged = ExchangeRequest {
        head: Some(head),
        ..dara.request()
    };
    assert!(matches!(
        dara.send(&office, forged),
        Err(Refusal::HeadInvalid)
    ));
    linh.send(&office, linh.request()).unwrap();
}

#[test]
fn a_request_of_an_older_epoch_has_no_effect() {
    let (office, mut dara, _) = shared();
    office
        .files
        .write::<_, StorageError>(office.org, |t| {
            t.open_epoch(EpochId::from_bytes([2; 16]), 5)
        })
        .unwrap();
    dara.write(record(1), vec![(NAME, text("later"))], 20);
    assert!(
        matches!(dara.send(&office, dara.request()), Err(Refusal::EpochChanged { epoch }) if epoch == EpochId::from_bytes([2; 16]))
    );
    assert_eq!(office.live(record(1), &NAME), ["Sokha"]);
}

#[test]
fn a_form_left_open_over_a_restore_claims_only_what_was_confirmed() {
    let (office, mut dara, mut linh) = shared();
    // Linh's phone was read a change but never confirmed it; then an epoch opens.
    dara.write(record(1), vec![(NAME, text("read, not confirmed"))], 20);
    dara.sync(&office);
    linh.sync(&office);
    let opened = linh.sees(record(1));
    let old_epoch = linh.epoch;
    office
        .files
        .write::<_, StorageError>(office.org, |t| {
            t.open_epoch(EpochId::from_bytes([2; 16]), 5)
        })
        .unwrap();
    linh.epoch = office.epoch();
    linh.cursor = None;
    let draft = Draft {
        epoch: old_epoch,
        ..linh.draft(record(1), opened, vec![(NAME, text("left open"))], 30)
    };
    linh.queue(draft.seal().unwrap());
    assert_eq!(statuses(&linh.sync(&office)), [Status::Cut]);
    assert_eq!(
        office.live(record(1), &NAME),
        ["left open", "read, not confirmed"]
    );
}

#[test]
fn absent_and_foreign_records_get_one_answer() {
    let (office, _, _) = shared();
    let mut mei = office.worker(4);
    for id in [record(1), record(200)] {
        let draft = mei
            .draft(id, Clock::new(), vec![(NAME, text("x"))], 20)
            .seal()
            .unwrap();
        mei.queue(draft);
    }
    mei.create(record(1), vec![(NAME, text("taken"))], 21);
    let reply = mei.sync(&office);
    let answers: Vec<_> = reply
        .results
        .iter()
        .map(|r| (r.status, r.code.clone()))
        .collect();
    assert_eq!(
        answers,
        vec![(Status::Quarantined, Some("record_unavailable".to_owned())); 3]
    );
    assert_eq!(office.live(record(1), &NAME), ["Sokha"]);
    office.check();
}

#[test]
fn a_revoked_phone_only_pushes_and_only_into_quarantine() {
    let (office, mut dara, _) = shared();
    dara.caller.revoked = true;
    dara.write(record(1), vec![(NAME, text("from a stolen phone"))], 20);
    let reply = dara.sync(&office);
    assert_eq!(statuses(&reply), [Status::Quarantined]);
    assert!(reply.revoked && reply.entries.is_empty() && reply.cursor.is_none());
    assert_eq!(office.live(record(1), &NAME), ["Sokha"]);
}

#[test]
fn a_worker_who_approves_is_quarantined_whole() {
    let (office, mut dara, _) = shared();
    dara.write(
        record(1),
        vec![(NAME, text("y")), (STATUS, code("approved"))],
        20,
    );
    let reply = dara.sync(&office);
    assert_eq!(reply.results[0].code.as_deref(), Some("meta_not_allowed"));
    assert_eq!(office.live(record(1), &NAME), ["Sokha"]);
}

#[test]
fn a_reviewers_phone_reviews_and_writes_nothing_else() {
    let (office, mut dara, _) = shared();
    let mut mei = office.phone(4, Role::Reviewer);
    office.assign(record(1), &mei, true);
    mei.sync(&office);
    mei.write(record(1), vec![(STATUS, code("approved"))], 19);
    assert_eq!(statuses(&mei.sync(&office)), [Status::Applied]);
    let deleted = Value::Deleted(true);
    mei.create(record(9), vec![(NAME, text("made up"))], 20);
    mei.write(record(1), vec![(NAME, text("edited"))], 21);
    mei.write(record(1), vec![(Key::Meta(MetaKey::Deleted), deleted)], 22);
    mei.write(record(1), vec![(STATUS, code("complete"))], 23);
    let told: Vec<_> = mei.sync(&office).results;
    let told: Vec<_> = told.iter().map(|r| (r.status, r.code.as_deref())).collect();
    let quarantined = |code| (Status::Quarantined, Some(code));
    assert_eq!(
        told,
        [
            quarantined("answers_not_allowed"),
            quarantined("answers_not_allowed"),
            quarantined("meta_not_allowed"),
            quarantined("meta_not_allowed"),
        ]
    );
    assert!(office.row(record(9)).is_none());
    assert_eq!(office.live(record(1), &NAME), ["Sokha"]);
    // A worker who became a reviewer does not judge what was made before.
    dara.caller.role = Role::Reviewer;
    dara.write(record(1), vec![(STATUS, code("approved"))], 25);
    let reply = dara.sync(&office);
    assert_eq!(reply.results[0].code.as_deref(), Some("meta_not_allowed"));
    office.check();
}

#[test]
fn clocks_of_1970_and_2100_lose_ties_and_never_data() {
    let (office, mut dara, mut linh) = shared();
    let future = 4_102_444_800_000;
    dara.write(record(1), vec![(NAME, text("2100"))], future);
    linh.write(record(1), vec![(NAME, text("1970"))], 0);
    let reply = dara.sync(&office);
    assert_eq!(
        reply.results[0].effective.unwrap().ms(),
        office.env.now + 300_000,
        "at most five minutes ahead"
    );
    linh.sync(&office);
    assert_eq!(office.live(record(1), &NAME), ["1970", "2100"]);
}

#[test]
fn an_unreadable_item_is_kept_as_it_is_and_the_queue_goes_on() {
    let office = Office::open();
    let mut dara = office.worker(2);
    let hash = ItemHash::from_bytes([8; 32]);
    dara.chain
        .push(chain_next(dara.chain[0], Seq::new(1).unwrap(), hash));
    dara.items.push(Item::Opaque {
        seq: Seq::new(1).unwrap(),
        hash,
        bytes: b"\xff not a changeset".to_vec(),
    });
    dara.create(record(1), vec![(NAME, text("after it"))], 10);
    assert_eq!(
        statuses(&dara.sync(&office)),
        [Status::Quarantined, Status::Applied]
    );
    office.check();
}

#[test]
fn an_unreadable_item_fails_its_batch_by_number() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.create(record(2), vec![(NAME, text("two"))], 10);
    let json = serde_json::to_string(&dara.request())
        .unwrap()
        .replace("\"two\"", "17");
    match ExchangeRequest::from_json(&json) {
        Err(RequestUnreadable::Item(item)) => assert_eq!(item.seq.get(), 2),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_cursor_of_another_profile_or_changed_by_one_bit_is_refused() {
    let (office, dara, linh) = shared();
    let stolen = ExchangeRequest {
        cursor: dara.cursor.clone(),
        ..linh.request()
    };
    assert!(matches!(
        linh.send(&office, stolen),
        Err(Refusal::CursorInvalid)
    ));
    let mut bytes = dara.cursor.clone().unwrap().into_bytes();
    bytes[5] = if bytes[5] == b'A' { b'B' } else { b'A' };
    let bent = ExchangeRequest {
        cursor: Some(String::from_utf8(bytes).unwrap()),
        ..dara.request()
    };
    assert!(matches!(
        dara.send(&office, bent),
        Err(Refusal::CursorInvalid)
    ));
}

#[test]
fn a_full_quarantine_refuses_the_batch_and_acknowledges_nothing() {
    let (office, mut dara, _) = shared();
    dara.caller.revoked = true;
    for _ in 0..100 {
        let draft = dara.draft(
            record(1),
            Clock::new(),
            (10..14)
                .map(|f| (Key::Field(FieldId(f)), text(&"x".repeat(60_000))))
                .collect(),
            20,
        );
        dara.queue(draft.seal().unwrap());
    }
    assert!(matches!(
        exchange(&office.files, &office.env, &dara.caller, dara.request()),
        Err(Refusal::QuarantineFull)
    ));
    let acked = office
        .files
        .read::<_, StorageError>(office.org, |t| t.actor(dara.actor))
        .unwrap()
        .unwrap()
        .acked;
    assert_eq!(acked.get(), 1);
}

#[test]
fn after_an_older_backup_phones_that_know_more_bring_everything_back() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&office);
    office.files.close(office.org);
    let backup = std::fs::read(office.files.path(office.org)).unwrap();
    dara.write(record(1), vec![(NAME, text("two"))], 11);
    dara.create(record(2), vec![(NAME, text("new"))], 12);
    dara.sync(&office);
    office.erase(record(2));
    office.files.close(office.org);
    std::fs::write(office.files.path(office.org), backup).unwrap();
    office
        .files
        .write::<_, StorageError>(office.org, |t| {
            t.open_epoch(EpochId::from_bytes([2; 16]), 5)
        })
        .unwrap();
    let points = dara
        .chain
        .iter()
        .enumerate()
        .map(|(n, h)| ChainPoint {
            seq: Seq::new(n as u64).unwrap(),
            hash: *h,
        })
        .collect();
    let request = CompareRequest {
        epoch: office.epoch(),
        head: None,
        actors: vec![ActorChain {
            actor: dara.actor,
            grant: None,
            points,
        }],
        tombstones: Vec::new(),
    };
    let agreed = compare(&office.files, &office.env, &dara.caller, request).unwrap();
    assert_eq!(
        (agreed.actors[0].agreed.get(), agreed.actors[0].acked.get()),
        (1, 1)
    );
    dara.epoch = office.epoch();
    dara.acked = 1;
    dara.cursor = None;
    let reply = dara.sync(&office);
    assert_eq!(statuses(&reply), [Status::Applied, Status::Erased]);
    assert_eq!(office.live(record(1), &NAME), ["two"]);
    assert!(
        office.row(record(2)).is_none(),
        "the ledger kept the erased one away"
    );
    office.check();
}
