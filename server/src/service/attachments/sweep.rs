//! What goes of itself: files on their way that never came whole, and files that no answer of their record names any more.

use tributary_sync_core::ids::OrgId;

use super::named;
use crate::service::Service;
use crate::service::error::{Result, ServiceError};
use crate::storage::{OrgTxn, StorageError};

/// How long a file stays that its record does not name any more, in milliseconds: 30 days. A conflict may bring it back.
const UNUSED_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

impl Service {
    /// Goes once over the files of an organisation.
    pub fn sweep_attachments(&self, org: OrgId) -> Result<()> {
        let now = self.now();
        let due = self.files.read::<_, StorageError>(org, |txn| {
            Ok(!txn.uploads_over(now)?.is_empty() || !changes(txn, now)?.is_empty())
        })?;
        if due {
            self.files.write::<_, ServiceError>(org, move |txn| {
                for id in txn.uploads_over(now)? {
                    txn.drop_upload(id)?;
                }
                for (hash, record, change) in changes(txn, now)? {
                    match change {
                        Change::Unused(since) => {
                            txn.set_attachment_unused(hash, record, since)?;
                        }
                        Change::Gone => txn.unlink_attachment(hash, record)?,
                    }
                }
                Ok(())
            })?;
        }
        self.files.sweep_half_files(org)?;
        Ok(self.files.wipe_files(org)?)
    }
}

enum Change {
    Unused(Option<u64>),
    Gone,
}

type Changed = (
    crate::storage::AttachmentHash,
    crate::storage::RecordNo,
    Change,
);

/// The files whose use by their records is not what stands there.
fn changes(txn: &OrgTxn<'_>, now: u64) -> std::result::Result<Vec<Changed>, StorageError> {
    let mut out = Vec::new();
    for (hash, no, since) in txn.attachment_links()? {
        let row = txn.record_by_no(no)?;
        let used = row.is_some_and(|row| named(&row.record, hash).is_some());
        let change = match (used, since) {
            (true, None) => continue,
            (true, Some(_)) => Change::Unused(None),
            (false, None) => Change::Unused(Some(now)),
            (false, Some(since)) if since.saturating_add(UNUSED_MS) <= now => Change::Gone,
            (false, Some(_)) => continue,
        };
        out.push((hash, no, change));
    }
    Ok(out)
}
