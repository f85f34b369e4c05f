//! One interview as the merge of its changesets: every key is a multi-value register over changesets whose context is
//! what the person saw.
//!
//! The merge of a key is `crdts::MVReg` over dots. `crdts::Map` is not used: it resurrects overwritten answers and
//! diverges (decision 0002). Not here: what of several values an export shows ([`crate::conflict`]), policies.

use crdts::mvreg::Op;
use crdts::{CmRDT, MVReg};
use sha2::{Digest, Sha256};
use smallvec::{SmallVec, smallvec};

use crate::cbor::{Reader, Writer};
use crate::change::Stored;
use crate::clock::{Clock, Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{ActorId, FormHash, RecordId};
use crate::key::Key;
use crate::value::Value;

/// What is kept of a changeset that still owns a live value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Live {
    /// Its dot.
    pub dot: Dot,
    /// Its checked context with the own dot.
    pub clock: Clock,
    /// The device's clock when it was saved.
    pub saved: Hlc,
    /// The clock that orders ties.
    pub effective: Hlc,
    /// When the server received it, in milliseconds since 1970; 0 on a device for what was not sent yet.
    pub received: u64,
    /// The form version it was answered with.
    pub form: FormHash,
    /// How many live values it owns.
    pub(crate) values: u32,
}

/// The live values of one key, by dot.
pub(crate) type Values = SmallVec<[(Dot, Value); 1]>;

/// The merged state of one interview. Always in canonical order, so equal states are equal bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    id: RecordId,
    lives: Vec<Live>,
    keys: Vec<(Key, Values)>,
}

