//! Lowering a protection: by right, or because it was a mistake that nobody else can have seen (§2.2).

use std::collections::HashMap;

use tributary_sync_core::change::Stored;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::form::DecideRole;
use tributary_sync_core::key::Key;
use tributary_sync_core::value::Value;

use super::super::Refusal;
use super::{Author, Merger};
use crate::service::access::Role;

/// Changesets that came for the first time in this transaction, by dot, with what of the record's protections each of
/// them overwrote.
pub(super) type Unseen = HashMap<Dot, Vec<(Key, Vec<Value>)>>;

impl Merger<'_, '_> {
    /// What a changeset lowers without the right to, before it is merged: each key with what is written again. Its own
    /// author may take back what came in the same push, but not below what that had overwritten: others have relied on it.
    pub fn lowered(
        &mut self,
        stored: &Stored,
        form_id: &str,
        author: &Author,
    ) -> Result<Vec<(Key, Value)>, Refusal> {
        self.load(stored.change.record)?;
        self.policies(form_id)?;
        let (Some(policies), Some(open)) = (
            self.policies.get(form_id),
            self.open.get(&stored.change.record),
        ) else {
            return Ok(Vec::new());
        };
        let by_right = |key: &Key| {
            let policy = key.field().map(|f| policies.get(f));
            policy
                .zip(deciding(author.role))
                .is_some_and(|(p, role)| p.may_decide(role))
        };
        let floor = |key: &Key, dot: Dot| match author.decides {
            false => None,
            true if by_right(key) => Some(Vec::new()),
            true => self.floor(key, dot),
        };
        Ok(policies.lowered(&open.record, &stored.change, &stored.clock(), floor))
    }

    /// What a changeset of this push had overwritten under a key; none for what others can have seen.
    fn floor(&self, key: &Key, dot: Dot) -> Option<Vec<Value>> {
        let floors = self.unseen.get(&dot)?;
        let values = floors
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, v)| v.clone());
        Some(values.unwrap_or_default())
    }

    /// Keeps what a changeset overwrites, before it is merged.
    pub(super) fn remember(&mut self, stored: &Stored, form_id: &str, author: &Author) {
        let (Some(policies), Some(open)) = (
            self.policies.get(form_id),
            self.open.get(&stored.change.record),
        ) else {
            return;
        };
        if author.first {
            let floor = |key: &Key, dot: Dot| self.floor(key, dot);
            let change = &stored.change;
            let overwritten = policies.overwritten(&open.record, change, &stored.clock(), floor);
            self.unseen.insert(change.dot, overwritten);
        }
    }
}

/// The role as forms name it; a server admin has no say over answers.
fn deciding(role: Role) -> Option<DecideRole> {
    match role {
        Role::ServerAdmin => None,
        Role::OrgAdmin => Some(DecideRole::OrgAdmin),
        Role::Coordinator => Some(DecideRole::Coordinator),
        Role::Reviewer => Some(DecideRole::Reviewer),
        Role::Worker => Some(DecideRole::Worker),
    }
}
