//! Whether somebody is a second person: not one whom the first has made for the purpose.
//!
//! Answered from the organisation's own audit, which has every change of a right and every password that somebody set
//! for themselves. The roles are those of the moment; what is asked here is how long and by whom.

use tributary_sync_core::ids::UserId;

use crate::service::access::Role;
use crate::service::error::{Code, Result, ServiceError};
use crate::storage::{AuditRow, OrgTxn};

/// What was proposed: by whom, when, and since when the oldest of its records waits.
pub(super) struct Proposed {
    pub(super) by: UserId,
    pub(super) at: u64,
    pub(super) restricted_at: u64,
}

/// Refuses whoever is not another org admin who was one, with a password of their own, before it was proposed, or who
/// was made, promoted, let in again or given a one-time link by the proposer while the records waited.
pub(super) fn stands_apart(txn: &OrgTxn<'_>, who: UserId, proposed: &Proposed) -> Result<()> {
    if who == proposed.by {
        return Err(Code::SecondPersonNeeded.into());
    }
    let refused = |why: &'static str| Err(ServiceError::from(Code::SecondPersonNeeded).detail(why));
    let rows = txn.audit_about(&who.to_string())?;
    let gives_role = |row: &&AuditRow| matches!(row.action.as_str(), "user.create" | "user.role");
    let last_role = rows.iter().rfind(gives_role);
    let admin = last_role.is_some_and(|row| {
        row.at < proposed.at && row.detail.as_deref() == Some(Role::OrgAdmin.as_str())
    });
    if !admin {
        return refused(
            "You became an org admin after this was proposed. The second person is one who was an org admin before. \
             Nothing was erased.",
        );
    }
    let password = |row: &&AuditRow| matches!(row.action.as_str(), "user.password" | "user.reset");
    let own = rows.iter().rfind(password).is_some_and(|row| {
        row.at < proposed.at && row.action == "user.password" && row.user == Some(who)
    });
    if !own {
        return refused(
            "You have had no password of your own making since before this was proposed: it was set by somebody else, or \
             a one-time link was opened since. Nothing was erased.",
        );
    }
    let hand = |row: &AuditRow| {
        row.user == Some(proposed.by)
            && row.at >= proposed.restricted_at
            && matches!(
                row.action.as_str(),
                "user.create" | "user.role" | "user.reset" | "user.enable"
            )
    };
    if rows.iter().any(hand) {
        return refused(
            "While these records waited, whoever proposes this has made you a user or an org admin, let you in again or \
             opened a one-time link for you. The second person is one whom they did not. Nothing was erased.",
        );
    }
    Ok(())
}
