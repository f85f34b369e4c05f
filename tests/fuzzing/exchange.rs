//! Whole pushes by a device whose token is good and whose program is not: through the real rules into a real file.
//!
//! The input is one request as a frame, behind `F`, or a request a line as JSON. Behind `f`, or `!` at the head of a line,
//! it is made to fit first (its actor, numbers, chain, epoch), so that more than the first check is met; what its
//! changesets say stays as strange as it was. Not here: how requests are read (`wire`).

use std::cell::RefCell;
use std::path::Path;

use tributary::service::exchange;
use tributary::storage::ActorRow;
use tributary_sync_core::change::{Changeset, Draft, chain_next};
use tributary_sync_core::clock::{Clock, Dot};
use tributary_sync_core::ids::{ActorId, EpochId, RecordId, Seq};
use tributary_sync_core::testing::message;
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::frame::NoForms;
use tributary_sync_core::wire::message::{ChainPoint, ExchangeReply, ExchangeRequest};

use super::made::{json, of};
use super::wire::same_reply;
use crate::simulation::phone::{FORM, Kept, Phone};
use crate::simulation::world::{ORG, ORGS, OTHER};
use crate::simulation::{Net, Step, What, World, record};

/// Requests of one input, at most.
const REQUESTS_MAX: usize = 6;
/// The honest phone; the other one is hostile.
const HONEST: usize = 0;
const HOSTILE: usize = 1;

/// A server with an honest phone and one that is not; the hostile one was given the first record, and not the second.
struct Estate {
    world: World,
    /// The organisation's file as it was when both had synced, the honest phone, and the time.
    file: Vec<u8>,
    phone: Kept,
    now: u64,
    honest: ActorId,
    hostile: ActorId,
    /// The record that the hostile phone was never given.
    hidden: Vec<u8>,
}

thread_local! {
    static ESTATE: RefCell<Option<Estate>> = const { RefCell::new(None) };
}

impl Estate {
    fn new() -> Self {
        let mut world = World::among(4, 2);
        let create = |record| Step::Create {
            phone: HONEST,
            record,
            keep_open: false,
        };
        let save = |phone, what| Step::Save {
            phone,
            record: 0,
            what,
        };
        let assign = Step::Assign {
            phone: HOSTILE,
            record: 0,
            on: true,
        };
        let steps = [
            create(0),
            create(1),
            save(HONEST, What::Much),
            save(HONEST, What::Alarm),
            sync(HONEST),
            assign,
            sync(HOSTILE),
            save(HOSTILE, What::Name),
            sync(HOSTILE),
            sync(HONEST),
        ];
        for step in steps {
            world.step(step).expect("an ordinary day");
        }
        let actor = |n: usize| world.phones[n].profile().actors[0].actor;
        let (honest, hostile) = (actor(HONEST), actor(HOSTILE));
        let hidden = world.read(ORG, |t| t.record(record(1)));
        let hidden = hidden.expect("it is there").record.to_bytes();
        world.files.close(ORG);
        let file = std::fs::read(world.files.path(ORG)).expect("the file");
        let (phone, now) = (world.phones[HONEST].kept(), world.env.now);
        Self {
            world,
            file,
            phone,
            now,
            honest,
            hostile,
            hidden,
        }
    }

    /// The same again: an input that finds something finds it by itself.
    fn again(&mut self) {
        self.world.files.close(ORG);
        std::fs::write(self.world.files.path(ORG), &self.file).expect("it is written");
        self.world.phones[HONEST] = Phone::from_kept(&self.phone, Path::new("in memory"));
        self.world.env.now = self.now;
    }

    fn row(&self, actor: ActorId) -> ActorRow {
        let row = self.world.read(ORG, |t| t.actor(actor));
        row.expect("an actor that was given")
    }

    /// Whether it was taken.
    fn take(&mut self, request: ExchangeRequest) -> bool {
        let caller = self.world.phones[HOSTILE].caller.clone();
        self.world.env.now += 1;
        let taken = exchange::exchange(&self.world.files, &self.world.env, &caller, request);
        match taken {
            Ok(reply) => {
                same_reply(&reply);
                no_secrets(&reply);
                true
            }
            Err(refusal) => {
                assert_ne!(refusal.code(), "storage_failed", "{refusal:?}");
                false
            }
        }
    }

    /// What must hold, whatever was sent.
    fn holds(&mut self, heads: [tributary_sync_core::ids::LogPos; 2]) {
        for org in ORGS {
            let faults = self.world.read(org, |t| t.check()).faults;
            assert!(faults.is_empty(), "the file is not sound: {faults:?}");
        }
        let hidden = self.world.read(ORG, |t| t.record(record(1)));
        let hidden = hidden.expect("nobody erased it").record.to_bytes();
        assert!(
            hidden == self.hidden,
            "a record was written by a phone that never was given it"
        );
        assert_eq!(
            self.heads()[1],
            heads[1],
            "another organisation was written"
        );
        let (acked, honest) = (self.row(self.honest).acked, self.honest);
        let items = self.world.read(ORG, |t| t.items(honest, Seq::ZERO, acked));
        assert_eq!(items.len() as u64, acked.get(), "an honest number is gone");
        // An honest phone that is shown all of it stays in step.
        self.world.step(sync(HONEST)).expect("an honest sync");
    }

    fn heads(&self) -> [tributary_sync_core::ids::LogPos; 2] {
        [ORG, OTHER].map(|org| self.world.read(org, |t| t.head()).0)
    }

