//! Nonces for devices that prove themselves: unguessable, good for minutes, good once.
//!
//! A nonce carries the server's time and a tag under a key that lives as long as the process, so nothing is stored when
//! one is handed out and nobody can fill a table by asking. Those used are remembered until they would have expired; a
//! restart makes all earlier ones void.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ambient::{SharedAmbient, random};
use super::error::{Code, Result};

/// How long a nonce is good: long enough for a slow link.
pub(crate) const NONCE_SECONDS: u64 = 300;
/// How far the times in an assertion may lie around what the nonce says.
const SLACK_SECONDS: u64 = 30;

/// Hands nonces out and takes them back once.
pub(crate) struct Nonces {
    ambient: SharedAmbient,
    key: hmac::Key,
    used: Mutex<HashMap<[u8; 16], u64>>,
}

/// A nonce that was ours and is young enough; it can be spent.
pub(crate) struct Nonce {
    id: [u8; 16],
    issued_ms: u64,
}

impl Nonces {
    /// With a fresh key.
    pub(crate) fn new(ambient: SharedAmbient) -> Result<Self> {
        let key: [u8; 32] = random(&*ambient)?;
        Ok(Self {
            ambient,
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            used: Mutex::new(HashMap::new()),
        })
    }

    /// A nonce, and the time that it carries, in milliseconds since 1970.
    pub(crate) fn issue(&self) -> Result<(String, u64)> {
        let now = self.ambient.now();
        let id: [u8; 16] = random(&*self.ambient)?;
        let body = [&now.to_be_bytes()[..], &id].concat();
        let tag = hmac::sign(&self.key, &body);
        let nonce = [&body[..], &tag.as_ref()[..16]].concat();
        Ok((URL_SAFE_NO_PAD.encode(nonce), now))
    }

    /// Checks that a nonce is ours and young. The assertion's times are judged against the time in the nonce: whoever
    /// holds a phone with a wrong clock was told the right time with it.
    pub(crate) fn check(&self, text: &str, iat: u64, exp: u64) -> Result<Nonce> {
        let nonce = self.read(text).ok_or(Code::NonceInvalid)?;
        let now = self.ambient.now();
        if now.saturating_sub(nonce.issued_ms) > NONCE_SECONDS * 1_000 {
            return Err(Code::NonceInvalid.into());
        }
        let issued = nonce.issued_ms / 1_000;
        let latest = issued + NONCE_SECONDS + SLACK_SECONDS;
        let sound = (issued.saturating_sub(SLACK_SECONDS)..=latest).contains(&iat)
            && iat < exp
            && exp <= latest
            && exp > now / 1_000;
        if sound {
            Ok(nonce)
        } else {
            Err(Code::AssertionInvalid.into())
        }
    }

    /// Spends a nonce; the second time it is refused.
    pub(crate) fn spend(&self, nonce: Nonce) -> Result<()> {
        let now = self.ambient.now();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() > 1_024 {
            used.retain(|_, issued| now.saturating_sub(*issued) <= NONCE_SECONDS * 1_000);
        }
        match used.insert(nonce.id, nonce.issued_ms) {
            None => Ok(()),
            Some(_) => Err(Code::NonceInvalid.into()),
        }
    }

    fn read(&self, text: &str) -> Option<Nonce> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, tag) = bytes.split_at_checked(24)?;
        let expected = hmac::sign(&self.key, body);
        if !bool::from(subtle::ConstantTimeEq::ct_eq(&expected.as_ref()[..16], tag)) {
            return None;
        }
        let (time, id) = body.split_at_checked(8)?;
        Some(Nonce {
            issued_ms: u64::from_be_bytes(time.try_into().ok()?),
            id: id.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::ambient::Manual;
    use super::*;

    fn nonces() -> (Arc<Manual>, Nonces) {
        let manual = Arc::new(Manual::at(1_700_000_000_000));
        let nonces = Nonces::new(manual.clone()).unwrap();
        (manual, nonces)
    }

    #[test]
    fn a_nonce_is_good_once() {
        let (_, nonces) = nonces();
        let (nonce, at) = nonces.issue().unwrap();
        let (iat, exp) = (at / 1_000, at / 1_000 + 60);
        nonces
            .spend(nonces.check(&nonce, iat, exp).unwrap())
            .unwrap();
        let again = nonces.check(&nonce, iat, exp).unwrap();
        assert_eq!(nonces.spend(again).unwrap_err().code, Code::NonceInvalid);
    }

    #[test]
    fn a_nonce_of_another_process_or_another_age_is_refused() {
        let (manual, ours) = nonces();
        let (_, theirs) = nonces();
        let (nonce, at) = ours.issue().unwrap();
        let (iat, exp) = (at / 1_000, at / 1_000 + 300);
        assert!(theirs.check(&nonce, iat, exp).is_err());
        assert!(ours.check("bm9uc2Vuc2U", iat, exp).is_err());
        assert!(ours.check("", iat, exp).is_err());
        manual.pass(Duration::from_secs(NONCE_SECONDS + 1));
        assert!(ours.check(&nonce, iat, exp).is_err());
    }

    #[test]
    fn times_are_judged_by_the_nonce_and_not_by_the_phone() {
        let (manual, nonces) = nonces();
        let (nonce, at) = nonces.issue().unwrap();
        let at = at / 1_000;
        // The link was slow; the phone says the server's time of then, whatever its own clock says.
        manual.pass(Duration::from_secs(200));
        assert!(nonces.check(&nonce, at, at + 300).is_ok());
        for (iat, exp) in [
            (0, at + 300),
            (at, at + 86_400),
            (at, at + 100),
            (at + 86_400, at + 86_460),
            (at, at),
        ] {
            assert!(nonces.check(&nonce, iat, exp).is_err(), "{iat} {exp}");
        }
    }
}
