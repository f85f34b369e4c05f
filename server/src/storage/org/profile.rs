//! What the server knows of a profile besides its credential: how far it has confirmed, and how it does.

use rusqlite::{Row, params};
use tributary_sync_core::ids::{LogPos, ProfileId, UserId};

use super::{OrgTxn, Result, pos, sql, unsql};

/// One profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileRow {
    /// Its id.
    pub id: ProfileId,
    /// Its user.
    pub user: UserId,
    /// The log position up to which its last cursor confirmed everything, in this epoch.
    pub confirmed: LogPos,
    /// When it last exchanged, in milliseconds since 1970.
    pub last_sync: Option<u64>,
    /// How far its clock runs ahead (positive) or behind, in milliseconds, at its last push.
    pub skew_ms: Option<i64>,
    /// What program it says to be.
    pub version: Option<String>,
    /// Bytes it has in quarantine.
    pub quarantine_bytes: u64,
}

const COLUMNS: &str =
    "id, user, confirmed, last_sync, skew_ms, version, quarantine_bytes FROM profile";

impl OrgTxn<'_> {
    /// Writes down a new profile.
    pub fn add_profile(&self, id: ProfileId, user: UserId) -> Result<()> {
        self.execute(
            "INSERT INTO profile (id, user) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING",
            params![id.as_bytes(), user.as_bytes()],
        )?;
        Ok(())
    }
    /// One profile.
    pub fn profile(&self, id: ProfileId) -> Result<Option<ProfileRow>> {
        self.one(
            &format!("SELECT {COLUMNS} WHERE id = ?1"),
            [id.as_bytes()],
            read,
        )
    }
    /// All profiles.
    pub fn profiles(&self) -> Result<Vec<ProfileRow>> {
        self.all(&format!("SELECT {COLUMNS} ORDER BY id"), [], read)
    }
    /// A cursor has confirmed everything up to `at`; the mark never goes back within an epoch.
    pub fn confirm(&self, id: ProfileId, at: LogPos) -> Result<()> {
        self.execute(
            "UPDATE profile SET confirmed = max(confirmed, ?2) WHERE id = ?1 AND confirmed < ?2",
            params![id.as_bytes(), sql(at.get())],
        )?;
        Ok(())
    }
    /// Notes an exchange.
    pub fn note_sync(
        &self,
        id: ProfileId,
        now: u64,
        skew_ms: Option<i64>,
        version: Option<&str>,
    ) -> Result<()> {
        self.execute(
            "UPDATE profile SET last_sync = ?2, skew_ms = coalesce(?3, skew_ms), version = coalesce(?4, version) WHERE id = ?1",
            params![id.as_bytes(), sql(now), skew_ms, version],
        )?;
        Ok(())
    }
}

fn read(r: &Row<'_>) -> rusqlite::Result<ProfileRow> {
    Ok(ProfileRow {
        id: ProfileId::from_bytes(r.get(0)?),
        user: UserId::from_bytes(r.get(1)?),
        confirmed: pos(r.get(2)?),
        last_sync: r.get::<_, Option<i64>>(3)?.map(unsql),
        skew_ms: r.get(4)?,
        version: r.get(5)?,
        quarantine_bytes: unsql(r.get(6)?),
    })
}
