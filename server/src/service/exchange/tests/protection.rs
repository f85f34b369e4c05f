//! What an author may take back, and what nobody takes back alone (§2.2).

use tributary_sync_core::value::Codes;

use super::*;

/// Dara's interview, in which her colleague Linh has recorded a withdrawal; both know it.
fn withdrawn() -> (Office, Phone, Phone) {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    dara.create(record(1), vec![(CONSENT, code("given"))], 10);
    dara.sync(&office);
    office.assign(record(1), &linh, true);
    linh.sync(&office);
    linh.write(record(1), vec![(CONSENT, code("withdrawn"))], 20);
    linh.sync(&office);
    dara.sync(&office);
    dara.sync(&office);
    assert_eq!(dara.live(record(1), &CONSENT), ["withdrawn"]);
    (office, dara, linh)
}

fn refused(reply: &ExchangeReply) -> Vec<bool> {
    let code = |r: &PushResult| r.code.as_deref() == Some("decision_refused");
    reply.results.iter().map(code).collect()
}

#[test]
fn a_withdrawal_is_not_taken_back_by_way_of_an_own_value_over_it() {
    for between in [
        vec!["elsewhere"],
        vec!["withdrawn"],
        vec!["elsewhere", "withdrawn"],
    ] {
        let (office, mut dara, _) = withdrawn();
        for (n, value) in between.iter().enumerate() {
            let before = vec![dara.dot(n + 1)];
            dara.decide(record(1), CONSENT, code(value), before, 30 + n as u64);
        }
        let own = vec![dara.dot(between.len() + 1)];
        dara.decide(record(1), CONSENT, code("given"), own, 40);
        let reply = dara.sync(&office);
        assert_eq!(refused(&reply).last(), Some(&true), "{between:?}");
        assert_eq!(office.effective(record(1), &CONSENT), "withdrawn");
        assert!(office.row(record(1)).unwrap().state.withheld);
        office.check();
    }
}

#[test]
fn a_mistake_goes_back_to_what_stood_there_before_it() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(CONSENT, code("given"))], 10);
    dara.sync(&office);
    dara.sync(&office);
    dara.write(record(1), vec![(CONSENT, code("withdrawn"))], 20);
    let mistake = vec![dara.dot(2)];
    dara.decide(record(1), CONSENT, code("given"), mistake, 21);
    assert_eq!(refused(&dara.sync(&office)), [false, false]);
    assert_eq!(office.live(record(1), &CONSENT), ["given"]);
}

#[test]
fn flags_that_others_set_are_not_cleared_by_way_of_an_own_addition() {
    let office = Office::open();
    let flags = Key::Field(FieldId(3));
    let union = PolicyEntry {
        form_id: "interview".into(),
        field: FieldId(3),
        policy: PolicyKind::Union,
        order: Vec::new(),
        consent: Vec::new(),
        decide: Vec::new(),
    };
    office
        .files
        .write::<_, StorageError>(office.org, move |t| t.add_policy(&union, 0))
        .unwrap();
    let set = |all: &[&str]| {
        let codes = all.iter().map(|c| Text::new(*c).unwrap());
        Value::Codes(Codes::new(codes).unwrap())
    };
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    dara.create(record(1), vec![(flags.clone(), set(&["at_risk"]))], 10);
    dara.sync(&office);
    office.assign(record(1), &linh, true);
    linh.sync(&office);
    linh.sync(&office);
    linh.write(
        record(1),
        vec![(flags.clone(), set(&["at_risk", "minor"]))],
        20,
    );
    let own = vec![linh.dot(1)];
    linh.decide(record(1), flags.clone(), set(&[]), own, 21);
    assert_eq!(refused(&linh.sync(&office)), [false, true]);
    let read = office.files.read::<_, StorageError>(office.org, |t| {
        let row = t.record(record(1))?.unwrap();
        Ok(t.policies("interview")?.read(&row.record, &flags))
    });
    // Linh's own addition was a mistake; the flag before it stays.
    assert_eq!(read.unwrap(), Some(set(&["at_risk"])));
}

/// What was sent once may have been read, exported and acted upon, whoever wrote it.
fn takes_back(office: &Office, phone: &mut Phone, withdrawal: Dot) {
    phone.decide(record(1), CONSENT, code("given"), vec![withdrawal], 99);
    let reply = phone.sync(office);
    assert_eq!(refused(&reply).last(), Some(&true));
    assert_eq!(office.effective(record(1), &CONSENT), "withdrawn");
}

fn own_withdrawal() -> (Office, Phone) {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(CONSENT, code("withdrawn"))], 10);
    (office, dara)
}

#[test]
fn an_own_withdrawal_stands_once_it_was_sent_whether_or_not_a_cursor_was_shown() {
    let (office, mut dara) = own_withdrawal();
    for _ in 0..3 {
        dara.cursor = None;
        dara.sync(&office);
    }
    dara.cursor = None;
    let sent = dara.dot(1);
    takes_back(&office, &mut dara, sent);
}

#[test]
fn an_own_withdrawal_stands_in_the_next_epoch_too() {
    let (office, mut dara) = own_withdrawal();
    dara.sync(&office);
    dara.sync(&office);
    office.open_epoch(2);
    dara.epoch = office.epoch();
    dara.cursor = None;
    let sent = dara.dot(1);
    takes_back(&office, &mut dara, sent);
}

#[test]
fn an_own_withdrawal_that_a_restore_lost_and_the_phone_sends_again_stands() {
    let (office, mut dara) = own_withdrawal();
    office.files.close(office.org);
    let copy = std::fs::read(office.files.path(office.org)).unwrap();
    let effective = dara.sync(&office).results[0].effective;
    office.files.close(office.org);
    std::fs::write(office.files.path(office.org), copy).unwrap();
    office.open_epoch(2);
    dara.epoch = office.epoch();
    dara.cursor = None;
    dara.acked = 0;
    let Item::Change {
        effective: known, ..
    } = &mut dara.items[0]
    else {
        panic!("a changeset");
    };
    *known = effective;
    let sent = dara.dot(1);
    takes_back(&office, &mut dara, sent);
}

#[test]
fn a_second_phone_of_the_same_user_does_not_take_back_what_the_first_sent() {
    let (office, mut dara) = own_withdrawal();
    dara.sync(&office);
    dara.sync(&office);
    let mut second = office.second_phone(&dara, 6);
    office.assign(record(1), &second, true);
    second.sync(&office);
    assert!(second.records.contains_key(&record(1)));
    takes_back(&office, &mut second, dara.dot(1));
}
