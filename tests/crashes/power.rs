//! The power goes, at every write and every sync of the day.

use tributary_disk::{Counts, Fault};
use tributary_tests::reliability::Run;

use super::day::DAY;
use super::world::{Stopped, World};

/// Places of each kind that are tried when nothing else is asked for.
const PLACES: u64 = 8;

/// A fault at a place.
pub(super) type At = fn(u64) -> Fault;

/// Which of `n` places are tried: all, or so many, spread evenly and not always the same ones of each kind.
pub(super) fn places(n: u64, shift: u64) -> Vec<u64> {
    let asked = std::env::var("TRIBUTARY_CRASHES").ok();
    let many = match asked.as_deref() {
        Some("all") => n,
        Some(text) => text.parse().unwrap_or(PLACES),
        None => PLACES,
    };
    let many = many.min(n);
    (0..many)
        .map(|k| 1 + (k * n + shift * n / 7) / many.max(1) % n)
        .collect()
}

/// What a machine does on a day without any fault.
pub(super) fn counted(of: impl Fn(&World) -> Counts) -> Counts {
    let mut world = World::new();
    let stopped = world.go(DAY, 0);
    assert!(matches!(stopped, Stopped::Evening), "{stopped:?}");
    let counts = of(&world);
    world.evening().unwrap();
    counts
}

/// One day with one fault; what did not hold.
fn day(fault: Fault, seed: u64, on: Option<usize>) -> Result<bool, String> {
    let mut world = World::new();
    let disk = world.disk_of(on);
    disk.plan(Some(fault), seed);
    let mut from = 0;
    loop {
        match world.go(DAY, from) {
            Stopped::Evening => break,
            Stopped::ServerDark(n) => {
                world
                    .light_server()
                    .map_err(|e| format!("after {:?}: {e}", DAY[n]))?;
                from = n;
            }
            Stopped::PhoneDark(n, phone) => {
                world
                    .light_phone(phone)
                    .map_err(|e| format!("after {:?}: {e}", DAY[n]))?;
                from = n;
            }
            Stopped::Trouble(n, trouble) => {
                return Err(format!(
                    "{:?} fails in a world that is mended: {trouble:?}",
                    DAY[n]
                ));
            }
        }
    }
    disk.mend();
    world.evening()?;
    Ok(disk.has_struck())
}

fn every(
    kind: &str,
    n: u64,
    shift: u64,
    fault: impl Fn(u64) -> Fault,
    on: Option<usize>,
) -> (u64, Vec<String>) {
    let (mut tried, mut broken) = (0, Vec::new());
    for place in places(n, shift) {
        let fault = fault(place);
        match day(fault, place * 31 + shift, on) {
            Ok(struck) => tried += u64::from(struck),
            Err(why) => {
                tried += 1;
                broken.push(format!("{fault:?} of {n}: {why}"));
            }
        }
    }
    told(kind, tried, n, &broken);
    (tried, broken)
}

/// Says what was tried of a kind.
pub(super) fn told(kind: &str, tried: u64, there_are: u64, broken: &[String]) {
    let n = broken.len();
    println!("{kind}: {tried} places of {there_are} tried, {n} broken");
    Run::new(kind, n as u64)
        .count("places tried", tried)
        .count("places there are", there_are)
        .keep_if_asked("places");
}

fn everywhere(whose: &str, on: Option<usize>) {
    let counts = counted(|world| world.disk_of(on).counts());
    let mut broken = Vec::new();
    let mut tried = 0;
    let kinds: [(&str, u64, At); 3] = [
        ("power cut at a write", counts.writes, Fault::CutAtWrite),
        ("power cut at a sync", counts.syncs, Fault::CutAtSync),
        ("power cut after a sync", counts.syncs, Fault::CutAfterSync),
    ];
    for (shift, (kind, n, fault)) in (1..).zip(kinds) {
        let (some, more) = every(&format!("{whose}, {kind}"), n, shift, fault, on);
        tried += some;
        broken.extend(more);
    }
    assert!(
        broken.is_empty(),
        "{} of {tried}:\n{}",
        broken.len(),
        broken.join("\n")
    );
    assert!(tried >= 3, "hardly a fault came: {tried}");
}

#[test]
fn the_server_may_lose_power_anywhere_and_nothing_that_was_told_is_lost() {
    everywhere("server", None);
}

#[test]
fn a_phone_may_lose_power_anywhere_and_nothing_that_was_saved_is_lost() {
    everywhere("phone", Some(0));
}
