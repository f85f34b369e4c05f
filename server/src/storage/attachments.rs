//! The bytes of files: whole ones by the SHA-256 of what is in them; half ones beside them, appended to and synced.
//!
//! Not here: which record has which file, who may read it and when it goes; rows of the organisation's file say so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use tributary_sync_core::ids::OrgId;

use super::folder::{make_folder, owner_only};
use super::{AttachmentHash, StorageError, UploadId};

/// How much is read at a time.
const PIECE: usize = 64 * 1024;

/// The files of one data folder.
#[derive(Clone, Debug)]
pub struct Attachments {
    data: PathBuf,
}

/// A whole file, open for reading.
#[derive(Debug)]
pub struct OpenAttachment {
    file: File,
    /// Its length in bytes.
    pub size: u64,
}

impl OpenAttachment {
    /// Reads from `start` on, `length` bytes, in pieces.
    pub fn copy_to(&mut self, start: u64, length: u64, out: &mut dyn Write) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(start))?;
        let mut left = length;
        let mut piece = vec![0; PIECE];
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
            let here = piece.get_mut(..most).unwrap_or_default();
            self.file.read_exact(here)?;
            out.write_all(here)?;
            left -= most as u64;
        }
        Ok(())
    }
}

/// Where a whole file lies, below the data folder.
pub(crate) fn whole_path(org: OrgId, hash: AttachmentHash) -> String {
    let name = hash.to_string();
    let begin = name.get(..2).unwrap_or_default();
    format!("attachment/{org}/{begin}/{name}")
}

/// Where a half file lies, below the data folder.
pub(crate) fn half_path(org: OrgId, upload: UploadId) -> String {
    format!("upload/{org}/{upload}")
}

/// The SHA-256 of a file and its length; none if it is not there.
fn hash_of(path: &Path) -> Result<Option<(AttachmentHash, u64)>, StorageError> {
    let read = || -> io::Result<(AttachmentHash, u64)> {
        let mut file = File::open(path)?;
        let mut digest = Sha256::new();
        let mut piece = vec![0; PIECE];
        let mut seen = 0u64;
        loop {
            let n = file.read(&mut piece)?;
            if n == 0 {
                return Ok((AttachmentHash::from_bytes(digest.finalize().into()), seen));
            }
            seen += n as u64;
            digest.update(piece.get(..n).unwrap_or_default());
        }
    };
    match read() {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some).map_err(StorageError::io("reading a file")),
    }
}

