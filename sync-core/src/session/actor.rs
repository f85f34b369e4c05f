//! A new actor after a fork or a loss, and the report of a loss.

use super::device::{ActorState, Phase};
use super::error::{ReplyRefused, SessionError};
use super::rebase;
use super::receive::{self, Verifier};
use super::store::Store;
use crate::change::chain_start;
use crate::error::ParseError;
use crate::wire::message::{ActorReply, ActorRequest, LostRequest};

/// The server gave an actor: go on under it.
pub(super) fn granted(
    store: &mut dyn Store,
    verifier: &mut dyn Verifier,
    request: &ActorRequest,
    reply: &ActorReply,
) -> Result<(), SessionError> {
    let mut profile = store.profile()?;
    let Phase::NewActor { instance, plan } = profile.phase.clone() else {
        return Ok(());
    };
    if instance != Some(request.instance) {
        return Ok(());
    }
    let epoch = receive::granted(&profile, verifier, reply)?;
    if profile.owns(reply.actor) {
        return Err(ReplyRefused::Mismatch.into());
    }
    let key = hex::decode(&profile.device_key).map_err(|_| ParseError::Id("device key"))?;
    let start = chain_start(profile.org, reply.actor, &key);
    let state = ActorState::new(reply.grant.clone(), start);
    rebase::rebase(store, &mut profile, &plan, state)?;
    receive::keep_head(&mut profile, &reply.head);
    if epoch != profile.epoch {
        profile.phase = Phase::Compare { epoch };
    }
    Ok(store.put_profile(&profile)?)
}

/// The server heard of a loss; after the last one a new actor is asked for.
pub(super) fn lost(store: &mut dyn Store, request: &LostRequest) -> Result<(), SessionError> {
    let mut profile = store.profile()?;
    let Phase::Lost { losses, plan } = &mut profile.phase else {
        return Ok(());
    };
    losses.retain(|l| l.actor != request.actor);
    if losses.is_empty() {
        profile.phase = Phase::NewActor {
            instance: None,
            plan: std::mem::take(plan),
        };
    }
    if let Some(state) = profile.actor_mut(request.actor) {
        state.closed = true;
    }
    Ok(store.put_profile(&profile)?)
}
