//! Values in a frame: a tag and what it needs, the commonest ones in two bytes.

use jiff::SignedDuration;
use jiff::civil::Date;

use super::bytes::{BAD, In, Out};
use super::tables::{CODE_BYTES_MAX, Gathered, Tables};
use crate::error::ParseError;
use crate::ids::RowId;
use crate::value::{
    Attachment, Codes, DateTime, Decimal, Geo, Int, OPAQUE_TAG_MIN, Opaque, RowPlace, Text, Time,
    Value,
};

const NULL: u64 = 0;
const NO: u64 = 1;
const YES: u64 = 2;
const INT: u64 = 3;
/// Digits and how many of them stand behind the point.
const DECIMAL: u64 = 4;
const DECIMAL_TEXT: u64 = 5;
const TEXT: u64 = 6;
/// A choice by its place in the frame's table.
const CODE: u64 = 7;
const CODE_TEXT: u64 = 8;
const CODES: u64 = 9;
const CODES_TEXT: u64 = 10;
/// Days from the day of the changeset's clock.
const DATE: u64 = 11;
const TIME: u64 = 12;
const TIME_OFFSET: u64 = 13;
const DATETIME: u64 = 14;
const GEO: u64 = 15;
const ATTACHMENT: u64 = 16;
const ROW: u64 = 17;
const ROW_NESTED: u64 = 18;
const RESTORED: u64 = 19;
const DELETED: u64 = 20;

const DAY_MS: u64 = 86_400_000;
const EPOCH_DAY: Date = Date::constant(1970, 1, 1);

/// Days since 1970.
fn day(date: Date) -> i64 {
    date.duration_since(EPOCH_DAY).as_hours() / 24
}

/// The number of a clock's day: what dates are told from.
pub(super) fn base_day(ms: u64) -> i64 {
    (ms / DAY_MS).cast_signed()
}

fn date_of(days: i64) -> Result<Date, ParseError> {
    let hours = days.checked_mul(24).filter(|h| h.abs() < 200_000_000);
    let hours = SignedDuration::from_hours(hours.ok_or(BAD)?);
    EPOCH_DAY.checked_add(hours).map_err(|_| BAD)
}

pub(super) fn write(out: &mut Out, tables: &mut Gathered<'_>, value: &Value, base_day: i64) {
    match value {
        Value::Null => out.uint(NULL),
        Value::Bool(b) => out.uint(if *b { YES } else { NO }),
        Value::Int(n) => {
            out.uint(INT);
            out.int(n.get());
        }
        Value::Decimal(d) => write_decimal(out, d),
        Value::Text(text) => write_text(out, TEXT, text.as_str()),
        Value::Code(code) => write_code(out, tables, code),
        Value::Codes(codes) => write_codes(out, tables, codes),
        Value::Date(date) => {
            out.uint(DATE);
            out.int(day(*date) - base_day);
        }
        Value::Time(time) => {
            out.uint(if time.offset_min().is_some() {
                TIME_OFFSET
            } else {
                TIME
            });
            write_ms(out, time.ms());
            if let Some(offset) = time.offset_min() {
                out.int(offset.into());
            }
        }
        Value::DateTime(moment) => {
            out.uint(DATETIME);
            out.int(day(moment.date()) - base_day);
            write_ms(out, moment.ms());
            out.int(moment.offset_min().into());
        }
        Value::Geo(geo) => write_geo(out, geo),
        Value::Attachment(a) => {
            out.uint(ATTACHMENT);
            out.raw(&a.sha256);
            out.uint(a.size);
            write_short(out, tables, &a.media_type);
        }
        Value::Row(place) => {
            out.uint(if place.parent.is_some() {
                ROW_NESTED
            } else {
                ROW
            });
            if let Some(parent) = place.parent {
                out.raw(parent.as_bytes());
            }
            out.block(place.order().as_bytes());
        }
        Value::Deleted(b) => out.uint(if *b { DELETED } else { RESTORED }),
        Value::Opaque(o) => {
            out.uint(o.tag().into());
            out.block(o.bytes());
        }
    }
}

