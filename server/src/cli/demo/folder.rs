//! The folder of a demonstration: a new one, or one of an earlier demonstration that is emptied. Never any other.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::storage::folder::{DataFolder, write_private};

/// Says that a folder is a demonstration's.
const MARK: &str = ".tributary-demo";
/// What stands in it.
const MARK_TEXT: &str =
    "Everything in this folder is invented, and the next `tributary demo` may empty it.\n";
/// The folder when nobody names one; with a number behind it while an earlier demonstration still runs.
const NAME: &str = "tributary-demo";
const TRIES: u32 = 100;

/// Makes or empties the folder.
pub(super) fn fresh(named: Option<PathBuf>) -> Result<PathBuf> {
    let folder = match named {
        Some(folder) => free(&folder)?.then_some(folder.clone()).with_context(|| {
            format!(
                "{} is another demonstration that still runs; stop it, or name another folder",
                folder.display()
            )
        })?,
        None => unused()?,
    };
    if folder.exists() {
        fs::remove_dir_all(&folder)
            .with_context(|| format!("{} could not be emptied", folder.display()))?;
    }
    fs::create_dir_all(&folder)
        .with_context(|| format!("{} could not be made", folder.display()))?;
    write_private(&folder.join(MARK), MARK_TEXT.as_bytes())?;
    let whole = folder.canonicalize()?;
    Ok(whole)
}

fn unused() -> Result<PathBuf> {
    for n in 1..=TRIES {
        let folder = match n {
            1 => PathBuf::from(NAME),
            n => PathBuf::from(format!("{NAME}-{n}")),
        };
        // A folder of somebody else's under this name is left alone.
        if let Ok(true) = free(&folder) {
            return Ok(folder);
        }
    }
    bail!("{NAME} to {NAME}-{TRIES} are all in use: name a folder with --folder")
}

/// Whether it may be used: it is not there, empty, or of a demonstration that has ended.
fn free(folder: &Path) -> Result<bool> {
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(true),
        Err(e) => return Err(e).with_context(|| format!("{} cannot be read", folder.display())),
    };
    if entries.next().is_none() {
        return Ok(true);
    }
    if !folder.join(MARK).is_file() {
        bail!(
            "{} is not empty, and no demonstration made it. Nothing was changed; name another folder with --folder.",
            folder.display()
        );
    }
    let data = DataFolder::at(folder.join("server"));
    Ok(!data.is_initialised() || data.lock().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_demonstration_that_has_ended_is_emptied() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("demo");
        let made = fresh(Some(folder.clone())).unwrap();
        fs::write(made.join("rest"), "of the last time").unwrap();
        fresh(Some(folder.clone())).unwrap();
        assert!(!folder.join("rest").exists());

        let data = DataFolder::at(folder.join("server"));
        data.create().unwrap();
        fs::write(data.directory(), "").unwrap();
        let lock = data.lock().unwrap();
        assert!(fresh(Some(folder.clone())).is_err());
        drop(lock);
        fresh(Some(folder)).unwrap();

        let other = parent.path().join("other");
        fs::create_dir(&other).unwrap();
        fs::write(other.join("thesis"), "three years of work").unwrap();
        assert!(fresh(Some(other.clone())).is_err());
        assert!(other.join("thesis").exists());
    }
}
