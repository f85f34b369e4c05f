//! Rows of repeats that hold what protects somebody.

use tributary_sync_core::conflict::Presence;
use tributary_sync_core::value::RowPlace;

use super::*;

const GROUP: FieldId = FieldId(3);
const ROW: RowId = RowId::from_bytes([9; 8]);
const PLACE: Key = Key::RowMeta {
    group: GROUP,
    row: ROW,
};
/// Of the protective field.
const FLAG: Key = Key::Row {
    group: GROUP,
    row: ROW,
    field: FieldId(2),
};

/// A record of dara's with a row in which somebody has withdrawn; chan the coordinator has it too.
fn shared(office: &Office) -> (Phone, Phone) {
    let mut dara = office.worker(2);
    let place = Value::Row(RowPlace::new(None, "a0").unwrap());
    let writes = vec![(PLACE, place), (FLAG, code("withdrawn"))];
    dara.create(record(1), writes, 10);
    dara.sync(office);
    dara.sync(office);
    let mut chan = office.phone(9, Role::Coordinator);
    office.assign(record(1), &chan, true);
    chan.sync(office);
    (dara, chan)
}

fn presence(office: &Office) -> Presence {
    office
        .row(record(1))
        .unwrap()
        .record
        .row_presence(GROUP, ROW)
}

#[test]
fn deleting_a_row_with_a_protective_value_is_a_lowering() {
    let office = Office::open();
    let (mut dara, _) = shared(&office);
    dara.write(record(1), vec![(PLACE, Value::Deleted(true))], 20);
    let reply = dara.sync(&office);
    assert_eq!(reply.results[0].code.as_deref(), Some("decision_refused"));
    assert_eq!(office.live(record(1), &FLAG), ["withdrawn"]);
    assert_eq!(presence(&office), Presence::Contested, "shown and flagged");
    let row = office.row(record(1)).unwrap();
    assert!(row.record.row_place(GROUP, ROW).is_some(), "where it stood");
    office.check();
}

#[test]
fn a_coordinator_deletes_such_a_row_by_a_decision() {
    let office = Office::open();
    let (dara, mut chan) = shared(&office);
    let decision = Decision {
        key: FLAG,
        dots: vec![dara.dot(1)],
        reason: Text::new("that person was never there").unwrap(),
    };
    let deletion = vec![(PLACE, Value::Deleted(true))];
    let draft = Draft {
        decisions: vec![decision],
        ..chan.draft(record(1), chan.sees(record(1)), deletion, 20)
    };
    chan.queue(draft.seal().unwrap());
    assert_eq!(chan.sync(&office).results[0].code, None);
    assert_eq!(presence(&office), Presence::Deleted);
    office.check();
}
