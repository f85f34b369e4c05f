//! What the ordinary test run plays of the simulation: random schedules from the first seeds, schedules that once found
//! something (`tests/seeds/`), disasters in a fixed order.
//!
//! Not here: the simulation itself (`tests/simulation/`). A failure is a seed: `TRIBUTARY_SIM_SEED=<n>
//! TRIBUTARY_SIM_RUNS=1 TRIBUTARY_SIM_TRACE=1`; the program `sim` runs longer and makes what it finds small.

mod backlog;
mod restores;
mod small;

use tributary_tests::simulation::{Rng, Search, Tally, play, schedule, search, seed_file};

/// Runs in the ordinary test run; many more on request.
const RUNS: u64 = 150;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(default)
}

#[test]
fn random_schedules_lose_nothing_and_leave_nobody_stuck() {
    let (first, runs) = (
        number("TRIBUTARY_SIM_SEED", 1),
        number("TRIBUTARY_SIM_RUNS", RUNS),
    );
    let how = Search {
        first,
        jobs: 1,
        faults_max: 1,
        tries: 300,
    };
    let outcome = search(how, |seed| seed < first + runs, |_, _| {});
    println!("{}", outcome.tally);
    for found in &outcome.found {
        println!(
            "seed {}: {}\n{}",
            found.seed,
            found.fault,
            found.file.to_text()
        );
    }
    assert_eq!(
        outcome.violations, 0,
        "keep what is printed above as tests/seeds/<what it shows>.seed"
    );
}

/// Schedules that once found something, by their seeds.
#[test]
fn schedules_that_once_failed_stay_in_order() {
    for (name, file) in seed_file::all() {
        let played = play(file.seed, &file.steps, &mut Tally::default());
        assert_eq!(played, Ok(()), "{name}");
    }
}

#[test]
fn a_seed_file_says_what_it_holds() {
    let steps = schedule(&mut Rng::new(7));
    let file = seed_file::SeedFile {
        remark: "what was found\n".to_owned(),
        seed: 7,
        steps,
    };
    assert_eq!(seed_file::SeedFile::from_text(&file.to_text()), Ok(file));
}
