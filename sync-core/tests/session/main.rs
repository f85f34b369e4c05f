//! The device's half of the sync protocol against a small honest server: every attack of the rules that a device must
//! stand, under its own name.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::result_large_err,
    reason = "helpers of tests stand outside the functions that clippy knows as tests"
)]

/// What the phones of these tests keep their rows in. `sync-core/bindings/wasm` runs the same tests over its own.
type DeviceStore = tributary_sync_core::session::MemoryStore;

mod attacks;
mod basics;
mod epochs;
mod forks;
mod looks;
mod server;
mod world;
