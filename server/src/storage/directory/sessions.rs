//! Sign-ins, and the families of refresh tokens that follow from them. Tokens are stored by their hash.

use std::fmt;

use rusqlite::params;
use tributary_sync_core::ids::UserId;

use super::{Result, Txn, View, sql, unsql};

/// One sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId([u8; 16]);

impl SessionId {
    /// Wraps bytes from a random source.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
    /// Reads the hexadecimal form.
    pub fn from_hex(text: &str) -> Option<Self> {
        let mut out = [0; 16];
        hex::decode_to_slice(text, &mut out).ok()?;
        Some(Self(out))
    }
}
impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}

/// What a sign-in is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// Tokens of the API, whose refresh token rotates.
    Api,
    /// The plain page alone, whose refresh token is its cookie.
    Page,
}

/// A refresh token as it is stored, with its sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshRow {
    /// The sign-in.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// What the sign-in is good for.
    pub kind: SessionKind,
    /// Until when it may be used.
    pub expires_at: u64,
    /// When it was used.
    pub used_at: Option<u64>,
    /// Whether its sign-in has ended.
    pub ended: bool,
}

impl View<'_> {
    /// Whose sign-in this is and when it was made; none if it has ended.
    pub fn open_session(&self, id: SessionId) -> Result<Option<(UserId, u64)>> {
        let text = "SELECT user, created_at FROM session WHERE id = ?1 AND ended_at IS NULL";
        self.one(text, [id.0], |r| {
            Ok((UserId::from_bytes(r.get(0)?), unsql(r.get(1)?)))
        })
    }
    /// The refresh token with that hash.
    pub fn refresh_token(&self, hash: &[u8; 32]) -> Result<Option<RefreshRow>> {
        let text =
            "SELECT t.session, s.user, t.expires_at, t.used_at, s.ended_at IS NOT NULL, s.page
                    FROM refresh_token t JOIN session s ON s.id = t.session WHERE t.hash = ?1";
        self.one(text, [hash], |r| {
            Ok(RefreshRow {
                session: SessionId(r.get(0)?),
                user: UserId::from_bytes(r.get(1)?),
                expires_at: unsql(r.get(2)?),
                used_at: r.get::<_, Option<i64>>(3)?.map(unsql),
                ended: r.get(4)?,
                kind: if r.get(5)? {
                    SessionKind::Page
                } else {
                    SessionKind::Api
                },
            })
        })
    }
}

impl Txn<'_> {
    /// A new sign-in.
    pub fn insert_session(
        &self,
        id: SessionId,
        user: UserId,
        kind: SessionKind,
        at: u64,
    ) -> Result<()> {
        let text = "INSERT INTO session (id, user, page, created_at) VALUES (?1, ?2, ?3, ?4)";
        let page = kind == SessionKind::Page;
        self.execute(text, params![id.0, user.as_bytes(), page, sql(at)])
            .map(drop)
    }
    /// A refresh token of a sign-in; nothing happens if it is there.
    pub fn insert_refresh(&self, hash: &[u8; 32], session: SessionId, expires: u64) -> Result<()> {
        let text = "INSERT INTO refresh_token (hash, session, expires_at) VALUES (?1, ?2, ?3)
                    ON CONFLICT (hash) DO NOTHING";
        self.execute(text, params![hash, session.0, sql(expires)])
            .map(drop)
    }
    /// A refresh token is used; the first time counts.
    pub fn use_refresh(&self, hash: &[u8; 32], at: u64) -> Result<()> {
        let text = "UPDATE refresh_token SET used_at = coalesce(used_at, ?2) WHERE hash = ?1";
        self.execute(text, params![hash, sql(at)]).map(drop)
    }
    /// Ends a sign-in: its access and refresh tokens are worth nothing from now on.
    pub fn end_session(&self, id: SessionId, at: u64) -> Result<()> {
        let text = "UPDATE session SET ended_at = coalesce(ended_at, ?2) WHERE id = ?1";
        self.execute(text, params![id.0, sql(at)]).map(drop)
    }
    /// Ends all sign-ins of a user.
    pub fn end_sessions(&self, user: UserId, at: u64) -> Result<()> {
        let text = "UPDATE session SET ended_at = coalesce(ended_at, ?2) WHERE user = ?1";
        self.execute(text, params![user.as_bytes(), sql(at)])
            .map(drop)
    }
    /// Ends all sign-ins of a user but one.
    pub fn end_other_sessions(&self, user: UserId, but: SessionId, at: u64) -> Result<()> {
        let text = "UPDATE session SET ended_at = coalesce(ended_at, ?3)
                    WHERE user = ?1 AND id <> ?2";
        self.execute(text, params![user.as_bytes(), but.0, sql(at)])
            .map(drop)
    }
    /// Forgets sign-ins whose last refresh token expired before `at`.
    pub fn delete_stale_sessions(&self, at: u64) -> Result<()> {
        let text = "DELETE FROM session WHERE created_at < ?1 AND NOT EXISTS
             (SELECT 1 FROM refresh_token t WHERE t.session = session.id AND t.expires_at >= ?1)";
        self.execute(text, [sql(at)]).map(drop)
    }
}
