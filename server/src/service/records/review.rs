//! Reviewing: approve, reject, return to whoever made it (§9.7). Only of what was shown whole.

use tributary_sync_core::ids::RecordId;

use super::assign::ASSIGNEE;
use super::write::{Act, Guard, STATUS, act, because, code};
use super::{Acting, Assignee, Shown, Written, comment, reach};
use crate::service::access::{Action, Role};
use crate::service::env::Env;
use crate::service::error::{Code, Result, invalid};
use crate::storage::OrgFiles;

/// What a reviewer makes of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is good. Counts only while no answer changes.
    Approved,
    /// It is not to be used.
    Rejected,
    /// Its maker is to look at it again: the record is assigned to them, so that it comes back to their phone.
    Returned,
}

impl Verdict {
    fn status(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Returned => "returned",
        }
    }
    fn action(self) -> &'static str {
        match self {
            Self::Approved => "record.approve",
            Self::Rejected => "record.reject",
            Self::Returned => "record.return",
        }
    }
}

/// Judges a record; a reviewer none of their own. `words` is the reason, which the maker reads as a comment; approving needs none.
pub fn review(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    record: (RecordId, &Shown),
    verdict: Verdict,
    words: Option<&str>,
) -> Result<Written> {
    let words = words.map(str::trim).filter(|w| !w.is_empty());
    if words.is_none() && verdict != Verdict::Approved {
        return Err(invalid(
            "/reason",
            "reason_missing",
            "Say what is wrong, so that it can be mended.",
        ));
    }
    let comment = words.map(|w| comment::written(env, w)).transpose()?;
    let reason = words.map(str::to_owned);
    let (role, user) = (acting.role, acting.user);
    act(
        files,
        env,
        acting,
        record,
        Action::Review,
        move |txn, row| {
            let maker = reach::maker(txn, row)?;
            if role == Role::Reviewer && maker == Some(user) {
                return Err(Code::NotAllowed.into());
            }
            let mut writes = vec![(STATUS, code(verdict.status())?)];
            if verdict == Verdict::Returned
                && let Some(maker) = maker
            {
                writes.push((ASSIGNEE, Assignee::User(maker).value()?));
            }
            let decisions = reason.map(|r| because(row, &STATUS, &r)).transpose()?;
            writes.extend(comment);
            Ok(Ok(Act {
                writes,
                decisions: decisions.into_iter().collect(),
                decides: false,
                guard: Guard::Answers,
                action: verdict.action(),
            }))
        },
    )
}
