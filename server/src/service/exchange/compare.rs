//! Comparison of all actors of a profile: after a fork, and before anything else in a new epoch (§5.3, §5.5).

use tributary_sync_core::change::chain_start;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{Seq, Tombstone};
use tributary_sync_core::wire::message::{
    ActorAgreement, ActorChain, ChainPoint, CompareReply, CompareRequest, Grant, LostRequest,
    SignedTombstone,
};

use super::gate::{chain_at, check_head, check_signature, own_actor};
use super::{Caller, Env, Refusal, push};
use crate::storage::{ActorRow, AuditEntry, NewActor, OrgTxn, StorageError};

/// The tombstones of the request that are news here. A thief may send tombstones of his own; only those that the server
/// once signed count. Looked at before the writer is asked for, because signatures cost time.
pub(super) fn returned(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    request: &CompareRequest,
) -> Result<Vec<Tombstone>, StorageError> {
    let mut signed = Vec::new();
    for stone in &request.tombstones {
        let bytes = SignedTombstone::signed_bytes(caller.org, stone.hash);
        if txn.tombstone(stone.hash)?.is_none() && env.signer.verify(caller.org, &bytes, &stone.sig)
        {
            signed.push(stone.hash);
        }
    }
    Ok(signed)
}

/// What a comparison writes: records are erased again, and actors of before a restore are adopted.
pub(super) fn admit(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    request: &CompareRequest,
    stones: &[Tombstone],
) -> Result<(), Refusal> {
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
    for stone in stones {
        erase_again(txn, env, caller, *stone)?;
    }
    for chain in &request.actors {
        adopt(txn, env, caller, chain)?;
    }
    Ok(())
}

/// Where each actor of the request stands.
pub(super) fn reply(
    txn: &OrgTxn<'_>,
    caller: &Caller,
    request: &CompareRequest,
) -> Result<CompareReply, Refusal> {
    let actors = request
        .actors
        .iter()
        .map(|chain| agreement(txn, caller, chain))
        .collect::<Result<_, _>>()?;
    Ok(CompareReply {
        epoch: txn.epoch()?.id,
        actors,
    })
}

/// A tombstone that a device brings back after a restore: the record is erased again.
fn erase_again(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    stone: Tombstone,
) -> Result<(), Refusal> {
    if txn.tombstone(stone)?.is_some() {
        return Ok(());
    }
    env.ledger.append(caller.org, stone, env.now)?;
    txn.erase(stone, env.now)?;
    let entry = AuditEntry {
        user: Some(caller.user),
        profile: Some(caller.profile),
        action: "record.erase_again",
        subject: Some(stone.to_string()),
        detail: None,
    };
    txn.audit(&entry, env.now)?;
    Ok(())
}

fn agreement(
    txn: &OrgTxn<'_>,
    caller: &Caller,
    chain: &ActorChain,
) -> Result<ActorAgreement, Refusal> {
    let known = txn.actor(chain.actor)?;
    let Some(actor) = known.filter(|a| a.profile == Some(caller.profile)) else {
        return Ok(ActorAgreement {
            actor: chain.actor,
            agreed: Seq::ZERO,
            acked: Seq::ZERO,
            results: Vec::new(),
        });
    };
    let points = agreeing(txn, &actor, &chain.points)?;
    // Only what was named is told: a reply grows with its request, whatever the actor has sent in its life.
    let mut results = Vec::new();
    for point in points {
        if let Some(item) = txn.item(Dot::new(actor.id, point.seq))? {
            results.push(push::result(txn, caller, &item, true)?);
        }
    }
    Ok(ActorAgreement {
        actor: actor.id,
        agreed: points.last().map_or(Seq::ZERO, |p| p.seq),
        acked: actor.acked,
        results,
    })
}

/// The points up to the last one that is the server's too. Each hash covers all before it, so halving finds it.
fn agreeing<'p>(
    txn: &OrgTxn<'_>,
    actor: &ActorRow,
    points: &'p [ChainPoint],
) -> Result<&'p [ChainPoint], Refusal> {
    let (mut agreed, mut beyond) = (0, points.partition_point(|p| p.seq <= actor.acked));
    while agreed < beyond {
        let middle = agreed + (beyond - agreed) / 2;
        let ours = match points.get(middle) {
            Some(point) => chain_at(txn, actor, point.seq)? == Some(point.hash),
            None => false,
        };
        if ours {
            agreed = middle + 1;
        } else {
            beyond = middle;
        }
    }
    Ok(points.get(..agreed).unwrap_or_default())
}

/// Takes in an actor that this file does not know, but that this server granted: the file is from before the grant.
fn adopt(txn: &OrgTxn<'_>, env: &Env, caller: &Caller, chain: &ActorChain) -> Result<(), Refusal> {
    let Some(grant) = chain.grant.as_ref().filter(|g| g.actor == chain.actor) else {
        return Ok(());
    };
    if txn.actor(chain.actor)?.is_some() {
        return Ok(());
    }
    let signed = Grant::signed_bytes(caller.org, caller.profile, grant.actor, grant.epoch);
    if !env.signer.verify(caller.org, &signed, &grant.sig) {
        return Ok(());
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
    Ok(())
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
