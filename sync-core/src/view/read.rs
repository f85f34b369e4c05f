//! Reads the parts of a record in place.
//!
//! It takes what `cbor` writes, and leaves to [`crate::record::Record`] whether that is canonical throughout.

use super::{BAD, CodesView, EntryView, KeyView, LiveView, ValueView};
use crate::cbor::Reader;
use crate::error::ParseError;
use crate::ids::{CommentId, FieldId, FormHash, RowId};
use crate::key::MetaKey;

pub(super) fn read_live<'a>(r: &mut Reader<'a>) -> Result<LiveView<'a>, ParseError> {
    r.array_of(6)?;
    let dot = r.dot()?;
    let clock = r.span(|r| {
        for _ in 0..r.array()? {
            r.dot()?;
        }
        Ok(())
    })?;
    Ok(LiveView {
        dot,
        clock,
        saved: r.hlc()?,
        effective: r.hlc()?,
        received: r.uint()?,
        form: FormHash::from_bytes(r.fixed()?),
    })
}

/// Reads one key with its values. Nearly all are answers outside repeats with one value: the bytes that these have in
/// common are passed over at once.
#[inline]
pub(super) fn read_entry<'a>(
    r: &mut Reader<'a>,
    lives: usize,
) -> Result<EntryView<'a>, ParseError> {
    // An entry of two: a key of two, kind 0.
    let key = match r.eat([0x82, 0x82, 0x00]) {
        true => KeyView::Field(FieldId(r.u32()?)),
        false => {
            r.array_of(2)?;
            read_key(r)?
        }
    };
    // A list of one: a pair.
    if r.eat([0x81, 0x82]) {
        let (live, value) = read_pair(r, lives)?;
        return Ok(EntryView {
            key,
            value,
            live,
            several: false,
        });
    }
    let values = r.array()?;
    r.array_of(2)?;
    let (live, value) = read_pair(r, lives)?;
    for _ in 1..values {
        r.array_of(2)?;
        read_pair(r, lives)?;
    }
    Ok(EntryView {
        key,
        value,
        live,
        several: values > 1,
    })
}

#[inline]
fn read_pair<'a>(r: &mut Reader<'a>, lives: usize) -> Result<(usize, ValueView<'a>), ParseError> {
    let live = usize::try_from(r.uint()?).map_err(|_| BAD)?;
    if live >= lives {
        return Err(BAD);
    }
    // Texts, codes, whole numbers: the most.
    let value = if r.eat([0x82, 0x05]) {
        ValueView::Code(r.text()?)
    } else if r.eat([0x82, 0x04]) {
        ValueView::Text(r.text()?)
    } else if r.eat([0x82, 0x02]) {
        ValueView::Int(r.int()?)
    } else {
        read_value(r)?
    };
    Ok((live, value))
}

fn read_key<'a>(r: &mut Reader<'a>) -> Result<KeyView<'a>, ParseError> {
    let len = r.array()?;
    let kind = r.u32()?;
    Ok(match (kind, len) {
        (0, 2) => KeyView::Field(FieldId(r.u32()?)),
        (1, 4) => KeyView::Row {
            group: FieldId(r.u32()?),
            row: RowId::from_bytes(r.fixed()?),
            field: FieldId(r.u32()?),
        },
        (2, 3) => KeyView::RowMeta {
            group: FieldId(r.u32()?),
            row: RowId::from_bytes(r.fixed()?),
        },
        (3, _) => KeyView::Meta(match (r.uint()?, len) {
            (0, 2) => MetaKey::Status,
            (1, 2) => MetaKey::Assignee,
            (2, 2) => MetaKey::Deleted,
            (3, 3) => MetaKey::Comment(CommentId::from_bytes(r.fixed()?)),
            _ => return Err(BAD),
        }),
        (tag, 2) => KeyView::Opaque {
            tag,
            bytes: r.bytes()?,
        },
        _ => return Err(BAD),
    })
}

pub(super) fn read_value<'a>(r: &mut Reader<'a>) -> Result<ValueView<'a>, ParseError> {
    let len = r.array()?;
    let tag = r.u32()?;
    Ok(match (tag, len) {
        (0, 1) => ValueView::Null,
        (1, 2) => ValueView::Bool(r.bool()?),
        (2, 2) => ValueView::Int(r.int()?),
        (3, 2) => ValueView::Decimal(r.text()?),
        (4, 2) => ValueView::Text(r.text()?),
        (5, 2) => ValueView::Code(r.text()?),
        (6, 2) => {
            let len = r.array()?;
            let codes = *r;
            for _ in 0..len {
                r.text()?;
            }
            ValueView::Codes(CodesView { len, codes })
        }
        (7, 2) => ValueView::Date(r.text()?),
        (8, 2) => ValueView::Time(r.text()?),
        (9, 2) => ValueView::DateTime(r.text()?),
        (10, 5) => ValueView::Geo(r.geo()?),
        (11, 4) => ValueView::Attachment {
            sha256: r.bytes()?,
            size: r.uint()?,
            media_type: r.text()?,
        },
        (13, 3) => ValueView::Row {
            parent: match r.null() {
                true => None,
                false => Some(RowId::from_bytes(r.fixed()?)),
            },
            order: r.text()?,
        },
        (14, 2) => ValueView::Deleted(r.bool()?),
        (tag, 2) => ValueView::Opaque {
            tag,
            bytes: r.bytes()?,
        },
        _ => return Err(BAD),
    })
}
