//! What is wrong with a form: a stable code, the place in the file it came from, and a sentence for its author.
//!
//! Names from the form are quoted, shortened; answers never are, for a form holds none.

use std::fmt;

use thiserror::Error;

/// The kinds of fault, each with a stable code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FormErrorKind {
    /// Not well-formed XML.
    Xml,
    /// A document type or an entity; never read.
    Dtd,
    /// Larger or deeper than a form may be.
    Limit,
    /// Well-formed, but not an XForm.
    NotXForm,
    /// The instance root has no usable form id.
    FormId,
    /// A name that is missing, too long or not usable.
    Name,
    /// One name twice among siblings.
    DuplicateName,
    /// A control, bind or repeat that points at no field.
    Reference,
    /// A choice without a code, or with a code that cannot be stored.
    Choice,
    /// A `trib:` attribute that does not exist or cannot be read.
    Attribute,
    /// A policy that does not fit its field.
    Policy,
    /// A seal on a field that the server must read.
    Seal,
    /// A consent marker that does not fit its field.
    Consent,
    /// `trib_row` used for something else.
    RowField,
    /// A package that is not canonical, or not of this form.
    Package,
    /// A rename that cannot be.
    Mapping,
    /// The random source gave no free field id.
    Ids,
    /// Not a workbook that can be read.
    Workbook,
    /// A spreadsheet that is not a correct XLSForm.
    XlsForm,
}

impl FormErrorKind {
    /// The stable code, as listed in `schemas/error-codes.md`.
    pub fn code(self) -> &'static str {
        match self {
            Self::Xml => "form_xml_malformed",
            Self::Dtd => "form_dtd_refused",
            Self::Limit => "form_limit_exceeded",
            Self::NotXForm => "form_not_xform",
            Self::FormId => "form_id_invalid",
            Self::Name => "form_name_invalid",
            Self::DuplicateName => "form_name_duplicate",
            Self::Reference => "form_reference_unknown",
            Self::Choice => "form_choice_invalid",
            Self::Attribute => "form_attribute_invalid",
            Self::Policy => "form_policy_invalid",
            Self::Seal => "form_seal_refused",
            Self::Consent => "form_consent_invalid",
            Self::RowField => "form_row_field_invalid",
            Self::Package => "form_package_invalid",
            Self::Mapping => "form_mapping_invalid",
            Self::Ids => "form_ids_exhausted",
            Self::Workbook => "form_workbook_unreadable",
            Self::XlsForm => "form_xlsform_invalid",
        }
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
