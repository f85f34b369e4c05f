//! The merge: equal to the oracle in any order, a join of states, one byte form, one winner.

use std::collections::BTreeSet;

use crdts::mvreg::Op;
use crdts::{CmRDT, Dot as CrateDot, MVReg, VClock};
use proptest::prelude::*;
use tributary_sync_core::change::Stored;
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::record::Record;
use tributary_sync_core::testing::history::{GROUP, History, Made, ROW, history};
use tributary_sync_core::testing::oracle::{Lives, Oracle, lives_of};
use tributary_sync_core::testing::{Dice, cases, strategy};

/// Every changeset once, some twice, in an order that depends on the seed.
fn deliveries(history: &History, dice: &mut Dice) -> Vec<Stored> {
    let mut all: Vec<Stored> = history.made.iter().map(|m| m.stored.clone()).collect();
    for made in &history.made {
        if dice.chance(50) {
            all.push(made.stored.clone());
        }
    }
    dice.shuffle(&mut all);
    all
}

/// Nothing, or one of the stored forms and back.
fn save_and_load(record: Record, dice: &mut Dice) -> Record {
    match dice.below(6) {
        0 => Record::from_bytes(&record.to_bytes()).unwrap(),
        1 => serde_json::from_str(&serde_json::to_string(&record).unwrap()).unwrap(),
        _ => record,
    }
}

fn merged<'h>(history: &History, stored: impl IntoIterator<Item = &'h Stored>) -> Record {
    let mut record = Record::new(history.record);
    stored.into_iter().for_each(|s| record.apply(s));
    record
}

fn everything(history: &History) -> (Record, Lives) {
    let lives = Oracle::of(&history.made).lives(|_| true);
    (
        merged(history, history.made.iter().map(|m| &m.stored)),
        lives,
    )
}

/// A part of the changesets, as some replica may hold it after messages went astray.
fn part<'h>(history: &'h History, dice: &mut Dice) -> Vec<&'h Made> {
    let percent = dice.below(101);
    history
        .made
        .iter()
        .filter(|_| dice.chance(percent))
        .collect()
}

