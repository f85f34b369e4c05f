//! The end of waiting: what a revoked device sent is thrown away when nobody has judged it in time (§7).

use tributary_sync_core::ids::{OrgId, ProfileId};

use super::tell;
use crate::service::env::Env;
use crate::service::error::Result;
use crate::storage::{AuditEntry, OrgFiles, StorageError};

/// How long a body of a revoked device waits, in milliseconds: 30 days after the revocation and after it came.
pub const RETENTION_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// Bodies that one commit throws away.
const BATCH: u32 = 100;

/// Destroys what has waited too long of profiles that have been revoked for that long; returns how many bodies. Each
/// device is told, and one row of the audit for each counts them.
pub fn drop_old(files: &OrgFiles, env: &Env, org: OrgId, profiles: &[ProfileId]) -> Result<u64> {
    let before = env.now.saturating_sub(RETENTION_MS);
    let mut dropped = 0;
    for profile in profiles {
        let due = files.read::<_, StorageError>(org, |txn| {
            Ok(!txn.quarantine_before(*profile, before, 1)?.is_empty() && !txn.stopped()?)
        })?;
        if due {
            dropped += of_profile(files, env, org, *profile, before)?;
        }
    }
    Ok(dropped)
}

fn of_profile(
    files: &OrgFiles,
    env: &Env,
    org: OrgId,
    profile: ProfileId,
    before: u64,
) -> Result<u64> {
    let mut dropped = 0;
    loop {
        let now = env.now;
        let batch = files.write::<_, StorageError>(org, move |txn| {
            let rows = txn.quarantine_before(profile, before, BATCH)?;
            if rows.is_empty() || txn.stopped()? {
                return Ok(0);
            }
            let mut bytes = 0;
            for row in &rows {
                bytes += row.body.len();
                tell(txn, row, false, now)?;
                txn.judge(row, false, None, now)?;
            }
            let entry = AuditEntry {
                action: "quarantine.expire",
                subject: Some(profile.to_string()),
                detail: Some(format!("bodies={} bytes={bytes}", rows.len())),
                ..AuditEntry::default()
            };
            txn.audit(&entry, now)?;
            Ok(rows.len() as u64)
        })?;
        dropped += batch;
        files.scrub_later(org);
        if batch < u64::from(BATCH) {
            return Ok(dropped);
        }
    }
}
