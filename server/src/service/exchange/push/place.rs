//! Where a changeset goes: the record it is for, if this device and this role may write it; else why it waits in
//! quarantine. Not here: what a write does to a protected answer.

use tributary_sync_core::change::Changeset;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::value::Value;

use super::super::scope;
use super::{Push, Refusal, Refused};
use crate::service::access::{Action, Role, reach};
use crate::storage::RecordNo;

impl Push<'_, '_> {
    /// The record a changeset goes to, made if it creates one; or why it waits in quarantine.
    pub(super) fn place(
        &mut self,
        change: &Changeset,
    ) -> Result<Result<RecordNo, Refused>, Refusal> {
        let refused = |code| Ok(Err(Refused(code)));
        if self.caller.revoked {
            return refused("device_revoked");
        }
        if let Some(origin) = change.origin {
            // Nobody re-stamps what another user made; an actor that this file does not know was lost by a restore.
            let foreign = self
                .txn
                .actor(origin.dot.actor)?
                .is_some_and(|a| a.user != Some(self.caller.user));
            if foreign {
                return refused("origin_foreign");
            }
        }
        let Some(form_id) = self.merger.lineage(change.form)? else {
            return refused("form_unknown");
        };
        let found = self.merger.find(change.record)?;
        let no = match found {
            None if !change.creates => return refused("record_unavailable"),
            None => None,
            Some((no, of_form, maker)) => {
                let made_here = maker == Some(self.caller.profile);
                if change.creates && !made_here {
                    return refused("record_unavailable");
                }
                // Its maker's phone has it, whatever became of its scope since: what it still brings is taken.
                let scope = self.txn.scope(self.caller.profile, no)?;
                let in_scope = made_here
                    || scope.is_some_and(|s| s.live())
                    || self
                        .txn
                        .once_confirmed(self.caller.profile, no, self.confirmed)?;
                if !in_scope {
                    return refused("record_unavailable");
                }
                if of_form != form_id {
                    return refused("form_other");
                }
                Some(no)
            }
        };
        if let Some(refusal) = self.role_refused(change, no.is_some())? {
            return Ok(Err(refusal));
        }
        match no {
            Some(no) => Ok(Ok(no)),
            None => {
                let no = self.merger.create(
                    change,
                    &form_id,
                    Some(self.caller.profile),
                    self.env.now,
                )?;
                scope::made(self.txn, self.caller.profile, no)?;
                Ok(Ok(no))
            }
        }
    }

    /// A write that the role may not make quarantines the changeset whole (§9.7).
    fn role_refused(
        &mut self,
        change: &Changeset,
        there: bool,
    ) -> Result<Option<Refused>, Refusal> {
        let role = self.caller.role;
        let answers = change
            .writes
            .iter()
            .any(|(k, _)| !matches!(k, Key::Meta(_)));
        if (change.creates || answers) && reach(role, Action::EditRecords).is_none() {
            return Ok(Some(Refused("answers_not_allowed")));
        }
        for (key, value) in &change.writes {
            let Key::Meta(meta) = key else { continue };
            // A record that is not there yet is not looked for again.
            let written = there
                && self
                    .merger
                    .record(change.record)?
                    .is_some_and(|r| !r.values(key).is_empty());
            if let Some(code) = meta_code(role, *meta, value, written) {
                return Ok(Some(Refused(code)));
            }
            if *meta == MetaKey::Status && judges_own(role, value) && self.made_by_caller(change)? {
                return Ok(Some(Refused("meta_not_allowed")));
            }
        }
        Ok(None)
    }

    /// Whether the caller's user made the record, on whatever phone.
    fn made_by_caller(&mut self, change: &Changeset) -> Result<bool, Refusal> {
        let Some((_, _, Some(maker))) = self.merger.find(change.record)? else {
            return Ok(false);
        };
        let maker = self.txn.profile(maker)?.map(|p| p.user);
        Ok(maker == Some(self.caller.user))
    }
}

/// Why a role may not write this to record meta; none if it may.
pub(in crate::service) fn meta_code(
    role: Role,
    meta: MetaKey,
    value: &Value,
    written: bool,
) -> Option<&'static str> {
    let action = match (meta, value) {
        (MetaKey::Status, Value::Code(code)) => match code.as_str() {
            "draft" | "complete" => Some(Action::EditRecords),
            "returned" | "approved" | "rejected" => Some(Action::Review),
            _ => None,
        },
        (MetaKey::Assignee, Value::Code(_) | Value::Null) => Some(Action::Assign),
        (MetaKey::Deleted, Value::Deleted(_)) => Some(Action::Delete),
        (MetaKey::Comment(_), Value::Text(_)) if !written => Some(Action::Comment),
        _ => None,
    };
    let allowed = action.is_some_and(|action| reach(role, action).is_some());
    (!allowed).then_some("meta_not_allowed")
}

/// Nobody reviews what they made themselves, unless they coordinate.
fn judges_own(role: Role, status: &Value) -> bool {
    let judges = matches!(status, Value::Code(code)
        if matches!(code.as_str(), "returned" | "approved" | "rejected"));
    judges && role == Role::Reviewer
}
