//! What waits for a coordinator: look, release, discard (§7).
//!
//! Releasing re-checks rights, never weakens a protection, and is a new changeset under a fresh actor. Not here: how
//! something gets into quarantine ([`super::exchange`]).

mod discard;
mod list;
mod release;
mod retention;
#[cfg(test)]
mod tests;

pub use discard::discard;
pub use list::{QuarantineFilter, QuarantineLine, list};
pub use release::{Released, release};
pub use retention::{RETENTION_MS, drop_old};

use super::error::{Code, Result};
use crate::storage::{Judgement, LogKind, NewLog, OrgTxn, QuarantineRow, StorageError};

/// What still waits under a number.
fn waiting(txn: &OrgTxn<'_>, no: i64) -> Result<QuarantineRow> {
    let row = txn.quarantined(no)?.ok_or(Code::NotFound)?;
    if row.judged != Judgement::Waiting {
        return Err(Code::QuarantineJudged.into());
    }
    Ok(row)
}

/// Tells the device that sent it, by a log entry of its own.
fn tell(
    txn: &OrgTxn<'_>,
    row: &QuarantineRow,
    released: bool,
    now: u64,
) -> std::result::Result<(), StorageError> {
    let entry = NewLog {
        kind: LogKind::Quarantine,
        record: None,
        profile: Some(row.profile),
        dot: Some(row.dot),
        body: &[u8::from(released)],
    };
    txn.append(&entry, now)?;
    Ok(())
}
