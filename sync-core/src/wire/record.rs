//! The merged state of a record as JSON: its live changesets, and for each key the live values with the index of
//! their changeset.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::clock::{Clock, Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{ActorId, FormHash, RecordId, Seq};
use crate::key::Key;
use crate::record::{Live, Record, Values};
use crate::value::Value;

/// One live changeset.
#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct LiveJson {
    actor: ActorId,
    seq: Seq,
    /// The checked context with the own dot.
    clock: Clock,
    saved: Hlc,
    effective: Hlc,
    received: u64,
    form: FormHash,
}

struct KeysJson(Vec<(Key, Vec<(usize, Value)>)>);

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordJson {
    record: RecordId,
    changes: Vec<LiveJson>,
    values: KeysJson,
}

impl Serialize for KeysJson {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(self.0.len()))?;
        for (key, values) in &self.0 {
            map.serialize_entry(&key.to_string(), values)?;
        }
        map.end()
    }
}
impl<'de> Deserialize<'de> for KeysJson {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = KeysJson;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object from key to live values")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<KeysJson, A::Error> {
                let mut out = Vec::new();
                while let Some((key, values)) =
                    map.next_entry::<Cow<'de, str>, Vec<(usize, Value)>>()?
                {
                    out.push((key.parse().map_err(de::Error::custom)?, values));
                }
                Ok(KeysJson(out))
            }
        }
        d.deserialize_map(Map)
    }
}

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let index = |dot: &Dot| {
            self.lives()
                .binary_search_by(|l| l.dot.cmp(dot))
                .unwrap_or_default()
        };
        let changes = self.lives().iter().map(|l| LiveJson {
            actor: l.dot.actor,
            seq: l.dot.seq,
            clock: l.clock.clone(),
            saved: l.saved,
            effective: l.effective,
            received: l.received,
            form: l.form,
        });
        let values = self.keys().map(|(key, values)| {
            (
                key.clone(),
                values
                    .iter()
                    .map(|(dot, value)| (index(dot), value.clone()))
                    .collect(),
            )
        });
        RecordJson {
            record: self.id(),
            changes: changes.collect(),
            values: KeysJson(values.collect()),
        }
        .serialize(s)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let json = RecordJson::deserialize(d)?;
        read(json).map_err(de::Error::custom)
    }
}

fn read(json: RecordJson) -> Result<Record, ParseError> {
    let mut lives: Vec<Live> = json
        .changes
        .into_iter()
        .map(|l| Live {
            dot: Dot::new(l.actor, l.seq),
            clock: l.clock,
            saved: l.saved,
            effective: l.effective,
            received: l.received,
            form: l.form,
            values: 0,
        })
        .collect();
    let mut keys: Vec<(Key, Values)> = Vec::with_capacity(json.values.0.len());
    for (key, values) in json.values.0 {
        let mut owned = Values::new();
        for (slot, value) in values {
            let live = lives
                .get_mut(slot)
                .ok_or(ParseError::Bytes("record value without its changeset"))?;
            live.values = live.values.saturating_add(1);
            owned.push((live.dot, value));
        }
        owned.sort_by_key(|(dot, _)| *dot);
        keys.push((key, owned));
    }
    keys.sort_by(|a, b| a.0.cmp(&b.0));
    Record::from_parts(json.record, lives, keys)
}
