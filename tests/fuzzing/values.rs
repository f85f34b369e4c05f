//! Values, keys and ids as text.

use std::fmt::Display;
use std::str::FromStr;

use tributary_sync_core::ids::{ChainHash, RecordId, RowId};
use tributary_sync_core::key::Key;
use tributary_sync_core::value::{DateTime, Decimal, RowPlace, Time, Value, parse_date};
use tributary_sync_core::wire::enrol::PublicKey;

/// What values look like.
pub(super) const WORDS: &[&str] = &[
    "2026-11-24",
    "T09:12:33.250",
    "+07:00",
    "-00:00",
    "Z",
    "23:59:60",
    "24:00",
    "0000-01-01",
    "9999-12-31",
    "{\"int\":",
    "{\"decimal\":\"",
    "{\"date\":\"",
    "{\"time\":\"",
    "{\"datetime\":\"",
    "{\"geo\":[",
    "{\"row\":",
    "{\"attachment\":{",
    "{\"codes\":[",
    "{\"deleted\":true}",
    "{\"x40\":\"",
    "1e5",
    "-0",
    "0.10",
    "00",
    "m.status",
    "m.assignee",
    "m.deleted",
    "f0",
    "f4294967295",
    "f1.00",
    "x32",
];

/// What is read is written as what reads as the same.
fn same<T: PartialEq + Display>(read: Option<T>, again: impl Fn(&str) -> Option<T>) {
    if let Some(read) = read {
        let text = read.to_string();
        assert!(again(&text) == Some(read), "written it reads as another");
    }
}

fn parsed<T: FromStr + PartialEq + Display>(text: &str) {
    same(text.parse::<T>().ok(), |t| t.parse().ok());
}

pub(super) fn texts(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    parsed::<Key>(text);
    parsed::<RecordId>(text);
    parsed::<RowId>(text);
    parsed::<ChainHash>(text);
    parsed::<PublicKey>(text);
    same(Time::parse(text).ok(), |t| Time::parse(t).ok());
    same(DateTime::parse(text).ok(), |t| DateTime::parse(t).ok());
    same(parse_date(text).ok(), |t| parse_date(t).ok());
    if let Ok(decimal) = Decimal::normalise(text) {
        assert!(Decimal::parse(decimal.as_str()).as_ref() == Ok(&decimal));
    }
    if let Ok(decimal) = Decimal::parse(text) {
        assert_eq!(decimal.as_str(), text, "only the canonical spelling");
        assert!(Decimal::normalise(text) == Ok(decimal));
    }
    if let Ok(place) = RowPlace::parse(text) {
        assert!(RowPlace::new(place.parent, place.order()) == Ok(place));
    }
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        let json = serde_json::to_string(&value).expect("a value is JSON");
        assert!(serde_json::from_str::<Value>(&json).ok() == Some(value));
    }
}
