//! A disk that can lose, below the real SQLite: what was written and not synced is gone after a power cut, in part, in any
//! order, torn in the middle; and writes, syncs and reads fail where a test wants them to.
//!
//! Not here: files that the product writes without SQLite. They go to the machine's own disk.

mod disk;
#[cfg(test)]
mod tests;
mod unsynced;
mod vfs;

use std::path::PathBuf;
use std::sync::Arc;

pub use disk::{Counts, Disk, Fault, SECTOR};
pub use vfs::{lay, lift};

/// What the programs of this crate do first: a disk below the folder that `LOSING_DISK` names, which is made if it is not
/// there. Single writes reach it early, by a chance that follows from `LOSING_SEED`.
pub fn lay_from_environment() -> std::io::Result<Arc<Disk>> {
    let folder = std::env::var_os("LOSING_DISK").map(PathBuf::from);
    let folder = folder.ok_or_else(|| std::io::Error::other("LOSING_DISK names no folder"))?;
    std::fs::create_dir_all(&folder)?;
    let disk = lay(&folder)?;
    let seed = std::env::var("LOSING_SEED").ok();
    disk.plan(None, seed.and_then(|s| s.parse().ok()).unwrap_or_default());
    disk.write_early();
    Ok(disk)
}
