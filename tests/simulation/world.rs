//! Server, phones, network, operator, and what is true.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest, Sha256};
use tributary::service::access::Role;
use tributary::service::backup::{
    self, BackupError, Offline, Opened, Overrides, Plan, Sets, Source, Which,
};
use tributary::service::env::{Entropy, Env, Roster, Signer};
use tributary::service::exchange::{self, Caller, Refusal};
use tributary::storage::folder::DataFolder;
use tributary::storage::{FormRow, OrgFiles, StorageError};
use tributary_sync_core::ids::*;
use tributary_sync_core::session::{
    Confirm, FormText, Next, Problem, Reply, Request, Store as _, Verifier, empty,
};
use tributary_sync_core::wire::message::*;

use super::checks;
use super::phone::{FORM, Phone, SaveNo, Truth};
use super::step::{Net, Step};
use super::tally::Tally;

pub(crate) const ORG: OrgId = OrgId::from_bytes([1; 16]);

struct Seeded(u64, AtomicU64);
impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) -> Result<(), StorageError> {
        for chunk in out.chunks_mut(32) {
            let n = self.1.fetch_add(1, Ordering::SeqCst);
            let digest = Sha256::new()
                .chain_update(self.0.to_be_bytes())
                .chain_update(n.to_be_bytes())
                .finalize();
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
        Ok(())
    }
}

/// Stands in for ES256: what matters here is who made it.
#[derive(Clone, Copy)]
struct Keyed;
impl Signer for Keyed {
    fn sign(&self, org: OrgId, bytes: &[u8]) -> Result<String, StorageError> {
        Ok(hex::encode(
            Sha256::new()
                .chain_update(b"sim")
                .chain_update(org.as_bytes())
                .chain_update(bytes)
                .finalize(),
        ))
    }
    fn verify(&self, org: OrgId, bytes: &[u8], signature: &str) -> bool {
        self.sign(org, bytes).is_ok_and(|s| s == signature)
    }
}
impl Verifier for Keyed {
    fn verify(&self, bytes: &[u8], signature: &str) -> bool {
        Signer::verify(self, ORG, bytes, signature)
    }
    fn learn(&mut self, _: &serde_json::Value) -> bool {
        true
    }
}

struct Nobody;
impl Roster for Nobody {
    fn profiles_of_user(&self, _: OrgId, _: UserId) -> Result<Vec<ProfileId>, StorageError> {
        Ok(Vec::new())
    }
    fn profiles_of_team(&self, _: OrgId, _: TeamId) -> Result<Vec<ProfileId>, StorageError> {
        Ok(Vec::new())
    }
    fn name(&self, _: OrgId, _: UserId) -> Result<Option<String>, StorageError> {
        Ok(Some("Somebody".to_owned()))
    }
}

/// All of it.
pub struct World {
    folder: tempfile::TempDir,
    /// Copies go to another disk: here, a folder beside.
    copies: tempfile::TempDir,
    pub(crate) files: OrgFiles,
    pub(crate) env: Env,
    /// The phones, in the order in which they came.
    pub phones: Vec<Phone>,
    phone_images: Vec<(usize, Phone)>,
    disk_images: Vec<Vec<u8>>,
    waiting: Vec<(Caller, Request)>,
    pub(crate) truth: BTreeMap<SaveNo, Truth>,
    pub(crate) created: BTreeSet<RecordId>,
    pub(crate) erased: BTreeSet<RecordId>,
    /// Saves that a phone was told are stored, in the life of the server's file.
    pub(crate) told_stored: BTreeSet<SaveNo>,
    /// Saves of a phone that was emptied though no copy held them.
    pub(crate) emptied_early: BTreeSet<SaveNo>,
    pub(crate) revoked: BTreeSet<ProfileId>,
    /// The server went back in time at least once.
    pub(crate) went_back: bool,
    /// Requests answered, and refusals by code.
    requests: u64,
    refusals: BTreeMap<String, u64>,
    /// Whether every request is printed.
    pub(crate) trace: bool,
}

/// The record with a number.
pub fn record(n: usize) -> RecordId {
    RecordId::from_bytes([n as u8 + 1; 16])
}

