//! Plays seed after seed, on several threads, each of which has worlds of its own.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use super::play::{class, play};
use super::schedule::{Rng, schedule};
use super::seed_file::SeedFile;
use super::shrink::shrink;
use super::tally::Tally;

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub struct Search {
    /// The first seed.
    pub first: u64,
    /// Threads.
    pub jobs: usize,
    /// Faults of different kinds after which to stop.
    pub faults_max: usize,
    /// How many schedules are tried at most to make one that fails small.
    pub tries: usize,
}

/// A fault that was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The seed of the schedule.
    pub seed: u64,
    /// What went wrong, in the words of the first failure.
    pub fault: String,
    /// The schedule, made small.
    pub file: SeedFile,
}

/// What became of a search.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// What was played.
    pub tally: Tally,
    /// Schedules that failed.
    pub violations: u64,
    /// Their seeds.
    pub failed: Vec<u64>,
    /// The first failure of each kind.
    pub found: Vec<Found>,
}

/// Searches while `go_on` says so for the next seed; `heard` is told of everything that was found.
pub fn search(
    search: Search,
    go_on: impl Fn(u64) -> bool + Sync,
    heard: impl Fn(&Outcome, Option<&Found>) + Sync,
) -> Outcome {
    let next = AtomicU64::new(search.first);
    let outcome = Mutex::new(Outcome::default());
    let kinds = Mutex::new(BTreeSet::new());
    let work = || loop {
        let seed = next.fetch_add(1, Ordering::SeqCst);
        let enough = kinds.lock().expect("no thread panicked").len() >= search.faults_max;
        if enough || !go_on(seed) {
            return;
        }
        let steps = schedule(&mut Rng::new(seed));
        let mut tally = Tally::default();
        let played = play(seed, &steps, &mut tally);
        let fault = played.err();
        let new = fault.as_ref().filter(|fault| {
            let mut kinds = kinds.lock().expect("no thread panicked");
            kinds.insert(class(fault))
        });
        let found = new.map(|fault| {
            let (steps, said) = shrink(seed, &steps, fault, search.tries);
            Found {
                seed,
                fault: fault.clone(),
                file: SeedFile {
                    remark: format!("{said}\n"),
                    seed,
                    steps,
                },
            }
        });
        let mut outcome = outcome.lock().expect("no thread panicked");
        outcome.tally.add(&tally);
        outcome.violations += u64::from(fault.is_some());
        outcome.failed.extend(fault.is_some().then_some(seed));
        heard(&outcome, found.as_ref());
        outcome.found.extend(found);
    };
    std::thread::scope(|scope| {
        for _ in 0..search.jobs.max(1) {
            scope.spawn(work);
        }
    });
    outcome.into_inner().expect("no thread panicked")
}
