//! The admin who makes users and codes, and devices that enrol with them and prove themselves.

use anyhow::{Context, Result, ensure};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tributary_native::key::random;
use tributary_sync_core::wire::enrol::EnrolReply;

use crate::server::{ADMIN, PASSWORD, SLUG};
use crate::wire::{Call, Connection, Place};

const JSON: &str = "content-type: application/json\r\n";

/// Posts JSON, or nothing, and reads JSON. On a connection of its own: the server closes those that are idle for long.
fn post(place: &Place, token: Option<&str>, path: &str, body: &Value) -> Result<Value> {
    let headers = match token {
        Some(token) => format!("{JSON}authorization: Bearer {token}\r\n"),
        None => JSON.to_owned(),
    };
    let mut out = Vec::new();
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let call = Call {
        method: "POST",
        path,
        headers: &headers,
        body: body.as_bytes(),
    };
    let answer = Connection::open(place)?.call(&call, |piece| out.extend_from_slice(piece))?;
    let text = String::from_utf8_lossy(&out);
    ensure!(answer.status < 300, "{path}: {} {text}", answer.status);
    Ok(serde_json::from_slice(&out)?)
}

fn member<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value[name]
        .as_str()
        .with_context(|| format!("no {name} in the answer"))
}

/// The admin, signed in.
pub(crate) struct Admin {
    place: Place,
    pub(crate) token: String,
}

/// A user of the organisation.
pub(crate) struct User(pub(crate) String);

/// A device that has enrolled and proved itself.
pub(crate) struct Enrolled {
    pub(crate) reply: EnrolReply,
    /// The public key, uncompressed.
    pub(crate) key: Vec<u8>,
    pub(crate) token: String,
}

impl Admin {
    /// Signs in.
    pub(crate) fn sign_in(place: &Place) -> Result<Self> {
        let body = json!({"organisation": SLUG, "name": ADMIN, "password": PASSWORD});
        let reply = post(place, None, "/api/v1/auth/sign-in", &body)?;
        let token = member(&reply, "access_token")?.to_owned();
        let place = place.clone();
        Ok(Self { place, token })
    }
    fn ask(&self, path: &str, body: &Value) -> Result<Value> {
        post(&self.place, Some(&self.token), path, body)
    }
    /// A new user.
    pub(crate) fn user(&self, name: &str, role: &str) -> Result<User> {
        let made = self.ask("/api/v1/users", &json!({"name": name, "role": role}))?;
        Ok(User(member(&made["user"], "id")?.to_owned()))
    }
    /// A device of a user.
    pub(crate) fn device(&self, user: &User) -> Result<Enrolled> {
        let made = self.ask("/api/v1/devices/codes", &json!({"user": user.0}))?;
        let code = member(&made, "code")?.to_owned();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref())?;
        let key = pair.public_key().as_ref().to_vec();
        let body = json!({"code": code, "public_key": hex::encode(&key),
                          "instance": hex::encode(random::<16>()?), "label": "load"});
        let reply = post(&self.place, None, "/api/v1/enrol", &body)?;
        let reply: EnrolReply = serde_json::from_value(reply)?;
        let token = self.prove(&reply, pkcs8.as_ref())?;
        Ok(Enrolled { reply, key, token })
    }
    fn prove(&self, enrolled: &EnrolReply, key: &[u8]) -> Result<String> {
        let nonce = post(&self.place, None, "/api/v1/auth/nonce", &Value::Null)?;
        let at = nonce["issued_at"].as_u64().context("no issued_at")?;
        let claims = json!({"iss": enrolled.profile, "sub": enrolled.profile, "aud": nonce["audience"],
                            "jti": hex::encode(random::<16>()?), "iat": at, "exp": at + 120,
                            "nonce": nonce["nonce"]});
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("client-authentication+jwt".to_owned());
        let assertion = jsonwebtoken::encode(&header, &claims, &EncodingKey::from_ec_der(key))?;
        let body = json!({"assertion": assertion});
        let reply = post(&self.place, None, "/api/v1/auth/device", &body)?;
        Ok(member(&reply, "access_token")?.to_owned())
    }
}
