//! A phone as the browser runs it: steps as JSON, rows written out and loaded, signatures answered from outside. Beside it
//! a phone over maps does the same, and both must come to the same.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};
use tributary_sync_core::ids::*;
use tributary_sync_core::session::{self, MemoryStore, Profile, Role, Run, Store};
use tributary_sync_core::wire::enrol::{KeyPurpose, KeySet, PublicKey, SignedKey};
use tributary_sync_core::wire::frame::NoForms;

use super::server::{ORG, Server, Trust, sign};
use super::world::{FORM, NAME, form_text, key, profile_id, record, text};
use crate::core::{Core, Outcome};
use crate::step::{Account, Step};

/// Rows outside: what the browser keeps, by table and key.
type Disk = BTreeMap<(String, String), (Vec<u8>, Vec<u8>)>;

struct Phone {
    core: Core,
    disk: Disk,
    /// The next write fails.
    full: bool,
    asked: usize,
    loaded: usize,
    random: u8,
}

fn point(n: u8) -> PublicKey {
    PublicKey::from_point([4; 65].map(|b| if b == 4 { 4 } else { n })).unwrap()
}

fn keys() -> KeySet {
    let root = point(1);
    let signed = |purpose| {
        let sig = sign(&SignedKey::signed_bytes(ORG, purpose, &root));
        SignedKey {
            purpose,
            key: root,
            sig,
        }
    };
    KeySet {
        root,
        receipt: signed(KeyPurpose::Receipt),
        inbox: signed(KeyPurpose::Inbox),
        earlier: vec![],
    }
}

