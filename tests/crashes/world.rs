//! The machines of the day: a server and two phones, each with a disk of its own that can lose, and a folder for copies,
//! which is another disk and loses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tempfile::TempDir;
use tributary::service::access::Role;
use tributary::service::ambient::{Ambient, Manual};
use tributary::service::backup::BackupError;
use tributary::service::error::ServiceError;
use tributary::service::principal::User;
use tributary::service::records::Desk;
use tributary::service::{By, Service, ServiceOptions};
use tributary::storage::StorageError;
use tributary::storage::directory::SessionId;
use tributary::storage::folder::DataFolder;
use tributary_disk::{Disk, lay};
use tributary_native::Device;
use tributary_native::clock::SetClock;
use tributary_sync_core::change::Changeset;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{ItemHash, OrgId, RecordId, UserId};
use tributary_sync_core::value::Value;
use tributary_tests::harness::TestServer;

use super::day::{Step, words};
use super::line::{Heard, Line};

const PHONES: usize = 2;

/// Why a step did not come to its end.
#[derive(Debug)]
pub(super) struct Trouble {
    /// The server's code, if it was the server that refused a person.
    pub(super) code: Option<&'static str>,
    pub(super) said: String,
}
impl From<ServiceError> for Trouble {
    fn from(e: ServiceError) -> Self {
        Self {
            code: Some(e.code.entry().code),
            said: format!("{e} {:?}", e.cause),
        }
    }
}
impl From<StorageError> for Trouble {
    fn from(e: StorageError) -> Self {
        ServiceError::from(e).into()
    }
}
impl From<BackupError> for Trouble {
    fn from(e: BackupError) -> Self {
        match e {
            BackupError::Storage(e) => e.into(),
            other => Self {
                code: Some("backup"),
                said: other.to_string(),
            },
        }
    }
}
impl From<tributary_native::Error> for Trouble {
    fn from(e: tributary_native::Error) -> Self {
        Self {
            code: None,
            said: format!("{e} ({:?})", std::error::Error::source(&e)),
        }
    }
}

/// A save that a worker was told is kept.
#[derive(Clone, Debug)]
pub(super) struct Saved {
    pub(super) phone: usize,
    pub(super) no: u32,
    pub(super) record: RecordId,
    pub(super) dot: Dot,
    pub(super) hash: ItemHash,
}

/// What everybody was told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) saved: Vec<Saved>,
    /// Writes of the console.
    pub(super) written: Vec<(RecordId, Dot)>,
    /// Hidden before they are erased: phones that sent them drop them.
    pub(super) restricted: BTreeSet<RecordId>,
    /// Erased interviews, and whether their words were said to be out of all files.
    pub(super) erased: BTreeMap<u32, bool>,
}

pub(super) struct World {
    folder: TempDir,
    pub(super) org: OrgId,
    pub(super) users: [UserId; PHONES],
    admin: UserId,
    pub(super) clock: Arc<Manual>,
    server: Arc<Mutex<Option<Arc<Service>>>>,
    phones: [Option<Device>; PHONES],
    pub(super) disk: Arc<Disk>,
    pub(super) phone_disks: [Arc<Disk>; PHONES],
    pub(super) heard: Arc<Mutex<Heard>>,
    pub(super) told: Told,
    ids: BTreeMap<u32, RecordId>,
}

/// Everything before the day: an organisation, its people, a form, enrolled phones. Made once.
struct Before {
    folder: TempDir,
    org: OrgId,
    users: [UserId; PHONES],
    admin: UserId,
    now: u64,
}

/// In memory where there is such a folder: the layer below SQLite does not care.
fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    }
    .unwrap()
}

