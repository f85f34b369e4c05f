//! What an answer may hold. Every value has one canonical form, so that equal answers are equal bytes.
//!
//! Not here: whether a value fits its question ([`crate::validate`]) or which of several wins ([`crate::policy`]).

use std::fmt;

mod moment;

pub(crate) use moment::date_in_range;
pub use moment::{DateTime, Time, parse_date};

use crate::error::ParseError;
use crate::ids::{COUNTER_MAX, RowId};

/// Text and code limit, in bytes of UTF-8 (§1.8).
pub const TEXT_BYTES_MAX: usize = 64 * 1024;
/// The first tag that is length-prefixed, kept, hashed and sent on untouched (§1.3).
pub const OPAQUE_TAG_MIN: u32 = 32;

/// One answer or one piece of record or row meta.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Cleared by somebody; differs from never asked.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number within ±(2^53 − 1); larger ones are decimals.
    Int(Int),
    /// A decimal number, exact.
    Decimal(Decimal),
    /// Free text.
    Text(Text),
    /// One choice.
    Code(Text),
    /// Several choices: a set.
    Codes(Codes),
    /// A calendar day.
    Date(jiff::civil::Date),
    /// A time of day, to the millisecond.
    Time(Time),
    /// A moment with the offset of the place where it was noted.
    DateTime(DateTime),
    /// A place.
    Geo(Geo),
    /// A file that travels apart.
    Attachment(Attachment),
    /// The row stands, at this place among its siblings.
    Row(RowPlace),
    /// The record or row was deleted (true) or restored (false).
    Deleted(bool),
    /// A kind of value that this build does not know: kept, hashed and sent on.
    Opaque(Opaque),
}

/// An unknown tag (32 or above) and its bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opaque {
    tag: u32,
    bytes: Vec<u8>,
}

impl Opaque {
    /// Wraps what a newer peer sent.
    pub fn new(tag: u32, bytes: Vec<u8>) -> Result<Self, ParseError> {
        if tag < OPAQUE_TAG_MIN {
            return Err(ParseError::Bytes("tag below 32"));
        }
        limit("unknown value bytes", bytes.len(), TEXT_BYTES_MAX)?;
        Ok(Self { tag, bytes })
    }
    /// The tag, 32 or above.
    pub fn tag(&self) -> u32 {
        self.tag
    }
    /// The bytes, untouched.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A whole number within ±(2^53 − 1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Int(i64);

impl Int {
    /// Takes a number that JavaScript holds exactly.
    pub fn new(n: i64) -> Result<Self, ParseError> {
        if n.unsigned_abs() <= COUNTER_MAX {
            Ok(Self(n))
        } else {
            Err(ParseError::Value("int"))
        }
    }
    /// The number.
    pub fn get(self) -> i64 {
        self.0
    }
}

/// UTF-8 text of at most 64 KB.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Box<str>);

impl Text {
    /// Takes text within the limit.
    pub fn new(text: impl Into<Box<str>>) -> Result<Self, ParseError> {
        let text = text.into();
        limit("text bytes", text.len(), TEXT_BYTES_MAX)?;
        Ok(Self(text))
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A decimal number as text without exponent, leading or trailing zeros: `-12.5`, `0`, `1000000`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(Box<str>);

impl Decimal {
    /// Takes the canonical spelling only, at most 64 characters.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let bad = Err(ParseError::Value("decimal"));
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, part) = digits
            .split_once('.')
            .map_or((digits, None), |(w, p)| (w, Some(p)));
        let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
        if text.len() > 64 || !all_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
            return bad;
        }
        if part.is_some_and(|p| !all_digits(p) || p.ends_with('0')) || text == "-0" {
            return bad;
        }
        Ok(Self(text.into()))
    }
    /// Takes what people and spreadsheets write (`007.50`, `+1`, `.5`) and makes it canonical; no exponent.
    pub fn normalise(text: &str) -> Result<Self, ParseError> {
        let t = text.trim();
        let (sign, t) = match t.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", t.strip_prefix('+').unwrap_or(t)),
        };
        let (whole, part) = t.split_once('.').unwrap_or((t, ""));
        if whole.is_empty() && part.is_empty() {
            return Err(ParseError::Value("decimal"));
        }
        let whole = match whole.trim_start_matches('0') {
            "" => "0",
            w => w,
        };
        let part = part.trim_end_matches('0');
        let sign = if whole == "0" && part.is_empty() {
            ""
        } else {
            sign
        };
        if part.is_empty() {
            Self::parse(&format!("{sign}{whole}"))
        } else {
            Self::parse(&format!("{sign}{whole}.{part}"))
        }
    }
    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A set of choices, sorted bytewise, none twice, none with white space inside.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Codes(Vec<Text>);

