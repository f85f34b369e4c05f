//! What tests of the whole share: a real server in this process, the people and devices that talk to it, and the simulation.
//!
//! Not here: any test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "what cannot fail in a test may say so, in its helpers too"
)]

pub mod harness;
pub mod simulation;
