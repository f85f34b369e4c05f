//! JSON Lines: one object a record, complete. Every live value of every key with who gave it and when; nothing is joined,
//! guarded or left out, so that a program can rebuild what the organisation knows.

use std::io::Write;

use serde::Serialize;
use tributary_sync_core::clock::{Dot, Hlc};
use tributary_sync_core::ids::{FormHash, LogPos, ProfileId, RecordId, Tombstone, UserId};
use tributary_sync_core::key::Key;
use tributary_sync_core::record::Record;
use tributary_sync_core::value::Value;

use super::error::Result;
use super::head::Export;
use super::main_sheet::presence;
use super::pass::{Seen, Shown, run};
use super::people::People;
use super::sink::Sink;
use crate::storage::{OrgTxn, StorageError};

#[derive(Serialize)]
struct Line<'a> {
    record: RecordId,
    form_id: &'a str,
    form: FormHash,
    created: String,
    position: LogPos,
    status: &'static str,
    presence: &'static str,
    conflicts: usize,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    flags: &'a [String],
    changes: Vec<Change>,
    answers: Vec<Answer<'a>>,
}

#[derive(Serialize)]
struct Change {
    dot: Dot,
    author: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device: Option<ProfileId>,
    saved: String,
    received: String,
    effective: Hlc,
    form: FormHash,
}

#[derive(Serialize)]
struct Answer<'a> {
    key: String,
    path: String,
    shown: Option<Value>,
    live: Vec<LiveValue<'a>>,
}

#[derive(Serialize)]
struct LiveValue<'a> {
    /// Which of `changes` gave it.
    change: usize,
    value: &'a Value,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum LeftLine {
    Erased(Tombstone),
    Deleted(RecordId),
    Gone(RecordId),
}

/// Writes a line for each record; with `since`, behind them a line for each that left.
pub(super) fn write(
    txn: &OrgTxn<'_>,
    export: &Export,
    people: &mut People<'_, '_>,
    sink: &mut Sink<'_>,
) -> Result<Seen> {
    let Some(sheet) = export.layout.main() else {
        return Ok(Seen::default());
    };
    let mut out = Vec::with_capacity(256 * 1024);
    let seen = run(txn, export, sheet, true, |shown| {
        line(export, people, shown, &mut out)?;
        if out.len() >= 128 * 1024 {
            sink.write_all(&out)?;
            out.clear();
        }
        Ok(())
    })?;
    if let Some(left) = export.left(txn, seen.left.clone())? {
        let erased = left.erased.iter().map(|t| LeftLine::Erased(*t));
        let deleted = left.deleted.iter().map(|id| LeftLine::Deleted(*id));
        let gone = left.gone.iter().map(|id| LeftLine::Gone(*id));
        for line in erased.chain(deleted).chain(gone) {
            put(&mut out, &line);
        }
    }
    sink.write_all(&out)?;
    sink.flush()?;
    Ok(seen)
}

fn put(out: &mut Vec<u8>, line: &impl Serialize) {
    // Writing to a Vec cannot fail, and no map here has a key that is no text.
    let _ = serde_json::to_writer(&mut *out, line);
    out.push(b'\n');
}

fn line(
    export: &Export,
    people: &mut People<'_, '_>,
    shown: &Shown<'_>,
    out: &mut Vec<u8>,
) -> Result<()> {
    let read;
    let record = match shown.whole {
        Some(whole) => &whole.record,
        None => {
            read = Record::from_bytes(shown.raw.body).map_err(StorageError::damaged("record"))?;
            &read
        }
    };
    let mut changes = Vec::with_capacity(record.lives().len());
    for live in record.lives() {
        let person = people.of(live.dot.actor)?;
        changes.push(Change {
            dot: live.dot,
            author: person.name.to_string(),
            user: person.user,
            device: person.profile,
            saved: export.zone.text(live.saved.ms()),
            received: export.zone.text(live.received),
            effective: live.effective,
            form: live.form,
        });
    }
    let change = |dot: Dot| record.lives().partition_point(|l| l.dot < dot);
    let answers = record
        .keys()
        .map(|(key, values)| Answer {
            key: key.to_string(),
            path: export.layout.path(key),
            shown: shown_value(export, record, key),
            live: values
                .iter()
                .map(|(dot, value)| LiveValue {
                    change: change(*dot),
                    value,
                })
                .collect(),
        })
        .collect();
    let mut flags = shown.scan.flags.clone();
    if let Some(whole) = shown.whole {
        flags.extend(whole.flags(&export.layout));
    }
    let line = Line {
        record: record.id(),
        form_id: &export.form_id,
        form: shown.raw.form,
        created: export.zone.text(shown.raw.created_at),
        position: shown.raw.pos,
        status: shown.status,
        presence: presence(shown.presence),
        conflicts: record.conflicts().count(),
        flags: &flags,
        changes,
        answers,
    };
    put(out, &line);
    Ok(())
}

/// What a cell would show. Of meta that several people wrote there is no one value.
fn shown_value(export: &Export, record: &Record, key: &Key) -> Option<Value> {
    export.policies.read(record, key)
}
