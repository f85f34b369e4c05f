//! Server, phones, network, operator, and what is true.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tributary::service::access::Role;
use tributary::service::env::Env;
use tributary::service::exchange::{self, Caller};
use tributary::service::records::Shown;
use tributary::storage::folder::DataFolder;
use tributary::storage::{FormRow, OrgFiles, OrgTxn, StorageError};
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::*;
use tributary_sync_core::session::{Profile, Request, Role as Part};
use tributary_sync_core::wire::message::*;

use super::disk::Disk;
use super::phone::{FORM, Kept, Known, Phone, SaveNo, Truth};
use super::power::Power;
use super::step::{Step, What};
use super::surroundings::{Keyed, People, Seeded};
use super::tally::Tally;

/// The organisation that things happen to.
pub const ORG: OrgId = OrgId::from_bytes([1; 16]);
/// Another one in the same folder, with records of the same ids.
pub const OTHER: OrgId = OrgId::from_bytes([0xb0; 16]);
/// Both.
pub const ORGS: [OrgId; 2] = [ORG, OTHER];

/// What a coordinator was shown.
#[derive(Clone, Debug)]
pub(crate) struct Looked {
    pub(crate) shown: Shown,
    pub(crate) record: tributary_sync_core::record::Record,
    pub(crate) past: BTreeSet<SaveNo>,
}

/// The server's disk, kept aside.
#[derive(Clone, Debug)]
pub(crate) struct DiskImage {
    pub(crate) file: Vec<u8>,
    pub(crate) ledger: Vec<u8>,
    pub(crate) erased: BTreeSet<RecordId>,
}

/// All of it.
pub struct World {
    pub(crate) folder: tempfile::TempDir,
    /// Copies go to another disk: here, a folder beside.
    pub(crate) copies: tempfile::TempDir,
    /// Where phones on files keep them.
    pockets: tempfile::TempDir,
    pub(crate) files: OrgFiles,
    pub(crate) env: Env,
    pub(crate) people: Arc<People>,
    /// The phones, in the order in which they came.
    pub phones: Vec<Phone>,
    pub(crate) phone_images: Vec<(usize, Kept)>,
    pub(crate) disk_images: Vec<DiskImage>,
    pub(crate) waiting: Vec<(Caller, Request)>,
    /// The last exchange of each phone.
    pub(crate) last: BTreeMap<usize, ExchangeRequest>,
    pub(crate) looked: BTreeMap<(usize, RecordId), Looked>,
    pub(crate) truth: BTreeMap<SaveNo, Truth>,
    /// What coordinators wrote, by dot.
    pub(crate) desk: BTreeMap<Dot, SaveNo>,
    pub(crate) created: BTreeSet<(OrgId, RecordId)>,
    pub(crate) erased: BTreeSet<RecordId>,
    /// Erased, but the ledger was rolled back: only a phone that holds the tombstone can say so.
    pub(crate) erased_once: BTreeSet<RecordId>,
    pub(crate) discarded: BTreeSet<SaveNo>,
    /// Saves that were in quarantine at any time.
    pub(crate) aside: BTreeSet<SaveNo>,
    /// Saves that a phone was told are stored, in the life of the server's file.
    pub(crate) told_stored: BTreeSet<SaveNo>,
    /// When the server first had a save.
    pub(crate) first_received: BTreeMap<SaveNo, u64>,
    /// What was shown first before the last restore.
    pub(crate) winners: Vec<(RecordId, BTreeSet<SaveNo>, SaveNo)>,
    /// What the server sent to a profile.
    pub(crate) sent: BTreeMap<ProfileId, BTreeSet<SaveNo>>,
    /// Saves of phones that were emptied because a copy held them.
    pub(crate) emptied_copied: BTreeSet<SaveNo>,
    /// A phone went back in time at least once.
    pub(crate) phone_went_back: bool,
    pub(crate) revoked: BTreeSet<ProfileId>,
    /// Profiles that left out of a context what they were shown: they see their own record as they made it.
    pub(crate) omitted: BTreeSet<ProfileId>,
    /// Profiles that forged a context, and of which record: what they open of it before the server has cut that claims as much.
    pub(crate) forged: BTreeSet<(ProfileId, RecordId)>,
    /// The heads that were last checked.
    pub(crate) checked: BTreeMap<OrgId, (LogPos, LogHash)>,
    /// The form version that is newest.
    pub(crate) form: FormHash,
    /// The server went back in time at least once.
    pub(crate) went_back: bool,
    pub(crate) on_files: bool,
    files_made: u32,
    pub(crate) dice: u64,
    pub(crate) requests: u64,
    pub(crate) frames: u64,
    pub(crate) refusals: BTreeMap<String, u64>,
    /// The server's disk, where it can lose.
    pub(crate) power: Power,
    /// Whether every request is printed.
    pub(crate) trace: bool,
}

