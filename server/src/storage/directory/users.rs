//! Users, their roles, passwords and one-time links.

use std::fmt;
use std::str::FromStr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Row, params};
use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{OrgId, UserId};
use utoipa::ToSchema;

use super::{Result, Txn, View, sql, unsql};

/// What a user is. What that allows is one table, in `service/access.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks after the server: organisations only, no answers.
    ServerAdmin,
    /// Looks after an organisation: users, devices, forms, restriction and erasure.
    OrgAdmin,
    /// Sees all records of an organisation, settles, assigns, exports.
    Coordinator,
    /// Reads and judges the records of own teams.
    Reviewer,
    /// Records interviews.
    Worker,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::ServerAdmin,
        Self::OrgAdmin,
        Self::Coordinator,
        Self::Reviewer,
        Self::Worker,
    ];
    /// Its one spelling.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ServerAdmin => "server_admin",
            Self::OrgAdmin => "org_admin",
            Self::Coordinator => "coordinator",
            Self::Reviewer => "reviewer",
            Self::Worker => "worker",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|r| r.as_str() == text)
            .ok_or_else(|| "not a role: give org_admin, coordinator, reviewer or worker".to_owned())
    }
}
impl ToSql for Role {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::from(self.as_str()))
    }
}
impl FromSql for Role {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value
            .as_str()?
            .parse()
            .map_err(|_| FromSqlError::InvalidType)
    }
}

/// A user.
#[derive(Clone)]
pub struct UserRow {
    /// The id.
    pub id: UserId,
    /// The organisation; none for a server admin.
    pub org: Option<OrgId>,
    /// The name to sign in with, and to show.
    pub name: String,
    /// The role.
    pub role: Role,
    /// argon2id in PHC form; none until the first password is set.
    pub password: Option<String>,
    /// Until when a one-time link is open.
    pub reset_expires: Option<u64>,
    /// When the user was made.
    pub created_at: u64,
    /// Since when the user does not get in.
    pub disabled_at: Option<u64>,
}

/// What a new user starts with.
#[derive(Clone, Debug)]
pub struct NewUser<'a> {
    /// The id.
    pub id: UserId,
    /// The organisation; none for a server admin.
    pub org: Option<OrgId>,
    /// The name.
    pub name: &'a str,
    /// The name as it is compared.
    pub name_key: &'a str,
    /// The role.
    pub role: Role,
    /// Now.
    pub created_at: u64,
}

const COLUMNS: &str = "id, org, name, role, password, reset_expires, created_at, disabled_at";

fn read(r: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        id: UserId::from_bytes(r.get(0)?),
        org: r.get::<_, Option<[u8; 16]>>(1)?.map(OrgId::from_bytes),
        name: r.get(2)?,
        role: r.get(3)?,
        password: r.get(4)?,
        reset_expires: r.get::<_, Option<i64>>(5)?.map(unsql),
        created_at: unsql(r.get(6)?),
        disabled_at: r.get::<_, Option<i64>>(7)?.map(unsql),
    })
}

/// A server admin's organisation as the unique index has it.
fn org_key(org: Option<OrgId>) -> Vec<u8> {
    org.map_or_else(Vec::new, |org| org.as_bytes().to_vec())
}

impl View<'_> {
    /// One user, whatever the organisation: for credentials, never for an id that somebody named.
    pub fn user(&self, id: UserId) -> Result<Option<UserRow>> {
        let sql = format!("SELECT {COLUMNS} FROM user WHERE id = ?1");
        self.one(&sql, [id.as_bytes()], read)
    }
    /// One user of an organisation; none if the id is another organisation's.
    pub fn user_of(&self, org: OrgId, id: UserId) -> Result<Option<UserRow>> {
        let sql = format!("SELECT {COLUMNS} FROM user WHERE id = ?1 AND org = ?2");
        self.one(&sql, [id.as_bytes(), org.as_bytes()], read)
    }
    /// Whether anybody can sign in: some user has a password.
    pub fn anybody_has_a_password(&self) -> Result<bool> {
        let found = self.one(
            "SELECT 1 FROM user WHERE password IS NOT NULL LIMIT 1",
            [],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }
    /// The user of that name.
    pub fn user_by_name(&self, org: Option<OrgId>, name_key: &str) -> Result<Option<UserRow>> {
        let sql =
            format!("SELECT {COLUMNS} FROM user WHERE coalesce(org, x'') = ?1 AND name_key = ?2");
        self.one(&sql, params![org_key(org), name_key], read)
    }
    /// The user whose one-time link this is.
    pub fn user_by_reset(&self, hash: &[u8; 32]) -> Result<Option<UserRow>> {
        let sql = format!("SELECT {COLUMNS} FROM user WHERE reset_hash = ?1");
        self.one(&sql, [hash], read)
    }
    /// At most `limit` users of an organisation after one, in order of id.
    pub fn users(&self, org: OrgId, after: UserId, limit: usize) -> Result<Vec<UserRow>> {
        let text =
            format!("SELECT {COLUMNS} FROM user WHERE org = ?1 AND id > ?2 ORDER BY id LIMIT ?3");
        self.all(
            &text,
            params![org.as_bytes(), after.as_bytes(), sql(limit as u64)],
            read,
        )
    }
    /// How many users of a role get in.
    pub fn count_enabled(&self, org: OrgId, role: Role) -> Result<u64> {
        let text = "SELECT count(*) FROM user WHERE org = ?1 AND role = ?2 AND disabled_at IS NULL";
        Ok(self
            .one(text, params![org.as_bytes(), role], |r| r.get(0))?
            .map_or(0, unsql))
    }
}

impl Txn<'_> {
    /// A new user without a password. False if the name is taken.
    pub fn insert_user(&self, user: &NewUser<'_>) -> Result<bool> {
        if self.user_by_name(user.org, user.name_key)?.is_some() {
            return Ok(false);
        }
        self.execute(
            "INSERT INTO user (id, org, name, name_key, role, created_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                user.id.as_bytes(),
                user.org.map(|org| *org.as_bytes()),
                user.name,
                user.name_key,
                user.role,
                sql(user.created_at)
            ],
        )?;
        Ok(true)
    }
    /// Sets the password and closes any one-time link.
    pub fn set_password(&self, user: UserId, phc: &str) -> Result<()> {
        let text = "UPDATE user SET password = ?2, reset_hash = NULL, reset_expires = NULL
                    WHERE id = ?1";
        self.execute(text, params![user.as_bytes(), phc]).map(drop)
    }
    /// Opens a one-time link; an earlier one is closed.
    pub fn set_reset(&self, user: UserId, hash: &[u8; 32], expires: u64) -> Result<()> {
        let text = "UPDATE user SET reset_hash = ?2, reset_expires = ?3 WHERE id = ?1";
        self.execute(text, params![user.as_bytes(), hash, sql(expires)])
            .map(drop)
    }
    /// Changes the role inside an organisation.
    pub fn set_role(&self, user: UserId, role: Role) -> Result<()> {
        let text = "UPDATE user SET role = ?2 WHERE id = ?1";
        self.execute(text, params![user.as_bytes(), role]).map(drop)
    }
    /// Keeps a user out, or lets one in again. A one-time link is closed either way.
    pub fn set_disabled(&self, user: UserId, at: Option<u64>) -> Result<()> {
        let text = "UPDATE user SET disabled_at = ?2, reset_hash = NULL, reset_expires = NULL
                    WHERE id = ?1";
        self.execute(text, params![user.as_bytes(), at.map(sql)])
            .map(drop)
    }
}
