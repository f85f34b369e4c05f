//! An answer's value, by the kind of its question.

use serde_json::Value as Json;
use tributary_sync_core::form::{DataType, Field, FieldKind, PublishedForm};
use tributary_sync_core::value::{
    Codes, DateTime, Decimal, Geo, Int, Text, Time, Value, parse_date,
};

use super::given::Given;
use crate::error::{Error, Result};

/// The value of `given` as an answer to `field`.
pub fn typed(form: &PublishedForm, field: &Field, given: &Given) -> Result<Value> {
    let words = match given {
        Given::Text(text) => vec![text.clone()],
        Given::Json(json) => match words(json) {
            Some(words) => words,
            None => {
                return Err(wrong(
                    field,
                    "text, a number, yes or no, or a list of codes",
                ));
            }
        },
        Given::Rows(_) => return Err(wrong(field, "one answer, not rows")),
    };
    let text = words.join(" ");
    if text.is_empty() {
        return Ok(Value::Null);
    }
    match field.kind {
        FieldKind::SelectOne => {
            check_choice(form, field, &text)?;
            Ok(Value::Code(Text::new(text)?))
        }
        FieldKind::SelectMultiple => {
            let codes: Vec<&str> = text.split([' ', ',']).filter(|c| !c.is_empty()).collect();
            codes
                .iter()
                .try_for_each(|c| check_choice(form, field, c))?;
            let codes = codes
                .into_iter()
                .map(Text::new)
                .collect::<std::result::Result<Vec<_>, _>>()?;
            Ok(Value::Codes(Codes::new(codes)?))
        }
        FieldKind::Rank => {
            text.split(' ')
                .try_for_each(|c| check_choice(form, field, c))?;
            Ok(Value::Text(Text::new(text)?))
        }
        FieldKind::Integer => number(field, &text, false),
        FieldKind::Decimal => number(field, &text, true),
        FieldKind::Range => number(field, &text, field.bind.data_type != DataType::Int),
        FieldKind::Trigger => Ok(Value::Text(Text::new(text)?)),
        kind if kind.is_file() => Err(Error::input(
            format!("`{}` asks for a file.", field.name),
            "This program does not attach files; use the app on a phone.",
        )),
        kind if kind.is_structure() || kind == FieldKind::Note => Err(Error::input(
            format!("`{}` holds no answer of its own.", field.name),
            "Look at `tributary-field forms --questions`.",
        )),
        kind => plain(field, data_type(kind, field), &text),
    }
}

fn data_type(kind: FieldKind, field: &Field) -> DataType {
    match kind {
        FieldKind::Boolean => DataType::Boolean,
        FieldKind::Date => DataType::Date,
        FieldKind::Time => DataType::Time,
        FieldKind::DateTime => DataType::DateTime,
        FieldKind::Geopoint => DataType::Geopoint,
        FieldKind::Calculate | FieldKind::Hidden | FieldKind::Metadata => field.bind.data_type,
        _ => DataType::String,
    }
}

fn plain(field: &Field, data: DataType, text: &str) -> Result<Value> {
    match data {
        DataType::Int => number(field, text, false),
        DataType::Decimal => number(field, text, true),
        DataType::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" => Ok(Value::Bool(true)),
            "false" | "no" | "0" => Ok(Value::Bool(false)),
            _ => Err(wrong(field, "yes or no")),
        },
        DataType::Date => parse_date(text)
            .map(Value::Date)
            .map_err(|_| wrong(field, "a day like 2026-03-31")),
        DataType::Time => Time::parse(text)
            .map(Value::Time)
            .map_err(|_| wrong(field, "a time like 16:30:00.000")),
        DataType::DateTime => DateTime::parse(text)
            .map(Value::DateTime)
            .map_err(|_| wrong(field, "a moment like 2026-03-31T16:30:00.000+07:00")),
        DataType::Geopoint => geo(text)
            .ok_or_else(|| wrong(field, "latitude and longitude in degrees, apart by a space")),
        _ => Ok(Value::Text(Text::new(text)?)),
    }
}

fn number(field: &Field, text: &str, fraction: bool) -> Result<Value> {
    if let Some(n) = text.parse::<i64>().ok().and_then(|n| Int::new(n).ok()) {
        return Ok(Value::Int(n));
    }
    let decimal = Decimal::normalise(text).map_err(|_| wrong(field, "a number"))?;
    if !fraction && decimal.as_str().contains('.') {
        return Err(wrong(field, "a whole number"));
    }
    Ok(Value::Decimal(decimal))
}

