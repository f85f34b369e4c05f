//! Conflicts, the winner that an export shows, and deletion: what a reader makes of several live values.
//!
//! Nothing here changes a record. A conflict ends by an ordinary changeset whose author saw all live values.

use crate::clock::{Dot, Hlc};
use crate::key::{Key, MetaKey};
use crate::record::{Live, Record};
use crate::value::Value;

mod rows;

/// One of several answers to one question: equal values are one candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate<'r> {
    /// The answer.
    pub value: &'r Value,
    /// The changesets that gave it, the latest first.
    pub given: Vec<&'r Live>,
}

/// More than one live value after equal ones are joined (§1.9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict<'r> {
    /// The register.
    pub key: &'r Key,
    /// The answers, the winner first.
    pub candidates: Vec<Candidate<'r>>,
}

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It is.
    Present,
    /// Somebody deleted it who saw all that is in it.
    Deleted,
    /// Somebody deleted it, but it was restored or written to by somebody who did not see the deletion: shown, flagged.
    Contested,
}

/// What orders ties: the effective clock, then the actor, then the sequence (§1.10).
fn rank(live: &Live) -> (Hlc, Dot) {
    (live.effective, live.dot)
}

impl Record {
    /// The live values of `key` with their changesets, equal ones joined, the winner first.
    pub fn candidates(&self, key: &Key) -> Vec<Candidate<'_>> {
        self.candidates_of(self.values(key))
    }

    fn candidates_of<'r>(&'r self, values: &'r [(Dot, Value)]) -> Vec<Candidate<'r>> {
        let mut out: Vec<Candidate<'r>> = Vec::with_capacity(values.len());
        for (dot, value) in values {
            let Some(live) = self.live(*dot) else {
                continue;
            };
            match out.iter_mut().find(|c| c.value == value) {
                Some(candidate) => candidate.given.push(live),
                None => out.push(Candidate {
                    value,
                    given: vec![live],
                }),
            }
        }
        for candidate in &mut out {
            candidate.given.sort_by_key(|l| std::cmp::Reverse(rank(l)));
        }
        out.sort_by_key(|c| std::cmp::Reverse(c.given.first().map(|l| rank(l))));
        out
    }

    /// The value that an export shows for a `single` field: the one with the highest (effective clock, actor, seq).
    pub fn winner(&self, key: &Key) -> Option<(&Value, &Live)> {
        let values = self.values(key).iter();
        values
            .filter_map(|(dot, value)| Some((value, self.live(*dot)?)))
            .max_by_key(|(_, live)| rank(live))
    }

    /// Questions with more than one answer, and a status that several people set. Who is assigned and where a row
    /// stands are no conflicts: all count, or the order key decides.
    pub fn conflicts(&self) -> impl Iterator<Item = Conflict<'_>> {
        self.keys()
            .filter(|(key, values)| {
                values.len() > 1 && (key.is_answer() || **key == Key::Meta(MetaKey::Status))
            })
            .map(|(key, values)| Conflict {
                key,
                candidates: self.candidates_of(values),
            })
            .filter(|conflict| conflict.candidates.len() > 1)
    }

    /// Whether the record is deleted (§2.4): it has a live delete, no live restore, and each live answer is covered by
    /// some live delete.
    pub fn presence(&self) -> Presence {
        let meta = self.values(&Key::Meta(MetaKey::Deleted));
        let is_delete = |v: &Value| matches!(v, Value::Deleted(true));
        let deletes: Vec<&Live> = meta
            .iter()
            .filter(|(_, v)| is_delete(v))
            .filter_map(|(dot, _)| self.live(*dot))
            .collect();
        if deletes.is_empty() {
            return Presence::Present;
        }
        let restored = meta.iter().any(|(_, v)| !is_delete(v));
        let covered = |dot: &Dot| {
            self.live(*dot)
                .is_some_and(|a| deletes.iter().any(|d| a.clock <= d.clock))
        };
        let all_covered = self
            .keys()
            .filter(|(key, _)| key.is_answer())
            .flat_map(|(_, values)| values)
            .all(|(dot, _)| covered(dot));
        if restored || !all_covered {
            Presence::Contested
        } else {
            Presence::Deleted
        }
    }
}