fn before() -> &'static Before {
    static BEFORE: OnceLock<Before> = OnceLock::new();
    BEFORE.get_or_init(|| {
        let folder = folder();
        let server = TestServer::start_with_manual_clock();
        let now = server.service().now();
        let org = server.organisation("first");
        let service = server.service();
        service
            .publish_builtin_interview(By::Operator, org.id)
            .unwrap();
        let admin = org.invite("Admin", Role::OrgAdmin);
        let users = ["Sokha", "Dara"].map(|name| org.invite(name, Role::Worker));
        for (n, user) in users.iter().enumerate() {
            let code = service
                .enrol_code(By::Operator, org.id, *user, None)
                .unwrap();
            let home = folder.path().join(format!("phone-{n}"));
            let mut device = Device::open_with(&home, Arc::new(SetClock::new(now))).unwrap();
            device.enrol(&code.link.parse().unwrap(), None).unwrap();
        }
        let org = org.id;
        let data = server.stop();
        copied(data.path(), &folder.path().join("data"));
        Before {
            folder,
            org,
            users,
            admin,
            now,
        }
    })
}

fn copied(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    let mode = std::fs::metadata(from).unwrap().permissions();
    std::fs::set_permissions(to, mode).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        match entry.file_type().unwrap().is_dir() {
            true => copied(&entry.path(), &place),
            false => drop(std::fs::copy(entry.path(), place).unwrap()),
        }
    }
}

