//! The ledger of erasures: an append-only file per organisation, outside the organisation's own file, so that no backup
//! and no rolled-back disk brings an erased record back (§3.3).
//!
//! A line is `<tombstone in hex> <milliseconds since 1970>`. Only hashes; no ids.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use tributary_sync_core::ids::{OrgId, Tombstone};

use super::StorageError;
use super::folder::{make_folder, owner_only};

/// The ledgers of one data folder.
#[derive(Debug)]
pub struct Ledger {
    folder: PathBuf,
}

fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> StorageError {
    StorageError::io(what)
}

impl Ledger {
    /// The ledgers under `<data folder>/erased`.
    pub fn new(data_folder: &Path) -> Result<Self, StorageError> {
        let folder = data_folder.join("erased");
        // Beside copies, too.
        make_folder(&folder)
            .and_then(|()| owner_only(&folder, 0o700))
            .map_err(io("making the folder of the erasure ledger"))?;
        Ok(Self { folder })
    }
    /// Where the ledger of an organisation lies.
    pub fn path(&self, org: OrgId) -> PathBuf {
        self.folder.join(format!("{org}.ledger"))
    }
    /// Whether there is one.
    pub fn exists(&self, org: OrgId) -> bool {
        self.path(org).is_file()
    }
    /// Writes a tombstone and waits until it is on the disk. Called before the erasure commits: a line too many erases
    /// again what is being erased; a line too few would let it return.
    pub fn append(&self, org: OrgId, hash: Tombstone, at: u64) -> Result<(), StorageError> {
        let path = self.path(org);
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(io("opening the erasure ledger"))?;
        // One write, so that a cut leaves at most one broken line at the end; the line feed before it closes such a one.
        file.write_all(format!("\n{hash} {at}\n").as_bytes())
            .map_err(io("writing the erasure ledger"))?;
        file.sync_all().map_err(io("syncing the erasure ledger"))?;
        // Each time: whoever made the file may have been cut before its name was on the disk.
        self.sync_names()
    }
    fn sync_names(&self) -> Result<(), StorageError> {
        File::open(&self.folder)
            .and_then(|f| f.sync_all())
            .map_err(io("syncing the erasure ledger"))
    }
    /// All tombstones of an organisation. Broken lines, which no erasure was acknowledged for, are passed over.
    pub fn read(&self, org: OrgId) -> Result<Vec<(Tombstone, u64)>, StorageError> {
        Self::read_file(&self.path(org))
    }
    /// Makes the ledger of an organisation that has erased nothing yet, so that a missing one means a lost one.
    pub fn ensure(&self, org: OrgId) -> Result<(), StorageError> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(org))
            .map_err(io("making the erasure ledger"))?;
        self.sync_names()
    }
    /// Appends what is not in it yet; returns how many that were.
    pub fn merge(&self, org: OrgId, stones: &[(Tombstone, u64)]) -> Result<usize, StorageError> {
        self.ensure(org)?;
        let mut known: BTreeSet<Tombstone> = self.read(org)?.into_iter().map(|s| s.0).collect();
        let mut added = 0;
        for (hash, at) in stones {
            if known.insert(*hash) {
                self.append(org, *hash, *at)?;
                added += 1;
            }
        }
        Ok(added)
    }
    /// The same of a ledger anywhere, such as in a copy. One that is not there is empty.
    pub fn read_file(path: &Path) -> Result<Vec<(Tombstone, u64)>, StorageError> {
        if !path.is_file() {
            return Ok(Vec::new());
        }
        let file = File::open(path).map_err(io("opening the erasure ledger"))?;
        let mut out = Vec::new();
        for line in BufReader::new(file).lines() {
            let line = line.map_err(io("reading the erasure ledger"))?;
            let parsed = line
                .split_once(' ')
                .and_then(|(hash, at)| Some((hash.parse().ok()?, at.parse().ok()?)));
            out.extend(parsed);
        }
        Ok(out)
    }
}
