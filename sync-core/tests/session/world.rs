//! A phone and its shorthand: everything here goes through the public face of the session.

use tributary_sync_core::change::{Changeset, Decision};
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::*;
use tributary_sync_core::key::Key;
use tributary_sync_core::record::Record;
use tributary_sync_core::session::*;
use tributary_sync_core::value::{Text, Value};
use tributary_sync_core::wire::message::{PolicyEntry, PolicyKind};

use super::DeviceStore;
use super::server::{ORG, Server, Trust};

pub(crate) const FORM: FormHash = FormHash::from_bytes([7; 32]);
pub(crate) const NAME: u32 = 1;
pub(crate) const CONSENT: u32 = 2;

pub(crate) fn record(n: u8) -> RecordId {
    RecordId::from_bytes([n; 16])
}
pub(crate) fn key(field: u32) -> Key {
    Key::Field(FieldId(field))
}
pub(crate) fn text(t: &str) -> Value {
    Value::Text(Text::new(t).unwrap())
}
pub(crate) fn code(t: &str) -> Value {
    Value::Code(Text::new(t).unwrap())
}
pub(crate) fn profile_id(n: u8) -> ProfileId {
    ProfileId::from_bytes([n; 16])
}
pub(crate) fn form_text(hash: FormHash) -> FormText {
    FormText {
        hash,
        form_id: "interview".into(),
        package: "{}".into(),
        xform: String::new(),
    }
}

#[derive(Clone)]
pub(crate) struct Phone {
    pub(crate) store: DeviceStore,
    pub(crate) profile: ProfileId,
    pub(crate) device_key: Vec<u8>,
    pub(crate) now: u64,
    pub(crate) random: u8,
}

impl Phone {
    pub(crate) fn enrol(server: &mut Server, n: u8, role: Role) -> Self {
        let (profile, device_key) = (profile_id(n), vec![4, n]);
        let grant = server.grant(profile, &device_key);
        let ids = (ORG, profile, UserId::from_bytes([n; 16]));
        let mut store = DeviceStore::new(Profile::new(ids, role, &device_key, server.epoch, grant));
        store.put_form(&form_text(FORM)).unwrap();
        store
            .put_policy(&PolicyEntry {
                form_id: "interview".into(),
                field: FieldId(CONSENT),
                policy: PolicyKind::Protective,
                order: vec!["given".into(), "withdrawn".into()],
                consent: vec!["given".into()],
                decide: vec![],
            })
            .unwrap();
        Self {
            store,
            profile,
            device_key,
            now: 1_000_000,
            random: n * 16,
        }
    }
    pub(crate) fn worker(server: &mut Server, n: u8) -> Self {
        Self::enrol(server, n, Role::Worker)
    }

    pub(crate) fn create(&mut self, id: RecordId, writes: Vec<(Key, Value)>) -> Changeset {
        let form = create_record(&mut self.store, id, FORM).unwrap();
        let change = self.save_in(form.session, writes).unwrap();
        close_form(&mut self.store, form.session).unwrap();
        change
    }
    pub(crate) fn edit(
        &mut self,
        id: RecordId,
        writes: Vec<(Key, Value)>,
    ) -> Result<Changeset, SessionError> {
        let form = open_form(&mut self.store, id, FORM)?;
        let out = self.save_in(form.session, writes);
        close_form(&mut self.store, form.session)?;
        out
    }
    pub(crate) fn save_in(
        &mut self,
        session: u64,
        writes: Vec<(Key, Value)>,
    ) -> Result<Changeset, SessionError> {
        let what = Save {
            writes,
            ..Save::default()
        };
        save(&mut self.store, session, what, self.now)
    }
    /// Settles or decides, having been shown everything.
    pub(crate) fn settle(
        &mut self,
        id: RecordId,
        field: u32,
        value: Value,
        reason: Option<&str>,
    ) -> Result<Changeset, SessionError> {
        let form = open_form(&mut self.store, id, FORM)?;
        let dots: Vec<Dot> = form
            .view
            .values(&key(field))
            .iter()
            .map(|(d, _)| *d)
            .collect();
        let decision = reason.map(|r| Decision {
            key: key(field),
            dots,
            reason: Text::new(r).unwrap(),
        });
        let what = Save {
            writes: vec![(key(field), value)],
            decisions: decision.into_iter().collect(),
            shown: [key(field)].into(),
        };
        let out = save(&mut self.store, form.session, what, self.now);
        close_form(&mut self.store, form.session)?;
        out
    }

    pub(crate) fn next(&mut self, run: &mut Run) -> Request {
        self.random += 1;
        let before = self.store.clone();
        run.next_request(&mut self.store, [self.random; 16], self.now)
            .inspect_err(|_| self.store = before)
            .unwrap()
    }
    pub(crate) fn take(
        &mut self,
        run: &mut Run,
        request: &Request,
        answer: Result<Reply, Problem>,
    ) -> Result<Next, SessionError> {
        let mut work = self.store.clone();
        let next = match answer {
            Ok(reply) => run.receive(&mut work, &mut Trust, request, &reply)?,
            Err(problem) => run.receive_problem(&mut work, request, &problem)?,
        };
        self.store = work;
        Ok(next)
    }
    /// One request and its answer. Returns false when there was nothing to do.
    pub(crate) fn step(&mut self, run: &mut Run, server: &mut Server) -> bool {
        let request = self.next(run);
        if request == Request::Nothing {
            return false;
        }
        let answer = server.answer(self.profile, &self.device_key, &request);
        matches!(self.take(run, &request, answer).unwrap(), Next::Again)
    }
    /// A whole run.
    pub(crate) fn sync(&mut self, server: &mut Server) {
        let mut run = Run::new(None);
        for _ in 0..200 {
            if !self.step(&mut run, server) {
                return;
            }
        }
        panic!("the run does not end");
    }
    /// One request whose reply is lost.
    pub(crate) fn sync_losing_the_reply(&mut self, server: &mut Server) {
        let request = self.next(&mut Run::new(None));
        server
            .answer(self.profile, &self.device_key, &request)
            .unwrap();
    }

    pub(crate) fn state(&self, id: RecordId) -> Option<Record> {
        self.store.held(id).unwrap().map(|h| h.state)
    }
    pub(crate) fn values(&self, id: RecordId, field: u32) -> Vec<Value> {
        let state = self.state(id);
        let values = state.iter().flat_map(|s| s.values(&key(field)).to_vec());
        values.map(|(_, v)| v).collect()
    }
    pub(crate) fn me(&self) -> Profile {
        self.store.profile().unwrap()
    }
    pub(crate) fn actor(&self) -> ActorId {
        self.me().actors.last().unwrap().actor
    }
    pub(crate) fn unsent(&self) -> usize {
        summary(&self.store).unwrap().unsent
    }
}

/// The values of a field on the server.
pub(crate) fn on_server(server: &Server, id: RecordId, field: u32) -> Vec<Value> {
    let record = server.records.get(&id).map(|(_, r)| r);
    let values = record.iter().flat_map(|s| s.values(&key(field)).to_vec());
    values.map(|(_, v)| v).collect()
}

/// The phone has exactly what the server has of a record.
pub(crate) fn same(phone: &Phone, server: &Server, id: RecordId) {
    let ours = phone.state(id);
    let theirs = server.records.get(&id).map(|(_, r)| r.clone());
    assert_eq!(ours, theirs, "the phone differs from the server");
}
