//! What tests of the whole share: a real server in this process, and the people and devices that talk to it.
//!
//! Not here: any test.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot fail in a test may say so, in its helpers too"
)]

pub mod harness;
