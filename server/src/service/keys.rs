//! Private keys: of the server (tokens) and of each organisation (root, receipt, inbox). They lie in `keys/`, readable
//! by their owner only, and are made where they are first needed.
//!
//! One key has one purpose. An organisation's root key signs its receipt and inbox keys and nothing else; devices pin
//! its fingerprint. Receipt and inbox keys can be renewed ([`Keys::renew`]): the newest signs and is sealed to, the earlier
//! ones go on proving and opening what was made with them. Not here: what is signed, and the keys of devices.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair, UnparsedPublicKey,
};
use rustls::crypto::aws_lc_rs::hpke::DH_KEM_P256_HKDF_SHA256_AES_128;
use rustls::crypto::hpke::{EncapsulatedSecret, Hpke, HpkePrivateKey};
use tributary_sync_core::ids::OrgId;
use tributary_sync_core::wire::enrol::{KeyPurpose, KeySet, PublicKey, SignedKey};

mod known;

use self::known::Known;
use super::env::Signer;
use super::error::{Code, Result, ServiceError};
use crate::storage::StorageError;
use crate::storage::folder::{DataFolder, read_private, write_private};
use crate::storage::sets::private_folder;

/// All private keys of a data folder.
pub struct Keys {
    folder: PathBuf,
    organisations: Mutex<HashMap<OrgId, Arc<OrgKeys>>>,
    known: Known,
}

/// The keys of one organisation.
pub struct OrgKeys {
    root: EcdsaKeyPair,
    receipt: EcdsaKeyPair,
    /// The newest first.
    inboxes: Vec<HpkePrivateKey>,
    set: KeySet,
    /// The files that the next renewal makes. Once one is there, another process has renewed.
    next: [PathBuf; 2],
}

fn broken(what: &'static str) -> impl Fn() -> ServiceError {
    move || ServiceError::from(Code::Internal).because(format!("the {what} key cannot be used"))
}

impl Keys {
    /// The keys of a data folder. Nothing is read yet.
    pub fn of(data: &DataFolder) -> Self {
        Self {
            folder: data.keys(),
            organisations: Mutex::new(HashMap::new()),
            known: Known::default(),
        }
    }

    /// The Ed25519 key for one kind of token, as PKCS#8 and as public key.
    pub fn token_key(&self, purpose: &'static str) -> Result<(Vec<u8>, Vec<u8>)> {
        let path = self.folder.join(format!("token-{purpose}.p8"));
        let pkcs8 = load_or_make(&path, || {
            let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
            Ok(document.map_err(|_| broken("token")())?.as_ref().to_vec())
        })?;
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| broken("token")())?;
        let public = pair.public_key().as_ref().to_vec();
        Ok((pkcs8, public))
    }

    /// A secret of 32 bytes for one purpose.
    pub fn secret(&self, purpose: &'static str) -> Result<[u8; 32]> {
        let path = self.folder.join(format!("{purpose}.secret"));
        let bytes = load_or_make(&path, || {
            let mut out = [0; 32];
            getrandom::fill(&mut out).map_err(|_| StorageError::Random)?;
            Ok(out.to_vec())
        })?;
        bytes.try_into().map_err(|_| broken(purpose)())
    }

    /// Makes the keys of a new organisation, or finds them made.
    pub fn create(&self, org: OrgId) -> Result<Arc<OrgKeys>> {
        let folder = self.folder.join(org.to_string());
        private_folder(&folder)?;
        load_or_make(&folder.join("root.p8"), make_ecdsa)?;
        load_or_make(&receipt_file(&folder, 1), make_ecdsa)?;
        load_or_make(&inbox_file(&folder, 1), make_inbox)?;
        self.of_org(org)
    }

    /// Makes a new receipt key and a new inbox key. The earlier ones stay, for what was signed with and sealed to them. A
    /// server that runs beside sees it at its next signature.
    pub fn renew(&self, org: OrgId) -> Result<Arc<OrgKeys>> {
        let keys = self.of_org(org)?;
        let [receipt, inbox] = &keys.next;
        load_or_make(receipt, make_ecdsa)?;
        load_or_make(inbox, make_inbox)?;
        self.of_org(org)
    }

    /// The keys of an organisation.
    pub fn of_org(&self, org: OrgId) -> Result<Arc<OrgKeys>> {
        let mut known = self
            .organisations
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = known.get(&org).filter(|keys| keys.are_newest()) {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(OrgKeys::load(&self.folder.join(org.to_string()), org)?);
        known.insert(org, Arc::clone(&keys));
        Ok(keys)
    }
}

