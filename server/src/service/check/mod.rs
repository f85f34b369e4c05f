//! Proves over a whole data folder what must hold: every organisation's file, the directory, keys, the ledgers of
//! erasures, and that nothing lies there that nobody knows.
//!
//! Nothing is written, so it runs beside a server; memory does not grow with the folder. Findings name rules and
//! places, never an answer.

mod folder;
#[cfg(test)]
mod tests;

use serde::Serialize;
use tributary_sync_core::ids::OrgId;

use crate::service::keys::Keys;
use crate::storage::attachments::Attachments;
use crate::storage::directory::{self, DirectoryCheck};
use crate::storage::folder::DataFolder;
use crate::storage::{CheckReport, Fault, Ledger, OrgFiles, Stage, StorageError, read_file};

/// Something that does not hold, or that somebody should look at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Which rule.
    pub rule: String,
    /// Where.
    pub place: String,
}

impl Finding {
    fn new(rule: &str, place: impl std::fmt::Display) -> Self {
        Self {
            rule: rule.to_owned(),
            place: place.to_string(),
        }
    }
}

impl From<Fault> for Finding {
    fn from(f: Fault) -> Self {
        Self::new(f.rule, f.place)
    }
}

/// What was found of one organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OrgFindings {
    /// Which.
    pub id: OrgId,
    /// Entries of its log.
    pub entries: u64,
    /// Its records.
    pub records: u64,
    /// Numbers that its actors used.
    pub items: u64,
    /// Rows of its audit.
    pub audit_rows: u64,
    /// What does not hold.
    pub faults: Vec<Finding>,
    /// Faults beyond those listed.
    pub more: u64,
}

/// What was found of a data folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FolderReport {
    /// Whether everything holds.
    pub sound: bool,
    /// Organisation by organisation.
    pub organisations: Vec<OrgFindings>,
    /// What does not hold outside of them.
    pub faults: Vec<Finding>,
    /// What is no fault and should be known.
    pub notices: Vec<Finding>,
}

/// Where a check is.
#[derive(Clone, Copy, Debug)]
pub enum At {
    /// The directory, keys and names of files.
    Folder,
    /// One organisation: which, its place, how many there are, and the stage.
    Organisation(OrgId, usize, usize, Stage),
}

/// Checks a data folder.
pub fn check(
    data: &DataFolder,
    progress: &mut dyn FnMut(At),
) -> Result<FolderReport, StorageError> {
    progress(At::Folder);
    let mut report = FolderReport {
        sound: true,
        organisations: Vec::new(),
        faults: Vec::new(),
        notices: Vec::new(),
    };
    let known = check_directory(data, &mut report);
    let ids = OrgFiles::new(data.path())?.ids()?;
    if let Some(known) = &known {
        for org in known.organisations.iter().filter(|org| !ids.contains(org)) {
            report
                .faults
                .push(Finding::new("folder.organisation_missing", org));
        }
    }
    folder::names(data, known.as_ref(), &ids, &mut report)?;
    folder::keys(data, &ids, &Keys::of(data), &mut report)?;
    for (n, org) in ids.iter().enumerate() {
        let mut stage = |stage| progress(At::Organisation(*org, n + 1, ids.len(), stage));
        let findings = organisation(data, *org, known.as_ref(), &mut stage);
        report.organisations.push(findings);
    }
    report.sound = report.faults.is_empty()
        && report
            .organisations
            .iter()
            .all(|o| o.faults.is_empty() && o.more == 0);
    Ok(report)
}

fn check_directory(data: &DataFolder, report: &mut FolderReport) -> Option<DirectoryCheck> {
    if !data.is_initialised() {
        report
            .faults
            .push(Finding::new("directory.missing", "directory.db"));
        return None;
    }
    match directory::check(&data.directory()) {
        Ok(found) => {
            let faults = found.faults.iter().cloned().map(Finding::from);
            report.faults.extend(faults);
            Some(found)
        }
        Err(e) => {
            report.faults.push(Finding::new("directory.opens", e));
            None
        }
    }
}

fn organisation(
    data: &DataFolder,
    org: OrgId,
    known: Option<&DirectoryCheck>,
    stage: &mut dyn FnMut(Stage),
) -> OrgFindings {
    let path = data.organisations().join(format!("{org}.db"));
    let ledger = Ledger::read_file(&data.erased().join(format!("{org}.ledger")));
    let checked = read_file::<_, StorageError>(org, &path, |txn| {
        let mut report = txn.check_with(stage)?;
        files(data, txn, &mut report.faults)?;
        let more = beside(txn, known, ledger.as_deref().unwrap_or_default());
        // What the file does not let be read has been found above.
        report.faults.extend(more.unwrap_or_default());
        Ok(report)
    });
    let (report, mut faults) = match checked {
        Ok(report) => (report, Vec::new()),
        Err(e) => (CheckReport::default(), vec![Finding::new("file.opens", e)]),
    };
    if let Err(e) = ledger {
        faults.push(Finding::new("ledger.readable", e));
    }
    faults.extend(report.faults.into_iter().map(Finding::from));
    OrgFindings {
        id: org,
        entries: report.entries,
        records: report.records,
        items: report.items,
        audit_rows: report.audit_rows,
        faults,
        more: report.more,
    }
}

/// Every file that a record has is here, and is what its name says.
fn files(
    data: &DataFolder,
    txn: &crate::storage::OrgTxn<'_>,
    faults: &mut Vec<Fault>,
) -> Result<(), StorageError> {
    let attachments = Attachments::of(data.path());
    for (hash, _) in txn.attachment_hashes()? {
        if attachments.whole_hash(txn.org(), hash)? != Some(hash) {
            faults.push(Fault {
                rule: "attachment.bytes",
                place: hash.to_string(),
            });
        }
    }
    Ok(())
}

/// The file against what lies beside it: the ledger of erasures and the directory.
fn beside(
    txn: &crate::storage::OrgTxn<'_>,
    known: Option<&DirectoryCheck>,
    ledger: &[(tributary_sync_core::ids::Tombstone, u64)],
) -> Result<Vec<Fault>, StorageError> {
    let mut faults = Vec::new();
    let mut fault = |rule, place: String| faults.push(Fault { rule, place });
    for hash in txn.lacking(ledger)? {
        fault("ledger.replayed", hash.to_string());
    }
    for stone in txn.tombstones()? {
        if !ledger.iter().any(|(hash, _)| *hash == stone.hash) {
            fault("ledger.complete", stone.hash.to_string());
        }
    }
    if let Some(known) = known {
        for profile in txn.profiles()? {
            if !known.profiles.contains(&(txn.org(), profile.id)) {
                fault("directory.profile", profile.id.to_string());
            }
        }
    }
    Ok(faults)
}
