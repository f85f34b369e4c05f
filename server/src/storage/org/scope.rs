//! Which profile has which record, since when, and when it had it before (§6.1, §1.7).

use rusqlite::params;
use tributary_sync_core::ids::{LogPos, ProfileId, RecordId, UserId};

use super::{OrgTxn, RecordNo, Result, pos, sql};
use crate::storage::StorageError;

/// A profile and a record that it has or once had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeRow {
    /// The profile made it and has not emptied it.
    pub made: bool,
    /// It is assigned to the profile's user or a team of theirs.
    pub assigned: bool,
    /// It is kept from the profile all the same: restricted, or withheld for lack of consent.
    pub hidden: bool,
    /// Since which log position it is in scope; means nothing while it is hidden.
    pub since: LogPos,
}

impl ScopeRow {
    /// Whether it is in scope now.
    pub fn live(&self) -> bool {
        self.named() && !self.hidden
    }
    /// Whether it would be, if it were not hidden.
    pub fn named(&self) -> bool {
        self.made || self.assigned
    }
}

/// What decides who may hold a record, whoever has it in scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Hidden from everybody.
    pub restricted: bool,
    /// No consent lives.
    pub withheld: bool,
    /// The user who made it.
    pub maker: Option<UserId>,
}

/// Stands for `since` in a row that is hidden: after every position that a cursor can have reached.
pub(super) const HIDDEN: i64 = tributary_sync_core::ids::COUNTER_MAX.cast_signed();

fn read(r: &rusqlite::Row<'_>, from: usize) -> rusqlite::Result<ScopeRow> {
    let since = r.get(from + 2)?;
    Ok(ScopeRow {
        made: r.get(from)?,
        assigned: r.get(from + 1)?,
        hidden: since == HIDDEN,
        since: pos(since),
    })
}

impl OrgTxn<'_> {
    /// What a profile has of a record; none if it never had it.
    pub fn scope(&self, profile: ProfileId, record: RecordNo) -> Result<Option<ScopeRow>> {
        self.one(
            "SELECT made, assigned, since FROM scope WHERE profile = ?1 AND record = ?2",
            params![profile.as_bytes(), record.0],
            |r| read(r, 0),
        )
    }
    /// The profiles that made a record or have it assigned, whether or not it is hidden from them.
    pub fn scopes_of(&self, record: RecordNo) -> Result<Vec<(ProfileId, ScopeRow)>> {
        self.all(
            "SELECT profile, made, assigned, since FROM scope
             WHERE record = ?1 AND (made OR assigned) ORDER BY profile",
            [record.0],
            |r| Ok((ProfileId::from_bytes(r.get(0)?), read(r, 1)?)),
        )
    }
    /// What decides who may hold a record; none if there is none.
    pub fn keeping(&self, record: RecordNo) -> Result<Option<Keeping>> {
        self.one(
            "SELECT r.restricted_at IS NOT NULL, r.withheld, p.user FROM record r
             LEFT JOIN profile p ON p.id = r.maker WHERE r.n = ?1",
            [record.0],
            |r| {
                Ok(Keeping {
                    restricted: r.get(0)?,
                    withheld: r.get(1)?,
                    maker: r.get::<_, Option<[u8; 16]>>(2)?.map(UserId::from_bytes),
                })
            },
        )
    }
    /// The records whose merged state holds this text anywhere, in stable order: at least those that are assigned to
    /// whoever it names.
    pub fn records_naming(&self, text: &str) -> Result<Vec<RecordNo>> {
        self.all(
            "SELECT n FROM record WHERE instr(body, ?1) > 0 ORDER BY n",
            [text.as_bytes()],
            |r| Ok(RecordNo(r.get(0)?)),
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
                if now.hidden {
                    HIDDEN
                } else {
                    sql(now.since.get())
                }
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
            "SELECT record FROM scope WHERE profile = ?1 AND record > ?2 AND (made OR assigned) AND since <> ?3 ORDER BY record",
            params![profile.as_bytes(), after.0, HIDDEN],
            |r| each(RecordNo(r.get(0).map_err(StorageError::classify)?)),
        )
    }
    /// The ids of all records in scope of a profile.
    pub fn scope_ids(&self, profile: ProfileId) -> Result<Vec<RecordId>> {
        self.all(
            "SELECT r.id FROM scope s JOIN record r ON r.n = s.record
             WHERE s.profile = ?1 AND (s.made OR s.assigned) AND s.since <> ?2 ORDER BY r.id",
            params![profile.as_bytes(), HIDDEN],
            |r| Ok(RecordId::from_bytes(r.get(0)?)),
        )
    }
}
