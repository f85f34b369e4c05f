//! Enrolment codes, by their hash.

use rusqlite::params;
use tributary_sync_core::ids::{OrgId, ProfileId, UserId};

use super::{Result, Txn, View, sql, unsql};

/// An enrolment code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeRow {
    /// SHA-256 of the code.
    pub hash: [u8; 32],
    /// The organisation.
    pub org: OrgId,
    /// For whom.
    pub user: UserId,
    /// When it was made.
    pub created_at: u64,
    /// Until when it may be used.
    pub expires_at: u64,
    /// The profile that it made.
    pub profile: Option<ProfileId>,
}

impl View<'_> {
    /// The code with that hash.
    pub fn code(&self, hash: &[u8; 32]) -> Result<Option<CodeRow>> {
        let text = "SELECT hash, org, user, created_at, expires_at, profile
                    FROM enrol_code WHERE hash = ?1";
        self.one(text, [hash], |r| {
            Ok(CodeRow {
                hash: r.get(0)?,
                org: OrgId::from_bytes(r.get(1)?),
                user: UserId::from_bytes(r.get(2)?),
                created_at: unsql(r.get(3)?),
                expires_at: unsql(r.get(4)?),
                profile: r.get::<_, Option<[u8; 16]>>(5)?.map(ProfileId::from_bytes),
            })
        })
    }
}

impl Txn<'_> {
    /// A new code.
    pub fn insert_code(&self, row: &CodeRow) -> Result<()> {
        self.execute(
            "INSERT INTO enrol_code (hash, org, user, created_at, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                row.hash,
                row.org.as_bytes(),
                row.user.as_bytes(),
                sql(row.created_at),
                sql(row.expires_at)
            ],
        )
        .map(drop)
    }
    /// A code is spent.
    pub fn use_code(&self, hash: &[u8; 32], profile: ProfileId) -> Result<()> {
        let text = "UPDATE enrol_code SET profile = ?2 WHERE hash = ?1";
        self.execute(text, params![hash, profile.as_bytes()])
            .map(drop)
    }
    /// Closes the unused codes of a user.
    pub fn delete_unused_codes(&self, user: UserId) -> Result<()> {
        let text = "DELETE FROM enrol_code WHERE user = ?1 AND profile IS NULL";
        self.execute(text, [user.as_bytes()]).map(drop)
    }
    /// Forgets unused codes that expired before `at`.
    pub fn delete_expired_codes(&self, at: u64) -> Result<()> {
        let text = "DELETE FROM enrol_code WHERE profile IS NULL AND expires_at < ?1";
        self.execute(text, [sql(at)]).map(drop)
    }
}
