//! The data folder: what lies where in it, and the lock that keeps a second server out.
//!
//! Not here: what the files hold.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tributary_sync_core::ids::OrgId;

use super::StorageError;

/// Begins the name of a folder in which a restore works.
pub(crate) const UNFINISHED: &str = ".restore-";

/// A data folder on this machine.
#[derive(Clone, Debug)]
pub struct DataFolder(PathBuf);

/// Held for as long as a process may write in the folder. The system gives it back when the process ends, however it
/// ends.
#[derive(Debug)]
pub struct FolderLock(#[expect(dead_code, reason = "held, never read")] File);

fn io(what: &'static str) -> impl FnOnce(io::Error) -> StorageError {
    move |source| StorageError::Io { what, source }
}

impl DataFolder {
    /// Names a folder; nothing is touched.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
    /// Makes the folder and those inside it, where they are not there yet.
    pub fn create(&self) -> Result<(), StorageError> {
        for path in [
            self.0.clone(),
            self.organisations(),
            self.attachments(),
            self.erased(),
            self.keys(),
        ] {
            make_folder(&path)
                .and_then(|()| owner_only(&path, 0o700))
                .map_err(io("making the data folder"))?;
        }
        self.make_temporary().map_err(io("making the data folder"))
    }
    /// Removes what restores left that were cut: words may lie in it that are erased here. Only under the lock.
    pub fn sweep(&self, _lock: &FolderLock) -> Result<(), StorageError> {
        let what = "clearing the data folder";
        for entry in fs::read_dir(&self.0).map_err(io(what))? {
            let entry = entry.map_err(io(what))?;
            let name = entry.file_name();
            if name.to_str().is_some_and(|n| n.starts_with(UNFINISHED)) {
                fs::remove_dir_all(entry.path()).map_err(io(what))?;
            }
        }
        Ok(())
    }
    /// Where the file of an organisation is made ready before it is put into its place.
    pub fn unfinished(&self, org: OrgId) -> PathBuf {
        self.0.join(format!("{UNFINISHED}{org}"))
    }
    /// Makes the folder for temporary files, for its owner only.
    pub fn make_temporary(&self) -> io::Result<()> {
        fs::create_dir_all(self.temporary())?;
        owner_only(&self.temporary(), 0o700)
    }
    /// Whether `init` has run here.
    pub fn is_initialised(&self) -> bool {
        self.directory().is_file()
    }
    /// Whether the disk takes another page: written to a file of its own, which goes at once.
    pub fn takes_a_page(&self) -> bool {
        let path = self.0.join(".ready");
        let taken = fs::write(&path, [0x5a; 4096]).is_ok();
        let gone = fs::remove_file(&path).is_ok();
        taken && gone
    }
    /// Takes the lock, or says that another process holds it.
    pub fn lock(&self) -> Result<FolderLock, StorageError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.0.join("lock"))
            .map_err(io("opening the lock of the data folder"))?;
        match fs4::FileExt::try_lock(&file) {
            Ok(()) => Ok(FolderLock(file)),
            Err(fs4::TryLockError::WouldBlock) => Err(StorageError::Locked),
            Err(fs4::TryLockError::Error(source)) => Err(io("locking the data folder")(source)),
        }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// The directory's database.
    pub fn directory(&self) -> PathBuf {
        self.0.join("directory.db")
    }
    /// The organisations' files.
    pub fn organisations(&self) -> PathBuf {
        self.0.join("org")
    }
    /// Attachments, a folder for each organisation.
    pub fn attachments(&self) -> PathBuf {
        self.0.join("attachment")
    }
    /// The ledger of erasures.
    pub fn erased(&self) -> PathBuf {
        self.0.join("erased")
    }
    /// What SQLite cannot keep in memory; each file is unlinked as soon as it is opened, so none is ever seen here.
    pub fn temporary(&self) -> PathBuf {
        self.0.join("tmp")
    }
    /// Private keys.
    pub fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }
}

/// Lets only the owner in.
#[cfg(unix)]
pub(super) fn owner_only(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}
/// Lets only the owner in, where there are owners.
#[cfg(not(unix))]
pub(super) fn owner_only(_path: &Path, _mode: u32) -> io::Result<()> {
    Ok(())
}

/// Makes a folder and those above it that are not there, and waits until their names are on the disk.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = match path.parent() {
        Some(above) if !above.as_os_str().is_empty() => above,
        _ => Path::new("."),
    };
    make_folder(above)?;
    match fs::create_dir(path) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    match File::open(above) {
        Ok(folder) => folder.sync_all(),
        // Whoever may only write in it cannot wait for it.
        Err(e) if e.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        Err(e) => Err(e),
    }
}

/// Writes a file that only its owner may read, whole or not at all, and durably. An existing one is replaced.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), StorageError> {
    let write = || -> io::Result<()> {
        let temporary = path.with_extension("new");
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&temporary)?;
        owner_only(&temporary, 0o600)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(io("writing a private file"))
}

/// Reads a file; none if it is not there.
pub fn read_private(path: &Path) -> Result<Option<Vec<u8>>, StorageError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(io("reading a private file")(source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_of_the_lock_is_refused_until_the_first_lets_go() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        data.create().unwrap();
        let first = data.lock().unwrap();
        assert!(matches!(data.lock(), Err(StorageError::Locked)));
        drop(first);
        data.lock().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn private_files_are_for_their_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path().join("data"));
        data.create().unwrap();
        let key = data.keys().join("some.key");
        write_private(&key, b"one").unwrap();
        write_private(&key, b"two").unwrap();
        assert_eq!(
            fs::metadata(&key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(
            fs::metadata(data.keys()).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(read_private(&key).unwrap().unwrap(), b"two");
        assert!(read_private(&data.keys().join("none")).unwrap().is_none());
    }

    #[test]
    fn what_a_restore_left_that_was_cut_goes_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        data.create().unwrap();
        let left = data.unfinished(OrgId::from_bytes([1; 16]));
        fs::create_dir_all(left.join("org")).unwrap();
        fs::write(left.join("org/x.db"), b"words").unwrap();
        data.sweep(&data.lock().unwrap()).unwrap();
        assert!(!left.exists() && data.keys().is_dir() && data.erased().is_dir());
    }
}
