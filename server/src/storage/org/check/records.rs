//! Records: each is the merge of its changesets in the log, and what lists filter by follows from it.

use tributary_sync_core::record::Record;

use super::super::{LogEntry, OrgTxn, RecordNo, RecordRow, Result};
use super::{Check, CheckReport};

impl Check<'_, '_> {
    pub(super) fn records(&self, report: &mut CheckReport) -> Result<()> {
        self.walk("SELECT n FROM record ORDER BY n", [], |r| {
            let no = RecordNo(r.get(0)?);
            report.records += 1;
            self.record(no, report)
        })
    }

    fn record(&self, no: RecordNo, report: &mut CheckReport) -> Result<()> {
        let (Ok(Some(row)), Ok(history)) = (self.txn.record_by_no(no), self.txn.history(no)) else {
            report.fault("record.readable", no.0);
            return Ok(());
        };
        let mut merged = Record::new(row.record.id());
        let mut first = true;
        for entry in &history {
            let LogEntry::Change(Some(stored)) = &entry.entry else {
                report.fault("record.is_merge_of_log", no.0);
                continue;
            };
            if first {
                first = false;
                if entry.received != row.created_at {
                    report.fault("record.created", no.0);
                }
                self.made_by_its_first_change(&row, &stored.change, report)?;
            }
            merged.apply(stored);
        }
        if first {
            report.fault("record.without_log", no.0);
        }
        // Byte for byte: what reads alike is not always what was written.
        let text = "SELECT body = ?2 AND id = ?3 FROM record WHERE n = ?1";
        let alike = self.txn.one(
            text,
            rusqlite::params![no.0, merged.to_bytes(), row.record.id().as_bytes()],
            |r| r.get(0),
        )?;
        if merged != row.record || alike != Some(true) {
            report.fault("record.is_merge_of_log", no.0);
        }
        let last = history.last().map(|e| e.pos);
        if last.is_some_and(|pos| pos != row.pos) {
            report.fault("record.position", no.0);
        }
        let state = &row.state;
        let follows = state.presence == row.record.presence()
            && u64::from(state.conflicts) == row.record.conflicts().count() as u64
            && state.withheld == self.txn.policies(&row.form_id)?.withheld(&row.record);
        if !follows {
            report.fault("record.state", no.0);
        }
        if self.txn.erased(row.record.id())? {
            report.fault("record.erased_never_returns", no.0);
        }
        Ok(())
    }

    fn made_by_its_first_change(
        &self,
        row: &RecordRow,
        change: &tributary_sync_core::change::Changeset,
        report: &mut CheckReport,
    ) -> Result<()> {
        let maker = self.txn.actor(change.dot.actor)?.and_then(|a| a.profile);
        let lineage = self.txn.form_id(change.form)?;
        if row.form != change.form || lineage.as_ref() != Some(&row.form_id) {
            report.fault("record.form", row.no.0);
        }
        // What the server released or wrote itself is made in the name of somebody else's profile.
        let other = maker.is_some() && row.maker != maker;
        let stranger = match row.maker {
            Some(profile) => self.txn.profile(profile)?.is_none(),
            None => false,
        };
        if other || stranger {
            report.fault("record.maker", row.no.0);
        }
        Ok(())
    }
}

impl OrgTxn<'_> {
    /// The tombstones that the file lacks of those that a ledger names.
    pub fn lacking(
        &self,
        stones: &[(tributary_sync_core::ids::Tombstone, u64)],
    ) -> Result<Vec<tributary_sync_core::ids::Tombstone>> {
        let mut out = Vec::new();
        for (hash, _) in stones {
            if self.tombstone(*hash)?.is_none() {
                out.push(*hash);
            }
        }
        Ok(out)
    }
}
