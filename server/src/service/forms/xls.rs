//! `.xls`, the format of Excel before 2007: recognised, and refused with a way out.
//!
//! The readers of that format at hand trust lengths and chains of the file; a file of 2 kB makes them claim gigabytes
//! and ends the process, which nothing can catch.

use rxform::xls::Workbook;
use tributary_sync_core::form::{FormError, FormErrorKind};

/// The first bytes of an OLE compound file.
pub(super) const SIGNATURE: [u8; 8] = [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1];

/// Refuses the file.
pub(super) fn read(_bytes: &[u8]) -> Result<Workbook, FormError> {
    let detail = "This is an .xls file of Excel before 2007, or a workbook with a password. Save it as .xlsx or .ods without a password.";
    Err(FormError::new(FormErrorKind::Workbook, detail))
}
