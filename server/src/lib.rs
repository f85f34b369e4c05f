//! The Tributary server as a library, so that tests, benches and the demo start the real thing.
//!
//! The data's way is main → cli → startup → http → service → storage → sync-core, and never back.

pub mod cli;
pub mod config;
pub mod http;
pub mod service;
pub mod startup;
pub mod storage;
pub mod telemetry;
pub mod tls;