/// The record with a number.
pub fn record(n: usize) -> RecordId {
    RecordId::from_bytes([n as u8 + 1; 16])
}

impl World {
    /// A server with two organisations; three phones of the first, one of the second.
    pub fn new(seed: u64) -> Self {
        Self::among(4, seed)
    }
    /// The same with so many phones only.
    pub fn among(phones: usize, seed: u64) -> Self {
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
        let (folder, copies, pockets) = (folder(), folder(), folder());
        DataFolder::at(folder.path()).create().unwrap();
        let files = OrgFiles::new(folder.path()).unwrap();
        let people = Arc::new(People::default());
        let env = Env {
            now: 1_000_000_000,
            entropy: Arc::new(Seeded(seed, AtomicU64::new(0))),
            signer: Arc::new(Keyed(ORG)),
            roster: Arc::clone(&people) as Arc<_>,
            ledger: files.ledger(),
        };
        for (n, org) in ORGS.into_iter().enumerate() {
            files.create(org).unwrap();
            files
                .write::<_, StorageError>(org, move |txn| {
                    txn.initialise(EpochId::from_bytes([n as u8 + 1; 16]), [n as u8 + 3; 32], 0)?;
                    txn.add_form(&form_row(FORM), 0)?;
                    policies()
                        .iter()
                        .try_for_each(|p| txn.add_policy(p, 0).map(drop))
                })
                .unwrap();
        }
        let mut world = Self {
            folder,
            copies,
            pockets,
            files,
            env,
            people,
            phones: Vec::new(),
            phone_images: Vec::new(),
            disk_images: Vec::new(),
            waiting: Vec::new(),
            last: BTreeMap::new(),
            looked: BTreeMap::new(),
            truth: BTreeMap::new(),
            desk: BTreeMap::new(),
            created: BTreeSet::new(),
            erased: BTreeSet::new(),
            erased_once: BTreeSet::new(),
            discarded: BTreeSet::new(),
            aside: BTreeSet::new(),
            told_stored: BTreeSet::new(),
            first_received: BTreeMap::new(),
            winners: Vec::new(),
            sent: BTreeMap::new(),
            emptied_copied: BTreeSet::new(),
            phone_went_back: false,
            revoked: BTreeSet::new(),
            omitted: BTreeSet::new(),
            forged: BTreeSet::new(),
            checked: BTreeMap::new(),
            form: FORM,
            went_back: false,
            on_files: seed % 4 == 1,
            files_made: 0,
            dice: seed,
            requests: 0,
            frames: 0,
            refusals: BTreeMap::new(),
            power: Power::default(),
            trace: std::env::var_os("TRIBUTARY_SIM_TRACE").is_some(),
        };
        let skews = [0, 50_000_000, -900_000, 0].into_iter();
        for (n, skew) in skews.enumerate().take(phones) {
            let skew = if seed.is_multiple_of(3) { skew } else { 0 };
            let org = if n == 3 { OTHER } else { ORG };
            world.enrol(org, n as u8 + 2, skew);
        }
        world
    }

    fn enrol(&mut self, org: OrgId, n: u8, skew: i64) {
        let id = [n; 16];
        let caller = Caller {
            org,
            profile: ProfileId::from_bytes(id),
            user: UserId::from_bytes(id),
            role: Role::Worker,
            revoked: false,
            device_key: vec![n; 65],
        };
        self.people.profiles.lock().unwrap().insert(caller.profile);
        let ask = ActorRequest {
            instance: InstanceId::from_bytes(id),
        };
        let given = exchange::actor(&self.files, &self.env, &caller, &ask).unwrap();
        let ids = (org, caller.profile, caller.user);
        let grant = given.grant;
        let profile = Profile::new(ids, Part::Worker, &caller.device_key, given.epoch, grant);
        let file = self.on_files.then(|| self.file());
        let mut phone = Phone::new(caller, Disk::new(&profile, file), skew);
        phone
            .disk
            .step(|s| Ok(s.put_form(&form_text(FORM))?))
            .unwrap();
        phone.learn(policies());
        self.phones.push(phone);
    }

    /// A file for a phone.
    pub(crate) fn file(&mut self) -> PathBuf {
        self.files_made += 1;
        self.pockets.path().join(format!("{}.db", self.files_made))
    }

