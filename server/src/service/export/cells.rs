//! One answer as one cell, or as readable text inside one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tributary_sync_core::value::Geo;
use tributary_sync_core::view::ValueView;

use super::columns::Column;
use super::csv::{Csv, number};

/// Writes the cell of an answer, and those of its choices where they are split.
pub(super) fn answer(
    csv: &mut Csv,
    column: &Column,
    value: Option<ValueView<'_>>,
    scratch: &mut String,
) {
    match value {
        None | Some(ValueView::Null) => csv.empty(),
        Some(ValueView::Bool(b)) => csv.plain(if b { b"true" } else { b"false" }),
        Some(ValueView::Int(n)) => csv.with(|out| number(out, n)),
        Some(ValueView::Decimal(d)) => csv.plain(d.as_bytes()),
        Some(ValueView::Text(t)) => csv.text(t),
        Some(ValueView::Code(c)) => csv.text(column.shown(c)),
        Some(ValueView::Date(t) | ValueView::Time(t) | ValueView::DateTime(t)) => csv.text(t),
        Some(other) => {
            scratch.clear();
            readable(other, Some(column), scratch);
            csv.text(scratch);
        }
    }
    for code in &column.split {
        match value {
            Some(ValueView::Codes(codes)) => {
                csv.plain(if codes.iter().any(|c| c == &**code) {
                    b"1"
                } else {
                    b"0"
                });
            }
            _ => csv.empty(),
        }
    }
}

/// An answer as people read it: the same text as in its cell, without guards.
pub(super) fn readable(value: ValueView<'_>, column: Option<&Column>, out: &mut String) {
    use std::fmt::Write as _;
    let shown = |code| column.map_or(code, |c: &Column| c.shown(code));
    // Writing to a String cannot fail.
    let _ = match value {
        ValueView::Null => Ok(()),
        ValueView::Bool(b) => write!(out, "{b}"),
        ValueView::Int(n) => write!(out, "{n}"),
        ValueView::Decimal(t)
        | ValueView::Text(t)
        | ValueView::Date(t)
        | ValueView::Time(t)
        | ValueView::DateTime(t) => {
            out.push_str(t);
            Ok(())
        }
        ValueView::Code(c) => {
            out.push_str(shown(c));
            Ok(())
        }
        ValueView::Codes(codes) => {
            // Labels may hold spaces; codes never do.
            let apart = match column {
                Some(c) if !c.labels.is_empty() => "; ",
                _ => " ",
            };
            for (i, code) in codes.iter().enumerate() {
                if i > 0 {
                    out.push_str(apart);
                }
                out.push_str(shown(code));
            }
            Ok(())
        }
        ValueView::Geo(geo) => place(geo, out),
        ValueView::Attachment { sha256, .. } => {
            sha256.iter().try_for_each(|b| write!(out, "{b:02x}"))
        }
        ValueView::Row { parent, order } => match parent {
            Some(parent) => write!(out, "{parent}/{order}"),
            None => write!(out, "{order}"),
        },
        ValueView::Deleted(b) => write!(out, "{}", if b { "deleted" } else { "restored" }),
        ValueView::Opaque { tag, bytes } => write!(out, "x{tag}:{}", STANDARD.encode(bytes)),
    };
}

/// `latitude longitude altitude accuracy` in degrees and metres, as ODK writes places; what is not known is left out.
fn place(geo: Geo, out: &mut String) -> std::fmt::Result {
    use std::fmt::Write as _;
    fixed(i64::from(geo.lat_e7), 7, out)?;
    out.push(' ');
    fixed(i64::from(geo.lon_e7), 7, out)?;
    match (geo.alt_cm, geo.acc_cm) {
        (None, None) => {}
        (alt, acc) => {
            out.push(' ');
            match alt {
                Some(alt) => fixed(i64::from(alt), 2, out)?,
                // A place holder, so that the accuracy keeps its place.
                None => write!(out, "-")?,
            }
            if let Some(acc) = acc {
                out.push(' ');
                fixed(i64::from(acc), 2, out)?;
            }
        }
    }
    Ok(())
}

/// A number with a fixed count of decimals.
fn fixed(n: i64, decimals: u32, out: &mut String) -> std::fmt::Result {
    use std::fmt::Write as _;
    let unit = 10u64.pow(decimals);
    let (whole, part) = (n.unsigned_abs() / unit, n.unsigned_abs() % unit);
    let sign = if n < 0 { "-" } else { "" };
    write!(
        out,
        "{sign}{whole}.{part:0width$}",
        width = decimals as usize
    )
}
