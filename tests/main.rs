//! Every test that needs more than one part of Tributary, or looks at the repository itself, as one binary.
//!
//! Not here: tests of one crate, which stand beside its code.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "what cannot fail in a test may say so, in its helpers too"
)]

mod api;
mod attack;
mod cli;
mod crashes;
mod golden;
mod inputs;
mod python;
mod schedules;
mod schemas;
mod stories;
mod tidy;