/// Whether a file of the folder of keys makes tokens: whoever has it is signed in as anybody. Such a key can be made anew
/// at any time, and is in no copy. Phones know the others.
pub fn signs_in(path: &str) -> bool {
    !path.contains('/') && (path.starts_with("token-") || path.ends_with(".secret"))
}

/// The file of the n-th receipt key.
fn receipt_file(folder: &Path, n: usize) -> PathBuf {
    folder.join(match n {
        1 => "receipt.p8".to_owned(),
        n => format!("receipt-{n}.p8"),
    })
}

/// The file of the n-th inbox key: its public point, then its private part.
fn inbox_file(folder: &Path, n: usize) -> PathBuf {
    folder.join(match n {
        1 => "inbox.key".to_owned(),
        n => format!("inbox-{n}.key"),
    })
}

/// The first number at which there is no file; at least 2, so that a missing first key is complained of.
fn next_number(file: impl Fn(usize) -> PathBuf) -> usize {
    let mut n = 2;
    while file(n).exists() {
        n += 1;
    }
    n
}

fn make_ecdsa() -> Result<Vec<u8>> {
    let document =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
    let document = document.map_err(|_| broken("organisation's")())?;
    Ok(document.as_ref().to_vec())
}

fn make_inbox() -> Result<Vec<u8>> {
    let pair = DH_KEM_P256_HKDF_SHA256_AES_128.generate_key_pair();
    let (public, private) = pair.map_err(|_| broken("inbox")())?;
    Ok([&public.0[..], private.secret_bytes()].concat())
}

fn load_or_make(path: &Path, make: impl FnOnce() -> Result<Vec<u8>>) -> Result<Vec<u8>> {
    if let Some(bytes) = read_private(path)? {
        return Ok(bytes);
    }
    let bytes = make()?;
    write_private(path, &bytes)?;
    Ok(bytes)
}

fn load(path: &Path) -> Result<Vec<u8>> {
    let missing =
        || ServiceError::from(Code::Internal).because("a key of an organisation is missing");
    read_private(path)?.ok_or_else(missing)
}

fn ecdsa(path: &Path) -> Result<EcdsaKeyPair> {
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &load(path)?);
    pair.map_err(|_| broken("organisation's")())
}

fn inbox(path: &Path) -> Result<(PublicKey, HpkePrivateKey)> {
    let bytes = load(path)?;
    let (point, private) = bytes.split_at_checked(65).ok_or_else(broken("inbox"))?;
    let key = PublicKey::from_slice(point).map_err(|_| broken("inbox")())?;
    Ok((key, HpkePrivateKey::from(private.to_vec())))
}

fn public(pair: &EcdsaKeyPair) -> Result<PublicKey> {
    PublicKey::from_slice(pair.public_key().as_ref()).map_err(|_| broken("organisation's")())
}

fn sign(pair: &EcdsaKeyPair, bytes: &[u8]) -> Result<String> {
    let signature = pair.sign(&SystemRandom::new(), bytes);
    Ok(hex::encode(
        signature.map_err(|_| broken("organisation's")())?,
    ))
}

fn verify(key: &PublicKey, bytes: &[u8], signature: &str) -> bool {
    let Ok(signature) = hex::decode(signature) else {
        return false;
    };
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key.as_bytes())
        .verify(bytes, &signature)
        .is_ok()
}

