//! Policies: the most protective live value whatever any clock says, the union of all, and what counts as lowering.

use std::collections::BTreeSet;

use proptest::prelude::*;
use tributary_sync_core::change::Stored;
use tributary_sync_core::clock::{Dot, Hlc};
use tributary_sync_core::form::DecideRole;
use tributary_sync_core::ids::ActorId;
use tributary_sync_core::key::Key;
use tributary_sync_core::policy::{FieldPolicy, Policies, Policy};
use tributary_sync_core::record::Record;
use tributary_sync_core::testing::history::{History, PROTECTIVE, UNION, history};
use tributary_sync_core::testing::oracle::Oracle;
use tributary_sync_core::testing::{Dice, cases, strategy};
use tributary_sync_core::value::Value;

const KEY: Key = Key::Field(PROTECTIVE);
const FLAGS: Key = Key::Field(UNION);

/// `a` below `b`; `c` is unknown and so above both.
fn policies() -> Policies {
    let mut policies = Policies::default();
    let order = Policy::Protective(vec!["a".to_owned(), "b".to_owned()]);
    let policy = |policy| FieldPolicy {
        policy,
        consent: Vec::new(),
        decide: Vec::new(),
    };
    policies.set(PROTECTIVE, policy(order));
    policies.set(UNION, policy(Policy::Union));
    policies
}

/// How protective, said apart from the code under test.
fn rank(value: &Value) -> u8 {
    match serde_json::to_string(value).unwrap().as_str() {
        r#"{"null":true}"# => 0,
        r#"{"code":"a"}"# => 1,
        r#"{"code":"b"}"# => 2,
        _ => 3,
    }
}

fn flags(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Codes(codes) => codes.iter().map(str::to_owned).collect(),
        _ => BTreeSet::new(),
    }
}

fn merged<'s>(history: &History, stored: impl IntoIterator<Item = &'s Stored>) -> Record {
    let mut record = Record::new(history.record);
    stored.into_iter().for_each(|s| record.apply(s));
    record
}

/// The same number of an actor who is in no history.
fn stranger(dot: Dot) -> Dot {
    Dot::new(ActorId(dot.actor.0 + 100), dot.seq)
}

