//! The merge engine of Tributary. No file, socket, thread, clock or random source inside: all are arguments.

pub mod clock;
pub mod error;
pub mod ids;
pub mod value;
