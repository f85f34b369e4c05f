//! Records that were kept as long as they may be: the server hides them, as a restriction does, and people erase them.
//!
//! Age counts from the last change that came in, by the server's clock. Nothing is erased unasked (§3.1): who erases is an
//! org admin, after the time in restriction. A restriction that somebody lifts keeps the record for as long again.

use tributary_sync_core::ids::{LogPos, OrgId};

use crate::service::access::Action;
use crate::service::env::Env;
use crate::service::error::{Result, ServiceError, invalid};
use crate::service::exchange::follow_holders;
use crate::service::{By, Service};
use crate::storage::{AuditEntry, OrgFiles, OrgTxn, RecordNo, StorageError};

use super::restrict::{DAY_MS, days};

/// How many days an organisation keeps a record after its last change; none unless it says so.
const DAYS_SETTING: &str = "retention_days";
/// The least and the most that it may say: a month, a hundred years.
const DAYS_MIN: u64 = 30;
const DAYS_MAX: u64 = 36_500;
/// Records that one commit hides.
const BATCH: u32 = 100;
/// Organisations that are read at a time.
const PAGE: usize = 100;

/// For how long the organisation keeps a record after its last change, in milliseconds; none: for ever.
pub(super) fn kept_for(txn: &OrgTxn<'_>) -> std::result::Result<Option<u64>, StorageError> {
    let days = txn.setting(DAYS_SETTING)?;
    let days = days.and_then(|d| d.parse::<u64>().ok());
    Ok(days.map(|d| d.clamp(DAYS_MIN, DAYS_MAX).saturating_mul(DAY_MS)))
}

impl Service {
    /// Sets how many days an organisation keeps a record after its last change, 30 to 36,500; none: for ever.
    pub fn set_retention_days(&self, by: By<'_>, org: OrgId, days: Option<u64>) -> Result<()> {
        by.require(org, Action::Restrict)?;
        if days.is_some_and(|d| !(DAYS_MIN..=DAYS_MAX).contains(&d)) {
            let rule =
                "A record is kept at least 30 days after its last change, and at most 36500.";
            return Err(invalid("/days", "days_out_of_range", rule));
        }
        let said = days.map_or_else(|| "for_ever".to_owned(), |d| d.to_string());
        let detail = format!("days={said}");
        self.audit(by, org, "organisation.retention_days", None, Some(detail))?;
        self.files
            .write::<_, ServiceError>(org, move |txn| Ok(txn.set_setting(DAYS_SETTING, &said)?))
    }

    /// Hides in every organisation what was kept as long as it may be; returns how many records.
    pub fn retention(&self) -> Result<u64> {
        let mut hidden = 0;
        let mut after = OrgId::from_bytes([0; 16]);
        loop {
            let page = self
                .directory
                .read(|view| view.organisations(after, PAGE))?;
            let Some(last) = page.last() else {
                return Ok(hidden);
            };
            after = last.id;
            for org in &page {
                hidden += hide_old(&self.files, &self.env(), org.id)?;
            }
        }
    }
}

/// Hides the records of an organisation whose last change is older than it keeps them; returns how many.
pub fn hide_old(files: &OrgFiles, env: &Env, org: OrgId) -> Result<u64> {
    let mut hidden = 0;
    loop {
        let due = files.read::<_, StorageError>(org, |txn| match kept_for(txn)? {
            Some(kept) if !txn.stopped()? => {
                txn.unchanged(env.now.saturating_sub(kept), env.now, BATCH)
            }
            _ => Ok(Vec::new()),
        })?;
        let batch = due.len() as u64;
        if batch == 0 {
            return Ok(hidden);
        }
        hidden += hide(files, env, org, due)?;
        if batch < u64::from(BATCH) {
            return Ok(hidden);
        }
    }
}

fn hide(files: &OrgFiles, env: &Env, org: OrgId, due: Vec<(RecordNo, LogPos)>) -> Result<u64> {
    let env = env.clone();
    files.write(org, move |txn| {
        let until = env.now.saturating_add(days(txn)?.saturating_mul(DAY_MS));
        let mut hidden = 0;
        for (no, pos) in due {
            // It may have changed, or somebody may have hidden it, since it was looked for.
            let row = txn.record_by_no(no)?;
            let Some(row) = row.filter(|r| r.pos == pos && r.restricted_at.is_none()) else {
                continue;
            };
            let entry = AuditEntry {
                action: "record.restrict",
                subject: Some(row.record.id().tombstone().to_string()),
                detail: Some("retention".to_owned()),
                ..AuditEntry::default()
            };
            txn.audit(&entry, env.now)?;
            txn.set_restricted(no, Some(env.now), None, Some(until))?;
            follow_holders(txn, &env, no)?;
            hidden += 1;
        }
        Ok(hidden)
    })
}
