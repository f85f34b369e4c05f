//! What is wrong with a form: a stable code, the place in the file it came from, and a sentence for its author.
//!
//! Names from the form are quoted, shortened; answers never are, for a form holds none.

use std::fmt;

use thiserror::Error;

use crate::error::coded;

coded! {
    /// The kinds of fault, each with a stable code.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    #[non_exhaustive]
    pub enum FormErrorKind {
        /// Not well-formed XML.
        Xml = "form_xml_malformed",
        /// A document type or an entity; never read.
        Dtd = "form_dtd_refused",
        /// Larger or deeper than a form may be.
        Limit = "form_limit_exceeded",
        /// Well-formed, but not an XForm.
        NotXForm = "form_not_xform",
        /// The instance root has no usable form id.
        FormId = "form_id_invalid",
        /// A name that is missing, too long or not usable.
        Name = "form_name_invalid",
        /// One name twice among siblings.
        DuplicateName = "form_name_duplicate",
        /// A control, bind or repeat that points at no field.
        Reference = "form_reference_unknown",
        /// A choice without a code, or with a code that cannot be stored.
        Choice = "form_choice_invalid",
        /// A `trib:` attribute that does not exist or cannot be read.
        Attribute = "form_attribute_invalid",
        /// A policy that does not fit its field.
        Policy = "form_policy_invalid",
        /// A seal on a field that the server must read.
        Seal = "form_seal_refused",
        /// A consent marker that does not fit its field.
        Consent = "form_consent_invalid",
        /// `trib_row` used for something else.
        RowField = "form_row_field_invalid",
        /// A package that is not canonical, or not of this form.
        Package = "form_package_invalid",
        /// A rename that cannot be.
        Mapping = "form_mapping_invalid",
        /// The random source gave no free field id.
        Ids = "form_ids_exhausted",
        /// Not a workbook that can be read.
        Workbook = "form_workbook_unreadable",
        /// A spreadsheet that is not a correct XLSForm.
        XlsForm = "form_xlsform_invalid",
        /// A file that takes more memory or time to read than a form may need.
        Costly = "form_too_costly",
    }
}

/// Where the fault stands.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Place {
    /// Not known.
    #[default]
    Unknown,
    /// A line and column of the XForm, from 1.
    Xml {
        /// The line.
        line: u32,
        /// The column, in characters.
        column: u32,
    },
    /// A cell of the XLSForm.
    Cell {
        /// The sheet.
        sheet: String,
        /// The row as the spreadsheet program numbers it, from 1.
        row: Option<u32>,
        /// The heading of the column.
        column: Option<String>,
    },
}

/// A form that is refused, and why.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct FormError {
    /// The kind, with its stable code.
    pub kind: FormErrorKind,
    /// Where.
    pub place: Box<Place>,
    /// A sentence for the form's author.
    pub detail: String,
}

impl FormError {
    /// An error whose place is not known.
    pub fn new(kind: FormErrorKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            place: Box::default(),
            detail: detail.into(),
        }
    }
    /// The same error at a place.
    pub fn at(mut self, place: Place) -> Self {
        *self.place = place;
        self
    }
    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.kind.code()
    }
    pub(super) fn limit(what: &str, max: usize) -> Self {
        Self::new(
            FormErrorKind::Limit,
            format!("This form has {what}; the limit is {max}."),
        )
    }
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.place {
            Place::Unknown => {}
            Place::Xml { line, column } => write!(f, "line {line}, column {column}: ")?,
            Place::Cell { sheet, row, column } => {
                write!(f, "sheet {sheet}")?;
                if let Some(row) = row {
                    write!(f, ", row {row}")?;
                }
                if let Some(column) = column {
                    write!(f, ", column {column}")?;
                }
                f.write_str(": ")?;
            }
        }
        f.write_str(&self.detail)
    }
}

/// A name as it may stand in a sentence: shortened, without control characters.
pub(super) fn quote(name: &str) -> String {
    let mut out: String = name
        .chars()
        .take(80)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if name.chars().nth(80).is_some() {
        out.push('…');
    }
    format!("‘{out}’")
}
