//! The exchange under attack, over real SQLite files. Phones here are made by hand and can lie; the honest device is
//! `sync-core`'s own session, tested against this server elsewhere.

mod attacks;
mod cost;
mod full;
mod ordinary;
mod people;
mod returns;
mod rows;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use tributary_sync_core::change::{Changeset, Decision, Draft, Origin, chain_next, chain_start};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::ids::*;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::record::Record;
use tributary_sync_core::value::{Text, Value};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::message::*;

use super::*;
use crate::service::env::{Entropy, Roster, Signer};
use crate::storage::{FormRow, RecordRow};

pub(crate) const NAME: Key = Key::Field(FieldId(1));
pub(crate) const CONSENT: Key = Key::Field(FieldId(2));
pub(crate) const STATUS: Key = Key::Meta(MetaKey::Status);
pub(crate) const FORM: FormHash = FormHash::from_bytes([7; 32]);

/// Random bytes that repeat from run to run.
struct Seeded(AtomicU64);
impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) -> Result<(), StorageError> {
        for chunk in out.chunks_mut(32) {
            let n = self.0.fetch_add(1, Ordering::SeqCst);
            let digest = Sha256::digest(n.to_be_bytes());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
        Ok(())
    }
}

/// Stands in for ES256 where only 'made by the organisation' matters.
struct Keyed;
impl Signer for Keyed {
    fn sign(&self, org: OrgId, bytes: &[u8]) -> Result<String, StorageError> {
        Ok(hex::encode(
            Sha256::new()
                .chain_update(b"test key")
                .chain_update(org.as_bytes())
                .chain_update(bytes)
                .finalize(),
        ))
    }
    fn verify(&self, org: OrgId, bytes: &[u8], signature: &str) -> bool {
        self.sign(org, bytes).is_ok_and(|s| s == signature)
    }
}

/// Each profile is its own user of the same id. Teams are whatever a test says.
#[derive(Clone, Default)]
pub(crate) struct Everyone(Arc<Mutex<BTreeMap<TeamId, Vec<ProfileId>>>>);
impl Everyone {
    pub(crate) fn join(&self, team: TeamId, phone: &Phone) {
        let mut teams = self.0.lock().unwrap();
        teams.entry(team).or_default().push(phone.caller.profile);
    }
    pub(crate) fn leave(&self, team: TeamId, phone: &Phone) {
        let mut teams = self.0.lock().unwrap();
        let members = teams.entry(team).or_default();
        members.retain(|p| *p != phone.caller.profile);
    }
}
impl Roster for Everyone {
    fn profiles_of_user(&self, _: OrgId, user: UserId) -> Result<Vec<ProfileId>, StorageError> {
        Ok(vec![ProfileId::from_bytes(*user.as_bytes())])
    }
    fn profiles_of_team(&self, _: OrgId, team: TeamId) -> Result<Vec<ProfileId>, StorageError> {
        Ok(self
            .0
            .lock()
            .unwrap()
            .get(&team)
            .cloned()
            .unwrap_or_default())
    }
    fn name(&self, _: OrgId, _: UserId) -> Result<Option<String>, StorageError> {
        Ok(Some("Somebody".to_owned()))
    }
}

/// An organisation with one form whose field 2 protects (given < withdrawn), and its clock.
pub(crate) struct Office {
    _folder: Option<tempfile::TempDir>,
    pub(crate) files: OrgFiles,
    pub(crate) org: OrgId,
    pub(crate) env: Env,
    pub(crate) people: Everyone,
}

