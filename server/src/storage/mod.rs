//! Rows and files: knows nothing of people's rights. The only place that names rusqlite.

pub mod directory;
mod error;
pub mod folder;
mod open;

pub use error::StorageError;
