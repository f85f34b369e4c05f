//! The way back: one or all organisations from a set, each made ready beside its place and then renamed into it.
//!
//! The restored file opens a new epoch. The server's own actors need no retiring: each is drawn at random and used for
//! one changeset. What phones know more of they send again; what was erased is replayed from the ledgers and stays away.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tributary_sync_core::ids::{EpochId, LogPos, OrgId, Tombstone};

use super::make::Which;
use super::manifest::{OrgEntry, Set, Sets, verify_file, verify_org};
use super::{BackupError, Step, hidden};
use crate::service::env::Entropy;
use crate::service::keys::signs_in;
use crate::storage::folder::{DataFolder, FolderLock};
use crate::storage::{AuditEntry, Ledger, OrgFiles, StorageError, copy, read_file, sets};

/// Where to restore from.
#[derive(Clone, Debug)]
pub struct Source {
    /// The folder of sets.
    pub target: PathBuf,
    /// One of them; without it, the newest of each organisation.
    pub set: Option<String>,
}

impl Source {
    /// A path may name a folder of sets, or one set in it.
    pub fn at(path: &Path) -> Self {
        let name = path.file_name().and_then(|n| n.to_str());
        match (path.join(sets::MANIFEST).is_file(), path.parent(), name) {
            (true, Some(target), Some(name)) => Self {
                target: target.to_owned(),
                set: Some(name.to_owned()),
            },
            _ => Self {
                target: path.to_owned(),
                set: None,
            },
        }
    }
}

/// What an operator says knowingly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Restore a copy that does not contain the newest one.
    pub older_copy: bool,
    /// Restore without the whole ledger of erasures.
    pub accept_erasure_loss: bool,
    /// Replace a file that has everything the copy has.
    pub replace: bool,
}

/// One organisation after a restore.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Which.
    pub org: OrgId,
    /// From which set.
    pub set: String,
    /// Its new epoch.
    pub epoch: EpochId,
    /// The log position of the copy.
    pub pos: LogPos,
    /// Records of the copy that the ledger erased again.
    pub erased_again: u64,
    /// Where the file that lay here before was put.
    pub replaced: Option<PathBuf>,
}

/// The folder to work on, while nobody else does; the time and the random source.
#[derive(Clone, Copy)]
pub struct Offline<'a> {
    /// The data folder.
    pub data: &'a Path,
    /// No server runs on it.
    pub lock: &'a FolderLock,
    /// Where epochs come from.
    pub entropy: &'a dyn Entropy,
    /// In milliseconds since 1970.
    pub now: u64,
}

/// Restores.
pub fn restore(
    at: Offline<'_>,
    source: &Source,
    which: Which,
    overrides: Overrides,
    progress: &mut dyn FnMut(Step),
) -> Result<Vec<Restored>, BackupError> {
    let sets = Sets::read(&source.target)?;
    let chosen = choose(&sets, source, which)?;
    // Everything is looked at before anything is changed.
    for (n, (set, entry)) in chosen.iter().enumerate() {
        progress(Step::Organisation(entry.id, n + 1, chosen.len()));
        let back = Return {
            at,
            sets: &sets,
            set,
            entry,
            overrides,
        };
        back.allowed()?;
    }
    progress(Step::Files);
    if which == Which::All
        && let Some(set) = with_shared(&sets, source, &chosen)
    {
        restore_shared(at.data, set)?;
    }
    let mut out = Vec::new();
    for (n, (set, entry)) in chosen.iter().enumerate() {
        progress(Step::Organisation(entry.id, n + 1, chosen.len()));
        let back = Return {
            at,
            sets: &sets,
            set,
            entry,
            overrides,
        };
        out.push(back.restore()?);
    }
    Ok(out)
}

type Chosen<'a> = Vec<(&'a Set, &'a OrgEntry)>;

fn choose<'a>(sets: &'a Sets, source: &Source, which: Which) -> Result<Chosen<'a>, BackupError> {
    let none = || BackupError::NoSet(source.target.display().to_string());
    let named = match &source.set {
        Some(name) => Some(sets.by_name(name).ok_or_else(none)?),
        None => None,
    };
    if sets.sets.is_empty() {
        return Err(none());
    }
    let of = |org: OrgId| match named {
        Some(set) => set.manifest.organisation(org).map(|e| (set, e)),
        None => sets.newest(org, 0),
    };
    match which {
        Which::One(org) => Ok(vec![of(org).ok_or(BackupError::NotInSet(org))?]),
        Which::All => {
            let looked_at = named.map_or(sets.sets.as_slice(), std::slice::from_ref);
            let mut all: Vec<OrgId> = looked_at
                .iter()
                .flat_map(|s| s.manifest.organisations.iter().map(|e| e.id))
                .collect();
            all.sort_unstable();
            all.dedup();
            Ok(all.into_iter().filter_map(of).collect())
        }
    }
}

