//! One pass over the records of a form: each is judged once, counted, and shown or left out.
//!
//! Every sheet of a download is such a pass, so all sheets hold the same records.

use tributary_sync_core::change::Stored;
use tributary_sync_core::conflict::Presence;
use tributary_sync_core::ids::{FormHash, LogPos, RecordId};
use tributary_sync_core::record::Record;
use tributary_sync_core::view::LiveView;

use super::columns::Sheet;
use super::error::{ExportError, Result};
use super::head::Export;
use super::options::Moment;
use super::scan::{Scan, Scanner};
use super::trailer::{Counts, Left};
use super::whole::Whole;
use crate::storage::{LogEntry, OrgTxn, RawRecord};

/// Which records are wanted, resolved.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// Empty means all but drafts.
    pub(super) states: Vec<String>,
    pub(super) versions: Option<Vec<FormHash>>,
    pub(super) time: Option<(Moment, u64, u64)>,
    pub(super) deleted: bool,
    pub(super) conflicts_only: bool,
}

/// What becomes of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Shown,
    Restricted,
    Withheld,
    Deleted,
    Draft,
    Filtered,
}

/// A record that is shown.
pub(super) struct Shown<'a> {
    pub(super) raw: RawRecord<'a>,
    pub(super) scan: &'a Scan<'a>,
    pub(super) whole: Option<&'a Whole>,
    pub(super) status: &'static str,
    pub(super) presence: Presence,
    /// The latest changeset that still owns a value.
    pub(super) last: Option<&'a LiveView<'a>>,
}

/// What a pass has seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) counts: Counts,
    pub(super) left: Left,
}

/// Looks at every record of the form, in the order in which they came, and calls `show` for those that are wanted.
pub(super) fn run(
    txn: &OrgTxn<'_>,
    export: &Export,
    sheet: &Sheet,
    flags: bool,
    mut show: impl FnMut(&Shown<'_>) -> Result<()>,
) -> Result<Seen> {
    let scanner = Scanner::new(&export.layout, &export.policies, sheet, flags);
    let mut seen = Seen::default();
    let mut each = |raw: RawRecord<'_>| -> Result<bool> {
        let scan = scanner.scan(raw.body)?;
        let whole = scan.whole(&export.policies, raw.body)?;
        let whole = whole.as_ref();
        let shown = Shown {
            raw,
            scan: &scan,
            whole,
            status: scan.status(whole),
            presence: scan.presence(whole),
            last: scan
                .view
                .lives()
                .iter()
                .max_by_key(|l| (l.effective, l.dot)),
        };
        let verdict = export.filter.judge(&shown, &scanner);
        if seen.count(verdict, &shown, export) {
            show(&shown)?;
        }
        Ok(true)
    };
    match export.as_of {
        None => txn.raw_records::<ExportError>(&export.form_id, each)?,
        Some(at) => {
            txn.raw_records::<ExportError>(&export.form_id, |raw| match past(txn, &raw, at)? {
                Past::Same => each(raw),
                Past::Absent => Ok(true),
                Past::Other(pos, body) => each(RawRecord {
                    pos,
                    body: &body,
                    ..raw
                }),
            })?
        }
    }
    Ok(seen)
}

/// What a record was at a log position.
enum Past {
    Same,
    Absent,
    Other(LogPos, Vec<u8>),
}

/// Rebuilds a record from the log, unless it has not changed since.
fn past(txn: &OrgTxn<'_>, raw: &RawRecord<'_>, at: LogPos) -> Result<Past> {
    if raw.pos <= at {
        return Ok(Past::Same);
    }
    let mut record: Option<(LogPos, Record)> = None;
    for row in txn.history(raw.no)? {
        if row.pos > at {
            break;
        }
        if let LogEntry::Change(Some(stored)) = row.entry {
            apply(&mut record, row.pos, &stored);
        }
    }
    Ok(match record {
        None => Past::Absent,
        Some((pos, record)) => Past::Other(pos, record.to_bytes()),
    })
}

fn apply(record: &mut Option<(LogPos, Record)>, pos: LogPos, stored: &Stored) {
    let (last, record) = record.get_or_insert_with(|| (pos, Record::new(stored.change.record)));
    record.apply(stored);
    *last = pos;
}

impl Filter {
    fn judge(&self, shown: &Shown<'_>, scanner: &Scanner<'_>) -> Verdict {
        if shown.raw.restricted_at.is_some() {
            return Verdict::Restricted;
        }
        // Also what was given with consent and has lost it since, in a download of the past too.
        if shown.raw.withheld || shown.scan.withheld(scanner, shown.whole) {
            return Verdict::Withheld;
        }
        if shown.presence == Presence::Deleted && !self.deleted {
            return Verdict::Deleted;
        }
        if self.states.is_empty() && shown.status == "draft" {
            return Verdict::Draft;
        }
        let state = self.states.is_empty() || self.states.iter().any(|s| s == shown.status);
        if state && self.matches(shown) {
            Verdict::Shown
        } else {
            Verdict::Filtered
        }
    }

    fn matches(&self, shown: &Shown<'_>) -> bool {
        let version = self
            .versions
            .as_ref()
            .is_none_or(|wanted| shown.last.is_some_and(|l| wanted.contains(&l.form)));
        let time = self.time.is_none_or(|(of, from, to)| {
            let at = match of {
                Moment::Created => Some(shown.raw.created_at),
                Moment::Saved => shown.last.map(|l| l.saved.ms()),
                Moment::Received => shown.last.map(|l| l.received),
            };
            at.is_some_and(|at| from <= at && at < to)
        });
        let conflicts = !self.conflicts_only
            || shown
                .whole
                .is_some_and(|w| w.record.conflicts().next().is_some());
        version && time && conflicts
    }
}

impl Seen {
    /// Counts a record; tells whether to show it.
    fn count(&mut self, verdict: Verdict, shown: &Shown<'_>, export: &Export) -> bool {
        let Counts {
            rows,
            withheld,
            restricted,
            drafts,
            deleted,
            filtered,
            unchanged,
        } = &mut self.counts;
        let changed = export.since.is_none_or(|s| shown.raw.pos > s.pos);
        let counter = match verdict {
            Verdict::Shown if changed => rows,
            Verdict::Shown => unchanged,
            Verdict::Restricted => restricted,
            Verdict::Withheld => withheld,
            Verdict::Deleted => deleted,
            Verdict::Draft => drafts,
            Verdict::Filtered => filtered,
        };
        *counter += 1;
        if verdict != Verdict::Shown {
            self.leave(verdict, shown, export, changed);
        }
        verdict == Verdict::Shown && changed
    }

    /// With `since`, a record that an earlier download may have had and this one has not any more is named.
    fn leave(&mut self, verdict: Verdict, shown: &Shown<'_>, export: &Export, changed: bool) {
        let Some(since) = export.since else {
            return;
        };
        // Restricting is no log entry: its time tells.
        let newly = changed || shown.raw.restricted_at.is_some_and(|at| at >= since.time);
        if !newly || shown.raw.created_at > since.time {
            return;
        }
        let id: RecordId = shown.scan.view.id();
        match verdict {
            Verdict::Deleted => self.left.deleted.push(id),
            _ => self.left.gone.push(id),
        }
    }
}
