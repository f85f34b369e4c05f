//! What is fuzzed, in the ordinary test run: every kept input, and some thousands of damaged ones from one seed.
//!
//! Not here: the targets (`tests/fuzzing`), libFuzzer (`tests/fuzz`). `TRIBUTARY_CASES=100000` tries that many for every
//! target, `TRIBUTARY_FUZZ_SEED=7` begins elsewhere. An input that fails is written to `target/fuzz-failed/<target>`; keep it
//! under `tests/fuzz/found/<target>` with the repair.

mod kept;
mod layout;
mod replay;
