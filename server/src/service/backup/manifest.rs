//! What a set of copies says of itself, and what a folder of sets holds.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{EpochId, LogHash, LogPos, OrgId};

use super::BackupError;
use crate::service::ambient::rfc3339;
use crate::storage::sets::{self, FileSum, MANIFEST};
use crate::storage::{OrgTxn, StorageError, copy, read_file};

/// The version of the manifest that this program writes.
const FORMAT: u32 = 1;
/// The list of attachments beside the manifest, as `sha256sum -c` reads it.
pub(super) const ATTACHMENTS: &str = "attachments.sha256";

/// One set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this manifest.
    pub format: u32,
    /// The program that made the set.
    pub tributary: String,
    /// When, RFC 3339.
    pub made_at: String,
    /// When, in milliseconds since 1970; never before that of an earlier set in the folder.
    pub made_ms: u64,
    /// Whose files it holds.
    pub organisations: Vec<OrgEntry>,
    /// The schema of the directory, if the set has it.
    pub directory_schema: Option<u32>,
    /// Every file but the manifest and attachments.
    pub files: Vec<FileEntry>,
    /// How many attachments there are; their hashes stand in `attachments.sha256`.
    pub attachments: u64,
}

/// The state of one organisation's file in a set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgEntry {
    /// Which.
    pub id: OrgId,
    /// The epoch in force.
    pub epoch: EpochId,
    /// The last position of its log.
    pub pos: LogPos,
    /// The hash of the log up to there.
    pub log_hash: LogHash,
    /// The schema of the file.
    pub schema: u32,
    /// How many records were ever erased.
    pub erasures: u64,
    /// The head of its audit.
    pub audit: AuditHead,
}

/// The signed head of the audit: proves later that no row before it was changed or dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditHead {
    /// The number of the last row.
    pub n: u64,
    /// The hash up to there.
    pub hash: String,
    /// By the organisation's receipt key.
    pub sig: String,
}

impl AuditHead {
    /// What the signature covers.
    pub fn signed_bytes(org: OrgId, n: u64, hash: &[u8; 32]) -> Vec<u8> {
        [
            b"tributary-audit-head-v1".as_slice(),
            org.as_bytes(),
            &n.to_be_bytes(),
            hash,
        ]
        .concat()
    }
}

/// One file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Its path inside the set.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
}

impl From<&FileSum> for FileEntry {
    fn from(f: &FileSum) -> Self {
        Self {
            path: f.path.clone(),
            bytes: f.bytes,
            sha256: f.sha256.clone(),
        }
    }
}

impl OrgEntry {
    /// Where the organisation's file lies inside a set.
    pub(super) fn file(org: OrgId) -> String {
        format!("org/{org}.db")
    }
    /// Where its ledger lies inside a set.
    pub(super) fn ledger(org: OrgId) -> String {
        format!("erased/{org}.ledger")
    }
    /// Whether a log has everything that this copy has.
    pub(super) fn contained_in(&self, txn: &OrgTxn<'_>) -> Result<bool, StorageError> {
        Ok(txn.log_hash(self.pos)? == Some(self.log_hash))
    }
}

impl Manifest {
    pub(super) fn new(made_ms: u64) -> Self {
        Self {
            format: FORMAT,
            tributary: env!("CARGO_PKG_VERSION").to_owned(),
            made_at: rfc3339(made_ms),
            made_ms,
            organisations: Vec::new(),
            directory_schema: None,
            files: Vec::new(),
            attachments: 0,
        }
    }
    /// The entry of an organisation.
    pub fn organisation(&self, org: OrgId) -> Option<&OrgEntry> {
        self.organisations.iter().find(|e| e.id == org)
    }
}

fn instant(ms: u64) -> jiff::Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::MAX)
}

/// The name of a set: its time, in characters that every disk can write.
pub(super) fn set_name(made_ms: u64) -> String {
    instant(made_ms).strftime("%Y%m%dT%H%M%S%3fZ").to_string()
}

/// A finished set in a folder.
#[derive(Clone, Debug)]
pub struct Set {
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

/// The sets of one folder, the oldest first.
#[derive(Clone, Debug, Default)]
pub struct Sets {
    /// Where.
    pub target: PathBuf,
    /// Those whose manifest can be read.
    pub sets: Vec<Set>,
    /// The names of those whose manifest cannot.
    pub unreadable: Vec<String>,
}

impl Sets {
    /// Reads the manifests of a folder. A folder that is not there has none.
    pub fn read(target: &Path) -> Result<Self, StorageError> {
        let mut out = Self {
            target: target.to_owned(),
            ..Self::default()
        };
        for name in sets::finished(target)? {
            let path = target.join(&name);
            let manifest = std::fs::read(path.join(MANIFEST))
                .ok()
                .and_then(|bytes| serde_json::from_slice::<Manifest>(&bytes).ok())
                .filter(|m| m.format == FORMAT);
            match manifest {
                Some(manifest) => out.sets.push(Set {
                    name,
                    path,
                    manifest,
                }),
                None => out.unreadable.push(name),
            }
        }
        out.sets.sort_by_key(|s| s.manifest.made_ms);
        Ok(out)
    }
    /// The newest set that holds an organisation, made after a moment.
    pub fn newest(&self, org: OrgId, after: u64) -> Option<(&Set, &OrgEntry)> {
        self.sets
            .iter()
            .rev()
            .filter(|s| s.manifest.made_ms > after)
            .find_map(|s| Some((s, s.manifest.organisation(org)?)))
    }
    /// A set by its name.
    pub fn by_name(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|s| s.name == name)
    }
    /// When the newest set was made; 0 if there is none.
    pub fn newest_ms(&self) -> u64 {
        self.sets.last().map_or(0, |s| s.manifest.made_ms)
    }
}

/// Proves that the copy of an organisation's file is whole: it opens, every page is sound, its head is the manifest's.
pub(super) fn verify_org(set: &str, folder: &Path, entry: &OrgEntry) -> Result<(), BackupError> {
    let path = folder.join(OrgEntry::file(entry.id));
    let damaged = |what: String| BackupError::SetDamaged {
        set: set.to_owned(),
        what,
    };
    if let Some(word) = copy::unsound(&path).map_err(|e| {
        damaged(format!(
            "the file of organisation {} does not open ({e})",
            entry.id
        ))
    })? {
        return Err(damaged(format!(
            "the file of organisation {} is not sound ({word})",
            entry.id
        )));
    }
    let (epoch, head) =
        read_file::<_, StorageError>(entry.id, &path, |txn| Ok((txn.epoch()?.id, txn.head()?)))?;
    if epoch != entry.epoch || head != (entry.pos, entry.log_hash) {
        return Err(damaged(format!(
            "the file of organisation {} is not the one its manifest describes",
            entry.id
        )));
    }
    Ok(())
}

/// Proves that a file of a set has the bytes that were written.
pub(super) fn verify_file(set: &Set, path: &str) -> Result<(), BackupError> {
    let damaged = |what: String| BackupError::SetDamaged {
        set: set.name.clone(),
        what,
    };
    let entry = set
        .manifest
        .files
        .iter()
        .find(|f| f.path == path)
        .ok_or_else(|| damaged(format!("its manifest does not name {path}")))?;
    let (sha256, bytes) = sets::hash_file(&set.path.join(path))
        .map_err(|e| damaged(format!("{path} cannot be read ({e})")))?;
    if sha256 != entry.sha256 || bytes != entry.bytes {
        return Err(damaged(format!("{path} has other bytes than were written")));
    }
    Ok(())
}
