//! One data folder: the directory of organisations and users, and a file for each organisation.
//!
//! A transaction is opened *for* one organisation, and no method takes its id: one tenant's transaction cannot name
//! another's rows. Files open when they are asked for and close when idle.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};
use tributary_sync_core::ids::OrgId;

use super::attachments::Attachments;
use super::copy;
use super::error::StorageError;
use super::folder::make_folder;
use super::ledger::Ledger;
use super::open;
use super::org::{MIGRATIONS, OrgTxn};
use super::writer::Writer;

/// How many organisations' files are kept open at once.
const OPEN_MAX: usize = 64;
/// Idle reader connections kept for one organisation: as many as requests are usually answered at once. Opening one costs
/// more than most answers.
const READERS_MAX: usize = 16;

/// The organisations of one data folder.
pub struct OrgFiles {
    folder: PathBuf,
    /// None for files that are made ready elsewhere than where the attachments lie.
    attachments: Option<Attachments>,
    data: PathBuf,
    ledger: Arc<Ledger>,
    open: Mutex<HashMap<OrgId, Arc<OrgFile>>>,
    /// Held while the file of an organisation opens or closes: others do not wait for that.
    gates: Mutex<HashMap<OrgId, Arc<Mutex<()>>>>,
    /// In whose files erased words may still lie.
    owed: Mutex<BTreeSet<OrgId>>,
}

struct OrgFile {
    path: PathBuf,
    /// Dropped before the writer, so that the writer closes last and leaves no write-ahead log behind.
    readers: Mutex<Vec<Connection>>,
    writer: Writer,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // A panic elsewhere leaves these maps whole: they are only ever replaced or pushed to.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OrgFiles {
    /// The files under `<data folder>/org`.
    pub fn new(data_folder: &Path) -> Result<Self, StorageError> {
        let folder = data_folder.join("org");
        make_folder(&folder).map_err(|source| StorageError::Io {
            what: "making the folder of organisations",
            source,
        })?;
        let ledger = Arc::new(Ledger::new(data_folder)?);
        Ok(Self {
            folder,
            attachments: Some(Attachments::of(data_folder)),
            data: data_folder.to_owned(),
            ledger,
            open: Mutex::new(HashMap::new()),
            gates: Mutex::new(HashMap::new()),
            owed: Mutex::new(BTreeSet::new()),
        })
    }

    /// The same for a folder in which files are made ready that belong elsewhere: attachments that must go stay owed.
    pub fn apart(folder: &Path) -> Result<Self, StorageError> {
        Ok(Self {
            attachments: None,
            ..Self::new(folder)?
        })
    }

    /// The files that travel apart from answers.
    pub fn attachments(&self) -> Attachments {
        Attachments::of(&self.data)
    }
    /// Takes off the disk the files of an organisation that must go.
    pub fn wipe_files(&self, org: OrgId) -> Result<(), StorageError> {
        match self.read::<_, StorageError>(org, |txn| txn.files_owed())? {
            true => self.wipe_with(&self.file(org)?.writer),
            false => Ok(()),
        }
    }
    fn wipe_with(&self, writer: &Writer) -> Result<(), StorageError> {
        let Some(files) = self.attachments.clone() else {
            return Ok(());
        };
        writer.write::<_, StorageError>(move |txn| txn.wipe_files(&files))
    }
    /// Takes off the disk half files that no row knows: what was written while its record was erased.
    pub fn sweep_half_files(&self, org: OrgId) -> Result<(), StorageError> {
        let Some(files) = self.attachments.clone() else {
            return Ok(());
        };
        for id in files.half_files(org)? {
            let files = files.clone();
            self.write::<_, StorageError>(org, move |txn| match txn.has_upload(id)? {
                true => Ok(()),
                false => files.remove_half(txn.org(), id),
            })?;
        }
        Ok(())
    }

