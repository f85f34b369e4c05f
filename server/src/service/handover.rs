//! A worker leaves: all open records are assigned to somebody else, in one go.

use tributary_sync_core::ids::{OrgId, UserId};

use super::access::Action;
use super::error::{Code, Result};
use super::records::{self, HandedOver};
use super::{By, Service};

impl Service {
    /// Assigns all open records of one user to another; how many there were.
    pub fn hand_over(
        &self,
        by: By<'_>,
        org: OrgId,
        from: UserId,
        to: UserId,
    ) -> Result<HandedOver> {
        by.require(org, Action::Assign)?;
        self.directory.read(|view| {
            view.user_of(org, from)?.ok_or(Code::NotFound)?;
            let to = view
                .user_of(org, to)?
                .filter(|user| user.disabled_at.is_none());
            to.ok_or(super::ServiceError::from(Code::NotFound))
        })?;
        records::hand_over(&self.files, &self.env(), (org, by.user()), from, to)
    }
}
