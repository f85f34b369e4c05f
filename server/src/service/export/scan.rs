//! One record, walked once: where each answer stands in a sheet, and what decides whether the record is shown at all.
//!
//! Nearly every record has one live value for each key and nothing deleted; those are read in place. Where several values
//! live, or something is deleted, the whole record is read and asked ([`Whole`]).

use tributary_sync_core::conflict::Presence;
use tributary_sync_core::ids::{FieldId, RowId};
use tributary_sync_core::key::MetaKey;
use tributary_sync_core::policy::Policies;
use tributary_sync_core::record::Record;
use tributary_sync_core::view::{EntryView, KeyView, RecordView, ValueView};

use super::columns::{Column, Layout, Sheet};
use super::error::Result;
use super::whole::{Whole, flags};
use crate::service::exchange::status;
use crate::storage::StorageError;

/// What stands in one cell.
#[derive(Clone, Copy)]
pub(super) enum Slot<'a> {
    Empty,
    One(ValueView<'a>),
    /// Several live values: ask [`Whole::read`].
    Several(KeyView<'a>),
}

/// A row of a repeat, with its place.
#[derive(Clone, Copy)]
pub(super) struct RowView<'a> {
    pub(super) row: RowId,
    /// Its parent and order key; none if its place has not arrived.
    pub(super) place: Option<(Option<RowId>, &'a str)>,
    /// Where its slots begin.
    pub(super) slots: usize,
    /// Whether its place or deletion must be asked of the whole record.
    pub(super) ask: bool,
}

/// One record, walked for one sheet.
pub(super) struct Scan<'a> {
    pub(super) view: RecordView<'a>,
    /// For the main sheet its columns; for a repeat those of its rows, one behind the other.
    pub(super) slots: Vec<Slot<'a>>,
    /// For a repeat, its rows by id.
    pub(super) rows: Vec<RowView<'a>>,
    /// Answers that stand in no sheet.
    pub(super) unknown: Vec<EntryView<'a>>,
    /// Answers that do not fit, as `path:code`.
    pub(super) flags: Vec<String>,
    /// Whether only the whole record can tell.
    several: bool,
    /// Whether the record or, for a repeat, any row may be deleted: rows inside it go with it.
    pub(super) deleted: bool,
    status: Option<EntryView<'a>>,
    consents: usize,
    /// By live changeset, whether it owns an answer.
    answered: Vec<bool>,
}

/// What walks records for a sheet.
pub(super) struct Scanner<'l> {
    pub(super) layout: &'l Layout,
    pub(super) policies: &'l Policies,
    /// The consent fields with the codes that count.
    consent: Vec<(FieldId, &'l [String])>,
    sheet: &'l Sheet,
    flags: bool,
}

impl<'l> Scanner<'l> {
    pub(super) fn new(
        layout: &'l Layout,
        policies: &'l Policies,
        sheet: &'l Sheet,
        flags: bool,
    ) -> Self {
        let consent = policies
            .iter()
            .filter(|(_, p)| !p.consent.is_empty())
            .map(|(field, p)| (field, p.consent.as_slice()))
            .collect();
        Self {
            layout,
            policies,
            consent,
            sheet,
            flags,
        }
    }

