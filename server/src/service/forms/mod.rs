//! Forms: import, publication, and what devices are given of them.

mod cells;
pub mod conversion;
mod converter;
mod import;
mod limits;
mod manage;
mod ods;
mod ole;
mod publish;
mod relative;
mod sheets;
mod xls;
mod xlsform;
mod xlsx;

pub(super) use converter::{AT_ONCE, EACH};
pub use converter::{Converter, Limits};
pub use import::{ImportedForm, WORKBOOK_BYTES_MAX, import};
pub use manage::{FormView, Upload, VersionView, delivery, handout};
pub use publish::{NewVersion, PublishError, Published, preview, publish};
pub use sheets::{INTERVIEW, SheetTexts, builtin_interview, import_sheets};

#[cfg(test)]
mod tests;
