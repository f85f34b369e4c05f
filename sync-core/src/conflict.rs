//! Conflicts, the winner that an export shows, and deletion: what a reader makes of several live values.
//!
//! Nothing here changes a record. A conflict ends by an ordinary changeset whose author saw all live values.

use crate::clock::{Dot, Hlc};
use crate::ids::{FieldId, RowId};
use crate::key::{Key, MetaKey};
use crate::record::{Live, Record};
use crate::value::{RowPlace, Value};

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
        self.presence_of(&Key::Meta(MetaKey::Deleted), |key| key.is_answer())
    }

    /// The same for a row of a repeat.
    pub fn row_presence(&self, group: FieldId, row: RowId) -> Presence {
        self.presence_of(&Key::RowMeta { group, row }, |key| {
            key.is_answer() && key.row() == Some((group, row))
        })
    }

    fn presence_of(&self, meta: &Key, belongs: impl Fn(&Key) -> bool) -> Presence {
        let meta = self.values(meta);
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
            .filter(|(key, _)| belongs(key))
            .flat_map(|(_, values)| values)
            .all(|(dot, _)| covered(dot));
        if restored || !all_covered {
            Presence::Contested
        } else {
            Presence::Deleted
        }
    }

    /// The rows of a repeat that are not deleted, in order: by parent, order key and row id. A row that was answered
    /// but whose own place has not arrived stands at the end.
    pub fn rows(&self, group: FieldId) -> Vec<(RowId, Option<&RowPlace>)> {
        let mut rows: Vec<RowId> = self
            .keys()
            .filter_map(|(k, _)| k.row())
            .filter(|(g, _)| *g == group)
            .map(|(_, row)| row)
            .collect();
        rows.sort();
        rows.dedup();
        let mut out: Vec<_> = rows
            .into_iter()
            .filter(|row| self.row_presence(group, *row) != Presence::Deleted)
            .map(|row| (row, self.row_place(group, row)))
            .collect();
        out.sort_by(|a, b| (a.1.is_none(), a.1, a.0).cmp(&(b.1.is_none(), b.1, b.0)));
        out
    }

    /// Where a row of a repeat stands, if its place has arrived.
    pub fn row_place(&self, group: FieldId, row: RowId) -> Option<&RowPlace> {
        let values = self.values(&Key::RowMeta { group, row }).iter();
        values
            .filter_map(|(dot, value)| match value {
                Value::Row(place) => Some((rank(self.live(*dot)?), place)),
                _ => None,
            })
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, place)| place)
    }
}
