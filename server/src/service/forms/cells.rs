//! The cells of a workbook, bounded while they are read, whatever kind of file they come from.

use std::collections::{BTreeMap, BTreeSet};

use rxform::xls::{Sheet, Workbook, sheet_from_rows};
use tributary_sync_core::form::{FormError, FormErrorKind, Place};

/// What a file may decompress to, all entries together.
pub(super) const UNPACKED_BYTES_MAX: u64 = 48 * 1024 * 1024;
/// The most entries of a packed workbook.
pub(super) const ENTRIES_MAX: usize = 1_000;
const CELLS_MAX: usize = 500_000;
const TEXT_BYTES_MAX: usize = 16 * 1024 * 1024;
const COLUMN_MAX: u32 = 1_000;
const ROW_MAX: u32 = 100_000;
const HEADING_BYTES_MAX: usize = 200;

/// The sheets that an XLSForm may have; others are not read.
pub(super) const SHEETS: [&str; 5] = [
    "survey",
    "choices",
    "settings",
    "external_choices",
    "entities",
];

/// The cells of the sheets of one workbook.
#[derive(Default)]
pub(super) struct Cells {
    sheets: BTreeMap<&'static str, BTreeMap<u32, BTreeMap<u32, String>>>,
    count: usize,
    bytes: usize,
}

/// The sheet of an XLSForm that a name means.
pub(super) fn sheet_named(name: &str) -> Option<&'static str> {
    let name = name.trim().to_ascii_lowercase();
    SHEETS
        .into_iter()
        .find(|s| *s == name)
        .or_else(|| (name == "choices and columns").then_some("choices"))
}

impl Cells {
    /// Whether a sheet of that name was begun.
    pub(super) fn has(&self, sheet: &str) -> bool {
        self.sheets.contains_key(sheet)
    }

    /// Notes that a sheet is there, be it empty.
    pub(super) fn begin(&mut self, sheet: &'static str) {
        self.sheets.entry(sheet).or_default();
    }

    /// Keeps one cell; row and column count from 0.
    pub(super) fn put(
        &mut self,
        sheet: &'static str,
        row: u32,
        column: u32,
        text: String,
    ) -> Result<(), FormError> {
        if text.trim().is_empty() {
            return Ok(());
        }
        self.count += 1;
        self.bytes += text.len();
        if self.count > CELLS_MAX
            || self.bytes > TEXT_BYTES_MAX
            || column >= COLUMN_MAX
            || row >= ROW_MAX
        {
            let detail = format!(
                "A form may use {CELLS_MAX} cells, {ROW_MAX} rows, {COLUMN_MAX} columns and {TEXT_BYTES_MAX} bytes of text."
            );
            return Err(FormError::new(FormErrorKind::Limit, detail).at(cell(
                sheet,
                Some(row + 1),
                None,
            )));
        }
        self.sheets
            .entry(sheet)
            .or_default()
            .entry(row)
            .or_default()
            .insert(column, text);
        Ok(())
    }

    /// The workbook as the converter takes it, with the row numbers of the file.
    pub(super) fn into_workbook(mut self) -> Result<Workbook, FormError> {
        if !self.has("survey") {
            let detail = "This workbook has no sheet ‘survey’, so it is no XLSForm.";
            return Err(FormError::new(FormErrorKind::XlsForm, detail));
        }
        let mut take =
            |name: &'static str| sheet(name, self.sheets.remove(name).unwrap_or_default());
        Ok(Workbook {
            survey: take("survey")?,
            choices: take("choices")?,
            settings: take("settings")?,
            external_choices: take("external_choices")?,
            entities: take("entities")?,
        })
    }
}

fn sheet(
    name: &'static str,
    rows: BTreeMap<u32, BTreeMap<u32, String>>,
) -> Result<Sheet, FormError> {
    let mut headings = BTreeSet::new();
    for (row, cells) in rows.iter().take(1) {
        for heading in cells.values().map(|h| h.trim()) {
            let fault = if heading.len() > HEADING_BYTES_MAX {
                "The heading of a column is too long."
            } else if !headings.insert(heading) {
                "Two columns have one heading."
            } else {
                continue;
            };
            let shown = heading.chars().take(80).collect();
            return Err(FormError::new(FormErrorKind::XlsForm, fault).at(cell(
                name,
                Some(row + 1),
                Some(shown),
            )));
        }
    }
    let last = rows.keys().next_back().map_or(0, |r| r + 1);
    Ok(sheet_from_rows((0..last).map(|row| {
        let Some(cells) = rows.get(&row) else {
            return Vec::new();
        };
        let width = cells.keys().next_back().map_or(0, |c| c + 1);
        (0..width)
            .map(|c| cells.get(&c).cloned().unwrap_or_default())
            .collect()
    })))
}

/// A place in a workbook.
pub(super) fn cell(sheet: &str, row: Option<u32>, column: Option<String>) -> Place {
    Place::Cell {
        sheet: sheet.to_owned(),
        row,
        column,
    }
}

/// A number as XLSForm authors mean it: `3`, not `3.0`.
pub(super) fn number(n: f64) -> String {
    if n.fract() == 0.0 && n.abs() < 1e15 {
        format!("{n:.0}")
    } else {
        format!("{n}")
    }
}

/// A workbook that cannot be read.
pub(super) fn unreadable() -> FormError {
    FormError::new(
        FormErrorKind::Workbook,
        "This workbook is damaged, encrypted, or of a kind that cannot be read.",
    )
}
