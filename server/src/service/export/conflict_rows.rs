//! Conflicts alone: one row for each of several answers to one question, the one that a sheet shows first.

use std::io::Write;

use tributary_sync_core::conflict::Conflict;
use tributary_sync_core::policy::Policy;

use super::csv::{Csv, number};
use super::error::Result;
use super::head::Export;
use super::main_sheet::{candidate_text, hex_into, skew_seconds};
use super::pass::{Seen, Shown, run};
use super::people::People;
use super::sink::Sink;
use super::whole::Whole;
use crate::storage::OrgTxn;

const HEAD: [&str; 13] = [
    "_record",
    "question",
    "key",
    "row",
    "policy",
    "candidate",
    "shown",
    "answer",
    "author",
    "device",
    "saved",
    "received",
    "skew_s",
];

/// Writes the sheet; returns what was seen and how many rows it has.
pub(super) fn write(
    txn: &OrgTxn<'_>,
    export: &Export,
    people: &mut People<'_, '_>,
    sink: &mut Sink<'_>,
) -> Result<(Seen, u64)> {
    let Some(sheet) = export.layout.main() else {
        return Ok((Seen::default(), 0));
    };
    let mut csv = export.csv();
    HEAD.iter().for_each(|name| csv.text(name));
    csv.end_row();
    let mut count = 0;
    let seen = run(txn, export, sheet, false, |shown| {
        if let Some(whole) = shown.whole {
            for conflict in whole.record.conflicts() {
                count += rows(export, people, &mut csv, shown, whole, &conflict)?;
            }
        }
        Ok(sink.rows(&mut csv)?)
    })?;
    sink.all(&mut csv)?;
    sink.flush()?;
    Ok((seen, count))
}

fn rows(
    export: &Export,
    people: &mut People<'_, '_>,
    csv: &mut Csv,
    shown: &Shown<'_>,
    whole: &Whole,
    conflict: &Conflict<'_>,
) -> Result<u64> {
    let mut count = 0;
    let policy = conflict.key.field().map(|f| &export.policies.get(f).policy);
    let policy = match policy {
        Some(Policy::Protective(_)) => "protective",
        Some(Policy::Union) => "union",
        _ => "single",
    };
    let zone = &export.zone;
    let mut text = String::new();
    for (nth, candidate) in (1..).zip(&conflict.candidates) {
        let Some(given) = candidate.given.first() else {
            continue;
        };
        csv.with(|out| hex_into(out, shown.scan.view.id().as_bytes()));
        csv.text(&export.layout.path(conflict.key));
        csv.text(&conflict.key.to_string());
        match conflict.key.row() {
            Some((_, row)) => csv.with(|out| hex_into(out, row.as_bytes())),
            None => csv.empty(),
        }
        csv.plain(policy.as_bytes());
        csv.with(|out| number(out, nth));
        csv.plain(match whole.shows(conflict.key, candidate.value) {
            true => b"1",
            false => b"0",
        });
        text.clear();
        candidate_text(export, conflict, candidate, &mut text);
        csv.text(&text);
        let author = people.of(given.dot.actor)?;
        csv.text(&author.name);
        csv.plain(author.device.as_bytes());
        csv.with(|out| zone.write(given.saved.ms(), out));
        csv.with(|out| zone.write(given.received, out));
        csv.with(|out| number(out, skew_seconds(given.saved.ms(), given.received)));
        csv.end_row();
        count += 1;
    }
    Ok(count)
}
