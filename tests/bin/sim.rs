//! `sim`: the simulation for as long as you like. A seed that fails is made small and kept under `tests/seeds/`.
//!
//! Not here: what is simulated and checked, which is `tributary_tests::simulation`.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    reason = "a tool of the tests prints, and may say what cannot fail"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use tributary_tests::reliability::Run;
use tributary_tests::simulation::seed_file::{self, SeedFile};
use tributary_tests::simulation::small::{SUBJECTS, all_known};
use tributary_tests::simulation::{
    Found, Outcome, Rng, Search, Tally, play_aloud, play_among, schedule, search,
};

/// Plays random schedules of phones, networks, disks and people against the real rules and the real files.
#[derive(Parser)]
struct Args {
    /// How long, in hours.
    #[arg(long, default_value_t = 0.05)]
    hours: f64,
    /// At most this many schedules.
    #[arg(long)]
    schedules: Option<u64>,
    /// The first seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Stops after this many faults of different kinds.
    #[arg(long, default_value_t = 10)]
    faults: usize,
    /// How many schedules are tried at most to make one that fails small.
    #[arg(long, default_value_t = 3_000)]
    tries: usize,
    /// Prints the schedule of the first seed as a file and plays nothing.
    #[arg(long)]
    print: bool,
    /// Plays a kept schedule once, step by step in words.
    #[arg(long, value_name = "FILE")]
    replay: Option<PathBuf>,
    /// Plays every schedule of this many steps in the small worlds, and the known ones.
    #[arg(long, value_name = "STEPS")]
    exhaust: Option<usize>,
    /// Appends what was seen to the records (`tests/records`).
    #[arg(long)]
    record: bool,
    /// Reads what an earlier run printed, for `--record` to keep.
    #[arg(long, value_name = "FILE")]
    read: Option<PathBuf>,
    /// Where failing schedules are kept.
    #[arg(long, default_value_os_t = seed_file::folder())]
    keep: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.print {
        let steps = schedule(&mut Rng::new(args.seed));
        let file = SeedFile {
            remark: String::new(),
            seed: args.seed,
            steps,
        };
        print!("{}", file.to_text());
        return ExitCode::SUCCESS;
    }
    if let Some(path) = &args.replay {
        return replay(path);
    }
    if let Some(path) = &args.read {
        return read(path, args.record);
    }
    match args.exhaust {
        Some(depth) => exhaust(depth, args.jobs, args.record),
        None => hunt(&args),
    }
}

fn exhaust(depth: usize, jobs: usize, record: bool) -> ExitCode {
    std::panic::set_hook(Box::new(|_| {}));
    let mut all_failed = 0;
    for known in all_known() {
        if let Err(fault) = play_among(known.phones, 1, &known.steps, &mut Tally::default()) {
            all_failed += 1;
            println!("known: {}: {fault}", known.rule);
        }
    }
    for subject in SUBJECTS {
        let failed = AtomicU64::new(0);
        let (began, next) = (Instant::now(), AtomicUsize::new(0));
        let all = subject.schedules(depth);
        let work = || {
            while let Some(steps) = all.get(next.fetch_add(1, Ordering::SeqCst)) {
                if let Err(fault) = play_among(2, 1, steps, &mut Tally::default()) {
                    failed.fetch_add(1, Ordering::SeqCst);
                    println!("{}: {fault}\n  {steps:?}", subject.name());
                }
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..jobs.max(1) {
                scope.spawn(work);
            }
        });
        let seconds = began.elapsed().as_secs();
        println!(
            "{:<12} {depth} steps  {:>8} schedules  {seconds} s",
            subject.name(),
            all.len()
        );
        if record {
            Run::new(subject.name(), failed.load(Ordering::SeqCst))
                .count("steps", depth as u64)
                .count("schedules", all.len() as u64)
                .took(seconds)
                .keep("worlds")
                .expect("records can be written");
        }
        all_failed += failed.into_inner();
    }
    println!("violations {all_failed}");
    if all_failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn replay(path: &Path) -> ExitCode {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string());
    let played = text.and_then(|t| SeedFile::from_text(&t)).and_then(|file| {
        let mut tally = Tally::default();
        let played = play_aloud(file.seed, &file.steps, &mut tally);
        print!("{tally}");
        played
    });
    match played {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            println!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn hunt(args: &Args) -> ExitCode {
    // A panic in a schedule is a fault with a name; its text is printed with it.
    std::panic::set_hook(Box::new(|_| {}));
    let began = Instant::now();
    let end = began + Duration::from_secs_f64(args.hours.max(0.0) * 3_600.0);
    let told = Mutex::new(began);
    let last = args
        .schedules
        .map_or(u64::MAX, |n| args.seed.saturating_add(n));
    let how = Search {
        first: args.seed,
        jobs: args.jobs,
        faults_max: args.faults,
        tries: args.tries,
    };
    let outcome = search(
        how,
        |seed| seed < last && Instant::now() < end,
        |outcome, found| {
            if let Some(found) = found {
                keep(&args.keep, found);
            }
            progress(outcome, began, &told);
        },
    );
    println!(
        "\nseeds from {}, {} jobs, {:.2} hours",
        args.seed,
        args.jobs,
        began.elapsed().as_secs_f64() / 3_600.0
    );
    print!("{}", outcome.tally);
    println!("violations     {:>12}", outcome.violations);
    for seed in &outcome.failed {
        println!("  failed: seed {seed}");
    }
    if args.record {
        outcome
            .tally
            .record(args.seed, outcome.violations)
            .took(began.elapsed().as_secs())
            .keep("schedules")
            .expect("records can be written");
    }
    if outcome.violations == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What `hunt` printed at its end.
fn read(path: &Path, record: bool) -> ExitCode {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let Some(run) = Tally::from_print(&text) else {
        println!("{} is not the print of a run that ended", path.display());
        return ExitCode::FAILURE;
    };
    println!("{run:?}");
    if record {
        run.keep("schedules").expect("records can be written");
    }
    ExitCode::SUCCESS
}

fn keep(folder: &Path, found: &Found) {
    let path = folder.join(format!("found-{}.seed", found.seed));
    println!("seed {}: {}", found.seed, found.fault);
    println!(
        "  {} steps left: {}",
        found.file.steps.len(),
        found.file.remark.trim_end()
    );
    match std::fs::write(&path, found.file.to_text()) {
        Ok(()) => println!("  kept as {}", path.display()),
        Err(e) => println!(
            "  could not be kept as {}: {e}\n{}",
            path.display(),
            found.file.to_text()
        ),
    }
}

fn progress(outcome: &Outcome, began: Instant, told: &Mutex<Instant>) {
    let mut told = told.lock().expect("no thread panicked");
    if told.elapsed() < Duration::from_secs(10) {
        return;
    }
    *told = Instant::now();
    let tally = &outcome.tally;
    println!(
        "{:>6.0} s  {} schedules  {} steps  {:.1} device-years  {} saves  {} violations",
        began.elapsed().as_secs_f64(),
        tally.schedules,
        tally.steps,
        tally.device_years(),
        tally.saves,
        outcome.violations
    );
}
