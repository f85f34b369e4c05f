//! A phone: a folder with its own SQLite store, a clock that may be wrong, and a bad link to the server.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use tributary_native::answers::Answers;
use tributary_native::clock::SetClock;
use tributary_native::{Device, EnrolLink, Error, Quiet, Trouble};
use tributary_sync_core::form::PublishedForm;
use tributary_sync_core::ids::RecordId;

use super::calendar::{Calendar, Clockwork};

/// How often a phone tries again by hand while the link is bad.
const ATTEMPTS: u32 = 5;

/// A phone.
pub(super) struct Phone {
    /// Who carries it: one of the workers; none for the coordinator's laptop.
    pub(super) worker: Option<usize>,
    pub(super) owner: &'static str,
    pub(super) label: String,
    pub(super) clockwork: Clockwork,
    pub(super) syncs: Vec<u64>,
    /// Whether somebody records with it.
    pub(super) in_use: bool,
    /// How often it found itself copied and took a new number.
    pub(super) forks: u64,
    folder: PathBuf,
    clock: Arc<SetClock>,
    device: Option<Device>,
}

/// What phones did, all together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// Interviews recorded without a network.
    pub(super) interviews: u64,
    /// Edits of cases that several phones hold.
    pub(super) edits: u64,
    /// Runs of sync that came to their end.
    pub(super) syncs: u64,
    /// Runs that gave up and were begun again.
    pub(super) given_up: u64,
    /// Requests that were answered.
    pub(super) requests: u64,
    /// Times that a phone noticed its link breaking.
    pub(super) interruptions: u64,
    /// Phones that found themselves copied and took a new number.
    pub(super) forks: u64,
}

impl Phone {
    /// A new phone, enrolled by a link.
    pub(super) fn enrol(
        folder: PathBuf,
        (owner, worker): (&'static str, Option<usize>),
        label: &str,
        clockwork: Clockwork,
        link: &EnrolLink,
    ) -> Result<Self> {
        let clock = Arc::new(SetClock::default());
        let mut device = Device::open_with(&folder, clock.clone())?;
        device.enrol(link, Some(label))?;
        Ok(Self {
            worker,
            owner,
            label: label.to_owned(),
            clockwork,
            syncs: Vec::new(),
            in_use: true,
            forks: 0,
            folder,
            clock,
            device: Some(device),
        })
    }

    /// As it is called: its owner and its kind.
    pub(super) fn name(&self) -> String {
        format!("{}'s {}", self.owner, self.label)
    }
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
    pub(super) fn device(&mut self) -> Result<&mut Device> {
        if self.device.is_none() {
            self.device = Some(Device::open_with(&self.folder, self.clock.clone())?);
        }
        self.device.as_mut().context("an open device")
    }
    /// Its clock moves on.
    pub(super) fn reach(&self, calendar: &Calendar, moment: u64) {
        self.clock
            .set(self.clockwork.shows(moment, calendar.moment(0, 0)));
    }

    /// Records an interview.
    pub(super) fn record(&mut self, form: &PublishedForm, answers: &Answers) -> Result<RecordId> {
        let (record, _) = self.device()?.create(form, answers)?;
        Ok(record)
    }

    /// Syncs; while the link is bad, again and again by hand. A new number counts also where the link broke after it.
    pub(super) fn sync(&mut self, tally: &mut Tally) -> Result<Ended> {
        let before = self.device()?.profile()?.actors.len();
        let ended = self.try_to_sync(tally)?;
        let more = self.device()?.profile()?.actors.len() - before;
        self.forks += more as u64;
        tally.forks += more as u64;
        Ok(ended)
    }
    fn try_to_sync(&mut self, tally: &mut Tally) -> Result<Ended> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            match self.device()?.sync(&mut Quiet) {
                Ok(report) => {
                    tally.syncs += 1;
                    tally.requests += report.requests as u64;
                    tally.interruptions += report.interruptions as u64;
                    return Ok(if report.revoked {
                        Ended::Revoked
                    } else {
                        Ended::Whole
                    });
                }
                Err(e) if *e.trouble() == Trouble::Offline => {
                    tally.given_up += 1;
                    last = Some(e);
                }
                Err(e) if is_revoked(&e) => return Ok(Ended::Revoked),
                Err(e) => return Err(e).with_context(|| self.name()),
            }
        }
        last.map_or(Ok(Ended::Whole), |_| Ok(Ended::NoNetwork))
    }

    /// A copy of the whole folder, as a backup of a phone or somebody else would make it.
    pub(super) fn copy(&mut self, folder: PathBuf) -> Result<Self> {
        self.device = None;
        std::fs::create_dir_all(&folder)?;
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            std::fs::copy(entry.path(), folder.join(entry.file_name()))?;
        }
        Ok(Self {
            worker: self.worker,
            owner: self.owner,
            label: format!("copy of the {}", self.label),
            clockwork: self.clockwork,
            syncs: Vec::new(),
            in_use: true,
            forks: 0,
            folder,
            clock: Arc::new(SetClock::default()),
            device: None,
        })
    }
}

/// How a sync ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// All was sent and fetched.
    Whole,
    /// The link stayed too bad; all is still on the phone.
    NoNetwork,
    /// The phone is revoked.
    Revoked,
}

fn is_revoked(e: &Error) -> bool {
    matches!(e.trouble(), Trouble::Refused(code) if code == "device_revoked" || code == "device_unknown")
}