impl Record {
    /// A record that nothing was written to yet.
    pub fn new(id: RecordId) -> Self {
        Self {
            id,
            lives: Vec::new(),
            keys: Vec::new(),
        }
    }
    /// Its id.
    pub fn id(&self) -> RecordId {
        self.id
    }
    /// Whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
    /// The changesets that still own a live value, by dot.
    pub fn lives(&self) -> &[Live] {
        &self.lives
    }
    /// One of them.
    pub fn live(&self, dot: Dot) -> Option<&Live> {
        self.lives
            .binary_search_by(|l| l.dot.cmp(&dot))
            .ok()
            .and_then(|i| self.lives.get(i))
    }
    /// The keys in canonical order with their live values by dot.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = (&Key, &[(Dot, Value)])> {
        self.keys.iter().map(|(k, v)| (k, v.as_slice()))
    }
    /// The live values of one key; empty if it was never written.
    pub fn values(&self, key: &Key) -> &[(Dot, Value)] {
        match self.keys.binary_search_by(|e| e.0.cmp(key)) {
            Ok(i) => self.keys.get(i).map_or(&[], |e| e.1.as_slice()),
            Err(_) => &[],
        }
    }
    /// The record's clock: the join of the clocks of its live changesets (§1.1). What somebody saw who saw it all.
    pub fn clock(&self) -> Clock {
        let mut clock = Clock::new();
        self.lives.iter().for_each(|l| clock.join(&l.clock));
        clock
    }

    /// Merges one stored changeset. Any order and any repetition give the same record.
    pub fn apply(&mut self, stored: &Stored) {
        let change = &stored.change;
        let live = Live {
            dot: change.dot,
            clock: stored.clock(),
            saved: change.clock,
            effective: stored.stamp.effective,
            received: stored.stamp.received,
            form: change.form,
            values: 0,
        };
        self.put(live, change.writes.iter().cloned());
    }

    /// Merges the values of one changeset.
    fn put(&mut self, mut live: Live, writes: impl Iterator<Item = (Key, Value)>) {
        let dot = live.dot;
        if self.keys.is_empty() {
            self.keys.reserve(writes.size_hint().0);
        }
        // Its own slot is put first, so that a repeated arrival finds its values under the same clock.
        let slot = match self.lives.binary_search_by(|l| l.dot.cmp(&dot)) {
            Ok(slot) => slot,
            Err(slot) => {
                live.values = 0;
                self.lives.insert(slot, live);
                slot
            }
        };
        let mut lost: SmallVec<[Dot; 4]> = SmallVec::new();
        let mut won = 0u32;
        let mut judged = Judged::default();
        for (key, value) in writes {
            // Keys of a fresh record come in order: look at the end first.
            let at = match self.keys.last() {
                Some(last) if last.0 < key => Err(self.keys.len()),
                _ => self.keys.binary_search_by(|e| e.0.cmp(&key)),
            };
            match at {
                Err(at) => {
                    self.keys.insert(at, (key, smallvec![(dot, value)]));
                    won += 1;
                }
                Ok(at) => {
                    let (lives, keys) = (&self.lives, &mut self.keys);
                    if let Some((_, values)) = keys.get_mut(at) {
                        won += merge_key(lives, values, dot, value, &mut lost, &mut judged);
                    }
                }
            }
        }
        if let Some(live) = self.lives.get_mut(slot) {
            live.values = live.values.saturating_add(won);
        }
        for dot in lost {
            if let Ok(i) = self.lives.binary_search_by(|l| l.dot.cmp(&dot)) {
                self.lives[i].values = self.lives[i].values.saturating_sub(1);
            }
        }
        self.lives.retain(|l| l.values > 0);
    }

    /// Takes over what the server has decided of an own changeset: the effective clock, and the context as it was cut.
    pub fn restamp(&mut self, dot: Dot, effective: Hlc, received: u64) {
        if let Ok(i) = self.lives.binary_search_by(|l| l.dot.cmp(&dot)) {
            self.lives[i].effective = effective;
            self.lives[i].received = received;
        }
    }

    /// The same state with other names for its changesets: what an open form needs after a fork (§5.3).
    pub(crate) fn renamed(
        &self,
        dot: impl Fn(Dot) -> Dot,
        clock: impl Fn(&Clock) -> Clock,
    ) -> Self {
        let mut lives: Vec<Live> = self.lives.clone();
        for live in &mut lives {
            live.dot = dot(live.dot);
            live.clock = clock(&live.clock);
        }
        lives.sort_by_key(|l| l.dot);
        let mut keys = self.keys.clone();
        for (_, values) in &mut keys {
            values.iter_mut().for_each(|v| v.0 = dot(v.0));
            values.sort_by_key(|v| v.0);
        }
        Self {
            id: self.id,
            lives,
            keys,
        }
    }

    /// Merges another state of the same record: as if every changeset behind either had been applied here.
    pub fn merge(&mut self, other: &Record) {
        for live in &other.lives {
            let writes = other.keys.iter().flat_map(|(key, values)| {
                values
                    .iter()
                    .filter(|(dot, _)| *dot == live.dot)
                    .map(|(_, value)| (key.clone(), value.clone()))
            });
            self.put(live.clone(), writes);
        }
    }

    /// Canonical bytes: deterministic CBOR of `[1, id, lives, keys]`.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(128 + 128 * self.lives.len() + 32 * self.keys.len());
        w.array(4);
        w.uint(1);
        w.bytes(self.id.as_bytes());
        w.array(self.lives.len());
        for live in &self.lives {
            w.array(6);
            w.dot(live.dot);
            w.clock(&live.clock);
            w.hlc(live.saved);
            w.hlc(live.effective);
            w.uint(live.received);
            w.bytes(live.form.as_bytes());
        }
        w.array(self.keys.len());
        for (key, values) in &self.keys {
            w.array(2);
            w.key(key);
            w.array(values.len());
            for (dot, value) in values {
                w.array(2);
                let slot = self
                    .lives
                    .binary_search_by(|l| l.dot.cmp(dot))
                    .unwrap_or_default();
                w.uint(slot as u64);
                w.value(value);
            }
        }
        w.finish()
    }

    /// Reads canonical bytes back.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        r.array_of(4)?;
        match r.uint()? {
            1 => {}
            version => return Err(ParseError::Version(version)),
        }
        let id = RecordId::from_bytes(r.fixed()?);
        let mut lives = r.list(64, read_live)?;
        let keys = r.list(8, |r| read_key(r, &mut lives))?;
        r.end()?;
        Self::from_parts(id, lives, keys)
    }

    /// Puts a record together again; refuses what is not in canonical order or names a changeset that is not there.
    pub(crate) fn from_parts(
        id: RecordId,
        lives: Vec<Live>,
        keys: Vec<(Key, Values)>,
    ) -> Result<Self, ParseError> {
        let sorted = lives.windows(2).all(|w| w[0].dot < w[1].dot)
            && keys.windows(2).all(|w| w[0].0 < w[1].0)
            && keys
                .iter()
                .all(|(_, v)| !v.is_empty() && v.windows(2).all(|w| w[0].0 < w[1].0));
        if !sorted || lives.iter().any(|l| l.values == 0) {
            return Err(ParseError::Bytes("record not in canonical order"));
        }
        Ok(Self { id, lives, keys })
    }

    /// SHA-256 of the canonical bytes: equal for equal states.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.to_bytes()).into()
    }
}