impl Attachments {
    /// Those of a data folder; nothing is touched.
    pub fn of(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
        }
    }
    fn half(&self, org: OrgId, upload: UploadId) -> PathBuf {
        self.data.join(half_path(org, upload))
    }

    /// Puts bytes behind the first `offset` of a half file, and cuts off what may have come after those before. They are
    /// durable when this returns.
    pub fn append(
        &self,
        org: OrgId,
        upload: UploadId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), StorageError> {
        let path = self.half(org, upload);
        let what = "writing a half file";
        let write = || -> io::Result<()> {
            let new = !path.exists();
            if let (true, Some(folder)) = (new, path.parent()) {
                make_folder(folder)?;
                owner_only(folder, 0o700)?;
            }
            let mut options = OpenOptions::new();
            let mut file = options
                .create(true)
                .truncate(false)
                .write(true)
                .open(&path)?;
            owner_only(&path, 0o600)?;
            if file.metadata()?.len() < offset {
                // What was durable is not there any more; it must come again.
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            file.set_len(offset)?;
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(bytes)?;
            file.sync_all()?;
            match (new, path.parent()) {
                (true, Some(folder)) => File::open(folder)?.sync_all(),
                _ => Ok(()),
            }
        };
        write().map_err(StorageError::io(what))
    }
    /// The SHA-256 of a half file; none if it has another length or is not there.
    pub fn half_hash(
        &self,
        org: OrgId,
        upload: UploadId,
        length: u64,
    ) -> Result<Option<AttachmentHash>, StorageError> {
        let found = hash_of(&self.half(org, upload))?;
        Ok(found.and_then(|(hash, seen)| (seen == length).then_some(hash)))
    }
    /// The SHA-256 of what lies where a whole file belongs; none if nothing does.
    pub fn whole_hash(
        &self,
        org: OrgId,
        hash: AttachmentHash,
    ) -> Result<Option<AttachmentHash>, StorageError> {
        let found = hash_of(&self.data.join(whole_path(org, hash)))?;
        Ok(found.map(|(hash, _)| hash))
    }
    /// The organisations that have files here.
    pub fn organisations(&self) -> Result<Vec<OrgId>, StorageError> {
        let what = "listing files";
        let mut ids = std::collections::BTreeSet::new();
        for top in ["attachment", "upload"] {
            let entries = match fs::read_dir(self.data.join(top)) {
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                entries => entries.map_err(StorageError::io(what))?,
            };
            for entry in entries {
                let name = entry.map_err(StorageError::io(what))?.file_name();
                ids.extend(name.to_str().and_then(|n| n.parse::<OrgId>().ok()));
            }
        }
        Ok(ids.into_iter().collect())
    }
    /// How much of a half file there is, in bytes; 0 if it is not there.
    pub fn half_length(&self, org: OrgId, upload: UploadId) -> Result<u64, StorageError> {
        match fs::metadata(self.half(org, upload)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(0),
            found => Ok(found
                .map_err(StorageError::io("looking at a half file"))?
                .len()),
        }
    }
    /// Takes a half file off the disk.
    pub fn remove_half(&self, org: OrgId, upload: UploadId) -> Result<(), StorageError> {
        self.remove(&half_path(org, upload))
    }
    /// The half files of an organisation.
    pub fn half_files(&self, org: OrgId) -> Result<Vec<UploadId>, StorageError> {
        let what = "listing half files";
        let entries = match fs::read_dir(self.data.join(format!("upload/{org}"))) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(StorageError::io(what))?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(StorageError::io(what))?.file_name();
            ids.extend(name.to_str().and_then(|n| n.parse::<UploadId>().ok()));
        }
        Ok(ids)
    }
    /// Makes a half file, which was found to have this hash, a whole one. Doing it again changes nothing.
    pub fn keep(
        &self,
        org: OrgId,
        upload: UploadId,
        hash: AttachmentHash,
    ) -> Result<(), StorageError> {
        let (from, to) = (
            self.half(org, upload),
            self.data.join(whole_path(org, hash)),
        );
        let moved = || -> io::Result<()> {
            if let Some(folder) = to.parent() {
                make_folder(folder)?;
            }
            match fs::rename(&from, &to) {
                Err(e) if e.kind() == io::ErrorKind::NotFound && to.is_file() => {}
                done => done?,
            }
            for folder in [to.parent(), from.parent()].into_iter().flatten() {
                File::open(folder)?.sync_all()?;
            }
            Ok(())
        };
        moved().map_err(StorageError::io("keeping a file"))
    }
    /// Whether the bytes are here.
    pub fn has(&self, org: OrgId, hash: AttachmentHash) -> bool {
        self.data.join(whole_path(org, hash)).is_file()
    }
    /// A whole file; none if it is not there.
    pub fn open(
        &self,
        org: OrgId,
        hash: AttachmentHash,
    ) -> Result<Option<OpenAttachment>, StorageError> {
        let open = || -> io::Result<OpenAttachment> {
            let file = File::open(self.data.join(whole_path(org, hash)))?;
            let size = file.metadata()?.len();
            Ok(OpenAttachment { file, size })
        };
        match open() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some).map_err(StorageError::io("opening a file")),
        }
    }
    /// Takes a file off the disk, durably. Whatever was not there is gone already.
    pub(crate) fn remove(&self, path: &str) -> Result<(), StorageError> {
        let what = "taking a file off the disk";
        let path = self.data.join(path);
        match fs::remove_file(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            done => done.map_err(StorageError::io(what))?,
        }
        match path.parent().map(File::open) {
            Some(Ok(folder)) => folder.sync_all().map_err(StorageError::io(what)),
            _ => Ok(()),
        }
    }
}
