//! The append-only log. Positions are given here, inside the merging transaction, by the one writer.

use rusqlite::types::ValueRef;
use rusqlite::{Row, params};
use sha2::{Digest, Sha256};
use tributary_sync_core::change::{Changeset, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::ids::{ActorId, LogHash, LogPos, ProfileId, Seq};

use super::{OrgTxn, RecordNo, Result, pos, seq, sql, unsql};
use crate::storage::StorageError;

/// What kind of entry stands at a position.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum LogKind {
    /// A changeset that was merged. The maker's entry into scope is the one that creates the record.
    Change = 1,
    /// A record came into a profile's scope.
    Enter = 2,
    /// A record left it.
    Leave = 3,
    /// A record was erased; body: its tombstone.
    Erased = 4,
    /// A policy changed; body: JSON.
    Policy = 5,
    /// A form version was published; body: its hash.
    Form = 6,
    /// A changeset in quarantine was judged; body: one byte, 1 for released.
    Quarantine = 7,
    /// The organisation's keys changed; body: JSON.
    Keys = 8,
    /// A body went into quarantine; body: its item hash. For copies and checks only: no device reads it.
    Quarantined = 9,
}

impl LogKind {
    fn from_number(n: u8) -> Option<Self> {
        use LogKind::{Change, Enter, Erased, Form, Keys, Leave, Policy, Quarantine, Quarantined};
        let all = [
            Change,
            Enter,
            Leave,
            Erased,
            Policy,
            Form,
            Quarantine,
            Keys,
            Quarantined,
        ];
        all.into_iter().find(|k| *k as u8 == n)
    }
}

/// An entry to append that is no changeset.
#[derive(Clone, Debug)]
pub struct NewLog<'a> {
    /// Its kind.
    pub kind: LogKind,
    /// The record it is about.
    pub record: Option<RecordNo>,
    /// The profile it is for; none is for all.
    pub profile: Option<ProfileId>,
    /// The dot it is about.
    pub dot: Option<Dot>,
    /// What it says.
    pub body: &'a [u8],
}

/// What stands at a position.
#[derive(Clone, Debug)]
pub enum LogEntry {
    /// A changeset, unless its record was erased.
    Change(Option<Box<Stored>>),
    /// Anything else, with its body.
    Other(Vec<u8>),
}

/// One row of the log.
#[derive(Clone, Debug)]
pub struct LogRow {
    /// Its position.
    pub pos: LogPos,
    /// Its kind.
    pub kind: LogKind,
    /// The record it is about.
    pub record: Option<RecordNo>,
    /// The profile it is for.
    pub profile: Option<ProfileId>,
    /// The dot it is about.
    pub dot: Option<Dot>,
    /// When it was written, in milliseconds since 1970.
    pub received: u64,
    /// What it says.
    pub entry: LogEntry,
}

/// One row of the log whose body was not read yet: most of what a pull passes is not for the device that asks.
pub struct LogLine<'r> {
    row: &'r Row<'r>,
    /// Its position.
    pub pos: LogPos,
    /// Its kind.
    pub kind: LogKind,
    /// The record it is about.
    pub record: Option<RecordNo>,
    /// The profile it is for.
    pub profile: Option<ProfileId>,
    /// The dot it is about.
    pub dot: Option<Dot>,
    /// When it was written, in milliseconds since 1970.
    pub received: u64,
}

impl LogLine<'_> {
    /// Whether it has a body; a changeset of an erased record has none.
    pub fn has_body(&self) -> Result<bool> {
        Ok(self.row.get_ref(6)? != ValueRef::Null)
    }
    /// The effective clock of a changeset, and whether its context was cut.
    pub fn effective(&self) -> Result<(Hlc, bool)> {
        let (ms, n) = (unsql(self.row.get(8)?), self.row.get(9)?);
        let clock = Hlc::new(ms, n).map_err(StorageError::damaged("clock"))?;
        Ok((clock, self.row.get(11)?))
    }
    /// What it says.
    pub fn entry(&self) -> Result<LogEntry> {
        let body = self
            .row
            .get_ref(6)?
            .as_blob_or_null()
            .map_err(rusqlite::Error::from)?;
        match (self.kind, body) {
            (LogKind::Change, None) => Ok(LogEntry::Change(None)),
            (LogKind::Change, Some(body)) => {
                let change =
                    Changeset::from_bytes(body).map_err(StorageError::damaged("changeset"))?;
                let context: Option<Vec<u8>> = self.row.get(7)?;
                let (effective, cut) = self.effective()?;
                let stamp = Stamp {
                    context: read_context(&context.unwrap_or_default()),
                    effective,
                    received: self.received,
                    cut,
                };
                Ok(LogEntry::Change(Some(Box::new(Stored { change, stamp }))))
            }
            (_, body) => Ok(LogEntry::Other(body.unwrap_or_default().to_vec())),
        }
    }
}

