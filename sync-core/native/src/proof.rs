//! Proving who the device is: a token for its key's signature over the server's nonce, and what the server says of it.

use std::time::Duration;

use jsonwebtoken::{Algorithm, Header};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tributary_sync_core::session::{Problem, ReplyRefused, Role, SessionError, Store, Verifier};

use crate::device::{Device, SMALL, unreadable};
use crate::error::{Error, Result};
use crate::key::random;
use crate::refusal::{not_known, prove_failed};
use crate::transport::{Answer, Call};

#[derive(Deserialize)]
struct Nonce {
    nonce: String,
    expires_in: u64,
    issued_at: u64,
    audience: String,
}
#[derive(Deserialize)]
struct Token {
    access_token: String,
}
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: u64,
    exp: u64,
    nonce: &'a str,
}
#[derive(Deserialize)]
struct Myself {
    role: Role,
    keys: serde_json::Value,
}

impl Device {
    /// A call with a token; a fresh one if the old has run out.
    pub(crate) fn proven(
        &mut self,
        path: &str,
        body: Option<Vec<u8>>,
        timeout: Duration,
    ) -> Result<Answer> {
        for fresh in [false, true] {
            if fresh || self.token.is_none() {
                self.token = Some(self.prove()?);
            }
            let call = Call {
                path: path.to_owned(),
                body: body.clone(),
                token: self.token.clone(),
                timeout,
            };
            let answer = self.transport()?.send(&call)?;
            if answer.status != 401 {
                return Ok(answer);
            }
            self.token = None;
        }
        Err(not_known())
    }

    /// Proves the device by its key over a nonce of the server. Times are the server's: the phone's clock may be wrong.
    fn prove(&mut self) -> Result<String> {
        let profile = self.profile()?.profile.to_string();
        for _ in 0..2 {
            let nonce: Nonce = self
                .small("/api/v1/auth/nonce", b"{}".to_vec())?
                .map_err(prove_failed)?;
            let header = Header {
                typ: Some("client-authentication+jwt".to_owned()),
                ..Header::new(Algorithm::ES256)
            };
            let claims = Claims {
                iss: &profile,
                sub: &profile,
                aud: &nonce.audience,
                jti: hex::encode(random::<16>()?),
                iat: nonce.issued_at,
                exp: nonce.issued_at.saturating_add(nonce.expires_in),
                nonce: &nonce.nonce,
            };
            let assertion = jsonwebtoken::encode(&header, &claims, &self.key.encoding());
            let assertion = assertion.map_err(Error::store)?;
            let body = serde_json::json!({ "assertion": assertion }).to_string();
            match self.small::<Token>("/api/v1/auth/device", body.into_bytes())? {
                Ok(token) => return Ok(token.access_token),
                Err(problem) if problem.code == "nonce_invalid" => {}
                Err(problem) => return Err(prove_failed(problem)),
            }
        }
        Err(not_known())
    }

    fn small<T: DeserializeOwned>(
        &mut self,
        path: &str,
        body: Vec<u8>,
    ) -> Result<std::result::Result<T, Problem>> {
        let call = Call {
            path: path.to_owned(),
            body: Some(body),
            token: None,
            timeout: SMALL,
        };
        let answer = self.transport()?.send(&call)?;
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body)
                .map(Ok)
                .map_err(unreadable);
        }
        Ok(Err(Problem::from_json(&answer.body)))
    }

    /// Asks for its role and for the organisation's keys, which the pinned root key has to vouch for.
    pub(crate) fn learn_myself(&mut self) -> Result<()> {
        let answer = self.proven("/api/v1/device", None, SMALL)?;
        if answer.status != 200 {
            return Ok(());
        }
        let myself: Myself = serde_json::from_slice(&answer.body).map_err(unreadable)?;
        let mut trust = self.trust()?;
        if !trust.learn(&myself.keys) {
            return Err(SessionError::Reply(ReplyRefused::Signature).into());
        }
        self.step(|tx| {
            let mut profile = tx.profile()?;
            if profile.role != myself.role {
                profile.role = myself.role;
                tx.put_profile(&profile)?;
            }
            if tx.keys()?.as_ref() != Some(&myself.keys) {
                tx.put_keys(&myself.keys)?;
            }
            Ok(())
        })
    }
}
