//! The rules, as plain synchronous functions over a transaction. No HTTP, no SQL.

pub mod access;
pub mod env;
pub mod exchange;
pub mod export;
