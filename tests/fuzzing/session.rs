//! A phone with unsent interviews, and a server that answers whatever it likes, rightly signed.
//!
//! The input is one answer a line: a reply or a problem document as JSON. A line that begins with `!` is made to fit the
//! request first (its epoch, its actor, the end of the chain), so that more than the first check is met.

use std::collections::{BTreeMap, BTreeSet};

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{EpochId, FieldId, FormHash, OrgId, ProfileId, RecordId, UserId};
use tributary_sync_core::key::Key;
use tributary_sync_core::session::{
    FormText, MemoryStore, Next, Problem, Profile, Reply, Request, Role, Run, Save, Store as _,
    Verifier, close_form, create_record, open_form, save, summary,
};
use tributary_sync_core::value::{Text, Value};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::message::{
    Entry, ExchangeReply, ExchangeRequest, Grant, PushResult, Status,
};

const FORM: FormHash = FormHash::from_bytes([0; 32]);
/// Answers of one input, at most.
const ANSWERS_MAX: usize = 12;

/// Every signature is right: the server itself has gone wrong.
struct Trust;

impl Verifier for Trust {
    fn verify(&self, _: &[u8], _: &str) -> bool {
        true
    }
    fn learn(&mut self, _: &serde_json::Value) -> bool {
        true
    }
}

/// What a person saved and nobody has told the fate of: the writes of each save, by its record.
type Owed = BTreeMap<String, RecordId>;

struct Phone {
    store: MemoryStore,
    run: Run,
    owed: Owed,
}

/// The name that an answer gives its save.
fn name_of(writes: &[(Key, Value)]) -> Option<String> {
    writes.iter().find_map(|(key, value)| match (key, value) {
        (Key::Field(FieldId(1)), Value::Text(text)) => Some(text.as_str().to_owned()),
        _ => None,
    })
}

impl Phone {
    fn new() -> Self {
        let grant = Grant {
            actor: tributary_sync_core::ids::ActorId(1),
            epoch: EpochId::from_bytes([0; 16]),
            sig: String::new(),
        };
        let (org, epoch) = (OrgId::from_bytes([1; 16]), EpochId::from_bytes([0; 16]));
        let ids = (
            org,
            ProfileId::from_bytes([2; 16]),
            UserId::from_bytes([3; 16]),
        );
        let mut store = MemoryStore::new(Profile::new(ids, Role::Worker, &[4; 65], epoch, grant));
        let form = FormText {
            hash: FORM,
            form_id: "intake".to_owned(),
            package: "{}".to_owned(),
            xform: String::new(),
        };
        store.put_form(&form).expect("in memory");
        let mut phone = Self {
            store,
            run: Run::new(None),
            owed: Owed::new(),
        };
        for n in 0..3 {
            phone.save(RecordId::from_bytes([n; 16]), n == 2);
        }
        phone.save(RecordId::from_bytes([0; 16]), false);
        phone
    }

    fn save(&mut self, record: RecordId, stays_open: bool) {
        let name = format!("s{}", self.owed.len());
        let form = create_record(&mut self.store, record, FORM)
            .or_else(|_| open_form(&mut self.store, record, FORM))
            .expect("it opens");
        let text = Text::new(name.as_str()).expect("short");
        let what = Save {
            writes: vec![(Key::Field(FieldId(1)), Value::Text(text))],
            ..Save::default()
        };
        save(&mut self.store, form.session, what, 1_000_000).expect("it saves");
        if !stays_open {
            close_form(&mut self.store, form.session).expect("it closes");
        }
        self.owed.insert(name, record);
    }

    /// The saves whose answers still lie on the phone.
    fn kept(&self) -> BTreeSet<String> {
        let records = self.store.own_records().expect("in memory");
        let own = records
            .into_iter()
            .flat_map(|r| self.store.own_of(r).expect("in memory"));
        own.filter_map(|own| name_of(&own.body?.writes)).collect()
    }

    /// The server told the fate of these numbers of an actor.
    fn told(
        &mut self,
        before: &MemoryStore,
        actor: tributary_sync_core::ids::ActorId,
        results: &[PushResult],
    ) {
        for result in results {
            let own = before.own(Dot::new(actor, result.seq)).expect("in memory");
            let Some(own) = own else { continue };
            // An erased record takes along what else was written to it.
            if result.status == Status::Erased {
                self.owed.retain(|_, record| Some(*record) != own.record);
            }
            if let Some(name) = own.body.and_then(|body| name_of(&body.writes)) {
                self.owed.remove(&name);
            }
        }
    }

