//! Opening an epoch over a file that was stopped, and stopping one that moves elsewhere (§5.5, §5.6).

use std::path::Path;

use tributary_sync_core::ids::{EpochId, OrgId};

use super::BackupError;
use super::manifest::Sets;
use super::restore::{Offline, Overrides, Restored, Return};
use crate::storage::{AuditEntry, OrgFiles, StorageError, read_file};

/// How an epoch was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Over the file as it lies here: it has everything that the newest copy has.
    InPlace(EpochId),
    /// From the newest copy, because the file here lacked it. The file is put aside.
    FromCopy(Box<Restored>),
}

/// Opens an epoch in one organisation. `target` is the folder of copies; without it, only a file that was never copied
/// or `without_copy` will do.
pub fn open_epoch(
    at: Offline<'_>,
    org: OrgId,
    target: Option<&Path>,
    without_copy: bool,
) -> Result<Opened, BackupError> {
    let sets = target.map(Sets::read).transpose()?.unwrap_or_default();
    let files = OrgFiles::new(at.data)?;
    let path = files.path(org);
    let look = |after: Option<u64>| {
        read_file::<_, StorageError>(org, &path, |txn| {
            let newest = match after {
                Some(after) => sets.newest(org, after),
                None => sets.newest(org, txn.copies_waived()?),
            };
            let lacks = match newest {
                Some((_, entry)) => !entry.contained_in(txn)?,
                None => false,
            };
            Ok((newest, lacks, txn.copied_at()? > 0))
        })
    };
    if !path.is_file() && sets.newest(org, 0).is_none() {
        return Err(StorageError::NoOrganisation.into());
    }
    let (newest, lacks, copied_before) = if path.is_file() {
        look(None)?
    } else {
        (sets.newest(org, 0), true, true)
    };
    match newest {
        Some((set, entry)) if lacks => {
            let overrides = Overrides::default();
            let back = Return {
                at,
                sets: &sets,
                set,
                entry,
                overrides,
            };
            back.allowed()?;
            drop(files);
            Ok(Opened::FromCopy(Box::new(back.restore()?)))
        }
        None if copied_before && !without_copy => Err(BackupError::CopiesUnseen(org)),
        _ => in_place(&files, org, at).map(Opened::InPlace),
    }
}

fn in_place(files: &OrgFiles, org: OrgId, at: Offline<'_>) -> Result<EpochId, BackupError> {
    let now = at.now;
    let mut id = [0; 16];
    at.entropy.fill(&mut id)?;
    let epoch = EpochId::from_bytes(id);
    files.write::<_, StorageError>(org, move |txn| {
        txn.open_epoch(epoch, now)?;
        let row = AuditEntry {
            action: "epoch.opened",
            detail: Some(format!("epoch {epoch}")),
            ..AuditEntry::default()
        };
        txn.audit(&row, now).map(drop)
    })?;
    files.close(org);
    Ok(epoch)
}

/// Stops writing in an organisation for good, because it moves to another server: nothing is stored here that the copy
/// taken next does not have.
pub fn seal(files: &OrgFiles, org: OrgId, now: u64) -> Result<(), BackupError> {
    files.write::<_, StorageError>(org, move |txn| {
        txn.seal()?;
        let row = AuditEntry {
            action: "organisation.sealed",
            ..AuditEntry::default()
        };
        txn.audit(&row, now).map(drop)
    })?;
    Ok(())
}
