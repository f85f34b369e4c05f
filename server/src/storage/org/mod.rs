//! A transaction over the file of one organisation: rows and changesets, no people and no permissions.
//!
//! What holds after every commit, whatever came before: positions of the log have no hole and only grow; per actor the
//! used numbers are 1..=acked without a hole; a record's body is the merge of its changesets in the log; an erased
//! record has no body anywhere. `tributary check` proves these over a file.

mod actor;
mod attachment;
mod audit;
pub(crate) mod check;
mod erasure;
mod form;
mod log;
mod meta;
mod profile;
mod quarantine;
mod record;
mod scope;
mod stream;

use std::cell::Cell;
use std::path::Path;

use rusqlite::Connection;
use tributary_sync_core::ids::{LogHash, LogPos, OrgId, Seq};

pub use actor::{ActorRow, ItemRow, ItemStatus, NewActor};
pub use attachment::{UploadRow, Usage};
pub use audit::{AuditEntry, AuditRow};
pub use check::{CheckReport, Fault, Stage};
pub use erasure::{Erased, TombstoneRow};
pub use form::{FormRow, PolicyRow};
pub use log::{LogEntry, LogKind, LogLine, LogRow, NewLog};
pub use meta::EpochRow;
pub use profile::ProfileRow;
pub use quarantine::{Judgement, NewQuarantine, QuarantineRow};
pub use record::{RecordFilter, RecordRow, RecordState, Restriction};
pub use scope::{Keeping, ScopeRow};
pub use stream::RawRecord;

use super::error::StorageError;
use super::open::{self, Migrations};

/// The schema of an organisation's file, step by step.
pub(crate) const MIGRATIONS: Migrations = &[
    include_str!("../../../migrations/org/0001.sql"),
    include_str!("../../../migrations/org/0002.sql"),
];

/// Runs `work` over the file of an organisation that lies anywhere, such as in a copy; nothing is written.
pub fn read_file<T, E: From<StorageError>>(
    org: OrgId,
    path: &Path,
    work: impl FnOnce(&OrgTxn<'_>) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let mut conn = open::reader(path)?;
    let known = MIGRATIONS.len() as u32;
    let found = open::schema(&conn)?;
    if found > known {
        return Err(StorageError::Newer { found, known }.into());
    }
    let txn = conn.transaction().map_err(StorageError::classify)?;
    work(&OrgTxn::new(org, &txn))
}

/// A result of storage.
pub(crate) type Result<T> = std::result::Result<T, StorageError>;

/// A transaction, or a savepoint of one, opened for one organisation.
pub struct OrgTxn<'c> {
    org: OrgId,
    conn: &'c Connection,
    /// The head of the log once it was read: in a snapshot it stands, in a savepoint only [`OrgTxn::append`] and
    /// [`OrgTxn::append_change`] move it.
    head: Cell<Option<(LogPos, LogHash)>>,
}

/// The number that a record has inside its file; given once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RecordNo(pub i64);

impl<'c> OrgTxn<'c> {
    pub(crate) fn new(org: OrgId, conn: &'c Connection) -> Self {
        let head = Cell::new(None);
        Self { org, conn, head }
    }
    /// The organisation whose file this is: for signatures and chains, never for a query.
    pub fn org(&self) -> OrgId {
        self.org
    }

    fn execute(&self, sql: &str, params: impl rusqlite::Params) -> Result<usize> {
        let mut statement = self
            .conn
            .prepare_cached(sql)
            .map_err(StorageError::classify)?;
        statement.execute(params).map_err(StorageError::classify)
    }

    fn one<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnOnce(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>> {
        let mut statement = self
            .conn
            .prepare_cached(sql)
            .map_err(StorageError::classify)?;
        let mut rows = statement.query(params).map_err(StorageError::classify)?;
        rows.next()
            .map_err(StorageError::classify)?
            .map(read)
            .transpose()
            .map_err(StorageError::classify)
    }

    fn all<T>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
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

    /// Calls `each` for every row, in constant memory, until it says stop.
    fn each<E: From<StorageError>>(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        mut each: impl FnMut(&rusqlite::Row<'_>) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        let mut statement = self
            .conn
            .prepare_cached(sql)
            .map_err(StorageError::classify)?;
        let mut rows = statement.query(params).map_err(StorageError::classify)?;
        while let Some(row) = rows.next().map_err(StorageError::classify)? {
            if !each(row)? {
                break;
            }
        }
        Ok(())
    }
}

/// Counters stay below 2^53, so they fit SQLite's signed integers.
fn sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
fn unsql(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
fn pos(n: i64) -> LogPos {
    LogPos::new(unsql(n)).unwrap_or(LogPos::ZERO)
}
fn seq(n: i64) -> Seq {
    Seq::new(unsql(n)).unwrap_or(Seq::ZERO)
}
