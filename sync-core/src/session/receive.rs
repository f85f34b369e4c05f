//! The answer to an exchange: checked first, then taken over in one local transaction.

use super::device::{ActorState, Profile};
use super::error::{ReplyRefused, SessionError};
use super::push::CHUNK;
use super::store::Store;
use super::{pull, rebase, results, status};
use crate::ids::{EpochId, OrgId, Seq};
use crate::wire::message::{
    ActorReply, ChainPoint, Entry, ExchangeReply, ExchangeRequest, Grant, Head, SignedTombstone,
    Status,
};

/// Checks the organisation's signatures. The caller knows the keys; this module says over which bytes.
pub trait Verifier {
    /// Whether a receipt key of the organisation made `signature`, hexadecimal, over `bytes`.
    fn verify(&self, bytes: &[u8], signature: &str) -> bool;
    /// Takes over a new key set, if the pinned root key vouches for it. A key set that is known already is fine.
    fn learn(&mut self, keys: &serde_json::Value) -> bool;
}

/// What an exchange brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Taken {
    /// The server has more to give.
    pub(super) more: bool,
    /// Something was taken over; a late or doubled reply brings nothing.
    pub(super) fresh: bool,
}

/// Takes over a reply to `request`. One that is not signed, or does not fit, changes nothing.
pub(super) fn exchange(
    store: &mut dyn Store,
    verifier: &mut dyn Verifier,
    request: &ExchangeRequest,
    reply: &ExchangeReply,
) -> Result<Taken, SessionError> {
    let mut profile = store.profile()?;
    // An answer of an earlier life says nothing about this one.
    if request.epoch != profile.epoch || reply.epoch != profile.epoch {
        return Ok(Taken::default());
    }
    verify(profile.org, verifier, reply)?;
    fits(store, &profile, request, reply)?;

    revoked(store, &mut profile, reply.revoked)?;
    let voided = results::take(store, &mut profile, request.actor, &reply.results)?;
    acknowledge(store, &mut profile, reply)?;
    keep_head(&mut profile, &reply.head);
    // The pull half counts only where it goes on from.
    let goes_on = request.cursor == profile.cursor && !reply.revoked;
    if goes_on {
        for record in &request.leaves {
            profile.leaves.remove(record);
        }
        pull::apply(store, &mut profile, &reply.entries)?;
        if reply.cursor.is_some() {
            profile.cursor.clone_from(&reply.cursor);
        }
    } else {
        // An erasure is signed and for good, whenever it comes.
        pull::erasures(store, &mut profile, &reply.entries)?;
    }
    if !voided.is_empty() {
        rebase::make_again(store, &mut profile, &voided)?;
    }
    store.put_profile(&profile)?;
    if !reply.more {
        status::forget_copied(store, &profile)?;
    }
    Ok(Taken {
        more: reply.more && !reply.revoked,
        fresh: goes_on,
    })
}

/// The server's word of now counts: a user who was let in again goes on with the same phone. What it asked for before was
/// dropped, so it asks for all that the server took otherwise than as sent.
fn revoked(store: &dyn Store, profile: &mut Profile, revoked: bool) -> Result<(), SessionError> {
    let let_in_again = profile.revoked && !revoked;
    profile.revoked = revoked;
    if revoked {
        profile.refetch.clear();
    }
    if let_in_again {
        for record in store.own_records()? {
            let own = store.own_of(record)?;
            let otherwise = |own: &super::store::Own| {
                let status = own.fate.status;
                status.is_some_and(|s| !matches!(s, Status::Applied | Status::Duplicate))
            };
            if own.iter().any(otherwise) {
                results::want(store, profile, record)?;
            }
        }
    }
    Ok(())
}

fn verify(
    org: OrgId,
    verifier: &mut dyn Verifier,
    reply: &ExchangeReply,
) -> Result<(), ReplyRefused> {
    for entry in &reply.entries {
        if let Entry::Keys { keys, .. } = entry
            && !verifier.learn(keys)
        {
            return Err(ReplyRefused::Signature);
        }
    }
    let tombstones = reply.entries.iter().filter_map(|e| match e {
        Entry::Erased { tombstone, .. } => Some(tombstone),
        _ => None,
    });
    let receipt = reply.receipt.signed_bytes(org);
    let signed = head_is_signed(org, verifier, &reply.head)
        && verifier.verify(&receipt, &reply.receipt.sig)
        && tombstones
            .into_iter()
            .all(|t| verifier.verify(&SignedTombstone::signed_bytes(org, t.hash), &t.sig));
    if signed {
        Ok(())
    } else {
        Err(ReplyRefused::Signature)
    }
}

