//! One run of syncing: the next request, and what becomes of its answer. Holds only what may be forgotten in a crash.

use super::device::{Phase, Profile};
use super::error::{ReplyRefused, SessionError};
use super::problem::{self, Problem};
use super::push::{Pace, batch};
use super::receive::{self, Verifier};
use super::store::Store;
use super::{actor, epoch};
use crate::clock::Dot;
use crate::ids::InstanceId;
use crate::wire::message::{
    ActorReply, ActorRequest, CompareReply, CompareRequest, ExchangeReply, ExchangeRequest,
    LEAVES_MAX, LostRequest, REFETCH_MAX,
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
    /// Tombstones that went ahead of a comparison.
    told: usize,
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
                let request = epoch::compare_request(store, &profile, epoch, self.told)?;
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
            leaves: profile.leaves.iter().copied().take(LEAVES_MAX).collect(),
            refetch: profile.refetch.iter().copied().take(REFETCH_MAX).collect(),
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
                let acked = profile.actor(request.actor).map(|a| a.acked.seq);
                let stuck = request.items.last().is_some_and(|i| acked < Some(i.seq()));
                Ok(if stuck {
                    self.trouble("not_acknowledged")
                } else {
                    Next::Again
                })
            }
            (Request::Compare(request), Reply::Compare(reply))
                if request.actors.is_empty() && request.epoch == reply.epoch =>
            {
                self.told = self.told.saturating_add(request.tombstones.len());
                Ok(Next::Again)
            }
            (Request::Compare(request), Reply::Compare(reply)) => {
                self.told = 0;
                epoch::compared(store, request, reply)?;
                self.done = false;
                Ok(self.trouble("compare"))
            }
            (Request::NewActor(request), Reply::NewActor(reply)) => {
                actor::granted(store, verifier, request, reply)?;
                self.done = false;
                Ok(Next::Again)
            }
            (Request::Lost(request), Reply::Lost) => {
                actor::lost(store, request)?;
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
        self.told = 0;
        let known = problem::take(store, request, problem)?;
        let code = problem.code.clone();
        if !known {
            let later = problem.retryable
                || matches!(code.as_str(), "organisation_stopped" | "quarantine_full");
            return Ok(if later {
                Next::Later { code }
            } else {
                Next::Stop { code }
            });
        }
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
