//! The device's own key: P-256, made at enrolment, never sent.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

use crate::error::{Error, Result};
use crate::home::Home;

/// The key pair.
pub struct DeviceKey {
    pair: EcdsaKeyPair,
    pkcs8: Vec<u8>,
}

impl DeviceKey {
    /// The key of this folder, made if there is none.
    pub fn load_or_make(home: &Home) -> Result<Self> {
        if let Some(pkcs8) = Home::read(&home.key())? {
            return Self::read(pkcs8);
        }
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let pkcs8 = made.map_err(|_| Error::store("no key could be made"))?;
        home.write(&home.key(), pkcs8.as_ref())?;
        Self::read(pkcs8.as_ref().to_vec())
    }

    fn read(pkcs8: Vec<u8>) -> Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8);
        let pair = pair.map_err(|_| Error::store("the key of this device does not read"))?;
        Ok(Self { pair, pkcs8 })
    }

    /// The public key as an uncompressed point.
    pub fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    /// ES256 over `bytes`: r ‖ s, hexadecimal.
    pub fn sign(&self, bytes: &[u8]) -> Result<String> {
        let signature = self.pair.sign(&SystemRandom::new(), bytes);
        let signature = signature.map_err(|_| Error::store("the key of this device failed"))?;
        Ok(hex::encode(signature.as_ref()))
    }

    /// For the JWT library.
    pub(crate) fn encoding(&self) -> jsonwebtoken::EncodingKey {
        jsonwebtoken::EncodingKey::from_ec_der(&self.pkcs8)
    }
}

/// Random bytes.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut out = [0; N];
    getrandom::fill(&mut out).map_err(|_| Error::store("no randomness"))?;
    Ok(out)
}
