//! Sets of copies in a folder: each a folder of its own, written under a temporary name, synced, and renamed when whole.
//!
//! Not here: what belongs into a set and what a set proves.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::StorageError;
use super::folder::{make_folder, owner_only};

type Result<T> = std::result::Result<T, StorageError>;

/// The file that says what a set holds; written last.
pub const MANIFEST: &str = "manifest.json";
/// Ends the name of a set that is being written.
const PART: &str = ".part";

/// One file of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSum {
    /// Its path inside the set, with `/`.
    pub path: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it, lower-case hexadecimal.
    pub sha256: String,
}

/// How a tree was copied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TreeSum {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// Held while sets are written or removed in a folder.
#[derive(Debug)]
pub struct TargetLock(#[expect(dead_code, reason = "held, never read")] File);

/// Makes the folder of sets if it is not there, and keeps other writers out of it.
pub fn lock_target(target: &Path) -> Result<TargetLock> {
    private_folder(target)?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(target.join(".lock"))
        .map_err(StorageError::io("opening the lock of the backup folder"))?;
    match fs4::FileExt::try_lock(&file) {
        Ok(()) => Ok(TargetLock(file)),
        Err(fs4::TryLockError::WouldBlock) => Err(StorageError::Locked),
        Err(fs4::TryLockError::Error(source)) => {
            Err(StorageError::io("locking the backup folder")(source))
        }
    }
}

/// The names of finished sets, the oldest first.
pub fn finished(target: &Path) -> Result<Vec<String>> {
    let what = "listing the backup folder";
    let mut names = Vec::new();
    let entries = match fs::read_dir(target) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(names),
        other => other.map_err(StorageError::io(what))?,
    };
    for entry in entries {
        let entry = entry.map_err(StorageError::io(what))?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !name.starts_with('.') && entry.path().join(MANIFEST).is_file() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes what unfinished attempts left. Only under the lock.
pub fn sweep(target: &Path, _lock: &TargetLock) -> Result<()> {
    let what = "clearing the backup folder";
    for entry in fs::read_dir(target).map_err(StorageError::io(what))? {
        let entry = entry.map_err(StorageError::io(what))?;
        let name = entry.file_name();
        if name
            .to_str()
            .is_some_and(|n| n.starts_with('.') && n.ends_with(PART))
        {
            fs::remove_dir_all(entry.path()).map_err(StorageError::io(what))?;
        }
    }
    Ok(())
}

/// Removes a finished set: first its manifest's name goes, so that half a set is never taken for one.
pub fn remove(target: &Path, name: &str, _lock: &TargetLock) -> Result<()> {
    let what = "removing an old set";
    let gone = target.join(format!(".{name}{PART}"));
    fs::rename(target.join(name), &gone).map_err(StorageError::io(what))?;
    fs::remove_dir_all(gone).map_err(StorageError::io(what))
}

/// A set that is being written.
#[derive(Debug)]
pub struct SetWriter {
    target: PathBuf,
    part: PathBuf,
    name: String,
    files: Vec<FileSum>,
    finished: bool,
}

impl SetWriter {
    /// Begins a set; no finished one of that name may be there.
    pub fn begin(target: &Path, name: &str, _lock: &TargetLock) -> Result<Self> {
        let part = target.join(format!(".{name}{PART}"));
        private_folder(&part)?;
        Ok(Self {
            target: target.to_owned(),
            part,
            name: name.to_owned(),
            files: Vec::new(),
            finished: false,
        })
    }
    /// Where a file of the set is to be written; its folder is made.
    pub fn place(&self, path: &str) -> Result<PathBuf> {
        let place = self.part.join(path);
        if let Some(folder) = place.parent() {
            private_folder(folder)?;
        }
        Ok(place)
    }
    /// A file at its place is whole: syncs it and writes down its hash.
    pub fn add(&mut self, path: &str) -> Result<()> {
        let place = self.part.join(path);
        owner_only(&place, 0o600)
            .and_then(|()| File::open(&place)?.sync_all())
            .map_err(StorageError::io("syncing a file of the set"))?;
        let (sha256, bytes) = hash_file(&place)?;
        self.files.push(FileSum {
            path: path.to_owned(),
            bytes,
            sha256,
        });
        Ok(())
    }
    /// Copies a file into the set.
    pub fn copy_file(&mut self, from: &Path, path: &str) -> Result<()> {
        let place = self.place(path)?;
        fs::copy(from, &place).map_err(StorageError::io("copying a file into the set"))?;
        self.add(path)
    }
    /// Copies the files of a folder into the set, one by one with their hashes in the manifest. For small folders.
    pub fn copy_folder(&mut self, from: &Path, path: &str) -> Result<()> {
        for file in files_below(from)? {
            self.copy_file(&from.join(&file), &format!("{path}/{file}"))?;
        }
        Ok(())
    }
    /// Copies a folder of many files that never change under one name; `list` gets a line for each, as `sha256sum -c`
    /// reads it. A file that the set before has is linked, not copied, where the disk can.
    pub fn copy_tree(
        &mut self,
        from: &Path,
        path: &str,
        before: Option<&Path>,
        list: &mut dyn Write,
    ) -> Result<TreeSum> {
        let mut sum = TreeSum::default();
        for file in files_below(from)? {
            let (source, inside) = (from.join(&file), format!("{path}/{file}"));
            let place = self.place(&inside)?;
            let length = |p: &Path| fs::metadata(p).map(|m| m.len()).ok();
            let linked = before
                .map(|b| b.join(&inside))
                .filter(|old| length(old).is_some() && length(old) == length(&source))
                .is_some_and(|old| fs::hard_link(old, &place).is_ok());
            if !linked {
                fs::copy(&source, &place)
                    .and_then(|_| File::open(&place)?.sync_all())
                    .map_err(StorageError::io("copying a file into the set"))?;
            }
            let (sha256, bytes) = hash_file(&place)?;
            writeln!(list, "{sha256}  {inside}")
                .map_err(StorageError::io("writing the list of files"))?;
            sum.files += 1;
            sum.bytes += bytes;
        }
        Ok(sum)
    }
    /// A file of the set that is written as the set grows.
    pub fn list(&self, path: &str) -> Result<BufWriter<File>> {
        let file = File::create(self.place(path)?)
            .map_err(StorageError::io("writing the list of files"))?;
        Ok(BufWriter::new(file))
    }
    /// What is in it so far.
    pub fn files(&self) -> &[FileSum] {
        &self.files
    }
    /// Writes the manifest, syncs everything, and gives the set its name.
    pub fn finish(mut self, manifest: &[u8]) -> Result<PathBuf> {
        let done = self.target.join(&self.name);
        write_synced(&self.part.join(MANIFEST), manifest)?;
        sync_folders(&self.part)?;
        fs::rename(&self.part, &done).map_err(StorageError::io("naming the set"))?;
        self.finished = true;
        sync_folder(&self.target)?;
        Ok(done)
    }
}

impl Drop for SetWriter {
    fn drop(&mut self) {
        if !self.finished {
            // Whatever is left is swept by the next backup.
            let _ = fs::remove_dir_all(&self.part);
        }
    }
}

/// SHA-256 of a file in lower-case hexadecimal, and its length.
pub fn hash_file(path: &Path) -> Result<(String, u64)> {
    let what = "reading a file of the set";
    let mut file = File::open(path).map_err(StorageError::io(what))?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut bytes = 0u64;
    loop {
        let n = file.read(&mut buffer).map_err(StorageError::io(what))?;
        if n == 0 {
            return Ok((hex::encode(hasher.finalize()), bytes));
        }
        hasher.update(buffer.get(..n).unwrap_or_default());
        bytes += n as u64;
    }
}

/// The paths of all files below a folder, with `/`, in order. None if there is no such folder.
pub fn files_below(folder: &Path) -> Result<Vec<String>> {
    let what = "listing a folder";
    let mut out = Vec::new();
    let mut open = vec![String::new()];
    while let Some(inside) = open.pop() {
        let entries = match fs::read_dir(folder.join(&inside)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            other => other.map_err(StorageError::io(what))?,
        };
        for entry in entries {
            let entry = entry.map_err(StorageError::io(what))?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = if inside.is_empty() {
                name
            } else {
                format!("{inside}/{name}")
            };
            let kind = entry.file_type().map_err(StorageError::io(what))?;
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() {
                out.push(path);
            }
        }
    }
    out.sort_unstable();
    Ok(out)
}

/// Copies a file to a place where either nothing or the whole of it is ever seen. Keeps its permissions.
pub fn install(from: &Path, to: &Path) -> Result<()> {
    let what = "putting a file in its place";
    let temporary = to.with_extension("new");
    if let Some(folder) = to.parent() {
        private_folder(folder)?;
    }
    fs::copy(from, &temporary)
        .and_then(|_| File::open(&temporary)?.sync_all())
        .and_then(|()| fs::rename(&temporary, to))
        .map_err(StorageError::io(what))?;
    to.parent().map_or(Ok(()), sync_folder)
}

/// Moves a file on one disk, and waits until both names are on it.
pub fn rename_synced(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        private_folder(folder)?;
    }
    fs::rename(from, to).map_err(StorageError::io("moving a file into its place"))?;
    for folder in [to.parent(), from.parent()].into_iter().flatten() {
        sync_folder(folder)?;
    }
    Ok(())
}

/// Writes a file and waits until it is on the disk.
pub fn write_synced(path: &Path, bytes: &[u8]) -> Result<()> {
    File::create(path)
        .and_then(|mut f| f.write_all(bytes).and_then(|()| f.sync_all()))
        .map_err(StorageError::io("writing a file of the set"))
}

/// Waits until the names in a folder are on the disk.
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|f| f.sync_all())
        .map_err(StorageError::io("syncing a folder"))
}

fn sync_folders(folder: &Path) -> Result<()> {
    let what = "syncing the set";
    for entry in fs::read_dir(folder).map_err(StorageError::io(what))? {
        let entry = entry.map_err(StorageError::io(what))?;
        if entry.file_type().map_err(StorageError::io(what))?.is_dir() {
            sync_folders(&entry.path())?;
        }
    }
    sync_folder(folder)
}

/// Makes a folder for its owner only, where it is not there, and waits until its name is on the disk.
pub fn private_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    make_folder(path)
        .and_then(|()| owner_only(path, 0o700))
        .map_err(StorageError::io("making a folder"))
}

/// Whether two existing paths lie on one disk: a copy there does not survive the loss of it. Unknown is no.
pub fn same_disk(a: &Path, b: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let device = |p: &Path| fs::metadata(p).map(|m| m.dev()).ok();
        device(a).is_some() && device(a) == device(b)
    }
    #[cfg(not(unix))]
    {
        let _ = (a, b);
        false
    }
}