/// `lat lon [altitude [accuracy]]`, in degrees and metres.
fn geo(text: &str) -> Option<Value> {
    let mut parts = text.split([' ', ',', ';']).filter(|p| !p.is_empty());
    let scaled = |part: &str, by: f64| {
        let n = part.parse::<f64>().ok()? * by;
        (n.is_finite() && n.abs() < 2e9).then_some(n.round() as i64)
    };
    let lat_e7 = i32::try_from(scaled(parts.next()?, 1e7)?).ok()?;
    let lon_e7 = i32::try_from(scaled(parts.next()?, 1e7)?).ok()?;
    let alt_cm = parts.next().and_then(|p| scaled(p, 100.0));
    let acc_cm = parts.next().and_then(|p| scaled(p, 100.0));
    let geo = Geo {
        lat_e7,
        lon_e7,
        alt_cm: alt_cm.and_then(|n| i32::try_from(n).ok()),
        acc_cm: acc_cm.and_then(|n| u32::try_from(n).ok()),
    };
    geo.checked().ok().map(Value::Geo)
}

fn check_choice(form: &PublishedForm, field: &Field, code: &str) -> Result<()> {
    let Some(choices) = form.model().choices(field) else {
        return Ok(());
    };
    if choices.iter().any(|c| c.code == code) {
        return Ok(());
    }
    let codes: Vec<&str> = choices.iter().take(40).map(|c| c.code.as_str()).collect();
    Err(Error::input(
        format!("`{}` does not offer this choice.", field.name),
        format!("Choose among: {}.", codes.join(", ")),
    ))
}

fn words(json: &Json) -> Option<Vec<String>> {
    let word = |json: &Json| match json {
        Json::Null => Some(String::new()),
        Json::String(s) => Some(s.clone()),
        Json::Bool(b) => Some(b.to_string()),
        Json::Number(n) => Some(n.to_string()),
        _ => None,
    };
    match json {
        Json::Array(all) => all.iter().map(word).collect(),
        one => Some(vec![word(one)?]),
    }
}

fn wrong(field: &Field, wants: &str) -> Error {
    Error::input(
        format!("The answer to `{}` does not fit.", field.name),
        format!("It wants {wants}."),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use tributary_sync_core::form::{assign_ids, prepare};
    use tributary_sync_core::ids::RowId;
    use tributary_sync_core::key::Key;
    use tributary_sync_core::validate::validate;

    use super::super::{Answers, Question};
    use super::*;

    fn form() -> PublishedForm {
        let sample = include_str!("../../../src/form/fixtures/sample.xml");
        let prepared = prepare(sample).unwrap();
        let mut n = 0;
        let draw = || {
            n += 1;
            n
        };
        let assigned = assign_ids(&[], &prepared, Vec::new(), &BTreeMap::new(), draw).unwrap();
        PublishedForm::new(prepared.model, assigned.package).unwrap()
    }

    fn writes(json: &str) -> Result<Vec<(Key, Value)>> {
        let mut n = 0_u8;
        let mut row = || {
            n += 1;
            Ok(RowId::from_bytes([n; 8]))
        };
        Answers::from_json(json)?.writes(&form(), None, &mut row)
    }

    #[test]
    fn answers_from_a_file_fit_their_questions() {
        let written = writes(
            r#"{"consent": "yes", "who": {"age": 31, "place": "pp"}, "pain": 3,
                "legs": [{"from": "pp", "stops": [{"town": "vt"}, {"town": "pp"}]}, {"from": "pp"}]}"#,
        );
        let written = written.unwrap();
        let flags = validate(&form(), written.iter().map(|(k, v)| (k, v)));
        assert_eq!(flags, [], "{written:?}");
        let rows = written
            .iter()
            .filter(|(k, _)| matches!(k, Key::RowMeta { .. }));
        assert_eq!(rows.count(), 4);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_a_way_out() {
        for bad in [
            r#"{"consent": "maybe"}"#,
            r#"{"age": "old"}"#,
            r#"{"photo": "x.jpg"}"#,
            r#"{"who": 1}"#,
            r#"{"from": "pp"}"#,
            r#"{"legs": [1, {"from": "pp"}]}"#,
            r#"{"nobody": 1}"#,
            "[]",
        ] {
            let e = writes(bad).unwrap_err();
            assert!(
                !e.next().is_empty() && !e.what().contains("maybe"),
                "{bad}: {e}"
            );
        }
        assert_eq!(writes(r#"{"age": null}"#).unwrap()[0].1, Value::Null);
        assert!(Question::find(&form(), "/data/who/age").is_ok());
    }
}
