//! The body of a changeset in a frame: all but its record, its dot and its clock, which stand where they are cheapest.

use super::bytes::{BAD, In, Out};
use super::tables::{Gathered, Tables, list};
use super::value::{Budget, base_day};
use super::writes::{self, WritesReader};
use crate::change::{Changeset, Decision, Draft, Origin};
use crate::clock::{CONTEXT_ENTRIES_MAX, Clock, Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{ActorId, ItemHash, RecordId, Seq};
use crate::value::{Opaque, Text, limit};

/// It makes the record.
pub(super) const CREATES: u8 = 4;
/// Its context is of another epoch than the first of the table.
const EPOCH: u8 = 8;
/// It has decisions, an origin or extensions.
const RARE: u8 = 16;

/// The flags of the body of `change`; its epoch takes its place in the table.
pub(super) fn flags(tables: &mut Gathered<'_>, change: &Draft) -> u8 {
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    let rare =
        !change.decisions.is_empty() || change.origin.is_some() || !change.extensions.is_empty();
    flag(change.creates, CREATES)
        | flag(tables.epochs.place(&change.epoch) != 0, EPOCH)
        | flag(rare, RARE)
}

/// A context: own entries as seen from the own number, others as they are.
pub(super) fn write_clock(out: &mut Out, tables: &mut Gathered<'_>, clock: &Clock, own: Dot) {
    out.count(clock.len());
    for dot in clock.dots() {
        out.count(tables.actors.place(&dot.actor));
        if dot.actor == own.actor {
            out.delta(dot.seq.get(), own.seq.get());
        } else {
            out.uint(dot.seq.get());
        }
    }
}

pub(super) fn read_clock(r: &mut In<'_>, tables: &Tables, own: Dot) -> Result<Clock, ParseError> {
    let n = r.count(2)?;
    limit("context entries", n, CONTEXT_ENTRIES_MAX)?;
    let mut clock = Clock::new();
    for _ in 0..n {
        let actor = read_actor(r, tables)?;
        let seq = match actor == own.actor {
            true => r.delta(own.seq.get())?,
            false => r.uint()?,
        };
        if seq == 0 || clock.get(actor) > Seq::ZERO {
            return Err(BAD);
        }
        clock.add(Dot::new(actor, Seq::new(seq)?));
    }
    Ok(clock)
}

pub(super) fn read_actor(r: &mut In<'_>, tables: &Tables) -> Result<ActorId, ParseError> {
    let place = r.index()?;
    tables.actors.get(place).copied().ok_or(BAD)
}

pub(super) fn write(out: &mut Out, tables: &mut Gathered<'_>, change: &Draft) {
    let form = tables.form(change.form);
    out.count(form);
    let epoch = tables.epochs.place(&change.epoch);
    if epoch != 0 {
        out.count(epoch);
    }
    write_clock(out, tables, &change.seen, change.dot);
    let pairs = change.writes.iter().map(|(key, value)| (key, value));
    writes::write(out, tables, form, base_day(change.clock.ms()), pairs);
    if flags(tables, change) & RARE == 0 {
        return;
    }
    out.count(change.decisions.len());
    for decision in &change.decisions {
        out.block(decision.key.to_string().as_bytes());
        out.count(decision.dots.len());
        for dot in &decision.dots {
            out.uint(dot.actor.0.into());
            out.uint(dot.seq.get());
        }
        out.block(decision.reason.as_str().as_bytes());
    }
    out.option(change.origin, |out, origin| {
        out.uint(origin.dot.actor.0.into());
        out.uint(origin.dot.seq.get());
        out.raw(origin.hash.as_bytes());
    });
    out.count(change.extensions.len());
    for extension in &change.extensions {
        out.uint(extension.tag().into());
        out.block(extension.bytes());
    }
}

fn read_dot(r: &mut In<'_>) -> Result<Dot, ParseError> {
    Ok(Dot::new(ActorId(r.u32()?), r.seq()?))
}

/// What stands elsewhere in the frame.
pub(super) struct Head {
    pub(super) record: RecordId,
    pub(super) dot: Dot,
    pub(super) clock: Hlc,
    pub(super) flags: u8,
}

pub(super) fn read(
    r: &mut In<'_>,
    tables: &Tables,
    budget: &mut Budget,
    head: Head,
) -> Result<Changeset, ParseError> {
    let has = |flag: u8| head.flags & flag != 0;
    let form = r.index()?;
    let epoch = if has(EPOCH) { r.index()? } else { 0 };
    let seen = read_clock(r, tables, head.dot)?;
    let mut draft = Draft {
        record: head.record,
        dot: head.dot,
        clock: head.clock,
        form: tables.form(form)?,
        creates: has(CREATES),
        epoch: tables.epochs.get(epoch).copied().ok_or(BAD)?,
        seen,
        writes: WritesReader {
            tables,
            form,
            base_day: base_day(head.clock.ms()),
            budget,
        }
        .read(r)?,
        decisions: Vec::new(),
        origin: None,
        extensions: Vec::new(),
    };
    if has(RARE) {
        draft.decisions = list(r, 3, |r| {
            Ok(Decision {
                key: r.text()?.parse()?,
                dots: list(r, 2, read_dot)?,
                reason: Text::new(r.text()?)?,
            })
        })?;
        draft.origin = r.option(|r| {
            Ok(Origin {
                dot: read_dot(r)?,
                hash: ItemHash::from_bytes(r.fixed()?),
            })
        })?;
        draft.extensions = list(r, 2, |r| Opaque::new(r.u32()?, r.block()?.to_vec()))?;
    }
    draft.seal()
}