fn read<T>(
    world: &World,
    work: impl FnOnce(&tributary::storage::OrgTxn<'_>) -> Result<T, StorageError>,
) -> T {
    world.files.read(ORG, work).unwrap()
}

impl World {
    /// A server with three phones.
    pub fn new(seed: u64) -> Self {
        // Memory-backed where there is such a folder: the sync calls are real either way.
        let shm = PathBuf::from("/dev/shm");
        let folder = || {
            if shm.is_dir() {
                tempfile::tempdir_in(&shm)
            } else {
                tempfile::tempdir()
            }
            .unwrap()
        };
        let (folder, copies) = (folder(), folder());
        DataFolder::at(folder.path()).create().unwrap();
        let files = OrgFiles::new(folder.path()).unwrap();
        files.create(ORG).unwrap();
        let env = Env {
            now: 1_000_000_000,
            entropy: Arc::new(Seeded(seed, AtomicU64::new(0))),
            signer: Arc::new(Keyed),
            roster: Arc::new(Nobody),
            ledger: files.ledger(),
        };
        files
            .write::<_, StorageError>(ORG, |txn| {
                txn.initialise(EpochId::from_bytes([1; 16]), [3; 32], 0)?;
                txn.add_form(&form_row(), 0)?;
                txn.add_policy(&policy(), 0)
            })
            .unwrap();
        let mut world = Self {
            folder,
            copies,
            files,
            env,
            phones: Vec::new(),
            phone_images: Vec::new(),
            disk_images: Vec::new(),
            waiting: Vec::new(),
            truth: BTreeMap::new(),
            created: BTreeSet::new(),
            erased: BTreeSet::new(),
            told_stored: BTreeSet::new(),
            emptied_early: BTreeSet::new(),
            revoked: BTreeSet::new(),
            went_back: false,
            requests: 0,
            refusals: BTreeMap::new(),
            trace: std::env::var_os("TRIBUTARY_SIM_TRACE").is_some(),
        };
        for (n, skew) in [0, 50_000_000, -900_000].into_iter().enumerate() {
            let skew = if seed.is_multiple_of(3) { skew } else { 0 };
            world.enrol(n as u8 + 2, skew);
        }
        world
    }

    fn enrol(&mut self, n: u8, skew: i64) {
        let id = [n; 16];
        let caller = Caller {
            org: ORG,
            profile: ProfileId::from_bytes(id),
            user: UserId::from_bytes(id),
            role: Role::Worker,
            revoked: false,
            device_key: vec![n; 65],
        };
        let ask = ActorRequest {
            instance: InstanceId::from_bytes(id),
        };
        let given = exchange::actor(&self.files, &self.env, &caller, &ask).unwrap();
        let mut phone = Phone::new(caller, given.epoch, given.grant, skew);
        let text = FormText {
            hash: FORM,
            form_id: "interview".into(),
            package: "{}".into(),
            xform: String::new(),
        };
        phone.store.put_form(&text).unwrap();
        phone.store.put_policy(&policy()).unwrap();
        self.phones.push(phone);
    }

    /// Takes a step.
    pub fn step(&mut self, step: Step) -> Result<(), String> {
        let phones = self.phones.len();
        match step {
            Step::Create {
                phone,
                record: r,
                keep_open,
            } if phone < phones && !self.created.contains(&record(r)) => {
                self.phones[phone].create(record(r));
                if self.save(phone, Some("given")) {
                    self.created.insert(record(r));
                }
                if !keep_open {
                    self.phones[phone].close();
                }
            }
            Step::Open { phone, record: r } if phone < phones => {
                self.phones[phone].open(record(r), &self.truth)
            }
            Step::Save {
                phone,
                record: r,
                withdraw,
            } if phone < phones => {
                let had = self.phones[phone].has_open();
                if !had {
                    self.phones[phone].open(record(r), &self.truth);
                }
                self.save(phone, withdraw.then_some("withdrawn"));
                if !had {
                    self.phones[phone].close();
                }
            }
            Step::Close { phone } if phone < phones => self.phones[phone].close(),
            Step::Sync { phone, net, at } if phone < phones => self.sync(phone, net, at)?,
            Step::Redeliver { which } if !self.waiting.is_empty() => {
                let (mut caller, request) = self.waiting[which % self.waiting.len()].clone();
                caller.revoked = self.revoked.contains(&caller.profile);
                let _ = self.serve(&caller, &request);
            }
            Step::Pass { ms } => self.env.now += ms,
            Step::Assign {
                phone,
                record: r,
                on,
            } if phone < phones => self.assign(phone, record(r), on),
            Step::Erase { record: r } => self.erase(record(r)),
            Step::Clone { phone } if phone < phones && phones < 6 => {
                self.phones.push(self.phones[phone].copied())
            }
            Step::ImagePhone { phone } if phone < phones => {
                self.phone_images.push((phone, self.phones[phone].copied()))
            }
            Step::RestorePhone { which } if !self.phone_images.is_empty() => {
                let (phone, image) = self.phone_images[which % self.phone_images.len()].clone();
                self.phones[phone] = image;
            }
            Step::Empty {
                phone,
                stored_is_enough,
            } if phone < phones => self.empty(phone, stored_is_enough),
            Step::Backup => self.backup(),
            Step::Restore => {
                self.restore(0);
                checks::copied(self)?;
            }
            Step::ImageDisk => {
                let bytes = self.file_bytes();
                self.disk_images.push(bytes);
            }
            Step::RollBack { which } if !self.disk_images.is_empty() => {
                let bytes = self.disk_images[which % self.disk_images.len()].clone();
                self.put_file(&bytes);
            }
            Step::OpenEpoch if self.stopped() => self.open_epoch(),
            Step::Revoke { phone } if phone < phones => {
                let profile = self.phones[phone].caller.profile;
                self.revoked.insert(profile);
                self.phones
                    .iter_mut()
                    .filter(|p| p.caller.profile == profile)
                    .for_each(|p| p.caller.revoked = true);
            }
            _ => {}
        }
        Ok(())
    }

    fn save(&mut self, phone: usize, consent: Option<&str>) -> bool {
        let no = self.truth.len() as SaveNo;
        self.env.now += 1;
        match self.phones[phone].save(no, consent, self.env.now) {
            Some(truth) => self.truth.insert(no, truth).is_none(),
            None => false,
        }
    }

    /// Adds what was asked and refused.
    pub(crate) fn count(&self, tally: &mut Tally) {
        tally.requests += self.requests;
        for (code, n) in &self.refusals {
            *tally.refusals.entry(code.clone()).or_default() += n;
        }
    }
    /// Whether writing has stopped.
    pub fn stopped(&self) -> bool {
        read(self, |t| t.stopped())
    }
    fn file_bytes(&self) -> Vec<u8> {
        self.files.close(ORG);
        std::fs::read(self.files.path(ORG)).unwrap()
    }
    fn put_file(&mut self, bytes: &[u8]) {
        self.files.close(ORG);
        std::fs::write(self.files.path(ORG), bytes).unwrap();
        self.goes_back();
    }
    fn assign(&mut self, phone: usize, id: RecordId, on: bool) {
        if self.stopped() {
            return;
        }
        let (env, profile) = (self.env.clone(), self.phones[phone].caller.profile);
        self.files
            .write::<_, StorageError>(ORG, move |t| match t.record_no(id)? {
                Some(no) => exchange::set_assigned(t, &env, profile, no, on),
                None => Ok(()),
            })
            .unwrap();
    }
    fn erase(&mut self, id: RecordId) {
        let there = read(self, |t| t.record_no(id)).is_some();
        if self.stopped() || !there {
            return;
        }
        let env = self.env.clone();
        self.files
            .write::<_, StorageError>(ORG, move |t| {
                env.ledger.append(ORG, id.tombstone(), env.now)?;
                t.erase(id.tombstone(), env.now)
            })
            .unwrap();
        self.erased.insert(id);
    }
    fn empty(&mut self, phone: usize, stored_is_enough: bool) {
        let confirm = if stored_is_enough {
            Confirm::StoredIsEnough
        } else {
            Confirm::CopiedOnly
        };
        let phone = &mut self.phones[phone];
        if phone.has_open() {
            return;
        }
        let profile = phone.store.profile().unwrap();
        let mut bodies = BTreeSet::new();
        for actor in &profile.actors {
            for own in phone
                .store
                .own_after(actor.actor, Seq::ZERO, usize::MAX)
                .unwrap()
            {
                bodies.extend(
                    own.body
                        .iter()
                        .flat_map(|b| &b.writes)
                        .filter_map(|w| super::phone::number(&w.1)),
                );
            }
        }
        if empty(&mut phone.store, confirm).is_ok() && stored_is_enough {
            self.emptied_early.extend(bodies);
        }
    }

    fn plan(&self) -> Plan {
        Plan {
            data: self.folder.path().to_owned(),
            target: self.copies.path().to_owned(),
            which: Which::All,
            keep: 3,
        }
    }
    /// The product's own copy; one that the file does not extend stops writing.
    pub fn backup(&mut self) {
        let made = backup::backup(&self.files, &self.env, &self.plan(), &mut |_| {}).unwrap();
        let stopped = self.stopped();
        assert_eq!(made.set.is_none(), stopped, "{made:?}");
    }
    /// The newest copy, or one before it, whatever lies here now.
    pub fn restore(&mut self, older: usize) {
        let sets = Sets::read(self.copies.path()).unwrap().sets;
        let Some(set) = sets.iter().rev().nth(older) else {
            return;
        };
        self.files.close(ORG);
        let source = Source {
            target: self.copies.path().to_owned(),
            set: Some(set.name.clone()),
        };
        let said = Overrides {
            replace: true,
            older_copy: older > 0,
            ..Overrides::default()
        };
        self.offline(|at| backup::restore(at, &source, Which::All, said, &mut |_| {}).map(drop));
        self.goes_back();
    }
    /// Opens an epoch. Over a file that lacks the newest copy, it starts from that copy.
    pub fn open_epoch(&mut self) {
        self.files.close(ORG);
        let target = self.copies.path().to_owned();
        let mut opened = None;
        self.offline(|at| {
            opened = Some(backup::open_epoch(at, ORG, Some(&target), true)?);
            Ok(())
        });
        if matches!(opened, Some(Opened::FromCopy(_))) {
            self.goes_back();
        }
    }
    fn offline(&self, work: impl FnOnce(Offline<'_>) -> Result<(), BackupError>) {
        let lock = DataFolder::at(self.folder.path()).lock().unwrap();
        let at = Offline {
            data: self.folder.path(),
            lock: &lock,
            entropy: &*self.env.entropy,
            now: self.env.now,
        };
        work(at).unwrap();
    }
    fn goes_back(&mut self) {
        self.went_back = true;
        self.told_stored.clear();
    }

    /// One request after the other until the run is over, or the network interferes.
    pub(crate) fn sync(&mut self, phone: usize, net: Net, at: usize) -> Result<(), String> {
        self.phones[phone].run.again();
        for n in 0..60 {
            let random = self.env.random().unwrap();
            let world_now = self.env.now;
            let p = &mut self.phones[phone];
            let now = p.now(world_now);
            let request = p
                .run
                .next_request(&mut p.store, random, now)
                .map_err(|e| format!("phone {phone}: {e}"))?;
            if request == Request::Nothing {
                return Ok(());
            }
            let caller = p.caller.clone();
            let net = if n == at { net } else { Net::Fine };
            if net == Net::Delayed || net == Net::Doubled {
                self.waiting.push((caller.clone(), request.clone()));
            }
            if net == Net::Delayed {
                return Ok(());
            }
            let answer = self.serve(&caller, &request);
            if self.trace {
                trace(phone, &request, &answer);
            }
            if net == Net::ReplyLost {
                return Ok(());
            }
            match self.take(phone, &request, answer)? {
                Next::Again => {}
                Next::Later { .. } | Next::Stop { .. } => return Ok(()),
            }
        }
        Err(format!("phone {phone} is stuck: 60 requests and no end"))
    }

    fn take(
        &mut self,
        phone: usize,
        request: &Request,
        answer: Result<Reply, Box<Problem>>,
    ) -> Result<Next, String> {
        let p = &mut self.phones[phone];
        let before = p.store.clone();
        let next = match &answer {
            Ok(reply) => p.run.receive(&mut p.store, &mut Keyed, request, reply),
            Err(problem) => p.run.receive_problem(&mut p.store, request, problem),
        };
        let next = next.map_err(|e| format!("phone {phone} refused the answer: {e}"))?;
        if let (Ok(Reply::Exchange(reply)), Request::Exchange(r)) = (&answer, request) {
            for result in reply
                .results
                .iter()
                .filter(|r| matches!(r.status, Status::Applied | Status::Cut))
            {
                let own = before
                    .own(tributary_sync_core::clock::Dot::new(r.actor, result.seq))
                    .unwrap();
                let body = own.and_then(|o| o.body);
                self.told_stored.extend(
                    body.iter()
                        .flat_map(|b| &b.writes)
                        .filter_map(|w| super::phone::number(&w.1)),
                );
            }
        }
        Ok(next)
    }

    /// The server, as HTTP would call it: through JSON both ways.
    fn serve(&mut self, caller: &Caller, request: &Request) -> Result<Reply, Box<Problem>> {
        self.env.now += 1;
        let (files, env) = (&self.files, &self.env);
        let done = match request {
            Request::Exchange(r) => {
                let json = serde_json::to_string(&**r).unwrap();
                let r = ExchangeRequest::from_json(&json).unwrap();
                exchange::exchange(files, env, caller, r).map(|r| {
                    let json = serde_json::to_string(&r).unwrap();
                    Reply::Exchange(Box::new(serde_json::from_str(&json).unwrap()))
                })
            }
            Request::Compare(r) => {
                exchange::compare(files, env, caller, r.clone()).map(Reply::Compare)
            }
            Request::NewActor(r) => exchange::actor(files, env, caller, r).map(Reply::NewActor),
            Request::Lost(r) => exchange::lost(files, caller, r.clone()).map(|()| Reply::Lost),
            Request::Nothing => unreachable!("nothing is never sent"),
        };
        self.requests += 1;
        done.map_err(|refusal| {
            let code = refusal.code().to_owned();
            *self.refusals.entry(code.clone()).or_default() += 1;
            Box::new(match refusal {
                Refusal::EpochChanged { epoch } => Problem {
                    code,
                    epoch: Some(epoch),
                    ..Problem::default()
                },
                Refusal::Forked {
                    actor,
                    agreed,
                    results,
                } => Problem {
                    code,
                    actor: Some(actor),
                    agreed,
                    results,
                    ..Problem::default()
                },
                Refusal::Gap { expected } => Problem {
                    code,
                    expected: Some(expected),
                    ..Problem::default()
                },
                _ => Problem {
                    code,
                    ..Problem::default()
                },
            })
        })
    }

    /// The faults stop: forms are closed, a copy is made, everybody syncs until nothing is new.
    pub fn settle(&mut self) -> Result<(), String> {
        self.phones.iter_mut().for_each(Phone::close);
        self.backup();
        for _ in 0..4 {
            for phone in 0..self.phones.len() {
                if self.stopped() {
                    self.open_epoch();
                }
                self.sync(phone, Net::Fine, 0)?;
                if self.stopped() {
                    self.open_epoch();
                    self.sync(phone, Net::Fine, 0)?;
                }
            }
        }
        Ok(())
    }
}

fn trace(phone: usize, request: &Request, answer: &Result<Reply, Box<Problem>>) {
    let asked = match request {
        Request::Exchange(r) => format!(
            "exchange {} epoch {} first {} items {} chain {} cursor {}",
            r.actor,
            r.epoch,
            r.first,
            r.items.len(),
            r.chain.seq,
            r.cursor.is_some()
        ),
        Request::Compare(r) => format!(
            "compare epoch {} points {:?}",
            r.epoch,
            r.actors
                .iter()
                .map(|a| (a.actor, a.points.len()))
                .collect::<Vec<_>>()
        ),
        Request::NewActor(r) => format!("actor {}", r.instance),
        Request::Lost(r) => format!("lost {} from {}", r.actor, r.first),
        Request::Nothing => String::new(),
    };
    let told = match answer {
        Ok(Reply::Exchange(r)) => format!(
            "acked {} {:?}",
            r.acked.seq,
            r.results.iter().map(|x| x.status).collect::<Vec<_>>()
        ),
        Ok(Reply::Compare(r)) => format!(
            "{:?}",
            r.actors
                .iter()
                .map(|a| (a.actor, a.agreed, a.acked))
                .collect::<Vec<_>>()
        ),
        Ok(Reply::NewActor(r)) => format!("{}", r.actor),
        Ok(Reply::Lost) => "closed".to_owned(),
        Err(p) => format!("{} agreed {:?}", p.code, p.agreed),
    };
    println!("      phone {phone}: {asked} -> {told}");
}

fn form_row() -> FormRow {
    FormRow {
        hash: FORM,
        form_id: "interview".into(),
        version: "1".into(),
        title: "Interview".into(),
        package: "{}".into(),
        xform: String::new(),
        pos: LogPos::ZERO,
        published_at: 0,
        published_by: None,
    }
}

fn policy() -> PolicyEntry {
    PolicyEntry {
        form_id: "interview".into(),
        field: FieldId(2),
        policy: PolicyKind::Protective,
        order: vec!["given".into(), "withdrawn".into()],
        consent: vec!["given".into()],
        decide: Vec::new(),
    }
}
