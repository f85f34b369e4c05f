//! How a database file is opened: pragmas, each with its reason, and the walk of migrations.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::error::StorageError;
use super::{folder, rowsum};

/// How long a statement waits for another connection.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The numbered steps of one kind of file.
pub(crate) type Migrations = &'static [&'static str];

/// Opens for writing; makes the file when `create`.
pub(crate) fn writer(
    path: &Path,
    migrations: Migrations,
    create: bool,
) -> Result<Connection, StorageError> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
    }
    let mut conn = Connection::open_with_flags(path, flags)?;
    // SQLite gives the files beside it the same permissions.
    folder::owner_only(path, 0o600).map_err(StorageError::io("making a database private"))?;
    rowsum::register(&conn)?;
    conn.busy_timeout(PATIENCE)?;
    // WAL: readers beside the one writer. FULL: a commit is on the disk before anybody hears of it.
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    // Erased words leave no trace in free pages (§3.2).
    conn.pragma_update(None, "secure_delete", "ON")?;
    conn.pragma_update(None, "foreign_keys", "ON")?;
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    conn.pragma_update(None, "cell_size_check", "ON")?;
    // 8 MiB of pages for the writer: the upper levels of the indexes stay in memory.
    conn.pragma_update(None, "cache_size", -8_192)?;
    // 16 MiB of write-ahead log before its pages move into the file: those that many commits change move once.
    conn.pragma_update(None, "wal_autocheckpoint", 4_096)?;
    plan_once(&conn)?;
    conn.set_prepared_statement_cache_capacity(128);
    migrate(&mut conn, migrations)?;
    Ok(conn)
}

/// Opens for reading.
pub(crate) fn reader(path: &Path) -> Result<Connection, StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    rowsum::register(&conn)?;
    conn.busy_timeout(PATIENCE)?;
    conn.pragma_update(None, "query_only", "ON")?;
    conn.pragma_update(None, "trusted_schema", "OFF")?;
    // A reader forgets its pages with every commit of the writer, so more would not help.
    conn.pragma_update(None, "cache_size", -1_024)?;
    plan_once(&conn)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// Without it SQLite compiles a statement anew whenever another value is bound to it, where a partial index might serve
/// that value: measured, one in twenty of all cycles of a server under load.
fn plan_once(conn: &Connection) -> Result<(), StorageError> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// The last migration that ran over a file.
pub(crate) fn schema(conn: &Connection) -> Result<u32, StorageError> {
    conn.pragma_query_value(None, "user_version", |r| r.get(0))
        .map_err(StorageError::classify)
}

fn migrate(conn: &mut Connection, migrations: Migrations) -> Result<(), StorageError> {
    let known = migrations.len() as u32;
    let found = schema(conn)?;
    if found > known {
        return Err(StorageError::Newer { found, known });
    }
    for (step, sql) in migrations.iter().enumerate().skip(found as usize) {
        let txn = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        txn.execute_batch(sql)?;
        txn.pragma_update(None, "user_version", step as u32 + 1)?;
        txn.commit()?;
    }
    Ok(())
}
