//! Opening the file, its tables, and one transaction for each step.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::store::Tx;
use crate::error::{Error, Result};

/// What this build writes into `PRAGMA user_version`.
const VERSION: i64 = 1;

const TABLES: &str = "
    CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE record (id BLOB PRIMARY KEY, form BLOB NOT NULL, pos INTEGER NOT NULL, body BLOB NOT NULL);
    CREATE TABLE own (
        actor INTEGER NOT NULL, seq INTEGER NOT NULL, record BLOB, hash BLOB NOT NULL, chain BLOB NOT NULL,
        body BLOB, fate TEXT NOT NULL, PRIMARY KEY (actor, seq)
    );
    CREATE INDEX own_record ON own (record) WHERE record IS NOT NULL;
    CREATE TABLE open_form (session INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE person (actor INTEGER PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE policy (form_id TEXT NOT NULL, field INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (form_id, field)) WITHOUT ROWID;
    CREATE TABLE form (
        n INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, form_id TEXT NOT NULL, package TEXT NOT NULL, xform TEXT NOT NULL
    );
    CREATE TABLE tombstone (hash BLOB PRIMARY KEY, sig TEXT NOT NULL) WITHOUT ROWID;
";

/// The open file.
#[derive(Debug)]
pub struct Database(Connection);

impl Database {
    /// Opens or makes the file. A committed transaction survives a power cut; erased answers do not.
    pub fn open(path: &Path) -> Result<Self> {
        let db = Connection::open(path)?;
        // The folder's lock keeps others out; so the index of the log needs no file, and a full disk keeps nobody from
        // looking.
        db.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "secure_delete", "ON")?;
        db.pragma_update(None, "temp_store", "MEMORY")?;
        let mut out = Self(db);
        out.migrate()?;
        Ok(out)
    }

    fn migrate(&mut self) -> Result<()> {
        let version: i64 = self
            .0
            .pragma_query_value(None, "user_version", |r| r.get(0))?;
        if version == VERSION {
            return Ok(());
        }
        let tx = self
            .0
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let version: i64 = tx.pragma_query_value(None, "user_version", |r| r.get(0))?;
        match version {
            0 => tx.execute_batch(TABLES)?,
            _ => {
                return Err(Error::store(
                    "the folder was written by a newer version of this program",
                ));
            }
        }
        tx.pragma_update(None, "user_version", VERSION)?;
        Ok(tx.commit()?)
    }

    /// One step: all of it or nothing.
    pub fn step<T>(&mut self, step: impl FnOnce(&mut Tx<'_>) -> Result<T>) -> Result<T> {
        let tx = self
            .0
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let out = step(&mut Tx::new(&tx))?;
        tx.commit()?;
        Ok(out)
    }

    /// Reads, as of one moment.
    pub fn read<T>(&self, read: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<T> {
        let tx = self.0.unchecked_transaction()?;
        read(&Tx::new(&tx))
    }

    /// After answers were erased or the device was emptied: nothing of them stays in the file or its log.
    pub fn forget(&mut self) -> Result<()> {
        self.0.execute_batch("VACUUM")?;
        self.0
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }
}

impl Tx<'_> {
    /// A named value.
    pub(crate) fn value<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        let text: Option<String> = self
            .db()
            .prepare_cached("SELECT value FROM state WHERE key = ?1")?
            .query_row([key], |r| r.get(0))
            .optional()?;
        text.map(|t| serde_json::from_str(&t).map_err(Error::store))
            .transpose()
    }
    /// Writes a named value.
    pub(crate) fn put_value<T: Serialize>(&mut self, key: &str, value: &T) -> Result<()> {
        let text = serde_json::to_string(value).map_err(Error::store)?;
        self.db()
            .prepare_cached("INSERT OR REPLACE INTO state (key, value) VALUES (?1, ?2)")?
            .execute((key, text))?;
        Ok(())
    }
    /// All forms, in the order in which they came.
    pub(crate) fn forms(&self) -> Result<Vec<tributary_sync_core::session::FormText>> {
        let mut statement = self
            .db()
            .prepare_cached("SELECT hash FROM form ORDER BY n")?;
        let hashes = statement.query_map([], |r| r.get::<_, [u8; 32]>(0))?;
        let mut out = Vec::new();
        for hash in hashes {
            use tributary_sync_core::session::Store;
            let hash = tributary_sync_core::ids::FormHash::from_bytes(hash?);
            out.extend(self.form(hash)?);
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_keeps_its_promises_and_refuses_a_newer_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("device.db");
        {
            let mut db = Database::open(&path).unwrap();
            let of = |db: &Database, name: &str| -> String {
                let value =
                    db.0.pragma_query_value(None, name, |r| r.get_ref(0).map(|v| format!("{v:?}")));
                value.unwrap()
            };
            assert!(
                of(&db, "journal_mode").contains("wal") || of(&db, "journal_mode").contains("119")
            );
            assert!(of(&db, "synchronous").contains('2'));
            db.step(|tx| tx.put_value("x", &1)).unwrap();
            let failed: Result<()> = db.step(|tx| {
                tx.put_value("x", &2)?;
                Err(Error::store("no"))
            });
            assert!(failed.is_err());
            assert_eq!(db.read(|tx| tx.value::<i32>("x")).unwrap(), Some(1));
        }
        let db = Connection::open(&path).unwrap();
        db.pragma_update(None, "user_version", 99).unwrap();
        drop(db);
        assert!(Database::open(&path).is_err());
    }
}
