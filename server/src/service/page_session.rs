//! Sign-ins of the plain page: the refresh token of a sign-in of its own kind, in a cookie, looked up and never rotated,
//! for a working day at most and good nowhere else; and what proves that a form came from a page of this server.
//!
//! Not here: cookies themselves (HTTP's business). The API takes no cookie, so no other site's form can reach it.

use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::Service;
use super::error::{Code, Result, ServiceError};
use super::principal::{SignedIn, User, user_of_row};
use crate::storage::directory::SessionKind;

/// How long a sign-in of the page lasts.
const DAY_MS: u64 = 12 * 60 * 60 * 1_000;

impl Service {
    /// The user whose sign-in this cookie holds.
    pub fn page_user(&self, cookie: &str) -> Result<User> {
        let ended = || ServiceError::from(Code::RefreshInvalid);
        let token = URL_SAFE_NO_PAD.decode(cookie).map_err(|_| ended())?;
        let hash: [u8; 32] = Sha256::digest(&token).into();
        let now = self.now();
        self.directory.read(|view| {
            let row = view.refresh_token(&hash)?.ok_or_else(ended)?;
            if row.kind != SessionKind::Page
                || row.ended
                || row.used_at.is_some()
                || row.expires_at <= now
            {
                return Err(ended());
            }
            let (owner, since) = view.open_session(row.session)?.ok_or_else(ended)?;
            if now.saturating_sub(since) > DAY_MS {
                return Err(ended());
            }
            let user = view.user(owner)?.ok_or_else(ended)?;
            match user_of_row(view, user, row.session, since)? {
                SignedIn::User(user) => Ok(user),
                SignedIn::ServerAdmin(_) => Err(Code::NotAllowed.into()),
            }
        })
    }

    /// What every form of a page carries, bound to the cookie of whoever was shown it.
    pub fn form_token(&self, cookie: &str) -> String {
        let text = [b"tributary-form-v1 ".as_slice(), cookie.as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.refresh_key, &text))
    }
    /// Refuses a form that no page of this server showed to whoever sends it.
    pub fn check_form_token(&self, cookie: &str, token: &str) -> Result<()> {
        let expected = self.form_token(cookie);
        constant_time::verify_slices_are_equal(expected.as_bytes(), token.as_bytes())
            .map_err(|_| Code::FormStale.into())
    }
}
