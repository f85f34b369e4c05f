//! Enrolment: how a device becomes known and learns all it needs to record interviews without ever having synced
//! (§9.6); and the key set of an organisation.
//!
//! Fields are only ever added. Signatures are made and checked by the caller; this module says over which bytes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use super::message::{Grant, Head, PolicyEntry, Signature};
use crate::cbor::Writer;
use crate::error::ParseError;
use crate::ids::{ActorId, EpochId, InstanceId, OrgId, ProfileId, UserId};

/// A public key on P-256: the uncompressed point of 65 bytes; hexadecimal on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey([u8; 65]);

impl PublicKey {
    /// Wraps an uncompressed point. Whether it lies on the curve is for whoever uses it.
    pub fn from_point(bytes: [u8; 65]) -> Result<Self, ParseError> {
        if bytes[0] == 4 {
            Ok(Self(bytes))
        } else {
            Err(ParseError::Id("PublicKey"))
        }
    }
    /// The same from a slice.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ParseError> {
        let bytes = bytes.try_into().map_err(|_| ParseError::Id("PublicKey"))?;
        Self::from_point(bytes)
    }
    /// The point.
    pub const fn as_bytes(&self) -> &[u8; 65] {
        &self.0
    }
    /// SHA-256 of the point, lower-case hexadecimal: what stands in an enrolment link and is pinned.
    pub fn fingerprint(&self) -> String {
        hex::encode(Sha256::digest(self.0))
    }
}
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}
impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
impl FromStr for PublicKey {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let bytes = hex::decode(text).map_err(|_| ParseError::Id("PublicKey"))?;
        Self::from_slice(&bytes)
    }
}
impl Serialize for PublicKey {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for PublicKey {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(d)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// What a key of an organisation is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyPurpose {
    /// Signs heads, receipts, grants and tombstones (ES256).
    Receipt,
    /// Bundles are sealed to it: HPKE, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.
    Inbox,
}

/// A key that the organisation's root key vouches for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignedKey {
    /// What for.
    pub purpose: KeyPurpose,
    /// The key.
    pub key: PublicKey,
    /// By the root key (ES256), over [`SignedKey::signed_bytes`].
    pub sig: Signature,
}

impl SignedKey {
    /// What the signature covers: `tributary-key-v1` and the CBOR of [organisation, purpose (0 receipt, 1 inbox), key].
    pub fn signed_bytes(org: OrgId, purpose: KeyPurpose, key: &PublicKey) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(3);
        w.bytes(org.as_bytes());
        w.uint(match purpose {
            KeyPurpose::Receipt => 0,
            KeyPurpose::Inbox => 1,
        });
        w.bytes(key.as_bytes());
        [&b"tributary-key-v1"[..], &w.finish()].concat()
    }
}

/// The keys of an organisation. A device pins the root key's fingerprint from the enrolment link, and believes no other
/// key without its signature.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeySet {
    /// The root key.
    pub root: PublicKey,
    /// The receipt key in force.
    pub receipt: SignedKey,
    /// The inbox key in force.
    pub inbox: SignedKey,
    /// Earlier receipt keys, for what they signed.
    #[serde(default)]
    pub earlier: Vec<SignedKey>,
}

impl KeySet {
    /// Whether the root key has the pinned fingerprint and signed the rest. `verify` says whether a key made a signature
    /// over bytes (ES256).
    pub fn is_vouched_for(
        &self,
        org: OrgId,
        root: &str,
        mut verify: impl FnMut(&PublicKey, &[u8], &str) -> bool,
    ) -> bool {
        let mut signed = |key: &SignedKey, purpose: KeyPurpose| {
            let bytes = SignedKey::signed_bytes(org, purpose, &key.key);
            key.purpose == purpose && verify(&self.root, &bytes, &key.sig)
        };
        self.root.fingerprint() == root
            && signed(&self.receipt, KeyPurpose::Receipt)
            && signed(&self.inbox, KeyPurpose::Inbox)
            && self.earlier.iter().all(|k| signed(k, KeyPurpose::Receipt))
    }
}

/// `POST /api/v1/enrol`. The same code with the same key gets the same answer, however often it is sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnrolRequest {
    /// The one-time code. Case, spaces and dashes do not count.
    pub code: String,
    /// The device's P-256 key: SPKI, an uncompressed point, or x ‖ y; hexadecimal or base64url.
    pub public_key: String,
    /// Random, chosen by the device: the same instance gets the same actor.
    pub instance: InstanceId,
    /// What the device is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

/// The organisation that a device belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnrolOrganisation {
    /// Its id.
    pub id: OrgId,
    /// How people name it.
    pub slug: String,
    /// How it is shown.
    pub name: String,
}

/// The user whose profile this is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct EnrolUser {
    /// The id.
    pub id: UserId,
    /// The name to show.
    pub name: String,
    /// The role, as of now: `org_admin`, `coordinator`, `reviewer` or `worker`.
    pub role: String,
}

/// A form as it is handed to a device.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FormDelivery {
    /// The form package (§9.5).
    pub package: serde_json::Value,
    /// The XForm as served.
    pub xform: String,
}

/// The answer: all a device needs to record interviews.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EnrolReply {
    /// The organisation.
    pub organisation: EnrolOrganisation,
    /// The user.
    pub user: EnrolUser,
    /// The profile: one user on this installation.
    pub profile: ProfileId,
    /// Its actor.
    pub actor: ActorId,
    /// The proof of that.
    pub grant: Grant,
    /// The epoch of the organisation's log.
    pub epoch: EpochId,
    /// The log's signed head, which holds the grant: the device keeps it as the highest it was given.
    pub head: Head,
    /// The organisation's keys.
    pub keys: KeySet,
    /// What the device names as audience when it proves itself.
    pub audience: String,
    /// The server's time, RFC 3339.
    pub server_time: String,
    /// The forms.
    pub forms: Vec<FormDelivery>,
    /// The policies in force.
    pub policies: Vec<PolicyEntry>,
}
