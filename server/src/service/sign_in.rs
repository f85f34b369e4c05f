//! Users sign in with organisation, name and password; refresh tokens rotate; one-time links set passwords.
//!
//! Each refresh token is used once. Sent again within a minute (the answer was lost on the way) it gives the same
//! successor; sent later, somebody has a copy, and all tokens of that sign-in die. Successors are derived, not stored.

use std::net::IpAddr;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tributary_sync_core::ids::{OrgId, UserId};
use utoipa::ToSchema;

use super::Service;
use super::access::Role;
use super::ambient::{random, rfc3339};
use super::error::{Code, Result};
use super::names::{NewPassword, SERVER_SLUG, Secret};
use super::pacing::AccountKey;
use super::passwords::too_long;
use super::principal::{User, require_open};
use super::tokens::USER_TOKEN_SECONDS;
use crate::storage::directory::{SessionId, SessionKind, Txn, UserRow, View};
use crate::storage::{AuditEntry, StorageError};

/// How long a refresh token may lie unused.
const REFRESH_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// How long a used refresh token still gives its successor.
const REPLAY_MS: u64 = 60 * 1_000;
/// How long a one-time link is good.
const RESET_MS: u64 = 3 * 24 * 60 * 60 * 1_000;

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The organisation's slug; `server` for those who look after the server.
    pub organisation: String,
    /// The user's name.
    pub name: String,
    /// The password.
    #[schema(value_type = String, format = Password)]
    pub password: Secret,
}

/// A new pair of tokens.
#[derive(Serialize, ToSchema)]
pub struct SignedInReply {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// How long it lives, in seconds.
    pub expires_in: u64,
    /// Use it once, for the next pair.
    pub refresh_token: String,
    /// Until when it may lie unused.
    pub refresh_expires_at: String,
    /// Who is signed in.
    pub user: SignedInUser,
}

/// Who is signed in.
#[derive(Serialize, ToSchema)]
pub struct SignedInUser {
    /// The id.
    #[schema(value_type = String)]
    pub id: UserId,
    /// The name.
    pub name: String,
    /// The role.
    pub role: Role,
    /// The organisation; none for a server admin.
    #[schema(value_type = Option<String>)]
    pub organisation: Option<OrgId>,
}

enum Refreshed {
    Fresh(UserRow, SessionId),
    Replayed,
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

fn account_key(organisation: &str, name: &str) -> AccountKey {
    let name = name.trim().to_lowercase();
    sha256(&[organisation.as_bytes(), &[0], name.as_bytes()].concat())
}

fn find(view: &View<'_>, organisation: &str, name: &str) -> Result<Option<UserRow>> {
    let name_key = name.trim().to_lowercase();
    if organisation == SERVER_SLUG {
        return Ok(view.user_by_name(None, &name_key)?);
    }
    match view.organisation_by_slug(organisation)? {
        Some(org) => Ok(view.user_by_name(Some(org.id), &name_key)?),
        None => Ok(None),
    }
}

impl Service {
    /// Signs a user in. Unknown organisations, unknown names, wrong passwords and disabled users cost the same and
    /// look the same.
    pub fn sign_in(&self, request: &SignIn, from: IpAddr) -> Result<SignedInReply> {
        self.sign_in_as(request, from, SessionKind::Api)
    }

    /// The same for the plain page: the refresh token goes into its cookie and is good for nothing else.
    pub fn sign_in_page(&self, request: &SignIn, from: IpAddr) -> Result<SignedInReply> {
        self.sign_in_as(request, from, SessionKind::Page)
    }

    fn sign_in_as(
        &self,
        request: &SignIn,
        from: IpAddr,
        kind: SessionKind,
    ) -> Result<SignedInReply> {
        if too_long(request.password.expose()) {
            return Err(Code::SignInFailed.into());
        }
        let account = account_key(&request.organisation, &request.name);
        // A try that finds the server busy is none.
        let familiar = self.pacing.familiar(&account, from);
        let place = self.passwords.queue(from, familiar)?;
        self.pacing.sign_in(&account, from)?;
        let found = self
            .directory
            .read(|view| find(view, &request.organisation, &request.name))?;
        let user = found.filter(|row| row.disabled_at.is_none());
        let phc = user.as_ref().and_then(|row| row.password.as_deref());
        let right = self
            .passwords
            .verify(&place, request.password.expose(), phc)?;
        let user = user.filter(|_| right).ok_or(Code::SignInFailed)?;
        self.pacing.signed_in(&account, from);
        let session = SessionId::from_bytes(random(&*self.ambient)?);
        let refresh: [u8; 32] = random(&*self.ambient)?;
        let now = self.now();
        self.directory.write(|txn| {
            if let Some(org) = user.org {
                require_open(txn, org)?;
            }
            txn.delete_stale_sessions(now.saturating_sub(REFRESH_MS))?;
            txn.insert_session(session, user.id, kind, now)?;
            self.store_refresh(txn, &refresh, session, now)
        })?;
        self.reply(user, session, &refresh, now)
    }

