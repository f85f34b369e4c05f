//! A record read as a whole: what its keys of several live values read as.
//!
//! Only the few records are read so in which several values live or something is deleted.

use tributary_sync_core::form::PublishedForm;
use tributary_sync_core::key::Key;
use tributary_sync_core::policy::Policies;
use tributary_sync_core::record::Record;
use tributary_sync_core::validate::validate;
use tributary_sync_core::value::Value;
use tributary_sync_core::view::{KeyView, ValueView};

use super::columns::Layout;
use super::scan::Slot;

/// A record read as a whole, with what its keys of several values read as.
pub(super) struct Whole {
    pub(super) record: Record,
    shown: Vec<(Key, Vec<u8>)>,
}

impl Whole {
    pub(super) fn new(record: Record, policies: &Policies) -> Self {
        let shown = record
            .keys()
            .filter(|(_, values)| values.len() > 1)
            .filter_map(|(key, _)| Some((key.clone(), policies.read(&record, key)?.to_bytes())))
            .collect();
        Self { record, shown }
    }
    /// The flags of answers that have several live values, each judged by the version it was given with.
    pub(super) fn flags(&self, layout: &Layout) -> Vec<String> {
        let mut out = Vec::new();
        for (key, values) in self.record.keys().filter(|(_, values)| values.len() > 1) {
            for (dot, value) in values {
                let version = self.record.live(*dot).and_then(|l| layout.version(l.form));
                let version = version.and_then(|v| layout.versions.get(v));
                if let Some(form) = version.and_then(|v| v.form.as_ref()) {
                    flags(layout, form, key, value, &mut out);
                }
            }
        }
        out
    }
    /// Whether a download shows this value of a key in its cell.
    pub(super) fn shows(&self, key: &Key, value: &Value) -> bool {
        let at = self.shown.binary_search_by(|e| e.0.cmp(key)).ok();
        at.and_then(|at| self.shown.get(at))
            .is_some_and(|e| e.1 == value.to_bytes())
    }
    /// What a key of several values reads as.
    pub(super) fn read(&self, key: KeyView<'_>) -> Option<ValueView<'_>> {
        let key = key.to_key().ok()?;
        let at = self.shown.binary_search_by(|e| e.0.cmp(&key)).ok()?;
        ValueView::new(&self.shown.get(at)?.1).ok()
    }
}

/// What stands in a slot.
pub(super) fn value<'a>(slot: Slot<'a>, whole: Option<&'a Whole>) -> Option<ValueView<'a>> {
    match slot {
        Slot::Empty => None,
        Slot::One(value) => Some(value),
        Slot::Several(key) => whole?.read(key),
    }
}

/// What `sync-core` says of one answer.
pub(super) fn flags(
    layout: &Layout,
    form: &PublishedForm,
    key: &Key,
    value: &Value,
    out: &mut Vec<String>,
) {
    for flag in validate(form, [(key, value)]) {
        let flag = format!("{}:{}", layout.path(&flag.key), flag.fault.code());
        if !out.contains(&flag) {
            out.push(flag);
        }
    }
}
