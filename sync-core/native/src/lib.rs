//! A Tributary device outside the browser, as a library: what `tributary-field`, the demo, the tests and the load tools
//! are made of.
//!
//! [`Device`] is the whole of it: enrol, record, edit, settle, sync, empty, bundle. The rules of record and protocol are
//! not here but in `tributary_sync_core::session`; this crate brings files, time, randomness, keys and the network.

pub mod account;
pub mod answers;
pub mod bundle;
pub mod clock;
pub mod device;
pub mod error;
pub mod faults;
pub mod home;
pub mod https;
pub mod key;
pub mod link;
pub mod program;
mod proof;
pub mod records;
mod refusal;
pub mod sqlite;
pub mod sync;
pub mod tls;
pub mod transport;
pub mod trust;

pub use clock::{SystemClock, WallClock};
pub use device::Device;
pub use error::{Error, Trouble};
pub use link::EnrolLink;
pub use sync::{Quiet, SyncReport, Watcher};
