//! The laws of the kernel, as property tests and as named attacks; `sync-core/README.md` lists them.
//!
//! One binary for the package. `TRIBUTARY_CASES=200000 cargo test -p tributary-sync-core --release` tries every law that
//! often. Not here: the protocol between device and server.

#![allow(
    clippy::unwrap_used,
    reason = "what cannot fail in a test may say so, in its helpers too"
)]

mod attacks;
mod decode;
mod frame;
mod frame_sizes;
mod merge;
mod policy;
mod vectors;
mod wire;
