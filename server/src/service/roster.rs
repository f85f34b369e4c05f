//! Who stands behind profiles and teams, for the rules of the exchange.

use std::sync::Arc;

use tributary_sync_core::ids::{OrgId, ProfileId, TeamId, UserId};

use super::env::Roster;
use crate::storage::StorageError;
use crate::storage::directory::Directory;

/// The directory, asked for people.
pub(crate) struct DirectoryRoster(Arc<Directory>);

impl DirectoryRoster {
    /// Over a directory.
    pub(crate) fn new(directory: Arc<Directory>) -> Self {
        Self(directory)
    }
}

impl Roster for DirectoryRoster {
    fn profiles_of_user(&self, org: OrgId, user: UserId) -> Result<Vec<ProfileId>, StorageError> {
        self.0.read(|view| view.live_profiles_of_user(org, user))
    }
    fn profiles_of_team(&self, org: OrgId, team: TeamId) -> Result<Vec<ProfileId>, StorageError> {
        self.0.read(|view| view.live_profiles_of_team(org, team))
    }
    fn name(&self, org: OrgId, user: UserId) -> Result<Option<String>, StorageError> {
        self.0
            .read(|view| Ok(view.user_of(org, user)?.map(|row| row.name)))
    }
}
