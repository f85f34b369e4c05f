//! Proves over a file what must hold after every commit; finds a flipped bit.

use tributary_sync_core::change::{Changeset, chain_next, chain_start, item_hash};
use tributary_sync_core::ids::{ItemHash, LogHash, LogPos, Seq};
use tributary_sync_core::record::Record;

use super::log::{chain_log, change_entry_hash};
use super::{LogEntry, LogKind, OrgTxn, RecordNo, Result, pos};
use crate::storage::StorageError;

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
}

impl CheckReport {
    fn fault(&mut self, rule: &'static str, place: impl std::fmt::Display) {
        self.faults.push(Fault {
            rule,
            place: place.to_string(),
        });
    }
}

impl OrgTxn<'_> {
    /// Reads the whole file.
    pub fn check(&self) -> Result<CheckReport> {
        let mut report = CheckReport::default();
        self.check_pages(&mut report)?;
        self.check_log(&mut report)?;
        self.check_records(&mut report)?;
        self.check_actors(&mut report)?;
        self.check_audit(&mut report)?;
        Ok(report)
    }

    fn check_pages(&self, report: &mut CheckReport) -> Result<()> {
        let words = self.all("PRAGMA integrity_check(10)", [], |r| r.get::<_, String>(0))?;
        words
            .iter()
            .filter(|w| *w != "ok")
            .for_each(|w| report.fault("sqlite.integrity", w));
        Ok(())
    }

    fn check_log(&self, report: &mut CheckReport) -> Result<()> {
        let mut expected = LogPos::ZERO;
        let mut chain = LogHash::default();
        let text = "SELECT pos, entry_hash, log_hash, kind, body, record FROM log ORDER BY pos";
        self.each::<StorageError>(text, [], |r| {
            let at = pos(r.get(0)?);
            expected = expected
                .next()
                .map_err(StorageError::damaged("log position"))?;
            if at != expected {
                report.fault("log.no_hole", at);
                expected = at;
            }
            chain = chain_log(chain, &r.get::<_, [u8; 32]>(1)?);
            if chain.as_bytes() != &r.get::<_, [u8; 32]>(2)? {
                report.fault("log.chain", at);
                chain = LogHash::from_bytes(r.get(2)?);
            }
            report.entries += 1;
            Ok(true)
        })?;
        // The bodies, against the hash of their entry. Read apart, so that one damaged body does not end the walk.
        let text =
            "SELECT pos, entry_hash FROM log WHERE kind = 1 AND body IS NOT NULL ORDER BY pos";
        let entries = self.all(text, [], |r| Ok((pos(r.get(0)?), r.get::<_, [u8; 32]>(1)?)))?;
        for (at, hash) in entries {
            match self.log_at(at) {
                Ok(Some(LogEntry::Change(Some(stored))))
                    if change_entry_hash(at, &stored) == hash => {}
                _ => report.fault("log.entry", at),
            }
        }
        Ok(())
    }

    fn log_at(&self, at: LogPos) -> Result<Option<LogEntry>> {
        let mut found = None;
        self.log_after::<StorageError>(at.before(), |row| {
            found = (row.pos == at && row.kind == LogKind::Change).then_some(row.entry);
            Ok(false)
        })?;
        Ok(found)
    }

    fn check_records(&self, report: &mut CheckReport) -> Result<()> {
        let numbers = self.all("SELECT n FROM record ORDER BY n", [], |r| {
            Ok(RecordNo(r.get(0)?))
        })?;
        for no in numbers {
            report.records += 1;
            let (Ok(Some(row)), Ok(history)) = (self.record_by_no(no), self.history(no)) else {
                report.fault("record.readable", no.0);
                continue;
            };
            let mut merged = Record::new(row.record.id());
            for entry in &history {
                if let LogEntry::Change(Some(stored)) = &entry.entry {
                    merged.apply(stored);
                }
            }
            if merged != row.record {
                report.fault("record.is_merge_of_log", no.0);
            }
            if self.erased(row.record.id())? {
                report.fault("record.erased_never_returns", no.0);
            }
        }
        Ok(())
    }

    fn check_actors(&self, report: &mut CheckReport) -> Result<()> {
        let actors = self.all(
            "SELECT id FROM actor WHERE profile IS NOT NULL ORDER BY id",
            [],
            |r| r.get::<_, u32>(0),
        )?;
        for id in actors {
            let Some(actor) = self.actor(tributary_sync_core::ids::ActorId(id))? else {
                continue;
            };
            let mut last = Seq::ZERO;
            let mut chain = chain_start(self.org(), actor.id, &actor.device_key);
            for item in self.items(actor.id, Seq::ZERO, actor.acked)? {
                report.items += 1;
                chain = chain_next(chain, item.dot.seq, item.hash);
                let next = last.next().map_err(StorageError::damaged("sequence"))?;
                if item.dot.seq != next {
                    report.fault("actor.no_gap", format!("{} at {}", actor.id, item.dot.seq));
                }
                if chain != item.chain {
                    report.fault("actor.chain", format!("{} at {}", actor.id, item.dot.seq));
                    chain = item.chain;
                }
                last = item.dot.seq;
            }
            if last != actor.acked || chain != actor.chain {
                report.fault("actor.head", actor.id);
            }
        }
        self.check_quarantine(report)
    }

    fn check_quarantine(&self, report: &mut CheckReport) -> Result<()> {
        let text = "SELECT q.n, q.body, i.hash FROM quarantine q JOIN item i ON i.actor = q.actor AND i.seq = q.seq
                    WHERE q.readable AND q.judged <> 2";
        self.each::<StorageError>(text, [], |r| {
            let body: Vec<u8> = r.get(1)?;
            let sound = item_hash(&body) == ItemHash::from_bytes(r.get(2)?)
                && Changeset::from_bytes(&body).is_ok();
            if !sound {
                report.fault("quarantine.body", r.get::<_, i64>(0)?);
            }
            Ok(true)
        })
    }

    fn check_audit(&self, report: &mut CheckReport) -> Result<()> {
        let mut before = [0; 32];
        let mut n = 0;
        loop {
            let rows = self.audit_rows(n, 1_000)?;
            if rows.is_empty() {
                return Ok(());
            }
            for row in rows {
                if row.n != n + 1 || row.hash != row.expected_hash(before) {
                    report.fault("audit.chain", row.n);
                }
                (n, before) = (row.n, row.hash);
                report.audit_rows += 1;
            }
        }
    }
}
