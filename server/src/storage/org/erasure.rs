//! Erasure: bodies go, the tombstone stays (§3). Only the hash of the record's id is kept.

use rusqlite::params;
use tributary_sync_core::ids::{LogPos, RecordId, Tombstone};

use super::{LogKind, NewLog, OrgTxn, RecordNo, Result, pos, sql, unsql};

/// What an erasure removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Bodies of changesets.
    pub changes: usize,
    /// Bodies in quarantine.
    pub quarantined: usize,
    /// The log position of the erasure: who has confirmed it has dropped the record.
    pub pos: LogPos,
}

/// What remains of an erased record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TombstoneRow {
    /// SHA-256 of its id.
    pub hash: Tombstone,
    /// The log position of the erasure.
    pub pos: LogPos,
    /// When, in milliseconds since 1970.
    pub erased_at: u64,
    /// Edits that came after it and were dropped.
    pub late_edits: u64,
}

impl OrgTxn<'_> {
    /// Whether a record of this id was erased.
    pub fn erased(&self, id: RecordId) -> Result<bool> {
        self.tombstone(id.tombstone()).map(|t| t.is_some())
    }
    /// What remains under a hash.
    pub fn tombstone(&self, hash: Tombstone) -> Result<Option<TombstoneRow>> {
        self.one(
            "SELECT hash, pos, erased_at, late_edits FROM tombstone WHERE hash = ?1",
            [hash.as_bytes()],
            read,
        )
    }
    /// All of them.
    pub fn tombstones(&self) -> Result<Vec<TombstoneRow>> {
        self.all(
            "SELECT hash, pos, erased_at, late_edits FROM tombstone ORDER BY pos",
            [],
            read,
        )
    }
    /// Whether the record that had this number was erased.
    pub fn erased_no(&self, record: RecordNo) -> Result<bool> {
        Ok(self
            .one("SELECT 1 FROM record WHERE n = ?1", [record.0], |_| Ok(()))?
            .is_none())
    }
    /// A late edit for an erased record was dropped.
    pub fn count_late_edit(&self, id: RecordId) -> Result<()> {
        let hash = id.tombstone();
        self.execute(
            "UPDATE tombstone SET late_edits = late_edits + 1 WHERE hash = ?1",
            [hash.as_bytes()],
        )?;
        Ok(())
    }

    /// Erases the record behind a tombstone, whether it is there or not, and logs it. A second erasure does nothing.
    pub fn erase(&self, hash: Tombstone, now: u64) -> Result<Option<Erased>> {
        if self.tombstone(hash)?.is_some() {
            return Ok(None);
        }
        let id = self.find_by_tombstone(hash)?;
        self.remove(hash, id, now).map(Some)
    }
    /// The same for whoever knows the id: nothing is searched.
    pub fn erase_record(&self, id: RecordId, now: u64) -> Result<Option<Erased>> {
        if self.erased(id)? {
            return Ok(None);
        }
        self.remove(id.tombstone(), Some(id), now).map(Some)
    }

    fn remove(&self, hash: Tombstone, id: Option<RecordId>, now: u64) -> Result<Erased> {
        let mut erased = Erased::default();
        let mut found = None;
        if let Some(id) = id {
            self.claim_unreadable(id)?;
            self.give_back_quota(id)?;
            erased.quarantined =
                self.execute("DELETE FROM quarantine WHERE record = ?1", [id.as_bytes()])?;
            found = self.record_no(id)?;
        }
        if let Some(no) = found {
            self.drop_files_of(no)?;
            erased.changes = self.execute(
                "UPDATE log SET body = NULL, context = NULL WHERE record = ?1 AND kind = 1 AND body IS NOT NULL",
                [no.0],
            )?;
            self.execute("DELETE FROM record WHERE n = ?1", [no.0])?;
            self.execute("DELETE FROM scope WHERE record = ?1", [no.0])?;
            self.execute("DELETE FROM scope_span WHERE record = ?1", [no.0])?;
        }
        let body = hash.as_bytes().as_slice();
        let new = NewLog {
            kind: LogKind::Erased,
            record: found,
            profile: None,
            dot: None,
            body,
        };
        let at = self.append(&new, now)?;
        self.execute(
            "INSERT INTO tombstone (hash, record, pos, erased_at) VALUES (?1, ?2, ?3, ?4)",
            params![
                hash.as_bytes(),
                found.map(|no| no.0),
                sql(at.get()),
                sql(now)
            ],
        )?;
        erased.pos = at;
        self.set_scrub_owed(true)?;
        Ok(erased)
    }

    /// A body that nobody can read is of this record if the record's id stands in it, as bytes or in words: 128 random
    /// bits stand nowhere by chance.
    fn claim_unreadable(&self, id: RecordId) -> Result<()> {
        let words = id.to_string();
        self.execute(
            "UPDATE quarantine SET record = ?1 WHERE record IS NULL AND NOT readable AND judged = 0
             AND (instr(body, ?1) OR instr(body, ?2) OR instr(body, ?3))",
            params![
                id.as_bytes(),
                words.as_bytes(),
                words.to_uppercase().as_bytes()
            ],
        )?;
        Ok(())
    }

    /// What waits of this record no longer counts against the quota of those who sent it.
    fn give_back_quota(&self, id: RecordId) -> Result<()> {
        self.execute(
            "UPDATE profile SET quarantine_bytes = max(0, quarantine_bytes - (
                SELECT coalesce(sum(length(body)), 0) FROM quarantine q WHERE q.profile = profile.id AND q.record = ?1 AND q.judged = 0))
             WHERE id IN (SELECT profile FROM quarantine WHERE record = ?1 AND judged = 0)",
            [id.as_bytes()],
        )?;
        Ok(())
    }

    /// Ids hash one way, so a tombstone finds its record by looking at all of them, and at what waits in quarantine.
    fn find_by_tombstone(&self, hash: Tombstone) -> Result<Option<RecordId>> {
        let mut found = None;
        for text in [
            "SELECT id FROM record",
            "SELECT DISTINCT record FROM quarantine WHERE record IS NOT NULL",
        ] {
            self.each::<super::StorageError>(text, [], |r| {
                let id = RecordId::from_bytes(r.get(0)?);
                if id.tombstone() == hash {
                    found = Some(id);
                }
                Ok(found.is_none())
            })?;
            if found.is_some() {
                break;
            }
        }
        Ok(found)
    }
}

fn read(r: &rusqlite::Row<'_>) -> rusqlite::Result<TombstoneRow> {
    Ok(TombstoneRow {
        hash: Tombstone::from_bytes(r.get(0)?),
        pos: pos(r.get(1)?),
        erased_at: unsql(r.get(2)?),
        late_edits: unsql(r.get(3)?),
    })
}
