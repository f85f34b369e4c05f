//! The device's file: one SQLite database. The only place of this crate that names rusqlite's statements.

mod open;
mod store;
#[cfg(test)]
mod tests;

pub(crate) use open::Database;
pub(crate) use store::Tx;