    /// One of `n`, from the seed.
    pub(crate) fn roll(&mut self, n: u64) -> u64 {
        let mut rng = super::schedule::Rng::new(self.dice);
        self.dice = rng.next();
        self.dice % n
    }

    pub(crate) fn read<T>(
        &self,
        org: OrgId,
        look: impl FnOnce(&OrgTxn<'_>) -> Result<T, StorageError>,
    ) -> T {
        self.files.read(org, look).unwrap()
    }

    /// Takes a step.
    pub fn step(&mut self, step: Step) -> Result<(), String> {
        if step.phone().is_some_and(|p| p >= self.phones.len()) {
            return Ok(());
        }
        match step {
            Step::Create {
                phone,
                record: r,
                keep_open,
            } => self.create(phone, record(r), keep_open)?,
            Step::Open { phone, record: r } => {
                self.phones[phone].open(record(r), self.form, Known::new(&self.truth, &self.desk));
            }
            Step::Save {
                phone,
                record: r,
                what,
            } => self.answer(phone, record(r), what, &[])?,
            Step::Lie { phone, record: r } => {
                let claims = self.claims();
                let profile = self.phones[phone].caller.profile;
                self.forged.insert((profile, record(r)));
                self.answer(phone, record(r), What::Name, &claims)?;
            }
            Step::Omit { phone, record: r } => {
                self.phones[phone].open(record(r), self.form, Known::new(&self.truth, &self.desk));
                self.phones[phone].leave_out();
                self.omitted.insert(self.phones[phone].caller.profile);
                self.save(phone, What::Name, true)?;
                self.phones[phone].close();
            }
            Step::Rude {
                phone,
                record: r,
                what,
            } => self.rude(phone, record(r), what)?,
            Step::Refresh { phone } => {
                self.phones[phone].refresh(Known::new(&self.truth, &self.desk))
            }
            Step::Close { phone } => self.phones[phone].close(),
            Step::Sync { phone, net, at } => self.sync(phone, net, at)?,
            Step::Redeliver { which } => self.redeliver(which)?,
            Step::Forge { phone, how } => self.forge(phone, how)?,
            Step::Garble { phone } => self.phones[phone].garbled = true,
            Step::Link { phone, bytes } => {
                self.phones[phone].page = (bytes > 0).then_some(bytes.max(1_024));
            }
            Step::SetClock { phone, skew } => self.phones[phone].skew = skew,
            Step::Kill { phone } => self.kill(phone),
            Step::Pass { ms } => self.env.now += ms,
            Step::Assign {
                phone,
                record: r,
                on,
            } => self.assign(phone, record(r), on),
            Step::ToTeam { record: r } => self.share_with_team(record(r)),
            Step::Team { phone, on } => self.team(phone, on),
            Step::Look { viewer, record: r } => self.look(viewer, record(r)),
            Step::Settle { viewer, record: r } => self.settle_conflict(viewer, record(r)),
            Step::Decide { viewer, record: r } => self.decide(viewer, record(r)),
            Step::Restrict { record: r, on } => self.restrict(record(r), on),
            Step::Release { which } => self.release(which),
            Step::Discard { which } => self.discard(which),
            Step::Publish => self.publish(),
            Step::Erase { record: r } => self.erase(record(r)),
            Step::Clone { phone } => self.clone_phone(phone),
            Step::ImagePhone { phone } => {
                let image = self.phones[phone].kept();
                self.phone_images.push((phone, image));
            }
            Step::RestorePhone { which } => self.restore_phone(which),
            Step::Empty {
                phone,
                stored_is_enough,
            } => self.empty(phone, stored_is_enough),
            Step::Backup => self.backup(),
            Step::Restore => {
                self.winners = super::checks::winners(self);
                self.restore(0);
                super::checks::copied(self)?;
            }
            Step::RestoreOlder => self.restore(1),
            Step::ImageDisk => self.image_disk(),
            Step::RollBack { which } => self.roll_back(which, false),
            Step::RollBackAll { which } => self.roll_back(which, true),
            Step::OpenEpoch => {
                if self.stopped() {
                    self.open_epoch();
                }
            }
            Step::ServerDisk { what, at } => self.disk_trouble(what, at),
            Step::Revoke { phone } => self.revoke(phone, true),
            Step::Readmit { phone } => self.revoke(phone, false),
        }
        Ok(())
    }

    fn create(&mut self, phone: usize, id: RecordId, keep_open: bool) -> Result<(), String> {
        let org = self.phones[phone].caller.org;
        if self.created.contains(&(org, id)) {
            return Ok(());
        }
        self.phones[phone].create(id);
        if self.save(phone, What::First, false)? {
            self.created.insert((org, id));
        }
        if !keep_open {
            self.phones[phone].close();
        }
        Ok(())
    }

    fn answer(
        &mut self,
        phone: usize,
        id: RecordId,
        what: What,
        claims: &[Dot],
    ) -> Result<(), String> {
        let had = self.phones[phone].has_open();
        if !had {
            self.phones[phone].open(id, self.form, Known::new(&self.truth, &self.desk));
        }
        self.phones[phone].lie(claims);
        self.save(phone, what, !claims.is_empty())?;
        if !had || !claims.is_empty() {
            self.phones[phone].close();
        }
        Ok(())
    }

    fn rude(&mut self, phone: usize, id: RecordId, what: What) -> Result<(), String> {
        let without = |p: PolicyEntry| PolicyEntry {
            policy: PolicyKind::Single,
            order: Vec::new(),
            ..p
        };
        self.phones[phone].learn(policies().into_iter().map(without));
        self.answer(phone, id, what, &[])?;
        self.phones[phone].learn(policies());
        Ok(())
    }

    fn save(&mut self, phone: usize, what: What, lies: bool) -> Result<bool, String> {
        let no = self.next_save();
        self.env.now += 1;
        let phone = &mut self.phones[phone];
        let Some(truth) = phone.save(no, what, self.env.now)? else {
            return Ok(false);
        };
        let forged = (phone.caller.profile, truth.record);
        let lies = lies || self.forged.contains(&forged);
        if let Some(unseen) = phone.unseen(no, &truth).filter(|_| !lies) {
            return Err(format!(
                "save g{no} covers g{unseen}, which was not shown to its author"
            ));
        }
        self.truth.insert(no, Truth { lies, ..truth });
        Ok(true)
    }

    pub(crate) fn next_save(&self) -> SaveNo {
        self.truth.keys().next_back().map_or(0, |n| n + 1)
    }

    /// Adds what was asked and refused.
    pub(crate) fn count(&self, tally: &mut Tally) {
        tally.requests += self.requests;
        tally.frames += self.frames;
        tally.on_files += u64::from(self.on_files);
        if self.power.struck > 0 {
            *tally.faults.entry("server's disk failed").or_default() += self.power.struck;
        }
        for (code, n) in &self.refusals {
            *tally.refusals.entry(code.clone()).or_default() += n;
        }
    }
    /// Whether writing has stopped.
    pub fn stopped(&self) -> bool {
        self.read(ORG, |t| t.stopped())
    }

    /// The faults stop: forms are closed, a copy is made, everybody syncs until nothing is new.
    pub fn settle(&mut self) -> Result<(), String> {
        self.power.calm();
        for phone in &mut self.phones {
            phone.close();
            phone.page = None;
            phone.garbled = false;
        }
        self.backup();
        for _ in 0..4 {
            for phone in 0..self.phones.len() {
                if self.stopped() {
                    self.open_epoch();
                }
                self.sync(phone, super::step::Net::Fine, 0)?;
                if self.stopped() {
                    self.open_epoch();
                    self.sync(phone, super::step::Net::Fine, 0)?;
                }
            }
        }
        Ok(())
    }
}

/// A form version as the server has it.
pub(crate) fn form_row(hash: FormHash) -> FormRow {
    FormRow {
        hash,
        form_id: "interview".into(),
        version: hash.as_bytes()[0].to_string(),
        title: "Interview".into(),
        package: "{}".into(),
        xform: String::new(),
        pos: LogPos::ZERO,
        published_at: 0,
        published_by: None,
    }
}

/// The same on a phone.
pub(crate) fn form_text(hash: FormHash) -> tributary_sync_core::session::FormText {
    tributary_sync_core::session::FormText {
        hash,
        form_id: "interview".into(),
        package: "{}".into(),
        xform: String::new(),
    }
}

fn policies() -> Vec<PolicyEntry> {
    let protective = |field, order: [&str; 2], consent: &[&str]| PolicyEntry {
        form_id: "interview".into(),
        field: FieldId(field),
        policy: PolicyKind::Protective,
        order: order.map(str::to_owned).to_vec(),
        consent: consent.iter().map(|c| (*c).to_owned()).collect(),
        decide: Vec::new(),
    };
    vec![
        protective(2, ["given", "withdrawn"], &["given"]),
        protective(3, ["no", "yes"], &[]),
    ]
}
