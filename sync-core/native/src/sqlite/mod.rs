//! The device's file: one SQLite database. The only place of this crate that names rusqlite's statements.

mod open;
mod store;
#[cfg(test)]
mod tests;

pub use open::Database;
pub use store::Tx;
