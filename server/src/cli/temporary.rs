//! Where SQLite puts what does not fit into its memory (the rewrite of a file after an erasure, large sorts): into the data
//! folder. It would take the system's folder for such files, which often lies on a disk that is not encrypted.
//!
//! SQLite reads the place from the environment, which a program with threads cannot change for itself. So the program
//! starts itself once more with it, under the same process id, before anything else has happened.

use std::path::Path;

use crate::storage::folder::DataFolder;

/// What SQLite reads. Whoever has set it has chosen another place.
const VARIABLE: &str = "SQLITE_TMPDIR";

/// Starts the program again with temporary files inside the data folder, unless that is so already. `make`: the command
/// fills a folder that need not be one yet.
#[cfg(unix)]
pub(super) fn keep_inside(data: &Path, make: bool) {
    use std::os::unix::process::CommandExt;
    if std::env::var_os(VARIABLE).is_some() {
        return;
    }
    let again = || -> std::io::Error {
        let ready = std::path::absolute(data).and_then(|data| {
            let folder = DataFolder::at(data);
            if make || folder.is_initialised() {
                folder.make_temporary()?;
            }
            Ok((folder.temporary(), std::env::current_exe()?))
        });
        match ready {
            Err(error) => error,
            Ok((place, program)) => std::process::Command::new(program)
                .args(std::env::args_os().skip(1))
                .env(VARIABLE, place)
                .exec(),
        }
    };
    let error = again();
    super::terminal::warn(format!(
        "temporary files could not be kept inside the data folder ({error}); SQLite puts them where the system does. \
         Set {VARIABLE} to a folder on an encrypted disk."
    ));
}

/// Elsewhere the system's own folder is the user's own already.
#[cfg(not(unix))]
pub(super) fn keep_inside(_data: &Path, _make: bool) {}
