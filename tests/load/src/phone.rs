//! A phone: what it keeps between two exchanges, and an exchange.

use std::io::Read;

use anyhow::{Context, Result, ensure};
use tributary_sync_core::change::{Changeset, chain_next, chain_start};
use tributary_sync_core::ids::{ChainHash, Seq};
use tributary_sync_core::testing::workload::Workload;
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::frame::{self, NoForms};
use tributary_sync_core::wire::message::{
    ChainPoint, Entry, ExchangeReply, ExchangeRequest, Head, Status,
};

use crate::people::Enrolled;
use crate::wire::{Call, Connection};

/// Smaller bodies grow when they are compressed; `tributary-field` draws the line here too.
const WORTH_PACKING: usize = 256;

/// How an exchange is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    Json,
    Frame,
}

/// A device with what its next exchange shows.
pub(crate) struct Phone {
    pub(crate) enrolled: Enrolled,
    head: Head,
    cursor: Option<String>,
    acked: ChainPoint,
}

/// What an exchange brought, and its size on the wire without the heads of HTTP.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Exchanged {
    pub(crate) sent: usize,
    /// Records that came in whole.
    pub(crate) states: usize,
    pub(crate) more: bool,
}

impl Phone {
    /// As it is after its enrolment.
    pub(crate) fn new(enrolled: Enrolled) -> Self {
        let reply = &enrolled.reply;
        let start = chain_start(reply.organisation.id, reply.actor, &enrolled.key);
        Self {
            head: reply.head.clone(),
            cursor: None,
            acked: ChainPoint {
                seq: Seq::ZERO,
                hash: start,
            },
            enrolled,
        }
    }

    fn request(&self, items: Vec<Item>) -> Result<ExchangeRequest> {
        let before = self.acked.hash;
        let step = |hash: ChainHash, item: &Item| chain_next(hash, item.seq(), item.hash());
        Ok(ExchangeRequest {
            actor: self.enrolled.reply.actor,
            epoch: self.enrolled.reply.epoch,
            head: Some(self.head.clone()),
            cursor: self.cursor.clone(),
            chain: ChainPoint {
                seq: items.last().map_or(self.acked.seq, Item::seq),
                hash: items.iter().fold(before, step),
            },
            first: self.acked.seq.next()?,
            before,
            items,
            leaves: Vec::new(),
            refetch: Vec::new(),
            max_bytes: 256 * 1024,
            device_time: None,
            client: None,
        })
    }

    /// Pushes changesets and pulls; every one of them must have been applied.
    pub(crate) fn exchange(
        &mut self,
        connection: &mut Connection,
        form: Form,
        forms: &Workload,
        changes: Vec<Changeset>,
    ) -> Result<Exchanged> {
        let count = changes.len();
        let item = |change| Item::Change {
            change: Box::new(change),
            effective: None,
        };
        let request = self.request(changes.into_iter().map(item).collect())?;
        let body = match form {
            Form::Json => serde_json::to_vec(&request)?,
            Form::Frame => request.to_frame(forms),
        };
        let (body, sent) = self.post(connection, form, &body)?;
        let reply = match form {
            Form::Json => serde_json::from_slice(&body)?,
            Form::Frame => ExchangeReply::from_frame(&body, &NoForms)?,
        };
        ensure!(
            reply.results.len() == count
                && reply.results.iter().all(|r| r.status == Status::Applied),
            "not everything was applied"
        );
        ensure!(
            reply.acked == request.chain,
            "acknowledged is something else"
        );
        let states = reply
            .entries
            .iter()
            .filter(|e| matches!(e, Entry::State { .. }));
        let done = Exchanged {
            sent,
            states: states.count(),
            more: reply.more,
        };
        self.head = reply.head;
        self.cursor = reply.cursor;
        self.acked = reply.acked;
        Ok(done)
    }

    /// Exchanges until there is nothing more to pull; how many records came whole.
    pub(crate) fn catch_up(
        &mut self,
        connection: &mut Connection,
        forms: &Workload,
    ) -> Result<usize> {
        let mut states = 0;
        loop {
            let done = self.exchange(connection, Form::Frame, forms, Vec::new())?;
            states += done.states;
            if !done.more {
                return Ok(states);
            }
        }
    }

    /// The answer without its compression, and how many bytes went out.
    fn post(
        &self,
        connection: &mut Connection,
        form: Form,
        body: &[u8],
    ) -> Result<(Vec<u8>, usize)> {
        let packed = match body.len() >= WORTH_PACKING {
            true => Some(zstd::bulk::compress(body, 3)?),
            false => None,
        };
        let headers = format!(
            "authorization: Bearer {}\r\ncontent-type: {}\r\naccept-encoding: zstd\r\n{}",
            self.enrolled.token,
            match form {
                Form::Json => "application/json",
                Form::Frame => frame::CONTENT_TYPE,
            },
            packed.as_ref().map_or("", |_| "content-encoding: zstd\r\n"),
        );
        let call = Call {
            method: "POST",
            path: "/sync/v1/exchange",
            headers: &headers,
            body: packed.as_deref().unwrap_or(body),
        };
        let mut raw = Vec::new();
        let answer = connection.call(&call, |piece| raw.extend_from_slice(piece))?;
        ensure!(
            answer.status == 200,
            "{} {}",
            answer.status,
            String::from_utf8_lossy(&raw)
        );
        let sent = call.body.len();
        if !answer.zstd {
            return Ok((raw, sent));
        }
        let mut out = Vec::new();
        let mut decoder = zstd::stream::read::Decoder::new(&raw[..])?;
        decoder
            .read_to_end(&mut out)
            .context("the compression of the answer")?;
        Ok((out, sent))
    }
}
