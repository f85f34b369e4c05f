//! The answer to an exchange as a frame.

use super::bytes::{BAD, In, Out};
use super::entry;
use super::tables::{Gathered, Tables, list};
use super::{FieldTable, VERSION};
use crate::error::ParseError;
use crate::ids::{ActorId, ChainHash, EpochId, LogHash, LogPos, Seq};
use crate::wire::message::{ChainPoint, ExchangeReply, Head, PushResult, Receipt, Status};

/// The second byte of a reply.
const REPLY: u8 = 2;

const MORE: u8 = 1;
const REVOKED: u8 = 2;

const STATUS: u8 = 7;
const REPEAT: u8 = 8;
const CODE: u8 = 16;
const EFFECTIVE: u8 = 32;
const OUT_OF_SCOPE: u8 = 64;
const POS: u8 = 128;

pub(super) fn write_head(out: &mut Out, head: &Head) {
    let Head {
        epoch,
        opened,
        pos,
        hash,
        copied,
        sig,
    } = head;
    out.raw(epoch.as_bytes());
    out.uint(*opened);
    out.uint(pos.get());
    out.raw(hash.as_bytes());
    out.uint(copied.get());
    out.hex::<64>(sig);
}

fn read_pos(r: &mut In<'_>) -> Result<LogPos, ParseError> {
    LogPos::new(r.uint()?)
}

pub(super) fn read_head(r: &mut In<'_>) -> Result<Head, ParseError> {
    Ok(Head {
        epoch: EpochId::from_bytes(r.fixed()?),
        opened: r.uint()?,
        pos: read_pos(r)?,
        hash: LogHash::from_bytes(r.fixed()?),
        copied: read_pos(r)?,
        sig: r.hex::<64>()?,
    })
}

fn write_receipt(out: &mut Out, receipt: &Receipt) {
    let Receipt {
        actor,
        seq,
        hash,
        epoch,
        copied,
        copied_seq,
        attachments,
        sig,
    } = receipt;
    out.uint(actor.0.into());
    out.uint(seq.get());
    out.raw(hash.as_bytes());
    out.raw(epoch.as_bytes());
    out.uint(copied.get());
    out.uint(copied_seq.get());
    out.count(attachments.len());
    attachments.iter().for_each(|a| out.hex::<32>(a));
    out.hex::<64>(sig);
}

fn read_receipt(r: &mut In<'_>) -> Result<Receipt, ParseError> {
    Ok(Receipt {
        actor: ActorId(r.u32()?),
        seq: r.seq()?,
        hash: ChainHash::from_bytes(r.fixed()?),
        epoch: EpochId::from_bytes(r.fixed()?),
        copied: read_pos(r)?,
        copied_seq: r.seq()?,
        attachments: list(r, 1, |r| r.hex::<32>())?,
        sig: r.hex::<64>()?,
    })
}

const STATUSES: [Status; 6] = [
    Status::Applied,
    Status::Cut,
    Status::Duplicate,
    Status::Quarantined,
    Status::Void,
    Status::Erased,
];

fn status_number(status: Status) -> u8 {
    match status {
        Status::Applied => 0,
        Status::Cut => 1,
        Status::Duplicate => 2,
        Status::Quarantined => 3,
        Status::Void => 4,
        Status::Erased => 5,
    }
}

fn write_results(out: &mut Out, results: &[PushResult]) {
    out.count(results.len());
    let (mut next, mut ms, mut last_pos) = (0, 0, 0);
    for result in results {
        let PushResult {
            seq,
            status,
            repeat,
            code,
            effective,
            out_of_scope,
            pos,
        } = result;
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        out.byte(
            status_number(*status)
                | flag(*repeat, REPEAT)
                | flag(code.is_some(), CODE)
                | flag(effective.is_some(), EFFECTIVE)
                | flag(*out_of_scope, OUT_OF_SCOPE)
                | flag(pos.is_some(), POS),
        );
        out.delta(seq.get(), next);
        next = seq.get().saturating_add(1);
        if let Some(code) = code {
            out.block(code.as_bytes());
        }
        if let Some(effective) = effective {
            out.hlc(*effective, ms);
            ms = effective.ms();
        }
        if let Some(pos) = pos {
            out.delta(pos.get(), last_pos);
            last_pos = pos.get();
        }
    }
}

