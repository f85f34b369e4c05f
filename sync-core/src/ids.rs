//! Newtypes for every identifier and hash. They are parsed at the border and never mixed up inside.
//!
//! Not here: anything that makes an id. Randomness is an argument; see [`RecordId::from_bytes`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};

use crate::error::ParseError;

/// The largest counter, sequence or millisecond that any message may carry: 2^53 − 1, so that JavaScript
/// peers read it exactly.
pub const COUNTER_MAX: u64 = (1 << 53) - 1;

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name([u8; $len]);

        impl $name {
            /// Wraps bytes that came from a random source, a store or a hash.
            pub const fn from_bytes(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }
            /// The raw bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
            /// Wraps a slice of exactly the right length.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, ParseError> {
                bytes.try_into().map(Self).map_err(|_| ParseError::Id(stringify!($name)))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }
        impl FromStr for $name {
            type Err = ParseError;
            /// Lower-case hexadecimal without dashes; anything else is refused, so that one id has one spelling.
            fn from_str(s: &str) -> Result<Self, ParseError> {
                let bad = || ParseError::Id(stringify!($name));
                if s.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(bad());
                }
                let mut out = [0u8; $len];
                hex::decode_to_slice(s, &mut out).map_err(|_| bad())?;
                Ok(Self(out))
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<str>::deserialize(d)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

hex_id!(
    /// One organisation (tenant). UUIDv7 bytes.
    OrgId, 16);
hex_id!(
    /// One user of one organisation. UUIDv7 bytes.
    UserId, 16);
hex_id!(
    /// A team of users inside an organisation. UUIDv7 bytes.
    TeamId, 16);
hex_id!(
    /// One user on one installation: what the API and the issues call a device. UUIDv7 bytes.
    ProfileId, 16);
hex_id!(
    /// One interview record. Random and never time-ordered: an ordered id would tell when somebody was interviewed.
    RecordId, 16);
hex_id!(
    /// One life of an organisation's log; a restore opens a new one.
    EpochId, 16);
hex_id!(
    /// What a device calls its request for a new actor, so that a lost reply does not cost a second actor.
    InstanceId, 16);
hex_id!(
    /// One row of a repeat. Random 64 bits.
    RowId, 8);
hex_id!(
    /// A comment on a record. Random 64 bits.
    CommentId, 8);
hex_id!(
    /// SHA-256 of a changeset's canonical bytes (`record-and-sync` §9.1).
    ItemHash, 32);
hex_id!(
    /// h_n of an actor's chain (§5.1).
    ChainHash, 32);
hex_id!(
    /// The hash of an organisation's log up to a position.
    LogHash, 32);
hex_id!(
    /// A form version: SHA-256 of its form package (§9.5).
    FormHash, 32);
hex_id!(
    /// SHA-256 of a record's id: all that remains of an erased record (§3.3).
    Tombstone, 32);

impl RecordId {
    /// The hash under which this record may be named in audit rows, scope rows, ledgers and reports.
    pub fn tombstone(&self) -> Tombstone {
        Tombstone(Sha256::digest(self.0).into())
    }
}

impl RowId {
    /// The row id of an XForm that made a textual one with `uuid()`: the first 8 bytes of its SHA-256 (§9.2).
    pub fn from_xform_text(text: &str) -> Self {
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let mut out = [0u8; 8];
        out.copy_from_slice(&digest[..8]);
        Self(out)
    }
}

/// The CRDT replica id of a profile; drawn at random by the server, never counted, never given twice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActorId(pub u32);

/// A question, group or repeat of a form lineage; unique per form and never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldId(pub u32);

/// The number of a changeset within its actor: 1, 2, 3 … without a hole. At most 2^53 − 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Seq(u64);

/// A position in an organisation's log. 0 is 'before everything'. At most 2^53 − 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPos(u64);

macro_rules! counter {
    ($name:ident) => {
        impl $name {
            /// Before the first.
            pub const ZERO: Self = Self(0);
            /// Takes a number of at most 2^53 − 1.
            pub fn new(n: u64) -> Result<Self, ParseError> {
                if n <= COUNTER_MAX {
                    Ok(Self(n))
                } else {
                    Err(ParseError::Counter)
                }
            }
            /// The number.
            pub const fn get(self) -> u64 {
                self.0
            }
            /// The next number, or an error at the end of the range.
            pub fn next(self) -> Result<Self, ParseError> {
                Self::new(self.0.checked_add(1).ok_or(ParseError::Counter)?)
            }
            /// The number before, and zero before zero.
            pub const fn before(self) -> Self {
                Self(self.0.saturating_sub(1))
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_u64(self.0)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                Self::new(u64::deserialize(d)?).map_err(de::Error::custom)
            }
        }
    };
}
counter!(Seq);
counter!(LogPos);

macro_rules! number {
    ($name:ident) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}
number!(ActorId);
number!(FieldId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_exactly_one_spelling() {
        let id: RowId = "00ff10aa00000001".parse().unwrap();
        assert_eq!(id.to_string(), "00ff10aa00000001");
        for bad in [
            "00FF10AA00000001",
            "00ff10aa",
            "",
            "00ff10aa0000000g",
            "00ff10aa-0000001",
        ] {
            assert!(bad.parse::<RowId>().is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn counters_end_where_javascript_does() {
        assert!(Seq::new(COUNTER_MAX).is_ok());
        assert!(Seq::new(COUNTER_MAX + 1).is_err());
        assert!(Seq::new(COUNTER_MAX).unwrap().next().is_err());
        assert!(serde_json::from_str::<Seq>("9007199254740992").is_err());
    }
}
