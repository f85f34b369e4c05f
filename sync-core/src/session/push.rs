//! What the next push carries, and how large it may be (§6.4).

use super::device::{ActorState, Profile};
use super::error::SessionError;
use super::store::{Own, Store};
use crate::change::Changeset;
use crate::wire::Item;
use crate::wire::message::{ChainPoint, ITEMS_MAX};

/// How large the next exchange may be. It starts small, halves when a link is too slow for it, doubles when it is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pace {
    packed: u32,
    /// Packed bytes per 100 raw ones, as measured.
    ratio: u32,
}

/// Compressed bytes of the first exchange.
const START: u32 = 32 * 1024;
const LEAST: u32 = 2 * 1024;
const MOST: u32 = 2 * 1024 * 1024;
/// Raw bytes: the JSON around them stays within the request limit.
const RAW_MOST: u64 = 3 * 1024 * 1024;
/// How many changesets are read from the store at a time.
pub(super) const CHUNK: usize = 128;

impl Default for Pace {
    fn default() -> Self {
        Self {
            packed: START,
            ratio: 33,
        }
    }
}

impl Pace {
    /// An exchange timed out.
    pub fn halve(&mut self) {
        self.packed = (self.packed / 2).max(LEAST);
    }
    /// An exchange went through.
    pub fn double(&mut self) {
        self.packed = self.packed.saturating_mul(2).min(MOST);
    }
    /// What compression makes of a message.
    pub fn measured(&mut self, raw: usize, packed: usize) {
        if raw >= 4_096 {
            let percent = (packed as u64).saturating_mul(100) / raw as u64;
            self.ratio = u32::try_from(percent.clamp(5, 100)).unwrap_or(100);
        }
    }
    /// Compressed bytes of the next exchange.
    pub fn packed(&self) -> u32 {
        self.packed
    }
    /// Bytes before compression of the next exchange.
    pub fn raw(&self) -> u32 {
        let raw = u64::from(self.packed) * 100 / u64::from(self.ratio.max(1));
        u32::try_from(raw.min(RAW_MOST)).unwrap_or(u32::MAX)
    }
}

/// A push: contiguous items of one actor.
#[derive(Clone, PartialEq, Debug)]
pub struct Batch {
    /// The actor.
    pub actor: ActorState,
    /// h before the first item.
    pub before: ChainPoint,
    /// The items.
    pub items: Vec<Item>,
    /// Whether something is left for another push.
    pub more: bool,
}

/// The next push: what the server lacks of the oldest actor of which it lacks something, at most about `raw` bytes.
pub fn batch(store: &dyn Store, profile: &Profile, raw: u32) -> Result<Batch, SessionError> {
    let unsent = profile.actors.iter().find(|a| a.has_unsent());
    let current = unsent.or(profile.actors.last()).cloned();
    let actor = current.ok_or(SessionError::FormClosed)?;
    let mut out = Batch {
        before: actor.acked,
        items: Vec::new(),
        more: false,
        actor,
    };
    if unsent.is_none() {
        return Ok(out);
    }
    let mut bytes = 0u64;
    let mut after = out.actor.acked.seq;
    'queue: loop {
        let chunk = store.own_after(out.actor.actor, after, CHUNK)?;
        let Some(last) = chunk.last().map(|o| o.dot.seq) else {
            break;
        };
        after = last;
        for own in chunk {
            let size = own.body.as_ref().map_or(64, |c| c.bytes().len() as u64);
            let waits = own.body.as_ref().is_some_and(|c| needs_cursor(profile, c));
            let full = bytes + size > u64::from(raw) || out.items.len() >= ITEMS_MAX;
            if waits || (full && !out.items.is_empty()) {
                break 'queue;
            }
            bytes += size;
            out.items.push(item(own));
        }
    }
    let last = out.items.last().map(Item::seq);
    out.more = last != Some(out.actor.made.seq)
        || profile.actors.iter().filter(|a| a.has_unsent()).count() > 1;
    Ok(out)
}

/// A context that names others is only believed up to what the cursor shown with it has read (§1.7): after a fork or a
/// lost cursor the pull comes first. A revoked profile is given none: what it has goes as it is, into quarantine.
fn needs_cursor(profile: &Profile, change: &Changeset) -> bool {
    !profile.revoked
        && profile.cursor.is_none()
        && change.epoch == profile.epoch
        && change.seen.dots().any(|d| !profile.owns(d.actor))
}

fn item(own: Own) -> Item {
    let (seq, hash) = (own.dot.seq, own.hash);
    match own.body {
        Some(change) if own.fate.opaque => Item::Opaque {
            seq,
            hash,
            bytes: change.bytes().to_vec(),
        },
        Some(change) => Item::Change {
            change: Box::new(change),
            effective: own.fate.effective,
        },
        None => Item::Void { seq, hash },
    }
}
