//! A store in memory, for tests and simulators. A clone of it is a copied phone.

use std::collections::BTreeMap;

use super::device::Profile;
use super::store::{FormText, Held, OpenForm, Own, Person, Store, StoreError};
use crate::clock::Dot;
use crate::ids::{ActorId, FormHash, RecordId, Seq, Tombstone};
use crate::policy::Policies;
use crate::wire::message::{ChainPoint, PolicyEntry, SignedTombstone};

type Kept<T> = Result<T, StoreError>;

/// All that a device keeps, in maps.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    profile: Profile,
    held: BTreeMap<RecordId, Held>,
    own: BTreeMap<Dot, Own>,
    open: BTreeMap<u64, OpenForm>,
    people: BTreeMap<ActorId, Person>,
    policies: BTreeMap<String, Policies>,
    forms: BTreeMap<FormHash, FormText>,
    tombstones: BTreeMap<Tombstone, SignedTombstone>,
    keys: Option<serde_json::Value>,
}

impl MemoryStore {
    /// A device that has just enrolled.
    pub fn new(profile: Profile) -> Self {
        Self {
            profile,
            held: BTreeMap::new(),
            own: BTreeMap::new(),
            open: BTreeMap::new(),
            people: BTreeMap::new(),
            policies: BTreeMap::new(),
            forms: BTreeMap::new(),
            tombstones: BTreeMap::new(),
            keys: None,
        }
    }
}

impl Store for MemoryStore {
    fn profile(&self) -> Kept<Profile> {
        Ok(self.profile.clone())
    }
    fn put_profile(&mut self, profile: &Profile) -> Kept<()> {
        self.profile = profile.clone();
        Ok(())
    }
    fn held(&self, record: RecordId) -> Kept<Option<Held>> {
        Ok(self.held.get(&record).cloned())
    }
    fn holds(&self, record: RecordId) -> Kept<bool> {
        Ok(self.held.contains_key(&record))
    }
    fn put_held(&mut self, held: &Held) -> Kept<()> {
        self.held.insert(held.state.id(), held.clone());
        Ok(())
    }
    fn drop_held(&mut self, record: RecordId) -> Kept<()> {
        self.held.remove(&record);
        Ok(())
    }
    fn held_ids(&self) -> Kept<Vec<RecordId>> {
        Ok(self.held.keys().copied().collect())
    }
    fn own(&self, dot: Dot) -> Kept<Option<Own>> {
        Ok(self.own.get(&dot).cloned())
    }
    fn put_own(&mut self, own: &Own) -> Kept<()> {
        self.own.insert(own.dot, own.clone());
        Ok(())
    }
    fn drop_own(&mut self, dot: Dot) -> Kept<()> {
        self.own.remove(&dot);
        Ok(())
    }
    fn own_after(&self, actor: ActorId, after: Seq, limit: usize) -> Kept<Vec<Own>> {
        let from_there = self.own.range(Dot::new(actor, after)..).map(|(_, own)| own);
        let of_actor = from_there.take_while(|own| own.dot.actor == actor);
        let later = of_actor.filter(|own| own.dot.seq > after);
        Ok(later.take(limit).cloned().collect())
    }
    fn own_of(&self, record: RecordId) -> Kept<Vec<Own>> {
        let of = self.own.values().filter(|o| o.record == Some(record));
        Ok(of.cloned().collect())
    }
    fn chain_after(&self, actor: ActorId, after: Seq) -> Kept<Vec<ChainPoint>> {
        let own = self.own_after(actor, after, usize::MAX)?;
        let point = |o: &Own| ChainPoint {
            seq: o.dot.seq,
            hash: o.chain,
        };
        Ok(own.iter().map(point).collect())
    }
    fn own_records(&self) -> Kept<Vec<RecordId>> {
        let mut all: Vec<RecordId> = self.own.values().filter_map(|o| o.record).collect();
        all.sort();
        all.dedup();
        Ok(all)
    }
    fn open_forms(&self) -> Kept<Vec<OpenForm>> {
        Ok(self.open.values().cloned().collect())
    }
    fn put_open_form(&mut self, form: &OpenForm) -> Kept<()> {
        self.open.insert(form.session, form.clone());
        Ok(())
    }
    fn drop_open_form(&mut self, session: u64) -> Kept<()> {
        self.open.remove(&session);
        Ok(())
    }
    fn person(&self, actor: ActorId) -> Kept<Option<Person>> {
        Ok(self.people.get(&actor).cloned())
    }
    fn put_person(&mut self, actor: ActorId, person: &Person) -> Kept<()> {
        self.people.insert(actor, person.clone());
        Ok(())
    }
    fn policies(&self, form_id: &str) -> Kept<Policies> {
        Ok(self.policies.get(form_id).cloned().unwrap_or_default())
    }
    fn put_policy(&mut self, policy: &PolicyEntry) -> Kept<()> {
        let of_form = self.policies.entry(policy.form_id.clone()).or_default();
        of_form.set(policy.field, policy.field_policy());
        Ok(())
    }
    fn form(&self, hash: FormHash) -> Kept<Option<FormText>> {
        Ok(self.forms.get(&hash).cloned())
    }
    fn put_form(&mut self, form: &FormText) -> Kept<()> {
        self.forms.insert(form.hash, form.clone());
        Ok(())
    }
    fn tombstones(&self) -> Kept<Vec<SignedTombstone>> {
        Ok(self.tombstones.values().cloned().collect())
    }
    fn put_tombstone(&mut self, tombstone: &SignedTombstone) -> Kept<()> {
        self.tombstones.insert(tombstone.hash, tombstone.clone());
        Ok(())
    }
    fn is_erased(&self, tombstone: Tombstone) -> Kept<bool> {
        Ok(self.tombstones.contains_key(&tombstone))
    }
    fn keys(&self) -> Kept<Option<serde_json::Value>> {
        Ok(self.keys.clone())
    }
    fn put_keys(&mut self, keys: &serde_json::Value) -> Kept<()> {
        self.keys = Some(keys.clone());
        Ok(())
    }
}
