//! Exports: the merged records of a form as files that people and programs read.
//!
//! An export is prepared (which records, which columns, as of which log position) and then written, record by record, in
//! constant memory and in the order in which the records came. Equal inputs give equal bytes. Not here: who may ask
//! ([`super::access`]), and how the bytes travel.

mod archive;
mod cells;
mod columns;
mod conflict_rows;
mod csv;
mod download;
mod error;
mod head;
mod json_lines;
mod main_sheet;
mod options;
mod pass;
mod people;
mod repeat_sheet;
mod scan;
mod sink;
#[cfg(test)]
mod tests;
mod trailer;
mod whole;
mod zone;

pub use download::Download;
pub use error::{ExportError, Result};
pub use head::{Export, TIME_ZONE_SETTING, prepare};
pub use options::{Format, LineEnd, MissingWords, Moment, Options, STATES, TimeRange};
pub use trailer::{AuditHead, Counts, FileSum, Left, Trailer, VersionName};
