//! Devices prove themselves: a JWT assertion (RFC 7523) signed with the key they enrolled with, over our nonce.
//!
//! No limit by address stands here: a whole team may sync behind one. A revoked device may prove itself too, because
//! what it still holds is taken into quarantine.

use serde::Serialize;
use utoipa::ToSchema;

use super::Service;
use super::ambient::rfc3339;
use super::error::{Code, Result};
use super::nonces::NONCE_SECONDS;
use super::tokens::{DEVICE_TOKEN_SECONDS, Tokens};

/// What a device signs, and what it needs to know for that.
#[derive(Serialize, ToSchema)]
pub struct NonceReply {
    /// Sign it as the claim `nonce`.
    pub nonce: String,
    /// How long it is good, in seconds.
    pub expires_in: u64,
    /// The server's time: `iat` and `exp` are counted from this, whatever the phone's clock says.
    pub server_time: String,
    /// The same in seconds since 1970.
    pub issued_at: u64,
    /// The claim `aud`.
    pub audience: String,
}

/// What a device sends along from now on.
#[derive(Serialize, ToSchema)]
pub struct DeviceToken {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    /// How long it lives, in seconds.
    pub expires_in: u64,
    /// The server's time.
    pub server_time: String,
}

impl Service {
    /// A nonce for a device to sign.
    pub fn nonce(&self) -> Result<NonceReply> {
        let (nonce, at) = self.nonces.issue()?;
        Ok(NonceReply {
            nonce,
            expires_in: NONCE_SECONDS,
            server_time: rfc3339(at),
            issued_at: at / 1_000,
            audience: self.audience().to_owned(),
        })
    }

    /// A token for a device that proves itself.
    pub fn prove_device(&self, assertion: &str) -> Result<DeviceToken> {
        let profile = Tokens::assertion_subject(assertion)?;
        let row = self.directory.read(|view| view.profile(profile))?;
        let row = row.ok_or(Code::AssertionInvalid)?;
        let claims = self.tokens.assertion(assertion, profile, &row.public_key)?;
        // Spent only by a sound proof, so that nobody spends another's and nothing is remembered for strangers.
        let nonce = self.nonces.check(&claims.nonce, claims.iat, claims.exp)?;
        self.nonces.spend(nonce)?;
        let now = self.now();
        self.directory
            .write(|txn| txn.touch_profile(profile, now))?;
        Ok(DeviceToken {
            access_token: self.tokens.for_device(profile)?,
            expires_in: DEVICE_TOKEN_SECONDS,
            server_time: rfc3339(now),
        })
    }
}
