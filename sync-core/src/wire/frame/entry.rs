//! The entries of a pull in a frame: changesets, own numbers and whole records compact, the rarer kinds as JSON.

use std::collections::HashMap;

use super::bytes::{BAD, In, Out};
use super::change::{self, Head, read_actor, read_clock, write_clock};
use super::tables::{Gathered, Tables, list, referred};
use super::value::{Budget, base_day};
use super::writes::{self, WritesReader};
use crate::change::{Stamp, Stored};
use crate::clock::Dot;
use crate::error::ParseError;
use crate::ids::{ActorId, LogPos, RecordId, Seq};
use crate::key::Key;
use crate::record::{Live, Record, Values};
use crate::value::Value;
use crate::wire::message::Entry;

const JSON: u64 = 0;
const CHANGE: u64 = 1;
const OWN: u64 = 2;
const STATE: u64 = 3;
const ENTER: u64 = 4;
const LEAVE: u64 = 5;
const GONE: u64 = 6;
const SCOPE: u64 = 7;

/// The stored context is not the one that was sent.
const CONTEXT: u8 = 32;
/// The effective clock is not the device's.
const EFFECTIVE: u8 = 64;
const CUT: u8 = 128;

/// What a page may say in canonical bytes, however short its frame: more than any device asks for at once (`max_bytes`).
const PAGE_BYTES: usize = 16 * 1024 * 1024;

/// What differences are told from, from entry to entry.
#[derive(Default)]
struct Last {
    pos: u64,
    ms: u64,
    received: u64,
    seqs: HashMap<ActorId, u64>,
    records: usize,
}

impl Last {
    fn write_pos(&mut self, out: &mut Out, pos: LogPos) {
        out.delta(pos.get(), self.pos);
        self.pos = pos.get();
    }
    fn read_pos(&mut self, r: &mut In<'_>) -> Result<LogPos, ParseError> {
        self.pos = r.delta(self.pos)?;
        LogPos::new(self.pos)
    }
    fn write_dot(&mut self, out: &mut Out, tables: &mut Gathered<'_>, dot: Dot) {
        out.count(tables.actors.place(&dot.actor));
        let last = self.seqs.insert(dot.actor, dot.seq.get()).unwrap_or(0);
        out.delta(dot.seq.get(), last);
    }
    fn read_dot(&mut self, r: &mut In<'_>, tables: &Tables) -> Result<Dot, ParseError> {
        let actor = read_actor(r, tables)?;
        let last = self.seqs.get(&actor).copied().unwrap_or(0);
        let seq = r.delta(last)?;
        self.seqs.insert(actor, seq);
        Ok(Dot::new(actor, Seq::new(seq)?))
    }
    fn write_received(&mut self, out: &mut Out, received: u64) {
        // Any 64 bits go through, as in JSON.
        out.int(
            received
                .cast_signed()
                .wrapping_sub(self.received.cast_signed()),
        );
        self.received = received;
    }
    fn read_received(&mut self, r: &mut In<'_>) -> Result<u64, ParseError> {
        self.received = self.received.wrapping_add(r.int()?.cast_unsigned());
        Ok(self.received)
    }
    fn read_record(&mut self, r: &mut In<'_>, tables: &Tables) -> Result<RecordId, ParseError> {
        referred(&tables.records, r.index()?, &mut self.records)
    }
}

fn write_record(out: &mut Out, tables: &mut Gathered<'_>, record: &RecordId) {
    out.count(tables.records.reference(record));
}

pub(super) fn write_all(entries: &[Entry], tables: &mut Gathered<'_>) -> Out {
    let mut out = Out::default();
    let mut last = Last::default();
    for entry in entries {
        let mut body = Out::default();
        let tag = write(&mut body, tables, &mut last, entry);
        out.uint(tag);
        out.block(&body.0);
    }
    out
}

