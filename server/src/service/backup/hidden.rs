//! What was hidden after the copy was taken (§3.1).

use crate::service::exchange::follow_holders_at;
use crate::storage::{AuditEntry, OrgTxn, Restriction, StorageError};

/// A restriction that the copy does not know goes on, for phones as well.
pub(super) fn restrict_again(
    txn: &OrgTxn<'_>,
    one: Restriction,
    now: u64,
) -> Result<(), StorageError> {
    let row = txn.record(one.record)?;
    let Some(row) = row.filter(|r| r.restricted_at.is_none()) else {
        return Ok(());
    };
    txn.set_restricted(row.no, Some(one.at), one.by, one.erase_after)?;
    follow_holders_at(txn, now, row.no)?;
    let entry = AuditEntry {
        action: "record.restrict_again",
        subject: Some(one.record.tombstone().to_string()),
        ..AuditEntry::default()
    };
    txn.audit(&entry, now).map(drop)
}