    /// Walks a record.
    pub(super) fn scan<'a>(&self, body: &'a [u8]) -> Result<Scan<'a>> {
        let view = RecordView::new(body).map_err(StorageError::damaged("record"))?;
        let main = self.sheet.repeat.is_none();
        let width = if main { self.sheet.columns.len() } else { 0 };
        let mut scan = Scan {
            slots: vec![Slot::Empty; width],
            rows: Vec::new(),
            unknown: Vec::new(),
            flags: Vec::new(),
            several: false,
            deleted: false,
            status: None,
            consents: 0,
            answered: vec![false; view.lives().len()],
            view,
        };
        let mut place = Places::new(self.layout);
        let versions: Vec<Option<usize>> = match self.flags {
            true => scan
                .view
                .lives()
                .iter()
                .map(|l| self.layout.version(l.form))
                .collect(),
            false => Vec::new(),
        };
        for entry in scan.view.entries() {
            let entry = entry.map_err(StorageError::damaged("record"))?;
            scan.several |= entry.several;
            match entry.key {
                KeyView::Field(field) => {
                    self.consents(&mut scan, field, &entry);
                    let at = place.main(field);
                    self.put(&mut scan, main, 0, at, entry);
                    self.flag(&mut scan, &versions, at.map(|at| (0, at)), &entry);
                }
                KeyView::Row { group, row, field } => {
                    let (sheet, at) = place.row(group, field);
                    let here = self.sheet.repeat == Some(group);
                    let base = match here {
                        true => scan.row(row, self.sheet.columns.len()),
                        false => 0,
                    };
                    // The field that only repeats the row's id is no answer of its own.
                    if !sheet.is_some_and(|s| s.1.row_ids.contains(&field)) {
                        self.put(&mut scan, here, base, at, entry);
                        let at = sheet.and_then(|s| Some((s.0, at?)));
                        self.flag(&mut scan, &versions, at, &entry);
                    }
                }
                KeyView::RowMeta { group, row } => {
                    let deleted = matches!(entry.value, ValueView::Deleted(_));
                    scan.deleted |= self.sheet.repeat.is_some() && (entry.several || deleted);
                    if self.sheet.repeat == Some(group) {
                        scan.row_meta(row, &entry, self.sheet.columns.len());
                    }
                }
                KeyView::Meta(MetaKey::Status) => scan.status = Some(entry),
                KeyView::Meta(MetaKey::Deleted) => scan.deleted = true,
                KeyView::Meta(_) => {}
                KeyView::Opaque { .. } => scan.unknown.push(entry),
            }
            if entry.key.is_answer()
                && let Some(answered) = scan.answered.get_mut(entry.live)
            {
                *answered = true;
            }
        }
        Ok(scan)
    }

    fn consents(&self, scan: &mut Scan<'_>, field: FieldId, entry: &EntryView<'_>) {
        for (consent, codes) in &self.consent {
            if *consent == field
                && let ValueView::Code(code) = entry.value
                && codes.iter().any(|c| c == code)
            {
                scan.consents += 1;
            }
        }
    }

    /// Puts an answer into its slot, or among those that stand nowhere.
    fn put<'a>(
        &self,
        scan: &mut Scan<'a>,
        here: bool,
        base: usize,
        at: Option<usize>,
        entry: EntryView<'a>,
    ) {
        let Some(at) = at else {
            scan.unknown.push(entry);
            return;
        };
        if here && let Some(slot) = scan.slots.get_mut(base + at) {
            *slot = match entry.several {
                true => Slot::Several(entry.key),
                false => Slot::One(entry.value),
            };
        }
    }

    /// Flags an answer that does not fit the version it was given with. What certainly fits is passed over here; the
    /// rest is asked of `sync-core`, one answer at a time.
    #[inline]
    fn flag<'a>(
        &self,
        scan: &mut Scan<'a>,
        versions: &[Option<usize>],
        at: Option<(usize, usize)>,
        entry: &EntryView<'a>,
    ) {
        // What several values live for is flagged by the whole record.
        if entry.several {
            return;
        }
        let Some(version) = versions.get(entry.live).copied().flatten() else {
            return;
        };
        let column = at.and_then(|(sheet, at)| self.layout.sheets.get(sheet)?.columns.get(at));
        if column.is_some_and(|c| fits(c, version, entry.value)) {
            return;
        }
        let form = self
            .layout
            .versions
            .get(version)
            .and_then(|v| v.form.as_ref());
        if let Some(form) = form
            && let (Ok(key), Ok(value)) = (entry.key.to_key(), entry.value.to_value())
        {
            flags(self.layout, form, &key, &value, &mut scan.flags);
        }
    }
}

/// Whether an answer certainly fits.
#[inline]
fn fits(column: &Column, version: usize, value: ValueView<'_>) -> bool {
    let Some(fits) = column.fits.get(version) else {
        return false;
    };
    let tag = match value {
        ValueView::Null => 0,
        ValueView::Bool(_) => 1,
        ValueView::Int(_) => 2,
        ValueView::Decimal(_) => 3,
        ValueView::Text(_) => 4,
        ValueView::Code(_) => 5,
        ValueView::Codes(_) => 6,
        ValueView::Date(_) => 7,
        ValueView::Time(_) => 8,
        ValueView::DateTime(_) => 9,
        ValueView::Geo(_) => 10,
        _ => return false,
    };
    if fits.tags & (1 << tag) == 0 || fits.tags == 0 {
        return false;
    }
    match value {
        ValueView::Code(code) => fits.offers(code),
        ValueView::Codes(codes) => codes.iter().all(|c| fits.offers(c)),
        _ => true,
    }
}