impl Codes {
    /// Makes a set; order and repetition do not matter. At most 2,000 codes and 64 KB together.
    pub fn new(codes: impl IntoIterator<Item = Text>) -> Result<Self, ParseError> {
        let mut codes: Vec<Text> = codes.into_iter().collect();
        limit("codes of one answer", codes.len(), 2_000)?;
        limit(
            "code bytes",
            codes.iter().map(|c| c.as_str().len()).sum(),
            TEXT_BYTES_MAX,
        )?;
        codes.sort();
        codes.dedup();
        Ok(Self(codes))
    }
    /// Takes only what is sorted and free of repetition: the wire form.
    pub fn from_sorted(codes: Vec<Text>) -> Result<Self, ParseError> {
        if codes.windows(2).any(|w| w[0] >= w[1]) {
            return Err(ParseError::Value("codes"));
        }
        Self::new(codes)
    }
    /// The codes in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(Text::as_str)
    }
    /// The codes in order, as texts.
    pub(crate) fn texts(&self) -> &[Text] {
        &self.0
    }
    /// All of them together, for reading only: it may hold more codes than one answer may.
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all: Vec<Text> = sets.into_iter().flat_map(|s| &s.0).cloned().collect();
        all.sort();
        all.dedup();
        Self(all)
    }
    /// Whether every code of `other` is here too.
    pub fn contains(&self, other: &Self) -> bool {
        other.0.iter().all(|c| self.0.binary_search(c).is_ok())
    }
}

/// A place: degrees times 10^7, altitude and accuracy in centimetres if known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Geo {
    /// Latitude in 10^-7 degrees, ±90.
    pub lat_e7: i32,
    /// Longitude in 10^-7 degrees, ±180.
    pub lon_e7: i32,
    /// Altitude in centimetres.
    pub alt_cm: Option<i32>,
    /// Accuracy in centimetres.
    pub acc_cm: Option<u32>,
}

impl Geo {
    /// Refuses what lies off the globe.
    pub fn checked(self) -> Result<Self, ParseError> {
        let on_globe = self.lat_e7.unsigned_abs() <= 900_000_000
            && self.lon_e7.unsigned_abs() <= 1_800_000_000;
        if on_globe {
            Ok(self)
        } else {
            Err(ParseError::Value("geo"))
        }
    }
}

/// A reference to a file: the SHA-256 of its stored bytes, its size and its media type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Attachment {
    /// SHA-256 of the bytes as stored.
    pub sha256: [u8; 32],
    /// Size in bytes, at most 2^53 − 1.
    pub size: u64,
    /// Media type, such as `image/jpeg`.
    pub media_type: Text,
}

/// Where a row stands: under which parent row (of a repeat inside a repeat) and by which order key among its
/// siblings. Order keys compare bytewise; ties go by row id.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowPlace {
    /// The row that holds this one, in a nested repeat.
    pub parent: Option<RowId>,
    /// A fractional order key: 1 to 64 characters of `0-9a-zA-Z`.
    order: Box<str>,
}

impl RowPlace {
    /// A place with a checked order key.
    pub fn new(parent: Option<RowId>, order: &str) -> Result<Self, ParseError> {
        if order.is_empty() || order.len() > 64 || !order.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return Err(ParseError::Value("row"));
        }
        Ok(Self {
            parent,
            order: order.into(),
        })
    }
    /// `a0`, or `<parent row>/a0` in a nested repeat.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        match text.split_once('/') {
            Some((parent, order)) => Self::new(Some(parent.parse()?), order),
            None => Self::new(None, text),
        }
    }
    /// The order key.
    pub fn order(&self) -> &str {
        &self.order
    }
}
impl fmt::Display for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}/")?;
        }
        f.write_str(&self.order)
    }
}

