//! One run of syncing: the next request, and what becomes of its answer. Holds only what may be forgotten in a crash.

use serde::Deserialize;

use super::device::{Phase, Plan, Profile};
use super::error::{ReplyRefused, SessionError};
use super::push::{Pace, batch};
use super::receive::{self, Verifier, chain_at};
use super::store::Store;
use super::{epoch, rebase, results};
use crate::change::chain_start;
use crate::clock::Dot;
use crate::ids::{ActorId, EpochId, InstanceId, Seq};
use crate::wire::Item;
use crate::wire::message::{
    ActorReply, ActorRequest, CompareReply, CompareRequest, ExchangeReply, ExchangeRequest,
    LostRequest, PushResult,
};

/// What to send next.
#[derive(Clone, PartialEq, Debug)]
pub enum Request {
    /// `POST /sync/v1/exchange`
    Exchange(Box<ExchangeRequest>),
    /// `POST /sync/v1/compare`
    Compare(CompareRequest),
    /// `POST /sync/v1/actor`
    NewActor(ActorRequest),
    /// `POST /sync/v1/lost`
    Lost(LostRequest),
    /// The run is over.
    Nothing,
}

/// What came back.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// To an exchange.
    Exchange(Box<ExchangeReply>),
    /// To a comparison.
    Compare(CompareReply),
    /// To the asking for an actor.
    NewActor(ActorReply),
    /// To the report of a loss.
    Lost,
}

/// A problem document, as far as the session reads it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Problem {
    /// The stable code.
    pub code: String,
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
}

/// How to go on after an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Next {
    /// Ask for the next request at once.
    Again,
    /// End this run; the same request may go through later.
    Later {
        /// The code that said so.
        code: String,
    },
    /// End this run: a person has to do something.
    Stop {
        /// The code that said so.
        code: String,
    },
}

/// How often one run may be told the same trouble before it stops.
const PATIENCE: u32 = 8;

/// One run.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// How large requests are.
    pub pace: Pace,
    /// The program and its version, shown to the coordinator.
    pub client: Option<String>,
    done: bool,
    troubles: u32,
}

impl Run {
    /// A run by `client`.
    pub fn new(client: Option<String>) -> Self {
        Self {
            client,
            ..Self::default()
        }
    }

    /// Makes sure that there is at least one more exchange: something was saved, or time has passed.
    pub fn again(&mut self) {
        self.done = false;
        self.troubles = 0;
    }

    /// The next request. `random` names a request for a new actor, should this be one; it is stored here, before
    /// anything is sent.
    pub fn next_request(
        &mut self,
        store: &mut dyn Store,
        random: [u8; 16],
        now_ms: u64,
    ) -> Result<Request, SessionError> {
        let mut profile = store.profile()?;
        match &mut profile.phase {
            Phase::Exchange => self.exchange(store, &profile, now_ms),
            Phase::Compare { epoch } => {
                let epoch = *epoch;
                let request = epoch::compare_request(store, &profile, epoch)?;
                Ok(Request::Compare(request))
            }
            Phase::Lost { losses, .. } => match losses.first() {
                Some(lost) => Ok(Request::Lost(LostRequest {
                    epoch: profile.epoch,
                    actor: lost.actor,
                    first: lost.first,
                    last: lost.last,
                })),
                None => Ok(Request::Nothing),
            },
            Phase::NewActor { instance, .. } => {
                let instance = *instance.get_or_insert(InstanceId::from_bytes(random));
                store.put_profile(&profile)?;
                Ok(Request::NewActor(ActorRequest { instance }))
            }
        }
    }