/// The set whose directory and keys count: the named one, or else the newest, if it has them. Copies of one
/// organisation have not.
fn with_shared<'a>(sets: &'a Sets, source: &Source, chosen: &Chosen<'a>) -> Option<&'a Set> {
    let named = source.set.as_ref().and_then(|name| sets.by_name(name));
    let has = |set: &&Set| set.manifest.directory_schema.is_some();
    named
        .filter(has)
        .or_else(|| sets.sets.iter().rev().find(has))
        .or_else(|| {
            chosen
                .iter()
                .map(|c| c.0)
                .max_by_key(|s| s.manifest.made_ms)
        })
}

/// The directory and the keys, where the data folder has none: what is here is newer and knows of later
/// revocations. The server makes keys for tokens anew: people sign in again, phones prove themselves again.
/// Copies of earlier programs have those keys, and sign-ins in their directory: they are not brought back.
fn restore_shared(data: &Path, set: &Set) -> Result<(), BackupError> {
    for file in set.manifest.files.iter().map(|f| f.path.as_str()) {
        let key = file.strip_prefix("keys/").is_some_and(|key| !signs_in(key));
        let shared = file == "directory.db" || key;
        let place = data.join(file);
        if shared && !place.exists() {
            verify_file(set, file)?;
            sets::install(&set.path.join(file), &place)?;
            if !key {
                copy::without_sign_ins(&place)?;
            }
        }
    }
    Ok(())
}

/// The return of one organisation.
pub(super) struct Return<'a> {
    pub(super) at: Offline<'a>,
    pub(super) sets: &'a Sets,
    pub(super) set: &'a Set,
    pub(super) entry: &'a OrgEntry,
    pub(super) overrides: Overrides,
}

