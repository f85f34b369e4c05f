//! Records that were kept as long as the organisation wants.

use super::*;
use crate::storage::StorageError;

const DAY: u64 = 24 * 60 * 60 * 1_000;

/// An organisation that keeps records for 30 days after their last change.
fn office_that_forgets() -> Office {
    let office = Office::open();
    office
        .files
        .write::<_, StorageError>(office.org, |txn| txn.set_setting("retention_days", "30"))
        .unwrap();
    office
}

fn hide(office: &Office, after: u64) -> u64 {
    hide_old(&office.files, &later(office, after), office.org).unwrap()
}

#[test]
fn what_changed_last_too_long_ago_is_hidden_once_and_leaves_the_phones() {
    let office = office_that_forgets();
    let (mut dara, _linh) = crossing(&office);
    assert_eq!(hide(&office, 29 * DAY), 0, "its time is not over");
    assert_eq!(hide(&office, 31 * DAY), 1);
    assert_eq!(hide(&office, 31 * DAY), 0, "it is hidden");
    dara.sync(&office);
    assert!(dara.records.is_empty());
    let boss = admin(&office);
    let seen = look(&office, &boss, record(1));
    assert!(seen.restricted_at.is_some() && seen.erase_after.is_some());
    let asked = erase(
        &office.files,
        &later(&office, 32 * DAY),
        &boss,
        true,
        vec![record(1)],
        Reason::Retention,
    );
    assert!(
        matches!(asked, Ok(EraseOutcome::TooEarly(_))),
        "age alone erases nothing"
    );
    office.check();
}

#[test]
fn who_shows_a_hidden_record_again_keeps_it_for_as_long_again() {
    let office = office_that_forgets();
    let _phones = crossing(&office);
    assert_eq!(hide(&office, 31 * DAY), 1);
    let boss = admin(&office);
    unrestrict(&office.files, &later(&office, 31 * DAY), &boss, record(1)).unwrap();
    assert_eq!(look(&office, &boss, record(1)).erase_after, None);
    assert_eq!(hide(&office, 60 * DAY), 0);
    assert_eq!(hide(&office, 62 * DAY), 1);
    office.check();
}

#[test]
fn an_organisation_that_says_nothing_keeps_its_records() {
    let office = Office::open();
    let _phones = crossing(&office);
    assert_eq!(hide(&office, 40_000 * DAY), 0);
}
