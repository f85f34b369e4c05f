//! Assigning a record to a user, a team or nobody: what decides which phones hold it (§6.1). Coordinators only (§9.7).

use std::fmt;

use tributary_sync_core::ids::{OrgId, RecordId, TeamId, UserId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::value::Value;

use super::write::{Act, Guard, act, code};
use super::{Acting, Shown, Written};
use crate::service::access::Action;
use crate::service::env::Env;
use crate::service::error::{Result, invalid};
use crate::storage::OrgFiles;

/// The register of who a record is assigned to.
pub(super) const ASSIGNEE: Key = Key::Meta(MetaKey::Assignee);

/// Whom a record is assigned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignee {
    /// A user, on all devices of theirs.
    User(UserId),
    /// All members of a team.
    Team(TeamId),
}

impl Assignee {
    /// Reads `user:<id>` or `team:<id>`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("user", id) => id.parse().ok().map(Self::User),
            ("team", id) => id.parse().ok().map(Self::Team),
            _ => None,
        }
    }
    /// The value that the record holds.
    pub(super) fn value(self) -> Result<Value> {
        code(&self.to_string())
    }
    /// Refuses users who are not of this organisation. Teams are checked by whoever has the directory at hand: a team
    /// that is not there has no members, so nothing comes into anybody's scope by it.
    pub(super) fn check(self, env: &Env, org: OrgId) -> Result<()> {
        match self {
            Self::User(user) if env.roster.name(org, user)?.is_none() => Err(invalid(
                "/assignee",
                "assignee_unknown",
                "There is no such user or team.",
            )),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Assignee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Team(id) => write!(f, "team:{id}"),
        }
    }
}

/// Assigns a record, or takes all assignments that were shown away.
pub fn assign(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    record: (RecordId, &Shown),
    to: Option<Assignee>,
) -> Result<Written> {
    if let Some(to) = to {
        to.check(env, acting.org)?;
    }
    act(files, env, acting, record, Action::Assign, move |_, _| {
        let value = to.map_or(Ok(Value::Null), Assignee::value)?;
        Ok(Ok(Act {
            writes: vec![(ASSIGNEE, value)],
            decisions: Vec::new(),
            decides: false,
            guard: Guard::Written,
            action: "record.assign",
        }))
    })
}
