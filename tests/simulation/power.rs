//! A disk that can lose below the server: power cuts, a full disk, a read or a sync that fails, in the middle of a request.
//!
//! Laid when a schedule first asks for it. A fault comes during the next request of a phone's sync, or not at all if that
//! request does not get so far. Not here: the disk itself (`tests/disk`), and what else the server does with its files,
//! whose faults `tests/crashes` tries.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tributary::service::exchange::Refusal;
use tributary_disk::{Disk, Fault, lay, lift};
use tributary_sync_core::session::{Problem, Reply};

use super::world::{ORGS, World};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskFault {
    /// The power goes at a write.
    CutAtWrite,
    /// The power goes at a sync.
    CutAtSync,
    /// The power goes after a sync, before anybody hears of it.
    CutAfterSync,
    /// The disk is full from a write on, for this request.
    Full,
    /// A read fails.
    Read,
    /// A sync fails, and what it should have written is lost.
    Sync,
}

impl DiskFault {
    fn at(self, n: u32) -> Fault {
        let n = u64::from(n) + 1;
        match self {
            Self::CutAtWrite => Fault::CutAtWrite(n),
            Self::CutAtSync => Fault::CutAtSync(n),
            Self::CutAfterSync => Fault::CutAfterSync(n),
            Self::Full => Fault::FullFrom(n),
            Self::Read => Fault::Read(n),
            Self::Sync => Fault::Sync(n),
        }
    }
    /// The words in which a request may be refused for it.
    fn is_said_by(self, refusal: &Refusal) -> bool {
        match self {
            Self::Full => ["disk_full", "overloaded"].contains(&refusal.code()),
            _ => ["storage_failed", "overloaded"].contains(&refusal.code()),
        }
    }
}

/// The server's disk, where it can lose.
#[derive(Default)]
pub(crate) struct Power {
    disk: Option<Arc<Disk>>,
    next: Option<(DiskFault, u32)>,
    /// How often a fault came.
    pub(crate) struck: u64,
}

impl Drop for Power {
    fn drop(&mut self) {
        if let Some(disk) = &self.disk {
            lift(disk);
        }
    }
}

impl Power {
    /// What was to come does not.
    pub(crate) fn calm(&mut self) {
        self.next = None;
    }
}

/// What came of a request over such a disk.
pub(crate) enum Over {
    /// Somebody hears the answer.
    Told(Result<Reply, Refusal>),
    /// The power went: nobody hears anything.
    Dark,
}

impl World {
    /// The next request of a sync meets this.
    pub(crate) fn disk_trouble(&mut self, what: DiskFault, at: u32) {
        if self.power.disk.is_none() {
            // What is open was opened without it.
            ORGS.iter().for_each(|org| self.files.close(*org));
            let disk = lay(self.folder.path()).unwrap();
            disk.plan(None, self.dice);
            self.power.disk = Some(disk);
        }
        self.power.next = Some((what, at));
    }

    /// A request, with what was to go wrong.
    pub(crate) fn over_the_disk(
        &mut self,
        request: impl FnOnce(&Self) -> Result<Reply, Refusal>,
    ) -> Over {
        let armed = self.power.next.take().zip(self.power.disk.clone());
        let Some(((what, at), disk)) = armed else {
            return Over::Told(request(self));
        };
        let seed = self.roll(u64::MAX);
        disk.plan(Some(what.at(at)), seed);
        let done = request(self);
        disk.mend();
        let struck = disk.has_struck();
        self.power.struck += u64::from(struck);
        if self.trace {
            println!(
                "      the disk: {what:?}, {}",
                if struck { "struck" } else { "did not come" }
            );
        }
        if struck {
            // Whatever is there now is looked at again.
            self.checked.clear();
        }
        if disk.is_off() {
            ORGS.iter().for_each(|org| self.files.close(*org));
            disk.power_on();
            return Over::Dark;
        }
        if let Err(refusal @ Refusal::Storage(_)) = &done {
            let right = struck && what.is_said_by(refusal);
            assert!(right, "{what:?} is told in wrong words: {refusal:?}");
        }
        Over::Told(done)
    }

    /// Somebody is about to handle the server's files without SQLite: all of it is on the disk.
    pub(crate) fn flush(&self) {
        if let Some(disk) = &self.power.disk {
            disk.flush();
        }
    }
}

/// Whether a problem is none: nobody answered.
pub(crate) fn is_silence(problem: &Problem) -> bool {
    problem.code.is_empty()
}

/// No answer.
pub(crate) fn silence() -> Box<Problem> {
    Box::default()
}
