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
    let mut conn = Connection::open_with_flags(path, flags)?;
    if was_cut_short(&conn) {
        take_back(path)?;
        conn = Connection::open_with_flags(path, flags)?;
    }
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

/// Whether the power went while a file changed from one kind of journal to the other, as a restored one does when it is
/// first opened. Who only reads may not take that change back.
fn was_cut_short(conn: &Connection) -> bool {
    let version = conn.pragma_query_value(None, "user_version", |r| r.get::<_, u32>(0));
    matches!(version, Err(rusqlite::Error::SqliteFailure(e, _))
        if e.extended_code == rusqlite::ffi::SQLITE_READONLY_ROLLBACK)
}

/// Takes it back: SQLite does so when whoever may write reads.
fn take_back(path: &Path) -> Result<(), StorageError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(PATIENCE)?;
    schema(&conn).map(drop)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_the_power_cut_short_is_taken_back_by_whoever_reads_first() {
        let folder = tempfile::tempdir().unwrap();
        let (at, cut) = (folder.path().join("a.db"), folder.path().join("cut.db"));
        let conn = Connection::open(&at).unwrap();
        let made = "PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; CREATE TABLE t (x);
                    INSERT INTO t VALUES ('before')";
        conn.execute_batch(made).unwrap();
        // Far more than fits in memory: the file has changed before the change is done.
        let begun = "BEGIN; UPDATE t SET x = 'half';
                     WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                     INSERT INTO t SELECT randomblob(500) FROM n";
        conn.execute_batch(begun).unwrap();
        std::fs::copy(&at, &cut).unwrap();
        let journal = folder.path().join("cut.db-journal");
        std::fs::copy(folder.path().join("a.db-journal"), &journal).unwrap();
        let read = reader(&cut).unwrap();
        let all: Vec<String> = read
            .prepare("SELECT x FROM t")
            .unwrap()
            .query_map([], |r| r.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(all, ["before"]);
        assert!(!journal.exists());
    }
}
