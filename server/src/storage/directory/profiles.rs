//! Profiles: one user on one installation, each with its public key. The API calls them devices.

use rusqlite::{Row, params};
use tributary_sync_core::ids::{OrgId, ProfileId, TeamId, UserId};

use super::{Result, Txn, View, sql, unsql};

/// A profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileRow {
    /// The id.
    pub id: ProfileId,
    /// The organisation.
    pub org: OrgId,
    /// The user.
    pub user: UserId,
    /// P-256, uncompressed point.
    pub public_key: [u8; 65],
    /// What its user or an admin calls the device.
    pub label: String,
    /// When it enrolled.
    pub enrolled_at: u64,
    /// Since when it is revoked.
    pub revoked_at: Option<u64>,
    /// When it last proved itself.
    pub last_seen_at: Option<u64>,
}

const COLUMNS: &str = "id, org, user, public_key, label, enrolled_at, revoked_at, last_seen_at";

fn read(r: &Row<'_>) -> rusqlite::Result<ProfileRow> {
    Ok(ProfileRow {
        id: ProfileId::from_bytes(r.get(0)?),
        org: OrgId::from_bytes(r.get(1)?),
        user: UserId::from_bytes(r.get(2)?),
        public_key: r.get(3)?,
        label: r.get(4)?,
        enrolled_at: unsql(r.get(5)?),
        revoked_at: r.get::<_, Option<i64>>(6)?.map(unsql),
        last_seen_at: r.get::<_, Option<i64>>(7)?.map(unsql),
    })
}

impl View<'_> {
    /// One profile, whatever the organisation: for credentials, never for an id that somebody named.
    pub fn profile(&self, id: ProfileId) -> Result<Option<ProfileRow>> {
        let text = format!("SELECT {COLUMNS} FROM profile WHERE id = ?1");
        self.one(&text, [id.as_bytes()], read)
    }
    /// One profile of an organisation; none if the id is another organisation's.
    pub fn profile_of(&self, org: OrgId, id: ProfileId) -> Result<Option<ProfileRow>> {
        let text = format!("SELECT {COLUMNS} FROM profile WHERE id = ?1 AND org = ?2");
        self.one(&text, [id.as_bytes(), org.as_bytes()], read)
    }
    /// The profile that registered a key.
    pub fn profile_by_key(&self, public_key: &[u8; 65]) -> Result<Option<ProfileRow>> {
        let text = format!("SELECT {COLUMNS} FROM profile WHERE public_key = ?1");
        self.one(&text, [&public_key[..]], read)
    }
    /// At most `limit` profiles of an organisation after one, in order of id.
    pub fn profiles(&self, org: OrgId, after: ProfileId, limit: usize) -> Result<Vec<ProfileRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM profile WHERE org = ?1 AND id > ?2 ORDER BY id LIMIT ?3"
        );
        self.all(
            &text,
            params![org.as_bytes(), after.as_bytes(), sql(limit as u64)],
            read,
        )
    }
    /// The profiles that are revoked, or whose user is disabled, since before `before`, by organisation.
    pub fn kept_out_before(&self, before: u64) -> Result<Vec<(OrgId, ProfileId)>> {
        let text = "SELECT p.org, p.id FROM profile p JOIN user u ON u.id = p.user
                    WHERE p.revoked_at < ?1 OR u.disabled_at < ?1 ORDER BY p.org, p.id";
        self.all(text, [sql(before)], |r| {
            Ok((
                OrgId::from_bytes(r.get(0)?),
                ProfileId::from_bytes(r.get(1)?),
            ))
        })
    }
    /// The profiles of a user that are not revoked, in order of id.
    pub fn live_profiles_of_user(&self, org: OrgId, user: UserId) -> Result<Vec<ProfileId>> {
        let text = "SELECT id FROM profile
                    WHERE org = ?1 AND user = ?2 AND revoked_at IS NULL ORDER BY id";
        self.all(text, [org.as_bytes(), user.as_bytes()], |r| {
            Ok(ProfileId::from_bytes(r.get(0)?))
        })
    }
    /// The profiles of the members of a team that are not revoked, in order of id.
    pub fn live_profiles_of_team(&self, org: OrgId, team: TeamId) -> Result<Vec<ProfileId>> {
        let text = "SELECT p.id FROM profile p JOIN team_member m ON m.user = p.user
                    JOIN team t ON t.id = m.team
                    WHERE t.org = ?1 AND t.id = ?2 AND p.org = ?1 AND p.revoked_at IS NULL
                    ORDER BY p.id";
        self.all(text, [org.as_bytes(), team.as_bytes()], |r| {
            Ok(ProfileId::from_bytes(r.get(0)?))
        })
    }
}

impl Txn<'_> {
    /// A new profile.
    pub fn insert_profile(&self, row: &ProfileRow) -> Result<()> {
        self.execute(
            "INSERT INTO profile
               (id, org, user, public_key, label, enrolled_at, revoked_at, last_seen_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                row.id.as_bytes(),
                row.org.as_bytes(),
                row.user.as_bytes(),
                &row.public_key[..],
                row.label,
                sql(row.enrolled_at),
                row.revoked_at.map(sql),
                row.last_seen_at.map(sql)
            ],
        )
        .map(drop)
    }
    /// Revokes a profile; the first time counts.
    pub fn revoke_profile(&self, id: ProfileId, at: u64) -> Result<()> {
        let text = "UPDATE profile SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";
        self.execute(text, params![id.as_bytes(), sql(at)])
            .map(drop)
    }
    /// A profile proved itself.
    pub fn touch_profile(&self, id: ProfileId, at: u64) -> Result<()> {
        let text = "UPDATE profile SET last_seen_at = ?2 WHERE id = ?1";
        self.execute(text, params![id.as_bytes(), sql(at)])
            .map(drop)
    }
}
