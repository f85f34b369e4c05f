//! Which profile has which record, since when, and when it had it before (§6.1, §1.7).

use rusqlite::params;
use tributary_sync_core::ids::{LogPos, ProfileId, RecordId};

use super::{OrgTxn, RecordNo, Result, pos, sql};
use crate::storage::StorageError;

/// A profile and a record that it has or once had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeRow {
    /// The profile made it and has not emptied it.
    pub made: bool,
    /// It is assigned to the profile's user or a team of theirs.
    pub assigned: bool,
    /// Since which log position it is in scope.
    pub since: LogPos,
}

impl ScopeRow {
    /// Whether it is in scope now.
    pub fn live(&self) -> bool {
        self.made || self.assigned
    }
}

impl OrgTxn<'_> {
    /// What a profile has of a record; none if it never had it.
    pub fn scope(&self, profile: ProfileId, record: RecordNo) -> Result<Option<ScopeRow>> {
        self.one(
            "SELECT made, assigned, since FROM scope WHERE profile = ?1 AND record = ?2",
            params![profile.as_bytes(), record.0],
            |r| {
                Ok(ScopeRow {
                    made: r.get(0)?,
                    assigned: r.get(1)?,
                    since: pos(r.get(2)?),
                })
            },
        )
    }
    /// Writes a scope row; a span that ends is remembered.
    pub fn set_scope(
        &self,
        profile: ProfileId,
        record: RecordNo,
        before: Option<ScopeRow>,
        now: ScopeRow,
        head: LogPos,
    ) -> Result<()> {
        if let Some(old) = before.filter(|old| old.live() && !now.live()) {
            self.execute(
                "INSERT INTO scope_span (profile, record, from_pos, to_pos) VALUES (?1, ?2, ?3, ?4)",
                params![profile.as_bytes(), record.0, sql(old.since.get()), sql(head.get())],
            )?;
        }
        self.execute(
            "INSERT INTO scope (profile, record, made, assigned, since) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (profile, record) DO UPDATE SET made = ?3, assigned = ?4, since = ?5",
            params![
                profile.as_bytes(),
                record.0,
                now.made,
                now.assigned,
                sql(now.since.get())
            ],
        )?;
        Ok(())
    }
    /// Up to which log position the profile can have seen this record, given the highest position it was read to:
    /// a span that began at or before `seen` shows all up to its own end, or up to `seen` (§1.7).
    pub fn visible_until(
        &self,
        profile: ProfileId,
        record: RecordNo,
        seen: LogPos,
    ) -> Result<Option<LogPos>> {
        let now = self
            .scope(profile, record)?
            .filter(|s| s.live() && s.since <= seen)
            .map(|_| seen);
        let before = self.one(
            "SELECT max(to_pos) FROM scope_span WHERE profile = ?1 AND record = ?2 AND from_pos <= ?3",
            params![profile.as_bytes(), record.0, sql(seen.get())],
            |r| r.get::<_, Option<i64>>(0),
        )?;
        let before = before.flatten().map(|p| pos(p).min(seen));
        Ok(now.max(before))
    }
    /// Whether the profile had the record in a span that it confirmed: its pushes to it are accepted (§6.3).
    pub fn once_confirmed(
        &self,
        profile: ProfileId,
        record: RecordNo,
        confirmed: LogPos,
    ) -> Result<bool> {
        let row = self.scope(profile, record)?;
        if row.is_some_and(|s| s.made || s.since <= confirmed) {
            return Ok(true);
        }
        let span = self.one(
            "SELECT 1 FROM scope_span WHERE profile = ?1 AND record = ?2 AND from_pos <= ?3",
            params![profile.as_bytes(), record.0, sql(confirmed.get())],
            |_| Ok(()),
        )?;
        Ok(span.is_some())
    }
    /// The profiles that a record is assigned to now.
    pub fn assigned_profiles(&self, record: RecordNo) -> Result<Vec<ProfileId>> {
        self.all(
            "SELECT profile FROM scope WHERE record = ?1 AND assigned = 1",
            [record.0],
            |r| Ok(ProfileId::from_bytes(r.get(0)?)),
        )
    }
    /// All profiles that ever had a record.
    pub fn scope_profiles(&self, record: RecordNo) -> Result<Vec<ProfileId>> {
        self.all(
            "SELECT profile FROM scope WHERE record = ?1",
            [record.0],
            |r| Ok(ProfileId::from_bytes(r.get(0)?)),
        )
    }
    /// The records in scope of a profile behind `after`, in stable order, until `each` says stop.
    pub fn scope_after<E: From<StorageError>>(
        &self,
        profile: ProfileId,
        after: RecordNo,
        mut each: impl FnMut(RecordNo) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        self.each(
            "SELECT record FROM scope WHERE profile = ?1 AND record > ?2 AND (made OR assigned) ORDER BY record",
            params![profile.as_bytes(), after.0],
            |r| each(RecordNo(r.get(0).map_err(StorageError::classify)?)),
        )
    }
    /// The ids of all records in scope of a profile.
    pub fn scope_ids(&self, profile: ProfileId) -> Result<Vec<RecordId>> {
        self.all(
            "SELECT r.id FROM scope s JOIN record r ON r.n = s.record
             WHERE s.profile = ?1 AND (s.made OR s.assigned) ORDER BY r.id",
            [profile.as_bytes()],
            |r| Ok(RecordId::from_bytes(r.get(0)?)),
        )
    }
}
