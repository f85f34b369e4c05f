//! Records of long runs (`tests/records/`), and the tables of `server/docs/reliability.md` that are made from them.
//!
//! A tool that ran appends what it saw as one line; a test of `tests/tidy` says when the document says something else.
//! Not here: what is tried.

mod run;
mod tables;

pub use run::{Run, folder, read_all};
pub use tables::{document, filled};
