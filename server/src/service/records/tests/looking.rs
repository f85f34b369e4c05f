//! Who sees what.

use super::*;

fn lines(office: &Office, who: &Acting, filter: ListFilter) -> Vec<RecordId> {
    let page = list(&office.files, &office.env, who, &filter).unwrap();
    page.items.iter().map(|l| l.id).collect()
}

#[test]
fn a_list_comes_in_pages_and_holds_no_answer() {
    let office = Office::open();
    let mut dara = office.worker(2);
    for n in 1..=5 {
        let answers = vec![(NAME, text("Sokha")), (CONSENT, code("given"))];
        dara.create(record(n), answers, 10);
    }
    dara.sync(&office);
    let mona = coordinator(&office);
    let mut next = None;
    let mut seen = Vec::new();
    loop {
        let filter = ListFilter {
            limit: Some(2),
            next,
            ..ListFilter::default()
        };
        let page = list(&office.files, &office.env, &mona, &filter).unwrap();
        assert!(!serde_json::to_string(&page).unwrap().contains("Sokha"));
        seen.extend(page.items.iter().map(|l| l.id));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=5).map(record).collect::<Vec<_>>());
    let bad = ListFilter {
        next: Some("x".into()),
        ..ListFilter::default()
    };
    let refused = list(&office.files, &office.env, &mona, &bad);
    assert_eq!(refusal(refused), Code::FieldInvalid);
}

#[test]
fn a_record_out_of_reach_answers_like_one_that_is_not_there() {
    let office = Office::open();
    crossing(&office);
    let mut reviewer = desk(&office, 50, Role::Reviewer);
    let see = |who: &Acting, n| refusal(show(&office.files, &office.env, who, record(n), None));
    assert_eq!(see(&reviewer, 1), Code::NotFound);
    assert_eq!(see(&reviewer, 77), Code::NotFound);
    assert_eq!(see(&desk(&office, 51, Role::Worker), 1), Code::NotFound);
    assert_eq!(
        see(&desk(&office, 52, Role::ServerAdmin), 1),
        Code::NotAllowed
    );
    reviewer.colleagues = vec![user(2)];
    assert_eq!(look(&office, &reviewer, record(1)).conflicts.len(), 1);
    assert_eq!(
        lines(&office, &reviewer, ListFilter::default()),
        [record(1)]
    );
    assert_eq!(
        lines(
            &office,
            &desk(&office, 51, Role::Worker),
            ListFilter::default()
        ),
        []
    );
}

#[test]
fn without_live_consent_a_coordinator_sees_consent_and_conflicts_only_and_the_maker_all() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(
        record(1),
        vec![(NAME, text("Sokha")), (CONSENT, code("withdrawn"))],
        10,
    );
    dara.sync(&office);
    let mona = coordinator(&office);
    assert_eq!(lines(&office, &mona, ListFilter::default()), []);
    let filter = ListFilter {
        withheld: true,
        ..ListFilter::default()
    };
    assert_eq!(lines(&office, &mona, filter), [record(1)]);
    let seen = look(&office, &mona, record(1));
    assert!(seen.withheld);
    assert!(!serde_json::to_string(&seen).unwrap().contains("Sokha"));
    let asked: Vec<_> = seen.answers.iter().map(|a| a.text.as_str()).collect();
    assert_eq!(asked, ["withdrawn"]);
    let mut reviewer = desk(&office, 50, Role::Reviewer);
    reviewer.colleagues = vec![user(2)];
    let refused = show(&office.files, &office.env, &reviewer, record(1), None);
    assert_eq!(refusal(refused), Code::NotFound);
    let maker = look(&office, &desk(&office, 2, Role::Worker), record(1));
    assert_eq!(maker.answers.len(), 2);
}

#[test]
fn a_restricted_record_is_hidden_at_once_and_its_makers_phone_still_pushes() {
    let office = Office::open();
    let (mut dara, _) = crossing(&office);
    let (mona, chief) = (coordinator(&office), admin(&office));
    let before = look(&office, &mona, record(1));
    let refused = restrict(&office.files, &office.env, &mona, record(1));
    assert_eq!(refusal(refused), Code::NotAllowed);
    restrict(&office.files, &office.env, &chief, record(1)).unwrap();
    let refused = show(&office.files, &office.env, &mona, record(1), None);
    assert_eq!(refusal(refused), Code::NotFound);
    assert_eq!(lines(&office, &mona, ListFilter::default()), []);
    let all = ListFilter {
        restricted: true,
        ..ListFilter::default()
    };
    assert_eq!(lines(&office, &mona, all.clone()), []);
    assert_eq!(lines(&office, &chief, all), [record(1)]);
    let seen = serde_json::to_string(&look(&office, &chief, record(1))).unwrap();
    assert!(!seen.contains("Sokha"), "nobody reads it while it waits");
    dara.write(record(1), vec![(NAME, text("S. Keo"))], 60);
    assert_eq!(statuses(&dara.sync(&office)), [Status::Applied]);
    let stale = settle_for(&office, &mona, &before, NAME, text("x"));
    assert_eq!(refusal(stale), Code::NotFound);
    let stale = settle_for(&office, &chief, &before, NAME, text("x"));
    assert_eq!(refusal(stale), Code::RecordRestricted);
    unrestrict(&office.files, &office.env, &chief, record(1)).unwrap();
    assert!(look(&office, &mona, record(1)).conflicts.len() == 1);
}

#[test]
fn every_reading_and_every_act_is_in_the_audit_without_ids_or_answers() {
    let office = Office::open();
    crossing(&office);
    let mona = coordinator(&office);
    let seen = look(&office, &mona, record(1));
    done(settle_for(&office, &mona, &seen, NAME, text("Sokha Keo")));
    let rows = office
        .files
        .read::<_, crate::storage::StorageError>(office.org, |t| t.audit_rows(0, 100))
        .unwrap();
    let actions: Vec<_> = rows.iter().map(|r| r.action.as_str()).collect();
    assert_eq!(actions, ["record.read", "record.settle"]);
    for row in &rows {
        assert_eq!(row.user, Some(user(100)));
        let hash = record(1).tombstone().to_string();
        assert_eq!(row.subject.as_deref(), Some(hash.as_str()));
        let all = format!("{row:?}");
        assert!(!all.contains("Sokha") && !all.contains(&record(1).to_string()));
        assert!(!all.contains("asked both"), "a reason may hold a name");
    }
}

#[test]
fn an_answer_is_shown_with_who_gave_it_and_by_which_clock() {
    let office = Office::open();
    crossing(&office);
    let seen = look(&office, &coordinator(&office), record(1));
    let given = &seen.conflicts[0].candidates[0].given[0];
    assert_eq!(given.name, "Somebody");
    assert_eq!(given.saved_at, "1970-01-01T00:00:00.020Z");
    assert_eq!(given.received_at, "1970-01-01T00:16:40.000Z");
    assert_eq!(given.device, Some(ProfileId::from_bytes([2; 16])));
    assert_eq!(said(&text("x")), "x");
}
