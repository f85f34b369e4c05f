//! What there is once or few of: forms, policies, tombstones, epochs, marks; and the chain of the audit.

use super::super::{Result, sql};
use super::{Check, CheckReport};

impl Check<'_, '_> {
    pub(super) fn single(&self, report: &mut CheckReport) -> Result<()> {
        self.none_of(
            report,
            "tombstone.in_log",
            "SELECT t.pos FROM tombstone t LEFT JOIN log l ON l.pos = t.pos AND l.kind = 4 AND l.body = t.hash
             WHERE l.pos IS NULL OR l.record IS NOT t.record",
        )?;
        self.none_of(
            report,
            "tombstone.record_gone",
            "SELECT t.pos FROM tombstone t WHERE t.record IN (SELECT n FROM record)
                OR t.record IN (SELECT record FROM log WHERE kind = 1 AND body IS NOT NULL)",
        )?;
        self.none_of(
            report,
            "form.in_log",
            "SELECT f.pos FROM form f LEFT JOIN log l ON l.pos = f.pos AND l.kind = 6 AND l.body = f.hash WHERE l.pos IS NULL",
        )?;
        self.none_of(
            report,
            "policy.in_log",
            "SELECT p.pos FROM policy p LEFT JOIN log l ON l.pos = p.pos AND l.kind = 5 AND l.body = CAST(p.body AS BLOB)
             WHERE l.pos IS NULL",
        )?;
        let head = sql(self.head.get());
        self.none_of(
            report,
            "epoch.order",
            &format!(
                "SELECT ordinal FROM epoch e WHERE opened_pos > {head} OR ordinal <>
                 (SELECT count(*) FROM epoch o WHERE o.ordinal <= e.ordinal AND o.opened_pos <= e.opened_pos)"
            ),
        )?;
        self.none_of(
            report,
            "epoch.any",
            "SELECT 'epoch' WHERE NOT EXISTS (SELECT 1 FROM epoch)",
        )?;
        self.none_of(
            report,
            "epoch.marks",
            "SELECT m.ordinal FROM epoch_mark m LEFT JOIN epoch e ON e.ordinal = m.ordinal
             WHERE e.ordinal IS NULL OR m.confirmed > e.opened_pos",
        )?;
        self.none_of(
            report,
            "profile.confirmed",
            &format!("SELECT id FROM profile WHERE confirmed > {head}"),
        )?;
        if self.txn.copied()? > self.head {
            report.fault("meta.copied", self.txn.copied()?);
        }
        match self.txn.cursor_key() {
            Ok(key) if key.len() == 32 => {}
            _ => report.fault("meta.cursor_key", "cursor_key"),
        }
        Ok(())
    }

    pub(super) fn audit(&self, report: &mut CheckReport) -> Result<()> {
        let mut before = [0; 32];
        let mut n = 0;
        loop {
            let rows = self.txn.audit_rows(n, 1_000)?;
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
