//! Forms: import, publication, and what devices are given of them.

mod cells;
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

pub use import::{ImportedForm, WORKBOOK_BYTES_MAX, import};
pub use manage::{FormView, Upload, VersionView, delivery, handout};
pub use publish::{NewVersion, PublishError, Published, preview, publish};
pub use sheets::{INTERVIEW, SheetTexts, builtin_interview, import_sheets};

#[cfg(test)]
mod tests;
