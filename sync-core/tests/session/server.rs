//! A small honest server: the rules of push, pull, forks and epochs with nothing around them. It only exists to answer
//! the device; the product's server has its own tests.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use tributary_sync_core::change::{Stamp, Stored, chain_next, chain_start};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::ids::*;
use tributary_sync_core::record::Record;
use tributary_sync_core::session::{Problem, Reply, Request, Verifier};
use tributary_sync_core::wire::Item;
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

    fn exchange(
        &mut self,
        profile: ProfileId,
        r: &ExchangeRequest,
    ) -> Result<ExchangeReply, Problem> {
        let cursor = self.gate(profile, r)?;
        for item in &r.items {
            if let Item::Change { change, .. } = item
                && Some(change.form) == self.unreadable
            {
                return Err(Problem {
                    seq: Some(item.seq()),
                    ..problem("item_unreadable")
                });
            }
        }
        let revoked = self.revoked.contains(&profile);
        for record in &r.leaves {
            if self.scope.remove(&(profile, *record)) {
                self.log.push(Log::Leave(profile, *record));
            }
        }
        let before = self.actors[&r.actor].acked();
        let mut results = Vec::new();
        for item in &r.items {
            let n = item.seq().get();
            if n > self.actors[&r.actor].acked() {
                self.take(profile, r, cursor, item);
            }
            let used = &self.actors[&r.actor].used[n as usize - 1];
            let mut result = used.result.clone();
            result.repeat = n <= before;
            if let Some(record) = used.record {
                let stored = matches!(result.status, Status::Applied | Status::Cut);
                result.out_of_scope =
                    result.repeat && stored && !self.scope.contains(&(profile, record));
            }
            results.push(result);
        }
        let actor = self.actors[&r.actor].clone();
        let copied_seq = actor
            .used
            .iter()
            .take_while(|u| u.result.pos.is_some_and(|p| p.get() <= self.copied))
            .count();
        let mut receipt = Receipt {
            actor: r.actor,
            seq: seq(actor.acked()),
            hash: actor.at(actor.acked()).unwrap(),
            epoch: self.epoch,
            copied: pos(self.copied),
            copied_seq: seq(copied_seq as u64),
            attachments: vec![],
            sig: String::new(),
        };
        receipt.sig = sign(&receipt.signed_bytes(ORG));
        let (entries, cursor, more) = match revoked {
            true => (vec![], None, false),
            false => self.pull(profile, r, cursor),
        };
        Ok(ExchangeReply {
            epoch: self.epoch,
            server_time: self.now,
            head: self.head(),
            acked: point(&actor, actor.acked()),
            results,
            receipt,
            entries,
            cursor,
            more,
            revoked,
        })
    }

    fn take(
        &mut self,
        profile: ProfileId,
        r: &ExchangeRequest,
        cursor: Option<Cursor>,
        item: &Item,
    ) {
        let actor = &self.actors[&r.actor];
        let chain = chain_next(actor.at(actor.acked()).unwrap(), item.seq(), item.hash());
        let (record, result) = match item {
            Item::Change { change, effective } => {
                let result = self.change(profile, change, *effective, cursor);
                (Some(change.record), result)
            }
            Item::Opaque { .. } => (None, verdict(item.seq(), Status::Quarantined)),
            Item::Void { .. } => (None, verdict(item.seq(), Status::Void)),
        };
        let used = Used {
            hash: item.hash(),
            chain,
            result,
            record,
        };
        self.actors.get_mut(&r.actor).unwrap().used.push(used);
    }

    fn change(
        &mut self,
        profile: ProfileId,
        change: &tributary_sync_core::change::Changeset,
        repeat: Option<Hlc>,
        cursor: Option<Cursor>,
    ) -> PushResult {
        let (n, record) = (change.dot.seq, change.record);
        if self.erased.contains(&record.tombstone()) {
            return verdict(n, Status::Erased);
        }
        let name = (change.dot, change.hash());
        let first = change.origin.map_or(name, |o| (o.dot, o.hash));
        if self.origins.contains(&first) {
            return verdict(n, Status::Duplicate);
        }
        let known = self.records.contains_key(&record);
        let allowed = match known {
            false => change.creates,
            true => self.once.contains(&(profile, record)),
        };
        let refused = Some(change.form) == self.quarantines || self.revoked.contains(&profile);
        self.origins.insert(first);
        if !allowed || refused {
            return verdict(n, Status::Quarantined);
        }
        if !known {
            self.records
                .insert(record, (change.form, Record::new(record)));
            self.assign(profile, record);
        }
        let mark = match change.epoch == self.epoch {
            true => cursor.map_or(0, |c| c.3),
            false => u64::MAX,
        };
        let (context, cut) = self.check(profile, change, mark);
        let five = Hlc::new(self.now + 300_000, 0).unwrap();
        let effective = change.clock.min(five).min(repeat.unwrap_or(five));
        let stamp = Stamp {
            context,
            effective,
            received: self.now,
            cut,
        };
        let stored = Stored {
            change: change.clone(),
            stamp,
        };
        self.apply(stored);
        PushResult {
            effective: Some(effective),
            pos: Some(pos(self.log.len() as u64)),
            ..verdict(n, if cut { Status::Cut } else { Status::Applied })
        }
    }

    pub(crate) fn apply(&mut self, stored: Stored) {
        let (_, state) = self.records.get_mut(&stored.change.record).unwrap();
        state.apply(&stored);
        self.log.push(Log::Change(Box::new(stored)));
    }

    fn check(
        &self,
        profile: ProfileId,
        change: &tributary_sync_core::change::Changeset,
        mark: u64,
    ) -> (Clock, bool) {
        let (mut context, mut cut) = (Clock::new(), false);
        for entry in change.seen.dots() {
            let own = self
                .actors
                .get(&entry.actor)
                .is_some_and(|a| a.profile == profile);
            let found = self
                .log
                .iter()
                .enumerate()
                .rev()
                .find_map(|(i, l)| match l {
                    Log::Change(s)
                        if s.change.record == change.record
                            && s.change.dot.actor == entry.actor
                            && s.change.dot.seq <= entry.seq
                            && (own || (i as u64) < mark) =>
                    {
                        Some(s.clock())
                    }
                    _ => None,
                });
            match found {
                Some(clock) => {
                    cut |= clock.get(entry.actor) < entry.seq && !own;
                    context.join(&clock);
                }
                None => cut |= !own,
            }
        }
        (context, cut)
    }

    fn pull(
        &self,
        profile: ProfileId,
        r: &ExchangeRequest,
        cursor: Option<Cursor>,
    ) -> (Vec<Entry>, Option<String>, bool) {
        let head = self.log.len() as u64;
        let mut cursor = cursor.unwrap_or(Cursor(self.epoch, head, Some(RecordId::default()), 0));
        cursor.3 = head;
        let mut out = Vec::new();
        let state = |record: &RecordId| {
            let (form, state) = &self.records[record];
            Entry::State {
                pos: pos(head),
                form: *form,
                state: state.clone(),
            }
        };
        for record in &r.refetch {
            match self.scope.contains(&(profile, *record)) {
                true => out.push(state(record)),
                false => out.push(Entry::Gone { record: *record }),
            }
        }
        if let Some(from) = cursor.2 {
            let mine: Vec<RecordId> = self
                .scope
                .iter()
                .filter(|s| s.0 == profile)
                .map(|s| s.1)
                .collect();
            let mut rest = mine.iter().filter(|r| **r >= from);
            cursor.2 = None;
            for record in rest.by_ref() {
                if out.len() >= self.page {
                    cursor.2 = Some(*record);
                    break;
                }
                out.push(state(record));
            }
            if cursor.2.is_none() {
                out.push(Entry::Scope { records: mine });
            }
        }
        while cursor.2.is_none() && out.len() < self.page && cursor.1 < head {
            let entry = &self.log[cursor.1 as usize];
            cursor.1 += 1;
            self.entry(profile, pos(cursor.1), entry, &mut out);
        }
        let more = cursor.2.is_some() || cursor.1 < head;
        (out, Some(cursor.write()), more)
    }

    fn entry(&self, profile: ProfileId, at: LogPos, log: &Log, out: &mut Vec<Entry>) {
        match log {
            Log::Change(s) => {
                let actor = &self.actors.get(&s.change.dot.actor);
                if actor.is_some_and(|a| a.profile == profile) {
                    out.push(Entry::Own {
                        pos: at,
                        actor: s.change.dot.actor,
                        seq: s.change.dot.seq,
                        effective: s.stamp.effective,
                        received: s.stamp.received,
                        cut: s.stamp.cut,
                    });
                } else if self.scope.contains(&(profile, s.change.record)) {
                    out.push(Entry::Change {
                        pos: at,
                        stored: s.clone(),
                    });
                }
            }
            Log::Enter(p, record) if *p == profile && self.scope.contains(&(profile, *record)) => {
                let (form, state) = &self.records[record];
                let now = pos(self.log.len() as u64);
                out.push(Entry::Enter {
                    pos: at,
                    record: *record,
                });
                out.push(Entry::State {
                    pos: now,
                    form: *form,
                    state: state.clone(),
                });
            }
            Log::Leave(p, record) if *p == profile => out.push(Entry::Leave {
                pos: at,
                record: *record,
            }),
            Log::Erased(stone) => out.push(Entry::Erased {
                pos: at,
                tombstone: tombstone(*stone),
            }),
            Log::Judged(dot, released) if self.actors[&dot.actor].profile == profile => {
                out.push(Entry::Quarantine {
                    pos: at,
                    actor: dot.actor,
                    seq: dot.seq,
                    released: *released,
                });
            }
            Log::Other(entry) => out.push((**entry).clone()),
            _ => {}
        }
    }

    fn compare(
        &mut self,
        profile: ProfileId,
        key: &[u8],
        r: &CompareRequest,
    ) -> Result<CompareReply, Problem> {
        if r.epoch != self.epoch {
            return Err(Problem {
                epoch: Some(self.epoch),
                ..problem("epoch_changed")
            });
        }
        for stone in &r.tombstones {
            assert_eq!(stone.sig, tombstone(stone.hash).sig);
            if self.erased.insert(stone.hash) {
                self.records.retain(|r, _| r.tombstone() != stone.hash);
                self.scope.retain(|(_, r)| r.tombstone() != stone.hash);
                self.log.push(Log::Erased(stone.hash));
            }
        }
        let mut actors = Vec::new();
        for chain in &r.actors {
            let id = chain.actor;
            let grant = chain.grant.as_ref().unwrap();
            let actor = self.actors.entry(id).or_insert_with(|| {
                assert_eq!(
                    grant.sig,
                    sign(&Grant::signed_bytes(ORG, profile, id, grant.epoch))
                );
                let start = chain_start(ORG, id, key);
                Actor {
                    profile,
                    start,
                    used: Vec::new(),
                    closed: false,
                    epoch: grant.epoch,
                }
            });
            let alike = chain
                .points
                .iter()
                .filter(|p| actor.at(p.seq.get()) == Some(p.hash));
            let agreed = alike.map(|p| p.seq).max().unwrap_or_default();
            let upto = actor.used.iter().take(agreed.get() as usize);
            actors.push(ActorAgreement {
                actor: id,
                agreed,
                acked: seq(actor.acked()),
                results: upto.map(|u| u.result.clone()).collect(),
            });
        }
        Ok(CompareReply {
            epoch: self.epoch,
            actors,
        })
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
