//! All rows of one profile, with a journal of what the running step changed.
//!
//! Rows are bytes under a table and a key; what stands in them is for [`crate::store`]. Own changesets are indexed, so that
//! where everything is can be told without reading one.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{ActorId, RecordId, Seq};
use tributary_sync_core::session::{Own, StoreError};

use crate::store::read_fate;

/// The tables.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Table {
    /// Profile, account, keys: one row each.
    State,
    /// Records; their bodies are loaded when a step needs them.
    Held,
    /// Own changesets.
    Own,
    /// Open forms.
    Open,
    /// Who stands behind an actor.
    Person,
    /// Policies of fields.
    Policy,
    /// Form versions.
    Form,
    /// Signed tombstones.
    Tombstone,
}

impl Table {
    const ALL: [(Self, &'static str); 8] = [
        (Self::State, "state"),
        (Self::Held, "held"),
        (Self::Own, "own"),
        (Self::Open, "open"),
        (Self::Person, "person"),
        (Self::Policy, "policy"),
        (Self::Form, "form"),
        (Self::Tombstone, "tombstone"),
    ];
    /// How the caller names it.
    pub fn name(self) -> &'static str {
        let found = Self::ALL.iter().find(|(t, _)| *t == self);
        found.map_or("", |(_, name)| name)
    }
    /// The table of that name; none for one of a later version, or one that is not the session's.
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, n)| *n == name);
        found.map(|(table, _)| *table)
    }
}

/// One row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    /// None for a record that was not loaded.
    pub(crate) value: Option<Rc<[u8]>>,
    /// What the list shows of a record.
    pub(crate) brief: Rc<[u8]>,
}

type Name = (Table, String);

/// The rows.
#[derive(Debug, Default)]
pub struct Rows {
    rows: BTreeMap<Name, Row>,
    /// What stood there before the running step.
    journal: BTreeMap<Name, Option<Row>>,
    /// Own changesets without their bodies, and which record they belong to.
    own: BTreeMap<Dot, Own>,
    own_of: BTreeSet<(RecordId, Dot)>,
    missing: RefCell<Vec<String>>,
}

/// A record is on the device, but not in memory.
#[derive(Debug, thiserror::Error)]
#[error("a row is not in memory")]
pub(crate) struct Missing;

impl Rows {
    /// Takes a row as it was kept. Not part of a step.
    pub fn load(&mut self, table: Table, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        let name = (table, key.to_owned());
        let brief = self.rows.get(&name).map(|r| Rc::clone(&r.brief));
        let row = Row {
            value: Some(value.into()),
            brief: brief.unwrap_or_default(),
        };
        self.put(name, Some(row))
    }
    /// Takes the brief of a record whose body is loaded when a step needs it.
    pub fn load_brief(&mut self, key: &str, brief: Vec<u8>) {
        let row = Row {
            value: None,
            brief: brief.into(),
        };
        self.rows.insert((Table::Held, key.to_owned()), row);
    }

    pub(crate) fn row(&self, table: Table, key: &str) -> Option<&Row> {
        self.rows.get(&(table, key.to_owned()))
    }
    /// The bytes of a row; an error if it is there and not in memory.
    pub(crate) fn value(&self, table: Table, key: &str) -> Result<Option<Rc<[u8]>>, StoreError> {
        match self.row(table, key) {
            None => Ok(None),
            Some(Row { value: None, .. }) => {
                self.missing.borrow_mut().push(key.to_owned());
                Err(StoreError::new(Missing))
            }
            Some(Row { value, .. }) => Ok(value.clone()),
        }
    }
    /// All rows of a table, by key.
    pub(crate) fn all(&self, table: Table) -> impl Iterator<Item = (&str, &Row)> {
        self.range(table, String::new()).map_while(move |(n, row)| {
            let (of, key) = n;
            (*of == table).then_some((key.as_str(), row))
        })
    }
    /// Rows of a table from a key on, and whatever follows the table.
    pub(crate) fn range(&self, table: Table, from: String) -> impl Iterator<Item = (&Name, &Row)> {
        self.rows.range((table, from)..)
    }
    pub(crate) fn own_index(&self) -> &BTreeMap<Dot, Own> {
        &self.own
    }
    pub(crate) fn own_records(&self) -> impl Iterator<Item = RecordId> {
        let mut last = None;
        let records = self.own_of.iter().map(|(record, _)| *record);
        records.filter(move |record| last.replace(*record) != Some(*record))
    }
    pub(crate) fn own_dots(&self, record: RecordId) -> impl Iterator<Item = Dot> {
        let first = Dot::new(ActorId(0), Seq::ZERO);
        let from_there = self.own_of.range((record, first)..);
        let of_it = from_there.take_while(move |(of, _)| *of == record);
        of_it.map(|(_, dot)| *dot)
    }

    /// Notes that a step will read these records; an error if one of them is not in memory.
    pub(crate) fn need(&self, records: impl Iterator<Item = RecordId>) -> Result<(), StoreError> {
        let mut absent = false;
        for record in records {
            absent |= self.value(Table::Held, &record.to_string()).is_err();
        }
        match absent {
            true => Err(StoreError::new(Missing)),
            false => Ok(()),
        }
    }
    /// The records that the last step missed.
    pub(crate) fn take_missing(&mut self) -> Vec<String> {
        let mut missing = std::mem::take(self.missing.get_mut());
        missing.sort();
        missing.dedup();
        missing
    }

    /// Writes a row, or takes it away, as part of the running step.
    pub(crate) fn change(
        &mut self,
        table: Table,
        key: String,
        row: Option<Row>,
    ) -> Result<(), StoreError> {
        let name = (table, key);
        let before = self.rows.get(&name);
        if before == row.as_ref() {
            return Ok(());
        }
        self.journal
            .entry(name.clone())
            .or_insert_with(|| before.cloned());
        self.put(name, row)
    }

    fn put(&mut self, name: Name, row: Option<Row>) -> Result<(), StoreError> {
        if name.0 == Table::Own {
            self.index(&name.1, row.as_ref())?;
        }
        match row {
            Some(row) => self.rows.insert(name, row),
            None => self.rows.remove(&name),
        };
        Ok(())
    }

    fn index(&mut self, key: &str, row: Option<&Row>) -> Result<(), StoreError> {
        let dot = crate::store::dot_of(key)?;
        if let Some(record) = self.own.remove(&dot).and_then(|own| own.record) {
            self.own_of.remove(&(record, dot));
        }
        if let Some(value) = row.and_then(|r| r.value.as_ref()) {
            let own = read_fate(dot, value)?;
            if let Some(record) = own.record {
                self.own_of.insert((record, dot));
            }
            self.own.insert(dot, own);
        }
        Ok(())
    }

    /// What the step changed: the rows as they are now.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (Table, &str, Option<&Row>)> {
        let now = |name: &Name| self.rows.get(name);
        let all = self.journal.iter();
        all.filter(move |(name, before)| now(name) != before.as_ref())
            .map(move |(name, _)| (name.0, name.1.as_str(), now(name)))
    }
    /// What the step changed is kept. Records that no form has open leave the memory.
    pub(crate) fn commit(&mut self, stay: &[String]) {
        self.journal.clear();
        for ((table, key), row) in &mut self.rows {
            if *table == Table::Held && !stay.contains(key) {
                row.value = None;
            }
        }
    }
    /// Nothing of the step counts.
    pub(crate) fn rollback(&mut self) -> Result<(), StoreError> {
        for (name, before) in std::mem::take(&mut self.journal) {
            self.put(name, before)?;
        }
        Ok(())
    }
}