impl Return<'_> {
    fn org(&self) -> OrgId {
        self.entry.id
    }
    fn here(&self) -> PathBuf {
        self.at.data.join(OrgEntry::file(self.org()))
    }

    /// Looks at everything that can forbid it.
    pub(super) fn allowed(&self) -> Result<(), BackupError> {
        let org = self.org();
        verify_file(self.set, &OrgEntry::file(org))?;
        verify_org(&self.set.name, &self.set.path, self.entry)?;
        if let Some((newest, last)) = self.sets.newest(org, 0)
            && newest.name != self.set.name
            && !self.overrides.older_copy
        {
            let path = self.set.path.join(OrgEntry::file(org));
            if !read_file(org, &path, |txn| last.contained_in(txn))? {
                return Err(BackupError::OlderCopy {
                    chosen: self.set.name.clone(),
                    newest: newest.name.clone(),
                });
            }
        }
        if !self.overrides.replace && self.here_has_the_copy() {
            return Err(BackupError::AlreadyHere {
                org,
                set: self.set.name.clone(),
            });
        }
        self.ledger().map(drop)
    }

    /// A file that cannot be read has nothing.
    fn here_has_the_copy(&self) -> bool {
        let here = self.here();
        here.is_file()
            && read_file(self.org(), &here, |txn| self.entry.contained_in(txn)).unwrap_or(false)
    }

    /// The union of all ledgers there are: of the data folder, beside the sets, and in each of them.
    fn ledger(&self) -> Result<Vec<(Tombstone, u64)>, BackupError> {
        let org = self.org();
        let mut places = vec![
            self.at.data.join(OrgEntry::ledger(org)),
            self.sets.target.join(OrgEntry::ledger(org)),
        ];
        places.extend(
            self.sets
                .sets
                .iter()
                .map(|s| s.path.join(OrgEntry::ledger(org))),
        );
        let mut stones: BTreeMap<Tombstone, u64> = BTreeMap::new();
        let mut found = false;
        for place in places {
            found |= place.is_file();
            for (hash, at) in Ledger::read_file(&place)? {
                let first = stones.entry(hash).or_insert(at);
                *first = at.min(*first);
            }
        }
        let expected = self
            .sets
            .sets
            .iter()
            .filter_map(|s| s.manifest.organisation(org).map(|e| e.erasures))
            .max()
            .unwrap_or(0);
        let known = stones.len() as u64;
        if !self.overrides.accept_erasure_loss && (!found || known < expected) {
            return Err(BackupError::ErasureLedger {
                org,
                known,
                expected,
            });
        }
        Ok(stones.into_iter().collect())
    }

    /// Makes the file ready in a folder of its own, then renames it into its place. A cut leaves the old, the new, or, for
    /// a moment, none with the old one put aside; the same command then ends what it began.
    pub(super) fn restore(&self) -> Result<Restored, BackupError> {
        let org = self.org();
        let stones = self.ledger()?;
        Ledger::new(self.at.data)?.merge(org, &stones)?;
        self.restore_files()?;
        let scratch = DataFolder::at(self.at.data).unfinished(org);
        let io = StorageError::io("making room for the restored file");
        if scratch.exists() {
            std::fs::remove_dir_all(&scratch).map_err(io)?;
        }
        let files = OrgFiles::apart(&scratch)?;
        files.ledger().merge(org, &stones)?;
        sets::install(&self.set.path.join(OrgEntry::file(org)), &files.path(org))?;
        let (epoch, erased_again) = self.make_ready(&files)?;
        files.close(org);
        drop(files);
        let ready = scratch.join(OrgEntry::file(org));
        // The file alone is moved: what stood only in its log would be left behind.
        copy::fold(&ready)?;
        let replaced = self.set_aside()?;
        sets::rename_synced(&ready, &self.here())?;
        let _ = std::fs::remove_dir_all(&scratch);
        Ok(Restored {
            org,
            set: self.set.name.clone(),
            epoch,
            pos: self.entry.pos,
            erased_again,
            replaced,
        })
    }

    /// Opening replays the ledger; then the epoch opens. The copy restored from still covers its part of the log.
    fn make_ready(&self, files: &OrgFiles) -> Result<(EpochId, u64), StorageError> {
        let mut id = [0; 16];
        self.at.entropy.fill(&mut id)?;
        let epoch = EpochId::from_bytes(id);
        let (pos, made_ms, now) = (self.entry.pos, self.set.manifest.made_ms, self.at.now);
        let before = self.entry.erasures;
        // What lies here may have opened, or been shown, a later epoch than the copy and the clock know of.
        let shown = read_file(self.org(), &self.here(), |txn| txn.latest_epoch_at()).unwrap_or(0);
        // What was restricted since the copy stays hidden.
        let restricted = read_file(self.org(), &self.here(), |txn| txn.restrictions());
        let restricted = restricted.unwrap_or_default();
        let waived = self.overrides.older_copy.then(|| self.sets.newest_ms());
        let name = self.set.name.clone();
        files.write(self.org(), move |txn| {
            txn.note_epoch_shown(shown)?;
            txn.open_epoch(epoch, now)?;
            txn.set_copied(pos, made_ms)?;
            for one in restricted {
                hidden::restrict_again(txn, one, now)?;
            }
            if let Some(waived) = waived {
                txn.waive_copies(waived)?;
            }
            let row = AuditEntry {
                action: "backup.restored",
                subject: Some(name),
                detail: Some(format!("position {pos}, epoch {epoch}")),
                ..AuditEntry::default()
            };
            txn.audit(&row, now)?;
            Ok((epoch, txn.erasures()?.saturating_sub(before)))
        })
    }

    /// Attachments and keys that are not here.
    fn restore_files(&self) -> Result<(), BackupError> {
        let org = self.org();
        for folder in [format!("attachment/{org}"), format!("keys/{org}")] {
            for file in sets::files_below(&self.set.path.join(&folder))? {
                let path = format!("{folder}/{file}");
                let place = self.at.data.join(&path);
                if !place.exists() {
                    sets::install(&self.set.path.join(&path), &place)?;
                }
            }
        }
        Ok(())
    }

    /// Whatever lies here now is put aside, with its log, never deleted: an operator decides over it. The log goes even
    /// when its file has gone already, for instance by a restore that was cut: beside another file it would be taken for
    /// that one's.
    fn set_aside(&self) -> Result<Option<PathBuf>, StorageError> {
        let aside = self
            .at
            .data
            .join("replaced")
            .join(format!("{}-{}", self.org(), self.at.now));
        let mut moved = false;
        for end in ["", "-wal", "-shm"] {
            let name = format!("{}.db{end}", self.org());
            let from = self.at.data.join("org").join(&name);
            if from.exists() {
                sets::rename_synced(&from, &aside.join(&name))?;
                moved = true;
            }
        }
        Ok(moved.then_some(aside))
    }
}
