//! Deterministic CBOR (RFC 8949 §4.2.1) of our own arrays: the one canonical byte form, hashed and stored.
//!
//! Not a general CBOR library: only definite-length arrays, unsigned and negative integers, byte and text strings,
//! booleans and null. The reader takes exactly what the writer makes, so that one content has one byte form; it refuses
//! everything else without panicking and without allocating more than a small multiple of the input.

use crate::clock::{Clock, Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{ActorId, CommentId, FieldId, RowId, Seq};
use crate::key::{Key, MetaKey};
use crate::value::{
    Attachment, Codes, DateTime, Decimal, Geo, Int, Opaque, RowPlace, Text, Time, Value, parse_date,
};

const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const SIMPLE: u8 = 7;
const FALSE: u64 = 20;
const TRUE: u64 = 21;
const NULL: u64 = 22;

/// Writes canonical bytes.
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self::with_capacity(256)
    }
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }
    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
    /// The head of an item: three bits of major type and the argument in the fewest bytes (RFC 8949 §3).
    fn head(&mut self, major: u8, n: u64) {
        let bytes = n.to_be_bytes();
        let [.., b4, b5, b6, b7] = bytes;
        let major = major << 5;
        match n {
            0..24 => self.0.push(major | b7),
            24..0x100 => self.0.extend([major | 24, b7]),
            0x100..0x1_0000 => self.0.extend([major | 25, b6, b7]),
            0x1_0000..0x1_0000_0000 => self.0.extend([major | 26, b4, b5, b6, b7]),
            _ => {
                self.0.push(major | 27);
                self.0.extend(bytes);
            }
        }
    }
    pub(crate) fn array(&mut self, len: usize) {
        self.head(ARRAY, len as u64);
    }
    pub(crate) fn uint(&mut self, n: u64) {
        self.head(UNSIGNED, n);
    }
    pub(crate) fn int(&mut self, n: i64) {
        // A negative integer n is carried as −1 − n.
        match u64::try_from(n) {
            Ok(n) => self.head(UNSIGNED, n),
            Err(_) => self.head(NEGATIVE, (!n).cast_unsigned()),
        }
    }
    fn optional_int(&mut self, n: Option<i64>) {
        match n {
            Some(n) => self.int(n),
            None => self.null(),
        }
    }
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.head(BYTES, bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }
    pub(crate) fn text(&mut self, text: &str) {
        self.head(TEXT, text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }
    /// A text that shows itself, of at most 255 bytes.
    fn shown(&mut self, text: &impl std::fmt::Display) {
        use std::io::Write as _;
        let head = self.0.len();
        self.0.push(0);
        // Writing to a vector cannot fail.
        let _ = write!(self.0, "{text}");
        let len = self.0.len() - head - 1;
        let [.., short] = len.to_be_bytes();
        match len {
            0..24 => self.0[head] = TEXT << 5 | short,
            _ => {
                self.0[head] = TEXT << 5 | 24;
                self.0.insert(head + 1, short);
            }
        }
    }
    pub(crate) fn bool(&mut self, b: bool) {
        self.head(SIMPLE, if b { TRUE } else { FALSE });
    }
    pub(crate) fn null(&mut self) {
        self.head(SIMPLE, NULL);
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
            Value::Date(d) => self.shown(d),
            Value::Time(t) => self.shown(t),
            Value::DateTime(t) => self.shown(t),
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
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }
    #[inline]
    fn take(&mut self, len: usize) -> Result<&'a [u8], ParseError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(BAD)?;
        self.rest = rest;
        Ok(taken)
    }
    /// Passes over exactly these bytes, if they come next.
    #[inline]
    pub(crate) fn eat<const N: usize>(&mut self, bytes: [u8; N]) -> bool {
        match self.rest.strip_prefix(&bytes) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
    /// The bytes that `read` passes over.
    pub(crate) fn span(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<(), ParseError>,
    ) -> Result<&'a [u8], ParseError> {
        let from = self.rest;
        read(self)?;
        from.get(..from.len().saturating_sub(self.rest.len()))
            .ok_or(BAD)
    }
    /// The argument behind a head, in exactly `N` bytes, refused if fewer would have done.
    fn argument<const N: usize>(&mut self, least: u64) -> Result<u64, ParseError> {
        let mut bytes = [0; 8];
        bytes[8 - N..].copy_from_slice(self.take(N)?);
        let n = u64::from_be_bytes(bytes);
        if n >= least { Ok(n) } else { Err(BAD) }
    }
    /// The major type and the argument of the next item.
    #[inline]
    fn head(&mut self) -> Result<(u8, u64), ParseError> {
        let (first, rest) = self.rest.split_first().ok_or(BAD)?;
        self.rest = rest;
        let n = match first & 0x1f {
            n @ 0..24 => n.into(),
            24 => self.argument::<1>(24)?,
            25 => self.argument::<2>(0x100)?,
            26 => self.argument::<4>(0x1_0000)?,
            27 => self.argument::<8>(0x1_0000_0000)?,
            _ => return Err(BAD),
        };
        Ok((first >> 5, n))
    }
    #[inline]
    fn expect(&mut self, major: u8) -> Result<u64, ParseError> {
        match self.head()? {
            (got, n) if got == major => Ok(n),
            _ => Err(BAD),
        }
    }
    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), ParseError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(BAD)
        }
    }
    /// The length of an array; never more than the rest of the input could hold.
    #[inline]
    pub(crate) fn array(&mut self) -> Result<usize, ParseError> {
        let n = self.expect(ARRAY)?;
        let n = usize::try_from(n).map_err(|_| BAD)?;
        if n <= self.rest.len() {
            Ok(n)
        } else {
            Err(BAD)
        }
    }
    /// An array of things that mostly take `usual` bytes: room is made for as many as the rest of the input may hold.
    pub(crate) fn list<T>(
        &mut self,
        usual: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Vec<T>, ParseError> {
        let n = self.array()?;
        let mut out = Vec::with_capacity(n.min(self.rest.len() / usual + 1));
        for _ in 0..n {
            out.push(read(self)?);
        }
        Ok(out)
    }
    pub(crate) fn array_of(&mut self, len: usize) -> Result<(), ParseError> {
        if self.array()? == len {
            Ok(())
        } else {
            Err(BAD)
        }
    }
    #[inline]
    pub(crate) fn uint(&mut self) -> Result<u64, ParseError> {
        self.expect(UNSIGNED)
    }
    #[inline]
    pub(crate) fn u32(&mut self) -> Result<u32, ParseError> {
        self.uint()?.try_into().map_err(|_| BAD)
    }
    pub(crate) fn bool(&mut self) -> Result<bool, ParseError> {
        match self.expect(SIMPLE)? {
            TRUE => Ok(true),
            FALSE => Ok(false),
            _ => Err(BAD),
        }
    }
    pub(crate) fn int(&mut self) -> Result<i64, ParseError> {
        Self::int_of(self.head()?)
    }
    fn int_of((major, n): (u8, u64)) -> Result<i64, ParseError> {
        let n = i64::try_from(n).map_err(|_| BAD)?;
        match major {
            UNSIGNED => Ok(n),
            NEGATIVE => Ok(!n),
            _ => Err(BAD),
        }
    }
    #[inline]
    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], ParseError> {
        let len = self.expect(BYTES)?;
        self.take(usize::try_from(len).map_err(|_| BAD)?)
    }
    pub(crate) fn fixed<const N: usize>(&mut self) -> Result<[u8; N], ParseError> {
        self.bytes()?.try_into().map_err(|_| BAD)
    }
    #[inline]
    pub(crate) fn text(&mut self) -> Result<&'a str, ParseError> {
        let len = self.expect(TEXT)?;
        let bytes = self.take(usize::try_from(len).map_err(|_| BAD)?)?;
        std::str::from_utf8(bytes).map_err(|_| BAD)
    }
    /// Whether the next item is null, which is then passed over.
    pub(crate) fn null(&mut self) -> bool {
        const NULL_BYTE: u8 = SIMPLE << 5 | NULL as u8;
        match self.rest.split_first() {
            Some((&NULL_BYTE, rest)) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }
    /// Runs `read`, which starts after an array head of `len`, unless the next item is null.
    pub(crate) fn optional_array<T>(
        &mut self,
        len: usize,
        read: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<Option<T>, ParseError> {
        if self.null() {
            return Ok(None);
        }
        self.array_of(len)?;
        read(self).map(Some)
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
        let mut clock = Clock::new();
        let mut last = None;
        for _ in 0..self.array()? {
            let dot = self.dot()?;
            if dot.seq == Seq::ZERO || last >= Some(dot.actor) {
                return Err(BAD);
            }
            last = Some(dot.actor);
            clock.add(dot);
        }
        Ok(clock)
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
            (tag, 2) => Key::Opaque(Opaque::new(tag, self.bytes()?.to_vec())?),
            _ => return Err(BAD),
        })
    }
    pub(crate) fn value(&mut self) -> Result<Value, ParseError> {
        let len = self.array()?;
        let tag = self.u32()?;
        let value = match (tag, len) {
            (0, 1) => Value::Null,
            (1, 2) => Value::Bool(self.bool()?),
            (2, 2) => Value::Int(Int::new(Self::int_of(self.head()?)?)?),
            (3, 2) => Value::Decimal(Decimal::parse(self.text()?)?),
            (4, 2) => Value::Text(Text::new(self.text()?)?),
            (5, 2) => Value::Code(Text::new(self.text()?)?),
            (6, 2) => {
                let n = self.array()?;
                let codes: Result<Vec<_>, _> = (0..n).map(|_| Text::new(self.text()?)).collect();
                Value::Codes(Codes::from_sorted(codes?)?)
            }
            (7, 2) => Value::Date(parse_date(self.text()?)?),
            (8, 2) => Value::Time(Time::parse_canonical(self.text()?)?),
            (9, 2) => Value::DateTime(DateTime::parse_canonical(self.text()?)?),
            (10, 5) => Value::Geo(self.geo()?),
            (11, 4) => Value::Attachment(Attachment {
                sha256: self.fixed()?,
                size: self.uint()?,
                media_type: Text::new(self.text()?)?,
            }),
            (13, 3) => {
                let parent = match self.null() {
                    true => None,
                    false => Some(RowId::from_bytes(self.fixed()?)),
                };
                Value::Row(RowPlace::new(parent, self.text()?)?)
            }
            (14, 2) => Value::Deleted(self.bool()?),
            (tag, 2) => Value::Opaque(Opaque::new(tag, self.bytes()?.to_vec())?),
            _ => return Err(BAD),
        };
        value.check()?;
        Ok(value)
    }
    pub(crate) fn geo(&mut self) -> Result<Geo, ParseError> {
        let mut next = || match self.null() {
            true => Ok(None),
            false => Self::int_of(self.head()?).map(Some),
        };
        let (lat, lon, alt, acc) = (next()?, next()?, next()?, next()?);
        let degrees = |n: Option<i64>| n.and_then(|n| i32::try_from(n).ok()).ok_or(BAD);
        Ok(Geo {
            lat_e7: degrees(lat)?,
            lon_e7: degrees(lon)?,
            alt_cm: alt.map(i32::try_from).transpose().map_err(|_| BAD)?,
            acc_cm: acc.map(u32::try_from).transpose().map_err(|_| BAD)?,
        })
    }
}