impl World {
    /// The morning of the day. Nothing runs yet, and nothing goes wrong.
    pub(super) fn new() -> Self {
        let before = before();
        let folder = folder();
        copied(before.folder.path(), folder.path());
        let disk = |name: &str| lay(&folder.path().join(name)).unwrap();
        Self {
            disk: disk("data"),
            phone_disks: [disk("phone-0"), disk("phone-1")],
            folder,
            org: before.org,
            users: before.users,
            admin: before.admin,
            clock: Arc::new(Manual::at(before.now + 60_000)),
            server: Arc::default(),
            phones: [None, None],
            heard: Arc::default(),
            told: Told::default(),
            ids: BTreeMap::new(),
        }
    }
    pub(super) fn data(&self) -> DataFolder {
        DataFolder::at(self.place("data"))
    }
    pub(super) fn copies(&self) -> PathBuf {
        self.place("copies")
    }
    /// The disk of a phone, or the server's.
    pub(super) fn disk_of(&self, phone: Option<usize>) -> Arc<Disk> {
        Arc::clone(phone.map_or(&self.disk, |phone| &self.phone_disks[phone]))
    }
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }
    pub(super) fn now(&self) -> u64 {
        self.clock.now()
    }

    pub(super) fn start(&self) -> Result<(), Trouble> {
        // As `serve` does.
        let data = self.data();
        data.sweep(&data.lock().unwrap())?;
        let service = Service::open(&data, ServiceOptions::default(), self.clock.clone())?;
        *self.server.lock().unwrap() = Some(Arc::new(service));
        Ok(())
    }
    /// Ends the server's program, with all its threads.
    pub(super) fn stop(&self) {
        let service = self.server.lock().unwrap().take();
        if let Some(service) = service {
            assert_eq!(Arc::strong_count(&service), 1);
        }
    }
    pub(super) fn running(&self) -> Result<Arc<Service>, Trouble> {
        let running = self.server.lock().unwrap().clone();
        match running {
            Some(service) => Ok(service),
            // A start that failed is tried again, as whoever looks after it does.
            None => {
                self.start()?;
                Ok(self.server.lock().unwrap().clone().unwrap())
            }
        }
    }
    pub(super) fn service(&self) -> Arc<Service> {
        self.running().unwrap()
    }
    /// Somebody with all rights acts on records, freshly signed in.
    pub(super) fn desk<T>(
        &self,
        work: impl FnOnce(&Desk<'_>) -> tributary::service::error::Result<T>,
    ) -> Result<T, Trouble> {
        let user = User {
            org: self.org,
            id: self.admin,
            name: "Admin".to_owned(),
            role: Role::OrgAdmin,
            teams: Vec::new(),
            session: SessionId::from_bytes([1; 16]),
            signed_in_at: self.now(),
        };
        let service = self.running()?;
        Ok(work(&service.desk(&user)?)?)
    }

    pub(super) fn pick_up(&mut self, phone: usize) -> Result<(), Trouble> {
        let home = self.place(&format!("phone-{phone}"));
        let mut device = Device::open_with(&home, Arc::new(SetClock::new(self.now())))?;
        let line = Line {
            server: Arc::clone(&self.server),
            disk: Arc::clone(&self.disk),
            heard: Arc::clone(&self.heard),
        };
        device.set_transport(|_| Box::new(line))?;
        self.phones[phone] = Some(device);
        Ok(())
    }
    pub(super) fn put_down(&mut self, phone: usize) {
        self.phones[phone] = None;
    }
    pub(super) fn device(&mut self, phone: usize) -> Result<&mut Device, Trouble> {
        if self.phones[phone].is_none() {
            self.pick_up(phone)?;
        }
        Ok(self.phones[phone].as_mut().unwrap())
    }

    pub(super) fn id(&self, no: u32) -> RecordId {
        self.ids[&no]
    }
    pub(super) fn is_erased(&self, no: u32) -> bool {
        self.told.erased.contains_key(&no)
    }
    /// Notes what a worker was told, unless the phone was off before it could tell.
    pub(super) fn saved(&mut self, phone: usize, no: u32, record: RecordId, change: &Changeset) {
        if self.phone_disks[phone].is_off() {
            return;
        }
        self.ids.insert(no, record);
        self.told.saved.push(Saved {
            phone,
            no,
            record,
            dot: change.dot,
            hash: change.hash(),
        });
    }
    pub(super) fn written(&mut self, record: RecordId, dot: Dot) {
        if !self.disk.is_off() {
            self.told.written.push((record, dot));
        }
    }
    pub(super) fn erased(&mut self, no: u32, scrubbed: bool) {
        if !self.disk.is_off() {
            self.told.erased.insert(no, scrubbed);
        }
    }
    /// What was acknowledged and is in no copy has to be sent again.
    pub(super) fn goes_back(&mut self) {
        self.heard.lock().unwrap().acknowledged.clear();
    }
    /// Whether a phone has a save that nobody was told of: the power went before the worker saw it. It counts from now on.
    pub(super) fn adopt(&mut self, phone: usize, no: u32) -> Result<bool, Trouble> {
        let asked = words(no);
        let device = self.device(phone)?;
        let mut found = None;
        for record in device.records()? {
            for (own, _) in device.show(record)?.own {
                let said = own.body.iter().flat_map(|b| &b.writes);
                let same = |v: &Value| matches!(v, Value::Text(t) if t.as_str() == asked);
                if said.into_iter().any(|w| same(&w.1)) {
                    found = own.body.clone().map(|body| (record, body));
                }
            }
        }
        let Some((record, body)) = found else {
            return Ok(false);
        };
        if !self.told.saved.iter().any(|s| s.no == no) {
            self.saved(phone, no, record, &body);
        }
        Ok(true)
    }

    /// Goes through the day from a step on, until it ends, the power goes, or something fails. A step is done again when
    /// it is not known whether it was done.
    pub(super) fn go(&mut self, day: &[Step], from: usize) -> Stopped {
        for (n, step) in day.iter().enumerate().skip(from) {
            self.clock.pass(Duration::from_millis(500));
            let ended = self.running().map(drop).and_then(|()| self.step(*step));
            if self.disk.is_off() {
                return Stopped::ServerDark(n);
            }
            if let Some(phone) = (0..PHONES).find(|p| self.phone_disks[*p].is_off()) {
                return Stopped::PhoneDark(n, phone);
            }
            if let Err(trouble) = ended {
                return Stopped::Trouble(n, trouble);
            }
        }
        Stopped::Evening
    }
}

/// How far a day came.
#[derive(Debug)]
pub(super) enum Stopped {
    Evening,
    ServerDark(usize),
    PhoneDark(usize, usize),
    Trouble(usize, Trouble),
}
