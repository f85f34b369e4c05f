//! One schedule from its first step to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::checks;
use super::step::Step;
use super::tally::Tally;
use super::world::World;

/// Plays a schedule; then all faults stop, everybody syncs, and everything must be in order. A panic is a fault too.
pub fn play(seed: u64, steps: &[Step], tally: &mut Tally) -> Result<(), String> {
    play_among(4, seed, steps, tally)
}

/// The same among fewer phones: four are three of one organisation and one of another.
pub fn play_among(
    phones: usize,
    seed: u64,
    steps: &[Step],
    tally: &mut Tally,
) -> Result<(), String> {
    played((phones, false), seed, steps, tally)
}

/// The same, with every step and every request printed.
pub fn play_aloud(seed: u64, steps: &[Step], tally: &mut Tally) -> Result<(), String> {
    played((4, true), seed, steps, tally)
}

fn played(how: (usize, bool), seed: u64, steps: &[Step], tally: &mut Tally) -> Result<(), String> {
    let through = AssertUnwindSafe(|| play_through(how, seed, steps, tally));
    let played = catch_unwind(through);
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panicked: {}", text.unwrap_or("without a word")))
    })
}

fn play_through(
    (phones, aloud): (usize, bool),
    seed: u64,
    steps: &[Step],
    tally: &mut Tally,
) -> Result<(), String> {
    let mut world = World::among(phones, seed);
    world.trace |= aloud;
    let began = world.env.now;
    tally.schedules += 1;
    for (n, step) in steps.iter().enumerate() {
        if world.trace {
            println!("{n:3} {step:?}");
        }
        tally.step(step);
        world
            .step(*step)
            .and_then(|()| checks::anytime(&mut world))
            .map_err(|e| format!("after step {n} {step:?}: {e}"))?;
    }
    world.settle().map_err(|e| format!("at the end: {e}"))?;
    let checked = checks::finally(&mut world).map_err(|e| format!("at the end: {e}"));
    tally.device_ms += (world.env.now - began) * world.phones.len() as u64;
    tally.saves += world.truth.len() as u64;
    tally.conflicts += checks::conflicts(&world);
    world.count(tally);
    checked
}

/// What kind of fault this is: its text without numbers, ids and the step at which it showed.
pub fn class(fault: &str) -> String {
    let what = fault
        .split_once("}: ")
        .filter(|_| fault.starts_with("after step"))
        .map_or(fault, |(_, what)| what);
    let what = what.strip_prefix("at the end: ").unwrap_or(what);
    let line = what.lines().next().unwrap_or_default();
    let words = line.split_whitespace();
    words
        .filter(|w| !w.chars().any(|c| c.is_ascii_digit()))
        .take(12)
        .collect::<Vec<_>>()
        .join(" ")
}
