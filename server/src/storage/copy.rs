//! Copies of database files as of one moment, made while writing goes on, and the proof that a copy is whole.
//!
//! SQLite's online backup starts over whenever another connection writes; a read transaction on its source holds the
//! moment still instead, so a copy under write load ends, and is exactly what `judge` saw. Not here: where copies lie,
//! when they are made, and what they prove.

use std::path::Path;
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::StorageError;
use super::folder::owner_only;
use super::{open, rowsum};

/// Pages copied between two reports of progress.
const STEP_PAGES: i32 = 512;
/// How often a busy step is tried again.
const BUSY_TRIES: u32 = 200;

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Pages copied.
    pub done: u64,
    /// Pages in all.
    pub total: u64,
}

/// Copies any of our database files as of one moment; returns its schema.
pub fn database(
    from: &Path,
    to: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<u32, StorageError> {
    snapshot(from, to, open::schema, progress)
}

/// Takes every sign-in and one-time link out of a copied directory, so that a copy signs nobody in.
pub fn without_sign_ins(copy: &Path) -> Result<(), StorageError> {
    let conn = Connection::open_with_flags(
        copy,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(StorageError::classify)?;
    rowsum::register(&conn)?;
    conn.execute_batch(
        "PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL; PRAGMA secure_delete = ON;
         BEGIN IMMEDIATE;
         DELETE FROM refresh_token;
         DELETE FROM session;
         UPDATE user SET reset_hash = NULL, reset_expires = NULL WHERE reset_hash IS NOT NULL;
         COMMIT;
         VACUUM;",
    )
    .map_err(StorageError::classify)?;
    conn.close().map_err(|(_, e)| StorageError::classify(e))
}

/// Brings the write-ahead log of a file that nobody has open into it, durably, so that the file alone is all there is.
/// Closing does that too, but tells nobody when it fails.
pub fn fold(path: &Path) -> Result<(), StorageError> {
    let conn = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(StorageError::classify)?;
    let mode: String = conn
        .query_row("PRAGMA journal_mode = DELETE", [], |r| r.get(0))
        .map_err(StorageError::classify)?;
    if mode != "delete" {
        return Err(StorageError::Busy);
    }
    conn.close().map_err(|(_, e)| StorageError::classify(e))
}

/// Whether SQLite finds a file sound, page by page; its first words about it if not.
pub fn unsound(path: &Path) -> Result<Option<String>, StorageError> {
    let conn = open::reader(path)?;
    let word: String = conn
        .query_row("PRAGMA integrity_check(1)", [], |r| r.get(0))
        .map_err(StorageError::classify)?;
    Ok((word != "ok").then_some(word))
}

/// Opens a moment, lets `judge` look at it, and copies it to a file of its own that needs nothing beside it.
pub(crate) fn snapshot<T, E: From<StorageError>>(
    from: &Path,
    to: &Path,
    judge: impl FnOnce(&Connection) -> Result<T, E>,
    progress: &mut dyn FnMut(Progress),
) -> Result<T, E> {
    let mut source = open::reader(from)?;
    let moment = source
        .transaction_with_behavior(TransactionBehavior::Deferred)
        .map_err(StorageError::classify)?;
    // A deferred transaction begins with its first reading.
    open::schema(&moment)?;
    let judged = judge(&moment)?;
    copy_pages(&moment, to, progress)?;
    Ok(judged)
}

fn copy_pages(
    moment: &Connection,
    to: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<(), StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut target = Connection::open_with_flags(to, flags).map_err(StorageError::classify)?;
    owner_only(to, 0o600).map_err(StorageError::io("making a copy private"))?;
    // The caller syncs the finished file; a cut leaves a file under a temporary name.
    target
        .pragma_update(None, "synchronous", "OFF")
        .map_err(StorageError::classify)?;
    let backup = Backup::new(moment, &mut target).map_err(StorageError::classify)?;
    let mut busy = 0;
    loop {
        let step = backup.step(STEP_PAGES).map_err(StorageError::classify)?;
        let at = backup.progress();
        let pages = |n: i32| u64::try_from(n).unwrap_or(0);
        progress(Progress {
            done: pages(at.pagecount - at.remaining),
            total: pages(at.pagecount),
        });
        match step {
            StepResult::Done => break,
            StepResult::Busy | StepResult::Locked if busy >= BUSY_TRIES => {
                return Err(StorageError::Locked);
            }
            StepResult::Busy | StepResult::Locked => {
                busy += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            _ => {}
        }
    }
    drop(backup);
    // One file, without a log beside it: it opens on a read-only medium.
    target
        .pragma_update(None, "journal_mode", "DELETE")
        .map_err(StorageError::classify)?;
    target.close().map_err(|(_, e)| StorageError::classify(e))
}
