//! What waited too long: destroyed as if somebody had discarded it, and written down.

use tributary_sync_core::ids::{OrgId, ProfileId};

use super::tell;
use crate::service::env::Env;
use crate::service::error::Result;
use crate::storage::{AuditEntry, OrgFiles};

/// Throws away what waits of a revoked device and came before `before`, in milliseconds since 1970. Returns how many
/// bodies that were.
pub fn expire(
    files: &OrgFiles,
    env: &Env,
    org: OrgId,
    profile: ProfileId,
    before: u64,
) -> Result<u64> {
    let now = env.now;
    let expired = files.write::<_, crate::service::ServiceError>(org, move |txn| {
        if txn.stopped()? {
            return Ok(0);
        }
        let old = txn.quarantine_old(profile, before)?;
        if old.is_empty() {
            return Ok(0);
        }
        let entry = AuditEntry {
            action: "quarantine.expire",
            subject: Some(profile.to_string()),
            detail: Some(format!("bodies={}", old.len())),
            ..AuditEntry::default()
        };
        txn.audit(&entry, now)?;
        for row in &old {
            tell(txn, row, false, now)?;
            txn.judge(row, false, None, now)?;
        }
        Ok(old.len() as u64)
    })?;
    if expired > 0 {
        files.scrub_later(org);
    }
    Ok(expired)
}
