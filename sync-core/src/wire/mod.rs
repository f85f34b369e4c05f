//! The wire forms of values, changesets and records, and the messages of the sync protocol.
//!
//! JSON is the documented form for anyone; the frame is the compact one for our own clients. `schemas/sync-protocol.md`
//! says the same in prose, and tests tie the two. Not here: compression, HTTP, signatures.

pub mod bundle;
mod changeset;
pub mod enrol;
pub mod frame;
mod item;
pub mod message;
mod record;
mod value;

pub use item::Item;