/// Whole seconds even, milliseconds odd.
fn write_ms(out: &mut Out, ms: u32) {
    match ms % 1000 {
        0 => out.uint(u64::from(ms / 1000) << 1),
        _ => out.uint(u64::from(ms) << 1 | 1),
    }
}

fn read_ms(r: &mut In<'_>) -> Result<u32, ParseError> {
    let n = r.uint()?;
    let ms = if n & 1 == 0 {
        (n >> 1).checked_mul(1000)
    } else {
        Some(n >> 1)
    };
    ms.and_then(|ms| u32::try_from(ms).ok()).ok_or(BAD)
}

fn write_text(out: &mut Out, tag: u64, text: &str) {
    out.uint(tag);
    out.block(text.as_bytes());
}

/// A short text by its place in the table and one, a longer one behind a zero.
fn write_short(out: &mut Out, tables: &mut Gathered<'_>, text: &Text) {
    if text.as_str().len() <= CODE_BYTES_MAX {
        out.count(tables.codes.place(text) + 1);
    } else {
        out.uint(0);
        out.block(text.as_str().as_bytes());
    }
}

fn write_code(out: &mut Out, tables: &mut Gathered<'_>, code: &Text) {
    if code.as_str().len() <= CODE_BYTES_MAX {
        out.uint(CODE);
        out.count(tables.codes.place(code));
    } else {
        write_text(out, CODE_TEXT, code.as_str());
    }
}

fn write_codes(out: &mut Out, tables: &mut Gathered<'_>, codes: &Codes) {
    let short = codes.iter().all(|c| c.len() <= CODE_BYTES_MAX);
    out.uint(if short { CODES } else { CODES_TEXT });
    out.count(codes.iter().len());
    for code in codes.texts() {
        if short {
            out.count(tables.codes.place(code));
        } else {
            out.block(code.as_str().as_bytes());
        }
    }
}

/// The digits as a number and how many stand behind the point, if they fit; else the text.
fn write_decimal(out: &mut Out, decimal: &Decimal) {
    let text = decimal.as_str();
    let behind = text.split_once('.').map_or(0, |(_, part)| part.len());
    let digits: String = text.chars().filter(|c| *c != '.').collect();
    match digits.parse::<i64>() {
        // A minus before a zero is lost in a number, but only `-0.…` has that; so it goes by its text if it is small.
        Ok(n) if decimal_text(n, behind).as_deref() == Some(text) => {
            out.uint(DECIMAL);
            out.count(behind);
            out.int(n);
        }
        _ => write_text(out, DECIMAL_TEXT, text),
    }
}

fn decimal_text(n: i64, behind: usize) -> Option<String> {
    if behind > 20 {
        return None;
    }
    let sign = if n < 0 { "-" } else { "" };
    let digits = format!("{:0width$}", n.unsigned_abs(), width = behind + 1);
    let (whole, part) = digits.split_at_checked(digits.len() - behind)?;
    let point = if behind > 0 { "." } else { "" };
    Some(format!("{sign}{whole}{point}{part}"))
}

fn write_geo(out: &mut Out, geo: &Geo) {
    out.uint(GEO);
    out.byte(u8::from(geo.alt_cm.is_some()) | u8::from(geo.acc_cm.is_some()) << 1);
    out.int(geo.lat_e7.into());
    out.int(geo.lon_e7.into());
    if let Some(alt) = geo.alt_cm {
        out.int(alt.into());
    }
    if let Some(acc) = geo.acc_cm {
        out.uint(acc.into());
    }
}

fn read_geo(r: &mut In<'_>) -> Result<Geo, ParseError> {
    let small = |n: i64| i32::try_from(n).map_err(|_| BAD);
    let has = r.byte()?;
    if has > 3 {
        return Err(BAD);
    }
    Geo {
        lat_e7: small(r.int()?)?,
        lon_e7: small(r.int()?)?,
        alt_cm: (has & 1 != 0)
            .then(|| r.int().and_then(small))
            .transpose()?,
        acc_cm: (has & 2 != 0).then(|| r.u32()).transpose()?,
    }
    .checked()
}

