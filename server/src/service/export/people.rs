//! Who stands behind an actor, looked up once. The server's own actors are many and are forgotten in between, so that
//! memory stays flat.

use std::collections::HashMap;
use std::rc::Rc;

use tributary_sync_core::ids::{ActorId, ProfileId, UserId};

use super::error::Result;
use crate::service::env::Env;
use crate::storage::{OrgTxn, StorageError};

/// How many actors are remembered.
const KNOWN_MAX: usize = 10_000;

/// What the server itself is called.
const SERVER: &str = "Tributary";

/// Somebody who wrote.
#[derive(Debug)]
pub(super) struct Person {
    /// What to show.
    pub(super) name: Rc<str>,
    /// The user; none for the server itself.
    pub(super) user: Option<UserId>,
    /// The device; none for the console and the server.
    pub(super) profile: Option<ProfileId>,
    /// The device as text.
    pub(super) device: String,
}

/// The people behind the actors of one organisation.
pub(super) struct People<'t, 'c> {
    txn: &'t OrgTxn<'c>,
    env: &'t Env,
    known: HashMap<ActorId, Rc<Person>>,
    names: HashMap<UserId, Rc<str>>,
}

impl<'t, 'c> People<'t, 'c> {
    pub(super) fn new(txn: &'t OrgTxn<'c>, env: &'t Env) -> Self {
        Self {
            txn,
            env,
            known: HashMap::new(),
            names: HashMap::new(),
        }
    }
    /// Who stands behind an actor.
    pub(super) fn of(&mut self, actor: ActorId) -> Result<Rc<Person>> {
        if let Some(person) = self.known.get(&actor) {
            return Ok(Rc::clone(person));
        }
        let row = self.txn.actor(actor)?;
        let (user, profile) = row.map_or((None, None), |r| (r.user, r.profile));
        let name = match user {
            Some(user) => self.name(user)?,
            None => Rc::from(SERVER),
        };
        let device = match (profile, user) {
            (Some(profile), _) => profile.to_string(),
            (None, Some(_)) => "console".to_owned(),
            (None, None) => "server".to_owned(),
        };
        let person = Rc::new(Person {
            name,
            user,
            profile,
            device,
        });
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        self.known.insert(actor, Rc::clone(&person));
        Ok(person)
    }
    fn name(&mut self, user: UserId) -> std::result::Result<Rc<str>, StorageError> {
        if let Some(name) = self.names.get(&user) {
            return Ok(Rc::clone(name));
        }
        let name = self.env.roster.name(self.txn.org(), user)?;
        let name: Rc<str> = name.map_or_else(|| Rc::from(user.to_string()), Rc::from);
        self.names.insert(user, Rc::clone(&name));
        Ok(name)
    }
}