    /// Gives a request the numbers that the server expects; what it says stays.
    fn fitted(&self, mut request: ExchangeRequest) -> ExchangeRequest {
        let row = self.row(self.hostile);
        request.actor = self.hostile;
        request.epoch = self.epoch();
        request.head = None;
        request.cursor = None;
        request.before = row.chain;
        let (mut seq, mut chain) = (row.acked, row.chain);
        let mut items = Vec::new();
        for item in request.items {
            let Ok(next) = seq.next() else { break };
            request.first = if items.is_empty() {
                next
            } else {
                request.first
            };
            let Some(item) = self.item(item, next) else {
                continue;
            };
            chain = chain_next(chain, next, item.hash());
            items.push(item);
            seq = next;
        }
        if items.is_empty() {
            request.first = row.acked.next().unwrap_or(row.acked);
        }
        request.items = items;
        request.chain = ChainPoint { seq, hash: chain };
        let near = |id: &mut RecordId| *id = self.record(*id);
        request.leaves.iter_mut().for_each(near);
        request.refetch.iter_mut().for_each(near);
        request
    }
    fn epoch(&self) -> EpochId {
        self.world.read(ORG, |t| t.epoch()).id
    }

    fn item(&self, item: Item, seq: Seq) -> Option<Item> {
        Some(match item {
            Item::Change { change, effective } => Item::Change {
                change: Box::new(self.change(*change, seq)?),
                effective,
            },
            Item::Opaque { hash, bytes, .. } => Item::Opaque { seq, hash, bytes },
            Item::Void { hash, .. } => Item::Void { seq, hash },
        })
    }
    fn change(&self, change: Changeset, seq: Seq) -> Option<Changeset> {
        let mut draft: Draft = change.into_draft();
        draft.dot = Dot::new(self.hostile, seq);
        draft.record = self.record(draft.record);
        if draft.form.as_bytes()[0].is_multiple_of(2) {
            draft.form = FORM;
        }
        if draft.epoch.as_bytes()[0].is_multiple_of(2) {
            draft.epoch = self.epoch();
        }
        // Dots of strangers become dots of those that are here.
        let mut seen = Clock::new();
        for dot in draft.seen.dots() {
            seen.add(self.dot(dot));
        }
        draft.seen = seen;
        for decision in &mut draft.decisions {
            decision.dots.iter_mut().for_each(|d| *d = self.dot(*d));
        }
        draft.seal().ok()
    }
    /// One that is here, for three of four.
    fn record(&self, id: RecordId) -> RecordId {
        match id.as_bytes()[0] % 4 {
            0 | 1 => record(0),
            2 => record(1),
            _ => id,
        }
    }
    fn dot(&self, dot: Dot) -> Dot {
        match dot.actor.0 % 4 {
            0 | 1 => Dot::new(self.honest, dot.seq),
            2 => Dot::new(self.hostile, dot.seq),
            _ => dot,
        }
    }
}

/// Nothing that the hostile phone was not given is in a reply.
fn no_secrets(reply: &ExchangeReply) {
    let said = serde_json::to_string(reply).expect("a reply is JSON");
    // The second record's only save.
    assert!(!said.contains("\"g1\""), "a reply shows a hidden record");
}

fn sync(phone: usize) -> Step {
    Step::Sync {
        phone,
        net: Net::Fine,
        at: 0,
    }
}

/// The requests of an input, and whether each is made to fit.
fn requests(bytes: &[u8]) -> Vec<(bool, ExchangeRequest)> {
    if let Some((b'F' | b'f', frame)) = bytes.split_first().map(|(b, rest)| (*b, rest)) {
        let request = ExchangeRequest::from_frame(frame, &NoForms).ok();
        return request
            .map(|r| (bytes.starts_with(b"f"), r))
            .into_iter()
            .collect();
    }
    let lines = bytes.split(|b| *b == b'\n').take(REQUESTS_MAX);
    lines
        .filter_map(|line| {
            let (fit, line) = match line.strip_prefix(b"!") {
                Some(rest) => (true, rest),
                None => (false, line),
            };
            let text = std::str::from_utf8(line).ok()?;
            Some((fit, ExchangeRequest::from_json(text).ok()?))
        })
        .collect()
}

pub(super) fn pushes(bytes: &[u8]) {
    let requests = requests(bytes);
    if requests.is_empty() {
        return;
    }
    ESTATE.with_borrow_mut(|estate| {
        // One that found something is not used again.
        let mut here = estate.take().unwrap_or_else(Estate::new);
        let heads = here.heads();
        let mut taken = false;
        for (fit, request) in requests {
            let request = if fit { here.fitted(request) } else { request };
            taken |= here.take(request);
        }
        if taken {
            here.holds(heads);
            here.again();
        }
        *estate = Some(here);
    });
}

/// Some requests with whatever their types allow.
pub(super) fn made(seed: u64) -> Vec<u8> {
    let request = of(message::request(3), seed);
    match seed % 3 {
        0 => [b"f".to_vec(), request.to_frame(&NoForms)].concat(),
        1 => [b"!".to_vec(), json(&request)].concat(),
        _ => {
            let second = of(message::request(2), seed + 1_000_000);
            [
                b"!".to_vec(),
                json(&request),
                b"\n!".to_vec(),
                json(&second),
            ]
            .concat()
        }
    }
}
