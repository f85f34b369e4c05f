//! Problem documents of the sync protocol: what each means for the device's own state.
//!
//! Not here: whether to try again, which is for [`super::Run`].

use serde::Deserialize;

use super::device::{Phase, Plan, Profile};
use super::error::SessionError;
use super::receive::chain_at;
use super::run::Request;
use super::store::Store;
use super::{epoch, results};
use crate::clock::Dot;
use crate::ids::{ActorId, EpochId, Seq};
use crate::wire::Item;
use crate::wire::message::{ExchangeRequest, PushResult};

/// A problem document, as far as the session reads it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The stable code.
    pub code: String,
    /// Whether the same request may succeed later.
    pub retryable: bool,
    /// `epoch_changed`: the server's epoch.
    pub epoch: Option<EpochId>,
    /// `actor_forked`: whose.
    pub actor: Option<ActorId>,
    /// `actor_forked`: the last number alike; none if the device must compare.
    pub agreed: Option<Seq>,
    /// `actor_forked`: the verdicts up to there.
    pub results: Vec<PushResult>,
    /// `sequence_gap`: the number that comes next.
    pub expected: Option<Seq>,
    /// `item_unreadable`: whose.
    pub seq: Option<Seq>,
    /// The same as an earlier server named it.
    pub sequence: Option<Seq>,
}

impl Problem {
    /// Reads a document. One whose members are not what they should be still tells its code and whether it passes; what
    /// is no document tells nothing.
    pub fn from_json(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).unwrap_or_else(|_| {
            let json: serde_json::Value = serde_json::from_slice(bytes).unwrap_or_default();
            let code = json.get("code").and_then(|c| c.as_str());
            let retryable = json.get("retryable").and_then(|r| r.as_bool());
            Self {
                code: code.unwrap_or_default().to_owned(),
                retryable: retryable.unwrap_or_default(),
                ..Self::default()
            }
        })
    }
}

/// Takes over what a problem document says of the device's own state. False for a code that says nothing of it.
pub(super) fn take(
    store: &mut dyn Store,
    request: &Request,
    problem: &Problem,
) -> Result<bool, SessionError> {
    let mut profile = store.profile()?;
    let code = problem.code.as_str();
    let known = match (code, request) {
        ("epoch_changed", _) => epoch_changed(&mut profile, problem),
        ("actor_forked", Request::Exchange(r)) if r.epoch == profile.epoch => {
            forked(store, &mut profile, r.actor, problem)?
        }
        ("actor_closed", Request::Exchange(r)) => closed(&mut profile, r.actor),
        ("actor_unknown", Request::Exchange(_)) | ("loss_refused", Request::Lost(_)) => {
            profile.phase = Phase::Compare {
                epoch: profile.epoch,
            };
            true
        }
        ("sequence_gap", Request::Exchange(r)) => {
            gap(store, &mut profile, r.actor, problem.expected)?
        }
        ("item_unreadable", Request::Exchange(r)) => {
            unreadable(store, r, problem.seq.or(problem.sequence))?
        }
        ("cursor_invalid", Request::Exchange(r)) => {
            if profile.cursor == r.cursor {
                profile.cursor = None;
            }
            true
        }
        _ => false,
    };
    if known {
        store.put_profile(&profile)?;
    }
    Ok(known)
}

fn epoch_changed(profile: &mut Profile, problem: &Problem) -> bool {
    let Some(epoch) = problem.epoch else {
        return false;
    };
    if epoch != profile.epoch || matches!(profile.phase, Phase::Compare { .. }) {
        profile.phase = Phase::Compare { epoch };
    }
    true
}

/// Back to the last agreeing number: told in the answer, or asked for.
fn forked(
    store: &mut dyn Store,
    profile: &mut Profile,
    actor: ActorId,
    problem: &Problem,
) -> Result<bool, SessionError> {
    if problem.actor.is_some_and(|a| a != actor) || profile.phase != Phase::Exchange {
        return Ok(true);
    }
    let known = match problem.agreed {
        Some(agreed) => chain_at(store, profile, actor, agreed)?,
        None => None,
    };
    let Some(agreed) = known.map(|p| p.seq) else {
        profile.phase = Phase::Compare {
            epoch: profile.epoch,
        };
        return Ok(true);
    };
    results::take(store, profile, actor, &problem.results)?;
    profile.phase = Phase::NewActor {
        instance: None,
        plan: plan_from(profile, actor, agreed),
    };
    Ok(true)
}

/// One actor goes back to `keep`; what the server lacks of later ones is made again too.
fn plan_from(profile: &Profile, actor: ActorId, keep: Seq) -> Plan {
    let later = profile.actors.iter().skip_while(|a| a.actor != actor);
    let later = later.skip(1).filter(|a| a.has_unsent());
    let later = later.map(|a| (a.actor, a.acked.seq));
    Plan {
        keep: std::iter::once((actor, keep)).chain(later).collect(),
    }
}

/// An actor that was closed by a loss: what it still has to send is made again.
fn closed(profile: &mut Profile, actor: ActorId) -> bool {
    let Some(state) = profile.actor_mut(actor) else {
        return true;
    };
    state.closed = true;
    let keep = state.acked.seq;
    profile.phase = Phase::NewActor {
        instance: None,
        plan: Plan {
            keep: vec![(actor, keep)],
        },
    };
    true
}

/// The server lacks numbers that it once had acknowledged, without a new epoch: they are sent again, if they are here.
fn gap(
    store: &mut dyn Store,
    profile: &mut Profile,
    actor: ActorId,
    expected: Option<Seq>,
) -> Result<bool, SessionError> {
    let Some(expected) = expected.filter(|e| *e > Seq::ZERO) else {
        return Ok(false);
    };
    let agreed = expected.before();
    if epoch::last_forgotten(store, actor, agreed)?.is_some() {
        return Ok(false);
    }
    let Some(point) = chain_at(store, profile, actor, agreed)? else {
        return Ok(false);
    };
    epoch::unsay(store, actor, agreed)?;
    if let Some(state) = profile.actor_mut(actor) {
        state.acked = point;
    }
    Ok(true)
}

fn unreadable(
    store: &mut dyn Store,
    request: &ExchangeRequest,
    seq: Option<Seq>,
) -> Result<bool, SessionError> {
    let sent_as_opaque = |seq: Seq| {
        let item = request.items.iter().find(|i| i.seq() == seq);
        item.is_none_or(|i| !matches!(i, Item::Change { .. }))
    };
    let Some(seq) = seq.filter(|s| !sent_as_opaque(*s)) else {
        return Ok(false);
    };
    let Some(mut own) = store.own(Dot::new(request.actor, seq))? else {
        return Ok(false);
    };
    own.fate.opaque = true;
    store.put_own(&own)?;
    Ok(true)
}
