//! Whom the device believes: the root key that its enrolment link named, and what that key signed.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use tributary_sync_core::ids::OrgId;
use tributary_sync_core::session::Verifier;
use tributary_sync_core::wire::enrol::{KeySet, PublicKey};

/// ES256: whether `key` made `signature`, hexadecimal, over `bytes`.
pub fn verify(key: &PublicKey, bytes: &[u8], signature: &str) -> bool {
    let Ok(signature) = hex::decode(signature) else {
        return false;
    };
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.as_bytes())
        .verify(bytes, &signature)
        .is_ok()
}

/// The keys of one organisation, all of them signed by the pinned root.
#[derive(Clone, Debug)]
pub struct Trust {
    org: OrgId,
    root: String,
    keys: KeySet,
}

impl Trust {
    /// Believes a key set if its root has the pinned fingerprint and signed the rest.
    pub fn new(org: OrgId, root: &str, keys: KeySet) -> Option<Self> {
        keys.is_vouched_for(org, root, verify).then(|| Self {
            org,
            root: root.to_owned(),
            keys,
        })
    }
    /// The keys.
    pub fn keys(&self) -> &KeySet {
        &self.keys
    }
}

impl Verifier for Trust {
    fn verify(&self, bytes: &[u8], signature: &str) -> bool {
        let earlier = self.keys.earlier.iter();
        std::iter::once(&self.keys.receipt)
            .chain(earlier)
            .any(|k| verify(&k.key, bytes, signature))
    }
    fn learn(&mut self, keys: &serde_json::Value) -> bool {
        let keys: Option<KeySet> = serde_json::from_value(keys.clone()).ok();
        match keys.filter(|k| k.is_vouched_for(self.org, &self.root, verify)) {
            Some(keys) => {
                self.keys = keys;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;
    use tributary_sync_core::wire::enrol::{KeyPurpose, SignedKey};

    fn pair() -> EcdsaKeyPair {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()
    }
    fn public(pair: &EcdsaKeyPair) -> PublicKey {
        PublicKey::from_slice(pair.public_key().as_ref()).unwrap()
    }
    fn sign(pair: &EcdsaKeyPair, bytes: &[u8]) -> String {
        hex::encode(pair.sign(&SystemRandom::new(), bytes).unwrap())
    }
    fn signed(
        root: &EcdsaKeyPair,
        org: OrgId,
        purpose: KeyPurpose,
        key: &EcdsaKeyPair,
    ) -> SignedKey {
        let sig = sign(root, &SignedKey::signed_bytes(org, purpose, &public(key)));
        SignedKey {
            purpose,
            key: public(key),
            sig,
        }
    }

    #[test]
    fn a_receipt_key_counts_only_with_the_signature_of_the_pinned_root() {
        let org = OrgId::from_bytes([1; 16]);
        let (root, receipt, inbox, thief) = (pair(), pair(), pair(), pair());
        let keys = KeySet {
            root: public(&root),
            receipt: signed(&root, org, KeyPurpose::Receipt, &receipt),
            inbox: signed(&root, org, KeyPurpose::Inbox, &inbox),
            earlier: vec![],
        };
        let pin = public(&root).fingerprint();
        let mut trust = Trust::new(org, &pin, keys.clone()).unwrap();
        assert!(trust.verify(b"head", &sign(&receipt, b"head")));
        assert!(!trust.verify(b"head", &sign(&inbox, b"head")));
        assert!(!trust.verify(b"head", "00"));

        // A thief's own root, a key of another purpose, of another organisation.
        assert!(Trust::new(org, &public(&thief).fingerprint(), keys.clone()).is_none());
        let mut forged = keys.clone();
        forged.receipt = signed(&thief, org, KeyPurpose::Receipt, &thief);
        assert!(Trust::new(org, &pin, forged.clone()).is_none());
        assert!(!trust.learn(&serde_json::to_value(&forged).unwrap()));
        forged.receipt = keys.inbox.clone();
        assert!(Trust::new(org, &pin, forged).is_none());
        assert!(Trust::new(OrgId::from_bytes([2; 16]), &pin, keys.clone()).is_none());

        // A new receipt key, the old one kept for what it signed.
        let next = pair();
        let mut newer = keys.clone();
        newer.earlier = vec![keys.receipt.clone()];
        newer.receipt = signed(&root, org, KeyPurpose::Receipt, &next);
        assert!(trust.learn(&serde_json::to_value(&newer).unwrap()));
        assert!(
            trust.verify(b"x", &sign(&next, b"x")) && trust.verify(b"x", &sign(&receipt, b"x"))
        );
    }
}