impl Office {
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut office = Self::open_in(folder.path());
        office._folder = Some(folder);
        office
    }

    /// In a folder that is the caller's.
    pub(crate) fn open_in(folder: &std::path::Path) -> Self {
        let files = OrgFiles::new(folder).unwrap();
        let org = OrgId::from_bytes([1; 16]);
        let people = Everyone::default();
        let env = Env {
            now: 1_000_000,
            entropy: Arc::new(Seeded(AtomicU64::new(0))),
            signer: Arc::new(Keyed),
            roster: Arc::new(people.clone()),
            ledger: files.ledger(),
        };
        files.create(org).unwrap();
        files
            .write::<_, StorageError>(org, |txn| {
                txn.initialise(EpochId::from_bytes([1; 16]), [3; 32], 0)?;
                let form = FormRow {
                    hash: FORM,
                    form_id: "interview".into(),
                    version: "1".into(),
                    title: "Interview".into(),
                    package: "{}".into(),
                    xform: String::new(),
                    pos: LogPos::ZERO,
                    published_at: 0,
                    published_by: None,
                };
                txn.add_form(&form, 0)?;
                txn.add_policy(
                    &PolicyEntry {
                        form_id: "interview".into(),
                        field: FieldId(2),
                        policy: PolicyKind::Protective,
                        order: vec!["given".into(), "withdrawn".into()],
                        consent: vec!["given".into()],
                        decide: Vec::new(),
                    },
                    0,
                )
            })
            .unwrap();
        Self {
            _folder: None,
            files,
            org,
            env,
            people,
        }
    }

    pub(crate) fn epoch(&self) -> EpochId {
        self.files
            .read::<_, StorageError>(self.org, |t| t.epoch())
            .unwrap()
            .id
    }

    pub(crate) fn phone(&self, n: u8, role: Role) -> Phone {
        let id = [n; 16];
        let caller = Caller {
            org: self.org,
            profile: ProfileId::from_bytes(id),
            user: UserId::from_bytes(id),
            role,
            revoked: false,
            device_key: vec![n; 65],
        };
        let reply = actor(
            &self.files,
            &self.env,
            &caller,
            &ActorRequest {
                instance: InstanceId::from_bytes(id),
            },
        )
        .unwrap();
        Phone {
            chain: vec![chain_start(self.org, reply.actor, &caller.device_key)],
            caller,
            actor: reply.actor,
            items: Vec::new(),
            acked: 0,
            cursor: None,
            head: Some(reply.head),
            epoch: reply.epoch,
            records: BTreeMap::new(),
            refetch: Vec::new(),
            leaves: Vec::new(),
            grant: reply.grant,
            tombstones: Vec::new(),
        }
    }
    pub(crate) fn worker(&self, n: u8) -> Phone {
        self.phone(n, Role::Worker)
    }

    pub(crate) fn row(&self, id: RecordId) -> Option<RecordRow> {
        self.files
            .read::<_, StorageError>(self.org, |t| t.record(id))
            .unwrap()
    }
    pub(crate) fn live(&self, id: RecordId, key: &Key) -> Vec<String> {
        let row = self.row(id).unwrap();
        let mut out: Vec<String> = row
            .record
            .values(key)
            .iter()
            .map(|(_, v)| shown(v))
            .collect();
        out.sort();
        out
    }
    /// What an export would show.
    pub(crate) fn effective(&self, id: RecordId, key: &Key) -> String {
        self.files
            .read::<_, StorageError>(self.org, |t| {
                let row = t.record(id)?.unwrap();
                Ok(shown(
                    &t.policies("interview")?.read(&row.record, key).unwrap(),
                ))
            })
            .unwrap()
    }
    pub(crate) fn assign(&self, id: RecordId, phone: &Phone, on: bool) {
        let (env, profile) = (self.env.clone(), phone.caller.profile);
        self.files
            .write::<_, StorageError>(self.org, move |t| {
                let no = t.record_no(id)?.unwrap();
                set_assigned(t, &env, profile, no, on)
            })
            .unwrap();
    }
    pub(crate) fn erase(&self, id: RecordId) {
        let env = self.env.clone();
        self.files
            .write::<_, StorageError>(self.org, move |t| {
                env.ledger.append(t.org(), id.tombstone(), env.now)?;
                t.erase(id.tombstone(), env.now)
            })
            .unwrap();
    }
    pub(crate) fn check(&self) {
        let report = self
            .files
            .read::<_, StorageError>(self.org, |t| t.check())
            .unwrap();
        assert_eq!(report.faults, [], "the file is sound");
    }
}

pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Text(t) | Value::Code(t) => t.as_str().to_owned(),
        other => format!("{other:?}"),
    }
}
pub(crate) fn text(t: &str) -> Value {
    Value::Text(Text::new(t).unwrap())
}
pub(crate) fn code(t: &str) -> Value {
    Value::Code(Text::new(t).unwrap())
}
pub(crate) fn record(n: u8) -> RecordId {
    RecordId::from_bytes([n; 16])
}

/// A phone that does as it is told.
#[derive(Clone)]
pub(crate) struct Phone {
    pub(crate) caller: Caller,
    pub(crate) actor: ActorId,
    pub(crate) chain: Vec<ChainHash>,
    pub(crate) items: Vec<Item>,
    pub(crate) acked: usize,
    pub(crate) cursor: Option<String>,
    pub(crate) head: Option<Head>,
    pub(crate) epoch: EpochId,
    pub(crate) records: BTreeMap<RecordId, Record>,
    pub(crate) refetch: Vec<RecordId>,
    pub(crate) leaves: Vec<RecordId>,
    pub(crate) grant: Grant,
    pub(crate) tombstones: Vec<SignedTombstone>,
}

impl Phone {
    pub(crate) fn dot(&self, n: usize) -> Dot {
        Dot::new(self.actor, Seq::new(n as u64).unwrap())
    }
    /// What the phone shows of a record now.
    pub(crate) fn sees(&self, id: RecordId) -> Clock {
        self.records.get(&id).map(Record::clock).unwrap_or_default()
    }
    pub(crate) fn live(&self, id: RecordId, key: &Key) -> Vec<String> {
        let mut out: Vec<String> = self.records[&id]
            .values(key)
            .iter()
            .map(|(_, v)| shown(v))
            .collect();
        out.sort();
        out
    }
    pub(crate) fn draft(
        &self,
        id: RecordId,
        seen: Clock,
        writes: Vec<(Key, Value)>,
        now: u64,
    ) -> Draft {
        Draft {
            record: id,
            dot: self.dot(self.items.len() + 1),
            clock: Hlc::new(now, 0).unwrap(),
            form: FORM,
            creates: false,
            epoch: self.epoch,
            seen,
            writes,
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        }
    }
    pub(crate) fn queue(&mut self, change: Changeset) {
        let last = *self.chain.last().unwrap();
        self.chain
            .push(chain_next(last, change.dot.seq, change.hash()));
        let stamp = tributary_sync_core::change::Stamp {
            context: change.seen.clone(),
            effective: change.clock,
            received: 0,
            cut: false,
        };
        let stored = tributary_sync_core::change::Stored {
            change: change.clone(),
            stamp,
        };
        self.records
            .entry(change.record)
            .or_insert_with(|| Record::new(change.record))
            .apply(&stored);
        self.items.push(Item::Change {
            change: Box::new(change),
            effective: None,
        });
    }
    /// Makes a record of somebody who consents, unless the answers say otherwise.
    pub(crate) fn create(&mut self, id: RecordId, mut writes: Vec<(Key, Value)>, now: u64) {
        if !writes.iter().any(|(key, _)| *key == CONSENT) {
            writes.push((CONSENT, code("given")));
        }
        self.create_unasked(id, writes, now);
    }
    /// Makes a record with these answers alone.
    pub(crate) fn create_unasked(&mut self, id: RecordId, writes: Vec<(Key, Value)>, now: u64) {
        let draft = Draft {
            creates: true,
            ..self.draft(id, Clock::new(), writes, now)
        };
        self.queue(draft.seal().unwrap());
    }
    /// Saves with the context of what the phone shows now.
    pub(crate) fn write(&mut self, id: RecordId, writes: Vec<(Key, Value)>, now: u64) {
        let draft = self.draft(id, self.sees(id), writes, now);
        self.queue(draft.seal().unwrap());
    }
    pub(crate) fn decide(
        &mut self,
        id: RecordId,
        key: Key,
        value: Value,
        dots: Vec<Dot>,
        now: u64,
    ) {
        let decision = Decision {
            key: key.clone(),
            dots,
            reason: Text::new("the person said so").unwrap(),
        };
        let draft = Draft {
            decisions: vec![decision],
            ..self.draft(id, self.sees(id), vec![(key, value)], now)
        };
        self.queue(draft.seal().unwrap());
    }
    pub(crate) fn request(&self) -> ExchangeRequest {
        self.request_from(self.acked + 1)
    }
    pub(crate) fn request_from(&self, first: usize) -> ExchangeRequest {
        ExchangeRequest {
            actor: self.actor,
            epoch: self.epoch,
            head: self.head.clone(),
            cursor: self.cursor.clone(),
            chain: ChainPoint {
                seq: Seq::new(self.items.len() as u64).unwrap(),
                hash: *self.chain.last().unwrap(),
            },
            first: Seq::new(first as u64).unwrap(),
            before: self.chain[first - 1],
            items: self.items[first - 1..].to_vec(),
            leaves: self.leaves.clone(),
            refetch: self.refetch.clone(),
            max_bytes: 1 << 20,
            device_time: None,
            client: None,
        }
    }
    pub(crate) fn sync(&mut self, office: &Office) -> ExchangeReply {
        let reply = self.send(office, self.request()).unwrap();
        self.take(&reply);
        reply
    }
    pub(crate) fn send(
        &self,
        office: &Office,
        request: ExchangeRequest,
    ) -> Result<ExchangeReply, Refusal> {
        // Through JSON, as it travels.
        let json = serde_json::to_string(&request).unwrap();
        let request = ExchangeRequest::from_json(&json).unwrap();
        let reply = exchange(&office.files, &office.env, &self.caller, request)?;
        let json = serde_json::to_string(&reply).unwrap();
        let read: ExchangeReply = serde_json::from_str(&json).unwrap();
        assert_eq!(read, reply);
        Ok(reply)
    }
    pub(crate) fn take(&mut self, reply: &ExchangeReply) {
        self.acked = reply.acked.seq.get() as usize;
        self.head = Some(reply.head.clone());
        self.leaves.clear();
        self.refetch = reply
            .results
            .iter()
            .filter(|r| r.status == Status::Cut)
            .filter_map(|r| self.record_of(r.seq))
            .collect();
        for entry in &reply.entries {
            match entry {
                Entry::Change { stored, .. } => self
                    .records
                    .entry(stored.change.record)
                    .or_insert_with(|| Record::new(stored.change.record))
                    .apply(stored),
                Entry::State { state, .. } => {
                    self.records.insert(state.id(), state.clone());
                }
                Entry::Own {
                    actor,
                    seq,
                    effective,
                    received,
                    ..
                } => {
                    let record = self
                        .record_of(*seq)
                        .and_then(|id| self.records.get_mut(&id));
                    record
                        .unwrap()
                        .restamp(Dot::new(*actor, *seq), *effective, *received);
                }
                Entry::Leave { record, .. } | Entry::Gone { record } => {
                    self.records.remove(record);
                }
                Entry::Erased { tombstone, .. } => {
                    self.records
                        .retain(|id, _| id.tombstone() != tombstone.hash);
                    self.tombstones.push(tombstone.clone());
                }
                _ => {}
            }
        }
        self.cursor.clone_from(&reply.cursor);
    }
    fn record_of(&self, seq: Seq) -> Option<RecordId> {
        match self.items.get(seq.get() as usize - 1)? {
            Item::Change { change, .. } => Some(change.record),
            _ => None,
        }
    }
    pub(crate) fn origin_of(&self, n: usize) -> Origin {
        Origin {
            dot: self.dot(n),
            hash: self.items[n - 1].hash(),
        }
    }
}

pub(crate) fn statuses(reply: &ExchangeReply) -> Vec<Status> {
    reply.results.iter().map(|r| r.status).collect()
}
