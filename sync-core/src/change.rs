//! The changeset: all that one save wrote, the unit of sync; its canonical bytes, its hash, and the chain of an actor.
//!
//! Not here: merging ([`crate::record`]), what the server thinks of it ([`Stamp`] only carries the verdict), the JSON
//! and frame forms ([`crate::wire`]).

use std::fmt;
use std::ops::Deref;

use sha2::{Digest, Sha256};

use crate::cbor::{Reader, Writer};
use crate::clock::{CONTEXT_ENTRIES_MAX, Clock, Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{ActorId, ChainHash, EpochId, FormHash, ItemHash, OrgId, RecordId, Seq};
use crate::key::Key;
use crate::value::{Opaque, Text, Value, limit};

/// Canonical bytes of one changeset, at most (§1.8).
pub const CHANGESET_BYTES_MAX: usize = 256 * 1024;
/// Writes of one changeset, at most (§1.8).
pub const WRITES_MAX: usize = 2_000;
/// Rows of one repeat that one changeset may touch, at most (§1.8).
pub const ROWS_MAX: usize = 500;

/// A lowering of a protective value, or the clearing of a flag, with a name and a reason (§2.2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// What it lowers.
    pub key: Key,
    /// The changesets whose values it lowers, sorted.
    pub dots: Vec<Dot>,
    /// Why.
    pub reason: Text,
}

/// Where a re-stamped changeset first stood (§5.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Origin {
    /// The actor and number it was first made under.
    pub dot: Dot,
    /// The hash that it had there.
    pub hash: ItemHash,
}

/// The content of a changeset, before its limits are checked and its bytes are made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// The interview.
    pub record: RecordId,
    /// Who, and the how-manyeth.
    pub dot: Dot,
    /// The device's hybrid clock when it was saved.
    pub clock: Hlc,
    /// The form version it was answered with.
    pub form: FormHash,
    /// Whether it makes the record.
    pub creates: bool,
    /// The epoch in which `seen` was taken.
    pub epoch: EpochId,
    /// What the person saw when the form was opened, plus that session's own saves (§1.5).
    pub seen: Clock,
    /// What was written, by key; no key twice.
    pub writes: Vec<(Key, Value)>,
    /// The lowerings among them.
    pub decisions: Vec<Decision>,
    /// For a re-stamped changeset, its first dot and hash.
    pub origin: Option<Origin>,
    /// What this build does not know: kept, hashed and sent on.
    pub extensions: Vec<Opaque>,
}

/// A changeset within its limits, with its canonical bytes and their hash. Only [`Draft::seal`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct Changeset {
    draft: Draft,
    bytes: Vec<u8>,
    hash: ItemHash,
}

impl Deref for Changeset {
    type Target = Draft;
    fn deref(&self) -> &Draft {
        &self.draft
    }
}

impl fmt::Debug for Changeset {
    /// Without the canonical bytes, which hold the answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Changeset");
        out.field("draft", &self.draft).field("hash", &self.hash);
        out.finish_non_exhaustive()
    }
}

const ITEM_PREFIX: &[u8] = b"tributary-item-v1";
const CHAIN_PREFIX: &[u8] = b"tributary-chain-v1";

impl Draft {
    /// Sorts the lists, checks every limit and makes the canonical bytes.
    pub fn seal(mut self) -> Result<Changeset, ParseError> {
        limit("writes", self.writes.len(), WRITES_MAX)?;
        limit("context entries", self.seen.len(), CONTEXT_ENTRIES_MAX)?;
        if self.dot.seq == Seq::ZERO {
            return Err(ParseError::Counter);
        }
        self.writes.sort_by(|a, b| a.0.cmp(&b.0));
        unique("key", self.writes.iter().map(|w| &w.0))?;
        self.decisions.sort_by(|a, b| a.key.cmp(&b.key));
        unique("decision", self.decisions.iter().map(|d| &d.key))?;
        for decision in &mut self.decisions {
            decision.dots.sort();
            unique("dot", decision.dots.iter())?;
        }
        self.extensions.sort();
        unique("extension", self.extensions.iter().map(Opaque::tag))?;
        check_rows(&self.writes)?;
        self.writes.iter().try_for_each(|(_, v)| v.check())?;
        let bytes = self.canonical();
        limit("changeset bytes", bytes.len(), CHANGESET_BYTES_MAX)?;
        let hash = item_hash(&bytes);
        Ok(Changeset {
            draft: self,
            bytes,
            hash,
        })
    }

    /// Deterministic CBOR of §9.1.
    fn canonical(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(160 + 32 * self.writes.len());
        w.array(12);
        w.bytes(self.record.as_bytes());
        w.uint(self.dot.actor.0.into());
        w.uint(self.dot.seq.get());
        w.hlc(self.clock);
        w.bytes(self.form.as_bytes());
        w.bool(self.creates);
        w.bytes(self.epoch.as_bytes());
        w.clock(&self.seen);
        w.array(self.writes.len());
        for (key, value) in &self.writes {
            w.array(2);
            w.key(key);
            w.value(value);
        }
        w.array(self.decisions.len());
        for decision in &self.decisions {
            w.array(3);
            w.key(&decision.key);
            w.array(decision.dots.len());
            decision.dots.iter().for_each(|d| w.dot(*d));
            w.text(decision.reason.as_str());
        }
        match &self.origin {
            None => w.null(),
            Some(origin) => {
                w.array(2);
                w.dot(origin.dot);
                w.bytes(origin.hash.as_bytes());
            }
        }
        w.array(self.extensions.len());
        for extension in &self.extensions {
            w.array(2);
            w.uint(extension.tag().into());
            w.bytes(extension.bytes());
        }
        w.finish()
    }
}

