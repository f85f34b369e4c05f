//! What can go wrong below the rules: the file, the disk, bytes that are not what was written.
//!
//! Not here: outcomes of the protocol and refusals of the rules; those are values of the service.

use thiserror::Error;
use tributary_sync_core::error::ParseError;

/// A failure of storage.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StorageError {
    /// SQLite refused; nothing was stored.
    #[error("the database refused: {0}")]
    Sqlite(#[source] rusqlite::Error),
    /// The disk is full; nothing was stored.
    #[error("the disk is full")]
    Full,
    /// A file operation failed.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// The system's word.
        source: std::io::Error,
    },
    /// Stored bytes are not what this program writes: a flipped bit, or a hand on the file.
    #[error("stored {what} cannot be read: {source}")]
    Damaged {
        /// Which.
        what: &'static str,
        /// Why.
        source: ParseError,
    },
    /// The file was written by a newer Tributary.
    #[error("the file is of schema {found}; this program knows up to {known}")]
    Newer {
        /// Its schema.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// There is no file of that organisation.
    #[error("no such organisation")]
    NoOrganisation,
    /// Another process holds the data folder.
    #[error("another server holds this data folder")]
    Locked,
    /// The writer of the organisation has gone.
    #[error("the writer has stopped")]
    Closed,
    /// So many wait for the writer of the organisation that no more may.
    #[error("too many wait for the writer")]
    Crowded,
    /// Somebody reads an older state and does not end.
    #[error("the file is being read")]
    Busy,
    /// No randomness from the system.
    #[error("the system gave no randomness")]
    Random,
}

impl From<rusqlite::Error> for StorageError {
    fn from(error: rusqlite::Error) -> Self {
        Self::classify(error)
    }
}

impl StorageError {
    /// What those hear whose work went down with somebody else's.
    pub(crate) fn shared(&self) -> Self {
        match self {
            Self::Full => Self::Full,
            _ => Self::Closed,
        }
    }
    /// Tells a full disk from other refusals.
    pub(crate) fn classify(error: rusqlite::Error) -> Self {
        match &error {
            // Growing the shared memory of the write-ahead log reports a full disk in words of its own.
            rusqlite::Error::SqliteFailure(e, _)
                if e.code == rusqlite::ErrorCode::DiskFull
                    || e.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE =>
            {
                Self::Full
            }
            _ => Self::Sqlite(error),
        }
    }
    /// A failed file operation; tells a full disk from other failures.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| match source.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io { what, source },
        }
    }
    /// Damaged bytes of a kind.
    pub(crate) fn damaged(what: &'static str) -> impl FnOnce(ParseError) -> Self {
        move |source| Self::Damaged { what, source }
    }
}
