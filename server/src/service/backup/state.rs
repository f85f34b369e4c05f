//! How far the last copy off this machine is: for pages and metrics.

use tributary_sync_core::ids::{LogPos, OrgId};

use crate::service::Service;
use crate::storage::{OrgFiles, StorageError};

/// The state of copying of one organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyState {
    /// A folder to copy to is configured. Without one, nothing is ever safe from the loss of this disk.
    pub target: bool,
    /// The log position inside the last finished copy.
    pub copied: LogPos,
    /// The last log position.
    pub head: LogPos,
    /// When the last copy was finished, in milliseconds since 1970; none if never.
    pub copied_at: Option<u64>,
    /// Writing has stopped: an epoch must be opened.
    pub stopped: bool,
    /// The organisation moved elsewhere.
    pub sealed: bool,
}

impl CopyState {
    /// Whether something is on this machine only.
    pub fn behind(&self) -> bool {
        self.copied < self.head
    }
}

/// Reads it.
pub fn copy_state(files: &OrgFiles, org: OrgId, target: bool) -> Result<CopyState, StorageError> {
    files.read(org, |txn| {
        Ok(CopyState {
            target,
            copied: txn.copied()?,
            head: txn.head()?.0,
            copied_at: Some(txn.copied_at()?).filter(|at| *at > 0),
            stopped: txn.stopped()?,
            sealed: txn.sealed()?,
        })
    })
}

impl Service {
    /// How far the last copy of an organisation is; `target` says whether copies are on a schedule at all.
    pub fn copy_state(&self, org: OrgId) -> Result<CopyState, StorageError> {
        copy_state(&self.files, org, self.options.copies)
    }
}
