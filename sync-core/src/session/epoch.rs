//! Where all actors stand: asked after a fork, and first thing in a new epoch (§5.3, §5.5).

use super::device::{ActorState, Lost, Phase, Plan, Profile};
use super::error::{ReplyRefused, SessionError};
use super::receive::chain_at;
use super::store::{Fate, Store};
use super::{rebase, results};
use crate::error::ParseError;
use crate::ids::{ActorId, EpochId, LogPos, Seq};
use crate::wire::message::{
    ActorAgreement, ActorChain, ChainPoint, CompareReply, CompareRequest, TOMBSTONES_MAX,
};

/// Tells the server all that the device knows of its actors. Tombstones that do not fit beside them go ahead, without an
/// actor; `told` is how many have.
pub(super) fn compare_request(
    store: &dyn Store,
    profile: &Profile,
    epoch: EpochId,
    told: usize,
) -> Result<CompareRequest, SessionError> {
    let head = profile.head.clone().filter(|h| h.epoch == epoch);
    let mut tombstones = store.tombstones()?;
    tombstones.drain(..told.min(tombstones.len()));
    if tombstones.len() > TOMBSTONES_MAX {
        tombstones.truncate(TOMBSTONES_MAX);
        return Ok(CompareRequest {
            epoch,
            head,
            actors: Vec::new(),
            tombstones,
        });
    }
    let mut actors = Vec::with_capacity(profile.actors.len());
    for actor in &profile.actors {
        let mut points = vec![actor.base];
        points.extend(store.chain_after(actor.actor, actor.base.seq)?);
        if points.len() > 1 && actor.base.seq == Seq::ZERO {
            points.remove(0);
        }
        actors.push(ActorChain {
            actor: actor.actor,
            grant: Some(actor.grant.clone()),
            points,
        });
    }
    Ok(CompareRequest {
        epoch,
        head,
        actors,
        tombstones,
    })
}

/// What has to happen, as it adds up over the actors.
#[derive(Default)]
struct Findings {
    forked: bool,
    losses: Vec<Lost>,
    plan: Plan,
}

/// Takes over where the server stands and decides what follows.
pub(super) fn compared(
    store: &mut dyn Store,
    request: &CompareRequest,
    reply: &CompareReply,
) -> Result<(), SessionError> {
    let mut profile = store.profile()?;
    if profile.phase
        != (Phase::Compare {
            epoch: request.epoch,
        })
    {
        return Ok(());
    }
    if reply.epoch != request.epoch {
        profile.phase = Phase::Compare { epoch: reply.epoch };
        return Ok(store.put_profile(&profile)?);
    }
    let asked = request.actors.iter().map(|a| a.actor);
    if !asked.eq(reply.actors.iter().map(|a| a.actor)) {
        return Err(ReplyRefused::Mismatch.into());
    }
    if profile.epoch != reply.epoch {
        adopt(&mut profile, reply.epoch);
        unjudge(store, &profile)?;
    }
    let mut found = Findings::default();
    let mut voided = Vec::new();
    for agreement in &reply.actors {
        let Some(actor) = profile.actor(agreement.actor).cloned() else {
            continue;
        };
        voided.extend(results::take(
            store,
            &mut profile,
            agreement.actor,
            &agreement.results,
        )?);
        if !actor.closed {
            judge(store, &mut profile, &actor, agreement, &mut found)?;
        }
    }
    profile.phase = if !found.losses.is_empty() {
        Phase::Lost {
            losses: found.losses,
            plan: found.plan,
        }
    } else if !found.plan.keep.is_empty() {
        Phase::NewActor {
            instance: None,
            plan: found.plan,
        }
    } else {
        Phase::Exchange
    };
    if !voided.is_empty() {
        rebase::make_again(store, &mut profile, &voided)?;
    }
    Ok(store.put_profile(&profile)?)
}

/// From now on the device lives in the new epoch; its scope is pulled once as a whole.
fn adopt(profile: &mut Profile, epoch: EpochId) {
    profile.epoch = epoch;
    profile.cursor = None;
    profile.refetch.clear();
    profile.copied = LogPos::ZERO;
    profile.actors.iter_mut().for_each(|a| a.copied = Seq::ZERO);
}

/// What a coordinator judged may wait again in an older copy: the first pull of the epoch tells the verdicts that stand.
fn unjudge(store: &mut dyn Store, profile: &Profile) -> Result<(), SessionError> {
    for actor in &profile.actors {
        for mut own in store.own_after(actor.actor, Seq::ZERO, usize::MAX)? {
            if own.fate.judged.take().is_some() {
                store.put_own(&own)?;
            }
        }
    }
    Ok(())
}

fn judge(
    store: &mut dyn Store,
    profile: &mut Profile,
    actor: &ActorState,
    agreement: &ActorAgreement,
    found: &mut Findings,
) -> Result<(), SessionError> {
    let (id, base, made) = (actor.actor, actor.base, actor.made);
    let agreed = agreement.agreed.min(made.seq);
    // What was emptied is known by its last hash only.
    if agreed < base.seq {
        unsay(store, id, base.seq)?;
        if agreement.acked < base.seq {
            let first = agreement.acked.next()?;
            found.losses.push(Lost {
                actor: id,
                first,
                last: base,
            });
        } else {
            found.forked = true;
        }
        found.plan.keep.push((id, base.seq));
        return Ok(());
    }
    unsay(store, id, agreed)?;
    // An older actor, left behind at a fork, may have gone on under a twin.
    let current = profile.actors.last().is_some_and(|a| a.actor == id);
    if agreement.acked > agreed && (made.seq > agreed || current) {
        found.forked = true;
        found.plan.keep.push((id, agreed));
    } else if found.forked && made.seq > agreed {
        found.plan.keep.push((id, agreed));
    } else if let Some(last) = last_forgotten(store, id, agreed)? {
        let first = agreed.next()?;
        found.losses.push(Lost {
            actor: id,
            first,
            last,
        });
        // What the device still holds of it is made again.
        found.plan.keep.push((id, agreed));
    }
    let point = chain_at(store, profile, id, agreed)?;
    let point = point.ok_or(SessionError::Parse(ParseError::Bytes("chain")))?;
    if let Some(state) = profile.actor_mut(id) {
        state.acked = point;
        state.copied = state.copied.min(agreed);
    }
    Ok(())
}

/// The server no longer has what an actor made above `agreed`: it is unsent again. A resend repeats its effective clock.
pub(super) fn unsay(
    store: &mut dyn Store,
    actor: ActorId,
    agreed: Seq,
) -> Result<(), SessionError> {
    for mut own in store.own_after(actor, agreed, usize::MAX)? {
        if own.fate.status.is_some() {
            own.fate = Fate {
                sent: own.fate.sent,
                opaque: own.fate.opaque,
                effective: own.fate.effective,
                ..Fate::default()
            };
            store.put_own(&own)?;
        }
    }
    Ok(())
}

/// The last number above `agreed` whose body the device forgot because a copy held it.
pub(super) fn last_forgotten(
    store: &dyn Store,
    actor: ActorId,
    agreed: Seq,
) -> Result<Option<ChainPoint>, SessionError> {
    let later = store.own_after(actor, agreed, usize::MAX)?;
    let gone = later
        .iter()
        .rfind(|o| o.body.is_none() && o.record.is_some());
    Ok(gone.map(|o| ChainPoint {
        seq: o.dot.seq,
        hash: o.chain,
    }))
}