fn write(out: &mut Out, tables: &mut Gathered<'_>, last: &mut Last, entry: &Entry) -> u64 {
    match entry {
        Entry::Change { pos, stored } => {
            last.write_pos(out, *pos);
            write_stored(out, tables, last, stored);
            CHANGE
        }
        Entry::Own {
            pos,
            actor,
            seq,
            effective,
            received,
            cut,
        } => {
            last.write_pos(out, *pos);
            last.write_dot(out, tables, Dot::new(*actor, *seq));
            out.hlc(*effective, last.ms);
            last.ms = effective.ms();
            last.write_received(out, *received);
            out.byte((*cut).into());
            OWN
        }
        Entry::State { pos, form, state } => {
            last.write_pos(out, *pos);
            out.count(tables.form(*form));
            write_state(out, tables, last, state);
            STATE
        }
        Entry::Enter { pos, record } => {
            last.write_pos(out, *pos);
            write_record(out, tables, record);
            ENTER
        }
        Entry::Leave { pos, record } => {
            last.write_pos(out, *pos);
            write_record(out, tables, record);
            LEAVE
        }
        Entry::Gone { record } => {
            write_record(out, tables, record);
            GONE
        }
        Entry::Scope { records } => {
            out.count(records.len());
            records.iter().for_each(|r| write_record(out, tables, r));
            SCOPE
        }
        Entry::Erased { .. }
        | Entry::Policy { .. }
        | Entry::Form { .. }
        | Entry::Actor { .. }
        | Entry::Quarantine { .. }
        | Entry::Keys { .. } => {
            // These kinds hold text and numbers only, which JSON always takes.
            out.raw(&serde_json::to_vec(entry).unwrap_or_default());
            JSON
        }
    }
}

fn write_stored(out: &mut Out, tables: &mut Gathered<'_>, last: &mut Last, stored: &Stored) {
    let (change, stamp) = (&stored.change, &stored.stamp);
    last.write_dot(out, tables, change.dot);
    write_record(out, tables, &change.record);
    out.hlc(change.clock, last.ms);
    last.ms = change.clock.ms();
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    let flags = change::flags(tables, change)
        | flag(stamp.context != change.seen, CONTEXT)
        | flag(stamp.effective != change.clock, EFFECTIVE)
        | flag(stamp.cut, CUT);
    out.byte(flags);
    if flags & CONTEXT != 0 {
        write_clock(out, tables, &stamp.context, change.dot);
    }
    if flags & EFFECTIVE != 0 {
        out.hlc(stamp.effective, change.clock.ms());
    }
    last.write_received(out, stamp.received);
    change::write(out, tables, change);
}

fn read_stored(
    r: &mut In<'_>,
    tables: &Tables,
    budget: &mut Budget,
    last: &mut Last,
) -> Result<Stored, ParseError> {
    let dot = last.read_dot(r, tables)?;
    let record = last.read_record(r, tables)?;
    let clock = r.hlc(last.ms)?;
    last.ms = clock.ms();
    let flags = r.byte()?;
    let context = (flags & CONTEXT != 0)
        .then(|| read_clock(r, tables, dot))
        .transpose()?;
    let effective = (flags & EFFECTIVE != 0)
        .then(|| r.hlc(clock.ms()))
        .transpose()?;
    let received = last.read_received(r)?;
    let head = Head {
        record,
        dot,
        clock,
        flags,
    };
    let change = change::read(r, tables, budget, head)?;
    Ok(Stored {
        stamp: Stamp {
            context: context.unwrap_or_else(|| change.seen.clone()),
            effective: effective.unwrap_or(clock),
            received,
            cut: flags & CUT != 0,
        },
        change,
    })
}

/// A record: its live changesets, each with the values that it owns.
fn write_state(out: &mut Out, tables: &mut Gathered<'_>, last: &mut Last, state: &Record) {
    write_record(out, tables, &state.id());
    out.count(state.lives().len());
    for live in state.lives() {
        last.write_dot(out, tables, live.dot);
        write_clock(out, tables, &live.clock, live.dot);
        out.hlc(live.saved, last.ms);
        last.ms = live.saved.ms();
        out.hlc(live.effective, live.saved.ms());
        last.write_received(out, live.received);
        let form = tables.form(live.form);
        out.count(form);
        let owned = state.keys().filter_map(|(key, values)| {
            let own = values.iter().find(|(dot, _)| *dot == live.dot)?;
            Some((key, &own.1))
        });
        writes::write(out, tables, form, base_day(live.saved.ms()), owned);
    }
}

