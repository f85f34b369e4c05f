//! What lies in a data folder by name, and its keys.

use std::path::Path;

use tributary_sync_core::ids::OrgId;

use super::{Finding, FolderReport};
use crate::service::keys::Keys;
use crate::storage::StorageError;
use crate::storage::directory::DirectoryCheck;
use crate::storage::folder::{DataFolder, UNFINISHED};
use crate::storage::sets::files_below;

/// Names at the top of a data folder that belong there.
const TOP: &[&str] = &[
    "directory.db",
    "directory.db-wal",
    "directory.db-shm",
    "lock",
    "tributary.toml",
];

/// Every file belongs to something; a stranger is no fault, but should be known.
pub(super) fn names(
    data: &DataFolder,
    known: Option<&DirectoryCheck>,
    ids: &[OrgId],
    report: &mut FolderReport,
) -> Result<(), StorageError> {
    for file in files_below(data.path())? {
        let rule = stranger(&file, known, ids);
        if let Some(rule) = rule {
            report.notices.push(Finding::new(rule, file));
        }
    }
    Ok(())
}

fn stranger(file: &str, known: Option<&DirectoryCheck>, ids: &[OrgId]) -> Option<&'static str> {
    let of = |id: &str| id.parse::<OrgId>().ok().is_some_and(|id| ids.contains(&id));
    let mut parts = file.split('/');
    match (parts.next()?, parts.next()) {
        (top, None) => (!TOP.contains(&top)).then_some("folder.stranger"),
        ("org", Some(name)) => {
            let id = name
                .split('.')
                .next()
                .and_then(|id| id.parse::<OrgId>().ok());
            match id {
                Some(id) if known.is_none_or(|k| k.organisations.contains(&id)) => None,
                Some(_) => Some("folder.organisation_unknown"),
                None => Some("folder.stranger"),
            }
        }
        ("erased", Some(name)) => {
            let known = name.strip_suffix(".ledger").is_some_and(of);
            (!known).then_some("folder.stranger")
        }
        ("attachment" | "upload", Some(id)) => (!of(id)).then_some("folder.stranger"),
        ("keys", _) => None,
        ("replaced", _) => Some("folder.replaced"),
        (top, _) if top.starts_with(UNFINISHED) => Some("folder.unfinished_restore"),
        _ => Some("folder.stranger"),
    }
}

/// Every organisation has its keys, they can be used, and nobody else can read them.
pub(super) fn keys(
    data: &DataFolder,
    ids: &[OrgId],
    keys: &Keys,
    report: &mut FolderReport,
) -> Result<(), StorageError> {
    for org in ids {
        if let Err(e) = keys.of_org(*org) {
            let why = e.cause.unwrap_or_default();
            report
                .faults
                .push(Finding::new("keys.usable", format!("{org}: {why}")));
        }
    }
    let folder = data.keys();
    if open_to_others(&folder) {
        report.faults.push(Finding::new("keys.private", "keys"));
    }
    for file in files_below(&folder)? {
        if open_to_others(&folder.join(&file)) {
            report
                .faults
                .push(Finding::new("keys.private", format!("keys/{file}")));
        }
    }
    Ok(())
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|m| m.permissions().mode() & 0o077 != 0)
}
#[cfg(not(unix))]
fn open_to_others(_path: &Path) -> bool {
    false
}
