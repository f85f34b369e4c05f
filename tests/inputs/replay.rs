//! Every target over its kept inputs and over damaged ones.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Instant;

use tributary_sync_core::testing::Dice;
use tributary_tests::fuzzing::{Target, corpus, damaged, found, read_all, target};
use tributary_tests::reliability::Run;

/// Inputs longer than this only cost time.
const BYTES_MAX: usize = 16 * 1024;

fn number(name: &str, default: u64) -> u64 {
    let wanted = std::env::var(name).ok();
    wanted.and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// Runs one input; where it finds something, the input is kept and named.
fn run(target: &Target, name: &str, input: &[u8]) {
    let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
    if outcome.is_err() {
        let kept = keep(target, input);
        panic!(
            "{} fails on {name}: {}\nit should hold: {}",
            target.name,
            kept.display(),
            target.proves
        );
    }
}

fn keep(target: &Target, input: &[u8]) -> PathBuf {
    use sha2::{Digest, Sha256};
    let root = crate::tidy::root()
        .join("target/fuzz-failed")
        .join(target.name);
    std::fs::create_dir_all(&root).unwrap();
    let path = root.join(&hex::encode(Sha256::digest(input))[..16]);
    std::fs::write(&path, input).unwrap();
    path
}

/// All kept inputs, then `usual` damaged ones.
fn replay(name: &str, usual: u64) {
    let target = target(name);
    let began = Instant::now();
    let kept = [read_all(&corpus(target)), read_all(&found(target))].concat();
    assert!(!kept.is_empty(), "{name} has no seed: TRIBUTARY_BLESS=1");
    for (file, input) in &kept {
        run(target, file, input);
    }
    let cases = number("TRIBUTARY_CASES", usual);
    let seed = number("TRIBUTARY_FUZZ_SEED", 1);
    for n in 0..cases {
        let mut dice = Dice::new(seed.wrapping_mul(0x9E37_79B9).wrapping_add(n));
        let other = &kept[dice.below(kept.len())].1;
        let fresh = target
            .made
            .filter(|_| dice.chance(25))
            .map(|made| made(dice.bits()));
        let input = fresh.as_ref().unwrap_or(&kept[dice.below(kept.len())].1);
        let input = damaged(input, other, target.words, &mut dice, BYTES_MAX);
        run(target, &format!("damaged input {n} of seed {seed}"), &input);
    }
    let all = kept.len() as u64 + cases;
    Run::new(name, 0)
        .count("inputs", all)
        .keep_if_asked("damaged");
    println!(
        "{name}: {} kept, {cases} damaged, {:.1} s",
        kept.len(),
        began.elapsed().as_secs_f64()
    );
}

macro_rules! replayed {
    ($($name:ident: $cases:literal,)*) => {
        /// The targets that are replayed here.
        pub(super) const REPLAYED: &[&str] = &[$(stringify!($name),)*];
        $(#[test]
        fn $name() {
            replay(stringify!($name), $cases);
        })*
    };
}

replayed! {
    frame_request: 4_000,
    frame_reply: 4_000,
    json_request: 4_000,
    json_reply: 4_000,
    json_messages: 4_000,
    changeset: 4_000,
    record: 4_000,
    values: 10_000,
    bundle: 4_000,
    session: 2_000,
    exchange: 500,
    xform: 3_000,
    form_file: 1_500,
    workbook_parts: 1_500,
    sheets: 1_500,
    lists: 1_000,
    tokens: 2_000,
    bodies: 2_000,
}
