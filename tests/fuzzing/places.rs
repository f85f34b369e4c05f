//! What lists and downloads are asked with, on a real server: filters, options, places, what was shown.

use tributary::service::error::Code;
use tributary::service::export::Options;
use tributary::service::quarantine::QuarantineFilter;
use tributary::service::records::{ListFilter, Shown};
use tributary_sync_core::ids::RecordId;

use super::shelf::{self, no_fault};

/// Members and values of them.
pub(super) const WORDS: &[&str] = &[
    "\"form_id\":",
    "\"statuses\":[\"draft\"]",
    "\"conflicts\":true",
    "\"deleted\":true",
    "\"withheld\":true",
    "\"restricted\":true",
    "\"maker\":",
    "\"limit\":4294967295",
    "\"next\":\"AAAAAAAAAAE\"",
    "\"next\":\"__________8\"",
    "\"judged\":true",
    "\"format\":\"zip\"",
    "\"format\":\"json_lines\"",
    "\"format\":\"conflicts\"",
    "\"versions\":[\"",
    "\"states\":[\"approved\"]",
    "\"time\":{\"of\":\"saved\"}",
    "\"from\":\"2026-11-24\"",
    "\"to\":\"2026-11-24T00:00:00Z\"",
    "\"since\":\"0\"",
    "\"as_of\":\"0\"",
    "\"as_of\":\"9007199254740991\"",
    "\"tz\":\"Asia/Bangkok\"",
    "\"tz\":\"../../etc/passwd\"",
    "\"labels\":\"Khmer (km)\"",
    "\"split\":true",
    "\"bom\":true",
    "\"line_end\":\"lf\"",
    "\"missing_words\":\"quotes\"",
    "-9999-01-01",
    "9999-12-31T23:59:59Z",
    "[\"",
    "{\"1\":1}",
];

pub(super) fn lists(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        shown(text);
    }
    if let Ok(filter) = serde_json::from_slice::<ListFilter>(bytes) {
        let page = shelf::with(|shelf| no_fault(shelf.desk().list(&filter)));
        assert!(page.is_none_or(|page| page.items.len() <= 1_000));
    }
    if let Ok(filter) = serde_json::from_slice::<QuarantineFilter>(bytes) {
        shelf::with(|shelf| no_fault(shelf.desk().quarantine(&filter)));
    }
    if let Ok(options) = serde_json::from_slice::<Options>(bytes) {
        let json = serde_json::to_vec(&options).expect("options are JSON");
        assert!(serde_json::from_slice::<Options>(&json).ok().as_ref() == Some(&options));
        if options.check().is_ok() {
            shelf::with(|shelf| shelf.download(&options));
        }
    }
}

/// What somebody was shown is read back as it was written; a write upon anything else is refused.
fn shown(text: &str) {
    let Some(shown) = Shown::from_text(text) else {
        return;
    };
    assert!(Shown::from_text(&shown.to_text()).as_ref() == Some(&shown));
    let written = shelf::with(|shelf| {
        let desk = shelf.desk();
        desk.comment(RecordId::from_bytes([9; 16]), &shown, "words")
    });
    let Err(refused) = written else {
        panic!("a record that is not there took a comment");
    };
    assert_ne!(refused.code, Code::Internal, "{:?}", refused.cause);
}
