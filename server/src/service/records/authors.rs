//! Who gave an answer, and when: by the device's clock and by the server's.

use std::collections::HashMap;

use serde::Serialize;
use tributary_sync_core::clock::{Dot, Hlc};
use tributary_sync_core::ids::{ActorId, ProfileId, UserId};
use tributary_sync_core::record::Live;
use utoipa::ToSchema;

use crate::service::ambient::rfc3339;
use crate::service::env::Env;
use crate::service::error::Result;
use crate::storage::{LogEntry, LogRow, OrgTxn};

/// The name under which the server writes on its own account: a protection written again.
const SERVER: &str = "Tributary";

/// A changeset as the source of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Given {
    /// The actor that made it.
    pub actor: u32,
    /// Its number there. Actor and number name the answer when it is chosen or lowered.
    pub seq: u64,
    /// The user; none for the server itself.
    #[schema(value_type = Option<String>)]
    pub user: Option<UserId>,
    /// The user's name.
    pub name: String,
    /// The device; none for the console.
    #[schema(value_type = Option<String>)]
    pub device: Option<ProfileId>,
    /// Who released it from quarantine, if it stood there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_by: Option<String>,
    /// When, by the device's clock, which may be wrong.
    pub saved_at: String,
    /// When the server received it.
    pub received_at: String,
}

impl Given {
    /// The changeset.
    pub fn names(&self, dot: Dot) -> bool {
        self.actor == dot.actor.0 && self.seq == dot.seq.get()
    }
}

#[derive(Clone)]
struct Who {
    user: Option<UserId>,
    name: String,
    device: Option<ProfileId>,
}

/// Looks up authors, each once.
pub(in crate::service) struct Authors<'t, 'c> {
    txn: &'t OrgTxn<'c>,
    env: &'t Env,
    known: HashMap<ActorId, Who>,
    origins: HashMap<Dot, Dot>,
}

impl<'t, 'c> Authors<'t, 'c> {
    /// Nobody is known yet.
    pub(in crate::service) fn new(txn: &'t OrgTxn<'c>, env: &'t Env) -> Self {
        Self {
            txn,
            env,
            known: HashMap::new(),
            origins: HashMap::new(),
        }
    }

    /// Learns from a record's history which changesets were first made under another number.
    pub(in crate::service) fn learn(&mut self, history: &[LogRow]) {
        for row in history {
            if let LogEntry::Change(Some(stored)) = &row.entry
                && let Some(origin) = &stored.change.origin
            {
                self.origins.insert(stored.change.dot, origin.dot);
            }
        }
    }

    fn who(&mut self, actor: ActorId) -> Result<Who> {
        if let Some(known) = self.known.get(&actor) {
            return Ok(known.clone());
        }
        let row = self.txn.actor(actor)?;
        let user = row.as_ref().and_then(|a| a.user);
        let who = Who {
            user,
            name: match user {
                Some(user) => self.name(user)?,
                None => SERVER.to_owned(),
            },
            device: row.and_then(|a| a.profile),
        };
        self.known.insert(actor, who.clone());
        Ok(who)
    }

    /// What to show of a user.
    pub(in crate::service) fn name(&self, user: UserId) -> Result<String> {
        let name = self.env.roster.name(self.txn.org(), user)?;
        Ok(name.unwrap_or_else(|| user.to_string()))
    }

    /// The source of a live answer.
    pub(in crate::service) fn of_live(&mut self, live: &Live) -> Result<Given> {
        self.of(live.dot, live.saved, live.received)
    }

    /// A changeset's source.
    pub(in crate::service) fn of(&mut self, dot: Dot, saved: Hlc, received: u64) -> Result<Given> {
        let by = self.who(dot.actor)?;
        let origin = self.origins.get(&dot).copied();
        let first = match origin {
            Some(origin) => self.who(origin.actor)?,
            None => by.clone(),
        };
        // A device that stamped its own changes again after a fork releases nothing.
        let released = by.device.is_none() && origin.is_some();
        Ok(Given {
            actor: dot.actor.0,
            seq: dot.seq.get(),
            user: first.user,
            name: first.name,
            device: first.device,
            released_by: released.then_some(by.name),
            saved_at: rfc3339(saved.ms()),
            received_at: rfc3339(received),
        })
    }
}