proptest! {
    #![proptest_config(cases(12_000))]

    #[test]
    fn any_order_any_repetition_any_save_and_load_equals_the_oracle(
        history in history(24), seed in any::<u64>(),
    ) {
        let mut dice = Dice::new(seed);
        let (straight, lives) = everything(&history);
        prop_assert_eq!(lives_of(&straight), lives);
        let mut record = Record::new(history.record);
        for stored in deliveries(&history, &mut dice) {
            record.apply(&stored);
            record = save_and_load(record, &mut dice);
        }
        prop_assert_eq!(&record, &straight);
        prop_assert_eq!(record.to_bytes(), straight.to_bytes());
    }

    #[test]
    fn a_part_of_the_changesets_equals_the_oracle_too(history in history(20), seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let mut part = part(&history, &mut dice);
        dice.shuffle(&mut part);
        let here: BTreeSet<Dot> = part.iter().map(|m| m.stored.change.dot).collect();
        let record = merged(&history, part.iter().map(|m| &m.stored));
        let lives = Oracle::of(&history.made).lives(|dot| here.contains(&dot));
        prop_assert_eq!(lives_of(&record), lives);
    }

    #[test]
    fn the_merge_of_states_is_a_join_and_takes_stale_ones(
        history in history(20), seed in any::<u64>(),
    ) {
        let mut dice = Dice::new(seed);
        let mut parts = Vec::new();
        let mut states = Vec::new();
        for _ in 0..3 {
            let part = part(&history, &mut dice);
            states.push(merged(&history, part.iter().map(|m| &m.stored)));
            parts.extend(part);
        }
        let join = |a: &Record, b: &Record| { let mut a = a.clone(); a.merge(b); a };
        let (a, b, c) = (&states[0], &states[1], &states[2]);
        prop_assert_eq!(join(a, b), join(b, a));
        prop_assert_eq!(join(&join(a, b), c), join(a, &join(b, c)));
        prop_assert_eq!(&join(a, a), a);
        let all = join(&join(a, b), c);
        prop_assert_eq!(&all, &merged(&history, parts.iter().map(|m| &m.stored)));
        // States that stood somewhere on the way, however old, change nothing.
        let (whole, _) = everything(&history);
        for stale in history.states.iter().chain(&states) {
            prop_assert_eq!(&join(&whole, stale), &whole);
            prop_assert_eq!(&join(stale, &whole), &whole);
        }
    }

    #[test]
    fn every_register_is_a_plain_multi_value_register_of_the_crate(
        history in history(20), seed in any::<u64>(),
    ) {
        let mut dice = Dice::new(seed);
        let deliveries = deliveries(&history, &mut dice);
        let record = merged(&history, &deliveries);
        for (key, values) in record.keys() {
            let mut register: MVReg<(Dot, _), u32> = MVReg::new();
            for stored in &deliveries {
                let clock: VClock<u32> = stored
                    .clock()
                    .dots()
                    .map(|d| CrateDot::new(d.actor.0, d.seq.get()))
                    .collect();
                for (_, value) in stored.change.writes.iter().filter(|w| w.0 == *key) {
                    register.apply(Op::Put { clock: clock.clone(), val: (stored.change.dot, value) });
                }
            }
            let mut crate_values = register.read().val;
            crate_values.sort();
            let ours: Vec<_> = values.iter().map(|(dot, value)| (*dot, value)).collect();
            prop_assert_eq!(ours, crate_values);
        }
    }

    #[test]
    fn the_clock_of_a_record_knows_all_that_arrived_and_nothing_else(history in history(20)) {
        let (record, _) = everything(&history);
        let arrived: Clock = history.made.iter().map(|m| m.stored.change.dot).collect();
        prop_assert_eq!(record.clock(), arrived);
    }

    #[test]
    fn the_winner_depends_on_the_set_only(history in history(20), seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let record = merged(&history, &deliveries(&history, &mut dice));
        let oracle = Oracle::of(&history.made);
        let lives = oracle.lives(|_| true);
        for key in lives.keys() {
            let winner = record.winner(key).map(|(value, _)| value);
            prop_assert_eq!(winner, oracle.winner(&lives, key));
            prop_assert_eq!(record.candidates(key).first().map(|c| c.value), winner);
        }
        let conflicts: BTreeSet<_> = record.conflicts().map(|c| c.key.clone()).collect();
        for (key, values) in &lives {
            let different: BTreeSet<_> = values.values().collect();
            let counts = !matches!(key.to_string().as_str(), "m.deleted" | "m.assignee")
                && !key.to_string().ends_with(".row");
            prop_assert_eq!(conflicts.contains(key), counts && different.len() > 1);
        }
    }

    #[test]
    fn a_deletion_holds_only_where_all_was_seen(history in history(24), seed in any::<u64>()) {
        let mut dice = Dice::new(seed);
        let record = merged(&history, &deliveries(&history, &mut dice));
        let oracle = Oracle::of(&history.made);
        let lives = oracle.lives(|_| true);
        let answer = |key: &str| key.starts_with('f') || key.starts_with('x') || key.contains(".f");
        let whole = oracle.presence(&lives, &"m.deleted".parse().unwrap(), |k| answer(&k.to_string()));
        prop_assert_eq!(record.presence(), whole);
        let row_key = format!("g{GROUP}.{ROW}.row").parse().unwrap();
        let row = oracle.presence(&lives, &row_key, |k| k.to_string().starts_with('g') && *k != row_key);
        prop_assert_eq!(record.row_presence(GROUP, ROW), row);
    }

    /// Whatever contexts claim, and though a cut could have been forgotten: replicas do not differ.
    #[test]
    fn dishonest_contexts_cannot_make_replicas_differ(
        history in history(16), claims in proptest::collection::vec(strategy::clock(), 0..8),
        seed in any::<u64>(),
    ) {
        let mut dice = Dice::new(seed);
        let mut all: Vec<Stored> = history.made.iter().map(|m| m.stored.clone()).collect();
        for claim in claims {
            let at = dice.below(all.len());
            if let Some(stored) = all.get_mut(at) {
                stored.stamp.context.join(&claim);
            }
        }
        // Two that claim to have seen each other.
        if all.len() > 1 {
            let (a, b) = (all[0].clock(), all[1].clock());
            all[0].stamp.context.join(&b);
            all[1].stamp.context.join(&a);
        }
        let straight = merged(&history, &all);
        dice.shuffle(&mut all);
        let mut states: Vec<Record> = Vec::new();
        for stored in &all {
            states.push(merged(&history, [stored]));
        }
        prop_assert_eq!(&merged(&history, &all), &straight);
        let mut joined = Record::new(history.record);
        states.iter().for_each(|s| joined.merge(s));
        prop_assert_eq!(&joined, &straight);
    }

    #[test]
    fn a_device_clock_only_goes_forward(last in strategy::hlc(), wall in strategy::counter()) {
        let next = last.tick(wall);
        let end = Hlc::new(tributary_sync_core::ids::COUNTER_MAX, u16::MAX).unwrap();
        prop_assert!(next > last || last == end);
        prop_assert!(next.ms() >= wall);
    }
}
