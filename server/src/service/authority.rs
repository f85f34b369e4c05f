//! On whose word something is done: a user's, a server admin's, or that of whoever sits at the machine.
//!
//! The word is checked and written into the organisation's audit before anything happens, so that nothing happens
//! unaudited; a row may at worst tell of something that then failed.

use tributary_sync_core::ids::{OrgId, UserId};

use super::Service;
use super::access::Action;
use super::error::{Code, Result};
use super::principal::{ServerAdmin, User};
use crate::storage::AuditEntry;

/// On whose word.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// A user of an organisation.
    User(&'a User),
    /// A server admin.
    ServerAdmin(&'a ServerAdmin),
    /// Whoever runs commands on the server's machine: they can read the files anyway.
    Operator,
}

impl By<'_> {
    /// Refuses whoever may not do this in this organisation. Another organisation answers as one that is not there.
    pub fn require(&self, org: OrgId, action: Action) -> Result<()> {
        match self {
            Self::User(user) if user.org != org => Err(Code::NotFound.into()),
            Self::User(user) => user.require(action).map(drop),
            Self::ServerAdmin(admin) => admin.require(action).map(drop),
            Self::Operator => Ok(()),
        }
    }
    /// The user behind it; none for the operator.
    pub fn user(&self) -> Option<UserId> {
        match self {
            Self::User(user) => Some(user.id),
            Self::ServerAdmin(admin) => Some(admin.id),
            Self::Operator => None,
        }
    }
}

impl Service {
    /// Writes an audit row into the organisation's own file. `detail` holds counts and codes, never an answer.
    pub fn audit(
        &self,
        by: By<'_>,
        org: OrgId,
        action: &'static str,
        subject: Option<String>,
        detail: Option<String>,
    ) -> Result<()> {
        let origin = matches!(by, By::Operator).then(|| "operator".to_owned());
        let entry = AuditEntry {
            user: by.user(),
            profile: None,
            action,
            subject,
            detail: detail.or(origin),
        };
        let now = self.now();
        self.files
            .write(org, move |txn| txn.audit(&entry, now).map(drop))?;
        Ok(())
    }
}
