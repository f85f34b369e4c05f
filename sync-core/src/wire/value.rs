//! Values as JSON: an object with exactly one member, whose name is the type tag (§9.2).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::error::ParseError;
use crate::value::{
    Attachment, Codes, DateTime, Decimal, Geo, Int, OPAQUE_TAG_MIN, Opaque, RowPlace, Text, Time,
    Value, parse_date,
};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut map = s.serialize_map(Some(1))?;
        match self {
            Value::Null => map.serialize_entry("null", &true)?,
            Value::Bool(b) => map.serialize_entry("bool", b)?,
            Value::Int(n) => map.serialize_entry("int", &n.get())?,
            Value::Decimal(d) => map.serialize_entry("decimal", d.as_str())?,
            Value::Text(t) => map.serialize_entry("text", t.as_str())?,
            Value::Code(c) => map.serialize_entry("code", c.as_str())?,
            Value::Codes(c) => map.serialize_entry("codes", &c.iter().collect::<Vec<_>>())?,
            Value::Date(d) => map.serialize_entry("date", &d.to_string())?,
            Value::Time(t) => map.serialize_entry("time", &t.to_string())?,
            Value::DateTime(t) => map.serialize_entry("datetime", &t.to_string())?,
            Value::Geo(g) => {
                map.serialize_entry("geo", &(g.lat_e7, g.lon_e7, g.alt_cm, g.acc_cm))?
            }
            Value::Attachment(a) => map.serialize_entry("attachment", &AttachmentJson::from(a))?,
            Value::Row(place) => map.serialize_entry("row", &place.to_string())?,
            Value::Deleted(b) => map.serialize_entry("deleted", b)?,
            Value::Opaque(o) => {
                map.serialize_entry(&opaque_name(o), &STANDARD.encode(o.bytes()))?
            }
        }
        map.end()
    }
}

/// `x40` for tag 40.
pub(super) fn opaque_name(o: &Opaque) -> String {
    format!("x{}", o.tag())
}

/// Reads `x40` and its base64.
pub(super) fn opaque(name: &str, base64: &str) -> Result<Opaque, ParseError> {
    let tag: u32 = name
        .strip_prefix('x')
        .and_then(|n| n.parse().ok())
        .ok_or(ParseError::Value("unknown tag"))?;
    if tag < OPAQUE_TAG_MIN || format!("x{tag}") != name {
        return Err(ParseError::Value("unknown tag"));
    }
    Opaque::new(
        tag,
        STANDARD
            .decode(base64)
            .map_err(|_| ParseError::Value("base64"))?,
    )
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AttachmentJson {
    sha256: String,
    size: u64,
    #[serde(rename = "type")]
    media_type: String,
}

impl From<&Attachment> for AttachmentJson {
    fn from(a: &Attachment) -> Self {
        Self {
            sha256: hex::encode(a.sha256),
            size: a.size,
            media_type: a.media_type.as_str().to_owned(),
        }
    }
}
impl TryFrom<AttachmentJson> for Attachment {
    type Error = ParseError;
    fn try_from(a: AttachmentJson) -> Result<Self, ParseError> {
        let mut sha256 = [0; 32];
        hex::decode_to_slice(&a.sha256, &mut sha256)
            .map_err(|_| ParseError::Value("attachment"))?;
        Ok(Self {
            sha256,
            size: a.size,
            media_type: Text::new(a.media_type)?,
        })
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct One;
        impl<'de> Visitor<'de> for One {
            type Value = Value;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with one type tag")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
                let tag: String = map
                    .next_key()?
                    .ok_or_else(|| de::Error::custom(ParseError::Value("empty")))?;
                let value = read_tagged(&tag, &mut map)?;
                match map.next_key::<de::IgnoredAny>()? {
                    None => Ok(value),
                    Some(_) => Err(de::Error::custom(ParseError::Duplicate("type tag"))),
                }
            }
        }
        d.deserialize_map(One)
    }
}

fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<String, A::Error> {
    map.next_value()
}

fn read_tagged<'de, A: MapAccess<'de>>(tag: &str, map: &mut A) -> Result<Value, A::Error> {
    fn ok<T, E: de::Error>(r: Result<T, ParseError>) -> Result<T, E> {
        r.map_err(E::custom)
    }
    let value = match tag {
        "null" => match map.next_value::<bool>()? {
            true => Value::Null,
            false => return Err(de::Error::custom(ParseError::Value("null"))),
        },
        "bool" => Value::Bool(map.next_value()?),
        "int" => Value::Int(ok(Int::new(map.next_value()?))?),
        "decimal" => Value::Decimal(ok(Decimal::parse(&text(map)?))?),
        "text" => Value::Text(ok(Text::new(text(map)?))?),
        "code" => Value::Code(ok(Text::new(text(map)?))?),
        "codes" => {
            let codes: Vec<String> = map.next_value()?;
            let codes: Result<Vec<Text>, _> = codes.into_iter().map(Text::new).collect();
            Value::Codes(ok(codes.and_then(Codes::from_sorted))?)
        }
        "date" => Value::Date(ok(parse_date(&text(map)?))?),
        "time" => Value::Time(ok(Time::parse_canonical(&text(map)?))?),
        "datetime" => Value::DateTime(ok(DateTime::parse_canonical(&text(map)?))?),
        "geo" => {
            let (lat_e7, lon_e7, alt_cm, acc_cm): (i32, i32, Option<i32>, Option<u32>) =
                map.next_value()?;
            Value::Geo(ok(Geo {
                lat_e7,
                lon_e7,
                alt_cm,
                acc_cm,
            }
            .checked())?)
        }
        "attachment" => Value::Attachment(ok(map.next_value::<AttachmentJson>()?.try_into())?),
        "row" => Value::Row(ok(RowPlace::parse(&text(map)?))?),
        "deleted" => Value::Deleted(map.next_value()?),
        unknown => Value::Opaque(ok(opaque(unknown, &text(map)?))?),
    };
    ok(value.check())?;
    Ok(value)
}
