//! A phone that records the built-in interview and pushes it, by hand and over HTTP.

use sha2::{Digest, Sha256};
use tributary::service::By;
use tributary_sync_core::change::{Draft, chain_next, chain_start};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::ids::{
    ActorId, ChainHash, EpochId, FieldId, FormHash, RecordId, Seq, UserId,
};
use tributary_sync_core::key::Key;
use tributary_sync_core::value::{Text, Value};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::message::{ChainPoint, ExchangeReply, ExchangeRequest};
use tributary_tests::harness::{Organisation, TestDevice, TestServer};

/// The built-in interview, published.
pub(crate) struct Form {
    hash: FormHash,
    package: serde_json::Value,
}

impl Form {
    pub(crate) fn publish(server: &TestServer, org: &Organisation<'_>) -> Self {
        let service = server.service();
        let hash = service
            .publish_builtin_interview(By::Operator, org.id)
            .unwrap()
            .hash;
        let delivery = service.form_version(By::Operator, org.id, hash).unwrap();
        Self {
            hash,
            package: delivery.package,
        }
    }
    /// The version.
    pub(crate) fn hash(&self) -> FormHash {
        self.hash
    }
    /// The key of a question.
    pub(crate) fn key(&self, name: &str) -> Key {
        let fields = self.package["fields"].as_array().unwrap();
        let ends = format!("/{name}");
        let field = fields
            .iter()
            .find(|f| f["path"].as_str().unwrap().ends_with(&ends));
        Key::Field(FieldId(field.unwrap()["id"].as_u64().unwrap() as u32))
    }
}

pub(crate) fn code(text: &str) -> Value {
    Value::Code(Text::new(text).unwrap())
}
pub(crate) fn text(text: &str) -> Value {
    Value::Text(Text::new(text).unwrap())
}
pub(crate) fn record(n: u8) -> RecordId {
    RecordId::from_bytes([n; 16])
}

/// A phone.
pub(crate) struct Phone {
    pub(crate) device: TestDevice,
    actor: ActorId,
    epoch: EpochId,
    form: FormHash,
    before: ChainHash,
    done: u64,
    items: Vec<Item>,
}

impl Phone {
    pub(crate) fn enrol(org: &Organisation<'_>, form: &Form, name: &str) -> Self {
        let worker = org.invite(name, tributary::service::access::Role::Worker);
        Self::of(org, form, worker)
    }
    /// One more phone of a user.
    pub(crate) fn of(org: &Organisation<'_>, form: &Form, user: UserId) -> Self {
        let device = org.device(user);
        let got: tributary_sync_core::wire::enrol::EnrolReply =
            serde_json::from_value(device.enrolment.clone()).unwrap();
        let key = hex::decode(device.key.public()).unwrap();
        Self {
            actor: got.actor,
            epoch: got.epoch,
            form: form.hash,
            before: chain_start(org.id, got.actor, &key),
            done: 0,
            items: Vec::new(),
            device,
        }
    }
    /// Saves; a record is made by whoever saves it first.
    pub(crate) fn save(
        &mut self,
        id: RecordId,
        creates: bool,
        seen: Clock,
        writes: Vec<(Key, Value)>,
    ) -> Dot {
        let seq = Seq::new(self.done + self.items.len() as u64 + 1).unwrap();
        let dot = Dot::new(self.actor, seq);
        let draft = Draft {
            record: id,
            dot,
            clock: Hlc::new(1_700_000_000_000 + seq.get(), 0).unwrap(),
            form: self.form,
            creates,
            epoch: self.epoch,
            seen,
            writes,
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        };
        self.items.push(Item::Change {
            change: Box::new(draft.seal().unwrap()),
            effective: None,
        });
        dot
    }
    /// Pushes what was saved.
    pub(crate) fn push(&mut self) -> ExchangeReply {
        let body = serde_json::to_value(self.request()).unwrap();
        let reply = self.device.client().post("/sync/v1/exchange", &body);
        serde_json::from_value(reply.expect(200)).unwrap()
    }
    /// What it would push; whoever takes this has to send it.
    pub(crate) fn request(&mut self) -> ExchangeRequest {
        let first = Seq::new(self.done + 1).unwrap();
        let mut chain = self.before;
        for item in &self.items {
            chain = chain_next(chain, item.seq(), item.hash());
        }
        self.done += self.items.len() as u64;
        let request = ExchangeRequest {
            actor: self.actor,
            epoch: self.epoch,
            head: None,
            cursor: None,
            chain: ChainPoint {
                seq: Seq::new(self.done).unwrap(),
                hash: chain,
            },
            first,
            before: self.before,
            items: std::mem::take(&mut self.items),
            leaves: Vec::new(),
            refetch: Vec::new(),
            max_bytes: 1 << 20,
            device_time: None,
            client: Some("test".into()),
        };
        self.before = chain;
        request
    }
}

/// SHA-256 of a record's id.
pub(crate) fn tombstone(id: RecordId) -> String {
    hex::encode(Sha256::digest(id.as_bytes()))
}
