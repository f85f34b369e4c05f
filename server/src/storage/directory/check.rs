//! Proves over the directory's file what must hold, and says whom it knows.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;
use tributary_sync_core::ids::{OrgId, ProfileId};

use super::MIGRATIONS;
use crate::storage::{Fault, StorageError, open, rowsum};

type Result<T> = std::result::Result<T, StorageError>;

/// What a check of the directory found.
#[derive(Clone, Debug, Default)]
pub struct DirectoryCheck {
    /// What does not hold.
    pub faults: Vec<Fault>,
    /// The organisations it knows.
    pub organisations: BTreeSet<OrgId>,
    /// The devices it knows, each with its organisation.
    pub profiles: BTreeSet<(OrgId, ProfileId)>,
}

impl DirectoryCheck {
    fn fault(&mut self, rule: &'static str, place: impl std::fmt::Display) {
        self.faults.push(Fault {
            rule,
            place: place.to_string(),
        });
    }
}

/// Reads the whole file; nothing is written.
pub fn check(path: &Path) -> Result<DirectoryCheck> {
    let conn = open::reader(path)?;
    let mut found = DirectoryCheck::default();
    let (known, schema) = (MIGRATIONS.len() as u32, open::schema(&conn)?);
    if schema > known {
        return Err(StorageError::Newer {
            found: schema,
            known,
        });
    }
    let damaged = walk(&conn, &mut found);
    if damaged.is_err() {
        found.fault("table.readable", "directory.db");
    }
    Ok(found)
}

fn walk(conn: &Connection, found: &mut DirectoryCheck) -> rusqlite::Result<()> {
    let mut statement = conn.prepare("PRAGMA integrity_check(50)")?;
    let words = statement.query_map([], |r| r.get::<_, String>(0))?;
    for word in words {
        let word = word?;
        if word != "ok" {
            found.fault("sqlite.integrity", word);
        }
    }
    let mut statement = conn.prepare("PRAGMA foreign_key_check")?;
    let tables = statement.query_map([], |r| r.get::<_, String>(0))?;
    for table in tables {
        found.fault("directory.references", table?);
    }
    let mut statement = conn
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL")?;
    let tables: Vec<(String, String)> = statement
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (name, sql) in tables {
        let Some(columns) = rowsum::columns(&sql) else {
            continue;
        };
        let wrong = format!("SELECT count(*) FROM {name} WHERE sum IS NOT row_sum({columns})");
        let count: i64 = conn.query_row(&wrong, [], |r| r.get(0))?;
        if count > 0 {
            found.fault("row.sum", format!("{name}, {count} rows"));
        }
    }
    let mut statement = conn.prepare("SELECT id FROM organisation")?;
    for id in statement.query_map([], |r| r.get(0))? {
        found.organisations.insert(OrgId::from_bytes(id?));
    }
    let mut statement = conn.prepare("SELECT org, id FROM profile")?;
    for row in statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?)))? {
        let (org, id) = row?;
        found
            .profiles
            .insert((OrgId::from_bytes(org), ProfileId::from_bytes(id)));
    }
    Ok(())
}
