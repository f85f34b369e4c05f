//! Rows that a copy of a phone has to read again: every clone is written out, and starts without a record in memory.

use std::collections::BTreeMap;

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::*;
use tributary_sync_core::policy::Policies;
use tributary_sync_core::session::*;
use tributary_sync_core::wire::message::{ChainPoint, PolicyEntry, SignedTombstone};

use crate::rows::{Missing, Rows, Table};

type Kept<T> = Result<T, StoreError>;

/// What was written out: by table and key, with the brief.
type Written = BTreeMap<(Table, String), (Vec<u8>, Vec<u8>)>;

#[derive(Debug, Default)]
pub(crate) struct DeviceStore {
    rows: Rows,
    written: Written,
}

impl DeviceStore {
    pub(crate) fn new(profile: Profile) -> Self {
        let mut new = Self::default();
        new.rows.put_profile(&profile).unwrap();
        new
    }
}

impl Clone for DeviceStore {
    fn clone(&self) -> Self {
        let mut written = self.written.clone();
        for (table, key, row) in self.rows.changed() {
            let name = (table, key.to_owned());
            match row {
                Some(row) => {
                    let value = row.value.as_deref().unwrap().to_vec();
                    written.insert(name, (value, row.brief.to_vec()));
                }
                None => drop(written.remove(&name)),
            }
        }
        let mut rows = Rows::default();
        for ((table, key), (value, brief)) in &written {
            match table {
                Table::Held => rows.load_brief(key, brief.clone()),
                _ => rows.load(*table, key, value.clone()).unwrap(),
            }
        }
        rows.commit(&[]);
        Self { rows, written }
    }
}

impl Store for DeviceStore {
    fn held(&self, record: RecordId) -> Kept<Option<Held>> {
        match self.rows.held(record) {
            Err(e) if e.source_ref().is::<Missing>() => {
                let (value, _) = &self.written[&(Table::Held, record.to_string())];
                let mut rows = Rows::default();
                rows.load(Table::Held, &record.to_string(), value.clone())?;
                rows.held(record)
            }
            held => held,
        }
    }
    fn holds(&self, record: RecordId) -> Kept<bool> {
        self.rows.holds(record)
    }
    fn profile(&self) -> Kept<Profile> {
        self.rows.profile()
    }
    fn put_profile(&mut self, profile: &Profile) -> Kept<()> {
        self.rows.put_profile(profile)
    }
    fn put_held(&mut self, held: &Held) -> Kept<()> {
        self.rows.put_held(held)
    }
    fn drop_held(&mut self, record: RecordId) -> Kept<()> {
        self.rows.drop_held(record)
    }
    fn held_ids(&self) -> Kept<Vec<RecordId>> {
        self.rows.held_ids()
    }
    fn own(&self, dot: Dot) -> Kept<Option<Own>> {
        self.rows.own(dot)
    }
    fn put_own(&mut self, own: &Own) -> Kept<()> {
        self.rows.put_own(own)
    }
    fn drop_own(&mut self, dot: Dot) -> Kept<()> {
        self.rows.drop_own(dot)
    }
    fn own_after(&self, actor: ActorId, after: Seq, limit: usize) -> Kept<Vec<Own>> {
        self.rows.own_after(actor, after, limit)
    }
    fn own_of(&self, record: RecordId) -> Kept<Vec<Own>> {
        self.rows.own_of(record)
    }
    fn chain_after(&self, actor: ActorId, after: Seq) -> Kept<Vec<ChainPoint>> {
        self.rows.chain_after(actor, after)
    }
    fn own_records(&self) -> Kept<Vec<RecordId>> {
        Store::own_records(&self.rows)
    }
    fn open_forms(&self) -> Kept<Vec<OpenForm>> {
        self.rows.open_forms()
    }
    fn put_open_form(&mut self, form: &OpenForm) -> Kept<()> {
        self.rows.put_open_form(form)
    }
    fn drop_open_form(&mut self, session: u64) -> Kept<()> {
        self.rows.drop_open_form(session)
    }
    fn person(&self, actor: ActorId) -> Kept<Option<Person>> {
        self.rows.person(actor)
    }
    fn put_person(&mut self, actor: ActorId, person: &Person) -> Kept<()> {
        self.rows.put_person(actor, person)
    }
    fn policies(&self, form_id: &str) -> Kept<Policies> {
        self.rows.policies(form_id)
    }
    fn put_policy(&mut self, policy: &PolicyEntry) -> Kept<()> {
        self.rows.put_policy(policy)
    }
    fn form(&self, hash: FormHash) -> Kept<Option<FormText>> {
        self.rows.form(hash)
    }
    fn put_form(&mut self, form: &FormText) -> Kept<()> {
        self.rows.put_form(form)
    }
    fn tombstones(&self) -> Kept<Vec<SignedTombstone>> {
        self.rows.tombstones()
    }
    fn put_tombstone(&mut self, tombstone: &SignedTombstone) -> Kept<()> {
        self.rows.put_tombstone(tombstone)
    }
    fn is_erased(&self, tombstone: Tombstone) -> Kept<bool> {
        self.rows.is_erased(tombstone)
    }
    fn keys(&self) -> Kept<Option<serde_json::Value>> {
        self.rows.keys()
    }
    fn put_keys(&mut self, keys: &serde_json::Value) -> Kept<()> {
        self.rows.put_keys(keys)
    }
}
