//! The main sheet: one row a record.

use std::io::Write;
use std::rc::Rc;

use tributary_sync_core::conflict::{Candidate, Conflict, Presence};

use tributary_sync_core::view::{EntryView, ValueView};

use super::cells::{answer, readable};
use super::columns::{Layout, Sheet};
use super::csv::{Csv, number};
use super::error::Result;
use super::head::Export;
use super::pass::{Seen, Shown, run};
use super::people::People;
use super::sink::Sink;
use super::whole::{Whole, value};
use crate::storage::OrgTxn;

/// Before the answers.
const HEAD: [&str; 11] = [
    "_record",
    "_form_version",
    "_status",
    "_presence",
    "_created",
    "_authors",
    "_last_author",
    "_last_device",
    "_last_saved",
    "_last_received",
    "_last_skew_s",
];
/// Behind them.
const TAIL: [&str; 5] = [
    "_conflict_count",
    "_conflicts",
    "_other_answers",
    "_flags",
    "_unknown_answers",
];

/// Writes the sheet; returns what was seen.
pub(super) fn write(
    txn: &OrgTxn<'_>,
    export: &Export,
    people: &mut People<'_, '_>,
    sink: &mut Sink<'_>,
) -> Result<Seen> {
    let Some(sheet) = export.layout.main() else {
        return Ok(Seen::default());
    };
    let mut csv = export.csv();
    HEAD.iter().for_each(|name| csv.text(name));
    questions(&mut csv, sheet);
    TAIL.iter().for_each(|name| csv.text(name));
    csv.end_row();
    let mut row = Row {
        export,
        sheet,
        people,
        scratch: String::new(),
    };
    let seen = run(txn, export, sheet, true, |shown| {
        row.write(&mut csv, shown)?;
        Ok(sink.rows(&mut csv)?)
    })?;
    sink.all(&mut csv)?;
    sink.flush()?;
    Ok(seen)
}

/// The header cells of a sheet's questions.
pub(super) fn questions(csv: &mut Csv, sheet: &Sheet) {
    for column in &sheet.columns {
        csv.text(&column.name);
        for code in &column.split {
            csv.text(&format!("{}/{code}", column.name));
        }
    }
}

struct Row<'e, 'p, 't, 'c> {
    export: &'e Export,
    sheet: &'e Sheet,
    people: &'p mut People<'t, 'c>,
    scratch: String,
}

impl Row<'_, '_, '_, '_> {
    fn write(&mut self, csv: &mut Csv, shown: &Shown<'_>) -> Result<()> {
        self.head(csv, shown)?;
        for (column, slot) in self.sheet.columns.iter().zip(&shown.scan.slots) {
            answer(csv, column, value(*slot, shown.whole), &mut self.scratch);
        }
        self.tail(csv, shown)?;
        csv.end_row();
        Ok(())
    }

    fn head(&mut self, csv: &mut Csv, shown: &Shown<'_>) -> Result<()> {
        let zone = &self.export.zone;
        csv.with(|out| hex_into(out, shown.scan.view.id().as_bytes()));
        let version = shown
            .last
            .and_then(|l| self.export.layout.version(l.form))
            .and_then(|v| self.export.layout.versions.get(v));
        csv.text(version.map_or("", |v| &v.name));
        csv.plain(shown.status.as_bytes());
        csv.plain(presence(shown.presence).as_bytes());
        csv.with(|out| zone.write(shown.raw.created_at, out));
        let Some(last) = shown.last else {
            (0..6).for_each(|_| csv.empty());
            return Ok(());
        };
        let author = self.people.of(last.dot.actor)?;
        match shown.scan.view.lives() {
            [_] => csv.text(&author.name),
            lives => {
                let mut names: Vec<Rc<str>> = Vec::new();
                for live in lives {
                    let name = &self.people.of(live.dot.actor)?.name;
                    if !names.contains(name) {
                        names.push(Rc::clone(name));
                    }
                }
                names.sort();
                csv.text(&names.join("; "));
            }
        }
        csv.text(&author.name);
        csv.plain(author.device.as_bytes());
        csv.with(|out| zone.write(last.saved.ms(), out));
        csv.with(|out| zone.write(last.received, out));
        csv.with(|out| number(out, skew_seconds(last.saved.ms(), last.received)));
        Ok(())
    }

