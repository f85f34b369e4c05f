//! What there is once in the file: epochs, the head, the mark of the last copy, whether writing has stopped.

use rusqlite::params;
use tributary_sync_core::ids::{EpochId, LogHash, LogPos, ProfileId};

use super::{OrgTxn, Result, pos, sql, unsql};
use crate::storage::StorageError;

/// One life of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochRow {
    /// 1, 2, 3 …
    pub ordinal: u64,
    /// Its id.
    pub id: EpochId,
    /// When it opened, in milliseconds since 1970; later than every epoch before it.
    pub opened_at: u64,
    /// The log position at which it opened.
    pub opened_pos: LogPos,
}

impl OrgTxn<'_> {
    fn meta(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.one("SELECT value FROM meta WHERE key = ?1", [key], |r| r.get(0))
    }
    fn set_meta(&self, key: &str, value: &[u8]) -> Result<()> {
        self.execute(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2",
            params![key, value],
        )?;
        Ok(())
    }
    fn meta_u64(&self, key: &str) -> Result<u64> {
        let bytes = self.meta(key)?.and_then(|v| <[u8; 8]>::try_from(v).ok());
        Ok(bytes.map_or(0, u64::from_be_bytes))
    }

    /// The epoch in force.
    pub fn epoch(&self) -> Result<EpochRow> {
        let sql =
            "SELECT ordinal, id, opened_at, opened_pos FROM epoch ORDER BY ordinal DESC LIMIT 1";
        self.one(sql, [], read_epoch)?
            .ok_or(StorageError::NoOrganisation)
    }
    /// An epoch of this log, past or in force.
    pub fn epoch_by_id(&self, id: EpochId) -> Result<Option<EpochRow>> {
        self.one(
            "SELECT ordinal, id, opened_at, opened_pos FROM epoch WHERE id = ?1",
            [id.as_bytes()],
            read_epoch,
        )
    }
    /// Opens an epoch and freezes what every profile had confirmed (§1.7, §5.5). Writing goes on. It opens later than
    /// every epoch of this file, and than every one that a device has shown, whatever the clock says.
    pub fn open_epoch(&self, id: EpochId, at: u64) -> Result<()> {
        let (last, last_at) = self
            .one("SELECT max(ordinal), max(opened_at) FROM epoch", [], |r| {
                Ok((
                    r.get::<_, Option<i64>>(0)?,
                    r.get::<_, Option<i64>>(1)?.map_or(0, unsql),
                ))
            })?
            .unwrap_or_default();
        let next = last.unwrap_or(0).saturating_add(1);
        let later_than = last_at.max(self.meta_u64("epoch_shown")?);
        let at = at.max(later_than.saturating_add(u64::from(last.is_some())));
        let (head, _) = self.head()?;
        self.execute(
            "INSERT INTO epoch (ordinal, id, opened_at, opened_pos) VALUES (?1, ?2, ?3, ?4)",
            params![next, id.as_bytes(), sql(at), sql(head.get())],
        )?;
        self.execute(
            "INSERT INTO epoch_mark SELECT ?1, id, confirmed FROM profile",
            [next],
        )?;
        // A cursor of the old epoch confirms nothing in the new one.
        self.execute("UPDATE profile SET confirmed = 0", [])?;
        self.execute("DELETE FROM meta WHERE key = 'sealed'", [])?;
        self.set_stopped(false)
    }
    /// When the latest epoch opened that this file opened or was shown.
    pub fn latest_epoch_at(&self) -> Result<u64> {
        let opened = self.epoch()?.opened_at;
        Ok(opened.max(self.meta_u64("epoch_shown")?))
    }
    /// A device has shown an epoch that this file never heard of, and that opened later than its own: the next one to
    /// open must be later still.
    pub fn note_epoch_shown(&self, opened_at: u64) -> Result<()> {
        let shown = self.meta_u64("epoch_shown")?.max(opened_at);
        self.set_meta("epoch_shown", &shown.to_be_bytes())
    }
    /// What the profile had confirmed when the epoch after `ordinal` opened. A file that went back behind that moment
    /// does not know that epoch, so what was confirmed then stands in this log whatever opened later.
    pub fn epoch_mark(&self, ordinal: u64, profile: ProfileId) -> Result<LogPos> {
        let next = ordinal.saturating_add(1);
        let text = "SELECT confirmed FROM epoch_mark WHERE ordinal = ?1 AND profile = ?2";
        let mark = self.one(text, params![sql(next), profile.as_bytes()], |r| {
            Ok(pos(r.get(0)?))
        })?;
        Ok(mark.unwrap_or_default())
    }
    /// The most that the profile ever confirmed of this log, in this epoch or an earlier one.
    pub fn ever_confirmed(&self, profile: ProfileId) -> Result<LogPos> {
        let text = "SELECT max(confirmed) FROM (SELECT confirmed FROM epoch_mark WHERE profile = ?1
             UNION ALL SELECT confirmed FROM profile WHERE id = ?1)";
        let most = self.one(text, [profile.as_bytes()], |r| r.get::<_, Option<i64>>(0))?;
        Ok(most.flatten().map_or(LogPos::ZERO, pos))
    }

    /// The last position of the log and the hash up to there.
    pub fn head(&self) -> Result<(LogPos, LogHash)> {
        if let Some(known) = self.head.get() {
            return Ok(known);
        }
        let sql = "SELECT pos, log_hash FROM log ORDER BY pos DESC LIMIT 1";
        let row = self.one(sql, [], |r| {
            Ok((pos(r.get(0)?), LogHash::from_bytes(r.get(1)?)))
        })?;
        let head = row.unwrap_or_default();
        self.head.set(Some(head));
        Ok(head)
    }
    /// The hash of the log up to `at`; none beyond the head.
    pub fn log_hash(&self, at: LogPos) -> Result<Option<LogHash>> {
        if at == LogPos::ZERO {
            return Ok(Some(LogHash::default()));
        }
        self.one(
            "SELECT log_hash FROM log WHERE pos = ?1",
            [sql(at.get())],
            |r| Ok(LogHash::from_bytes(r.get(0)?)),
        )
    }

    /// The log position inside the last finished copy off this machine.
    pub fn copied(&self) -> Result<LogPos> {
        Ok(LogPos::new(self.meta_u64("copied")?).unwrap_or_default())
    }
    /// When that copy was finished, in milliseconds since 1970; 0 if never.
    pub fn copied_at(&self) -> Result<u64> {
        self.meta_u64("copied_at")
    }
    /// A copy up to `at` is finished.
    pub fn set_copied(&self, at: LogPos, when: u64) -> Result<()> {
        self.set_meta("copied", &at.get().to_be_bytes())?;
        self.set_meta("copied_at", &when.to_be_bytes())
    }

    /// Whether writing has stopped because somebody was shown a log that this file does not extend (§5.6).
    pub fn stopped(&self) -> Result<bool> {
        Ok(self.meta_u64("stopped")? != 0)
    }
    /// Stops writing, or lets it go on.
    pub fn set_stopped(&self, stopped: bool) -> Result<()> {
        self.set_meta("stopped", &u64::from(stopped).to_be_bytes())
    }

    /// Whether something was erased since the file was last rewritten without what was deleted.
    pub fn scrub_owed(&self) -> Result<bool> {
        Ok(self.meta_u64("scrub_owed")? != 0)
    }
    pub(crate) fn set_scrub_owed(&self, owed: bool) -> Result<()> {
        self.set_meta("scrub_owed", &u64::from(owed).to_be_bytes())
    }
    /// The schema of the file.
    pub fn schema(&self) -> Result<u32> {
        crate::storage::open::schema(self.conn)
    }
    /// Whether the organisation moved elsewhere: stopped for good here.
    pub fn sealed(&self) -> Result<bool> {
        Ok(self.meta_u64("sealed")? != 0)
    }
    /// Stops writing because the organisation moves elsewhere. Opening an epoch lifts it.
    pub fn seal(&self) -> Result<()> {
        self.set_meta("sealed", &1u64.to_be_bytes())?;
        self.set_stopped(true)
    }
    /// Copies finished up to this moment were knowingly left behind when an older one was restored; 0 if none.
    pub fn copies_waived(&self) -> Result<u64> {
        self.meta_u64("copies_waived")
    }
    /// An older copy was restored at this moment, knowingly.
    pub fn waive_copies(&self, at: u64) -> Result<()> {
        self.set_meta("copies_waived", &at.to_be_bytes())
    }

    /// The key that authenticates cursors.
    pub fn cursor_key(&self) -> Result<Vec<u8>> {
        self.meta("cursor_key")?.ok_or(StorageError::NoOrganisation)
    }
    /// Sets up a new file: its first epoch and the key of its cursors, both from the caller's random source.
    pub fn initialise(&self, epoch: EpochId, cursor_key: [u8; 32], at: u64) -> Result<()> {
        self.set_meta("cursor_key", &cursor_key)?;
        self.open_epoch(epoch, at)
    }

    /// How many records were ever erased: part of an export's ETag (§8).
    pub fn erasures(&self) -> Result<u64> {
        Ok(self
            .one("SELECT count(*) FROM tombstone", [], |r| r.get(0))?
            .map_or(0, unsql))
    }

    /// A setting of the organisation.
    pub fn setting(&self, name: &str) -> Result<Option<String>> {
        Ok(self
            .meta(&format!("setting.{name}"))?
            .and_then(|v| String::from_utf8(v).ok()))
    }
    /// Sets it.
    pub fn set_setting(&self, name: &str, value: &str) -> Result<()> {
        self.set_meta(&format!("setting.{name}"), value.as_bytes())
    }
    /// Forgets it.
    pub fn remove_setting(&self, name: &str) -> Result<()> {
        self.execute(
            "DELETE FROM meta WHERE key = ?1",
            [format!("setting.{name}")],
        )?;
        Ok(())
    }
    /// All settings whose names start with `prefix`, by name; the rest of the name and the value.
    pub fn settings_under(&self, prefix: &str) -> Result<Vec<(String, String)>> {
        let start = format!("setting.{prefix}");
        let rows = self.all(
            "SELECT substr(key, length(?1) + 1), value FROM meta WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key",
            [start],
            |r| Ok((r.get(0)?, r.get::<_, Vec<u8>>(1)?)),
        )?;
        Ok(rows
            .into_iter()
            .filter_map(|(name, value)| Some((name, String::from_utf8(value).ok()?)))
            .collect())
    }
}

fn read_epoch(r: &rusqlite::Row<'_>) -> rusqlite::Result<EpochRow> {
    Ok(EpochRow {
        ordinal: unsql(r.get(0)?),
        id: EpochId::from_bytes(r.get(1)?),
        opened_at: unsql(r.get(2)?),
        opened_pos: pos(r.get(3)?),
    })
}
