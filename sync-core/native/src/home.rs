//! The folder of one device: its file, its key, its lock.
//!
//! One process at a time: two would make two changesets under one number.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result, Trouble};

/// The folder, locked for this process.
#[derive(Debug)]
pub struct Home {
    folder: PathBuf,
    _lock: File,
}

impl Home {
    /// Opens or makes the folder, readable by its owner alone, and locks it.
    pub fn open(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        private(folder, 0o700)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _lock: lock,
            }),
            Err(fs::TryLockError::WouldBlock) => Err(Error::new(
                Trouble::Busy,
                "This device is in use by another program.",
                "Two programs at once would give one number to two interviews.",
                "Close the other one, or wait until it is done.",
            )),
            Err(fs::TryLockError::Error(e)) => Err(e.into()),
        }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where its file is.
    pub fn database(&self) -> PathBuf {
        self.folder.join("device.db")
    }

    /// Where its key is.
    pub fn key(&self) -> PathBuf {
        self.folder.join("device.key")
    }

    /// Reads a small file; none if there is none.
    pub fn read(path: &Path) -> Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        match File::open(path) {
            Ok(file) => {
                file.take(64 * 1024).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Writes a small file that only the owner may read, so that it is there whole after a power cut.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let part = path.with_extension("part");
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&part)?;
        private(&part, 0o600)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&part, path)?;
        File::open(&self.folder)?.sync_all()?;
        Ok(())
    }
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(mode))?)
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) -> Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_program_on_one_folder_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = Home::open(dir.path()).unwrap();
        assert_eq!(
            *Home::open(dir.path()).unwrap_err().trouble(),
            Trouble::Busy
        );
        drop(first);
        Home::open(dir.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn what_is_secret_is_the_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let home = Home::open(dir.path()).unwrap();
        home.write(&home.key(), b"secret").unwrap();
        let mode = fs::metadata(home.key()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Home::read(&home.key()).unwrap().unwrap(), b"secret");
    }
}
