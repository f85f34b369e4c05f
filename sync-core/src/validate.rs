//! Whether answers fit their questions: type, choice, number of rows, scale, media type.
//!
//! It flags and never refuses: an answer that does not fit is still somebody's testimony. Not here: required, relevant
//! and constraint (expressions are evaluated by the client alone), and record meta.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::coded;
use crate::form::{DataType, Field, FieldKind, PublishedForm, RangeLimits};
use crate::ids::{FieldId, RowId};
use crate::key::Key;
use crate::value::{Decimal, Value};

/// The most rows of one repeat (§1.8).
pub const ROWS_MAX: usize = 500;

coded! {
    /// What is unusual about an answer. It never quotes the answer.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    pub enum Fault {
        /// This version of the form has no such field.
        UnknownField = "answer_field_unknown",
        /// A group, repeat or note holds no answer.
        NotAnswerable = "answer_not_a_question",
        /// The field stands in a repeat, or in another one, or in none.
        WrongRepeat = "answer_repeat_wrong",
        /// Rows of what is no repeat.
        NotARepeat = "answer_not_a_repeat",
        /// A row of a nested repeat without a row around it, or the other way round.
        RowPlace = "answer_row_place",
        /// A repeat has more rows than it may.
        TooManyRows = "answer_rows_too_many",
        /// The value is of another type than the question.
        WrongType = "answer_type_wrong",
        /// A code that the question does not offer.
        UnknownChoice = "answer_choice_unknown",
        /// Outside the scale of a range question.
        OutOfRange = "answer_out_of_range",
        /// A file of another kind than the question asks.
        WrongMedia = "answer_media_wrong",
    }
}

/// One answer that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flag {
    /// Where.
    pub key: Key,
    /// How.
    pub fault: Fault,
}

/// Flags the answers that do not fit `form`, in the order they come. A part of a record may be given too.
pub fn validate<'a>(
    form: &PublishedForm,
    answers: impl IntoIterator<Item = (&'a Key, &'a Value)>,
) -> Vec<Flag> {
    let mut flags = Vec::new();
    let mut rows: BTreeMap<FieldId, BTreeSet<RowId>> = BTreeMap::new();
    for (key, value) in answers {
        let fault = match key {
            Key::Field(field) => answer(form, *field, None, value),
            Key::Row { group, field, .. } => answer(form, *field, Some(*group), value),
            Key::RowMeta { group, .. } => row(form, *group, value),
            Key::Meta(_) | Key::Opaque(_) => None,
        };
        let new_row = key
            .row()
            .filter(|(group, row)| rows.entry(*group).or_default().insert(*row));
        let full = new_row
            .is_some_and(|(group, _)| rows.get(&group).is_some_and(|r| r.len() == ROWS_MAX + 1));
        let full = full.then_some(Fault::TooManyRows);
        flags.extend(fault.into_iter().chain(full).map(|fault| Flag {
            key: key.clone(),
            fault,
        }));
    }
    flags
}

fn row(form: &PublishedForm, group: FieldId, value: &Value) -> Option<Fault> {
    let Some(repeat) = form.field(group) else {
        return Some(Fault::UnknownField);
    };
    if repeat.kind != FieldKind::Repeat {
        return Some(Fault::NotARepeat);
    }
    match value {
        Value::Row(place) if place.parent.is_some() != repeat.repeat.is_some() => {
            Some(Fault::RowPlace)
        }
        Value::Row(_) | Value::Deleted(_) | Value::Opaque(_) => None,
        _ => Some(Fault::WrongType),
    }
}

fn answer(
    form: &PublishedForm,
    id: FieldId,
    group: Option<FieldId>,
    value: &Value,
) -> Option<Fault> {
    let Some(field) = form.field(id) else {
        return Some(Fault::UnknownField);
    };
    if field.kind.is_structure() || field.kind == FieldKind::Note {
        return Some(Fault::NotAnswerable);
    }
    if form.repeat_of(field) != group {
        return Some(Fault::WrongRepeat);
    }
    match value {
        // What this build cannot read it does not judge.
        Value::Null | Value::Opaque(_) => None,
        _ => fits(form, field, value),
    }
}

