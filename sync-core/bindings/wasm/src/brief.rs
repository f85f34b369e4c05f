//! What the list shows and searches of a record, so that a list of thousands reads none of them.

use serde::{Deserialize, Serialize};
use tributary_sync_core::conflict::Presence;
use tributary_sync_core::ids::FormHash;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::record::Record;
use tributary_sync_core::session::Held;
use tributary_sync_core::value::Value;

/// Words of at most that many answers.
const WORDS: usize = 8;
/// Characters of one answer.
const WORD_CHARS: usize = 40;
/// Bytes of all of them.
const WORDS_BYTES: usize = 240;

/// The brief. Its form stands first, so that it can be told without reading the rest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) struct Brief {
    /// The version that it was made with.
    pub(crate) form: FormHash,
    /// Its first answers in words.
    #[serde(default)]
    pub(crate) words: Vec<String>,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) assignee: Option<String>,
    /// The last change by the clock of whoever made it, in milliseconds since 1970.
    #[serde(default)]
    pub(crate) changed: u64,
    #[serde(default)]
    pub(crate) conflict: bool,
    #[serde(default)]
    pub(crate) deleted: bool,
}

/// What stands before the form's hash.
const BEFORE_FORM: &str = "{\"form\":\"";
const HASH_CHARS: usize = 64;

impl Brief {
    /// The form of a brief as it was written.
    pub(crate) fn form_in(brief: &str) -> Option<FormHash> {
        let rest = brief.strip_prefix(BEFORE_FORM)?;
        rest.get(..HASH_CHARS)?.parse().ok()
    }
    pub(crate) fn of(held: &Held) -> Self {
        let record = &held.state;
        let changed = record.lives().iter().map(|l| l.saved.ms()).max();
        Self {
            form: held.form,
            words: words(record),
            status: meta_text(record, MetaKey::Status).unwrap_or_default(),
            assignee: meta_text(record, MetaKey::Assignee),
            changed: changed.unwrap_or_default(),
            conflict: record.conflicts().next().is_some(),
            deleted: record.presence() == Presence::Deleted,
        }
    }
}

/// Texts outside repeats in the order of their questions' ids, which is the order in which the form got them.
fn words(record: &Record) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut bytes = 0;
    for (key, _) in record.keys() {
        if !matches!(key, Key::Field(_)) {
            continue;
        }
        let Some((Value::Text(text), _)) = record.winner(key) else {
            continue;
        };
        let word: String = text.as_str().trim().chars().take(WORD_CHARS).collect();
        if word.is_empty() {
            continue;
        }
        bytes += word.len();
        if out.len() == WORDS || bytes > WORDS_BYTES {
            break;
        }
        out.push(word);
    }
    out
}

/// What a reader is shown of record meta.
pub(crate) fn meta_text(record: &Record, meta: MetaKey) -> Option<String> {
    match record.winner(&Key::Meta(meta))?.0 {
        Value::Code(text) | Value::Text(text) => Some(text.as_str().to_owned()),
        _ => None,
    }
}