fn unique<T: PartialEq>(
    what: &'static str,
    sorted: impl Iterator<Item = T>,
) -> Result<(), ParseError> {
    let mut last = None;
    for item in sorted {
        if last.as_ref() == Some(&item) {
            return Err(ParseError::Duplicate(what));
        }
        last = Some(item);
    }
    Ok(())
}

fn check_rows(writes: &[(Key, Value)]) -> Result<(), ParseError> {
    let mut rows: Vec<_> = writes.iter().filter_map(|w| w.0.row()).collect();
    rows.sort();
    rows.dedup();
    rows.chunk_by(|a, b| a.0 == b.0)
        .try_for_each(|repeat| limit("rows of a repeat", repeat.len(), ROWS_MAX))
}

/// SHA-256 of the canonical bytes behind the prefix of §9.1.
pub fn item_hash(canonical: &[u8]) -> ItemHash {
    let digest = Sha256::new()
        .chain_update(ITEM_PREFIX)
        .chain_update(canonical)
        .finalize();
    ItemHash::from_bytes(digest.into())
}

/// The record that bytes name which begin like a changeset, though they cannot be read as one.
pub fn named_record(bytes: &[u8]) -> Option<RecordId> {
    let mut r = Reader::new(bytes);
    r.array().ok()?;
    r.fixed().ok().map(RecordId::from_bytes)
}

impl Changeset {
    /// The canonical bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// The item hash.
    pub fn hash(&self) -> ItemHash {
        self.hash
    }
    /// The content.
    pub fn into_draft(self) -> Draft {
        self.draft
    }
    /// Reads canonical bytes back; refuses anything that [`Changeset::bytes`] would not have made.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ParseError> {
        limit("changeset bytes", bytes.len(), CHANGESET_BYTES_MAX)?;
        let mut r = Reader::new(bytes);
        r.array_of(12)?;
        let record = RecordId::from_bytes(r.fixed()?);
        let dot = Dot::new(ActorId(r.u32()?), Seq::new(r.uint()?)?);
        let clock = r.hlc()?;
        let form = FormHash::from_bytes(r.fixed()?);
        let creates = r.bool()?;
        let epoch = EpochId::from_bytes(r.fixed()?);
        let seen = r.clock()?;
        let writes = r.list(8, |r| {
            r.array_of(2)?;
            Ok((r.key()?, r.value()?))
        })?;
        let decisions = (0..r.array()?)
            .map(|_| read_decision(&mut r))
            .collect::<Result<_, _>>()?;
        let origin = r.optional_array(2, |r| {
            Ok(Origin {
                dot: r.dot()?,
                hash: ItemHash::from_bytes(r.fixed()?),
            })
        })?;
        let extensions = (0..r.array()?)
            .map(|_| {
                r.array_of(2)?;
                Opaque::new(r.u32()?, r.bytes()?.to_vec())
            })
            .collect::<Result<_, ParseError>>()?;
        r.end()?;
        let draft = Draft {
            record,
            dot,
            clock,
            form,
            creates,
            epoch,
            seen,
            writes,
            decisions,
            origin,
            extensions,
        };
        let sealed = draft.seal()?;
        if sealed.bytes == bytes {
            Ok(sealed)
        } else {
            Err(ParseError::Bytes("not canonical"))
        }
    }
}

fn read_decision(r: &mut Reader<'_>) -> Result<Decision, ParseError> {
    r.array_of(3)?;
    let key = r.key()?;
    let dots = (0..r.array()?).map(|_| r.dot()).collect::<Result<_, _>>()?;
    Ok(Decision {
        key,
        dots,
        reason: Text::new(r.text()?)?,
    })
}

/// What the server wrote beside a changeset when it stored it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// The context after the checks of §1.7, without the own dot.
    pub context: Clock,
    /// The clock that orders ties (§1.10).
    pub effective: Hlc,
    /// When the server received it, in milliseconds since 1970.
    pub received: u64,
    /// Whether something was cut from the context.
    pub cut: bool,
}

/// A changeset as the server stored it: what devices pull and records are made of.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// As it was sent.
    pub change: Changeset,
    /// As it was judged.
    pub stamp: Stamp,
}

impl Stored {
    /// The clock that the merge compares: the checked context with the own dot.
    pub fn clock(&self) -> Clock {
        self.stamp.context.clone().with(self.change.dot)
    }
}

/// h₀ of §5.1: an actor's chain before its first changeset. `device_key` is the device's public key as an
/// uncompressed SEC1 point.
pub fn chain_start(org: OrgId, actor: ActorId, device_key: &[u8]) -> ChainHash {
    let digest = Sha256::new()
        .chain_update(CHAIN_PREFIX)
        .chain_update(org.as_bytes())
        .chain_update(actor.0.to_be_bytes())
        .chain_update(device_key)
        .finalize();
    ChainHash::from_bytes(digest.into())
}

/// h_n of §5.1 from h_{n−1}.
pub fn chain_next(before: ChainHash, seq: Seq, item: ItemHash) -> ChainHash {
    let digest = Sha256::new()
        .chain_update(before.as_bytes())
        .chain_update(seq.get().to_be_bytes())
        .chain_update(item.as_bytes())
        .finalize();
    ChainHash::from_bytes(digest.into())
}
