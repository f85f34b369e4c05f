//! Who did what: rows chained by hash, without answers, filter values or record ids (only their hashes).

use rusqlite::{Row, params};
use sha2::{Digest, Sha256};
use tributary_sync_core::ids::{ProfileId, UserId};

use super::{OrgTxn, Result, sql, unsql};

/// Something to write down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditEntry {
    /// The user who did it; none for the server.
    pub user: Option<UserId>,
    /// The profile it was done with.
    pub profile: Option<ProfileId>,
    /// What was done: a stable word such as `export.download`.
    pub action: &'static str,
    /// To what: a user, a profile, a form id, the hash of a record's id. Never an answer.
    pub subject: Option<String>,
    /// Counts and codes that explain it. Never an answer or a filter value.
    pub detail: Option<String>,
}

/// A row of the audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// 1, 2, 3 …
    pub n: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// The user who did it.
    pub user: Option<UserId>,
    /// The profile it was done with.
    pub profile: Option<ProfileId>,
    /// What.
    pub action: String,
    /// To what.
    pub subject: Option<String>,
    /// Counts and codes.
    pub detail: Option<String>,
    /// The hash of the audit up to here.
    pub hash: [u8; 32],
}

const COLUMNS: &str = "n, at, actor_user, actor_profile, action, subject, detail, hash FROM audit";

impl AuditRow {
    /// What `hash` must be after `before`.
    pub(super) fn expected_hash(&self, before: [u8; 32]) -> [u8; 32] {
        let mut h = Sha256::new();
        h.update(b"tributary-audit-v1");
        h.update(before);
        h.update(self.n.to_be_bytes());
        h.update(self.at.to_be_bytes());
        h.update(self.user.unwrap_or_default().as_bytes());
        h.update(self.profile.unwrap_or_default().as_bytes());
        for text in [
            Some(&self.action),
            self.subject.as_ref(),
            self.detail.as_ref(),
        ] {
            let bytes = text.map_or(&[][..], |t| t.as_bytes());
            h.update((bytes.len() as u64).to_be_bytes());
            h.update(bytes);
        }
        h.finalize().into()
    }
}

impl OrgTxn<'_> {
    /// Writes a row; returns its number.
    pub fn audit(&self, entry: &AuditEntry, now: u64) -> Result<u64> {
        let (n, before) = self.audit_head()?;
        let mut row = AuditRow {
            n: n + 1,
            at: now,
            user: entry.user,
            profile: entry.profile,
            action: entry.action.to_owned(),
            subject: entry.subject.clone(),
            detail: entry.detail.clone(),
            hash: [0; 32],
        };
        row.hash = row.expected_hash(before);
        self.execute(
            "INSERT INTO audit (n, at, actor_user, actor_profile, action, subject, detail, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            params![
                sql(row.n),
                sql(row.at),
                row.user.as_ref().map(|u| u.as_bytes().as_slice()),
                row.profile.as_ref().map(|p| p.as_bytes().as_slice()),
                row.action,
                row.subject,
                row.detail,
                row.hash
            ],
        )?;
        Ok(row.n)
    }
    /// The number and hash of the last row.
    pub fn audit_head(&self) -> Result<(u64, [u8; 32])> {
        let last = self.one(
            "SELECT n, hash FROM audit ORDER BY n DESC LIMIT 1",
            [],
            |r| Ok((unsql(r.get(0)?), r.get(1)?)),
        )?;
        Ok(last.unwrap_or_default())
    }
    /// All rows about one user: made, given a role, kept out, a password set.
    pub fn audit_about(&self, user: &str) -> Result<Vec<AuditRow>> {
        self.all(
            &format!("SELECT {COLUMNS} WHERE subject = ?1 AND action LIKE 'user.%' ORDER BY n"),
            [user],
            read,
        )
    }
    /// Rows behind `after`, at most `limit`.
    pub fn audit_rows(&self, after: u64, limit: u32) -> Result<Vec<AuditRow>> {
        self.all(
            &format!("SELECT {COLUMNS} WHERE n > ?1 ORDER BY n LIMIT ?2"),
            params![sql(after), limit],
            read,
        )
    }
}

fn read(r: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        n: unsql(r.get(0)?),
        at: unsql(r.get(1)?),
        user: r.get::<_, Option<[u8; 16]>>(2)?.map(UserId::from_bytes),
        profile: r.get::<_, Option<[u8; 16]>>(3)?.map(ProfileId::from_bytes),
        action: r.get(4)?,
        subject: r.get(5)?,
        detail: r.get(6)?,
        hash: r.get(7)?,
    })
}
