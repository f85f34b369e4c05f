//! Comparison of all actors of a profile: after a fork, and before anything else in a new epoch (§5.3, §5.5).

use tributary_sync_core::change::chain_start;
use tributary_sync_core::ids::Seq;
use tributary_sync_core::wire::message::{
    ActorAgreement, ActorChain, CompareReply, CompareRequest, Grant, LostRequest, SignedTombstone,
};

use super::gate::{chain_at, check_head, check_signature, own_actor};
use super::{Caller, Env, Refusal, push};
use crate::storage::{ActorRow, AuditEntry, NewActor, OrgTxn};

/// Where each actor of the request stands.
pub(super) fn compare(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    request: &CompareRequest,
) -> Result<CompareReply, Refusal> {
    if txn.stopped()? {
        return Err(Refusal::Stopped);
    }
    let epoch = txn.epoch()?.id;
    if request.epoch != epoch {
        return Err(Refusal::EpochChanged { epoch });
    }
    let head = request.head.as_ref().filter(|h| h.epoch == epoch);
    check_signature(env, caller.org, head)?;
    check_head(txn, head)?;
    for stone in &request.tombstones {
        returned(txn, env, caller, stone)?;
    }
    let actors = request
        .actors
        .iter()
        .map(|chain| agreement(txn, env, caller, chain))
        .collect::<Result<_, _>>()?;
    Ok(CompareReply { epoch, actors })
}

/// A tombstone that a device brings back after a restore: the record is erased again.
fn returned(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    stone: &SignedTombstone,
) -> Result<(), Refusal> {
    let signed = SignedTombstone::signed_bytes(caller.org, stone.hash);
    // A thief may send tombstones of his own; only those that the server once signed count.
    if txn.tombstone(stone.hash)?.is_some() || !env.signer.verify(caller.org, &signed, &stone.sig) {
        return Ok(());
    }
    env.ledger.append(caller.org, stone.hash, env.now)?;
    txn.erase(stone.hash, env.now)?;
    let entry = AuditEntry {
        user: Some(caller.user),
        profile: Some(caller.profile),
        action: "record.erase_again",
        subject: Some(stone.hash.to_string()),
        detail: None,
    };
    txn.audit(&entry, env.now)?;
    Ok(())
}

fn agreement(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    chain: &ActorChain,
) -> Result<ActorAgreement, Refusal> {
    let Some(actor) = known_or_adopted(txn, env, caller, chain)? else {
        return Ok(ActorAgreement {
            actor: chain.actor,
            agreed: Seq::ZERO,
            acked: Seq::ZERO,
            results: Vec::new(),
        });
    };
    let mut agreed = Seq::ZERO;
    for point in chain.points.iter().filter(|p| p.seq <= actor.acked) {
        if chain_at(txn, &actor, point.seq)? == Some(point.hash) {
            agreed = agreed.max(point.seq);
        }
    }
    let first = chain.points.first().map_or(Seq::ZERO, |p| p.seq);
    let results = push::results(txn, caller, actor.id, first, agreed, true)?;
    Ok(ActorAgreement {
        actor: actor.id,
        agreed,
        acked: actor.acked,
        results,
    })
}

/// An actor that this file does not know, but that this server granted: the file is from before the grant.
fn known_or_adopted(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    chain: &ActorChain,
) -> Result<Option<ActorRow>, Refusal> {
    if let Some(known) = txn.actor(chain.actor)? {
        return Ok(Some(known).filter(|a| a.profile == Some(caller.profile)));
    }
    let Some(grant) = chain.grant.as_ref().filter(|g| g.actor == chain.actor) else {
        return Ok(None);
    };
    let signed = Grant::signed_bytes(caller.org, caller.profile, grant.actor, grant.epoch);
    if !env.signer.verify(caller.org, &signed, &grant.sig) {
        return Ok(None);
    }
    txn.add_profile(caller.profile, caller.user)?;
    txn.add_actor(&NewActor {
        id: grant.actor,
        profile: Some(caller.profile),
        user: Some(caller.user),
        instance: None,
        device_key: caller.device_key.clone(),
        chain: chain_start(caller.org, grant.actor, &caller.device_key),
        epoch: grant.epoch,
    })?;
    Ok(txn.actor(grant.actor)?)
}

/// Closes an actor whose bodies the device no longer has; only for actors of an earlier epoch, and only from the number
/// after the last one that is here.
pub(super) fn lost(
    txn: &OrgTxn<'_>,
    caller: &Caller,
    request: &LostRequest,
) -> Result<(), Refusal> {
    if txn.stopped()? {
        return Err(Refusal::Stopped);
    }
    let epoch = txn.epoch()?.id;
    if request.epoch != epoch {
        return Err(Refusal::EpochChanged { epoch });
    }
    if request.first == Seq::ZERO || request.first > request.last.seq {
        return Err(Refusal::LossInvalid);
    }
    let actor = own_actor(txn, caller, request.actor)?;
    // A device that compared since the restore starts where the server's numbers end; if a twin has brought some of them
    // meanwhile, it must compare again. Nothing is taken under a closed actor, so a repeated report fits again.
    if actor.epoch == epoch || actor.acked.next() != Ok(request.first) {
        return Err(Refusal::LossRefused);
    }
    txn.close_actor(actor.id)?;
    Ok(())
}