    /// The next pair of tokens.
    pub fn refresh(&self, token: &str) -> Result<SignedInReply> {
        let current = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| Code::RefreshInvalid)?;
        let next = self.successor(&current)?;
        let hash = sha256(&current);
        let now = self.now();
        let outcome = self.directory.write(|txn| {
            let row = txn.refresh_token(&hash)?;
            let row = row
                .filter(|r| r.kind == SessionKind::Api && !r.ended && r.expires_at > now)
                .ok_or(Code::RefreshInvalid)?;
            if row
                .used_at
                .is_some_and(|at| now.saturating_sub(at) > REPLAY_MS)
            {
                txn.end_session(row.session, now)?;
                return Ok(Refreshed::Replayed);
            }
            let user = txn
                .user(row.user)?
                .filter(|user| user.disabled_at.is_none());
            let user = user.ok_or(Code::RefreshInvalid)?;
            if let Some(org) = user.org {
                require_open(txn, org)?;
            }
            txn.use_refresh(&hash, now)?;
            self.store_refresh(txn, &next, row.session, now)?;
            Ok::<_, super::ServiceError>(Refreshed::Fresh(user, row.session))
        })?;
        match outcome {
            Refreshed::Fresh(user, session) => self.reply(user, session, &next, now),
            Refreshed::Replayed => Err(Code::RefreshReplayed.into()),
        }
    }

    /// Ends the sign-in that a refresh token belongs to. An unknown one is as good as ended.
    pub fn sign_out(&self, token: &str) -> Result<()> {
        let Ok(current) = URL_SAFE_NO_PAD.decode(token) else {
            return Ok(());
        };
        let now = self.now();
        self.directory
            .write(|txn| match txn.refresh_token(&sha256(&current))? {
                Some(row) => Ok(txn.end_session(row.session, now)?),
                None => Ok(()),
            })
    }

    /// Opens a one-time link for a user. Returned is the token; only its hash is kept.
    pub(super) fn open_reset(&self, txn: &Txn<'_>, user: UserId) -> Result<ResetLink> {
        let token: [u8; 32] = random(&*self.ambient)?;
        let expires = self.now() + RESET_MS;
        txn.set_reset(user, &sha256(&token), expires)?;
        let token = URL_SAFE_NO_PAD.encode(token);
        Ok(ResetLink {
            url: format!("{}/reset#t={token}", self.options.public_url),
            token,
            expires_at: rfc3339(expires),
        })
    }

