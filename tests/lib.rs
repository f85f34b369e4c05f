//! What tests of the whole share: a real server in this process, the people and devices that talk to it, the simulation,
//! and what is fuzzed.
//!
//! Not here: any test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what cannot fail in a test may say so, in its helpers too"
)]

pub mod fuzzing;
pub mod harness;
pub mod reliability;
pub mod simulation;