fn head_is_signed(org: OrgId, verifier: &dyn Verifier, head: &Head) -> bool {
    let bytes = head.signed_bytes(org);
    verifier.verify(&bytes, &head.sig)
}

/// A receipt is believed only for the chain that this device has.
fn fits(
    store: &dyn Store,
    profile: &Profile,
    request: &ExchangeRequest,
    reply: &ExchangeReply,
) -> Result<(), SessionError> {
    let of_request = reply.receipt.actor == request.actor
        && reply.receipt.epoch == reply.epoch
        && reply.head.epoch == reply.epoch
        && reply.acked.seq == reply.receipt.seq
        && reply.acked.hash == reply.receipt.hash;
    // A reply from before a fork may speak of numbers that were made again since.
    let known = chain_at(store, profile, request.actor, reply.acked.seq)?;
    let same = known.is_none_or(|h| h == reply.acked);
    let made = profile.actor(request.actor).is_some();
    if of_request && same && made {
        Ok(())
    } else {
        Err(ReplyRefused::Mismatch.into())
    }
}

/// The chain of an actor at a number, if the device still knows it.
pub(super) fn chain_at(
    store: &dyn Store,
    profile: &Profile,
    actor: crate::ids::ActorId,
    seq: Seq,
) -> Result<Option<ChainPoint>, SessionError> {
    let Some(state) = profile.actor(actor) else {
        return Ok(None);
    };
    for point in [state.base, state.made, state.acked] {
        if point.seq == seq {
            return Ok(Some(point));
        }
    }
    let own = store.own(crate::clock::Dot::new(actor, seq))?;
    Ok(own.map(|o| ChainPoint { seq, hash: o.chain }))
}

fn acknowledge(
    store: &dyn Store,
    profile: &mut Profile,
    reply: &ExchangeReply,
) -> Result<(), SessionError> {
    let receipt = &reply.receipt;
    if let Some(actor) = profile.actor_mut(receipt.actor)
        && receipt.seq <= actor.made.seq
    {
        if receipt.seq > actor.acked.seq {
            actor.acked = told(store, actor, reply.acked)?;
        }
        actor.copied = actor.copied.max(receipt.copied_seq.min(receipt.seq));
    }
    profile.copied = profile.copied.max(receipt.copied);
    Ok(())
}

/// How far an actor is done: up to what the server has, but no further than this device was told what became of it. The
/// server may have more than was asked about, from a bundle or from a request whose answer was lost; that is sent again,
/// known by its number, and answered with its status.
fn told(
    store: &dyn Store,
    actor: &ActorState,
    has: ChainPoint,
) -> Result<ChainPoint, SessionError> {
    let mut point = actor.acked;
    loop {
        let chunk = store.own_after(actor.actor, point.seq, CHUNK)?;
        let end = chunk.is_empty();
        for own in chunk {
            if own.dot.seq > has.seq {
                return Ok(has);
            }
            let nothing_to_tell = own.record.is_none() && own.body.is_none();
            if own.fate.status.is_none() && !nothing_to_tell {
                return Ok(point);
            }
            point = ChainPoint {
                seq: own.dot.seq,
                hash: own.chain,
            };
        }
        if end {
            return Ok(has);
        }
    }
}

/// The highest head of the epoch stays, whatever order the answers come in (§5.6).
pub(super) fn keep_head(profile: &mut Profile, head: &Head) {
    let higher = profile.head.as_ref().is_none_or(|kept| {
        kept.epoch != head.epoch || (head.pos, head.copied) > (kept.pos, kept.copied)
    });
    if head.epoch == profile.epoch && higher {
        profile.copied = profile.copied.max(head.copied);
        profile.head = Some(head.clone());
    }
}

/// Whether a granted actor is really the server's gift to this profile, in `epoch`.
pub(super) fn granted(
    profile: &Profile,
    verifier: &dyn Verifier,
    reply: &ActorReply,
) -> Result<EpochId, ReplyRefused> {
    let grant = &reply.grant;
    let bytes = Grant::signed_bytes(profile.org, profile.profile, grant.actor, grant.epoch);
    if grant.actor != reply.actor {
        return Err(ReplyRefused::Mismatch);
    }
    if verifier.verify(&bytes, &grant.sig) && head_is_signed(profile.org, verifier, &reply.head) {
        Ok(reply.epoch)
    } else {
        Err(ReplyRefused::Signature)
    }
}
