//! The merge engine of Tributary. No file, socket, thread, clock or random source inside: all are arguments.

mod cbor;
pub mod change;
pub mod clock;
pub mod conflict;
pub mod error;
pub mod form;
pub mod ids;
pub mod key;
pub mod policy;
pub mod record;
pub mod session;
#[cfg(feature = "testing")]
pub mod testing;
pub mod validate;
pub mod value;
pub mod view;
pub mod wire;
