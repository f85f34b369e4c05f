//! The tests of the session, once more over this store; and whole phones, spoken to as the browser does.
//!
//! The files of `sync-core/tests/session` are read from where they stand: what holds over maps must hold over rows.

#![allow(
    clippy::result_large_err,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

#[path = "../../../../tests/session/attacks.rs"]
mod attacks;
#[path = "../../../../tests/session/basics.rs"]
mod basics;
mod browser;
#[path = "../../../../tests/session/epochs.rs"]
mod epochs;
#[path = "../../../../tests/session/forks.rs"]
mod forks;
mod kept;
#[path = "../../../../tests/session/looks.rs"]
mod looks;
#[path = "../../../../tests/session/server/mod.rs"]
mod server;
#[path = "../../../../tests/session/world.rs"]
mod world;

use kept::DeviceStore;
