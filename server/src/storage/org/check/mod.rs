//! Proves over a file what must hold after every commit; finds a flipped bit, a missing row, a changed one.
//!
//! What is damaged is named and passed over, so that one bad page does not hide the rest. Memory does not grow with the
//! file. Nothing that is reported quotes an answer or a record's id.

mod actors;
#[cfg(test)]
pub(crate) mod cells;
mod log;
mod records;
mod rows;
mod scopes;
mod single;

use rusqlite::Row;
use tributary_sync_core::ids::{LogHash, LogPos};

use super::{OrgTxn, Result};
use crate::storage::StorageError;

/// Faults of one rule that are listed one by one; more of them are counted.
const LISTED_MAX: usize = 50;

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which rule.
    pub rule: &'static str,
    /// Where: a position, an actor, a record's number. Never an answer.
    pub place: String,
}

/// What a check saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Entries of the log.
    pub entries: u64,
    /// Records.
    pub records: u64,
    /// Used numbers.
    pub items: u64,
    /// Rows of the audit.
    pub audit_rows: u64,
    /// What does not hold.
    pub faults: Vec<Fault>,
    /// Faults beyond those listed.
    pub more: u64,
}

impl CheckReport {
    /// Whether everything holds.
    pub fn sound(&self) -> bool {
        self.faults.is_empty() && self.more == 0
    }
    fn fault(&mut self, rule: &'static str, place: impl std::fmt::Display) {
        if self.faults.iter().filter(|f| f.rule == rule).count() >= LISTED_MAX {
            self.more += 1;
            return;
        }
        self.faults.push(Fault {
            rule,
            place: place.to_string(),
        });
    }
}

/// A stage of the check, for whoever waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: &'static str,
    /// Its place, from 1.
    pub nth: usize,
    /// How many there are.
    pub of: usize,
}

type Walk = fn(&Check<'_, '_>, &mut CheckReport) -> Result<()>;

const STAGES: &[(&str, Walk)] = &[
    ("pages", |c, r| c.pages(r)),
    ("rows", |c, r| c.rows(r)),
    ("log", |c, r| c.log(r)),
    ("records", |c, r| c.records(r)),
    ("actors", |c, r| c.actors(r)),
    ("scopes", |c, r| c.scopes(r)),
    ("quarantine", |c, r| c.quarantine(r)),
    ("forms, erasures, epochs", |c, r| c.single(r)),
    ("audit", |c, r| c.audit(r)),
];

/// A check under way over one snapshot.
struct Check<'t, 'c> {
    txn: &'t OrgTxn<'c>,
    head: LogPos,
}

impl OrgTxn<'_> {
    /// Reads the whole file.
    pub fn check(&self) -> Result<CheckReport> {
        self.check_with(&mut |_| {})
    }

    /// The same, and tells where it is.
    pub fn check_with(&self, progress: &mut dyn FnMut(Stage)) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        let head = self.head().map(|h: (LogPos, LogHash)| h.0);
        let check = Check {
            txn: self,
            head: head.unwrap_or_default(),
        };
        for (n, (name, walk)) in STAGES.iter().enumerate() {
            progress(Stage {
                name,
                nth: n + 1,
                of: STAGES.len(),
            });
            // A table that cannot be read to its end is a finding, not the end of the check.
            match walk(&check, &mut report) {
                Ok(()) => {}
                Err(e @ StorageError::Io { .. }) => return Err(e),
                Err(_) => report.fault("table.readable", name),
            }
        }
        Ok(report)
    }
}

impl Check<'_, '_> {
    /// Reports a fault for every row of a query whose first column names the place.
    fn none_of(&self, report: &mut CheckReport, rule: &'static str, sql: &str) -> Result<()> {
        self.walk(sql, [], |r| {
            report.fault(rule, place(r, 0)?);
            Ok(())
        })
    }
    /// Every row of a query, in constant memory.
    fn walk(
        &self,
        sql: &str,
        params: impl rusqlite::Params,
        mut each: impl FnMut(&Row<'_>) -> Result<()>,
    ) -> Result<()> {
        self.txn.each::<StorageError>(sql, params, |r| {
            each(r)?;
            Ok(true)
        })
    }
}

/// What names a place: a number, or hexadecimal; a flipped bit may have made anything of it.
fn place(r: &Row<'_>, column: usize) -> Result<String> {
    use rusqlite::types::ValueRef;
    Ok(match r.get_ref(column).map_err(StorageError::classify)? {
        ValueRef::Null => "-".to_owned(),
        ValueRef::Integer(n) => n.to_string(),
        ValueRef::Real(x) => x.to_string(),
        ValueRef::Text(t) => String::from_utf8_lossy(t).chars().take(80).collect(),
        ValueRef::Blob(b) => hex::encode(b.get(..b.len().min(16)).unwrap_or_default()),
    })
}
