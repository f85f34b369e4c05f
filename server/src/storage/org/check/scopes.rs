//! Scope rows against the entries of the log that opened and closed them (§6.2).

use super::super::Result;
use super::super::scope::HIDDEN;
use super::{Check, CheckReport};

/// The last entry of the log about each profile and record.
const LAST: &str = "SELECT profile, record, max(pos) AS pos, kind FROM log WHERE kind IN (2, 3) GROUP BY profile, record";

impl Check<'_, '_> {
    pub(super) fn scopes(&self, report: &mut CheckReport) -> Result<()> {
        self.none_of(
            report,
            "scope.owners",
            "SELECT s.record FROM scope s LEFT JOIN record r ON r.n = s.record LEFT JOIN profile p ON p.id = s.profile
             WHERE r.n IS NULL OR (p.id IS NULL AND s.made)",
        )?;
        self.none_of(
            report,
            "scope.maker",
            "SELECT r.n FROM record r LEFT JOIN scope s ON s.record = r.n AND s.profile = r.maker
             WHERE r.maker IS NOT NULL AND s.record IS NULL",
        )?;
        // The last word of the log is what the row says; without one, only a maker has it.
        self.none_of(
            report,
            "scope.follows_log",
            &format!(
                "SELECT s.record FROM scope s LEFT JOIN ({LAST}) l ON l.profile = s.profile AND l.record = s.record
                 WHERE ((s.made OR s.assigned) AND s.since <> {HIDDEN}) IS NOT coalesce(l.kind = 2, s.made)
                    OR (l.kind = 2 AND s.since <> l.pos) OR (s.since > {} AND s.since <> {HIDDEN})",
                super::super::sql(self.head.get())
            ),
        )?;
        // Restricted records are on nobody's phone, and those without live consent on their maker's user's alone.
        self.none_of(
            report,
            "scope.holders",
            &format!(
                "SELECT s.record FROM scope s JOIN record r ON r.n = s.record LEFT JOIN profile p ON p.id = s.profile
                 LEFT JOIN profile m ON m.id = r.maker
                 WHERE (s.made OR s.assigned)
                   AND (s.since = {HIDDEN}) IS NOT (r.restricted_at IS NOT NULL OR (r.withheld AND (m.user IS NULL OR p.user IS NOT m.user)))"
            ),
        )?;
        self.none_of(
            report,
            "scope.of_log",
            &format!(
                "SELECT l.pos FROM ({LAST}) l JOIN record r ON r.n = l.record
                 LEFT JOIN scope s ON s.profile = l.profile AND s.record = l.record WHERE s.record IS NULL"
            ),
        )?;
        self.none_of(
            report,
            "scope.spans",
            &format!(
                "SELECT p.record FROM scope_span p LEFT JOIN log l ON l.pos = p.to_pos AND l.kind = 3
                 AND l.profile = p.profile AND l.record = p.record
                 WHERE l.pos IS NULL OR p.from_pos > p.to_pos OR p.to_pos > {}",
                super::super::sql(self.head.get())
            ),
        )?;
        self.none_of(
            report,
            "scope.spans_of_log",
            "SELECT l.pos FROM log l JOIN record r ON r.n = l.record
             LEFT JOIN scope_span p ON p.to_pos = l.pos AND p.profile = l.profile AND p.record = l.record
             WHERE l.kind = 3 AND p.record IS NULL",
        )
    }
}
