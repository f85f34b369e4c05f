//! The sheet of a repeat: one row for each of its rows, tied to the main sheet by the record and to the sheet of the
//! repeat around it by the parent row.

use std::collections::HashMap;
use std::io::Write;

use tributary_sync_core::conflict::{Conflict, Presence};
use tributary_sync_core::ids::{FieldId, RowId};

use super::cells::answer;
use super::columns::Sheet;
use super::csv::{Csv, number};
use super::error::Result;
use super::head::Export;
use super::main_sheet::{hex_into, others, presence, questions};
use super::pass::{Shown, run};
use super::people::People;
use super::scan::RowView;
use super::sink::Sink;
use super::whole::{Whole, value};
use crate::storage::OrgTxn;

const HEAD: [&str; 5] = ["_record", "_row", "_parent_row", "_position", "_presence"];
const TAIL: [&str; 3] = ["_conflict_count", "_conflicts", "_other_answers"];

/// A row in its place.
struct Placed<'a> {
    parent: Option<RowId>,
    order: Option<&'a str>,
    row: RowId,
    presence: Presence,
    slots: usize,
}

/// Writes the sheet; returns how many rows it has.
pub(super) fn write(
    txn: &OrgTxn<'_>,
    export: &Export,
    sheet: &Sheet,
    people: &mut People<'_, '_>,
    sink: &mut Sink<'_>,
) -> Result<u64> {
    let Some(group) = sheet.repeat else {
        return Ok(0);
    };
    let mut csv = export.csv();
    HEAD.iter().for_each(|name| csv.text(name));
    questions(&mut csv, sheet);
    TAIL.iter().for_each(|name| csv.text(name));
    csv.end_row();
    let mut count = 0u64;
    let mut scratch = String::new();
    run(txn, export, sheet, false, |shown| {
        let rows = placed(export, group, shown);
        let mut positions: HashMap<Option<RowId>, i64> = HashMap::new();
        for row in &rows {
            let position = positions.entry(row.parent).or_default();
            *position += 1;
            head(&mut csv, shown, row, *position);
            let slots = shown.scan.slots.get(row.slots..).unwrap_or_default();
            for (column, slot) in sheet.columns.iter().zip(slots) {
                answer(&mut csv, column, value(*slot, shown.whole), &mut scratch);
            }
            tail(export, people, &mut csv, shown.whole, group, row.row)?;
            csv.end_row();
            count += 1;
        }
        Ok(sink.rows(&mut csv)?)
    })?;
    sink.all(&mut csv)?;
    sink.flush()?;
    Ok(count)
}

/// The rows in order: by parent, order key and id; those whose place has not arrived at the end.
fn placed<'a>(export: &Export, group: FieldId, shown: &'a Shown<'_>) -> Vec<Placed<'a>> {
    let mut rows: Vec<Placed<'a>> = shown
        .scan
        .rows
        .iter()
        .filter_map(|view| place(group, view, shown))
        .filter(|row| row.presence != Presence::Deleted || export.options.deleted)
        .collect();
    rows.sort_by(|a, b| {
        let key = |r: &Placed<'a>| (r.order.is_none(), r.parent, r.order, r.row);
        key(a).cmp(&key(b))
    });
    rows
}

fn place<'a>(group: FieldId, view: &RowView<'a>, shown: &'a Shown<'_>) -> Option<Placed<'a>> {
    let (mut place, mut presence) = (view.place, Presence::Present);
    let inside = view.place.is_some_and(|p| p.0.is_some());
    if view.ask || inside && shown.scan.deleted {
        let record = &shown.whole?.record;
        presence = record.row_presence(group, view.row);
        place = record
            .row_place(group, view.row)
            .map(|p| (p.parent, p.order()));
    }
    Some(Placed {
        parent: place.and_then(|p| p.0),
        order: place.map(|p| p.1),
        row: view.row,
        presence,
        slots: view.slots,
    })
}

fn head(csv: &mut Csv, shown: &Shown<'_>, row: &Placed<'_>, position: i64) {
    csv.with(|out| hex_into(out, shown.scan.view.id().as_bytes()));
    csv.with(|out| hex_into(out, row.row.as_bytes()));
    match row.parent {
        Some(parent) => csv.with(|out| hex_into(out, parent.as_bytes())),
        None => csv.empty(),
    }
    csv.with(|out| number(out, position));
    csv.plain(presence(row.presence).as_bytes());
}

fn tail(
    export: &Export,
    people: &mut People<'_, '_>,
    csv: &mut Csv,
    whole: Option<&Whole>,
    group: FieldId,
    row: RowId,
) -> Result<()> {
    let Some(whole) = whole else {
        csv.plain(b"0");
        csv.empty();
        csv.empty();
        return Ok(());
    };
    let conflicts: Vec<Conflict<'_>> = whole
        .record
        .conflicts()
        .filter(|c| c.key.row() == Some((group, row)))
        .collect();
    csv.plain(conflicts.len().to_string().as_bytes());
    let named: Vec<String> = conflicts
        .iter()
        .map(|c| export.layout.path(c.key))
        .collect();
    csv.text(&named.join("; "));
    csv.text(&others(export, people, whole, &conflicts)?);
    Ok(())
}