/// Finds the columns of fields that come in order.
struct Places<'l> {
    layout: &'l Layout,
    main: usize,
    sheet: Option<(usize, &'l Sheet)>,
}

impl<'l> Places<'l> {
    fn new(layout: &'l Layout) -> Self {
        Self {
            layout,
            main: 0,
            sheet: None,
        }
    }
    /// The next field of the main sheet: fields come in order, so the list is walked once.
    fn main(&mut self, field: FieldId) -> Option<usize> {
        let fields = &self.layout.sheets.first()?.by_field;
        while let Some((known, at)) = fields.get(self.main) {
            match known.cmp(&field) {
                std::cmp::Ordering::Less => self.main += 1,
                std::cmp::Ordering::Equal => return Some(*at),
                std::cmp::Ordering::Greater => return None,
            }
        }
        None
    }
    fn row(
        &mut self,
        group: FieldId,
        field: FieldId,
    ) -> (Option<(usize, &'l Sheet)>, Option<usize>) {
        if self.sheet.is_none_or(|s| s.1.repeat != Some(group)) {
            self.sheet = self
                .layout
                .sheets
                .iter()
                .enumerate()
                .find(|(_, s)| s.repeat == Some(group));
        }
        let at = self.sheet.and_then(|s| s.1.place(field));
        (self.sheet, at)
    }
}

impl<'a> Scan<'a> {
    /// Where the slots of a row begin; rows come in order of their ids.
    fn row(&mut self, row: RowId, width: usize) -> usize {
        if let Some(last) = self.rows.last()
            && last.row == row
        {
            return last.slots;
        }
        self.add_row(self.rows.len(), row, width)
    }
    fn add_row(&mut self, at: usize, row: RowId, width: usize) -> usize {
        let slots = self.slots.len();
        self.slots.resize(slots + width, Slot::Empty);
        let view = RowView {
            row,
            place: None,
            slots,
            ask: false,
        };
        self.rows.insert(at, view);
        slots
    }
    fn row_meta(&mut self, row: RowId, entry: &EntryView<'a>, width: usize) {
        let at = match self.rows.binary_search_by(|r| r.row.cmp(&row)) {
            Ok(at) => at,
            Err(at) => {
                self.add_row(at, row, width);
                at
            }
        };
        if let Some(view) = self.rows.get_mut(at) {
            match entry.value {
                ValueView::Row { parent, order } if !entry.several => {
                    view.place = Some((parent, order));
                }
                _ => {
                    view.ask = true;
                    self.several = true;
                }
            }
        }
    }

    /// The whole record, where something in it must be asked.
    pub(super) fn whole(&self, policies: &Policies, body: &[u8]) -> Result<Option<Whole>> {
        if !self.several && !self.deleted {
            return Ok(None);
        }
        let record = Record::from_bytes(body).map_err(StorageError::damaged("record"))?;
        Ok(Some(Whole::new(record, policies)))
    }

    /// Whether no consent lives.
    pub(super) fn withheld(&self, scanner: &Scanner<'_>, whole: Option<&Whole>) -> bool {
        match whole {
            Some(whole) => scanner.policies.withheld(&whole.record),
            None => self.consents < scanner.consent.len(),
        }
    }
    /// The status that counts.
    pub(super) fn status(&self, whole: Option<&Whole>) -> &'static str {
        if let Some(whole) = whole {
            return status(&whole.record);
        }
        let Some(entry) = self.status else {
            return "draft";
        };
        let ValueView::Code(code) = entry.value else {
            return "draft";
        };
        match code {
            "approved" if self.approval_counts(&entry) => "approved",
            "approved" | "complete" => "complete",
            "returned" => "returned",
            "rejected" => "rejected",
            _ => "draft",
        }
    }
    /// An approval counts while whoever gave it had seen every live answer.
    fn approval_counts(&self, entry: &EntryView<'_>) -> bool {
        let lives = self.view.lives();
        let Some(approval) = lives.get(entry.live) else {
            return false;
        };
        lives
            .iter()
            .zip(&self.answered)
            .filter(|(_, answered)| **answered)
            .all(|(live, _)| approval.covers(live.dot))
    }
    /// Whether it is there.
    pub(super) fn presence(&self, whole: Option<&Whole>) -> Presence {
        whole.map_or(Presence::Present, |w| w.record.presence())
    }
}
