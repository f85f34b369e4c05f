//! What files that travel apart are called. Not in sync-core, where the ids lie that devices have too: no device brings files
//! yet.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tributary_sync_core::error::ParseError;

macro_rules! file_id {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }
        impl FromStr for $name {
            type Err = ParseError;
            /// Lower-case hexadecimal; anything else is refused, so that one id has one spelling.
            fn from_str(text: &str) -> Result<Self, ParseError> {
                let bad = || ParseError::Id(stringify!($name));
                if text.bytes().any(|b| b.is_ascii_uppercase()) {
                    return Err(bad());
                }
                let mut out = [0u8; $len];
                hex::decode_to_slice(text, &mut out).map_err(|_| bad())?;
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

file_id!(
    /// SHA-256 of a file's bytes as they are stored: what an attachment is called (§6.6).
    AttachmentHash, 32);
file_id!(
    /// A file on its way to the server. Random.
    UploadId, 16);
