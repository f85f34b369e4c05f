//! A device: a P-256 key, an enrolment, proofs.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tributary_sync_core::ids::ProfileId;

use super::{Client, Reply};

/// A device's key.
pub struct DeviceKey {
    pkcs8: Vec<u8>,
    point: Vec<u8>,
}

impl DeviceKey {
    /// A new one.
    pub fn generate() -> Self {
        let random = SystemRandom::new();
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
        Self {
            pkcs8: pkcs8.as_ref().to_vec(),
            point: pair.public_key().as_ref().to_vec(),
        }
    }
    /// The public key, hexadecimal.
    pub fn public(&self) -> String {
        hex::encode(&self.point)
    }
    /// Signs claims as an assertion.
    pub fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.typ = Some("client-authentication+jwt".to_owned());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&self.pkcs8)).unwrap()
    }
}

/// An enrolled device.
pub struct TestDevice {
    /// Its key.
    pub key: DeviceKey,
    /// Its profile.
    pub profile: ProfileId,
    /// The whole answer to its enrolment.
    pub enrolment: Value,
    anonymous: Client,
}

fn random_hex() -> String {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).unwrap();
    hex::encode(bytes)
}

/// An enrolment request.
pub(crate) fn enrol_body(key: &DeviceKey, code: &str) -> Value {
    json!({"code": code, "public_key": key.public(), "instance": random_hex(), "label": "phone"})
}

impl TestDevice {
    /// Enrols with a code.
    pub fn enrol(client: Client, key: DeviceKey, code: &str) -> Self {
        let enrolment = client
            .post("/api/v1/enrol", &enrol_body(&key, code))
            .expect(200);
        let profile = enrolment["profile"].as_str().unwrap().parse().unwrap();
        Self {
            key,
            profile,
            enrolment,
            anonymous: client,
        }
    }
    /// The body of an enrolment with this key and another instance.
    pub fn enrol_body(key: &DeviceKey, code: &str) -> Value {
        enrol_body(key, code)
    }
    /// A nonce from the server.
    pub fn nonce(&self) -> Value {
        self.anonymous
            .post_nothing("/api/v1/auth/nonce")
            .expect(200)
    }
    /// The claims of a proof over a nonce, by the time that came with it.
    pub fn claims(&self, nonce: &Value) -> Value {
        let at = nonce["issued_at"].as_u64().unwrap();
        json!({"iss": self.profile, "sub": self.profile, "aud": nonce["audience"], "jti": random_hex(),
               "iat": at, "exp": at + 120, "nonce": nonce["nonce"]})
    }
    /// Sends an assertion.
    pub fn prove(&self, assertion: &str) -> Reply {
        self.anonymous
            .post("/api/v1/auth/device", &json!({"assertion": assertion}))
    }
    /// Proves itself, and speaks with the token it got.
    pub fn client(&self) -> Client {
        let claims = self.claims(&self.nonce());
        let reply = self.prove(&self.key.sign(&claims)).expect(200);
        self.anonymous
            .with_token(reply["access_token"].as_str().unwrap())
    }
}