/// The columns that [`read`] wants.
pub(super) const COLUMNS: &str = "pos, kind, record, profile, actor, seq, body, context, effective_ms, effective_n, received, cut";

/// What the hash of a changeset's entry covers: item hash, stored context, effective clock, time, cut.
pub(super) fn change_entry_hash(at: LogPos, stored: &Stored) -> [u8; 32] {
    let context = context_bytes(&stored.stamp.context);
    let mut h = entry_hasher(at, LogKind::Change);
    h.update(stored.change.hash().as_bytes());
    h.update(sql(context.len() as u64).to_be_bytes());
    h.update(context);
    h.update(stored.stamp.effective.ms().to_be_bytes());
    h.update(stored.stamp.effective.n().to_be_bytes());
    h.update(stored.stamp.received.to_be_bytes());
    h.update([u8::from(stored.stamp.cut)]);
    h.finalize().into()
}

pub(super) fn other_entry_hash(at: LogPos, new: &NewLog<'_>) -> [u8; 32] {
    let mut h = entry_hasher(at, new.kind);
    h.update(new.profile.unwrap_or_default().as_bytes());
    h.update(new.dot.map_or(0, |d| d.actor.0).to_be_bytes());
    h.update(new.dot.map_or(0, |d| d.seq.get()).to_be_bytes());
    h.update(new.body);
    h.finalize().into()
}

fn entry_hasher(at: LogPos, kind: LogKind) -> Sha256 {
    Sha256::new()
        .chain_update(b"tributary-log-v1")
        .chain_update(at.get().to_be_bytes())
        .chain_update([kind as u8])
}

pub(super) fn chain_log(before: LogHash, entry: &[u8; 32]) -> LogHash {
    LogHash::from_bytes(
        Sha256::new()
            .chain_update(before.as_bytes())
            .chain_update(entry)
            .finalize()
            .into(),
    )
}

/// A context as stored: actor and sequence, big-endian, by actor.
fn context_bytes(context: &Clock) -> Vec<u8> {
    let mut out = Vec::with_capacity(context.len() * 12);
    for dot in context.dots() {
        out.extend(dot.actor.0.to_be_bytes());
        out.extend(dot.seq.get().to_be_bytes());
    }
    out
}

fn read_context(bytes: &[u8]) -> Clock {
    let dots = bytes.chunks_exact(12).filter_map(|c| {
        let actor = u32::from_be_bytes(c.get(..4)?.try_into().ok()?);
        let n = u64::from_be_bytes(c.get(4..)?.try_into().ok()?);
        Some(Dot::new(ActorId(actor), Seq::new(n).ok()?))
    });
    dots.collect()
}

