//! Discarding what waits: the body is destroyed, the device is told.

use super::{tell, waiting};
use crate::service::access::{self, Action};
use crate::service::env::Env;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::records::Acting;
use crate::storage::OrgFiles;

/// Throws a body away. Its number stays quarantined, so that the device does not send it again.
pub fn discard(files: &OrgFiles, env: &Env, acting: &Acting, no: i64) -> Result<()> {
    access::require(acting.role, Action::Quarantine)?;
    let (now, acting) = (env.now, acting.clone());
    let org = acting.org;
    files.write::<_, ServiceError>(org, move |txn| {
        if txn.stopped()? {
            return Err(Code::OrganisationStopped.into());
        }
        let row = waiting(txn, no)?;
        let author = txn.profile(row.profile)?.map(|p| p.user);
        let detail = format!(
            "author={} code={} bytes={}",
            author.unwrap_or_default(),
            row.code,
            row.body.len()
        );
        txn.audit(&acting.audit("quarantine.discard", row.record, detail), now)?;
        tell(txn, &row, false, now)?;
        txn.judge(&row, false, Some(acting.user), now)?;
        Ok(())
    })?;
    // The words are still in free pages: rewriting the file would be long to wait for.
    files.scrub_later(org);
    Ok(())
}
