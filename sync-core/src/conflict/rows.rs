//! The rows of repeats: which of them stand, where, and what goes with a row that is deleted.
//!
//! A row in a row names the row around it in its place. What stands in inner rows belongs to the outer row: it is deleted
//! only by somebody who saw all of it, and then the inner rows go with it (§2.4).

use std::collections::{BTreeMap, BTreeSet};

use super::{Presence, rank};
use crate::ids::{FieldId, RowId};
use crate::key::Key;
use crate::record::{Live, Record};
use crate::value::{RowPlace, Value};

/// A repeat and one of its rows.
type At = (FieldId, RowId);

/// What lives of one row.
#[derive(Default)]
struct Row<'r> {
    /// The changesets of its answers.
    answers: Vec<&'r Live>,
    deletes: Vec<&'r Live>,
    /// Whether anything but a deletion lives beside it.
    restored: bool,
    /// The rows around it; several if it was moved by people who did not see each other.
    outer: Vec<Option<RowId>>,
    /// The rows directly inside.
    inside: Vec<At>,
}

/// All rows of a record.
struct Rows<'r> {
    rows: BTreeMap<At, Row<'r>>,
    by_id: BTreeMap<RowId, Vec<FieldId>>,
}

impl<'r> Rows<'r> {
    fn of(record: &'r Record) -> Self {
        let mut rows: BTreeMap<At, Row<'r>> = BTreeMap::new();
        for (key, values) in record.keys() {
            let Some(at) = key.row() else { continue };
            let row = rows.entry(at).or_default();
            for (dot, value) in values {
                let Some(live) = record.live(*dot) else {
                    continue;
                };
                match value {
                    _ if key.is_answer() => row.answers.push(live),
                    Value::Deleted(true) => row.deletes.push(live),
                    other => {
                        row.restored = true;
                        if let Value::Row(place) = other {
                            row.outer.push(place.parent);
                        }
                    }
                }
            }
        }
        let mut by_id: BTreeMap<RowId, Vec<FieldId>> = BTreeMap::new();
        let mut links: Vec<(RowId, At)> = Vec::new();
        for (at, row) in &rows {
            by_id.entry(at.1).or_default().push(at.0);
            links.extend(row.outer.iter().flatten().map(|outer| (*outer, *at)));
        }
        for (outer, at) in links {
            for group in by_id.get(&outer).into_iter().flatten() {
                // A repeat does not stand in itself.
                if *group != at.0
                    && let Some(row) = rows.get_mut(&(*group, outer))
                {
                    row.inside.push(at);
                }
            }
        }
        Self { rows, by_id }
    }

    fn presence(&self, at: At) -> Presence {
        self.judge(at, &mut BTreeMap::new())
    }

    /// `known` holds what was judged already; a row that stands in itself, which no honest device makes, stands.
    fn judge(&self, at: At, known: &mut BTreeMap<At, Presence>) -> Presence {
        if let Some(known) = known.get(&at) {
            return *known;
        }
        known.insert(at, Presence::Present);
        let Some(row) = self.rows.get(&at) else {
            return Presence::Present;
        };
        let own = self.own_presence(at, row);
        let with_outer = own != Presence::Deleted
            && !row.outer.is_empty()
            && row.outer.iter().all(|outer| {
                let groups = outer.and_then(|id| Some((id, self.by_id.get(&id)?)));
                groups.is_some_and(|(id, groups)| {
                    let mut around = groups.iter().filter(|g| **g != at.0).peekable();
                    around.peek().is_some()
                        && around.all(|g| self.judge((*g, id), known) == Presence::Deleted)
                })
            });
        let judged = if with_outer { Presence::Deleted } else { own };
        known.insert(at, judged);
        judged
    }

    fn own_presence(&self, at: At, row: &Row<'_>) -> Presence {
        if row.deletes.is_empty() {
            Presence::Present
        } else if row.restored || self.holds_unseen(at, &row.deletes, &mut BTreeSet::new()) {
            Presence::Contested
        } else {
            Presence::Deleted
        }
    }

    /// Whether a row, or one inside it, has an answer that none of these deletions has seen.
    fn holds_unseen(&self, at: At, deletes: &[&Live], visited: &mut BTreeSet<At>) -> bool {
        let Some(row) = self.rows.get(&at).filter(|_| visited.insert(at)) else {
            return false;
        };
        let seen = |answer: &Live| deletes.iter().any(|d| answer.clock <= d.clock);
        !row.answers.iter().all(|a| seen(a))
            || row
                .inside
                .iter()
                .any(|inner| self.holds_unseen(*inner, deletes, visited))
    }

