//! Signed tokens in and out. One verifier for one purpose: one algorithm, own keys, its own `typ`.
//!
//! Every token must name `exp iss aud sub jti`; the audience is configured and never taken from a request. A token says
//! who somebody is and never what they may do. Not here: whether a sign-in or a device is still good; the database says.

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{ProfileId, UserId};

use super::ambient::{SharedAmbient, random};
use super::error::{Code, Result, ServiceError};
use super::keys::Keys;
use crate::storage::directory::SessionId;

/// How long a user's access token lives, in seconds.
pub(crate) const USER_TOKEN_SECONDS: u64 = 600;
/// How long a device's token lives, in seconds. Revocation does not wait for it: the database is asked every time.
pub(crate) const DEVICE_TOKEN_SECONDS: u64 = 3_600;

const USER_TYP: &str = "tributary-user+jwt";
const DEVICE_TYP: &str = "tributary-device+jwt";
const ASSERTION_TYP: &str = "client-authentication+jwt";
/// Claims that must be there; `jti` is asked for by the type of the claims.
const REQUIRED: [&str; 4] = ["exp", "iss", "aud", "sub"];

/// Makes and checks tokens.
pub(crate) struct Tokens {
    ambient: SharedAmbient,
    audience: String,
    user: Pair,
    device: Pair,
}

struct Pair {
    signing: EncodingKey,
    verifying: DecodingKey,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    jti: String,
    iat: u64,
    exp: u64,
    /// We write none; one that says so is not good before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<u64>,
    /// The sign-in that a user's token belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
}

/// What a device signs to prove itself (RFC 7523), with the nonce in it.
#[derive(Deserialize)]
pub(crate) struct Assertion {
    /// Our nonce.
    pub(crate) nonce: String,
    /// When it was made, in seconds since 1970: by the server time that came with the nonce.
    pub(crate) iat: u64,
    /// Until when it is good, by the same clock.
    pub(crate) exp: u64,
    /// From when on it is good, if it says so.
    nbf: Option<u64>,
    /// Its own id; asked for, so that no two are alike.
    #[serde(rename = "jti")]
    _jti: String,
}

impl Pair {
    fn load(keys: &Keys, purpose: &'static str) -> Result<Self> {
        let (pkcs8, public) = keys.token_key(purpose)?;
        Ok(Self {
            signing: EncodingKey::from_ed_der(&pkcs8),
            verifying: DecodingKey::from_ed_der(&public),
        })
    }
}

/// One algorithm, everything required, and no clock but ours.
fn validation(algorithm: Algorithm, issuer: &str, audience: &str) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_required_spec_claims(&REQUIRED);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    // The crate would ask the machine's clock; ours is an argument. The callers compare `exp` themselves.
    validation.validate_exp = false;
    validation.leeway = 0;
    validation
}

fn has_type(header: &Header, typ: &str) -> bool {
    header.typ.as_deref() == Some(typ) && header.crit.is_none()
}

impl Tokens {
    /// Loads the keys, or makes them.
    pub(crate) fn load(keys: &Keys, ambient: SharedAmbient, audience: String) -> Result<Self> {
        Ok(Self {
            ambient,
            audience,
            user: Pair::load(keys, "user")?,
            device: Pair::load(keys, "device")?,
        })
    }
    /// For whom our tokens are made; also what devices name in their assertions.
    pub(crate) fn audience(&self) -> &str {
        &self.audience
    }

    /// A user's access token.
    pub(crate) fn for_user(&self, user: UserId, session: SessionId) -> Result<String> {
        let claims = self.claims(
            user.to_string(),
            USER_TOKEN_SECONDS,
            Some(session.to_string()),
        )?;
        encode(&self.user, USER_TYP, &claims)
    }
    /// A device's token.
    pub(crate) fn for_device(&self, profile: ProfileId) -> Result<String> {
        let claims = self.claims(profile.to_string(), DEVICE_TOKEN_SECONDS, None)?;
        encode(&self.device, DEVICE_TYP, &claims)
    }
    /// Whose access token this is.
    pub(crate) fn user(&self, token: &str) -> Result<(UserId, SessionId)> {
        let claims = self.check(&self.user, USER_TYP, token)?;
        let user = claims.sub.parse().ok();
        let session = claims.sid.as_deref().and_then(SessionId::from_hex);
        user.zip(session).ok_or_else(|| Code::TokenInvalid.into())
    }
    /// Which device's token this is.
    pub(crate) fn device(&self, token: &str) -> Result<ProfileId> {
        let claims = self.check(&self.device, DEVICE_TYP, token)?;
        claims.sub.parse().map_err(|_| Code::TokenInvalid.into())
    }

    /// Which device an assertion claims to come from. Nothing is proven yet.
    pub(crate) fn assertion_subject(assertion: &str) -> Result<ProfileId> {
        #[derive(Deserialize)]
        struct Subject {
            sub: ProfileId,
        }
        jsonwebtoken::dangerous::insecure_decode_claims::<Subject>(assertion)
            .map(|claims| claims.sub)
            .map_err(|_| Code::AssertionInvalid.into())
    }
    /// Proves an assertion with the key that the device enrolled with. Its times are the caller's to judge.
    pub(crate) fn assertion(
        &self,
        text: &str,
        profile: ProfileId,
        key: &[u8; 65],
    ) -> Result<Assertion> {
        let mut validation = validation(Algorithm::ES256, &profile.to_string(), &self.audience);
        validation.sub = Some(profile.to_string());
        let decoded =
            jsonwebtoken::decode::<Assertion>(text, &DecodingKey::from_ec_der(key), &validation);
        let decoded = decoded.map_err(|_| ServiceError::from(Code::AssertionInvalid))?;
        if has_type(&decoded.header, ASSERTION_TYP) && !self.too_early(decoded.claims.nbf) {
            Ok(decoded.claims)
        } else {
            Err(Code::AssertionInvalid.into())
        }
    }

    /// Whether something is good later only: by our clock, as everything else.
    fn too_early(&self, from: Option<u64>) -> bool {
        from.is_some_and(|from| from > self.ambient.now() / 1_000)
    }

    fn claims(&self, sub: String, life: u64, sid: Option<String>) -> Result<Claims> {
        let iat = self.ambient.now() / 1_000;
        Ok(Claims {
            iss: self.audience.clone(),
            aud: self.audience.clone(),
            sub,
            jti: hex::encode(random::<16>(&*self.ambient)?),
            iat,
            exp: iat + life,
            nbf: None,
            sid,
        })
    }

    fn check(&self, pair: &Pair, typ: &str, token: &str) -> Result<Claims> {
        let validation = validation(Algorithm::EdDSA, &self.audience, &self.audience);
        let decoded = jsonwebtoken::decode::<Claims>(token, &pair.verifying, &validation)
            .map_err(|_| ServiceError::from(Code::TokenInvalid))?;
        if !has_type(&decoded.header, typ) || self.too_early(decoded.claims.nbf) {
            return Err(Code::TokenInvalid.into());
        }
        if decoded.claims.exp <= self.ambient.now() / 1_000 {
            return Err(Code::TokenExpired.into());
        }
        Ok(decoded.claims)
    }
}

fn encode(pair: &Pair, typ: &str, claims: &Claims) -> Result<String> {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(typ.to_owned());
    jsonwebtoken::encode(&header, claims, &pair.signing)
        .map_err(|e| ServiceError::from(Code::Internal).because(format!("signing a token: {e}")))
}

#[cfg(test)]
#[path = "tokens_tests.rs"]
mod tests;
