//! Deterministic CBOR (RFC 8949 §4.2.1) of our own arrays: the one canonical byte form, hashed and stored.
//!
//! Not a general CBOR library: only definite-length arrays, unsigned and negative integers, byte and text strings,
//! booleans and null, over `ciborium-ll`. The reader is for bytes that this crate wrote; it refuses everything else
//! without panicking and without allocating more than the input is long.

use ciborium_ll::{Decoder, Encoder, Header, simple};

use crate::clock::{Clock, Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{ActorId, CommentId, FieldId, RowId, Seq};
use crate::key::{Key, MetaKey};
use crate::value::{
    Attachment, Codes, DateTime, Decimal, Geo, Int, Opaque, RowPlace, Text, Time, Value, parse_date,
};

/// Writes canonical bytes.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(256))
    }
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
    fn push(&mut self, header: Header) {
        // Writing to a Vec cannot fail.
        let _ = Encoder::from(&mut self.0).push(header);
    }
    pub(crate) fn array(&mut self, len: usize) {
        self.push(Header::Array(Some(len)));
    }
    pub(crate) fn uint(&mut self, n: u64) {
        self.push(Header::Positive(n));
    }
    pub(crate) fn int(&mut self, n: i64) {
        // RFC 8949: a negative integer n is carried as −1 − n.
        self.push(u64::try_from(n).map_or_else(|_| Header::Negative(!n as u64), Header::Positive));
    }
    fn optional_int(&mut self, n: Option<i64>) {
        match n {
            Some(n) => self.int(n),
            None => self.null(),
        }
    }
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let _ = Encoder::from(&mut self.0).bytes(bytes, None);
    }
    pub(crate) fn text(&mut self, text: &str) {
        let _ = Encoder::from(&mut self.0).text(text, None);
    }
    pub(crate) fn bool(&mut self, b: bool) {
        self.push(Header::Simple(if b { simple::TRUE } else { simple::FALSE }));
    }
    pub(crate) fn null(&mut self) {
        self.push(Header::Simple(simple::NULL));
    }
    pub(crate) fn dot(&mut self, dot: Dot) {
        self.array(2);
        self.uint(dot.actor.0.into());
        self.uint(dot.seq.get());
    }
    pub(crate) fn hlc(&mut self, hlc: Hlc) {
        self.array(2);
        self.uint(hlc.ms());
        self.uint(hlc.n().into());
    }
    pub(crate) fn clock(&mut self, clock: &Clock) {
        self.array(clock.len());
        clock.dots().for_each(|d| self.dot(d));
    }
    /// `[kind, parts …]`.
    pub(crate) fn key(&mut self, key: &Key) {
        let mut head = |len, kind: u32| {
            self.array(len);
            self.uint(kind.into());
        };
        match key {
            Key::Field(f) => {
                head(2, 0);
                self.uint(f.0.into());
            }
            Key::Row { group, row, field } => {
                head(4, 1);
                self.uint(group.0.into());
                self.bytes(row.as_bytes());
                self.uint(field.0.into());
            }
            Key::RowMeta { group, row } => {
                head(3, 2);
                self.uint(group.0.into());
                self.bytes(row.as_bytes());
            }
            Key::Meta(MetaKey::Comment(id)) => {
                head(3, 3);
                self.uint(3);
                self.bytes(id.as_bytes());
            }
            Key::Meta(meta) => {
                head(2, 3);
                self.uint(match meta {
                    MetaKey::Status => 0,
                    MetaKey::Assignee => 1,
                    MetaKey::Deleted | MetaKey::Comment(_) => 2,
                });
            }
            Key::Opaque(o) => {
                head(2, o.tag());
                self.bytes(o.bytes());
            }
        }
    }
    /// `[tag, content …]`.
    pub(crate) fn value(&mut self, value: &Value) {
        let len = match value {
            Value::Null => 1,
            Value::Geo(_) => 5,
            Value::Attachment(_) => 4,
            Value::Row(_) => 3,
            _ => 2,
        };
        self.array(len);
        self.uint(value.tag().into());
        match value {
            Value::Null => {}
            Value::Bool(b) | Value::Deleted(b) => self.bool(*b),
            Value::Int(n) => self.int(n.get()),
            Value::Decimal(d) => self.text(d.as_str()),
            Value::Text(t) | Value::Code(t) => self.text(t.as_str()),
            Value::Codes(codes) => {
                self.array(codes.iter().len());
                codes.iter().for_each(|c| self.text(c));
            }
            Value::Date(d) => self.text(&d.to_string()),
            Value::Time(t) => self.text(&t.to_string()),
            Value::DateTime(t) => self.text(&t.to_string()),
            Value::Geo(g) => {
                self.int(g.lat_e7.into());
                self.int(g.lon_e7.into());
                self.optional_int(g.alt_cm.map(i64::from));
                self.optional_int(g.acc_cm.map(i64::from));
            }
            Value::Attachment(a) => {
                self.bytes(&a.sha256);
                self.uint(a.size);
                self.text(a.media_type.as_str());
            }
            Value::Row(place) => {
                match place.parent {
                    Some(parent) => self.bytes(parent.as_bytes()),
                    None => self.null(),
                }
                self.text(place.order());
            }
            Value::Opaque(o) => self.bytes(o.bytes()),
        }
    }
}