    /// Sets a password by a one-time link, and ends all sign-ins of that user.
    pub fn reset_password(
        &self,
        token: &str,
        password: Secret,
        from: IpAddr,
    ) -> Result<PasswordSet> {
        let password = NewPassword::new(password)?;
        let not_good = |refusal| self.pacing.one_time_failed(from, refusal);
        let token = URL_SAFE_NO_PAD
            .decode(token)
            .map_err(|_| not_good(Code::ResetInvalid.into()))?;
        let hash = sha256(&token);
        let owner = |view: &View<'_>| -> Result<UserRow> {
            let now = self.now();
            let row = view.user_by_reset(&hash)?.filter(|row| {
                row.disabled_at.is_none() && row.reset_expires.is_some_and(|until| until > now)
            });
            Ok(row.ok_or(Code::ResetInvalid)?)
        };
        // Looked up before the costly hash, and again in the transaction that spends it.
        let user = self.directory.read(owner).map_err(not_good)?;
        let _place = self.passwords.queue(from, false)?;
        let phc = self.passwords.hash(&*self.ambient, &password)?;
        self.audit_own_password(user.org, user.id, "link")?;
        self.directory.write(|txn| {
            let user = owner(txn)?.id;
            txn.set_password(user, &phc)?;
            txn.end_sessions(user, self.now())?;
            let row = txn.user(user)?.ok_or(Code::ResetInvalid)?;
            let organisation = match row.org {
                Some(org) => txn.organisation(org)?.ok_or(Code::ResetInvalid)?.slug,
                None => SERVER_SLUG.to_owned(),
            };
            Ok(PasswordSet {
                organisation,
                name: row.name,
            })
        })
    }

    /// Somebody sets a password for themselves: what makes an org admin a second person (§3.1).
    fn audit_own_password(&self, org: Option<OrgId>, user: UserId, by: &str) -> Result<()> {
        let Some(org) = org else {
            return Ok(());
        };
        let entry = AuditEntry {
            user: Some(user),
            action: "user.password",
            subject: Some(user.to_string()),
            detail: Some(by.to_owned()),
            ..AuditEntry::default()
        };
        let now = self.now();
        self.files
            .write::<_, StorageError>(org, move |txn| txn.audit(&entry, now).map(drop))?;
        Ok(())
    }

    /// A user changes the own password, and every other sign-in of that user ends.
    pub fn change_password(
        &self,
        user: &User,
        current: &str,
        new: Secret,
        from: IpAddr,
    ) -> Result<()> {
        if too_long(current) {
            return Err(Code::SignInFailed.into());
        }
        let account = sha256(user.id.as_bytes());
        let familiar = self.pacing.familiar(&account, from);
        let place = self.passwords.queue(from, familiar)?;
        self.pacing.sign_in(&account, from)?;
        let new = NewPassword::new(new)?;
        let row = self.directory.read(|view| view.user(user.id))?;
        let phc = row.and_then(|row| row.password);
        if !self.passwords.verify(&place, current, phc.as_deref())? {
            return Err(Code::SignInFailed.into());
        }
        self.pacing.signed_in(&account, from);
        let phc = self.passwords.hash(&*self.ambient, &new)?;
        self.audit_own_password(Some(user.org), user.id, "change")?;
        let now = self.now();
        self.directory.write(|txn| {
            txn.set_password(user.id, &phc)?;
            Ok(txn.end_other_sessions(user.id, user.session, now)?)
        })
    }

    /// Sets a password without asking for anything: for whoever sits at the machine.
    pub fn set_password(&self, user: UserId, password: &NewPassword) -> Result<()> {
        let phc = self.passwords.hash(&*self.ambient, password)?;
        self.directory.write(|txn| {
            txn.set_password(user, &phc)?;
            Ok(txn.end_sessions(user, self.now())?)
        })
    }

    fn store_refresh(
        &self,
        txn: &Txn<'_>,
        token: &[u8; 32],
        session: SessionId,
        now: u64,
    ) -> Result<()> {
        Ok(txn.insert_refresh(&sha256(token), session, now + REFRESH_MS)?)
    }

    fn successor(&self, token: &[u8]) -> Result<[u8; 32]> {
        let tag = hmac::sign(&self.refresh_key, token);
        tag.as_ref().try_into().map_err(|_| Code::Internal.into())
    }

    fn reply(
        &self,
        user: UserRow,
        session: SessionId,
        refresh: &[u8; 32],
        now: u64,
    ) -> Result<SignedInReply> {
        Ok(SignedInReply {
            access_token: self.tokens.for_user(user.id, session)?,
            expires_in: USER_TOKEN_SECONDS,
            refresh_token: URL_SAFE_NO_PAD.encode(refresh),
            refresh_expires_at: rfc3339(now + REFRESH_MS),
            user: SignedInUser {
                id: user.id,
                name: user.name,
                role: user.role,
                organisation: user.org,
            },
        })
    }
}

/// Whose password was set: what they sign in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordSet {
    /// The organisation's slug.
    pub organisation: String,
    /// The user's name.
    pub name: String,
}

/// A one-time link that sets a password.
#[derive(Clone, Serialize, ToSchema)]
pub struct ResetLink {
    /// The link; the secret is behind the `#`, so no server on the way sees it.
    pub url: String,
    /// The secret alone, for `POST /api/v1/auth/reset`.
    pub token: String,
    /// Until when it is good.
    pub expires_at: String,
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::sync::Arc;

    use super::super::ambient::Manual;
    use super::super::names::Name;
    use super::super::{Service, ServiceOptions};
    use super::*;
    use crate::storage::folder::DataFolder;

    #[test]
    fn a_try_that_finds_the_server_busy_or_cannot_be_right_is_not_counted() {
        let folder = tempfile::tempdir().unwrap();
        let (data, options) = (DataFolder::at(folder.path()), ServiceOptions::default());
        let service = Service::create(&data, options, Arc::new(Manual::at(1_000))).unwrap();
        let name = Name::new("/name", "Root").unwrap();
        let link = service.create_server_admin(&name).unwrap();
        let from = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
        let password = || Secret::new("four unrelated words".to_owned());
        service
            .reset_password(&link.token, password(), from)
            .unwrap();
        let sign_in = |password: Secret| {
            let request = SignIn {
                organisation: SERVER_SLUG.to_owned(),
                name: "Root".to_owned(),
                password,
            };
            service.sign_in(&request, from).map(drop)
        };
        let why = |done: Result<()>| done.unwrap_err().code;
        let mut busy = Vec::new();
        while let Ok(place) = service.passwords.queue(from, false) {
            busy.push(place);
        }
        for _ in 0..40 {
            assert_eq!(why(sign_in(password())), Code::Overloaded);
        }
        drop(busy);
        for _ in 0..40 {
            assert_eq!(
                why(sign_in(Secret::new("x".repeat(801)))),
                Code::SignInFailed
            );
        }
        sign_in(password()).unwrap();
    }
}
