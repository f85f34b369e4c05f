//! Teams and who is in them.

use rusqlite::{Row, params};
use tributary_sync_core::ids::{OrgId, TeamId, UserId};

use super::{Result, Txn, View, sql, unsql};

/// A team of one organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamRow {
    /// The id.
    pub id: TeamId,
    /// The organisation.
    pub org: OrgId,
    /// The name.
    pub name: String,
    /// When it was made.
    pub created_at: u64,
}

fn read(r: &Row<'_>) -> rusqlite::Result<TeamRow> {
    Ok(TeamRow {
        id: TeamId::from_bytes(r.get(0)?),
        org: OrgId::from_bytes(r.get(1)?),
        name: r.get(2)?,
        created_at: unsql(r.get(3)?),
    })
}

impl View<'_> {
    /// One team of an organisation; none if the id is another organisation's.
    pub fn team_of(&self, org: OrgId, id: TeamId) -> Result<Option<TeamRow>> {
        let text = "SELECT id, org, name, created_at FROM team WHERE id = ?1 AND org = ?2";
        self.one(text, [id.as_bytes(), org.as_bytes()], read)
    }
    /// The team of that name.
    pub fn team_by_name(&self, org: OrgId, name_key: &str) -> Result<Option<TeamRow>> {
        let text = "SELECT id, org, name, created_at FROM team WHERE org = ?1 AND name_key = ?2";
        self.one(text, params![org.as_bytes(), name_key], read)
    }
    /// At most `limit` teams of an organisation after one, in order of id.
    pub fn teams(&self, org: OrgId, after: TeamId, limit: usize) -> Result<Vec<TeamRow>> {
        let text = "SELECT id, org, name, created_at FROM team
                    WHERE org = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
        self.all(
            text,
            params![org.as_bytes(), after.as_bytes(), sql(limit as u64)],
            read,
        )
    }
    /// The teams of a user, in order of id.
    pub fn teams_of_user(&self, user: UserId) -> Result<Vec<TeamId>> {
        let text = "SELECT team FROM team_member WHERE user = ?1 ORDER BY team";
        self.all(text, [user.as_bytes()], |r| {
            Ok(TeamId::from_bytes(r.get(0)?))
        })
    }
    /// The users of a team, in order of id.
    pub fn users_of_team(&self, team: TeamId) -> Result<Vec<UserId>> {
        let text = "SELECT user FROM team_member WHERE team = ?1 ORDER BY user";
        self.all(text, [team.as_bytes()], |r| {
            Ok(UserId::from_bytes(r.get(0)?))
        })
    }
}

impl Txn<'_> {
    /// A new team. False if the name is taken.
    pub fn insert_team(&self, team: &TeamRow, name_key: &str) -> Result<bool> {
        if self.team_by_name(team.org, name_key)?.is_some() {
            return Ok(false);
        }
        self.execute(
            "INSERT INTO team (id, org, name, name_key, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                team.id.as_bytes(),
                team.org.as_bytes(),
                team.name,
                name_key,
                sql(team.created_at)
            ],
        )?;
        Ok(true)
    }
    /// Puts a user into a team.
    pub fn insert_member(&self, team: TeamId, user: UserId) -> Result<()> {
        let text = "INSERT INTO team_member (team, user) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        self.execute(text, [team.as_bytes(), user.as_bytes()])
            .map(drop)
    }
    /// Takes a user out of a team.
    pub fn delete_member(&self, team: TeamId, user: UserId) -> Result<()> {
        let text = "DELETE FROM team_member WHERE team = ?1 AND user = ?2";
        self.execute(text, [team.as_bytes(), user.as_bytes()])
            .map(drop)
    }
}