impl OrgTxn<'_> {
    /// Appends a changeset that was merged into `record`.
    pub fn append_change(&self, record: RecordNo, stored: &Stored) -> Result<LogPos> {
        let (head, before) = self.head()?;
        let at = head.next().map_err(StorageError::damaged("log position"))?;
        let entry = change_entry_hash(at, stored);
        let log_hash = chain_log(before, &entry);
        let stamp = &stored.stamp;
        self.execute(
            "INSERT INTO log (pos, kind, record, actor, seq, body, context, effective_ms, effective_n, received, cut, entry_hash, log_hash)
             VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
            params![
                sql(at.get()),
                record.0,
                stored.change.dot.actor.0,
                sql(stored.change.dot.seq.get()),
                stored.change.bytes(),
                context_bytes(&stamp.context),
                sql(stamp.effective.ms()),
                stamp.effective.n(),
                sql(stamp.received),
                stamp.cut,
                entry,
                log_hash.as_bytes()
            ],
        )?;
        self.head.set(Some((at, log_hash)));
        Ok(at)
    }

    /// Appends any other entry.
    pub fn append(&self, new: &NewLog<'_>, now: u64) -> Result<LogPos> {
        let (head, before) = self.head()?;
        let at = head.next().map_err(StorageError::damaged("log position"))?;
        let entry = other_entry_hash(at, new);
        let log_hash = chain_log(before, &entry);
        self.execute(
            "INSERT INTO log (pos, kind, record, profile, actor, seq, body, received, entry_hash, log_hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                sql(at.get()),
                new.kind as u8,
                new.record.map(|r| r.0),
                new.profile.as_ref().map(|p| p.as_bytes().as_slice()),
                new.dot.map(|d| d.actor.0),
                new.dot.map(|d| sql(d.seq.get())),
                new.body,
                sql(now),
                entry,
                log_hash.as_bytes()
            ],
        )?;
        self.head.set(Some((at, log_hash)));
        Ok(at)
    }

    /// The entries after a position, in order, until `each` says stop.
    pub fn log_after<E: From<StorageError>>(
        &self,
        after: LogPos,
        mut each: impl FnMut(LogLine<'_>) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        let text = format!("SELECT {COLUMNS} FROM log WHERE pos > ?1 ORDER BY pos");
        self.each(&text, [sql(after.get())], |r| each(line(r)?))
    }

    /// The changesets of one record in log order: its history.
    pub fn history(&self, record: RecordNo) -> Result<Vec<LogRow>> {
        let text = format!("SELECT {COLUMNS} FROM log WHERE record = ?1 AND kind = 1 ORDER BY pos");
        let mut out = Vec::new();
        self.each::<StorageError>(&text, [record.0], |r| {
            out.push(read(r)?);
            Ok(true)
        })?;
        Ok(out)
    }

    /// The highest changeset of `actor` on `record` at or below `at_most`, not after log position `mark`; with the
    /// context it was stored with (§1.7).
    pub fn change_at_most(
        &self,
        record: RecordNo,
        actor: ActorId,
        at_most: Seq,
        mark: Option<LogPos>,
    ) -> Result<Option<(Seq, Clock)>> {
        self.one(
            "SELECT seq, context FROM log WHERE kind = 1 AND record = ?1 AND actor = ?2 AND seq <= ?3 AND pos <= ?4
             ORDER BY seq DESC LIMIT 1",
            params![record.0, actor.0, sql(at_most.get()), mark.map_or(i64::MAX, |m| sql(m.get()))],
            |r| {
                let context: Option<Vec<u8>> = r.get(1)?;
                Ok((seq(r.get(0)?), read_context(&context.unwrap_or_default())))
            },
        )
    }

    /// The changeset behind a dot, if it is in the log and not erased.
    pub fn change_by_dot(&self, record: RecordNo, dot: Dot) -> Result<Option<LogRow>> {
        let text = format!(
            "SELECT {COLUMNS} FROM log WHERE kind = 1 AND record = ?1 AND actor = ?2 AND seq = ?3"
        );
        let mut found = None;
        self.each::<StorageError>(
            &text,
            params![record.0, dot.actor.0, sql(dot.seq.get())],
            |r| {
                found = Some(read(r)?);
                Ok(false)
            },
        )?;
        Ok(found)
    }
}

/// The plain columns of a row of [`COLUMNS`].
fn line<'r>(r: &'r Row<'r>) -> Result<LogLine<'r>> {
    let damaged = || {
        StorageError::damaged("log entry")(tributary_sync_core::error::ParseError::Bytes("kind"))
    };
    let actor: Option<u32> = r.get(4)?;
    let number: Option<i64> = r.get(5)?;
    Ok(LogLine {
        row: r,
        pos: pos(r.get(0)?),
        kind: LogKind::from_number(r.get(1)?).ok_or_else(damaged)?,
        record: r.get::<_, Option<i64>>(2)?.map(RecordNo),
        profile: r.get::<_, Option<[u8; 16]>>(3)?.map(ProfileId::from_bytes),
        dot: actor.zip(number).map(|(a, n)| Dot::new(ActorId(a), seq(n))),
        received: unsql(r.get(10)?),
    })
}

/// Reads a row of [`COLUMNS`].
pub(super) fn read(r: &Row<'_>) -> Result<LogRow> {
    let line = line(r)?;
    Ok(LogRow {
        pos: line.pos,
        kind: line.kind,
        record: line.record,
        profile: line.profile,
        dot: line.dot,
        received: line.received,
        entry: line.entry()?,
    })
}
