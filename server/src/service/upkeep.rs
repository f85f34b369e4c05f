//! What the server does unasked: once an hour, what waited too long in quarantine goes, and files that
//! never came whole or that no answer names; once a day, records that were kept
//! as long as their organisation wants are hidden; every minute, words that could not leave a file (somebody was reading
//! it) are tried again.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Service;
use super::error::Result;
use super::quarantine::{RETENTION_MS, drop_old};
use crate::storage::StorageError;

/// How much time between two rounds.
const EVERY: Duration = Duration::from_secs(60 * 60);
/// How many rounds a day.
const ROUNDS: u32 = 24;
/// How much time between two looks at what is owed to erasures.
const LOOK_EVERY: Duration = Duration::from_secs(60);

impl Service {
    /// One round; returns how many bodies left quarantine because nobody judged them in time. Only files of organisations
    /// that revoked a device long ago are opened for it.
    pub fn upkeep(&self) -> Result<u64> {
        self.files.scrub_open();
        let env = self.env();
        let before = env.now.saturating_sub(RETENTION_MS);
        let out = self.directory.read(|view| view.kept_out_before(before))?;
        let mut dropped = 0;
        for of_org in out.chunk_by(|a, b| a.0 == b.0) {
            let profiles: Vec<_> = of_org.iter().map(|(_, profile)| *profile).collect();
            if let Some((org, _)) = of_org.first() {
                dropped += drop_old(&self.files, &env, *org, &profiles)?;
            }
        }
        for org in self.files.attachments().organisations()? {
            self.sweep_attachments(org)?;
        }
        Ok(dropped)
    }
}

/// What a round was about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Round {
    /// Bodies that waited too long in quarantine.
    Quarantine,
    /// Records that were kept as long as they may be.
    Retention,
}

/// A thread that keeps the rounds. Dropping it waits for one under way.
pub struct Upkeep {
    stop: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Upkeep {
    /// Starts it. `report` hears how every round went, and how many bodies or records it touched.
    pub fn start(
        service: Arc<Service>,
        report: impl Fn(Round, &Result<u64>) + Send + 'static,
    ) -> std::result::Result<Self, StorageError> {
        let (stop, stopped) = sync_channel::<()>(0);
        let run = move || {
            let (mut due, mut rounds) = (service.uptime(), 0);
            loop {
                if service.uptime() >= due {
                    due = service.uptime() + EVERY;
                    report(Round::Quarantine, &service.upkeep());
                    if rounds == 0 {
                        report(Round::Retention, &service.retention());
                    }
                    rounds = (rounds + 1) % ROUNDS;
                }
                for (org, error) in service.files().scrub_owed() {
                    tracing::warn!(organisation = %org, %error, "erased words could not be wiped yet");
                }
                match stopped.recv_timeout(LOOK_EVERY) {
                    Err(RecvTimeoutError::Timeout) => {}
                    Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("upkeep".to_owned())
            .spawn(run)
            .map_err(StorageError::io("starting the upkeep"))?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Upkeep {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
