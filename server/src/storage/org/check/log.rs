//! The log: its chain, what each entry says against its hash, and the tables that each kind of entry has behind it.

use tributary_sync_core::ids::{LogHash, LogPos};

use super::super::log::{COLUMNS, chain_log, change_entry_hash, other_entry_hash, read};
use super::super::{LogEntry, LogKind, LogRow, NewLog, Result, pos};
use super::{Check, CheckReport};
use crate::storage::StorageError;

impl Check<'_, '_> {
    pub(super) fn log(&self, report: &mut CheckReport) -> Result<()> {
        let mut expected = LogPos::ZERO;
        let mut chain = LogHash::default();
        let text = format!("SELECT {COLUMNS}, entry_hash, log_hash FROM log ORDER BY pos");
        self.walk(&text, [], |r| {
            let at = pos(r.get(0)?);
            expected = expected
                .next()
                .map_err(StorageError::damaged("log position"))?;
            if at != expected {
                report.fault("log.no_hole", expected);
                expected = at;
            }
            report.entries += 1;
            let (Ok(entry_hash), Ok(log_hash)) = (
                r.get::<_, [u8; 32]>("entry_hash"),
                r.get::<_, [u8; 32]>("log_hash"),
            ) else {
                report.fault("log.chain", at);
                return Ok(());
            };
            chain = chain_log(chain, &entry_hash);
            if chain.as_bytes() != &log_hash {
                report.fault("log.chain", at);
                chain = LogHash::from_bytes(log_hash);
            }
            match read(r) {
                Ok(row) => self.entry(&row, &entry_hash, report),
                Err(_) => {
                    report.fault("log.entry", at);
                    Ok(())
                }
            }
        })
    }

    /// One entry against its hash; the body of an erased change is gone, its hash stays.
    fn entry(&self, row: &LogRow, hash: &[u8; 32], report: &mut CheckReport) -> Result<()> {
        match &row.entry {
            LogEntry::Change(Some(stored)) => {
                let change = &stored.change;
                let ours = change_entry_hash(row.pos, stored) == *hash
                    && row.dot == Some(change.dot)
                    && row.received == stored.stamp.received;
                if !ours {
                    report.fault("log.entry", row.pos);
                }
                let record = self.txn.record_no(change.record)?;
                if row.record.is_none() || record != row.record {
                    report.fault("log.record", row.pos);
                }
                if let Some(origin) = change.origin
                    && !self.txn.restamped(origin.dot, origin.hash)?
                {
                    report.fault("log.origin", row.pos);
                }
                let item = self.txn.item(change.dot)?;
                if item.is_none_or(|i| i.pos != row.pos || i.hash != change.hash()) {
                    report.fault("log.item", row.pos);
                }
            }
            LogEntry::Change(None) => {
                let gone = match row.record {
                    Some(no) => self.txn.erased_no(no)? && self.stone_of(no.0)?,
                    None => false,
                };
                if !gone {
                    report.fault("log.body", row.pos);
                }
            }
            LogEntry::Other(body) => {
                let new = NewLog {
                    kind: row.kind,
                    record: row.record,
                    profile: row.profile,
                    dot: row.dot,
                    body,
                };
                if other_entry_hash(row.pos, &new) != *hash {
                    report.fault("log.entry", row.pos);
                }
                if !self.behind(row, body)? {
                    report.fault("log.behind", row.pos);
                }
            }
        }
        Ok(())
    }

    fn stone_of(&self, record: i64) -> Result<bool> {
        let text = "SELECT 1 FROM tombstone WHERE record = ?1";
        Ok(self.txn.one(text, [record], |_| Ok(()))?.is_some())
    }

    /// Whether the number that went into quarantine is written down as used, with this hash and position.
    fn used(&self, row: &LogRow, hash: &[u8]) -> Result<bool> {
        let item = row.dot.map(|dot| self.txn.item(dot)).transpose()?.flatten();
        Ok(item.is_some_and(|i| i.pos == row.pos && i.hash.as_bytes() == hash))
    }

    /// Whether the row that an entry announces is there.
    fn behind(&self, row: &LogRow, body: &[u8]) -> Result<bool> {
        let (text, key): (_, &dyn rusqlite::ToSql) = match row.kind {
            LogKind::Erased => (
                "SELECT 1 FROM tombstone WHERE hash = ?1 AND pos = ?2",
                &body,
            ),
            LogKind::Form => ("SELECT 1 FROM form WHERE hash = ?1 AND pos = ?2", &body),
            LogKind::Policy => (
                "SELECT 1 FROM policy WHERE CAST(body AS BLOB) = ?1 AND pos = ?2",
                &body,
            ),
            LogKind::Quarantined => return self.used(row, body),
            _ => return Ok(true),
        };
        let at = super::super::sql(row.pos.get());
        Ok(self
            .txn
            .one(text, rusqlite::params![key, at], |_| Ok(()))?
            .is_some())
    }
}
