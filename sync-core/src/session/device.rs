//! What a profile knows of itself and of its server: one small value, written with every step.
//!
//! Not here: records, own changesets, forms, names ([`super::Store`] keeps those apart, because they grow).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::clock::Hlc;
use crate::ids::{
    ActorId, EpochId, FormHash, InstanceId, LogPos, OrgId, ProfileId, RecordId, Seq, UserId,
};
use crate::wire::message::{ChainPoint, Grant, Head};

/// What the user may do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Creates and edits in scope.
    Worker,
    /// Reads, comments, approves, rejects, returns.
    Reviewer,
    /// All records; settles, assigns.
    Coordinator,
    /// Also users, devices, forms, erasure.
    OrgAdmin,
}

/// One actor of the profile.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ActorState {
    /// The number that the server gave.
    pub actor: ActorId,
    /// The proof of it.
    pub grant: Grant,
    /// Up to here the device no longer knows the single changesets: h₀ at first, later what emptying left.
    pub base: ChainPoint,
    /// The last changeset ever made.
    pub made: ChainPoint,
    /// Up to where the server has used the numbers.
    pub acked: ChainPoint,
    /// The last number inside the last copy off the server's machine.
    pub copied: Seq,
    /// A loss was reported: the server takes nothing under it any more.
    pub closed: bool,
}

impl ActorState {
    /// An actor that made nothing yet; `start` is h₀.
    pub fn new(grant: Grant, start: crate::ids::ChainHash) -> Self {
        let zero = ChainPoint {
            seq: Seq::ZERO,
            hash: start,
        };
        Self {
            actor: grant.actor,
            grant,
            base: zero,
            made: zero,
            acked: zero,
            copied: Seq::ZERO,
            closed: false,
        }
    }
    /// Whether the server lacks something of it.
    pub fn has_unsent(&self) -> bool {
        !self.closed && self.made.seq > self.acked.seq
    }
}

/// Up to which number each actor stays; everything later is made again under a new actor (§5.3).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Plan {
    /// Actor and the last number that stays.
    pub keep: Vec<(ActorId, Seq)>,
}

/// A loss to report: numbers whose bodies are gone from both sides (§5.5).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Lost {
    /// The actor.
    pub actor: ActorId,
    /// The first lost number.
    pub first: Seq,
    /// The last.
    pub last: ChainPoint,
}

/// What the next request is about.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Push and pull.
    #[default]
    Exchange,
    /// Find out where all actors stand, in the server's epoch.
    Compare {
        /// That epoch.
        epoch: EpochId,
    },
    /// Report what can never be sent again, then ask for a new actor.
    Lost {
        /// What is left to report.
        losses: Vec<Lost>,
        /// What follows.
        plan: Plan,
    },
    /// Ask for a new actor and go on under it.
    NewActor {
        /// Stored before the first asking, so that a lost reply does not cost a second actor.
        instance: Option<InstanceId>,
        /// What is made again under it.
        plan: Plan,
    },
}

/// One user on one installation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Profile {
    /// The organisation.
    pub org: OrgId,
    /// The profile.
    pub profile: ProfileId,
    /// The user.
    pub user: UserId,
    /// The user's role when it was last told.
    pub role: Role,
    /// The device's public key, an uncompressed SEC1 point, hexadecimal: every chain starts from it.
    pub device_key: String,
    /// The epoch that the device knows.
    pub epoch: EpochId,
    /// The profile's actors, the oldest first; the last one makes new changesets.
    pub actors: Vec<ActorState>,
    /// The highest head it was ever given: kept through emptying and forks.
    pub head: Option<Head>,
    /// Where the pull stands.
    pub cursor: Option<String>,
    /// The highest effective clock it was given.
    pub effective: Hlc,
    /// The clock of its last changeset.
    pub clock: Hlc,
    /// The log position inside the last copy off the server's machine.
    pub copied: LogPos,
    /// What the next request is about.
    pub phase: Phase,
    /// Records emptied from the device that the server does not know of yet.
    pub leaves: BTreeSet<RecordId>,
    /// Records whose full state is wanted again.
    pub refetch: BTreeSet<RecordId>,
    /// Form versions to fetch.
    pub wanted: BTreeSet<FormHash>,
    /// The server said that this device is revoked.
    pub revoked: bool,
    /// How many forms were ever opened: the name of the next form session.
    pub sessions: u64,
}

impl Profile {
    /// The profile as enrolment leaves it.
    pub fn new(
        (org, profile, user): (OrgId, ProfileId, UserId),
        role: Role,
        device_key: &[u8],
        epoch: EpochId,
        grant: Grant,
    ) -> Self {
        let start = crate::change::chain_start(org, grant.actor, device_key);
        Self {
            org,
            profile,
            user,
            role,
            device_key: hex::encode(device_key),
            epoch,
            actors: vec![ActorState::new(grant, start)],
            head: None,
            cursor: None,
            effective: Hlc::default(),
            clock: Hlc::default(),
            copied: LogPos::ZERO,
            phase: Phase::Exchange,
            leaves: BTreeSet::new(),
            refetch: BTreeSet::new(),
            wanted: BTreeSet::new(),
            revoked: false,
            sessions: 0,
        }
    }
    /// Whether this actor is one of the profile's.
    pub fn owns(&self, actor: ActorId) -> bool {
        self.actors.iter().any(|a| a.actor == actor)
    }
    /// One of its actors.
    pub fn actor(&self, actor: ActorId) -> Option<&ActorState> {
        self.actors.iter().find(|a| a.actor == actor)
    }
    /// The same, to change.
    pub(super) fn actor_mut(&mut self, actor: ActorId) -> Option<&mut ActorState> {
        self.actors.iter_mut().find(|a| a.actor == actor)
    }
    /// Learns an effective clock: the only thing that moves the device's own clock forward (§1.10).
    pub(super) fn learn_clock(&mut self, effective: Hlc) {
        self.effective = self.effective.max(effective);
    }
    /// The clock of the next changeset. A wall clock that ran far ahead and was put right again does not stay.
    pub(super) fn tick(&mut self, now_ms: u64) -> Hlc {
        let base = if self.clock.ms() <= now_ms {
            self.effective.max(self.clock)
        } else {
            self.effective
        };
        self.clock = base.tick(now_ms);
        self.clock
    }
}