fn read_results(r: &mut In<'_>) -> Result<Vec<PushResult>, ParseError> {
    let (mut next, mut ms, mut last_pos) = (0u64, 0, 0);
    list(r, 2, |r| {
        let flags = r.byte()?;
        let has = |flag: u8| flags & flag != 0;
        let status = *STATUSES.get(usize::from(flags & STATUS)).ok_or(BAD)?;
        let seq = Seq::new(r.delta(next)?)?;
        next = seq.get().saturating_add(1);
        let code = has(CODE).then(|| r.text().map(str::to_owned)).transpose()?;
        let effective = has(EFFECTIVE).then(|| r.hlc(ms)).transpose()?;
        ms = effective.map_or(ms, |e| e.ms());
        let pos = has(POS).then(|| r.delta(last_pos)).transpose()?;
        last_pos = pos.unwrap_or(last_pos);
        Ok(PushResult {
            seq,
            status,
            repeat: has(REPEAT),
            code,
            effective,
            out_of_scope: has(OUT_OF_SCOPE),
            pos: pos.map(LogPos::new).transpose()?,
        })
    })
}

impl ExchangeReply {
    /// The frame of this reply. `forms` is what the reader is sure to know too: it asked for nothing else.
    pub fn to_frame(&self, forms: &dyn FieldTable) -> Vec<u8> {
        let Self {
            epoch,
            server_time,
            head,
            acked,
            results,
            receipt,
            entries,
            cursor,
            more,
            revoked,
        } = self;
        let mut out = Out(vec![VERSION, REPLY]);
        out.raw(epoch.as_bytes());
        // Any 64 bits go through, as in JSON.
        out.uint(*server_time);
        write_head(&mut out, head);
        out.uint(acked.seq.get());
        out.raw(acked.hash.as_bytes());
        write_receipt(&mut out, receipt);
        out.option(cursor.as_ref(), |out, c| out.block(c.as_bytes()));
        out.byte(u8::from(*more) | if *revoked { REVOKED } else { 0 });
        // Nothing was added to the reply since version 1; a reader passes over what it does not know.
        out.count(0);
        write_results(&mut out, results);
        let mut tables = Gathered::new(forms);
        tables.epochs.place(epoch);
        let bodies = entry::write_all(entries, &mut tables);
        tables.write(&mut out);
        out.count(entries.len());
        out.raw(&bodies.0);
        out.0
    }

    /// Reads a frame.
    pub fn from_frame(bytes: &[u8], forms: &dyn FieldTable) -> Result<Self, ParseError> {
        let mut r = In(bytes);
        let r = &mut r;
        match r.byte()? {
            VERSION => {}
            version => return Err(ParseError::Version(version.into())),
        }
        if r.byte()? != REPLY {
            return Err(BAD);
        }
        let epoch = EpochId::from_bytes(r.fixed()?);
        let server_time = r.uint()?;
        let head = read_head(r)?;
        let acked = ChainPoint {
            seq: r.seq()?,
            hash: ChainHash::from_bytes(r.fixed()?),
        };
        let receipt = read_receipt(r)?;
        let cursor = r.option(|r| r.text().map(str::to_owned))?;
        let flags = r.byte()?;
        for _ in 0..r.count(2)? {
            let _tag = r.uint()?;
            let _unknown = r.block()?;
        }
        let results = read_results(r)?;
        let tables = Tables::read(r, forms)?;
        let entries = entry::read_all(r, &tables, bytes.len())?;
        r.end()?;
        Ok(Self {
            epoch,
            server_time,
            head,
            acked,
            results,
            receipt,
            entries,
            cursor,
            more: flags & MORE != 0,
            revoked: flags & REVOKED != 0,
        })
    }
}
