//! Forms as people bring them: an XForm, or an XLSForm as `.xlsx` or `.ods`, made into an XForm with its model.
//!
//! Pure functions over bytes. Not here: HTTP, storage, ids and publishing. The XForm is the pivot: everything else is
//! turned into one and then read like any other. The server runs them in a child ([`super::converter`]).

use tributary_sync_core::form::{self, FormError, FormErrorKind, PreparedForm, XFORM_BYTES_MAX};

use super::{ods, ole, xls, xlsform, xlsx};

/// The largest workbook as it is sent, in bytes.
pub const WORKBOOK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A form that was read and is ready to be given ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportedForm {
    /// The XForm as it is to be served, with a row id in each repeat, and its model.
    pub form: PreparedForm,
    /// `itemsets.csv`, made from the sheet `external_choices`; a file of the form.
    pub itemsets_csv: Option<String>,
}

/// Refuses a file that is too large to be looked at.
pub(super) fn fits(bytes: &[u8]) -> Result<(), FormError> {
    if bytes.len() > WORKBOOK_BYTES_MAX {
        let detail = format!("This file is larger than {WORKBOOK_BYTES_MAX} bytes.");
        return Err(FormError::new(FormErrorKind::Limit, detail));
    }
    Ok(())
}

/// Reads a form from the bytes of a file. What kind of file it is shows in the bytes; the name only serves as form id
/// where an XLSForm gives none.
pub fn import(bytes: &[u8], file_name: &str) -> Result<ImportedForm, FormError> {
    fits(bytes)?;
    if bytes.starts_with(b"PK") {
        let workbook = match ods::content(bytes)? {
            Some(content) => ods::read(&content)?,
            None => xlsx::read(bytes)?,
        };
        return xlsform::convert(workbook, file_name);
    }
    if bytes.starts_with(&ole::SIGNATURE) {
        return xlsform::convert(xls::read(bytes)?, file_name);
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        let detail = "This is neither a workbook (.xlsx, .xls, .ods) nor an XForm in UTF-8 (.xml).";
        return Err(FormError::new(FormErrorKind::Workbook, detail));
    };
    if text.len() > XFORM_BYTES_MAX
        || text
            .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
            .starts_with('<')
    {
        return Ok(ImportedForm {
            form: form::prepare(text)?,
            itemsets_csv: None,
        });
    }
    let detail = "This is neither a workbook (.xlsx, .xls, .ods) nor an XForm (.xml).";
    Err(FormError::new(FormErrorKind::Workbook, detail))
}
