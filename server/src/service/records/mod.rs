//! What people do with records in the console and through the API: look, settle, decide, assign, comment, review, delete,
//! restrict, erase, hand over. One file per verb.
//!
//! Every write carries the clock that was shown, gets a fresh actor of the server and goes through the same merge as a
//! push; a touched key that changed meanwhile ends it with what changed ([`Written::Changed`]). Every read of answers and
//! every act is an audit row that names records by hash only. Not here: what devices push ([`super::exchange`]), what
//! waits in quarantine ([`super::quarantine`]), exports.

mod assign;
mod authors;
mod comment;
mod confirm;
mod decide;
mod delete;
mod desk;
mod erase;
mod hand_over;
mod list;
mod questions;
mod reach;
mod restrict;
mod retention;
mod review;
mod second;
mod settle;
mod show;
mod shown;
#[cfg(test)]
pub(super) mod tests;
mod write;

use tributary_sync_core::ids::{OrgId, RecordId, TeamId, UserId};

use super::Service;
use super::access::Role;
use super::env::Env;
use super::error::{Code, Result, ServiceError};
use super::exchange::Refusal;
use super::principal::User;
use crate::storage::AuditEntry;

pub use assign::{Assignee, assign};
pub use authors::Given;
pub use comment::comment;
pub use confirm::{Proposal, cancel_erasure, confirm_erasure, proposed_erasures};
pub use decide::decide;
pub use delete::{delete, restore};
pub use desk::Desk;
pub use erase::{
    EraseOutcome, ErasedRecord, ErasureReport, Reason, Unconfirmed, Unreadable, erase,
    erasure_report,
};
pub use hand_over::HandedOver;
pub(super) use hand_over::hand_over;
pub use list::{ListFilter, RecordLine, list};
pub use questions::Question;
pub use restrict::{Restricted, restrict, unrestrict};
pub use retention::hide_old;
pub use review::{Verdict, review};
pub use settle::{Choice, Settle, settle};
pub use show::{
    Answer, CandidateShown, Comment, ConflictShown, HistoryEntry, ShownRecord, WriteShown, show,
};
pub use shown::Shown;
pub use write::Written;

pub(super) use authors::Authors;
pub(super) use questions::Questions;
pub(super) use reach::sees_all;

/// Somebody signed in who acts on records.
#[derive(Clone, Debug)]
pub struct Acting {
    /// The organisation of the credential.
    pub org: OrgId,
    /// The user.
    pub user: UserId,
    /// The role as of now.
    pub role: Role,
    /// The teams the user is in.
    pub teams: Vec<TeamId>,
    /// The users of these teams.
    pub colleagues: Vec<UserId>,
}

impl Service {
    /// The user with the teams and colleagues that decide which records are in reach.
    pub fn acting(&self, user: &User) -> Result<Acting> {
        let colleagues = self.directory().read(|view| {
            let mut all = Vec::new();
            for team in &user.teams {
                all.extend(view.users_of_team(*team)?);
            }
            Ok::<_, ServiceError>(all)
        })?;
        Ok(Acting {
            org: user.org,
            user: user.id,
            role: user.role,
            teams: user.teams.clone(),
            colleagues,
        })
    }
}

impl Acting {
    /// An audit row about a record, which only its hash names.
    pub(super) fn audit(
        &self,
        action: &'static str,
        record: Option<RecordId>,
        detail: impl Into<Option<String>>,
    ) -> AuditEntry {
        AuditEntry {
            user: Some(self.user),
            profile: None,
            action,
            subject: record.map(|r| r.tombstone().to_string()),
            detail: detail.into(),
        }
    }
}

/// A refusal of the merge, as the console hears it.
pub(super) fn refused(refusal: Refusal) -> ServiceError {
    match refusal {
        Refusal::Storage(error) => error.into(),
        Refusal::Stopped => Code::OrganisationStopped.into(),
        other => ServiceError::from(Code::Internal).because(other),
    }
}
