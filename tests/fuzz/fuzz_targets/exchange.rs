//! The target `exchange` of `tests/fuzzing` for libFuzzer.

#![no_main]

use tributary_tests::fuzzing::{panics_unwind, target};

libfuzzer_sys::fuzz_target!(init: panics_unwind(), |bytes: &[u8]| (target("exchange").run)(bytes));