fn fits(form: &PublishedForm, field: &Field, value: &Value) -> Option<Fault> {
    let offers = |code: &str| {
        let choices = form.model().choices(field);
        choices.is_none_or(|all| all.iter().any(|c| c.code == code))
    };
    let unknown = |known: bool| (!known).then_some(Fault::UnknownChoice);
    match (field.kind, value) {
        (FieldKind::SelectOne, Value::Code(code)) => unknown(offers(code.as_str())),
        (FieldKind::SelectMultiple, Value::Codes(codes)) => unknown(codes.iter().all(offers)),
        // A set has no order, so a ranking is text: its codes apart by spaces.
        (FieldKind::Rank, Value::Text(codes)) => unknown(codes.as_str().split(' ').all(offers)),
        (FieldKind::Range, number) => match decimal(number) {
            Some(_) if !typed(range_type(field), value) => Some(Fault::WrongType),
            Some(n) => field
                .range
                .as_ref()
                .filter(|r| !within(r, &n))
                .map(|_| Fault::OutOfRange),
            None => Some(Fault::WrongType),
        },
        (kind, Value::Attachment(file)) if kind.is_file() => {
            let class = match kind {
                FieldKind::Image => "image/",
                FieldKind::Audio => "audio/",
                FieldKind::Video => "video/",
                _ => "",
            };
            (!file.media_type.as_str().starts_with(class)).then_some(Fault::WrongMedia)
        }
        (kind, value) => {
            let fits = match kind {
                FieldKind::Text | FieldKind::Barcode | FieldKind::RowId => {
                    typed(DataType::String, value)
                }
                FieldKind::Geotrace | FieldKind::Geoshape => typed(DataType::Geotrace, value),
                FieldKind::Integer => typed(DataType::Int, value),
                FieldKind::Decimal => typed(DataType::Decimal, value),
                FieldKind::Boolean => typed(DataType::Boolean, value),
                FieldKind::Date => typed(DataType::Date, value),
                FieldKind::Time => typed(DataType::Time, value),
                FieldKind::DateTime => typed(DataType::DateTime, value),
                FieldKind::Geopoint => typed(DataType::Geopoint, value),
                FieldKind::Trigger => {
                    matches!(value, Value::Bool(_) | Value::Text(_) | Value::Code(_))
                }
                FieldKind::Calculate | FieldKind::Hidden | FieldKind::Metadata => {
                    typed(field.bind.data_type, value)
                }
                _ => false,
            };
            (!fits).then_some(Fault::WrongType)
        }
    }
}

fn range_type(field: &Field) -> DataType {
    match field.bind.data_type {
        DataType::Int => DataType::Int,
        _ => DataType::Decimal,
    }
}

fn typed(data: DataType, value: &Value) -> bool {
    match data {
        DataType::String | DataType::Barcode => matches!(value, Value::Text(_)),
        DataType::Geotrace | DataType::Geoshape => matches!(value, Value::Text(_)),
        // Beyond ±(2^53 − 1) a whole number is a decimal without a point.
        DataType::Int => match value {
            Value::Int(_) => true,
            Value::Decimal(d) => !d.as_str().contains('.'),
            _ => false,
        },
        DataType::Decimal => matches!(value, Value::Int(_) | Value::Decimal(_)),
        DataType::Boolean => matches!(value, Value::Bool(_)),
        DataType::Date => matches!(value, Value::Date(_)),
        DataType::Time => matches!(value, Value::Time(_)),
        DataType::DateTime => matches!(value, Value::DateTime(_)),
        DataType::Geopoint => matches!(value, Value::Geo(_)),
        DataType::Binary => matches!(value, Value::Attachment(_)),
    }
}