    /// The ledger of erasures beside the files.
    pub fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.ledger)
    }

    /// Where the file of an organisation lies.
    pub fn path(&self, org: OrgId) -> PathBuf {
        self.folder.join(format!("{org}.db"))
    }

    /// The organisations whose files lie here, in order of their ids.
    pub fn ids(&self) -> Result<Vec<OrgId>, StorageError> {
        let what = "listing the organisations";
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&self.folder).map_err(StorageError::io(what))? {
            let name = entry.map_err(StorageError::io(what))?.file_name();
            let id = name.to_str().and_then(|n| n.strip_suffix(".db"));
            ids.extend(id.and_then(|id| id.parse::<OrgId>().ok()));
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// Copies the file of an organisation as of one moment, while writing goes on. `judge` sees the same moment first;
    /// nothing is copied when it refuses.
    pub fn copy<T, E: From<StorageError>>(
        &self,
        org: OrgId,
        to: &Path,
        judge: impl FnOnce(&OrgTxn<'_>) -> Result<T, E>,
        progress: &mut dyn FnMut(copy::Progress),
    ) -> Result<T, E> {
        let file = self.file(org)?;
        copy::snapshot(
            &file.path,
            to,
            |conn| judge(&OrgTxn::new(org, conn)),
            progress,
        )
    }

    /// Makes the file of a new organisation.
    pub fn create(&self, org: OrgId) -> Result<(), StorageError> {
        open::writer(&self.path(org), MIGRATIONS, true).map(drop)
    }

    /// Runs `work` in the next commit of this organisation; returns once that commit is durable.
    pub fn write<T, E>(
        &self,
        org: OrgId,
        work: impl FnOnce(&OrgTxn<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.file(org)?.writer.write(work)
    }

    /// Runs `work` over a snapshot of what is committed.
    pub fn read<T, E: From<StorageError>>(
        &self,
        org: OrgId,
        work: impl FnOnce(&OrgTxn<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let file = self.file(org)?;
        let idle = lock(&file.readers).pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => open::reader(&file.path)?,
        };
        let txn = conn
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .map_err(StorageError::classify)?;
        let result = work(&OrgTxn::new(org, &txn));
        txn.rollback().map_err(StorageError::classify)?;
        let mut readers = lock(&file.readers);
        if readers.len() < READERS_MAX {
            readers.push(conn);
        }
        result
    }

    /// Takes erased words out of the organisation's file and its write-ahead log, where that is still owed. An erasure
    /// stays owed when this fails; [`OrgFiles::scrub_owed`], the next opening of the file and the next erasure try again.
    pub fn scrub(&self, org: OrgId) -> Result<(), StorageError> {
        // Taken off before: what is erased meanwhile stays on it.
        lock(&self.owed).remove(&org);
        let done = self.scrub_now(org);
        if done.is_err() {
            self.scrub_later(org);
        }
        done
    }
    /// Notes that words are owed to be wiped, for the next [`OrgFiles::scrub_owed`].
    pub fn scrub_later(&self, org: OrgId) {
        lock(&self.owed).insert(org);
    }
    /// Tries again where words are owed to be wiped. Returns where that is still so, and why.
    pub fn scrub_owed(&self) -> Vec<(OrgId, StorageError)> {
        let owed = lock(&self.owed).clone();
        let tried = owed.into_iter().map(|org| (org, self.scrub(org)));
        tried
            .filter_map(|(org, done)| Some((org, done.err()?)))
            .filter(|(_, why)| !matches!(why, StorageError::NoOrganisation))
            .collect()
    }
    fn scrub_now(&self, org: OrgId) -> Result<(), StorageError> {
        let file = self.file(org)?;
        // Before the words: what names a file must not stay in the log either.
        self.wipe_files(org)?;
        if self.read::<_, StorageError>(org, |txn| txn.scrub_owed())? {
            // Idle readers hold no state; closing them is not needed.
            file.writer.scrub()?;
        }
        Ok(())
    }

    /// The same right after the commits that wait now, without waiting for it: whoever asks has committed already, and
    /// rewriting a large file takes longer than a phone should wait.
    pub fn scrub_soon(&self, org: OrgId) -> Result<(), StorageError> {
        self.scrub_later(org);
        self.file(org)?.writer.scrub_soon()
    }

    /// Tries again what is owed to erasures in the files that are open; the others try when they open.
    pub fn scrub_open(&self) {
        let open: Vec<OrgId> = lock(&self.open).keys().copied().collect();
        for org in open {
            // Still owed if it fails: there will be a next time.
            let _ = self.scrub(org);
        }
    }

    /// Closes the file of an organisation, so that it can be replaced. Waits for its writer to end.
    pub fn close(&self, org: OrgId) {
        let gate = self.gate(org);
        let _closing = lock(&gate);
        let file = lock(&self.open).remove(&org);
        drop(file);
    }

    /// What was erased stays erased, whatever file lies here now (§3.3).
    fn replay_ledger(&self, org: OrgId, writer: &Writer) -> Result<(), StorageError> {
        let stones = self.ledger.read(org)?;
        let owed = writer.write::<_, StorageError>(move |txn| {
            for (hash, at) in stones {
                txn.erase(hash, at)?;
            }
            Ok(txn.scrub_owed()? || txn.files_owed()?)
        })?;
        if owed {
            // Still owed if it fails, for instance on a full disk: that must not keep the organisation from working.
            if self.wipe_with(writer).is_err() || writer.scrub().is_err() {
                self.scrub_later(org);
            }
        }
        Ok(())
    }

    fn gate(&self, org: OrgId) -> Arc<Mutex<()>> {
        Arc::clone(lock(&self.gates).entry(org).or_default())
    }

    fn file(&self, org: OrgId) -> Result<Arc<OrgFile>, StorageError> {
        if let Some(file) = lock(&self.open).get(&org) {
            return Ok(Arc::clone(file));
        }
        let path = self.path(org);
        if !path.is_file() {
            return Err(StorageError::NoOrganisation);
        }
        // Opening may rewrite a whole file: only those who want this one wait for it.
        let gate = self.gate(org);
        let _opening = lock(&gate);
        if let Some(file) = lock(&self.open).get(&org) {
            return Ok(Arc::clone(file));
        }
        self.make_room();
        let writer = Writer::start(org, path.clone())?;
        self.replay_ledger(org, &writer)?;
        let file = Arc::new(OrgFile {
            path,
            writer,
            readers: Mutex::new(Vec::new()),
        });
        lock(&self.open).insert(org, Arc::clone(&file));
        Ok(file)
    }

    /// Closes a file that nobody uses right now, if as many are open as may be.
    fn make_room(&self) {
        let mut open = lock(&self.open);
        if open.len() < OPEN_MAX {
            return;
        }
        // The map's own handle is the one that is left.
        let idle: Vec<OrgId> = open
            .iter()
            .filter(|(_, f)| Arc::strong_count(f) == 1)
            .map(|(org, _)| *org)
            .collect();
        for org in idle {
            let gate = self.gate(org);
            // Never waited for: whoever holds it may be waiting for this.
            let Ok(closing) = gate.try_lock() else {
                continue;
            };
            let file = open.remove(&org);
            drop(open);
            // Ends its writer before anybody opens the file again.
            drop(file);
            drop(closing);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::org::check::cells::tamper;

    #[test]
    fn a_file_of_a_newer_program_is_refused_and_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let files = OrgFiles::new(folder.path()).unwrap();
        let org = OrgId::from_bytes([1; 16]);
        files.create(org).unwrap();
        tamper(&files.path(org), "PRAGMA user_version = 99");
        let before = std::fs::read(files.path(org)).unwrap();
        for _ in 0..2 {
            let read = files.read::<_, StorageError>(org, |txn| txn.head());
            assert!(matches!(
                read,
                Err(StorageError::Newer {
                    found: 99,
                    known: 2
                })
            ));
        }
        assert_eq!(std::fs::read(files.path(org)).unwrap(), before);
    }

    #[test]
    fn files_are_named_by_their_ids_and_strangers_are_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let files = OrgFiles::new(folder.path()).unwrap();
        let (a, b) = (OrgId::from_bytes([1; 16]), OrgId::from_bytes([2; 16]));
        files.create(b).unwrap();
        files.create(a).unwrap();
        std::fs::write(folder.path().join("org/notes.db"), b"x").unwrap();
        assert_eq!(files.ids().unwrap(), [a, b]);
    }

    #[test]
    fn nobody_waits_for_the_file_of_another_organisation_to_open() {
        let folder = tempfile::tempdir().unwrap();
        let files = OrgFiles::new(folder.path()).unwrap();
        let (a, b) = (OrgId::from_bytes([1; 16]), OrgId::from_bytes([2; 16]));
        files.create(a).unwrap();
        files.create(b).unwrap();
        let gate = files.gate(a);
        let _opening = lock(&gate);
        files.read::<_, StorageError>(b, |txn| txn.head()).unwrap();
    }

    #[test]
    fn more_files_than_may_be_open_are_all_there() {
        let folder = tempfile::tempdir().unwrap();
        let files = OrgFiles::new(folder.path()).unwrap();
        for n in 1..=OPEN_MAX as u8 + 3 {
            let org = OrgId::from_bytes([n; 16]);
            files.create(org).unwrap();
            files
                .read::<_, StorageError>(org, |txn| txn.head())
                .unwrap();
        }
        assert_eq!(lock(&files.open).len(), OPEN_MAX);
    }

    #[test]
    fn words_that_a_reader_kept_are_wiped_when_it_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let files = OrgFiles::new(folder.path()).unwrap();
        let org = OrgId::from_bytes([1; 16]);
        files.create(org).unwrap();
        let read = files.read::<_, StorageError>(org, |reader| {
            reader.head()?;
            files.write::<_, StorageError>(org, |txn| {
                txn.erase(tributary_sync_core::ids::Tombstone::from_bytes([7; 32]), 1)
            })?;
            assert!(matches!(files.scrub(org), Err(StorageError::Busy)));
            assert_eq!(files.scrub_owed().len(), 1, "the reader is still there");
            Ok(())
        });
        read.unwrap();
        assert!(files.scrub_owed().is_empty());
        let owed = files.read::<_, StorageError>(org, |txn| txn.scrub_owed());
        assert!(!owed.unwrap());
        assert!(lock(&files.owed).is_empty());
    }
}