const BAD: ParseError = ParseError::Bytes("not our canonical form");

/// Reads canonical bytes.
pub(crate) struct Reader<'a> {
    decoder: Decoder<&'a [u8]>,
    len: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self {
            decoder: Decoder::from(bytes),
            len: bytes.len(),
        }
    }
    fn pull(&mut self) -> Result<Header, ParseError> {
        self.decoder.pull().map_err(|_| BAD)
    }
    /// Nothing may follow.
    pub(crate) fn end(mut self) -> Result<(), ParseError> {
        if self.decoder.offset() == self.len {
            Ok(())
        } else {
            Err(BAD)
        }
    }
    /// The length of an array; never more than the input could hold.
    pub(crate) fn array(&mut self) -> Result<usize, ParseError> {
        match self.pull()? {
            Header::Array(Some(n)) if n <= self.len => Ok(n),
            _ => Err(BAD),
        }
    }
    pub(crate) fn array_of(&mut self, len: usize) -> Result<(), ParseError> {
        if self.array()? == len {
            Ok(())
        } else {
            Err(BAD)
        }
    }
    pub(crate) fn uint(&mut self) -> Result<u64, ParseError> {
        match self.pull()? {
            Header::Positive(n) => Ok(n),
            _ => Err(BAD),
        }
    }
    pub(crate) fn u32(&mut self) -> Result<u32, ParseError> {
        self.uint()?.try_into().map_err(|_| BAD)
    }
    pub(crate) fn bool(&mut self) -> Result<bool, ParseError> {
        match self.pull()? {
            Header::Simple(simple::TRUE) => Ok(true),
            Header::Simple(simple::FALSE) => Ok(false),
            _ => Err(BAD),
        }
    }
    fn int_of(header: Header) -> Result<i64, ParseError> {
        match header {
            Header::Positive(n) => n.try_into().map_err(|_| BAD),
            Header::Negative(n) => i64::try_from(n).map(|n| !n).map_err(|_| BAD),
            _ => Err(BAD),
        }
    }
    fn string(&mut self, header: Header, text: bool) -> Result<Vec<u8>, ParseError> {
        let len = match header {
            Header::Bytes(Some(n)) if !text => n,
            Header::Text(Some(n)) if text => n,
            _ => return Err(BAD),
        };
        if len > self.len.saturating_sub(self.decoder.offset()) {
            return Err(BAD);
        }
        let mut out = vec![0; len];
        ciborium_io::Read::read_exact(&mut self.decoder, &mut out).map_err(|_| BAD)?;
        Ok(out)
    }
    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, ParseError> {
        let header = self.pull()?;
        self.string(header, false)
    }
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        self.bytes()?.try_into().map_err(|_| BAD)
    }
    pub(crate) fn text(&mut self) -> Result<String, ParseError> {
        let header = self.pull()?;
        String::from_utf8(self.string(header, true)?).map_err(|_| BAD)
    }
    /// The next item, or None for null.
    fn optional(&mut self) -> Result<Option<Header>, ParseError> {
        Ok(match self.pull()? {
            Header::Simple(simple::NULL) => None,
            header => Some(header),
        })
    }
    /// Runs `read` unless the next item is null. `read` starts after an array header of `len`.
    pub(crate) fn optional_array<T>(
        &mut self,
        len: usize,
        read: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Option<T>, ParseError> {
        match self.optional()? {
            None => Ok(None),
            Some(Header::Array(Some(n))) if n == len => read(self).map(Some),
            Some(_) => Err(BAD),
        }
    }
    pub(crate) fn dot(&mut self) -> Result<Dot, ParseError> {
        self.array_of(2)?;
        Ok(Dot::new(ActorId(self.u32()?), Seq::new(self.uint()?)?))
    }
    pub(crate) fn hlc(&mut self) -> Result<Hlc, ParseError> {
        self.array_of(2)?;
        Hlc::new(self.uint()?, self.uint()?.try_into().map_err(|_| BAD)?)
    }
    pub(crate) fn clock(&mut self) -> Result<Clock, ParseError> {
        (0..self.array()?).map(|_| self.dot()).collect()
    }
    pub(crate) fn key(&mut self) -> Result<Key, ParseError> {
        let len = self.array()?;
        let kind = self.u32()?;
        Ok(match (kind, len) {
            (0, 2) => Key::Field(FieldId(self.u32()?)),
            (1, 4) => Key::Row {
                group: FieldId(self.u32()?),
                row: RowId::from_bytes(self.fixed()?),
                field: FieldId(self.u32()?),
            },
            (2, 3) => Key::RowMeta {
                group: FieldId(self.u32()?),
                row: RowId::from_bytes(self.fixed()?),
            },
            (3, _) => Key::Meta(match (self.uint()?, len) {
                (0, 2) => MetaKey::Status,
                (1, 2) => MetaKey::Assignee,
                (2, 2) => MetaKey::Deleted,
                (3, 3) => MetaKey::Comment(CommentId::from_bytes(self.fixed()?)),
                _ => return Err(BAD),
            }),
            (tag, 2) => Key::Opaque(Opaque::new(tag, self.bytes()?)?),
            _ => return Err(BAD),
        })
    }
    pub(crate) fn value(&mut self) -> Result<Value, ParseError> {
        let len = self.array()?;
        let tag = self.u32()?;
        Ok(match (tag, len) {
            (0, 1) => Value::Null,
            (1, 2) => Value::Bool(self.bool()?),
            (2, 2) => Value::Int(Int::new(Self::int_of(self.pull()?)?)?),
            (3, 2) => Value::Decimal(Decimal::parse(&self.text()?)?),
            (4, 2) => Value::Text(Text::new(self.text()?)?),
            (5, 2) => Value::Code(Text::new(self.text()?)?),
            (6, 2) => {
                let n = self.array()?;
                let codes: Result<Vec<_>, _> = (0..n).map(|_| Text::new(self.text()?)).collect();
                Value::Codes(Codes::from_sorted(codes?)?)
            }
            (7, 2) => Value::Date(parse_date(&self.text()?)?),
            (8, 2) => Value::Time(Time::parse(&self.text()?)?),
            (9, 2) => Value::DateTime(DateTime::parse(&self.text()?)?),
            (10, 5) => Value::Geo(self.geo()?),
            (11, 4) => Value::Attachment(Attachment {
                sha256: self.fixed()?,
                size: self.uint()?,
                media_type: Text::new(self.text()?)?,
            }),
            (13, 3) => {
                let parent = match self.optional()? {
                    Some(header) => Some(RowId::from_slice(&self.string(header, false)?)?),
                    None => None,
                };
                Value::Row(RowPlace::new(parent, &self.text()?)?)
            }
            (14, 2) => Value::Deleted(self.bool()?),
            (tag, 2) => Value::Opaque(Opaque::new(tag, self.bytes()?)?),
            _ => return Err(BAD),
        })
    }
    fn geo(&mut self) -> Result<Geo, ParseError> {
        let mut next = || -> Result<Option<i64>, ParseError> {
            self.optional()?.map(Self::int_of).transpose()
        };
        let (lat, lon, alt, acc) = (next()?, next()?, next()?, next()?);
        let degrees = |n: Option<i64>| n.and_then(|n| i32::try_from(n).ok()).ok_or(BAD);
        Geo {
            lat_e7: degrees(lat)?,
            lon_e7: degrees(lon)?,
            alt_cm: alt.map(i32::try_from).transpose().map_err(|_| BAD)?,
            acc_cm: acc.map(u32::try_from).transpose().map_err(|_| BAD)?,
        }
        .checked()
    }
}