impl Phone {
    fn new(profile: &Profile) -> Self {
        let account = Account {
            server: "https://server".into(),
            organisation: "org".into(),
            organisation_name: "Org".into(),
            user_name: "Dara".into(),
            root: keys().root.fingerprint(),
            label: None,
        };
        let mut phone = Self {
            core: Core::default(),
            disk: Disk::new(),
            full: false,
            asked: 0,
            loaded: 0,
            random: 0,
        };
        let rows = &mut phone.core.rows;
        rows.put_profile(profile).unwrap();
        rows.put_state("account", &account).unwrap();
        rows.put_keys(&serde_json::to_value(keys()).unwrap())
            .unwrap();
        rows.put_form(&form_text(FORM)).unwrap();
        phone.write();
        phone.core.commit();
        phone
    }
    fn write(&mut self) {
        for change in self.core.changes() {
            let name = (change.table.name().to_owned(), change.key.to_owned());
            match change.value {
                Some(value) => {
                    self.disk
                        .insert(name, (value.to_vec(), change.brief.to_vec()));
                }
                None => drop(self.disk.remove(&name)),
            }
        }
    }
    /// The app was killed and starts again.
    fn restart(&mut self) {
        self.core = Core::default();
        for ((table, key), (value, brief)) in &self.disk {
            match table.as_str() {
                "held" => self.core.load_brief(key, brief.clone()),
                _ => self.core.load(table, key, value.clone()).unwrap(),
            }
        }
    }
    /// A step, with all that the browser does around it.
    fn step(&mut self, step: &Json, body: &[u8]) -> Result<Json, Json> {
        let mut members = step.as_object().unwrap().clone();
        let name = members.remove("step").unwrap();
        let spoken = match members.is_empty() {
            true => name,
            false => json!({name.as_str().unwrap(): members}),
        };
        let step: Step = serde_json::from_value(spoken).unwrap();
        for _ in 0..100 {
            match self.core.step(step.clone(), body) {
                Outcome::Done(_) if self.full => {
                    self.full = false;
                    self.core.rollback();
                    return Err(json!({"code": "disk"}));
                }
                Outcome::Done(told) => {
                    self.write();
                    self.core.commit();
                    return Ok(serde_json::from_str(&told).unwrap());
                }
                Outcome::Missing(keys) => {
                    assert!(self.core.changes().is_empty() && !keys.is_empty());
                    for key in keys {
                        let (value, _) = &self.disk[&("held".to_owned(), key.clone())];
                        self.core.load("held", &key, value.clone()).unwrap();
                        self.loaded += 1;
                    }
                }
                Outcome::Verify(asks) => {
                    assert!(self.core.changes().is_empty());
                    self.asked += asks.len();
                    let holds =
                        |a: &crate::Ask| sign(&hex::decode(&a.bytes).unwrap()) == a.signature;
                    let verdicts: Vec<bool> = asks.iter().map(holds).collect();
                    self.core.answer(&verdicts);
                }
                Outcome::Refused(refused) => {
                    assert!(self.core.changes().is_empty());
                    return Err(json!(refused));
                }
            }
        }
        panic!("the step does not end");
    }
    fn fill(&mut self, open: &Json, t: &str) -> Result<Json, Json> {
        let session = self.step(open, &[])?["session"].clone();
        let save = json!({"step": "save", "session": session, "now": 1_000_000,
            "writes": [[key(NAME).to_string(), {"text": t}]], "shown": [key(NAME).to_string()]});
        let saved = self.step(&save, &[]);
        self.step(&json!({"step": "close", "session": session}), &[])?;
        saved
    }
    fn sync(&mut self, server: &mut Server, profile: &Profile, lose: bool) {
        let begun = self.step(&json!({"step": "begin_run", "client": "test"}), &[]);
        begun.unwrap();
        for _ in 0..200 {
            self.random += 1;
            let random = hex::encode([self.random; 16]);
            let next = json!({"step": "next_request", "random": random, "now": 1_000_000});
            if self.step(&next, &[]).unwrap().is_null() {
                return;
            }
            let request = self.core.request.clone().unwrap();
            let key = hex::decode(&profile.device_key).unwrap();
            let answer = server.answer(profile.profile, &key, &request);
            if lose {
                return;
            }
            let (status, body) = match &answer {
                Ok(session::Reply::Exchange(r)) => (200, r.to_frame(&NoForms)),
                Ok(session::Reply::Compare(r)) => (200, serde_json::to_vec(r).unwrap()),
                Ok(session::Reply::NewActor(r)) => (200, serde_json::to_vec(r).unwrap()),
                Ok(session::Reply::Lost) => (204, Vec::new()),
                Err(_) => panic!("an honest phone meets no problem here"),
            };
            self.step(&json!({"step": "receive", "status": status}), &body)
                .unwrap();
        }
        panic!("the run does not end");
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Create(u8),
    Edit(u8),
    /// Somebody else edits it on another device.
    Other(u8),
    Sync,
    Lose,
    Restart,
    FullDisk(u8),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let one = prop_oneof![
        3 => (1u8..5).prop_map(Act::Create),
        4 => (1u8..5).prop_map(Act::Edit),
        3 => (1u8..5).prop_map(Act::Other),
        3 => Just(Act::Sync),
        1 => Just(Act::Lose),
        2 => Just(Act::Restart),
        2 => (1u8..5).prop_map(Act::FullDisk),
    ];
    prop::collection::vec(one, 0..24)
}

/// A server, a phone of the browser and a coordinator's.
fn world() -> (Server, Profile, super::world::Phone) {
    let mut server = Server::new();
    let other = super::world::Phone::enrol(&mut server, 2, Role::Coordinator);
    let (id, device_key) = (profile_id(1), [4; 65]);
    let grant = server.grant(id, &device_key);
    let ids = (ORG, id, UserId::from_bytes([1; 16]));
    let profile = Profile::new(ids, Role::Worker, &device_key, server.epoch, grant);
    (server, profile, other)
}

fn edit_elsewhere(other: &mut super::world::Phone, server: &mut Server, n: u8, t: &str) {
    let there = server.records.contains_key(&record(n));
    if there && !server.scope.contains(&(other.profile, record(n))) {
        server.assign(other.profile, record(n));
    }
    other.sync(server);
    if other.state(record(n)).is_some() {
        let shown = other.settle(record(n), NAME, text(t), None);
        shown.unwrap();
        other.sync(server);
    }
}

/// The same over maps, without JSON, rows or a verifier that asks.
fn over_maps(acts: &[Act]) -> (MemoryStore, Server) {
    let (mut server, profile, mut other) = world();
    let mut store = MemoryStore::new(profile.clone());
    store
        .put_keys(&serde_json::to_value(keys()).unwrap())
        .unwrap();
    store.put_form(&form_text(FORM)).unwrap();
    let mut phone = super::world::Phone {
        store: super::kept::DeviceStore::default(),
        profile: profile.profile,
        device_key: vec![4; 65],
        now: 1_000_000,
        random: 0,
    };
    for (n, act) in acts.iter().enumerate() {
        let t = format!("answer {n}");
        let save = |store: &mut MemoryStore, session| {
            let save = session::Save {
                writes: vec![(key(NAME), text(&t))],
                shown: [key(NAME)].into(),
                ..session::Save::default()
            };
            session::save(store, session, save, 1_000_000).unwrap();
            session::close_form(store, session).unwrap();
        };
        match *act {
            Act::Create(n) => {
                if let Ok(form) = session::create_record(&mut store, record(n), FORM) {
                    save(&mut store, form.session);
                }
            }
            Act::Edit(n) => {
                if let Ok(form) = session::open_form(&mut store, record(n), FORM) {
                    save(&mut store, form.session);
                }
            }
            Act::Other(n) => edit_elsewhere(&mut other, &mut server, n, &t),
            Act::Sync | Act::Lose => {
                let mut run = Run::new(Some("test".into()));
                loop {
                    phone.random += 1;
                    let random = [phone.random; 16];
                    let request = run.next_request(&mut store, random, 1_000_000).unwrap();
                    if request == session::Request::Nothing {
                        break;
                    }
                    let answer = server.answer(profile.profile, &phone.device_key, &request);
                    if matches!(act, Act::Lose) {
                        break;
                    }
                    let reply = answer.unwrap();
                    run.receive(&mut store, &mut Trust, &request, &reply)
                        .unwrap();
                    session::forget_gone(&mut store).unwrap();
                }
            }
            Act::Restart | Act::FullDisk(_) => {}
        }
    }
    (store, server)
}

fn over_rows(acts: &[Act]) -> (Phone, Server) {
    let (mut server, profile, mut other) = world();
    let mut phone = Phone::new(&profile);
    for (n, act) in acts.iter().enumerate() {
        let t = format!("answer {n}");
        let edit = |n| json!({"step": "open", "record": record(n), "form": FORM});
        match *act {
            Act::Create(n) => {
                let create = json!({"step": "create", "record": record(n), "form": FORM});
                drop(phone.fill(&create, &t));
            }
            Act::Edit(n) => drop(phone.fill(&edit(n), &t)),
            Act::Other(n) => edit_elsewhere(&mut other, &mut server, n, &t),
            Act::Sync => phone.sync(&mut server, &profile, false),
            Act::Lose => phone.sync(&mut server, &profile, true),
            Act::Restart => phone.restart(),
            Act::FullDisk(n) => {
                let before = phone.disk.clone();
                phone.full = true;
                drop(phone.step(&edit(n), &[]));
                phone.full = false;
                assert!(phone.disk == before);
            }
        }
    }
    (phone, server)
}

proptest! {
    #![proptest_config(tributary_sync_core::testing::cases(64))]

    #[test]
    fn rows_and_maps_come_to_the_same(acts in acts()) {
        let (store, server) = over_maps(&acts);
        let (mut phone, other_server) = over_rows(&acts);
        prop_assert_eq!(format!("{:?}", server.log), format!("{:?}", other_server.log));
        phone.restart();
        let counted = crate::step::summary(&phone.core.rows).unwrap();
        prop_assert_eq!(counted, session::summary(&store).unwrap());
        for ((table, key), (value, _)) in &phone.disk {
            phone.core.load(table, key, value.clone()).unwrap();
        }
        let rows = &phone.core.rows;
        prop_assert_eq!(rows.profile().unwrap(), store.profile().unwrap());
        prop_assert_eq!(rows.held_ids().unwrap(), store.held_ids().unwrap());
        for id in store.held_ids().unwrap() {
            prop_assert_eq!(rows.held(id).unwrap(), store.held(id).unwrap());
            prop_assert_eq!(rows.own_of(id).unwrap(), store.own_of(id).unwrap());
        }
        prop_assert_eq!(rows.open_forms().unwrap(), store.open_forms().unwrap());
    }
}

#[test]
fn a_signature_that_does_not_hold_changes_nothing() {
    let (mut server, profile, _) = world();
    let mut phone = Phone::new(&profile);
    let create = json!({"step": "create", "record": record(1), "form": FORM});
    phone.fill(&create, "Sokha").unwrap();
    let begin = json!({"step": "begin_run", "client": "test"});
    phone.step(&begin, &[]).unwrap();
    let next = json!({"step": "next_request", "random": "00".repeat(16), "now": 1});
    phone.step(&next, &[]).unwrap();
    let request = phone.core.request.clone().unwrap();
    let device_key = hex::decode(&profile.device_key).unwrap();
    let answer = server.answer(profile.profile, &device_key, &request);
    let Ok(session::Reply::Exchange(mut reply)) = answer else {
        panic!("an exchange is answered");
    };
    let before = phone.disk.clone();
    let honest = reply.to_frame(&NoForms);
    reply.receipt.sig = "00".repeat(64);
    let forged = reply.to_frame(&NoForms);
    let receive = json!({"step": "receive", "status": 200});
    let refused = phone.step(&receive, &forged).unwrap_err();
    assert_eq!(refused["code"], "reply_not_signed");
    assert!(phone.disk == before && phone.asked > 0);
    phone
        .step(&receive, &honest[..honest.len() / 2])
        .unwrap_err();
    assert!(phone.disk == before);
    let next = phone.step(&receive, &honest).unwrap();
    assert_eq!((&next["next"], &next["sent"]), (&json!("again"), &json!(1)));
    assert!(phone.disk != before);
}

#[test]
fn a_list_reads_no_record_and_a_view_reads_one() {
    let (mut server, profile, mut other) = world();
    let mut phone = Phone::new(&profile);
    for n in 1..4 {
        let create = json!({"step": "create", "record": record(n), "form": FORM});
        phone.fill(&create, &format!("Sokha {n}")).unwrap();
    }
    phone.sync(&mut server, &profile, false);
    edit_elsewhere(&mut other, &mut server, 2, "Dara");
    let edit = json!({"step": "open", "record": record(2), "form": FORM});
    phone.fill(&edit, "Sophea").unwrap();
    phone.sync(&mut server, &profile, false);
    phone.restart();
    phone.loaded = 0;
    let list = phone.step(&json!({"step": "list"}), &[]).unwrap();
    assert_eq!((phone.loaded, list.as_array().unwrap().len()), (0, 3));
    let line = &list[1];
    assert_eq!(line["conflict"], true);
    assert_eq!(
        (&line["whereabouts"], &line["mine"]),
        (&json!("sent"), &json!(true))
    );
    let view = json!({"step": "view", "record": record(2)});
    let view = phone.step(&view, &[]).unwrap();
    assert_eq!(phone.loaded, 1);
    let lives = view["answers"][key(NAME).to_string()].as_array().unwrap();
    assert_eq!(lives.len(), 2);
    assert_eq!(lives.iter().filter(|l| l["mine"] == true).count(), 1);
    assert_eq!(view["conflicts"], json!([key(NAME).to_string()]));
}