impl OrgKeys {
    fn load(folder: &Path, org: OrgId) -> Result<Self> {
        let root = ecdsa(&folder.join("root.p8"))?;
        let next_receipt = next_number(|n| receipt_file(folder, n));
        let next_inbox = next_number(|n| inbox_file(folder, n));
        let vouch = |purpose, key: PublicKey| -> Result<SignedKey> {
            let sig = sign(&root, &SignedKey::signed_bytes(org, purpose, &key))?;
            Ok(SignedKey { purpose, key, sig })
        };
        let mut earlier = Vec::new();
        for n in (1..next_receipt - 1).rev() {
            let key = public(&ecdsa(&receipt_file(folder, n))?)?;
            earlier.push(vouch(KeyPurpose::Receipt, key)?);
        }
        let receipt = ecdsa(&receipt_file(folder, next_receipt - 1))?;
        let (inbox_key, newest) = inbox(&inbox_file(folder, next_inbox - 1))?;
        let mut inboxes = vec![newest];
        for n in (1..next_inbox - 1).rev() {
            inboxes.push(inbox(&inbox_file(folder, n))?.1);
        }
        let set = KeySet {
            root: public(&root)?,
            receipt: vouch(KeyPurpose::Receipt, public(&receipt)?)?,
            inbox: vouch(KeyPurpose::Inbox, inbox_key)?,
            earlier,
        };
        Ok(Self {
            root,
            receipt,
            inboxes,
            set,
            next: [
                receipt_file(folder, next_receipt),
                inbox_file(folder, next_inbox),
            ],
        })
    }
    /// Whether nobody has renewed them since they were read.
    fn are_newest(&self) -> bool {
        !self.next.iter().any(|file| file.exists())
    }
    /// The public keys, as enrolment gives them.
    pub fn public(&self) -> &KeySet {
        &self.set
    }
    /// What a device pins: SHA-256 of the root key, hexadecimal.
    pub fn root_fingerprint(&self) -> String {
        self.set.root.fingerprint()
    }
    /// Signs with the receipt key: ES256, r ‖ s, hexadecimal.
    pub fn sign_receipt(&self, bytes: &[u8]) -> Result<String> {
        sign(&self.receipt, bytes)
    }
    /// Whether any receipt key of this organisation made the signature.
    pub fn verify_receipt(&self, bytes: &[u8], signature: &str) -> bool {
        let keys = std::iter::once(&self.set.receipt).chain(&self.set.earlier);
        keys.filter(|k| k.purpose == KeyPurpose::Receipt)
            .any(|k| verify(&k.key, bytes, signature))
    }
    /// Opens what was sealed to any inbox key of this organisation; none if it was not, or was altered.
    pub fn open_sealed(
        &self,
        enc: &[u8],
        info: &[u8],
        aad: &[u8],
        sealed: &[u8],
    ) -> Option<Vec<u8>> {
        let enc = EncapsulatedSecret(enc.to_vec());
        let open = |inbox| DH_KEM_P256_HKDF_SHA256_AES_128.open(&enc, info, aad, sealed, inbox);
        self.inboxes.iter().find_map(|inbox| open(inbox).ok())
    }
    /// Signs with the root key. Only for keys: see [`SignedKey`].
    pub fn vouch(&self, org: OrgId, purpose: KeyPurpose, key: PublicKey) -> Result<SignedKey> {
        let sig = sign(&self.root, &SignedKey::signed_bytes(org, purpose, &key))?;
        Ok(SignedKey { purpose, key, sig })
    }
}

/// Whether the holder of an uncompressed P-256 point made this ES256 signature, hexadecimal.
pub(super) fn verify_p256(point: &[u8; 65], bytes: &[u8], signature: &str) -> bool {
    PublicKey::from_point(*point).is_ok_and(|key| verify(&key, bytes, signature))
}

