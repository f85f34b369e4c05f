//! Copies on a schedule while the server runs.
//!
//! When the next one is due is read from the folder of copies itself, so that a restart neither skips nor repeats one.

use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::make::{Made, Plan, Which, backup, mirror_ledger};
use super::manifest::Sets;
use super::{BackupError, KEEP_DEFAULT};
use crate::service::Service;
use crate::service::env::Env;
use crate::storage::{OrgFiles, StorageError};

/// How often the runner looks whether a copy is due.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// When and where to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// The data folder.
    pub data: PathBuf,
    /// The folder of copies.
    pub target: PathBuf,
    /// How much time between two copies.
    pub every: Duration,
    /// How many copies of each organisation are kept.
    pub keep: usize,
}

impl Schedule {
    /// Daily, and two weeks of copies.
    pub fn daily(data: PathBuf, target: PathBuf) -> Self {
        Self {
            data,
            target,
            every: Duration::from_secs(24 * 60 * 60),
            keep: KEEP_DEFAULT,
        }
    }
    /// Whether a copy is due: the newest whole set is too old, or from the future.
    pub fn due(&self, now: u64) -> Result<bool, StorageError> {
        let sets = Sets::read(&self.target)?;
        let whole = sets
            .sets
            .iter()
            .filter(|s| s.manifest.directory_schema.is_some());
        let Some(newest) = whole.map(|s| s.manifest.made_ms).max() else {
            return Ok(true);
        };
        let every = u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX);
        Ok(newest.saturating_add(every) <= now || newest > now.saturating_add(every))
    }
    /// Copies if it is due; what was erased since is written beside the copies every time.
    pub fn tick(&self, files: &OrgFiles, env: &Env) -> Result<Option<Made>, BackupError> {
        if self.due(env.now)? {
            let plan = Plan {
                data: self.data.clone(),
                target: self.target.clone(),
                which: Which::All,
                keep: self.keep,
            };
            return backup(files, env, &plan, &mut |_| {}).map(Some);
        }
        for org in files.ids()? {
            if env.ledger.exists(org) {
                mirror_ledger(&env.ledger, &self.target, org)?;
            }
        }
        Ok(None)
    }
}

/// The last thing a runner has to say.
type LastWord = Arc<Mutex<Option<String>>>;

/// A thread that keeps a schedule. Dropping it waits for a copy under way.
pub struct Runner {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    failure: LastWord,
}

impl Runner {
    /// Starts it. `report` hears of every copy and failure.
    pub fn start(
        schedule: Schedule,
        service: Arc<Service>,
        report: impl Fn(&Result<Made, BackupError>) + Send + 'static,
    ) -> Result<Self, StorageError> {
        let (stop, stopped) = sync_channel::<()>(0);
        let failure: LastWord = Arc::default();
        let said = Arc::clone(&failure);
        let run = move || {
            loop {
                let outcome = schedule.tick(service.files(), &service.env()).transpose();
                if let Some(outcome) = outcome {
                    let word = outcome.as_ref().err().map(ToString::to_string);
                    *said.lock().unwrap_or_else(PoisonError::into_inner) = word;
                    report(&outcome);
                }
                match stopped.recv_timeout(LOOK_EVERY) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("backup".to_owned())
            .spawn(run)
            .map_err(StorageError::io("starting the schedule of copies"))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
            failure,
        })
    }
    /// Why the last copy failed, if it did.
    pub fn failure(&self) -> Option<String> {
        self.failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