fn decimal(value: &Value) -> Option<Decimal> {
    match value {
        Value::Int(n) => Decimal::normalise(&n.get().to_string()).ok(),
        Value::Decimal(d) => Some(d.clone()),
        _ => None,
    }
}

/// Whether `n` lies on the scale; an end that is no number does not bind. The ends may come in either order.
fn within(limits: &RangeLimits, n: &Decimal) -> bool {
    let end = |text: &str| Decimal::normalise(text).ok();
    let (Some(a), Some(b)) = (end(&limits.start), end(&limits.end)) else {
        return true;
    };
    let (low, high) = if at_most(&a, &b) { (a, b) } else { (b, a) };
    at_most(&low, n) && at_most(n, &high)
}

/// Exact comparison of canonical decimals.
fn at_most(a: &Decimal, b: &Decimal) -> bool {
    fn parts(d: &Decimal) -> (bool, &str, &str) {
        let digits = d.as_str().strip_prefix('-').unwrap_or(d.as_str());
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        (d.as_str().starts_with('-'), whole, part)
    }
    let ((a_minus, a_whole, a_part), (b_minus, b_whole, b_part)) = (parts(a), parts(b));
    // Without leading and trailing zeros, more digits before the point is larger, and the rest compares as text.
    let size = (a_whole.len(), a_whole, a_part).cmp(&(b_whole.len(), b_whole, b_part));
    match (a_minus, b_minus) {
        (true, false) => true,
        (false, true) => false,
        (false, false) => size.is_le(),
        (true, true) => size.is_ge(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::form::{assign_ids, prepare};
    use crate::value::{Attachment, Codes, Geo, Int, RowPlace, Text, parse_date};

    const SAMPLE: &str = include_str!("form/fixtures/sample.xml");

    fn form() -> PublishedForm {
        let prepared = prepare(SAMPLE).unwrap();
        let mut n = 0;
        let draw = || {
            n += 1;
            n
        };
        let assignment = assign_ids(&[], &prepared, Vec::new(), &BTreeMap::new(), draw).unwrap();
        PublishedForm::new(prepared.model, assignment.package).unwrap()
    }

    fn text(t: &str) -> Text {
        Text::new(t).unwrap()
    }
    fn int(n: i64) -> Value {
        Value::Int(Int::new(n).unwrap())
    }
    fn codes(all: &[&str]) -> Value {
        Value::Codes(Codes::new(all.iter().map(|c| text(c))).unwrap())
    }
    fn file(media: &str) -> Value {
        Value::Attachment(Attachment {
            sha256: [0; 32],
            size: 1,
            media_type: text(media),
        })
    }

    fn one(form: &PublishedForm, key: Key, value: Value) -> Option<Fault> {
        let flags = validate(form, [(&key, &value)]);
        assert!(flags.len() <= 1);
        flags.first().map(|f| f.fault)
    }

    #[test]
    fn each_kind_takes_its_own_values() {
        let form = form();
        let decimal = |t| Value::Decimal(Decimal::parse(t).unwrap());
        let geo = Value::Geo(Geo {
            lat_e7: 0,
            lon_e7: 0,
            alt_cm: None,
            acc_cm: None,
        });
        for (path, value, fault) in [
            ("/data/consent", Value::Code(text("yes")), None),
            (
                "/data/consent",
                Value::Code(text("given")),
                Some(Fault::UnknownChoice),
            ),
            ("/data/consent", codes(&["yes"]), Some(Fault::WrongType)),
            ("/data/consent", Value::Null, None),
            ("/data/who/age", int(30), None),
            ("/data/who/age", decimal("90071992547409930"), None),
            ("/data/who/age", decimal("30.5"), Some(Fault::WrongType)),
            (
                "/data/who/age",
                Value::Text(text("30")),
                Some(Fault::WrongType),
            ),
            ("/data/who/needs", codes(&["food", "shelter"]), None),
            ("/data/who/needs", codes(&[]), None),
            (
                "/data/who/needs",
                codes(&["food", "gold"]),
                Some(Fault::UnknownChoice),
            ),
            ("/data/who/place", Value::Code(text("from a file")), None),
            ("/data/who/photo", file("image/jpeg"), None),
            (
                "/data/who/photo",
                file("text/html"),
                Some(Fault::WrongMedia),
            ),
            (
                "/data/who/thanks",
                Value::Text(text("x")),
                Some(Fault::NotAnswerable),
            ),
            ("/data/who", Value::Null, Some(Fault::NotAnswerable)),
            ("/data/who/pain", int(0), None),
            ("/data/who/pain", int(10), None),
            ("/data/who/pain", int(11), Some(Fault::OutOfRange)),
            ("/data/who/pain", int(-1), Some(Fault::OutOfRange)),
            ("/data/who/pain", decimal("1.5"), Some(Fault::WrongType)),
            ("/data/who/score", decimal("1.5"), None),
            (
                "/data/start",
                Value::Date(parse_date("2026-11-24").unwrap()),
                Some(Fault::WrongType),
            ),
            (
                "/data/legs/from",
                Value::Text(text("x")),
                Some(Fault::WrongRepeat),
            ),
            ("/data/who/age", geo, Some(Fault::WrongType)),
        ] {
            let id = form.at_path(path).unwrap().0;
            assert_eq!(
                one(&form, Key::Field(id), value.clone()),
                fault,
                "{path} {value:?}"
            );
        }
        assert_eq!(
            one(&form, Key::Field(FieldId(9_999)), Value::Null),
            Some(Fault::UnknownField)
        );
    }

    #[test]
    fn rows_stand_where_they_belong() {
        let form = form();
        let id = |path| form.at_path(path).unwrap().0;
        let (legs, stops, from, town) = (
            id("/data/legs"),
            id("/data/legs/stops"),
            id("/data/legs/from"),
            id("/data/legs/stops/town"),
        );
        let row = |n: u64| RowId::from_bytes(n.to_be_bytes());
        let place = |parent| Value::Row(RowPlace::new(parent, "a0").unwrap());
        let answer = |group, field| Key::Row {
            group,
            row: row(1),
            field,
        };
        let meta = |group| Key::RowMeta { group, row: row(1) };
        for (key, value, fault) in [
            (answer(legs, from), Value::Text(text("x")), None),
            (answer(stops, town), Value::Code(text("pp")), None),
            (
                answer(stops, from),
                Value::Text(text("x")),
                Some(Fault::WrongRepeat),
            ),
            (meta(legs), place(None), None),
            (meta(legs), place(Some(row(2))), Some(Fault::RowPlace)),
            (meta(stops), place(None), Some(Fault::RowPlace)),
            (meta(stops), place(Some(row(2))), None),
            (meta(legs), Value::Deleted(true), None),
            (meta(legs), Value::Null, Some(Fault::WrongType)),
            (meta(id("/data/who")), place(None), Some(Fault::NotARepeat)),
        ] {
            assert_eq!(one(&form, key.clone(), value), fault, "{key}");
        }
        let many: Vec<(Key, Value)> = (0..600)
            .map(|n| {
                (
                    Key::RowMeta {
                        group: legs,
                        row: row(n),
                    },
                    place(None),
                )
            })
            .collect();
        let flags = validate(&form, many.iter().map(|(k, v)| (k, v)));
        assert_eq!(
            flags,
            [Flag {
                key: many[500].0.clone(),
                fault: Fault::TooManyRows
            }]
        );
    }

    #[test]
    fn decimals_compare_exactly() {
        let order = [
            "-100", "-20.5", "-20.25", "-0.1", "0", "0.05", "0.1", "2", "10", "10.01",
        ];
        let all: Vec<Decimal> = order.iter().map(|t| Decimal::parse(t).unwrap()).collect();
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                assert_eq!(at_most(a, b), i <= j, "{} {}", a.as_str(), b.as_str());
            }
        }
    }
}