impl Signer for Keys {
    fn sign(&self, org: OrgId, bytes: &[u8]) -> std::result::Result<String, StorageError> {
        let signed = self.of_org(org).and_then(|keys| keys.sign_receipt(bytes));
        let signed = signed.map_err(|e| StorageError::Io {
            what: "signing for an organisation",
            source: std::io::Error::other(e.cause.unwrap_or_default().into_string()),
        })?;
        self.known.add(org, bytes, &signed);
        Ok(signed)
    }
    fn verify(&self, org: OrgId, bytes: &[u8], signature: &str) -> bool {
        if self.known.has(org, bytes, signature) {
            return true;
        }
        let keys = self.of_org(org);
        let good = keys.is_ok_and(|keys| keys.verify_receipt(bytes, signature));
        if good {
            self.known.add(org, bytes, signature);
        }
        good
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::hpke::HpkePublicKey;

    use super::*;

    fn keys() -> (tempfile::TempDir, Keys) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path());
        data.create().unwrap();
        let keys = Keys::of(&data);
        (folder, keys)
    }

    #[test]
    fn the_root_key_vouches_for_the_others_and_they_outlive_a_restart() {
        let (folder, keys) = keys();
        let org = OrgId::from_bytes([7; 16]);
        let set = keys.create(org).unwrap().public().clone();
        for key in [&set.receipt, &set.inbox] {
            let bytes = SignedKey::signed_bytes(org, key.purpose, &key.key);
            assert!(verify(&set.root, &bytes, &key.sig));
            let other = SignedKey::signed_bytes(OrgId::from_bytes([8; 16]), key.purpose, &key.key);
            assert!(!verify(&set.root, &other, &key.sig));
        }
        let again = Keys::of(&DataFolder::at(folder.path()));
        let again = again.of_org(org).unwrap();
        assert_eq!(again.public().root, set.root);
        assert_eq!(again.public().inbox.key, set.inbox.key);
        let signature = again.sign_receipt(b"stored").unwrap();
        assert_eq!(signature.len(), 128);
        assert!(again.verify_receipt(b"stored", &signature));
        assert!(!again.verify_receipt(b"lost", &signature));
    }

    #[test]
    fn what_is_sealed_to_the_inbox_opens_here_only() {
        let (_folder, keys) = keys();
        let ours = keys.create(OrgId::from_bytes([1; 16])).unwrap();
        let theirs = keys.create(OrgId::from_bytes([2; 16])).unwrap();
        let to = HpkePublicKey(ours.public().inbox.key.as_bytes().to_vec());
        let (enc, sealed) = DH_KEM_P256_HKDF_SHA256_AES_128
            .seal(b"i", b"a", b"bundle", &to)
            .unwrap();
        assert_eq!(
            ours.open_sealed(&enc.0, b"i", b"a", &sealed).unwrap(),
            b"bundle"
        );
        assert!(theirs.open_sealed(&enc.0, b"i", b"a", &sealed).is_none());
        assert!(ours.open_sealed(&enc.0, b"i", b"b", &sealed).is_none());
    }

    #[test]
    fn renewed_keys_sign_and_are_sealed_to_and_the_earlier_ones_go_on_proving_and_opening() {
        let (folder, keys) = keys();
        let org = OrgId::from_bytes([1; 16]);
        let first = keys.create(org).unwrap();
        let to = HpkePublicKey(first.public().inbox.key.as_bytes().to_vec());
        let (enc, sealed) = DH_KEM_P256_HKDF_SHA256_AES_128
            .seal(b"i", b"a", b"bundle", &to)
            .unwrap();
        let signature = first.sign_receipt(b"stored").unwrap();

        // By a command, beside a server that has them in memory.
        let command = Keys::of(&DataFolder::at(folder.path()));
        command.renew(org).unwrap();
        command.renew(org).unwrap();
        let newest = keys.of_org(org).unwrap();
        let set = newest.public();
        assert_eq!(set.root, first.public().root);
        assert_ne!(set.inbox.key, first.public().inbox.key);
        assert_eq!(set.earlier.len(), 2);
        assert_eq!(set.earlier[1].key, first.public().receipt.key);
        assert!(set.earlier.iter().all(|k| k.key != set.receipt.key));
        for key in set.earlier.iter().chain([&set.receipt, &set.inbox]) {
            let bytes = SignedKey::signed_bytes(org, key.purpose, &key.key);
            assert!(verify(&set.root, &bytes, &key.sig));
        }
        assert!(newest.verify_receipt(b"stored", &signature));
        let again = newest.sign_receipt(b"stored").unwrap();
        assert!(!first.verify_receipt(b"stored", &again), "by the new key");
        let opened = newest.open_sealed(&enc.0, b"i", b"a", &sealed);
        assert_eq!(opened.unwrap(), b"bundle");
    }

    #[test]
    fn keys_for_tokens_differ_by_purpose() {
        let (_folder, keys) = keys();
        let (_, user) = keys.token_key("user").unwrap();
        let (_, device) = keys.token_key("device").unwrap();
        assert_ne!(user, device);
        assert_eq!(keys.token_key("user").unwrap().1, user);
        assert_eq!(
            keys.secret("refresh").unwrap(),
            keys.secret("refresh").unwrap()
        );
    }
}
