//! The directory: organisations, users, teams, devices and what proves who they are. One small SQLite file.
//!
//! Reading and writing differ by type: a [`View`] has the questions, a [`Txn`] also the changes. A change is durable
//! when [`Directory::write`] returns. Not here: who may do what, and anything of an organisation's answers.

mod check;
mod codes;
mod organisations;
mod profiles;
mod sessions;
mod teams;
mod users;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, Params, Row, TransactionBehavior};

pub use check::{DirectoryCheck, check};
pub use codes::CodeRow;
pub use organisations::OrganisationRow;
pub use profiles::ProfileRow;
pub use sessions::{RefreshRow, SessionId, SessionKind};
pub use teams::TeamRow;
pub use users::{NewUser, Role, UserRow};

use super::{StorageError, open};

/// Steps are numbered and never edited.
const MIGRATIONS: open::Migrations = &[include_str!("../../../migrations/directory/0001.sql")];
/// Idle reader connections that are kept.
const READERS_MAX: usize = 4;

type Result<T> = std::result::Result<T, StorageError>;

/// The directory of one data folder.
pub struct Directory {
    path: PathBuf,
    /// Closed before the writer, which then leaves no write-ahead log behind.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves nothing half done: an open transaction is rolled back when it is dropped.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Directory {
    /// Makes the file, or opens one that is there.
    pub fn create(path: &Path) -> Result<Self> {
        Self::with(path, true)
    }
    /// Opens a file that is there, and brings it to the schema of this program.
    pub fn open(path: &Path) -> Result<Self> {
        Self::with(path, false)
    }
    fn with(path: &Path, create: bool) -> Result<Self> {
        let writer = open::writer(path, MIGRATIONS, create)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::new(Vec::new()),
        })
    }

    /// Runs `work` over a snapshot of what is committed.
    pub fn read<T, E: From<StorageError>>(
        &self,
        work: impl FnOnce(&View<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let idle = lock(&self.readers).pop();
        let mut conn = match idle {
            Some(conn) => conn,
            None => open::reader(&self.path)?,
        };
        let txn = conn
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .map_err(StorageError::classify)?;
        let result = work(&View { conn: &txn });
        txn.rollback().map_err(StorageError::classify)?;
        let mut readers = lock(&self.readers);
        if readers.len() < READERS_MAX {
            readers.push(conn);
        }
        result
    }

    /// Runs `work` in a transaction; when it returns `Ok`, what it did is durable, and else undone.
    pub fn write<T, E: From<StorageError>>(
        &self,
        work: impl FnOnce(&Txn<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut conn = lock(&self.writer);
        let txn = conn
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StorageError::classify)?;
        let done = work(&Txn(View { conn: &txn }))?;
        txn.commit().map_err(StorageError::classify)?;
        Ok(done)
    }
}

/// The questions that may be asked.
pub struct View<'c> {
    conn: &'c Connection,
}

/// The questions, and the changes.
pub struct Txn<'c>(View<'c>);

impl<'c> Deref for Txn<'c> {
    type Target = View<'c>;
    fn deref(&self) -> &View<'c> {
        &self.0
    }
}

impl View<'_> {
    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self
            .conn
            .prepare_cached(sql)
            .map_err(StorageError::classify)?;
        statement
            .query_row(params, read)
            .optional()
            .map_err(StorageError::classify)
    }
    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self
            .conn
            .prepare_cached(sql)
            .map_err(StorageError::classify)?;
        let rows = statement
            .query_map(params, read)
            .map_err(StorageError::classify)?;
        rows.collect::<rusqlite::Result<_>>()
            .map_err(StorageError::classify)
    }
    /// Something that there is once.
    pub fn server_value(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.one("SELECT value FROM server WHERE key = ?1", [key], |r| {
            r.get(0)
        })
    }
}

impl Txn<'_> {
    /// How many rows it touched.
    fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        let mut statement = self
            .conn
            .prepare_cached(sql)
            .map_err(StorageError::classify)?;
        statement.execute(params).map_err(StorageError::classify)
    }
    /// Sets something that there is once, unless it is set.
    pub fn set_server_value_once(&self, key: &str, value: &[u8]) -> Result<()> {
        let sql = "INSERT INTO server (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING";
        self.execute(sql, rusqlite::params![key, value]).map(drop)
    }
}

/// A time or counter as SQLite keeps it. Ours stay below 2^53.
fn sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
fn unsql(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_a_newer_schema_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.db");
        drop(Directory::create(&path).unwrap());
        let conn = Connection::open(&path).unwrap();
        conn.pragma_update(None, "user_version", 99).unwrap();
        drop(conn);
        assert!(matches!(
            Directory::open(&path),
            Err(StorageError::Newer {
                found: 99,
                known: 1
            })
        ));
    }

    #[test]
    fn a_failed_change_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let directory = Directory::create(&folder.path().join("directory.db")).unwrap();
        let failed: Result<()> = directory.write(|txn| {
            txn.set_server_value_once("id", b"x")?;
            Err(StorageError::Full)
        });
        assert!(failed.is_err());
        let value: Result<_> = directory.read(|view| view.server_value("id"));
        assert_eq!(value.unwrap(), None);
    }

    #[test]
    fn a_file_that_is_not_there_is_not_made_by_opening() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Directory::open(&folder.path().join("directory.db")).is_err());
    }
}
