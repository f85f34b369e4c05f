//! The items of a push as JSON: a changeset, one that a server could not read, or a number without a body.

use std::fmt;

use serde::de;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::changeset::ChangesetJson;
use crate::change::Changeset;
use crate::clock::Hlc;
use crate::error::ParseError;
use crate::ids::{ActorId, ItemHash, Seq};

/// One item of a push.
#[derive(Clone, PartialEq, Eq)]
pub enum Item {
    /// A changeset.
    Change {
        /// The changeset; its actor is the request's.
        change: Box<Changeset>,
        /// For a resend or a re-stamp: the effective clock that a server gave it before (§1.10).
        effective: Option<Hlc>,
    },
    /// What a server said that it could not read: kept in quarantine as it is (§5.2).
    Opaque {
        /// Its number.
        seq: Seq,
        /// The hash that it has in the chain.
        hash: ItemHash,
        /// The bytes, at most 256 KB.
        bytes: Vec<u8>,
    },
    /// A number without a body: its record was erased, or the body is lost for good.
    Void {
        /// Its number.
        seq: Seq,
        /// The hash that it has in the chain.
        hash: ItemHash,
    },
}

impl fmt::Debug for Item {
    /// Without the bytes of an unreadable one, which hold answers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { change, effective } => {
                let mut out = f.debug_struct("Change");
                out.field("change", change).field("effective", effective);
                out.finish()
            }
            Self::Opaque { seq, hash, .. } => write!(f, "Opaque({seq}, {hash}, …)"),
            Self::Void { seq, hash } => write!(f, "Void({seq}, {hash})"),
        }
    }
}

impl Item {
    /// Its number.
    pub fn seq(&self) -> Seq {
        match self {
            Self::Change { change, .. } => change.dot.seq,
            Self::Opaque { seq, .. } | Self::Void { seq, .. } => *seq,
        }
    }
    /// Its hash in the chain.
    pub fn hash(&self) -> ItemHash {
        match self {
            Self::Change { change, .. } => change.hash(),
            Self::Opaque { hash, .. } | Self::Void { hash, .. } => *hash,
        }
    }
}

/// The JSON object of one item of a push by `actor`.
pub(super) fn read_item(
    json: &serde_json::value::RawValue,
    actor: ActorId,
) -> Result<Item, serde_json::Error> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Envelope {
        change: Option<ChangesetJson>,
        effective: Option<Hlc>,
        opaque: Option<OpaqueJson>,
        void: Option<VoidJson>,
    }
    let bad = |e: ParseError| <serde_json::Error as de::Error>::custom(e);
    match serde_json::from_str::<Envelope>(json.get())? {
        Envelope {
            change: Some(change),
            effective,
            opaque: None,
            void: None,
        } => Ok(Item::Change {
            change: Box::new(change.seal(actor).map_err(bad)?),
            effective,
        }),
        Envelope {
            change: None,
            effective: None,
            opaque: Some(o),
            void: None,
        } => {
            use base64::Engine as _;
            numbered(o.seq).map_err(bad)?;
            let bytes = base64::engine::general_purpose::STANDARD.decode(&o.bytes);
            let bytes = bytes.map_err(|_| bad(ParseError::Value("base64")))?;
            crate::value::limit(
                "opaque item bytes",
                bytes.len(),
                crate::change::CHANGESET_BYTES_MAX,
            )
            .map_err(bad)?;
            Ok(Item::Opaque {
                seq: o.seq,
                hash: o.hash,
                bytes,
            })
        }
        Envelope {
            change: None,
            effective: None,
            opaque: None,
            void: Some(v),
        } => {
            numbered(v.seq).map_err(bad)?;
            Ok(Item::Void {
                seq: v.seq,
                hash: v.hash,
            })
        }
        _ => Err(bad(ParseError::Duplicate("item kind"))),
    }
}

/// Numbers begin at 1, also those of items without a changeset.
fn numbered(seq: Seq) -> Result<(), ParseError> {
    if seq == Seq::ZERO {
        return Err(ParseError::Counter);
    }
    Ok(())
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OpaqueJson {
    seq: Seq,
    hash: ItemHash,
    bytes: String,
}
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct VoidJson {
    seq: Seq,
    hash: ItemHash,
}

impl Serialize for Item {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(None)?;
        match self {
            Self::Change { change, effective } => {
                map.serialize_entry("change", &ChangesetJson::of(change, false))?;
                if let Some(effective) = effective {
                    map.serialize_entry("effective", effective)?;
                }
            }
            Self::Opaque { seq, hash, bytes } => {
                use base64::Engine as _;
                let bytes = base64::engine::general_purpose::STANDARD.encode(bytes);
                map.serialize_entry(
                    "opaque",
                    &OpaqueJson {
                        seq: *seq,
                        hash: *hash,
                        bytes,
                    },
                )?;
            }
            Self::Void { seq, hash } => map.serialize_entry(
                "void",
                &VoidJson {
                    seq: *seq,
                    hash: *hash,
                },
            )?,
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Item, serde_json::Error> {
        let raw = serde_json::value::RawValue::from_string(json.to_owned()).unwrap();
        read_item(&raw, ActorId(7))
    }

    #[test]
    fn no_item_of_any_kind_has_the_number_0() {
        let hash = "08".repeat(32);
        let void = |seq: u64| format!(r#"{{"void":{{"seq":{seq},"hash":"{hash}"}}}}"#);
        let opaque =
            |seq: u64| format!(r#"{{"opaque":{{"seq":{seq},"hash":"{hash}","bytes":"AAEC"}}}}"#);
        for json in [void(0), opaque(0)] {
            assert!(read(&json).is_err(), "{json}");
        }
        for json in [void(1), opaque(1)] {
            assert_eq!(read(&json).unwrap().seq().get(), 1);
        }
    }
}
