//! Copies of a data folder off this machine, and the way back from them (§5.4–§5.6).
//!
//! A copy is what moves the `copied` mark that every receipt and head carries: phones keep their own changes until it
//! covers them. A restore opens a new epoch, so that phones compare and send what the copy lacks. Nothing here knows of
//! commands, schedules of an operating system, or HTTP; the folder is the operator's, on a disk that is not this one.

mod epoch;
mod hidden;
mod keep;
mod make;
mod manifest;
mod restore;
mod schedule;
mod state;
#[cfg(test)]
mod tests;

use thiserror::Error;
use tributary_sync_core::ids::OrgId;

use crate::storage::StorageError;
use crate::storage::copy::Progress;

pub use epoch::{Opened, open_epoch, seal};
pub use keep::KEEP_DEFAULT;
pub use make::{Copied, Made, Plan, Which, Withheld, backup};
pub use manifest::{AuditHead, FileEntry, Manifest, OrgEntry, Set, Sets};
pub use restore::{Offline, Overrides, Restored, Source, restore};
pub use schedule::{Runner, Schedule};
pub use state::{CopyState, copy_state};

/// What is happening, for whoever waits.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// An organisation begins: which one, its place, and how many there are.
    Organisation(OrgId, usize, usize),
    /// Pages of its file.
    Pages(Progress),
    /// Attachments, keys, the directory.
    Files,
    /// Reading again what was written.
    Verify,
}

/// Why there is no copy, or no way back. Each sentence says what happened, what it means and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackupError {
    /// The folder of copies is inside what is copied.
    #[error(
        "The backup folder lies inside the data folder, so a lost disk would take both. Nothing was copied. Name a \
         folder on another disk."
    )]
    TargetInside,
    /// Somebody else writes there.
    #[error(
        "Another backup is writing into this folder right now. Nothing was copied by this one. Let the other one end."
    )]
    TargetBusy,
    /// Nothing to restore from.
    #[error(
        "There is no finished copy in {0}. Nothing was changed. Check the path: a copy is a folder named after its time \
         with a manifest.json in it."
    )]
    NoSet(String),
    /// The set has nothing of this organisation.
    #[error("No copy in this folder holds organisation {0}. Nothing was changed.")]
    NotInSet(OrgId),
    /// The set is not what was written.
    #[error(
        "The copy {set} is damaged: {what}. Nothing was changed. Use another copy, and replace the disk this one lies on."
    )]
    SetDamaged {
        /// Which.
        set: String,
        /// How.
        what: String,
    },
    /// There is a newer copy.
    #[error(
        "The copy {chosen} does not contain the newest copy {newest}, so changes that phones were told are safe would be \
         missing. Nothing was changed. Restore {newest}, or, if it cannot be used, say --older-copy: phones then send \
         again what they still hold."
    )]
    OlderCopy {
        /// The one asked for.
        chosen: String,
        /// The newest.
        newest: String,
    },
    /// There is no ledger of erasures, or it lacks what a copy knew of.
    #[error(
        "The ledger of erased records of organisation {org} is {}: {known} of {expected} entries are here. Records of people \
         who asked to be erased could come back, so nothing was changed. Bring back the 'erased' folder of the data folder \
         or of the newest copy, or, if it is lost, say --accept-erasure-loss.", if *.known == 0 { "missing" } else { "incomplete" }
    )]
    ErasureLedger {
        /// Whose.
        org: OrgId,
        /// Entries found.
        known: u64,
        /// Entries that some copy knew of.
        expected: u64,
    },
    /// The file that lies here has everything the copy has.
    #[error(
        "Organisation {org} is already here and has everything that the copy {set} has, perhaps more. Nothing was changed. \
         If writing has stopped there, 'tributary epoch open' is what you want; to go back to the copy all the same, say \
         --replace."
    )]
    AlreadyHere {
        /// Which.
        org: OrgId,
        /// The copy.
        set: String,
    },
    /// An epoch cannot be opened without looking at the copies.
    #[error(
        "Organisation {0} has been copied before, and without seeing those copies it cannot be said that this file has \
         everything phones were told is safe. Nothing was changed. Name the backup folder with --from; only if every copy is lost, say \
         --without-copy."
    )]
    CopiesUnseen(OrgId),
    /// Below.
    #[error(transparent)]
    Storage(#[from] StorageError),
}
