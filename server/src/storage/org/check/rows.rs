//! Pages, the schema, and the sum of every row.

use rusqlite::Connection;

use super::super::{MIGRATIONS, Result};
use super::{Check, CheckReport, place};
use crate::storage::{StorageError, open, rowsum};

const OBJECTS: &str = "SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY type, name";

type Object = (String, String, String, String);

fn objects(conn: &Connection) -> Result<Vec<Object>> {
    let mut statement = conn.prepare(OBJECTS).map_err(StorageError::classify)?;
    let rows = statement
        .query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))
        .map_err(StorageError::classify)?;
    rows.collect::<rusqlite::Result<_>>()
        .map_err(StorageError::classify)
}

/// What the first `steps` migrations of this program make.
pub(super) fn expected(steps: usize) -> Result<Vec<Object>> {
    let conn = Connection::open_in_memory().map_err(StorageError::classify)?;
    rowsum::register(&conn)?;
    for sql in MIGRATIONS.iter().take(steps) {
        conn.execute_batch(sql).map_err(StorageError::classify)?;
    }
    objects(&conn)
}

impl Check<'_, '_> {
    pub(super) fn pages(&self, report: &mut CheckReport) -> Result<()> {
        self.walk("PRAGMA integrity_check(50)", [], |r| {
            let word = place(r, 0)?;
            if word != "ok" {
                report.fault("sqlite.integrity", word);
            }
            Ok(())
        })
    }

    /// Every table is as the migrations make it, and every row has the sum it was written with.
    pub(super) fn rows(&self, report: &mut CheckReport) -> Result<()> {
        let known = MIGRATIONS.len() as u32;
        let found = open::schema(self.txn.conn)?;
        // A file of an earlier program is brought to this one's schema when it is next opened; it is whole as it is.
        if !(1..=known).contains(&found) {
            report.fault("schema.version", known);
        }
        let expected = expected(found.clamp(1, known) as usize)?;
        if objects(self.txn.conn)? != expected {
            report.fault("schema.as_made", "sqlite_schema");
        }
        for (_, name, _, sql) in expected.iter().filter(|o| o.0 == "table") {
            let Some(columns) = rowsum::columns(sql) else {
                continue;
            };
            let first = columns.split(',').next().unwrap_or("NULL");
            let wrong = format!("SELECT {first} FROM {name} WHERE sum IS NOT row_sum({columns})");
            let walked = self.walk(&wrong, [], |r| {
                report.fault("row.sum", format!("{name} {}", place(r, 0)?));
                Ok(())
            });
            if walked.is_err() {
                report.fault("table.readable", name);
            }
        }
        // A number that was given is never given again.
        let numbered = ["record", "quarantine", "attachment"].into_iter();
        for table in numbered.filter(|t| expected.iter().any(|o| o.1 == *t)) {
            self.none_of(
                report,
                "schema.sequence",
                &format!(
                    "SELECT '{table}' WHERE (SELECT coalesce(max(n), 0) FROM {table}) >
                     (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = '{table}')"
                ),
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_a_sum_over_all_columns_but_hashed_bodies() {
        for (_, name, _, sql) in expected(MIGRATIONS.len())
            .unwrap()
            .iter()
            .filter(|o| o.0 == "table" && !o.1.starts_with("sqlite_"))
        {
            let columns = rowsum::columns(sql).unwrap_or_else(|| {
                panic!("table {name} has no column `sum`: see storage/rowsum.rs")
            });
            let summed: Vec<&str> = columns.split(", ").collect();
            let conn = Connection::open_in_memory().unwrap();
            rowsum::register(&conn).unwrap();
            conn.execute_batch(sql).unwrap();
            let mut statement = conn
                .prepare(&format!("SELECT name FROM pragma_table_info('{name}')"))
                .unwrap();
            let left: Vec<String> = statement
                .query_map([], |r| r.get::<_, String>(0))
                .unwrap()
                .map(|n| n.unwrap())
                .filter(|n| !summed.contains(&n.as_str()))
                .collect();
            let covered: &[&str] = match name.as_str() {
                "log" => &["body", "context", "entry_hash", "log_hash"],
                "item" => &["hash", "chain"],
                "record" => &["body"],
                _ => &[],
            };
            assert_eq!(left, covered, "columns of {name} outside the sum");
        }
    }
}
