//! The desk of somebody signed in: every verb on records and quarantine, for HTTP and the page.

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{RecordId, Tombstone};
use tributary_sync_core::key::Key;

use super::*;
use crate::service::error::invalid;
use crate::service::paging::Page;
use crate::service::quarantine::{self, QuarantineFilter, QuarantineLine, Released};
use crate::storage::OrgFiles;

/// How long after the password was typed something that cannot be undone is allowed.
const FRESH_MS: u64 = 10 * 60 * 1_000;

/// Somebody signed in, with all that the verbs need.
pub struct Desk<'s> {
    service: &'s Service,
    env: Env,
    acting: Acting,
    fresh: bool,
}

impl Service {
    /// The desk of a user, as of now.
    pub fn desk(&self, user: &User) -> Result<Desk<'_>> {
        let env = self.env();
        Ok(Desk {
            acting: self.acting(user)?,
            fresh: env.now.saturating_sub(user.signed_in_at) <= FRESH_MS,
            env,
            service: self,
        })
    }
}

impl Desk<'_> {
    fn files(&self) -> &OrgFiles {
        self.service.files()
    }
    /// A page of records.
    pub fn list(&self, filter: &ListFilter) -> Result<Page<RecordLine>> {
        list(self.files(), &self.env, &self.acting, filter)
    }
    /// One record.
    pub fn show(&self, id: RecordId, language: Option<String>) -> Result<ShownRecord> {
        show(self.files(), &self.env, &self.acting, id, language)
    }
    /// Settles a conflict.
    pub fn settle(&self, id: RecordId, shown: &Shown, what: Settle) -> Result<Written> {
        settle(self.files(), &self.env, &self.acting, (id, shown), what)
    }
    /// Lowers a protection.
    pub fn decide(
        &self,
        id: RecordId,
        shown: &Shown,
        what: (Key, Vec<Dot>),
        choice: (Choice, String),
    ) -> Result<Written> {
        let record = (id, shown);
        decide(self.files(), &self.env, &self.acting, record, what, choice)
    }
    /// Assigns a record.
    pub fn assign(&self, id: RecordId, shown: &Shown, to: Option<Assignee>) -> Result<Written> {
        if let Some(Assignee::Team(team)) = to {
            let org = self.acting.org;
            let known = self
                .service
                .directory()
                .read(|view| view.team_of(org, team))?;
            known.ok_or_else(|| {
                invalid(
                    "/assignee",
                    "assignee_unknown",
                    "There is no such user or team.",
                )
            })?;
        }
        assign(self.files(), &self.env, &self.acting, (id, shown), to)
    }
    /// Leaves a comment.
    pub fn comment(&self, id: RecordId, shown: &Shown, words: &str) -> Result<Written> {
        comment(self.files(), &self.env, &self.acting, (id, shown), words)
    }
    /// Approves, rejects or returns a record.
    pub fn review(
        &self,
        id: RecordId,
        shown: &Shown,
        verdict: Verdict,
        words: Option<&str>,
    ) -> Result<Written> {
        let record = (id, shown);
        review(
            self.files(),
            &self.env,
            &self.acting,
            record,
            verdict,
            words,
        )
    }
    /// Deletes a record.
    pub fn delete(&self, id: RecordId, shown: &Shown, reason: &str) -> Result<Written> {
        delete(self.files(), &self.env, &self.acting, (id, shown), reason)
    }
    /// Brings it back.
    pub fn restore(&self, id: RecordId, shown: &Shown, reason: &str) -> Result<Written> {
        restore(self.files(), &self.env, &self.acting, (id, shown), reason)
    }
    /// Hides a record at once.
    pub fn restrict(&self, id: RecordId) -> Result<Restricted> {
        restrict(self.files(), &self.env, &self.acting, id)
    }
    /// Shows it again.
    pub fn unrestrict(&self, id: RecordId) -> Result<()> {
        unrestrict(self.files(), &self.env, &self.acting, id)
    }
    /// Erases records for good.
    pub fn erase(&self, records: Vec<RecordId>, reason: Reason) -> Result<EraseOutcome> {
        let fresh = self.fresh;
        erase(
            self.files(),
            &self.env,
            &self.acting,
            fresh,
            records,
            reason,
        )
    }
    /// What is known of an erasure.
    pub fn erasure(&self, hash: Tombstone) -> Result<ErasureReport> {
        erasure_report(self.files(), &self.env, &self.acting, hash)
    }
    /// Erasures that wait for a second org admin.
    pub fn proposed_erasures(&self) -> Result<Vec<Proposal>> {
        proposed_erasures(self.files(), &self.env, &self.acting)
    }
    /// Confirms one.
    pub fn confirm_erasure(&self, id: &str) -> Result<EraseOutcome> {
        confirm_erasure(self.files(), &self.env, &self.acting, self.fresh, id)
    }
    /// Takes one back.
    pub fn cancel_erasure(&self, id: &str) -> Result<()> {
        cancel_erasure(self.files(), &self.env, &self.acting, id)
    }
    /// What waits in quarantine.
    pub fn quarantine(&self, filter: &QuarantineFilter) -> Result<Page<QuarantineLine>> {
        quarantine::list(self.files(), &self.env, &self.acting, filter)
    }
    /// Takes something in from it.
    pub fn release(&self, no: i64) -> Result<Released> {
        quarantine::release(self.files(), &self.env, &self.acting, no)
    }
    /// Throws something away from it.
    pub fn discard(&self, no: i64) -> Result<()> {
        quarantine::discard(self.files(), &self.env, &self.acting, no)
    }
}
