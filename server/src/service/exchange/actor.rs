//! New actors: drawn at random, never counted, so that a rolled-back file never gives one twice (§5.5).

use tributary_sync_core::change::chain_start;
use tributary_sync_core::ids::{ActorId, InstanceId};
use tributary_sync_core::wire::message::{ActorReply, Grant};

use super::{Caller, Env, Refusal, reply};
use crate::storage::{ActorRow, NewActor, OrgTxn, StorageError};

/// Gives the profile an actor; the same instance gets the same one.
pub fn new_actor(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    instance: InstanceId,
) -> Result<ActorRow, StorageError> {
    if let Some(known) = txn.actor_of_instance(caller.profile, instance)? {
        return Ok(known);
    }
    txn.add_profile(caller.profile, caller.user)?;
    let epoch = txn.epoch()?.id;
    loop {
        let id = ActorId(u32::from_be_bytes(env.random()?).max(1));
        let chain = chain_start(caller.org, id, &caller.device_key);
        let added = txn.add_actor(&NewActor {
            id,
            profile: Some(caller.profile),
            user: Some(caller.user),
            instance: Some(instance),
            device_key: caller.device_key.clone(),
            chain,
            epoch,
        })?;
        if added && let Some(row) = txn.actor(id)? {
            return Ok(row);
        }
    }
}

/// The proof that this number belongs to this profile.
pub fn grant(env: &Env, caller: &Caller, actor: &ActorRow) -> Result<Grant, StorageError> {
    let bytes = Grant::signed_bytes(caller.org, caller.profile, actor.id, actor.epoch);
    Ok(Grant {
        actor: actor.id,
        epoch: actor.epoch,
        sig: env.signer.sign(caller.org, &bytes)?,
    })
}

pub(super) fn reply(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    instance: InstanceId,
) -> Result<ActorReply, Refusal> {
    if txn.stopped()? {
        return Err(Refusal::Stopped);
    }
    let row = new_actor(txn, env, caller, instance)?;
    let grant = grant(env, caller, &row)?;
    Ok(ActorReply {
        actor: row.id,
        grant,
        epoch: txn.epoch()?.id,
        head: reply::head(txn, env)?,
    })
}
