//! The Tributary server as a library, so that tests, benches and the demo start the real thing.
//!
//! The data's way is main → cli → startup → http → service → storage → sync-core, and never back.

pub mod service;
pub mod storage;
