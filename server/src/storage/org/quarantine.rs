//! Inert bodies that wait for a coordinator (§7).

use rusqlite::{Row, params};
use tributary_sync_core::clock::{Dot, Hlc};
use tributary_sync_core::ids::{ActorId, ProfileId, RecordId, UserId};

use super::{OrgTxn, Result, seq, sql, unsql};

/// What a coordinator made of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// Nothing yet.
    Waiting,
    /// It was taken in as a new changeset.
    Released,
    /// It was thrown away.
    Discarded,
}

/// One quarantined body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineRow {
    /// Its number.
    pub no: i64,
    /// Who sent it.
    pub profile: ProfileId,
    /// Under which dot.
    pub dot: Dot,
    /// The record it is for, when it could be read.
    pub record: Option<RecordId>,
    /// Canonical bytes of a changeset when `readable`, else the bytes as sent.
    pub body: Vec<u8>,
    /// Whether the body is a changeset.
    pub readable: bool,
    /// Why it stands here.
    pub code: String,
    /// When it came, in milliseconds since 1970.
    pub received: u64,
    /// The effective clock that a resend repeats.
    pub repeat: Option<Hlc>,
    /// What a coordinator made of it.
    pub judged: Judgement,
}

/// A body to put into quarantine.
#[derive(Clone, Debug)]
pub struct NewQuarantine<'a> {
    /// Who sent it.
    pub profile: ProfileId,
    /// Under which dot.
    pub dot: Dot,
    /// The record it is for.
    pub record: Option<RecordId>,
    /// The body.
    pub body: &'a [u8],
    /// Whether the body is a changeset.
    pub readable: bool,
    /// Why.
    pub code: &'static str,
    /// The effective clock that a resend repeats.
    pub repeat: Option<Hlc>,
}

const COLUMNS: &str = "n, profile, actor, seq, record, body, readable, code, received, repeat_ms, repeat_n, judged FROM quarantine";

impl OrgTxn<'_> {
    /// Puts a body into quarantine and counts its bytes against the profile's quota.
    pub fn quarantine(&self, new: &NewQuarantine<'_>, now: u64) -> Result<()> {
        self.execute(
            "INSERT INTO quarantine (profile, actor, seq, record, body, readable, code, received, repeat_ms, repeat_n)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                new.profile.as_bytes(),
                new.dot.actor.0,
                sql(new.dot.seq.get()),
                new.record.as_ref().map(|r| r.as_bytes().as_slice()),
                new.body,
                new.readable,
                new.code,
                sql(now),
                new.repeat.map(|e| sql(e.ms())),
                new.repeat.map(|e| e.n())
            ],
        )?;
        self.execute(
            "UPDATE profile SET quarantine_bytes = quarantine_bytes + ?2 WHERE id = ?1",
            params![new.profile.as_bytes(), sql(new.body.len() as u64)],
        )?;
        Ok(())
    }
    /// One body by its number.
    pub fn quarantined(&self, no: i64) -> Result<Option<QuarantineRow>> {
        self.one(&format!("SELECT {COLUMNS} WHERE n = ?1"), [no], read)
    }
    /// Bodies behind `after`, waiting ones only if so asked, at most `limit`.
    pub fn quarantine_list(
        &self,
        waiting_only: bool,
        after: i64,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>> {
        self.all(
            &format!(
                "SELECT {COLUMNS} WHERE n > ?1 AND (judged = 0 OR NOT ?2) ORDER BY n LIMIT ?3"
            ),
            params![after, waiting_only, limit],
            read,
        )
    }
    /// What became of a profile's bodies that were judged, the oldest first: whether each was released.
    pub fn verdicts(&self, profile: ProfileId) -> Result<Vec<(Dot, bool)>> {
        self.all(
            "SELECT actor, seq, judged FROM quarantine WHERE profile = ?1 AND judged != 0 ORDER BY n",
            [profile.as_bytes()],
            |r| {
                let dot = Dot::new(ActorId(r.get(0)?), seq(r.get(1)?));
                Ok((dot, r.get::<_, i64>(2)? == 1))
            },
        )
    }
    /// How many wait.
    pub fn quarantine_waiting(&self) -> Result<u64> {
        Ok(self
            .one(
                "SELECT count(*) FROM quarantine WHERE judged = 0",
                [],
                |r| r.get(0),
            )?
            .map_or(0, unsql))
    }
    /// Bodies that wait and that nobody can tell the record of, the oldest first, at most `limit`.
    pub fn quarantine_nameless(&self, limit: u32) -> Result<Vec<QuarantineRow>> {
        self.all(
            &format!("SELECT {COLUMNS} WHERE judged = 0 AND record IS NULL ORDER BY n LIMIT ?1"),
            [limit],
            read,
        )
    }
    /// What of a profile has waited since before `before`, the oldest first, at most `limit`.
    pub fn quarantine_before(
        &self,
        profile: ProfileId,
        before: u64,
        limit: u32,
    ) -> Result<Vec<QuarantineRow>> {
        self.all(
            &format!(
                "SELECT {COLUMNS} WHERE profile = ?1 AND judged = 0 AND received < ?2 ORDER BY n LIMIT ?3"
            ),
            params![profile.as_bytes(), sql(before), limit],
            read,
        )
    }
    /// Notes a judgement; by nobody when its time was over. A discarded body is destroyed at once, and its words are owed to be
    /// wiped from the file.
    pub fn judge(
        &self,
        row: &QuarantineRow,
        released: bool,
        by: Option<UserId>,
        now: u64,
    ) -> Result<()> {
        self.execute(
            "UPDATE quarantine SET judged = ?2, judged_by = ?3, judged_at = ?4, body = CASE WHEN ?2 = 2 THEN x'' ELSE body END
             WHERE n = ?1",
            params![
                row.no,
                if released { 1 } else { 2 },
                by.as_ref().map(|u| u.as_bytes().as_slice()),
                sql(now)
            ],
        )?;
        if !released {
            self.set_scrub_owed(true)?;
        }
        self.execute(
            "UPDATE profile SET quarantine_bytes = max(0, quarantine_bytes - ?2) WHERE id = ?1",
            params![row.profile.as_bytes(), sql(row.body.len() as u64)],
        )?;
        Ok(())
    }
}

fn read(r: &Row<'_>) -> rusqlite::Result<QuarantineRow> {
    let ms: Option<i64> = r.get(9)?;
    let n: Option<u16> = r.get(10)?;
    Ok(QuarantineRow {
        no: r.get(0)?,
        profile: ProfileId::from_bytes(r.get(1)?),
        dot: Dot::new(ActorId(r.get(2)?), seq(r.get(3)?)),
        record: r.get::<_, Option<[u8; 16]>>(4)?.map(RecordId::from_bytes),
        body: r.get(5)?,
        readable: r.get(6)?,
        code: r.get(7)?,
        received: unsql(r.get(8)?),
        repeat: ms.zip(n).and_then(|(ms, n)| Hlc::new(unsql(ms), n).ok()),
        judged: match r.get::<_, u8>(11)? {
            0 => Judgement::Waiting,
            1 => Judgement::Released,
            _ => Judgement::Discarded,
        },
    })
}