fn read_state(
    r: &mut In<'_>,
    tables: &Tables,
    budget: &mut Budget,
    last: &mut Last,
) -> Result<Record, ParseError> {
    let id = last.read_record(r, tables)?;
    let mut lives = Vec::new();
    let mut all: Vec<(Key, Dot, Value)> = Vec::new();
    for _ in 0..r.count(7)? {
        let dot = last.read_dot(r, tables)?;
        let clock = read_clock(r, tables, dot)?;
        let saved = r.hlc(last.ms)?;
        last.ms = saved.ms();
        let effective = r.hlc(saved.ms())?;
        let received = last.read_received(r)?;
        let form = r.index()?;
        let writes = WritesReader {
            tables,
            form,
            base_day: base_day(saved.ms()),
            budget,
        }
        .read(r)?;
        lives.push(Live {
            dot,
            clock,
            saved,
            effective,
            received,
            form: tables.form(form)?,
            values: u32::try_from(writes.len()).map_err(|_| BAD)?,
        });
        all.extend(writes.into_iter().map(|(key, value)| (key, dot, value)));
    }
    all.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    let mut keys: Vec<(Key, Values)> = Vec::new();
    for (key, dot, value) in all {
        match keys.last_mut() {
            Some((last, values)) if *last == key => values.push((dot, value)),
            _ => keys.push((key, Values::from_iter([(dot, value)]))),
        }
    }
    Record::from_parts(id, lives, keys)
}

pub(super) fn read_all(
    r: &mut In<'_>,
    tables: &Tables,
    frame_len: usize,
) -> Result<Vec<Entry>, ParseError> {
    // A page of long choices is smaller than what it says by far; what a server puts on one page is bounded.
    let mut budget = Budget(PAGE_BYTES + 32 * frame_len);
    let mut last = Last::default();
    list(r, 2, |r| {
        let tag = r.uint()?;
        let mut body = In(r.block()?);
        let entry = read(&mut body, tables, &mut budget, &mut last, tag)?;
        body.end()?;
        Ok(entry)
    })
}

fn read(
    r: &mut In<'_>,
    tables: &Tables,
    budget: &mut Budget,
    last: &mut Last,
    tag: u64,
) -> Result<Entry, ParseError> {
    Ok(match tag {
        CHANGE => Entry::Change {
            pos: last.read_pos(r)?,
            stored: Box::new(read_stored(r, tables, budget, last)?),
        },
        OWN => {
            let pos = last.read_pos(r)?;
            let Dot { actor, seq } = last.read_dot(r, tables)?;
            let effective = r.hlc(last.ms)?;
            last.ms = effective.ms();
            Entry::Own {
                pos,
                actor,
                seq,
                effective,
                received: last.read_received(r)?,
                cut: r.bool()?,
            }
        }
        STATE => {
            let pos = last.read_pos(r)?;
            let form = tables.form(r.index()?)?;
            let state = read_state(r, tables, budget, last)?;
            Entry::State { pos, form, state }
        }
        ENTER => Entry::Enter {
            pos: last.read_pos(r)?,
            record: last.read_record(r, tables)?,
        },
        LEAVE => Entry::Leave {
            pos: last.read_pos(r)?,
            record: last.read_record(r, tables)?,
        },
        GONE => Entry::Gone {
            record: last.read_record(r, tables)?,
        },
        SCOPE => Entry::Scope {
            records: list(r, 1, |r| last.read_record(r, tables))?,
        },
        JSON => {
            let json = r.raw(r.0.len())?;
            serde_json::from_slice(json).map_err(|_| BAD)?
        }
        _ => return Err(ParseError::Bytes("unknown kind of entry")),
    })
}