    fn tail(&mut self, csv: &mut Csv, shown: &Shown<'_>) -> Result<()> {
        let layout = &self.export.layout;
        let mut flags = shown.scan.flags.clone();
        match shown.whole {
            None => {
                csv.plain(b"0");
                csv.empty();
                csv.empty();
            }
            Some(whole) => {
                let conflicts: Vec<Conflict<'_>> = whole.record.conflicts().collect();
                csv.plain(conflicts.len().to_string().as_bytes());
                let named: Vec<String> = conflicts.iter().map(|c| layout.path(c.key)).collect();
                csv.text(&named.join("; "));
                let others = others(self.export, self.people, whole, &conflicts)?;
                csv.text(&others);
                flags.extend(whole.flags(layout));
            }
        }
        csv.text(&flags.join("; "));
        let unknown = unknown(layout, &shown.scan.unknown, shown.whole);
        csv.text(&unknown);
        Ok(())
    }
}

/// `path = answer (who, when)` for each answer that a cell does not show.
pub(super) fn others(
    export: &Export,
    people: &mut People<'_, '_>,
    whole: &Whole,
    conflicts: &[Conflict<'_>],
) -> Result<String> {
    let mut out = String::new();
    for conflict in conflicts {
        let path = export.layout.path(conflict.key);
        for candidate in &conflict.candidates {
            if whole.shows(conflict.key, candidate.value) {
                continue;
            }
            if !out.is_empty() {
                out.push_str(" | ");
            }
            out.push_str(&path);
            out.push_str(" = ");
            candidate_text(export, conflict, candidate, &mut out);
            if let Some(given) = candidate.given.first() {
                let who = people.of(given.dot.actor)?;
                out.push_str(&format!(
                    " ({}, {})",
                    who.name,
                    export.zone.text(given.saved.ms())
                ));
            }
        }
    }
    Ok(out)
}

/// An answer in words; a cleared one is named, so that it can be told from an empty text.
pub(super) fn candidate_text(
    export: &Export,
    conflict: &Conflict<'_>,
    candidate: &Candidate<'_>,
    out: &mut String,
) {
    let column = match (conflict.key.field(), conflict.key.row()) {
        (Some(field), row) => export.layout.column(row.map(|r| r.0), field),
        _ => None,
    };
    let bytes = candidate.value.to_bytes();
    match ValueView::new(&bytes) {
        Ok(ValueView::Null) => out.push_str("(cleared)"),
        Ok(view) => readable(view, column, out),
        Err(_) => {}
    }
}

/// Answers that belong to no column, as `key = answer`: no published version knows their question.
fn unknown(layout: &Layout, entries: &[EntryView<'_>], whole: Option<&Whole>) -> String {
    let mut out = String::new();
    for entry in entries {
        let Ok(key) = entry.key.to_key() else {
            continue;
        };
        if !out.is_empty() {
            out.push_str(" | ");
        }
        out.push_str(&layout.path(&key));
        out.push_str(" = ");
        let value = match (entry.several, whole) {
            (true, Some(whole)) => whole.read(entry.key),
            _ => Some(entry.value),
        };
        if let Some(value) = value {
            readable(value, None, &mut out);
        }
    }
    out
}

pub(super) fn presence(presence: Presence) -> &'static str {
    match presence {
        Presence::Present => "present",
        Presence::Deleted => "deleted",
        Presence::Contested => "contested",
    }
}

/// How far the device's clock stood ahead of the server's when the change arrived. Behind zero it is mostly time
/// without a network; above it the clock was certainly wrong.
pub(super) fn skew_seconds(saved: u64, received: u64) -> i64 {
    let ahead = i128::from(saved) - i128::from(received);
    i64::try_from(ahead.div_euclid(1000)).unwrap_or(i64::MAX)
}

pub(super) fn hex_into(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        out.push(DIGITS[usize::from(byte >> 4)]);
        out.push(DIGITS[usize::from(byte & 15)]);
    }
}
