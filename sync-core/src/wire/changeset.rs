//! Changesets as JSON (§9.2).
//!
//! The actor of a pushed changeset comes from the request, never from the item ([`super::item`]); a pulled one names it.

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
    pub(super) fn of(change: &Changeset, with_actor: bool) -> Self {
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

    pub(super) fn seal(self, actor: ActorId) -> Result<Changeset, ParseError> {
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
