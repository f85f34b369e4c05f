//! Coming back: after a fork or a restore, for a revoked phone too; losses; tombstones that phones bring.

use super::*;

/// An organisation whose server was restored from a copy that lacks all but the first of dara's three changes.
fn restored() -> (Office, Phone) {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&office);
    office.files.close(office.org);
    let copy = std::fs::read(office.files.path(office.org)).unwrap();
    dara.write(record(1), vec![(NAME, text("two"))], 11);
    dara.create(record(2), vec![(NAME, text("three"))], 12);
    dara.sync(&office);
    office.files.close(office.org);
    std::fs::write(office.files.path(office.org), copy).unwrap();
    new_epoch(&office);
    dara.epoch = office.epoch();
    dara.cursor = None;
    (office, dara)
}

fn new_epoch(office: &Office) {
    office
        .files
        .write::<_, StorageError>(office.org, |t| {
            t.open_epoch(EpochId::from_bytes([2; 16]), 5)
        })
        .unwrap();
}

fn seq(n: usize) -> Seq {
    Seq::new(n as u64).unwrap()
}

fn compares(office: &Office, phone: &Phone) -> CompareReply {
    let points = phone.chain.iter().enumerate();
    let points = points.map(|(n, h)| ChainPoint {
        seq: seq(n),
        hash: *h,
    });
    let request = CompareRequest {
        epoch: office.epoch(),
        head: None,
        actors: vec![ActorChain {
            actor: phone.actor,
            grant: Some(phone.grant.clone()),
            points: points.collect(),
        }],
        tombstones: phone.tombstones.clone(),
    };
    compare(&office.files, &office.env, &phone.caller, request).unwrap()
}

fn loses(office: &Office, phone: &Phone, first: usize, last: usize) -> Result<(), Refusal> {
    let request = LostRequest {
        epoch: office.epoch(),
        actor: phone.actor,
        first: seq(first),
        last: ChainPoint {
            seq: seq(last),
            hash: *phone.chain.last().unwrap(),
        },
    };
    lost(&office.files, &phone.caller, request)
}

fn closed(office: &Office, phone: &Phone) -> bool {
    let row = office
        .files
        .read::<_, StorageError>(office.org, |t| t.actor(phone.actor));
    row.unwrap().unwrap().closed
}

#[test]
fn a_loss_that_is_no_range_or_not_what_the_server_lacks_closes_nothing() {
    let (office, dara) = restored();
    for (first, last) in [(0, 3), (3, 2), (2, 0)] {
        let refused = loses(&office, &dara, first, last).unwrap_err();
        assert_eq!(refused.code(), "loss_invalid", "{first} to {last}");
    }
    // The server has number 1, and number 2 is the first that it lacks.
    for (first, last) in [(1, 3), (1, 1), (3, 3), (900, 901)] {
        let refused = loses(&office, &dara, first, last).unwrap_err();
        assert_eq!(refused.code(), "loss_refused", "{first} to {last}");
    }
    assert!(!closed(&office, &dara));
    loses(&office, &dara, 2, 3).unwrap();
    loses(&office, &dara, 2, 3).unwrap();
    assert!(closed(&office, &dara));
}

#[test]
fn the_remainder_of_a_revoked_phone_reaches_quarantine_after_a_restore() {
    let (office, mut dara) = restored();
    dara.caller.revoked = true;
    let told = compares(&office, &dara);
    assert_eq!(told.actors[0].agreed, seq(1));
    dara.acked = 1;
    let reply = dara.sync(&office);
    assert_eq!(statuses(&reply), [Status::Quarantined; 2]);
    assert!(reply.entries.is_empty() && reply.cursor.is_none());
    assert_eq!(office.live(record(1), &NAME), ["one"]);
    assert!(office.row(record(2)).is_none());
    office.check();
}

#[test]
fn a_tombstone_that_a_phone_brings_back_leaves_no_word_in_the_file() {
    let office = Office::open();
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha of Poipet"))], 10);
    dara.sync(&office);
    office.files.close(office.org);
    let path = office.files.path(office.org);
    let copy = std::fs::read(&path).unwrap();
    office.erase(record(1));
    dara.sync(&office);
    assert_eq!(dara.tombstones.len(), 1);
    // The disk is lost, and the ledger with it.
    office.files.close(office.org);
    std::fs::write(&path, copy).unwrap();
    std::fs::remove_file(office.env.ledger.path(office.org)).unwrap();
    new_epoch(&office);
    assert!(office.row(record(1)).is_some());
    compares(&office, &dara);
    assert!(office.row(record(1)).is_none());
    // Whatever is written next is written after the words are gone.
    let owed = office
        .files
        .write::<_, StorageError>(office.org, |t| t.scrub_owed());
    assert!(!owed.unwrap(), "without a restart");
    for file in [path.clone(), path.with_extension("db-wal")] {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(15).any(|w| w == b"Sokha of Poipet"));
    }
    office.check();
}