/// What may still be read, in bytes of canonical form: a short reference must not stand for much. It counts what a write
/// and a choice take there at the very least, so what keeps the limits is never refused; the limits themselves are
/// checked over the canonical bytes.
pub(super) struct Budget(pub(super) usize);

/// A write: the array around it, a key in three bytes, a value in two.
const WRITE_BYTES: usize = 6;
/// What stands before a choice.
const CODE_HEAD: usize = 1;

impl Budget {
    fn spend(&mut self, bytes: usize) -> Result<(), ParseError> {
        match self.0.checked_sub(bytes) {
            Some(left) => self.0 = left,
            None => {
                return Err(ParseError::Limit {
                    what: "changeset bytes",
                    limit: crate::change::CHANGESET_BYTES_MAX as u64,
                });
            }
        }
        Ok(())
    }
    fn code<'t>(&mut self, code: &'t Text) -> Result<&'t Text, ParseError> {
        self.spend(code.as_str().len() + CODE_HEAD)?;
        Ok(code)
    }
}

pub(super) fn read(
    r: &mut In<'_>,
    tables: &Tables,
    budget: &mut Budget,
    base_day: i64,
) -> Result<Value, ParseError> {
    budget.spend(WRITE_BYTES)?;
    let offset = |r: &mut In<'_>| i16::try_from(r.int()?).map_err(|_| BAD);
    let date = |r: &mut In<'_>| date_of(base_day.saturating_add(r.int()?));
    let value = match r.uint()? {
        NULL => Value::Null,
        NO => Value::Bool(false),
        YES => Value::Bool(true),
        INT => Value::Int(Int::new(r.int()?)?),
        DECIMAL => {
            let behind = r.index()?;
            let text = decimal_text(r.int()?, behind).ok_or(BAD)?;
            Value::Decimal(Decimal::parse(&text)?)
        }
        DECIMAL_TEXT => Value::Decimal(Decimal::parse(r.text()?)?),
        TEXT => Value::Text(Text::new(r.text()?)?),
        CODE => Value::Code(budget.code(tables.code(r.index()?)?)?.clone()),
        CODE_TEXT => Value::Code(Text::new(r.text()?)?),
        CODES => {
            let codes = (0..r.count(1)?)
                .map(|_| Ok(budget.code(tables.code(r.index()?)?)?.clone()))
                .collect::<Result<_, ParseError>>()?;
            Value::Codes(Codes::from_sorted(codes)?)
        }
        CODES_TEXT => {
            let codes = (0..r.count(1)?)
                .map(|_| Text::new(r.text()?))
                .collect::<Result<_, _>>()?;
            Value::Codes(Codes::from_sorted(codes)?)
        }
        DATE => Value::Date(crate::value::date_in_range(date(r)?)?),
        TIME => Value::Time(Time::new(read_ms(r)?, None)?),
        TIME_OFFSET => Value::Time(Time::new(read_ms(r)?, Some(offset(r)?))?),
        DATETIME => Value::DateTime(DateTime::new(date(r)?, read_ms(r)?, offset(r)?)?),
        GEO => Value::Geo(read_geo(r)?),
        ATTACHMENT => Value::Attachment(Attachment {
            sha256: r.fixed()?,
            size: r.uint()?,
            media_type: match r.index()? {
                0 => Text::new(r.text()?)?,
                place => budget.code(tables.code(place - 1)?)?.clone(),
            },
        }),
        ROW => Value::Row(RowPlace::new(None, r.text()?)?),
        ROW_NESTED => {
            let parent = RowId::from_bytes(r.fixed()?);
            Value::Row(RowPlace::new(Some(parent), r.text()?)?)
        }
        RESTORED => Value::Deleted(false),
        DELETED => Value::Deleted(true),
        tag => {
            let tag = u32::try_from(tag).map_err(|_| BAD)?;
            if tag < OPAQUE_TAG_MIN {
                return Err(ParseError::Bytes("unknown tag below 32"));
            }
            Value::Opaque(Opaque::new(tag, r.block()?.to_vec())?)
        }
    };
    value.check()?;
    Ok(value)
}