    fn erased(&mut self) {
        let store = &self.store;
        self.owed
            .retain(|_, record| !store.is_erased(record.tombstone()).expect("in memory"));
    }

    /// Takes one answer as the native device does: all of it, or nothing of it.
    fn take(&mut self, request: &Request, answer: &Answer) -> bool {
        let before = self.store.clone();
        let taken = match answer {
            Answer::Reply(reply) => self
                .run
                .receive(&mut self.store, &mut Trust, request, reply),
            Answer::Problem(problem) => self.run.receive_problem(&mut self.store, request, problem),
        };
        let next = match taken {
            Ok(next) => next,
            Err(_) => {
                self.store = before;
                return true;
            }
        };
        match (answer, request) {
            (Answer::Reply(Reply::Exchange(reply)), Request::Exchange(request)) => {
                self.told(&before, request.actor, &reply.results);
            }
            (Answer::Reply(Reply::Compare(reply)), _) => {
                for actor in &reply.actors {
                    self.told(&before, actor.actor, &actor.results);
                }
            }
            (Answer::Problem(problem), Request::Exchange(request)) => {
                self.told(&before, request.actor, &problem.results);
            }
            _ => {}
        }
        self.erased();
        let kept = self.kept();
        for name in self.owed.keys() {
            assert!(
                kept.contains(name),
                "the answers of {name} are gone and nobody said why"
            );
        }
        for record in self.owed.values() {
            let held = self.store.held(*record).expect("in memory");
            assert!(held.is_some(), "a record with unsent answers was dropped");
        }
        summary(&self.store).expect("a summary");
        matches!(next, Next::Again)
    }
}

enum Answer {
    Reply(Reply),
    Problem(Problem),
}

/// Reads a line as an answer to the request; what is no reply is a problem.
fn read(line: &[u8], request: &Request, phone: &Phone) -> Answer {
    let (fit, json) = match line.strip_prefix(b"!") {
        Some(rest) => (true, rest),
        None => (false, line),
    };
    let reply = match request {
        Request::Exchange(request) => {
            let reply = serde_json::from_slice::<ExchangeReply>(json).ok();
            reply.map(|mut reply| {
                if fit {
                    fitted(&mut reply, request, phone);
                }
                Reply::Exchange(Box::new(reply))
            })
        }
        Request::Compare(_) => serde_json::from_slice(json).ok().map(Reply::Compare),
        Request::NewActor(_) => serde_json::from_slice(json).ok().map(Reply::NewActor),
        Request::Lost(_) => json.is_empty().then_some(Reply::Lost),
        Request::Nothing => None,
    };
    reply.map_or_else(|| Answer::Problem(Problem::from_json(json)), Answer::Reply)
}

/// Makes a reply answer this request: what is in it stays as strange as it was.
fn fitted(reply: &mut ExchangeReply, request: &ExchangeRequest, phone: &Phone) {
    reply.epoch = request.epoch;
    reply.head.epoch = request.epoch;
    reply.receipt.epoch = request.epoch;
    reply.receipt.actor = request.actor;
    let own = phone.store.own(Dot::new(request.actor, reply.acked.seq));
    if let Some(own) = own.expect("in memory") {
        reply.acked.hash = own.chain;
    }
    reply.receipt.seq = reply.acked.seq;
    reply.receipt.hash = reply.acked.hash;
    // Numbers that the phone really sent, and records that it really has.
    let sent: Vec<_> = request.items.iter().map(Item::seq).collect();
    for (n, result) in reply.results.iter_mut().enumerate() {
        if let Some(seq) = sent.get(n) {
            result.seq = *seq;
        }
    }
    for (n, entry) in reply.entries.iter_mut().enumerate() {
        let record = RecordId::from_bytes([(n % 3) as u8; 16]);
        match entry {
            Entry::Leave { record: r, .. } | Entry::Gone { record: r } => *r = record,
            Entry::Enter { record: r, .. } => *r = record,
            _ => {}
        }
    }
}

pub(super) fn answers(bytes: &[u8]) {
    let mut phone = Phone::new();
    for (n, line) in bytes.split(|b| *b == b'\n').take(ANSWERS_MAX).enumerate() {
        let random = [n as u8 + 1; 16];
        let request = phone.run.next_request(&mut phone.store, random, 2_000_000);
        let request = request.expect("a phone always knows what to ask");
        if request == Request::Nothing {
            phone.run.again();
            continue;
        }
        let answer = read(line, &request, &phone);
        if !phone.take(&request, &answer) {
            phone.run = Run::new(None);
        }
    }
}