    fn exchange(
        &mut self,
        store: &mut dyn Store,
        profile: &Profile,
        now_ms: u64,
    ) -> Result<Request, SessionError> {
        let raw = self.pace.raw();
        let batch = batch(store, profile, raw)?;
        if self.done && batch.items.is_empty() && !batch.more {
            return Ok(Request::Nothing);
        }
        for item in &batch.items {
            let dot = Dot::new(batch.actor.actor, item.seq());
            if let Some(mut own) = store.own(dot)?
                && !own.fate.sent
            {
                own.fate.sent = true;
                store.put_own(&own)?;
            }
        }
        Ok(Request::Exchange(Box::new(ExchangeRequest {
            actor: batch.actor.actor,
            epoch: profile.epoch,
            head: profile.head.clone(),
            cursor: profile.cursor.clone(),
            chain: batch.actor.made,
            first: batch.before.seq.next()?,
            before: batch.before.hash,
            items: batch.items,
            leaves: profile.leaves.iter().copied().collect(),
            refetch: profile.refetch.iter().copied().take(1_000).collect(),
            max_bytes: raw,
            device_time: Some(now_ms),
            client: self.client.clone(),
        })))
    }

    /// Takes over the reply to `request`. On an error nothing of it counts: the caller rolls back.
    pub fn receive(
        &mut self,
        store: &mut dyn Store,
        verifier: &mut dyn Verifier,
        request: &Request,
        reply: &Reply,
    ) -> Result<Next, SessionError> {
        match (request, reply) {
            (Request::Exchange(request), Reply::Exchange(reply)) => {
                let taken = receive::exchange(store, verifier, request, reply)?;
                let profile = store.profile()?;
                let asked = |r| request.refetch.contains(r);
                let wanted = !profile.refetch.iter().all(asked) || !profile.leaves.is_empty();
                self.done = taken.fresh && !taken.more && !wanted || profile.revoked;
                Ok(Next::Again)
            }
            (Request::Compare(request), Reply::Compare(reply)) => {
                epoch::compared(store, request, reply)?;
                self.done = false;
                Ok(self.trouble("compare"))
            }
            (Request::NewActor(request), Reply::NewActor(reply)) => {
                new_actor(store, verifier, request, reply)?;
                self.done = false;
                Ok(Next::Again)
            }
            (Request::Lost(request), Reply::Lost) => {
                lost(store, request)?;
                Ok(Next::Again)
            }
            _ => Err(ReplyRefused::Mismatch.into()),
        }
    }

    /// Takes over a problem document that answered `request`.
    pub fn receive_problem(
        &mut self,
        store: &mut dyn Store,
        request: &Request,
        problem: &Problem,
    ) -> Result<Next, SessionError> {
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
            ("item_unreadable", Request::Exchange(r)) => unreadable(store, r, problem.seq)?,
            ("cursor_invalid", Request::Exchange(r)) => {
                if profile.cursor == r.cursor {
                    profile.cursor = None;
                }
                true
            }
            _ => false,
        };
        let code = code.to_owned();
        if !known {
            return Ok(match code.as_str() {
                "organisation_stopped"
                | "quarantine_full"
                | "disk_full"
                | "rate_limited"
                | "storage_failed"
                | "server_busy" => Next::Later { code },
                _ => Next::Stop { code },
            });
        }
        store.put_profile(&profile)?;
        self.done = false;
        Ok(self.trouble(&code))
    }

    fn trouble(&mut self, code: &str) -> Next {
        self.troubles += 1;
        if self.troubles > PATIENCE {
            Next::Stop {
                code: code.to_owned(),
            }
        } else {
            Next::Again
        }
    }
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

fn new_actor(
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
    let key =
        hex::decode(&profile.device_key).map_err(|_| crate::error::ParseError::Id("device key"))?;
    let start = chain_start(profile.org, reply.actor, &key);
    let state = super::device::ActorState::new(reply.grant.clone(), start);
    rebase::rebase(store, &mut profile, &plan, state)?;
    receive::keep_head(&mut profile, &reply.head);
    if epoch != profile.epoch {
        profile.phase = Phase::Compare { epoch };
    }
    Ok(store.put_profile(&profile)?)
}

fn lost(store: &mut dyn Store, request: &LostRequest) -> Result<(), SessionError> {
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