/// Which of these changesets survive when they meet in one register. All keys that one changeset overwrites tend to
/// have the same owners, and the outcome depends on the owners only, so the last one is kept.
#[derive(Default)]
struct Judged {
    owners: SmallVec<[Dot; 4]>,
    survivors: SmallVec<[Dot; 4]>,
}

impl Judged {
    /// Runs one register of changesets through `MVReg`.
    fn judge(&mut self, lives: &[Live], owners: impl Iterator<Item = Dot> + Clone) {
        if owners.clone().eq(self.owners.iter().copied()) {
            return;
        }
        let clock_of = |dot: Dot| {
            lives
                .binary_search_by(|l| l.dot.cmp(&dot))
                .ok()
                .and_then(|i| Some(&lives.get(i)?.clock))
        };
        self.owners = owners.collect();
        let mut register: MVReg<Dot, ActorId> = MVReg::new();
        for owner in &self.owners {
            if let Some(clock) = clock_of(*owner) {
                let (clock, val) = (clock.vclock().clone(), *owner);
                register.apply(Op::Put { clock, val });
            }
        }
        let kept = register.read().val;
        // Two changesets that claim to have seen each other stand at one clock, and `MVReg` keeps the one that came
        // last. No honest pair does; the order of arrival must not matter all the same, so both stay.
        let survives =
            |dot: Dot| kept.contains(&dot) || kept.iter().any(|k| clock_of(*k) == clock_of(dot));
        self.survivors = self
            .owners
            .iter()
            .copied()
            .filter(|d| survives(*d))
            .collect();
    }
}

/// Merges one value into its register. Returns 1 if it is among the survivors; the dots of values that went are added
/// to `lost`.
fn merge_key(
    lives: &[Live],
    values: &mut Values,
    dot: Dot,
    value: Value,
    lost: &mut SmallVec<[Dot; 4]>,
    judged: &mut Judged,
) -> u32 {
    if values.iter().any(|(d, _)| *d == dot) {
        return 0;
    }
    judged.judge(lives, values.iter().map(|(d, _)| *d).chain([dot]));
    values.retain(|(d, _)| {
        let stays = judged.survivors.contains(d);
        if !stays {
            lost.push(*d);
        }
        stays
    });
    if !judged.survivors.contains(&dot) {
        return 0;
    }
    let at = values.partition_point(|(d, _)| *d < dot);
    values.insert(at, (dot, value));
    1
}

fn read_live(r: &mut Reader<'_>) -> Result<Live, ParseError> {
    r.array_of(6)?;
    Ok(Live {
        dot: r.dot()?,
        clock: r.clock()?,
        saved: r.hlc()?,
        effective: r.hlc()?,
        received: r.uint()?,
        form: FormHash::from_bytes(r.fixed()?),
        values: 0,
    })
}

fn read_key(r: &mut Reader<'_>, lives: &mut [Live]) -> Result<(Key, Values), ParseError> {
    const BAD: ParseError = ParseError::Bytes("record value without its changeset");
    r.array_of(2)?;
    let key = r.key()?;
    let mut values = Values::new();
    for _ in 0..r.array()? {
        r.array_of(2)?;
        let slot = usize::try_from(r.uint()?).map_err(|_| BAD)?;
        let live = lives.get_mut(slot).ok_or(BAD)?;
        live.values = live.values.saturating_add(1);
        values.push((live.dot, r.value()?));
    }
    Ok((key, values))
}