/// The limit `max` for `what`, named in the error.
pub(crate) fn limit(what: &'static str, got: usize, max: usize) -> Result<(), ParseError> {
    if got <= max {
        Ok(())
    } else {
        Err(ParseError::Limit {
            what,
            limit: max as u64,
        })
    }
}

impl Value {
    /// The tag of §1.3: below 32 frozen, from 32 up unknown to this build.
    pub fn tag(&self) -> u32 {
        match self {
            Self::Null => 0,
            Self::Bool(_) => 1,
            Self::Int(_) => 2,
            Self::Decimal(_) => 3,
            Self::Text(_) => 4,
            Self::Code(_) => 5,
            Self::Codes(_) => 6,
            Self::Date(_) => 7,
            Self::Time(_) => 8,
            Self::DateTime(_) => 9,
            Self::Geo(_) => 10,
            Self::Attachment(_) => 11,
            // 12 is reserved for sealed values (§4).
            Self::Row(_) => 13,
            Self::Deleted(_) => 14,
            Self::Opaque(o) => o.tag,
        }
    }
    /// Refuses what its public parts may hold and no reader would take.
    pub(crate) fn check(&self) -> Result<(), ParseError> {
        match self {
            Self::Geo(geo) => geo.checked().map(drop),
            Self::Attachment(a) if a.size > COUNTER_MAX => Err(ParseError::Counter),
            _ => Ok(()),
        }
    }
    /// The name of the tag on the JSON wire; unknown tags have their number only.
    pub fn tag_name(&self) -> Option<&'static str> {
        TAG_NAMES
            .get(self.tag() as usize)
            .copied()
            .filter(|n| !n.is_empty())
    }
}

/// JSON tag names by number; the empty one is reserved.
pub(crate) const TAG_NAMES: [&str; 15] = [
    "null",
    "bool",
    "int",
    "decimal",
    "text",
    "code",
    "codes",
    "date",
    "time",
    "datetime",
    "geo",
    "attachment",
    "",
    "row",
    "deleted",
];

/// Answers never reach a log: only the type prints.
macro_rules! redact {
    ($($t:ident),*) => {$(
        impl fmt::Debug for $t {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($t), "(…)"))
            }
        }
    )*};
}
redact!(
    Opaque, Int, Text, Decimal, Codes, Time, DateTime, Geo, Attachment, RowPlace
);

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tag_name() {
            Some(name) => write!(f, "{name}(…)"),
            None => write!(f, "x{}(…)", self.tag()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        for good in ["0", "-1", "12.5", "0.001", "123456789012345678901234567890"] {
            assert_eq!(Decimal::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "", "-", "-0", "00", "1.0", ".5", "1.", "1e5", "+1", "NaN", "1,5", "٣",
        ] {
            assert!(Decimal::parse(bad).is_err(), "{bad} was taken");
        }
        for (raw, canonical) in [
            ("007.50", "7.5"),
            ("+1", "1"),
            (".5", "0.5"),
            ("-0.0", "0"),
            ("5.", "5"),
            (" 3 ", "3"),
        ] {
            assert_eq!(Decimal::normalise(raw).unwrap().as_str(), canonical);
        }
        assert!(Decimal::normalise("1e5").is_err());
    }

    #[test]
    fn a_set_of_codes_forgets_order() {
        let t = |s: &str| Text::new(s).unwrap();
        assert_eq!(
            Codes::new([t("b"), t("a"), t("b")]).unwrap(),
            Codes::from_sorted(vec![t("a"), t("b")]).unwrap()
        );
        assert!(Codes::from_sorted(vec![t("b"), t("a")]).is_err());
    }

    #[test]
    fn an_answer_never_prints() {
        let v = Value::Text(Text::new("Sokha").unwrap());
        assert_eq!(
            format!("{v:?} {:?}", Text::new("Sokha").unwrap()),
            "text(…) Text(…)"
        );
    }
}