proptest! {
    #![proptest_config(cases(6_000))]

    #[test]
    fn the_most_protective_live_value_reads_whatever_the_clocks_say(
        history in history(20), seed in any::<u64>(),
    ) {
        let mut dice = Dice::new(seed);
        let lives = Oracle::of(&history.made).lives(|_| true);
        // Any clocks at all: wrong, equal, or from another century.
        let mut all: Vec<Stored> = history.made.iter().map(|m| m.stored.clone()).collect();
        for stored in &mut all {
            stored.stamp.effective = Hlc::new(dice.bits() >> 12, 0).unwrap();
        }
        let record = merged(&history, &all);
        let read = policies().read(&record, &KEY);
        let most = lives.get(&KEY).and_then(|values| values.values().map(rank).max());
        prop_assert_eq!(read.as_ref().map(rank), most);
        let all_flags: Option<BTreeSet<String>> =
            lives.get(&FLAGS).map(|values| values.values().flat_map(flags).collect());
        prop_assert_eq!(policies().read(&record, &FLAGS).as_ref().map(flags), all_flags);
    }

    #[test]
    fn another_arrival_without_sight_never_weakens(history in history(16), late in history(4)) {
        // Changesets of nobody who saw anything of this history: their actors are others.
        let mut record = merged(&history, history.made.iter().map(|m| &m.stored));
        let before = (policies().read(&record, &KEY), policies().read(&record, &FLAGS));
        for made in &late.made {
            let mut draft = made.stored.change.clone().into_draft();
            draft.dot = stranger(draft.dot);
            draft.seen = draft.seen.dots().map(stranger).collect();
            let change = draft.seal().unwrap();
            let stamp = tributary_sync_core::change::Stamp {
                context: change.seen.clone(),
                ..made.stored.stamp.clone()
            };
            record.apply(&Stored { change, stamp });
        }
        let after = (policies().read(&record, &KEY), policies().read(&record, &FLAGS));
        if let Some(before) = &before.0 {
            prop_assert!(after.0.as_ref().map(rank) >= Some(rank(before)));
        }
        if let Some(before) = &before.1 {
            prop_assert!(after.1.as_ref().map(flags).unwrap_or_default().is_superset(&flags(before)));
        }
    }

    #[test]
    fn a_lowering_is_exactly_what_takes_protection_away_without_a_decision(
        history in history(20), seed in any::<u64>(),
    ) {
        let mut dice = Dice::new(seed);
        let Some((last, before)) = history.made.split_last() else { return Ok(()) };
        let oracle = Oracle::of(&history.made);
        let dot = last.stored.change.dot;
        let lives = oracle.lives(|d| d != dot);
        let record = merged(&history, before.iter().map(|m| &m.stored));
        // Some of the overwritten values are named by a decision, and some of those may be lowered by this author.
        let mut draft = last.stored.change.clone().into_draft();
        let mut allowed = BTreeSet::new();
        for key in [KEY, FLAGS] {
            let mut dots: Vec<Dot> = lives.get(&key).map(|v| v.keys().copied().collect()).unwrap_or_default();
            dots.retain(|_| dice.chance(40));
            allowed.extend(dots.iter().filter(|_| dice.chance(70)).map(|d| (key.clone(), *d)));
            let reason = tributary_sync_core::value::Text::new("she said so").unwrap();
            draft.decisions.push(tributary_sync_core::change::Decision { key, dots, reason });
        }
        let named: Vec<_> = draft.decisions.clone();
        let change = draft.seal().unwrap();
        let taken = |key: &Key| -> Vec<Value> {
            let permitted = |d: &Dot| {
                named.iter().any(|n| n.key == *key && n.dots.contains(d)) && allowed.contains(&(key.clone(), *d))
            };
            lives.get(key).into_iter().flatten()
                .filter(|(d, _)| oracle.saw(dot, **d) && !permitted(d))
                .map(|(_, v)| v.clone())
                .collect()
        };
        let lowered = policies().lowered(&record, &change, &last.stored.clock(), |key, dot| {
            allowed.contains(&(key.clone(), dot)).then(Vec::new)
        });
        for key in [KEY, FLAGS] {
            let got = lowered.iter().find(|(k, _)| *k == key).map(|(_, v)| v);
            let new = change.writes.iter().find(|w| w.0 == key).map(|w| &w.1);
            let Some(new) = new else { prop_assert!(got.is_none()); continue };
            if key == KEY {
                let most = taken(&key).iter().map(rank).max().filter(|r| *r > rank(new));
                prop_assert_eq!(got.map(rank), most);
            } else {
                let gone: BTreeSet<String> =
                    taken(&key).iter().flat_map(flags).collect::<BTreeSet<_>>();
                let missing = !gone.is_subset(&flags(new));
                prop_assert_eq!(got.is_some(), missing);
                let kept: BTreeSet<String> = got.map(flags).unwrap_or_default().union(&flags(new)).cloned().collect();
                prop_assert!(!missing || kept.is_superset(&gone));
            }
        }
        prop_assert!(lowered.iter().all(|(k, _)| *k == KEY || *k == FLAGS));
    }

    #[test]
    fn an_unreadable_value_ranks_above_all(values in proptest::collection::vec(strategy::value(), 2..5)) {
        let record = concurrent(&values);
        let readable = |v: &Value| matches!(v, Value::Null | Value::Codes(_) | Value::Code(_));
        let read = policies().read(&record, &FLAGS).unwrap();
        prop_assert_eq!(readable(&read), values.iter().all(readable));
        if readable(&read) {
            for value in &values {
                prop_assert!(flags(&read).is_superset(&flags(value)));
            }
        }
    }

    #[test]
    fn a_record_without_live_consent_is_withheld(history in history(16)) {
        let mut policies = Policies::default();
        let consent = FieldPolicy { policy: Policy::Single, consent: vec!["a".to_owned()], decide: Vec::new() };
        policies.set(PROTECTIVE, consent);
        let record = merged(&history, history.made.iter().map(|m| &m.stored));
        let lives = Oracle::of(&history.made).lives(|_| true);
        let given = lives.get(&KEY).is_some_and(|v| v.values().all(|v| rank(v) == 1));
        prop_assert_eq!(policies.withheld(&record), !given);
    }
}

/// One record with all these values at once, on both fields.
fn concurrent(values: &[Value]) -> Record {
    let id = tributary_sync_core::ids::RecordId::from_bytes([1; 16]);
    let mut record = Record::new(id);
    for (n, value) in (1u32..).zip(values) {
        let writes = vec![(KEY, value.clone()), (FLAGS, value.clone())];
        record.apply(&crate::attacks::stored(n, 1, &[], 10, writes));
    }
    record
}

#[test]
fn what_counts_as_weaker() {
    let field = |policy, consent: &[&str]| FieldPolicy {
        policy,
        consent: consent.iter().map(|c| (*c).to_owned()).collect(),
        decide: Vec::new(),
    };
    let order =
        |codes: &[&str]| Policy::Protective(codes.iter().map(|c| (*c).to_owned()).collect());
    let old = field(order(&["given", "withdrawn"]), &["given"]);
    for (weaker, next) in [
        (false, old.clone()),
        (
            false,
            field(order(&["given", "paused", "withdrawn"]), &["given"]),
        ),
        (true, field(order(&["withdrawn", "given"]), &["given"])),
        (true, field(order(&["given"]), &["given"])),
        (true, field(Policy::Single, &["given"])),
        (true, field(Policy::Union, &["given"])),
        (
            true,
            field(order(&["given", "withdrawn"]), &["given", "withdrawn"]),
        ),
        (true, field(order(&["given", "withdrawn"]), &[])),
    ] {
        assert_eq!(old.weakened_by(&next), weaker, "{next:?}");
    }
    let mut worker_too = old.clone();
    worker_too.decide = vec![DecideRole::Coordinator, DecideRole::Worker];
    assert!(old.weakened_by(&worker_too) && !worker_too.weakened_by(&old));
    assert!(!field(Policy::Single, &[]).weakened_by(&old));
    assert!(field(Policy::Union, &[]).weakened_by(&field(Policy::Single, &[])));
}
