//! Sound inputs out of a number: what the strategies of `sync-core` make of it, in the forms in which it travels.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use tributary_sync_core::change::{Changeset, Draft, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::ids::{ActorId, EpochId, FieldId, FormHash, OrgId, RecordId, Seq};
use tributary_sync_core::key::Key;
use tributary_sync_core::record::Record;
use tributary_sync_core::testing::message::{self, OneForm};
use tributary_sync_core::testing::{Dice, strategy};
use tributary_sync_core::value::Value;
use tributary_sync_core::wire::bundle as layout;
use tributary_sync_core::wire::frame::NoForms;

/// What a strategy makes of a number.
pub(super) fn of<T>(strategy: impl Strategy<Value = T>, seed: u64) -> T {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let tree = strategy
        .new_tree(&mut runner)
        .expect("a value of the strategy");
    tree.current()
}

pub(super) fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("it is JSON")
}

pub(super) fn frame_request(seed: u64) -> Vec<u8> {
    let request = of(message::request(3), seed);
    match seed.is_multiple_of(2) {
        true => request.to_frame(&OneForm::default()),
        false => request.to_frame(&NoForms),
    }
}

pub(super) fn frame_reply(seed: u64) -> Vec<u8> {
    let reply = of(message::reply(3), seed);
    match seed.is_multiple_of(2) {
        true => reply.to_frame(&OneForm::default()),
        false => reply.to_frame(&NoForms),
    }
}

pub(super) fn json_request(seed: u64) -> Vec<u8> {
    json(&of(message::request(3), seed))
}

pub(super) fn json_reply(seed: u64) -> Vec<u8> {
    json(&of(message::reply(3), seed))
}

fn record_of(stored: &Stored) -> Record {
    let mut record = Record::new(stored.change.record);
    record.apply(stored);
    record
}

pub(super) fn json_message(seed: u64) -> Vec<u8> {
    match seed % 4 {
        0 => json(&of(message::entry(), seed)),
        1 => json(&of(strategy::stored(), seed)),
        2 => json(&record_of(&of(strategy::stored(), seed))),
        _ => json(&of(strategy::value(), seed)),
    }
}

pub(super) fn changeset(seed: u64) -> Vec<u8> {
    of(strategy::changeset(), seed).bytes().to_vec()
}

pub(super) fn record(seed: u64) -> Vec<u8> {
    record_of(&of(strategy::stored(), seed)).to_bytes()
}

pub(super) fn bundle(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let content: Vec<u8> = (0..dice.below(200)).map(|n| n as u8).collect();
    match dice.chance(50) {
        true => layout::pad(&content).expect("short"),
        false => layout::file(OrgId::from_bytes(dice.bytes()), &[4; 65], &content).expect("short"),
    }
}

/// A small changeset of a record.
pub(super) fn change_of(record: RecordId) -> Changeset {
    let draft = Draft {
        record,
        dot: Dot::new(ActorId(77), Seq::new(1).expect("small")),
        clock: Hlc::default(),
        form: FormHash::from_bytes([0; 32]),
        creates: false,
        epoch: EpochId::from_bytes([0; 16]),
        seen: Clock::default(),
        writes: vec![(Key::Field(FieldId(1)), Value::Null)],
        decisions: Vec::new(),
        origin: None,
        extensions: Vec::new(),
    };
    draft.seal().expect("within the limits")
}

/// Some answers, each to whatever the phone asks.
pub(super) fn session(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let lines = (0..=dice.below(6)).map(|_| session_line(&mut dice));
    lines.collect::<Vec<_>>().join(&b'\n')
}

fn session_line(dice: &mut Dice) -> Vec<u8> {
    let seq = dice.below(6);
    let statuses = [
        "applied",
        "cut",
        "duplicate",
        "quarantined",
        "void",
        "erased",
    ];
    let result =
        |dice: &mut Dice| json!({"seq": dice.below(6).max(1), "status": statuses[dice.below(6)]});
    let epoch = hex::encode([dice.below(2) as u8; 16]);
    match dice.below(8) {
        0..4 => {
            let mut reply = of(message::reply(3), dice.bits());
            reply.acked.seq = Seq::new(seq as u64).expect("small");
            reply
                .entries
                .extend((0..dice.below(3)).map(|_| of(message::entry(), dice.bits())));
            [b"!".to_vec(), json(&reply)].concat()
        }
        4 => {
            let results: Vec<_> = (0..dice.below(4)).map(|_| result(dice)).collect();
            let actor = json!({"actor": 1 + dice.below(3), "agreed": seq, "acked": dice.below(6), "results": results});
            json(&json!({"epoch": epoch, "actors": [actor]}))
        }
        5 => {
            let mut head = of(message::head(), dice.bits());
            head.epoch = EpochId::from_bytes([0; 16]);
            let actor = 2 + dice.below(3);
            let grant = json!({"actor": actor, "epoch": epoch, "sig": ""});
            json(&json!({"actor": actor, "grant": grant, "epoch": head.epoch, "head": head}))
        }
        6 => Vec::new(),
        _ => {
            let codes = [
                "epoch_changed",
                "actor_forked",
                "actor_closed",
                "actor_unknown",
                "sequence_gap",
                "item_unreadable",
                "cursor_invalid",
                "loss_refused",
                "overloaded",
            ];
            let results: Vec<_> = (0..dice.below(3)).map(|_| result(dice)).collect();
            json(
                &json!({"code": codes[dice.below(codes.len())], "epoch": epoch, "agreed": seq, "expected": seq.max(1),
                         "seq": seq.max(1), "results": results}),
            )
        }
    }
}
