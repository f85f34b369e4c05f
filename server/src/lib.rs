//! The Tributary server as a library, so that tests, benches and the demo start the real thing.

pub mod service;
pub mod storage;
