//! What a record must hold, said from first principles and written differently from the kernel.
//!
//! A value lives iff no changeset that writes its key has it in its causal past. The past is a transitive closure over
//! plain sets of dots; no clock is looked at. Slow, and not for use outside tests.

use std::collections::{BTreeMap, BTreeSet};

use super::history::Made;
use crate::clock::{Dot, Hlc};
use crate::conflict::Presence;
use crate::key::Key;
use crate::record::Record;
use crate::value::Value;

/// The live values of every key.
pub type Lives = BTreeMap<Key, BTreeMap<Dot, Value>>;

/// A set of changesets with their causal pasts.
#[derive(Clone, Debug)]
pub struct Oracle<'h> {
    made: BTreeMap<Dot, &'h Made>,
    past: BTreeMap<Dot, BTreeSet<Dot>>,
}

impl<'h> Oracle<'h> {
    /// Of all these changesets.
    pub fn of(made: impl IntoIterator<Item = &'h Made>) -> Self {
        let made: BTreeMap<Dot, &Made> =
            made.into_iter().map(|m| (m.stored.change.dot, m)).collect();
        let past = made
            .keys()
            .map(|dot| (*dot, closure(&made, *dot)))
            .collect();
        Self { made, past }
    }

    /// Whether `later` was made by somebody who had seen `earlier`, through whatever chain.
    pub fn saw(&self, later: Dot, earlier: Dot) -> bool {
        self.past.get(&later).is_some_and(|p| p.contains(&earlier))
    }

    /// The live values when exactly the changesets that `here` accepts have arrived.
    pub fn lives(&self, here: impl Fn(Dot) -> bool) -> Lives {
        let mut writes: BTreeMap<&Key, Vec<(Dot, &Value)>> = BTreeMap::new();
        for (dot, made) in self.made.iter().filter(|(dot, _)| here(**dot)) {
            for (key, value) in &made.stored.change.writes {
                writes.entry(key).or_default().push((*dot, value));
            }
        }
        let alive = |all: &[(Dot, &Value)]| -> BTreeMap<Dot, Value> {
            all.iter()
                .filter(|(dot, _)| !all.iter().any(|(later, _)| self.saw(*later, *dot)))
                .map(|(dot, value)| (*dot, (*value).clone()))
                .collect()
        };
        writes
            .into_iter()
            .map(|(key, all)| (key.clone(), alive(&all)))
            .collect()
    }

    /// The value that wins for `key` among `lives`: the one with the highest (effective clock, actor, number).
    pub fn winner<'l>(&self, lives: &'l Lives, key: &Key) -> Option<&'l Value> {
        let effective = |dot: &Dot| -> Option<(Hlc, u32, u64)> {
            let stamp = &self.made.get(dot)?.stored.stamp;
            Some((stamp.effective, dot.actor.0, dot.seq.get()))
        };
        let all = lives.get(key)?;
        let best = all.keys().max_by_key(|dot| effective(dot))?;
        all.get(best)
    }

    /// Deletion by §2.4, over the live values of the register `meta` and those of the answers that `belongs` accepts.
    pub fn presence(&self, lives: &Lives, meta: &Key, belongs: impl Fn(&Key) -> bool) -> Presence {
        let none = BTreeMap::new();
        let register = lives.get(meta).unwrap_or(&none);
        let (deletes, others): (Vec<_>, Vec<_>) = register
            .iter()
            .partition(|(_, value)| **value == Value::Deleted(true));
        if deletes.is_empty() {
            return Presence::Present;
        }
        let seen = |answer: &Dot| {
            deletes
                .iter()
                .any(|(delete, _)| *delete == answer || self.saw(**delete, *answer))
        };
        let all_seen = lives
            .iter()
            .filter(|(key, _)| belongs(key))
            .flat_map(|(_, values)| values.keys())
            .all(seen);
        if others.is_empty() && all_seen {
            Presence::Deleted
        } else {
            Presence::Contested
        }
    }
}

/// All that stands before `dot`, found by walking what each author was shown.
fn closure(made: &BTreeMap<Dot, &Made>, dot: Dot) -> BTreeSet<Dot> {
    let mut past = BTreeSet::new();
    let mut open = vec![dot];
    while let Some(next) = open.pop() {
        if let Some(made) = made.get(&next) {
            open.extend(made.seen.iter().filter(|seen| past.insert(**seen)));
        }
    }
    past
}

/// A record in the oracle's shape.
pub fn lives_of(record: &Record) -> Lives {
    let values = |values: &[(Dot, Value)]| values.iter().cloned().collect();
    record.keys().map(|(k, v)| (k.clone(), values(v))).collect()
}
