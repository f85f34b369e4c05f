//! A push and its pull's question as a frame.
//!
//! The items stand in columns (flags, lengths, records, clocks) before their bodies, so that a body is read by itself.

use super::bytes::{BAD, In, Out};
use super::change::{self, Head as ChangeHead};
use super::reply::{read_head, write_head};
use super::tables::{Gathered, Tables, list, referred};
use super::value::Budget;
use super::{FieldTable, VERSION};
use crate::change::CHANGESET_BYTES_MAX;
use crate::clock::{Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{ActorId, ChainHash, EpochId, ItemHash, RecordId, Seq};
use crate::value::limit;
use crate::wire::Item;
use crate::wire::message::{
    ChainPoint, ExchangeRequest, ITEMS_MAX, ItemUnreadable, REQUEST_BYTES_MAX, RequestUnreadable,
    check_records,
};

/// The second byte of a request.
const REQUEST: u8 = 1;

const KIND: u8 = 3;
const CHANGE: u8 = 0;
const OPAQUE: u8 = 1;
const VOID: u8 = 2;
/// A server gave it an effective clock before; that stands before the body.
const EFFECTIVE: u8 = 32;

/// What was added to the request since version 1, by tag; a reader passes over tags that it does not know.
const DEVICE_TIME: u64 = 0;
const CLIENT: u64 = 1;

struct Columns {
    flags: Out,
    lengths: Out,
    records: Out,
    clocks: Out,
    bodies: Out,
}

fn columns(items: &[Item], tables: &mut Gathered<'_>) -> Columns {
    let mut c = Columns {
        flags: Out::default(),
        lengths: Out::default(),
        records: Out::default(),
        clocks: Out::default(),
        bodies: Out::default(),
    };
    let mut ms = 0;
    for item in items {
        let start = c.bodies.0.len();
        match item {
            Item::Change { change, effective } => {
                let effective_flag = if effective.is_some() { EFFECTIVE } else { 0 };
                c.flags
                    .byte(CHANGE | change::flags(tables, change) | effective_flag);
                c.records.count(tables.records.reference(&change.record));
                c.clocks.hlc(change.clock, ms);
                ms = change.clock.ms();
                if let Some(effective) = effective {
                    c.bodies.hlc(*effective, ms);
                }
                change::write(&mut c.bodies, tables, change);
            }
            Item::Opaque { hash, bytes, .. } => {
                c.flags.byte(OPAQUE);
                c.bodies.raw(hash.as_bytes());
                c.bodies.raw(bytes);
            }
            Item::Void { hash, .. } => {
                c.flags.byte(VOID);
                c.bodies.raw(hash.as_bytes());
            }
        }
        c.lengths.count(c.bodies.0.len() - start);
    }
    c
}

impl ExchangeRequest {
    /// The frame of this request. `forms` is what the reader is sure to know too: published versions.
    pub fn to_frame(&self, forms: &dyn FieldTable) -> Vec<u8> {
        let Self {
            actor,
            epoch,
            head,
            cursor,
            chain,
            first,
            before,
            items,
            leaves,
            refetch,
            max_bytes,
            device_time,
            client,
        } = self;
        let mut out = Out(vec![VERSION, REQUEST]);
        out.uint(actor.0.into());
        out.raw(epoch.as_bytes());
        out.option(head.as_ref(), write_head);
        out.option(cursor.as_ref(), |out, c| out.block(c.as_bytes()));
        out.uint(chain.seq.get());
        out.raw(chain.hash.as_bytes());
        out.uint(first.get());
        out.raw(before.as_bytes());
        out.uint((*max_bytes).into());
        let mut more: Vec<(u64, Vec<u8>)> = Vec::new();
        if let Some(time) = device_time {
            more.push((DEVICE_TIME, time.to_be_bytes().to_vec()));
        }
        if let Some(client) = client {
            more.push((CLIENT, client.as_bytes().to_vec()));
        }
        out.count(more.len());
        for (tag, bytes) in more {
            out.uint(tag);
            out.block(&bytes);
        }
        let mut tables = Gathered::new(forms);
        tables.epochs.place(epoch);
        tables.actors.place(actor);
        let columns = columns(items, &mut tables);
        tables.write(&mut out);
        out.count(items.len());
        for column in [
            columns.flags,
            columns.lengths,
            columns.records,
            columns.clocks,
        ] {
            out.raw(&column.0);
        }
        out.raw(&columns.bodies.0);
        for records in [leaves, refetch] {
            out.count(records.len());
            records.iter().for_each(|r| out.raw(r.as_bytes()));
        }
        out.0
    }

    /// Reads a frame; as [`ExchangeRequest::from_json`] does, it names the first item that it cannot read.
    pub fn from_frame(bytes: &[u8], forms: &dyn FieldTable) -> Result<Self, RequestUnreadable> {
        let mut r = In(bytes);
        let r = &mut r;
        let mut request = read_envelope(r, bytes.len()).map_err(RequestUnreadable::Parse)?;
        let tables = Tables::read(r, forms).map_err(RequestUnreadable::Parse)?;
        let heads = read_columns(r, &tables).map_err(RequestUnreadable::Parse)?;
        // The bodies come before the two last lists, but those are read first: what follows an item is its own matter.
        let bodies = heads.iter().map(|h| h.length).sum();
        let bodies = r.raw(bodies).map_err(RequestUnreadable::Parse)?;
        let rest = read_records(r).map_err(RequestUnreadable::Parse)?;
        (request.leaves, request.refetch) = rest;
        request.items = read_items(&request, &tables, heads, bodies)?;
        Ok(request)
    }
}

fn read_envelope(r: &mut In<'_>, len: usize) -> Result<ExchangeRequest, ParseError> {
    limit("request bytes", len, REQUEST_BYTES_MAX)?;
    match r.byte()? {
        VERSION => {}
        version => return Err(ParseError::Version(version.into())),
    }
    if r.byte()? != REQUEST {
        return Err(BAD);
    }
    let mut request = ExchangeRequest {
        actor: ActorId(r.u32()?),
        epoch: EpochId::from_bytes(r.fixed()?),
        head: r.option(read_head)?,
        cursor: r.option(|r| r.text().map(str::to_owned))?,
        chain: ChainPoint {
            seq: r.seq()?,
            hash: ChainHash::from_bytes(r.fixed()?),
        },
        first: r.seq()?,
        before: ChainHash::from_bytes(r.fixed()?),
        items: Vec::new(),
        leaves: Vec::new(),
        refetch: Vec::new(),
        max_bytes: r.u32()?,
        device_time: None,
        client: None,
    };
    for _ in 0..r.count(2)? {
        let (tag, bytes) = (r.uint()?, r.block()?);
        match tag {
            DEVICE_TIME => {
                let time = bytes.try_into().map_err(|_| BAD)?;
                request.device_time = Some(u64::from_be_bytes(time));
            }
            CLIENT => {
                let client = std::str::from_utf8(bytes).map_err(|_| BAD)?;
                request.client = Some(client.to_owned()).filter(|c| c.len() <= 100);
            }
            _ => {}
        }
    }
    Ok(request)
}

/// What the columns tell of an item.
struct ItemHead {
    flags: u8,
    length: usize,
    /// The record and the clock of a changeset.
    of_change: Option<(RecordId, Hlc)>,
}

fn read_columns(r: &mut In<'_>, tables: &Tables) -> Result<Vec<ItemHead>, ParseError> {
    let n = r.count(2)?;
    limit("items", n, ITEMS_MAX)?;
    let flags = r.raw(n)?;
    let lengths = (0..n).map(|_| r.index()).collect::<Result<Vec<_>, _>>()?;
    let is_change = |flags: &u8| flags & KIND == CHANGE;
    let mut new = 0;
    let records = flags
        .iter()
        .map(|f| match is_change(f) {
            true => referred(&tables.records, r.index()?, &mut new).map(Some),
            false => Ok(None),
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut ms = 0;
    let mut heads = Vec::with_capacity(n);
    for ((flags, length), record) in flags.iter().zip(lengths).zip(records) {
        limit("changeset bytes", length, CHANGESET_BYTES_MAX + 64)?;
        let of_change = match record {
            None => None,
            Some(record) => {
                let clock = r.hlc(ms)?;
                ms = clock.ms();
                Some((record, clock))
            }
        };
        heads.push(ItemHead {
            flags: *flags,
            length,
            of_change,
        });
    }
    Ok(heads)
}

fn read_records(r: &mut In<'_>) -> Result<(Vec<RecordId>, Vec<RecordId>), ParseError> {
    let mut records = || list(r, 16, |r| Ok(RecordId::from_bytes(r.fixed()?)));
    let (leaves, refetch) = (records()?, records()?);
    r.end()?;
    check_records(&leaves, &refetch)?;
    Ok((leaves, refetch))
}

fn read_items(
    request: &ExchangeRequest,
    tables: &Tables,
    heads: Vec<ItemHead>,
    bodies: &[u8],
) -> Result<Vec<Item>, RequestUnreadable> {
    let mut items = Vec::with_capacity(heads.len());
    let mut rest = In(bodies);
    let mut seq = request.first;
    let mut room = REQUEST_BYTES_MAX;
    for head in heads {
        let unreadable = |reason: ParseError| {
            let reason = reason.to_string();
            RequestUnreadable::Item(ItemUnreadable { seq, reason })
        };
        let body = rest.raw(head.length).map_err(unreadable)?;
        let dot = Dot::new(request.actor, seq);
        let item = read_item(In(body), tables, &head, dot).map_err(unreadable)?;
        // What is short in a frame may be long elsewhere: all items together keep the limit that JSON has by itself.
        let size = match &item {
            Item::Change { change, .. } => change.bytes().len(),
            Item::Opaque { bytes, .. } => bytes.len(),
            Item::Void { .. } => 0,
        };
        room = room
            .checked_sub(size)
            .ok_or(RequestUnreadable::Parse(ParseError::Limit {
                what: "request bytes",
                limit: REQUEST_BYTES_MAX as u64,
            }))?;
        items.push(item);
        seq = seq.next().map_err(RequestUnreadable::Parse)?;
    }
    Ok(items)
}

fn read_item(
    mut r: In<'_>,
    tables: &Tables,
    head: &ItemHead,
    dot: Dot,
) -> Result<Item, ParseError> {
    if dot.seq == Seq::ZERO {
        return Err(ParseError::Counter);
    }
    let seq = dot.seq;
    let item = match (head.flags & KIND, head.of_change) {
        (CHANGE, Some((record, clock))) => {
            let effective = (head.flags & EFFECTIVE != 0)
                .then(|| r.hlc(clock.ms()))
                .transpose()?;
            let head = ChangeHead {
                record,
                dot,
                clock,
                flags: head.flags,
            };
            let mut budget = Budget(CHANGESET_BYTES_MAX);
            let change = Box::new(change::read(&mut r, tables, &mut budget, head)?);
            Item::Change { change, effective }
        }
        (OPAQUE, None) => {
            let hash = ItemHash::from_bytes(r.fixed()?);
            let bytes = r.raw(r.0.len())?.to_vec();
            limit("opaque item bytes", bytes.len(), CHANGESET_BYTES_MAX)?;
            Item::Opaque { seq, hash, bytes }
        }
        (VOID, None) => Item::Void {
            seq,
            hash: ItemHash::from_bytes(r.fixed()?),
        },
        _ => return Err(ParseError::Bytes("unknown kind of item")),
    };
    r.end()?;
    Ok(item)
}
