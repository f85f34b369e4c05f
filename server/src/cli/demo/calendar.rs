//! Weeks that pass in seconds: the server's clock runs behind the machine's and catches up day by day.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::service::ambient::{Ambient, System};
use crate::service::env::Entropy;
use crate::storage::StorageError;

pub(super) const HOUR: u64 = 60 * 60 * 1_000;
pub(super) const DAY: u64 = 24 * HOUR;
/// How long the story lasts.
pub(super) const DAYS: u64 = 42;
/// What lies between the years of the Buddhist and the common era.
const BUDDHIST_YEARS: u64 = 543;
/// 1 January 2100.
const YEAR_2100: u64 = 4_102_444_800_000;
/// A year of 365.2425 days.
const YEAR: u64 = 31_556_952_000;

fn machine() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

/// The server's clock in the demonstration.
#[derive(Debug)]
pub(super) struct Calendar {
    first: u64,
    behind: AtomicU64,
    began_behind: u64,
    started: Instant,
    system: System,
}

impl Calendar {
    /// Begins so many days ago that the story ends now.
    pub(super) fn new() -> Self {
        let began_behind = DAYS * DAY;
        Self {
            first: machine().saturating_sub(began_behind),
            behind: AtomicU64::new(began_behind),
            began_behind,
            started: Instant::now(),
            system: System::new(),
        }
    }
    /// A moment of the story, counted from its beginning.
    pub(super) fn moment(&self, day: u64, ms: u64) -> u64 {
        self.first + day * DAY + ms
    }
    /// Goes forward to a moment; never back.
    pub(super) fn reach(&self, moment: u64) {
        let behind = machine().saturating_sub(moment);
        self.behind.fetch_min(behind, Ordering::SeqCst);
    }
    /// From now on it is the machine's clock.
    pub(super) fn catch_up(&self) {
        self.behind.store(0, Ordering::SeqCst);
    }
}

impl Entropy for Calendar {
    fn fill(&self, out: &mut [u8]) -> Result<(), StorageError> {
        self.system.fill(out)
    }
}
impl Ambient for Calendar {
    fn now(&self) -> u64 {
        machine().saturating_sub(self.behind.load(Ordering::SeqCst))
    }
    fn uptime(&self) -> Duration {
        let passed = self.began_behind - self.behind.load(Ordering::SeqCst);
        self.started.elapsed() + Duration::from_millis(passed)
    }
}

/// What a phone makes of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Clockwork {
    /// Some seconds off, as every phone.
    Near(u64),
    /// Its battery was empty: it began again in 1970.
    Since1970,
    /// Somebody set it to the year 2100.
    In2100,
    /// It counts the years of the Buddhist era as if they were those of the common one.
    Buddhist,
}

impl Clockwork {
    /// What it shows at `moment` of a story that began at `first`.
    pub(super) fn shows(self, moment: u64, first: u64) -> u64 {
        let passed = moment.saturating_sub(first);
        match self {
            Self::Near(ahead) => moment + ahead,
            Self::Since1970 => passed,
            Self::In2100 => YEAR_2100 + passed,
            Self::Buddhist => moment + BUDDHIST_YEARS * YEAR,
        }
    }
}
