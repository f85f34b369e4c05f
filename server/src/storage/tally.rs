//! What the writers of this process did: plain counters for the metrics. Not here: anything about who wrote what.

use std::sync::atomic::{AtomicU64, Ordering};

/// The upper bounds of the groups that are counted apart; more is the last.
pub const GROUP_BOUNDS: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];

/// Counters of commits.
#[derive(Debug, Default)]
pub struct Commits {
    groups: [AtomicU64; GROUP_BOUNDS.len()],
    jobs: AtomicU64,
    failed: AtomicU64,
}

/// Those of this process.
pub(super) static COMMITS: Commits = Commits {
    groups: [const { AtomicU64::new(0) }; GROUP_BOUNDS.len()],
    jobs: AtomicU64::new(0),
    failed: AtomicU64::new(0),
};

/// The counters as of now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommitCounts {
    /// Commits by the number of jobs in them, up to each of [`GROUP_BOUNDS`].
    pub groups: [u64; GROUP_BOUNDS.len()],
    /// Jobs in all commits.
    pub jobs: u64,
    /// Commits that failed.
    pub failed: u64,
}

impl Commits {
    /// A commit of so many jobs is durable.
    pub(super) fn durable(&self, jobs: usize) {
        let jobs = jobs as u64;
        self.jobs.fetch_add(jobs, Ordering::Relaxed);
        let bound = GROUP_BOUNDS.iter().position(|bound| jobs <= *bound);
        if let Some(group) = self.groups.get(bound.unwrap_or(GROUP_BOUNDS.len() - 1)) {
            group.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// A commit failed with everything in it.
    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }
}

/// What the writers of this process did.
pub fn commits() -> CommitCounts {
    let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
    CommitCounts {
        groups: std::array::from_fn(|n| COMMITS.groups.get(n).map_or(0, read)),
        jobs: read(&COMMITS.jobs),
        failed: read(&COMMITS.failed),
    }
}
