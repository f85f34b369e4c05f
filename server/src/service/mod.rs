//! The rules, as plain synchronous functions over a transaction. No HTTP, no SQL.
//!
//! [`Service`] holds what they need; its methods are spread over one file per noun. Each method that changes something
//! asks on whose word ([`By`]), looks up the right in [`access`], and writes the audit row before it acts.

pub mod access;
pub mod ambient;
pub mod attachments;
pub mod audit;
mod authority;
pub mod backup;
pub mod bundle;
pub mod check;
mod device_proof;
pub mod devices;
mod enrol;
pub mod env;
pub mod error;
pub mod exchange;
pub mod export;
pub mod forms;
mod handover;
pub mod keys;
pub mod local_time;
pub mod metrics;
pub mod names;
mod nonces;
pub mod organisations;
pub mod overview;
mod pacing;
mod page_session;
pub mod paging;
mod passwords;
pub mod principal;
pub mod quarantine;
pub mod records;
mod roster;
pub mod shares;
pub mod sign_in;
pub mod sync;
pub mod teams;
mod tokens;
pub mod upkeep;
pub mod users;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use tributary_sync_core::ids::OrgId;

pub use authority::By;
pub use device_proof::{DeviceToken, NonceReply};
pub(crate) use pacing::{Block, household};

use self::ambient::{SharedAmbient, random};
use self::env::{Entropy, Env};
use self::error::{Code, Result, ServiceError};
use self::forms::Converter;
use self::keys::Keys;
use self::metrics::Metrics;
use self::nonces::Nonces;
use self::pacing::Pacing;
use self::passwords::Passwords;
use self::roster::DirectoryRoster;
use self::shares::Shares;
use self::tokens::Tokens;
use crate::storage::directory::Directory;
use crate::storage::folder::DataFolder;
use crate::storage::{OrgFiles, StorageError};

/// How long it is taken for granted that the server can work.
const READY_FOR: Duration = Duration::from_secs(5);

/// What the rules are told from the configuration.
#[derive(Clone, Debug, Default)]
pub struct ServiceOptions {
    /// Where people and devices reach this server, such as `https://survey.example.org:8443`; no slash at the end.
    pub public_url: String,
    /// For whom tokens are made. Without one, the random id that the data folder got when it was made.
    pub audience: Option<String>,
    /// SHA-256 of the certificate, when devices cannot know it otherwise because it is self-signed.
    pub certificate: Option<String>,
    /// Copies go off this machine on a schedule.
    pub copies: bool,
    /// How often; a day where it is not said.
    pub copies_every: Option<Duration>,
    /// What reads the form files of strangers.
    pub converter: Converter,
}

impl ServiceOptions {
    /// How long one round of copying takes, in milliseconds.
    pub(crate) fn copy_round(&self) -> u64 {
        let every = self
            .copies_every
            .unwrap_or(Duration::from_secs(24 * 60 * 60));
        u64::try_from(every.as_millis()).unwrap_or(u64::MAX)
    }
}

/// The rules and what they need. One for a data folder.
pub struct Service {
    ambient: SharedAmbient,
    options: ServiceOptions,
    directory: Arc<Directory>,
    files: OrgFiles,
    keys: Arc<Keys>,
    tokens: Tokens,
    nonces: Nonces,
    passwords: Passwords,
    pacing: Pacing,
    refresh_key: hmac::Key,
    data: DataFolder,
    metrics: Metrics,
    /// When it was last seen that the server can work.
    ready: Mutex<Option<Duration>>,
    form_fields: sync::FormFields,
    conversions: Arc<Shares<OrgId>>,
    /// Files to which a piece is being added.
    uploads: Arc<Shares<attachments::UploadId>>,
}

impl Service {
    /// Makes a data folder ready for its first organisation, or finds it ready.
    pub fn create(
        data: &DataFolder,
        options: ServiceOptions,
        ambient: SharedAmbient,
    ) -> Result<Self> {
        data.create()?;
        let directory = Directory::create(&data.directory())?;
        let id: [u8; 16] = random(&*ambient)?;
        directory.write(|txn| txn.set_server_value_once("id", &id))?;
        Self::over(data, directory, options, ambient)
    }
    /// Opens a data folder that was made before.
    pub fn open(
        data: &DataFolder,
        options: ServiceOptions,
        ambient: SharedAmbient,
    ) -> Result<Self> {
        let directory = Directory::open(&data.directory())?;
        Self::over(data, directory, options, ambient)
    }
    fn over(
        data: &DataFolder,
        directory: Directory,
        options: ServiceOptions,
        ambient: SharedAmbient,
    ) -> Result<Self> {
        let id = directory.read(|view| view.server_value("id"))?;
        let id = id.ok_or_else(|| {
            ServiceError::from(Code::Internal)
                .because("the data folder has no id: run `init` again")
        })?;
        let audience = options
            .audience
            .clone()
            .unwrap_or_else(|| format!("urn:tributary:{}", hex::encode(id)));
        let keys = Arc::new(Keys::of(data));
        Ok(Self {
            tokens: Tokens::load(&keys, Arc::clone(&ambient), audience)?,
            nonces: Nonces::new(Arc::clone(&ambient))?,
            passwords: Passwords::new(&*ambient)?,
            pacing: Pacing::new(&ambient),
            refresh_key: hmac::Key::new(hmac::HMAC_SHA256, &keys.secret("refresh")?),
            form_fields: sync::FormFields::default(),
            uploads: Shares::new(usize::MAX, 1),
            conversions: Shares::new(forms::AT_ONCE, forms::EACH),
            files: OrgFiles::new(data.path())?,
            directory: Arc::new(directory),
            data: data.clone(),
            metrics: Metrics::default(),
            ready: Mutex::new(None),
            options,
            keys,
            ambient,
        })
    }

    /// The organisations' files.
    pub fn files(&self) -> &OrgFiles {
        &self.files
    }
    /// The directory of organisations, users and devices.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }
    /// The private keys.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }
    /// The server's clock, in milliseconds since 1970.
    pub fn now(&self) -> u64 {
        self.ambient.now()
    }
    /// Time that only ever goes forward, since some moment in the past.
    pub fn uptime(&self) -> Duration {
        self.ambient.uptime()
    }
    /// What the configuration told.
    pub fn options(&self) -> &ServiceOptions {
        &self.options
    }
    /// For whom tokens are made; also what devices name in their assertions.
    pub fn audience(&self) -> &str {
        self.tokens.audience()
    }
    /// What the rules of the exchange need from outside a transaction, as of now.
    pub fn env(&self) -> Env {
        let entropy: Arc<dyn Entropy> = Arc::clone(&self.ambient) as _;
        Env {
            now: self.ambient.now(),
            entropy,
            signer: Arc::clone(&self.keys) as _,
            roster: Arc::new(DirectoryRoster::new(Arc::clone(&self.directory))),
            ledger: self.files.ledger(),
        }
    }
    /// Whether the directory can be read and the disk takes a page: what a load balancer wants to know. Anybody may ask,
    /// so while it can, it is looked at once every few seconds, and always by one at a time.
    pub fn is_ready(&self) -> bool {
        let mut last = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.ambient.uptime();
        if last.is_some_and(|at| now < at + READY_FOR) {
            return true;
        }
        let ready = self.look_whether_ready();
        *last = ready.then_some(now);
        ready
    }
    fn look_whether_ready(&self) -> bool {
        let read: std::result::Result<_, StorageError> =
            self.directory.read(|view| view.server_value("id"));
        read.is_ok_and(|id| id.is_some()) && self.data.takes_a_page()
    }
}
