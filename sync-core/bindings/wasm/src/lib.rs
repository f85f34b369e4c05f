//! The browser's face of the session: a store of rows in memory with a journal, and every step as JSON in and out.
//!
//! A step changes rows; the caller writes what changed and then says [`Core::commit`], or [`Core::rollback`] when that
//! failed. A step that needs a row which is not in memory, or a signature that nobody has checked yet, changes nothing and
//! says so; it is run again when the caller has brought it. Not here: IndexedDB, sealing, HTTP, WebCrypto, any rule of the
//! record or the protocol.

mod brief;
mod core;
mod error;
#[cfg(target_arch = "wasm32")]
pub mod face;
mod rows;
mod step;
mod store;
mod sync;
#[cfg(test)]
mod tests;
mod trust;
mod vectors;
mod view;

pub use crate::core::{Change, Core, Outcome};
pub use crate::error::Refused;
pub use crate::rows::{Rows, Table};
pub use crate::step::Step;
pub use crate::trust::Ask;
pub use crate::vectors::vector;
