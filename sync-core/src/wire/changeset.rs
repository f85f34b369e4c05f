//! Changesets as JSON (§9.2), and the items of a push.
//!
//! The actor of a pushed changeset comes from the request, never from the item; a pulled one names it.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::value::{opaque, opaque_name};
use crate::change::{Changeset, Decision, Draft, Origin, Stamp, Stored, WRITES_MAX};
use crate::clock::{Clock, Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{ActorId, EpochId, FormHash, ItemHash, RecordId, Seq};
use crate::key::Key;
use crate::value::{Opaque, Text, Value};

/// Writes and extensions are JSON objects; a name twice is refused.
#[derive(Default)]
struct Writes(Vec<(Key, Value)>);
#[derive(Default)]
struct Extensions(Vec<Opaque>);

impl Serialize for Writes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            map.serialize_entry(&key.to_string(), value)?;
        }
        map.end()
    }
}
impl<'de> Deserialize<'de> for Writes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Writes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from key to value")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Writes, A::Error> {
                let mut writes = Vec::new();
                while let Some(key) = map.next_key::<String>()? {
                    if writes.len() == WRITES_MAX {
                        let limit = WRITES_MAX as u64;
                        return Err(de::Error::custom(ParseError::Limit {
                            what: "writes",
                            limit,
                        }));
                    }
                    writes.push((key.parse().map_err(de::Error::custom)?, map.next_value()?));
                }
                Ok(Writes(writes))
            }
        }
        d.deserialize_map(Map)
    }
}
impl Serialize for Extensions {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        use base64::Engine as _;
        let encode = |o: &Opaque| base64::engine::general_purpose::STANDARD.encode(o.bytes());
        s.collect_map(self.0.iter().map(|o| (opaque_name(o), encode(o))))
    }
}
impl<'de> Deserialize<'de> for Extensions {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Extensions;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from x<tag> to base64")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Extensions, A::Error> {
                let mut out = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, String>()? {
                    out.push(opaque(&name, &value).map_err(de::Error::custom)?);
                }
                Ok(Extensions(out))
            }
        }
        d.deserialize_map(Map)
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionJson {
    key: String,
    dots: Vec<Dot>,
    reason: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct OriginJson {
    actor: ActorId,
    seq: Seq,
    hash: ItemHash,
}

/// The members of a changeset, in the order in which they are written.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesetJson {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    actor: Option<ActorId>,
    seq: Seq,
    record: RecordId,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    creates: bool,
    clock: Hlc,
    form: FormHash,
    epoch: EpochId,
    #[serde(default, skip_serializing_if = "Clock::is_empty")]
    seen: Clock,
    writes: Writes,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    decisions: Vec<DecisionJson>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin: Option<OriginJson>,
    #[serde(default, skip_serializing_if = "extensions_empty")]
    extensions: Extensions,
}

fn extensions_empty(e: &Extensions) -> bool {
    e.0.is_empty()
}

impl ChangesetJson {
    fn of(change: &Changeset, with_actor: bool) -> Self {
        let decision = |d: &Decision| DecisionJson {
            key: d.key.to_string(),
            dots: d.dots.clone(),
            reason: d.reason.as_str().to_owned(),
        };
        Self {
            actor: with_actor.then_some(change.dot.actor),
            seq: change.dot.seq,
            record: change.record,
            creates: change.creates,
            clock: change.clock,
            form: change.form,
            epoch: change.epoch,
            seen: change.seen.clone(),
            writes: Writes(change.writes.clone()),
            decisions: change.decisions.iter().map(decision).collect(),
            origin: change.origin.map(|o| OriginJson {
                actor: o.dot.actor,
                seq: o.dot.seq,
                hash: o.hash,
            }),
            extensions: Extensions(change.extensions.clone()),
        }
    }

    fn seal(self, actor: ActorId) -> Result<Changeset, ParseError> {
        if self.actor.is_some_and(|a| a != actor) {
            return Err(ParseError::Id("ActorId"));
        }
        let decision = |d: DecisionJson| {
            Ok(Decision {
                key: d.key.parse()?,
                dots: d.dots,
                reason: Text::new(d.reason)?,
            })
        };
        Draft {
            record: self.record,
            dot: Dot::new(actor, self.seq),
            clock: self.clock,
            form: self.form,
            creates: self.creates,
            epoch: self.epoch,
            seen: self.seen,
            writes: self.writes.0,
            decisions: self
                .decisions
                .into_iter()
                .map(decision)
                .collect::<Result<_, ParseError>>()?,
            origin: self.origin.map(|o| Origin {
                dot: Dot::new(o.actor, o.seq),
                hash: o.hash,
            }),
            extensions: self.extensions.0,
        }
        .seal()
    }
}

impl Serialize for Changeset {
    /// With the actor: the form in which changesets are pulled and kept in vectors.
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        ChangesetJson::of(self, true).serialize(s)
    }
}
impl<'de> Deserialize<'de> for Changeset {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let json = ChangesetJson::deserialize(d)?;
        let actor = json
            .actor
            .ok_or_else(|| de::Error::missing_field("actor"))?;
        json.seal(actor).map_err(de::Error::custom)
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StampJson {
    context: Clock,
    effective: Hlc,
    received: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredJson {
    change: Changeset,
    stamp: StampJson,
}

impl Serialize for Stored {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let stamp = StampJson {
            context: self.stamp.context.clone(),
            effective: self.stamp.effective,
            received: self.stamp.received,
            cut: self.stamp.cut,
        };
        StoredJson {
            change: self.change.clone(),
            stamp,
        }
        .serialize(s)
    }
}
impl<'de> Deserialize<'de> for Stored {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let StoredJson { change, stamp } = StoredJson::deserialize(d)?;
        let StampJson {
            context,
            effective,
            received,
            cut,
        } = stamp;
        Ok(Self {
            change,
            stamp: Stamp {
                context,
                effective,
                received,
                cut,
            },
        })
    }
}

/// One item of a push.
#[derive(Clone, PartialEq, Eq, Debug)]
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
        } => Ok(Item::Void {
            seq: v.seq,
            hash: v.hash,
        }),
        _ => Err(bad(ParseError::Duplicate("item kind"))),
    }
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
