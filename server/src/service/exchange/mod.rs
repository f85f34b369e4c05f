//! The sync protocol on the server's side: push, then pull, in one exchange; comparison after forks and restores; new
//! actors.
//!
//! The push runs in a savepoint of the group commit, the pull over a snapshot taken after it. Every outcome that the
//! protocol knows is a value; [`Refusal`] is for requests that have no effect.

mod actor;
mod compare;
mod context;
mod cursor;
mod gate;
mod merge;
mod people;
mod pull;
mod push;
mod reply;
mod scope;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use thiserror::Error;
use tributary_sync_core::ids::{ActorId, EpochId, OrgId, ProfileId, Seq, UserId};
use tributary_sync_core::wire::message::{
    ActorReply, ActorRequest, CompareReply, CompareRequest, ExchangeReply, ExchangeRequest,
    LostRequest, PushResult,
};

use super::access::Role;
use super::env::Env;
use crate::storage::{OrgFiles, StorageError};

pub use actor::{grant, new_actor};
pub(super) use context::checked_context;
pub(super) use merge::effective;
pub use merge::{Author, Merger, Refused, status};
pub(super) use people::{follow as follow_people, owe as owe_people};
pub(super) use push::meta_code;
pub use reply::head;
pub use scope::set_assigned;
pub(super) use scope::{follow_holders, follow_holders_at, given_up, made};

/// Who exchanges.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The organisation of the credential.
    pub org: OrgId,
    /// The profile of the credential.
    pub profile: ProfileId,
    /// Its user.
    pub user: UserId,
    /// The user's role as of now.
    pub role: Role,
    /// Revoked: may only push, only into quarantine.
    pub revoked: bool,
    /// The device's public key, an uncompressed SEC1 point: where its chains start.
    pub device_key: Vec<u8>,
}

/// A request that had no effect.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Somebody was shown a log that this file does not extend.
    #[error("writing has stopped in this organisation: its data folder was rolled back or copied")]
    Stopped,
    /// The server was restored or moved since; the device compares its actors first.
    #[error("the server was restored since this device last synced")]
    EpochChanged {
        /// The epoch in force.
        epoch: EpochId,
    },
    /// Device and server differ on what this actor wrote.
    #[error(
        "this phone's store was copied or restored: the server has other changes under its number"
    )]
    Forked {
        /// The actor.
        actor: ActorId,
        /// The last number that both have alike; none if the device must ask by `compare`.
        agreed: Option<Seq>,
        /// The status of the numbers up to it that the request named.
        results: Vec<PushResult>,
    },
    /// Numbers are missing.
    #[error("changes are missing before number {}", .expected.get())]
    Gap {
        /// The number that comes next.
        expected: Seq,
    },
    /// The chain does not fit the items.
    #[error("the chain does not fit the items sent")]
    ChainInvalid,
    /// The cursor is of another epoch, another profile, or nobody's.
    #[error("this cursor cannot be read: start the pull again without one")]
    CursorInvalid,
    /// The head is not one that this server signed.
    #[error("the head shown was not signed by this organisation")]
    HeadInvalid,
    /// No such actor of this profile.
    #[error("this number does not belong to this device")]
    ActorUnknown,
    /// The actor was closed by a loss.
    #[error("this number was closed after a loss: ask for a new one")]
    ActorClosed,
    /// The actor may not be closed: it is of the epoch in force.
    #[error("a loss is only taken after a restore, from the first number that the server lacks")]
    LossRefused,
    /// The range of a loss is none.
    #[error("the lost numbers named are no range")]
    LossInvalid,
    /// The quarantine of this profile is full.
    #[error("the quarantine of this device is full")]
    QuarantineFull,
    /// Below the rules.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Refusal {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Stopped => "organisation_stopped",
            Self::EpochChanged { .. } => "epoch_changed",
            Self::Forked { .. } => "actor_forked",
            Self::Gap { .. } => "sequence_gap",
            Self::ChainInvalid => "chain_invalid",
            Self::CursorInvalid => "cursor_invalid",
            Self::HeadInvalid => "head_invalid",
            Self::ActorUnknown => "actor_unknown",
            Self::ActorClosed => "actor_closed",
            Self::LossRefused => "loss_refused",
            Self::LossInvalid => "loss_invalid",
            Self::QuarantineFull => "quarantine_full",
            Self::Storage(StorageError::Full) => "disk_full",
            Self::Storage(StorageError::Crowded) => "overloaded",
            Self::Storage(_) => "storage_failed",
        }
    }
}

/// Push, commit, pull.
pub fn exchange(
    files: &OrgFiles,
    env: &Env,
    caller: &Caller,
    request: ExchangeRequest,
) -> Result<ExchangeReply, Refusal> {
    gate::check_signature(env, caller.org, request.head.as_ref())?;
    let request = Arc::new(request);
    let (work_env, work_caller, work_request) = (env.clone(), caller.clone(), Arc::clone(&request));
    let checked = files.write(caller.org, move |txn| {
        // A gate that finds a rolled-back file must leave its mark: the refusal travels as a value.
        match gate::check(txn, &work_caller, &work_request) {
            Err(Refusal::Stopped) => {
                txn.set_stopped(true)?;
                Ok(Err(Refusal::Stopped))
            }
            Err(refusal) => Err(refusal),
            Ok(passed) => push::push(txn, &work_env, &work_caller, &work_request, passed).map(Ok),
        }
    })?;
    let pushed = checked?;
    if pushed.scopes_owed {
        people::catch_up(files, env, caller.org)?;
    }
    files.read(caller.org, |txn| {
        reply::exchange(txn, env, caller, &request, pushed)
    })
}

/// Where device and server agree, actor by actor.
pub fn compare(
    files: &OrgFiles,
    env: &Env,
    caller: &Caller,
    request: CompareRequest,
) -> Result<CompareReply, Refusal> {
    let request = Arc::new(request);
    let stones = files.read(caller.org, |txn| {
        compare::returned(txn, env, caller, &request)
    })?;
    let (env, caller_, asked) = (env.clone(), caller.clone(), Arc::clone(&request));
    let owed = files.write(caller.org, move |txn| {
        match compare::admit(txn, &env, &caller_, &asked, &stones) {
            Err(Refusal::Stopped) => {
                txn.set_stopped(true)?;
                Ok(Err(Refusal::Stopped))
            }
            Err(other) => Err(other),
            // A tombstone that came back has erased something: its words leave the file too, after this commit.
            Ok(()) => Ok(Ok(txn.scrub_owed()?)),
        }
    })?;
    if owed? {
        files.scrub_soon(caller.org)?;
    }
    // The long part, which only reads, keeps nobody from writing.
    files.read(caller.org, |txn| compare::reply(txn, caller, &request))
}

/// What the device can never resend; closes the actor.
pub fn lost(files: &OrgFiles, caller: &Caller, request: LostRequest) -> Result<(), Refusal> {
    let caller_ = caller.clone();
    files.write(caller.org, move |txn| {
        compare::lost(txn, &caller_, &request)
    })
}

/// A new actor after a fork or a loss.
pub fn actor(
    files: &OrgFiles,
    env: &Env,
    caller: &Caller,
    request: &ActorRequest,
) -> Result<ActorReply, Refusal> {
    let (env, caller_, instance) = (env.clone(), caller.clone(), request.instance);
    files.write(caller.org, move |txn| {
        actor::reply(txn, &env, &caller_, instance)
    })
}
