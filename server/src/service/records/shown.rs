//! What somebody was shown of a record, as it comes back with a write: opaque text.
//!
//! It claims, it does not prove: whoever writes has it checked against the log first ([`super::write`]).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use tributary_sync_core::clock::Clock;
use tributary_sync_core::ids::EpochId;

/// The record's clock when it was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The epoch it was read in.
    pub epoch: EpochId,
    /// The record's clock.
    pub clock: Clock,
}

impl Shown {
    /// As it travels.
    pub fn to_text(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(self.epoch, &self.clock)).unwrap_or_default())
    }
    /// Reads it back.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (epoch, clock) = serde_json::from_slice(&bytes).ok()?;
        Some(Self { epoch, clock })
    }
}

impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&self.to_text())
    }
}
impl<'de> Deserialize<'de> for Shown {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        Self::from_text(&text).ok_or_else(|| de::Error::custom("not what a record was shown with"))
    }
}
