//! A small honest server: the rules of push, pull, forks and epochs with nothing around them. It only exists to answer
//! the device; the product's server has its own tests.

mod pull;
mod push;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use tributary_sync_core::change::{Stored, chain_start};
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::*;
use tributary_sync_core::record::Record;
use tributary_sync_core::session::{Problem, Reply, Request, Verifier};
use tributary_sync_core::wire::message::*;

pub(crate) const ORG: OrgId = OrgId::from_bytes([9; 16]);
const KEY: &str = "receipt-key";

pub(crate) fn sign(bytes: &[u8]) -> String {
    hex::encode(
        Sha256::new()
            .chain_update(KEY)
            .chain_update(bytes)
            .finalize(),
    )
}

/// Knows the key of the honest server.
pub(crate) struct Trust;
impl Verifier for Trust {
    fn verify(&self, bytes: &[u8], signature: &str) -> bool {
        sign(bytes) == signature
    }
    fn learn(&mut self, keys: &serde_json::Value) -> bool {
        keys["root"] == "good"
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Log {
    Change(Box<Stored>),
    Enter(ProfileId, RecordId),
    Leave(ProfileId, RecordId),
    Erased(Tombstone),
    Judged(Dot, bool),
    Other(Box<Entry>),
}

#[derive(Clone, Debug)]
pub(crate) struct Used {
    pub(crate) hash: ItemHash,
    pub(crate) chain: ChainHash,
    pub(crate) result: PushResult,
    pub(crate) record: Option<RecordId>,
}

#[derive(Clone, Debug)]
pub(crate) struct Actor {
    pub(crate) profile: ProfileId,
    pub(crate) start: ChainHash,
    pub(crate) used: Vec<Used>,
    pub(crate) closed: bool,
    pub(crate) epoch: EpochId,
}

impl Actor {
    fn at(&self, seq: u64) -> Option<ChainHash> {
        match seq {
            0 => Some(self.start),
            n => self.used.get(n as usize - 1).map(|u| u.chain),
        }
    }
    fn acked(&self) -> u64 {
        self.used.len() as u64
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) now: u64,
    pub(crate) epoch: EpochId,
    pub(crate) log: Vec<Log>,
    pub(crate) actors: BTreeMap<ActorId, Actor>,
    pub(crate) records: BTreeMap<RecordId, (FormHash, Record)>,
    pub(crate) scope: BTreeSet<(ProfileId, RecordId)>,
    pub(crate) once: BTreeSet<(ProfileId, RecordId)>,
    pub(crate) erased: BTreeSet<Tombstone>,
    pub(crate) origins: BTreeSet<(Dot, ItemHash)>,
    pub(crate) instances: BTreeMap<InstanceId, ActorId>,
    pub(crate) copied: u64,
    pub(crate) stopped: bool,
    pub(crate) revoked: BTreeSet<ProfileId>,
    /// Changesets of this form are not readable for it, and those of that one wait in quarantine.
    pub(crate) unreadable: Option<FormHash>,
    pub(crate) quarantines: Option<FormHash>,
    pub(crate) page: usize,
    pub(crate) drawn: u32,
}

type Answer = Result<Reply, Problem>;

pub(crate) fn problem(code: &str) -> Problem {
    Problem {
        code: code.to_owned(),
        ..Problem::default()
    }
}
fn seq(n: u64) -> Seq {
    Seq::new(n).unwrap()
}
pub(crate) fn pos(n: u64) -> LogPos {
    LogPos::new(n).unwrap()
}
fn point(a: &Actor, n: u64) -> ChainPoint {
    ChainPoint {
        seq: seq(n),
        hash: a.at(n).unwrap(),
    }
}

/// epoch, tail, records of a backfill still to come from here on, highest position read.
#[derive(Clone, Copy)]
struct Cursor(EpochId, u64, Option<RecordId>, u64);

impl Cursor {
    fn read(text: &str) -> Option<Self> {
        let p: Vec<&str> = text.split(':').collect();
        let [e, t, b, s] = p[..] else { return None };
        Some(Self(
            e.parse().ok()?,
            t.parse().ok()?,
            b.parse().ok(),
            s.parse().ok()?,
        ))
    }
    fn write(self) -> String {
        let backfill = self.2.map_or("-".to_owned(), |r| r.to_string());
        format!("{}:{}:{backfill}:{}", self.0, self.1, self.3)
    }
}

impl Server {
    pub(crate) fn new() -> Self {
        Self {
            now: 1_000_000,
            epoch: EpochId::from_bytes([1; 16]),
            log: Vec::new(),
            actors: BTreeMap::new(),
            records: BTreeMap::new(),
            scope: BTreeSet::new(),
            once: BTreeSet::new(),
            erased: BTreeSet::new(),
            origins: BTreeSet::new(),
            instances: BTreeMap::new(),
            copied: 0,
            stopped: false,
            revoked: BTreeSet::new(),
            unreadable: None,
            quarantines: None,
            page: 100,
            drawn: 10,
        }
    }

    pub(crate) fn grant(&mut self, profile: ProfileId, key: &[u8]) -> Grant {
        self.drawn += 7;
        let actor = ActorId(self.drawn);
        let start = chain_start(ORG, actor, key);
        let epoch = self.epoch;
        self.actors.insert(
            actor,
            Actor {
                profile,
                start,
                used: Vec::new(),
                closed: false,
                epoch,
            },
        );
        self.granted(actor, profile, epoch)
    }
    fn granted(&self, actor: ActorId, profile: ProfileId, epoch: EpochId) -> Grant {
        let sig = sign(&Grant::signed_bytes(ORG, profile, actor, epoch));
        Grant { actor, epoch, sig }
    }

    fn head_hash(&self, n: usize) -> LogHash {
        let mut h = Sha256::new().chain_update(self.epoch.as_bytes());
        for entry in self.log.iter().take(n) {
            h.update(format!("{entry:?}"));
        }
        LogHash::from_bytes(h.finalize().into())
    }
    pub(crate) fn head(&self) -> Head {
        let (p, hash) = (pos(self.log.len() as u64), self.head_hash(self.log.len()));
        let mut head = Head {
            epoch: self.epoch,
            opened: u64::from(self.epoch.as_bytes()[0]),
            pos: p,
            hash,
            copied: pos(self.copied),
            sig: String::new(),
        };
        head.sig = sign(&head.signed_bytes(ORG));
        head
    }

    pub(crate) fn backup(&mut self) -> Server {
        self.copied = self.log.len() as u64;
        self.clone()
    }
    /// Opens a new epoch over this file.
    pub(crate) fn open_epoch(&mut self, n: u8) {
        self.epoch = EpochId::from_bytes([n; 16]);
        self.stopped = false;
        // Numbers are never given twice, not even by an older file.
        self.drawn = u32::from(n) * 1_000;
    }
    pub(crate) fn assign(&mut self, profile: ProfileId, record: RecordId) {
        self.scope.insert((profile, record));
        self.once.insert((profile, record));
        self.log.push(Log::Enter(profile, record));
    }
    pub(crate) fn unassign(&mut self, profile: ProfileId, record: RecordId) {
        self.scope.remove(&(profile, record));
        self.log.push(Log::Leave(profile, record));
    }
    pub(crate) fn erase(&mut self, record: RecordId) {
        let stone = record.tombstone();
        self.erased.insert(stone);
        self.records.remove(&record);
        self.scope.retain(|s| s.1 != record);
        for actor in self.actors.values_mut() {
            for used in actor.used.iter_mut().filter(|u| u.record == Some(record)) {
                used.result.status = Status::Erased;
            }
        }
        self.log.push(Log::Erased(stone));
    }
    /// Somebody judges what waits in quarantine.
    pub(crate) fn judge(&mut self, dot: Dot, released: bool) {
        self.log.push(Log::Judged(dot, released));
    }

    pub(crate) fn answer(&mut self, profile: ProfileId, key: &[u8], request: &Request) -> Answer {
        if self.stopped {
            return Err(problem("organisation_stopped"));
        }
        match request {
            Request::Exchange(r) => {
                let json = serde_json::to_string(&**r).unwrap();
                let r = ExchangeRequest::from_json(&json).unwrap();
                self.exchange(profile, &r)
                    .map(|r| Reply::Exchange(Box::new(r)))
            }
            Request::Compare(r) => self.compare(profile, key, r).map(Reply::Compare),
            Request::NewActor(r) => {
                let actor = match self.instances.get(&r.instance) {
                    Some(actor) => *actor,
                    None => {
                        let actor = self.grant(profile, key).actor;
                        self.instances.insert(r.instance, actor);
                        actor
                    }
                };
                let grant = self.granted(actor, profile, self.actors[&actor].epoch);
                Ok(Reply::NewActor(ActorReply {
                    actor,
                    grant,
                    epoch: self.epoch,
                    head: self.head(),
                }))
            }
            Request::Lost(r) => {
                let actor = self.actors.get_mut(&r.actor).unwrap();
                if r.epoch != self.epoch || actor.epoch == self.epoch {
                    return Err(problem("loss_refused"));
                }
                actor.closed = true;
                Ok(Reply::Lost)
            }
            Request::Nothing => panic!("nothing to answer"),
        }
    }

    fn gate(&mut self, profile: ProfileId, r: &ExchangeRequest) -> Result<Option<Cursor>, Problem> {
        if let Some(head) = r.head.as_ref().filter(|h| h.epoch == self.epoch)
            && (head.pos.get() as usize > self.log.len()
                || self.head_hash(head.pos.get() as usize) != head.hash)
        {
            self.stopped = true;
            return Err(problem("organisation_stopped"));
        }
        if r.epoch != self.epoch {
            return Err(Problem {
                epoch: Some(self.epoch),
                ..problem("epoch_changed")
            });
        }
        let cursor = match &r.cursor {
            None => None,
            Some(text) => match Cursor::read(text) {
                Some(cursor) if cursor.0 == self.epoch => Some(cursor),
                _ => return Err(problem("cursor_invalid")),
            },
        };
        let actor = self.actors.get(&r.actor).filter(|a| a.profile == profile);
        let actor = actor.ok_or(problem("actor_unknown"))?;
        if actor.closed {
            return Err(problem("actor_closed"));
        }
        let base = r.first.get() - 1;
        if base > actor.acked() {
            return Err(Problem {
                expected: Some(seq(actor.acked() + 1)),
                ..problem("sequence_gap")
            });
        }
        let forked = |agreed: Option<u64>| Problem {
            actor: Some(r.actor),
            agreed: agreed.map(seq),
            results: (r.first.get()..=agreed.unwrap_or(0))
                .map(|n| actor.used[n as usize - 1].result.clone())
                .collect(),
            ..problem("actor_forked")
        };
        if actor.at(base) != Some(r.before) {
            return Err(forked(None));
        }
        for item in &r.items {
            let n = item.seq().get();
            if n <= actor.acked() && actor.used[n as usize - 1].hash != item.hash() {
                return Err(forked(Some(n - 1)));
            }
        }
        let made = r.chain.seq.get();
        if made <= actor.acked() && actor.at(made) != Some(r.chain.hash) {
            return Err(forked(None));
        }
        if made < actor.acked() {
            return Err(forked(Some(made)));
        }
        Ok(cursor)
    }
}

pub(crate) fn tombstone(hash: Tombstone) -> SignedTombstone {
    SignedTombstone {
        hash,
        sig: sign(&SignedTombstone::signed_bytes(ORG, hash)),
    }
}

fn verdict(seq: Seq, status: Status) -> PushResult {
    PushResult {
        seq,
        status,
        repeat: false,
        code: None,
        effective: None,
        out_of_scope: false,
        pos: None,
    }
}