    fn gather(&self, at: At, all: &mut BTreeSet<At>) {
        if let Some(row) = self.rows.get(&at).filter(|_| all.insert(at)) {
            row.inside.iter().for_each(|inner| self.gather(*inner, all));
        }
    }
}

impl Record {
    /// Whether a row of a repeat is deleted (§2.4): by somebody who saw every answer in it and in the rows inside it, or
    /// with the row around it.
    pub fn row_presence(&self, group: FieldId, row: RowId) -> Presence {
        let deletion = |(key, values): (&Key, &[(_, Value)])| {
            matches!(key, Key::RowMeta { .. })
                && values.iter().any(|(_, v)| *v == Value::Deleted(true))
        };
        if !self.keys().any(deletion) {
            return Presence::Present;
        }
        Rows::of(self).presence((group, row))
    }

    /// A row and all rows inside it, however deep: what goes when it is deleted.
    pub fn rows_within(&self, group: FieldId, row: RowId) -> BTreeSet<(FieldId, RowId)> {
        let mut all = BTreeSet::new();
        Rows::of(self).gather((group, row), &mut all);
        all
    }

    /// The rows of a repeat that are not deleted, in order: by parent, order key and row id. A row that was answered
    /// but whose own place has not arrived stands at the end.
    pub fn rows(&self, group: FieldId) -> Vec<(RowId, Option<&RowPlace>)> {
        let all = Rows::of(self);
        let mut out: Vec<_> = all
            .rows
            .keys()
            .filter(|at| at.0 == group && all.presence(**at) != Presence::Deleted)
            .map(|(_, row)| (*row, self.row_place(group, *row)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::{Draft, Stamp, Stored};
    use crate::clock::{Clock, Dot, Hlc};
    use crate::ids::{ActorId, EpochId, FormHash, RecordId, Seq};
    use crate::testing::Dice;
    use crate::value::Text;

    const OUTER: At = (FieldId(1), RowId::from_bytes([1; 8]));
    const INNER: [At; 2] = [
        (FieldId(2), RowId::from_bytes([2; 8])),
        (FieldId(2), RowId::from_bytes([3; 8])),
    ];
    const DEEP: At = (FieldId(3), RowId::from_bytes([4; 8]));

    fn meta(at: At) -> Key {
        Key::RowMeta {
            group: at.0,
            row: at.1,
        }
    }
    fn cell(at: At) -> Key {
        Key::Row {
            group: at.0,
            row: at.1,
            field: FieldId(9),
        }
    }
    fn inside(outer: Option<At>) -> Value {
        Value::Row(RowPlace::new(outer.map(|at| at.1), "a0").unwrap())
    }
    fn words(n: u64) -> Value {
        Value::Text(Text::new(n.to_string()).unwrap())
    }

    /// One save; what it saw.
    fn save(record: &mut Record, dot: Dot, seen: &[Dot], writes: Vec<(Key, Value)>) {
        let seen: Clock = seen.iter().copied().collect();
        let saved = Hlc::new(dot.seq.get(), 0).unwrap();
        let draft = Draft {
            record: record.id(),
            dot,
            clock: saved,
            form: FormHash::from_bytes([7; 32]),
            creates: false,
            epoch: EpochId::from_bytes([1; 16]),
            seen: seen.clone(),
            writes,
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        };
        record.apply(&Stored {
            change: draft.seal().unwrap(),
            stamp: Stamp {
                context: seen,
                effective: saved,
                received: 1,
                cut: false,
            },
        });
    }
    fn dot(actor: u32, seq: u64) -> Dot {
        Dot::new(ActorId(actor), Seq::new(seq).unwrap())
    }

    fn with_inner_row() -> Record {
        let mut record = Record::new(RecordId::from_bytes([5; 16]));
        let writes = vec![
            (meta(OUTER), inside(None)),
            (meta(INNER[0]), inside(Some(OUTER))),
            (cell(INNER[0]), words(1)),
        ];
        save(&mut record, dot(1, 1), &[], writes);
        record
    }

    #[test]
    fn rows_in_a_deleted_row_go_with_it() {
        let mut record = with_inner_row();
        let gone = vec![(meta(OUTER), Value::Deleted(true))];
        save(&mut record, dot(1, 2), &[dot(1, 1)], gone);
        for at in [OUTER, INNER[0]] {
            assert_eq!(record.row_presence(at.0, at.1), Presence::Deleted);
            assert_eq!(record.rows(at.0), []);
        }
    }

    #[test]
    fn an_answer_in_an_inner_row_that_the_deletion_never_saw_keeps_both_rows() {
        let mut record = with_inner_row();
        let gone = vec![(meta(OUTER), Value::Deleted(true))];
        save(&mut record, dot(1, 2), &[dot(1, 1)], gone);
        save(
            &mut record,
            dot(2, 1),
            &[dot(1, 1)],
            vec![(cell(INNER[0]), words(2))],
        );
        assert_eq!(record.row_presence(OUTER.0, OUTER.1), Presence::Contested);
        assert_eq!(
            record.row_presence(INNER[0].0, INNER[0].1),
            Presence::Present
        );
        assert_eq!(record.rows(INNER[0].0).len(), 1);
    }

    #[test]
    fn rows_that_claim_to_stand_in_each_other_stand_and_reading_ends() {
        let mut record = Record::new(RecordId::from_bytes([5; 16]));
        let writes = vec![
            (meta(OUTER), inside(Some(INNER[0]))),
            (meta(INNER[0]), inside(Some(OUTER))),
            (meta(INNER[1]), Value::Deleted(true)),
        ];
        save(&mut record, dot(1, 1), &[], writes);
        assert_eq!(record.row_presence(OUTER.0, OUTER.1), Presence::Present);
        assert_eq!(record.rows_within(OUTER.0, OUTER.1).len(), 2);
    }

    /// Whatever people wrote and saw: no answer is hidden but by somebody who saw it, and a deleted row leaves nothing.
    #[test]
    fn no_answer_goes_with_a_row_but_by_a_deletion_that_saw_it() {
        let all = [OUTER, INNER[0], INNER[1], DEEP];
        let mut dice = Dice::new(7);
        let (mut gone, mut contested) = (0, 0);
        for _ in 0..4_000 {
            let mut record = Record::new(RecordId::from_bytes([5; 16]));
            let mut made: Vec<Dot> = Vec::new();
            for n in 1..=2 + dice.below(5) as u64 {
                let mut writes = Vec::new();
                let outer = [None, Some(OUTER), Some(INNER[0])];
                for (at, around) in all.into_iter().zip([0, 1, 1, 2]) {
                    if dice.chance(if n == 1 { 90 } else { 25 }) {
                        writes.push((cell(at), words(n)));
                    }
                    if n == 1 {
                        writes.push((meta(at), inside(outer[around])));
                    } else if dice.chance(25) {
                        let place = inside(outer[dice.below(around + 1)]);
                        let value =
                            [Value::Deleted(true), place][usize::from(dice.chance(30))].clone();
                        writes.push((meta(at), value));
                    }
                }
                let next = dot(1 + dice.below(3) as u32, n);
                let seen: Vec<Dot> = made.iter().copied().filter(|_| dice.chance(80)).collect();
                save(&mut record, next, &seen, writes);
                made.push(next);
            }
            for at in all {
                let deleted = record.row_presence(at.0, at.1) == Presence::Deleted;
                gone += u32::from(deleted);
                contested += u32::from(record.row_presence(at.0, at.1) == Presence::Contested);
                let listed = record.rows(at.0).iter().any(|(row, _)| *row == at.1);
                let known = record.keys().any(|(k, _)| k.row() == Some(at));
                assert_eq!(listed, known && !deleted);
                if !deleted {
                    continue;
                }
                let deletions: Vec<&Live> = all
                    .iter()
                    .filter(|outer| record.rows_within(outer.0, outer.1).contains(&at))
                    .flat_map(|outer| record.values(&meta(*outer)))
                    .filter(|(_, v)| *v == Value::Deleted(true))
                    .filter_map(|(d, _)| record.live(*d))
                    .collect();
                for (d, _) in record.values(&cell(at)) {
                    let answer = record.live(*d).unwrap();
                    assert!(deletions.iter().any(|del| answer.clock <= del.clock));
                }
            }
        }
        assert!(
            gone > 500 && contested > 500,
            "{gone} gone, {contested} contested"
        );
    }
}
