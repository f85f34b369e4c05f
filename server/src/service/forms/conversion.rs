//! What server and child say to each other when a stranger's file becomes a form: the file goes in, an XForm or a fault
//! comes out. Both sides stand here.
//!
//! The answer is read like anything from outside: bounded, known members only, and the XForm in it is parsed again by
//! the same reader that opens published forms. Not here: processes and their limits ([`super::converter`], the command
//! `convert-form`).

use serde::{Deserialize, Serialize};
use tributary_sync_core::form::{
    self, FormError, FormErrorKind, Place, PreparedForm, XFORM_BYTES_MAX,
};

use super::import::{WORKBOOK_BYTES_MAX, import};

/// The longest name of a file, in bytes; of a longer one the end counts.
const NAME_BYTES_MAX: usize = 1_024;
/// The longest question, in bytes.
pub const QUESTION_BYTES_MAX: usize = 2 + NAME_BYTES_MAX + WORKBOOK_BYTES_MAX;
/// The longest answer, in bytes: an XForm whose quotes and line ends are escaped.
pub(super) const ANSWER_BYTES_MAX: usize = 2 * XFORM_BYTES_MAX + 64 * 1024;
/// The longest text about a fault, in characters.
const FAULT_CHARS_MAX: usize = 2_000;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Answer {
    Form { xform: String },
    Fault(Fault),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    code: String,
    detail: String,
    place: At,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum At {
    Unknown,
    Xml {
        line: u32,
        column: u32,
    },
    Cell {
        sheet: String,
        row: Option<u32>,
        column: Option<String>,
    },
}

/// What the child is asked: the name's length, the name, the file.
pub fn question(bytes: &[u8], file_name: &str) -> Vec<u8> {
    let mut start = file_name.len().saturating_sub(NAME_BYTES_MAX);
    while !file_name.is_char_boundary(start) {
        start += 1;
    }
    let name = &file_name.as_bytes()[start..];
    let length = u16::try_from(name.len()).unwrap_or_default();
    [&length.to_be_bytes()[..], name, bytes].concat()
}

/// The child's side: reads the file, and says what it is.
pub fn answer(question: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = question.split_at_checked(2)?;
    let length = u16::from_be_bytes(length.try_into().ok()?);
    let (name, file) = rest.split_at_checked(usize::from(length))?;
    let answer = match import(file, std::str::from_utf8(name).ok()?) {
        Ok(imported) => Answer::Form {
            xform: imported.form.xform,
        },
        Err(error) => Answer::Fault(Fault::from(error)),
    };
    serde_json::to_vec(&answer).ok()
}

/// The server's side: the form, or what is wrong with it; nothing if this is no answer.
pub(super) fn read(answer: &[u8]) -> Option<Result<PreparedForm, FormError>> {
    match serde_json::from_slice(answer).ok()? {
        Answer::Form { xform } => {
            let form = form::prepare(&xform).ok()?;
            // The child prepared it, and preparing twice changes nothing.
            (form.xform == xform).then_some(Ok(form))
        }
        Answer::Fault(fault) => Some(Err(fault.read()?)),
    }
}

impl From<FormError> for Fault {
    fn from(error: FormError) -> Self {
        let code = error.code().to_owned();
        let place = match *error.place {
            Place::Unknown => At::Unknown,
            Place::Xml { line, column } => At::Xml { line, column },
            Place::Cell { sheet, row, column } => At::Cell { sheet, row, column },
        };
        Self {
            code,
            detail: error.detail,
            place,
        }
    }
}

impl Fault {
    fn read(self) -> Option<FormError> {
        let kind = FormErrorKind::ALL.iter().find(|k| k.code() == self.code)?;
        let short = |text: String| text.chars().take(FAULT_CHARS_MAX).collect::<String>();
        let place = match self.place {
            At::Unknown => Place::Unknown,
            At::Xml { line, column } => Place::Xml { line, column },
            At::Cell { sheet, row, column } => Place::Cell {
                sheet: short(sheet),
                row,
                column: column.map(short),
            },
        };
        Some(FormError::new(*kind, short(self.detail)).at(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(bytes: &[u8], name: &str) -> Result<PreparedForm, FormError> {
        read(&answer(&question(bytes, name)).unwrap()).unwrap()
    }

    #[test]
    fn a_form_and_a_fault_come_through_as_they_are() {
        let files: [&[u8]; 4] = [
            include_bytes!("fixtures/small.xls"),
            include_bytes!("../export/tests/v1.xml"),
            b"<h:html",
            b"PK neither",
        ];
        for (n, file) in files.into_iter().enumerate() {
            let here = import(file, "form.xls").map(|imported| imported.form);
            assert_eq!(here.is_ok(), n < 2);
            assert_eq!(both(file, "form.xls"), here);
        }
    }

    #[test]
    fn a_fault_keeps_its_place_in_the_workbook() {
        let fault = FormError::new(FormErrorKind::XlsForm, "No.").at(Place::Cell {
            sheet: "survey".to_owned(),
            row: Some(7),
            column: Some("type".to_owned()),
        });
        let bytes = serde_json::to_vec(&Answer::Fault(fault.clone().into())).unwrap();
        assert_eq!(read(&bytes).unwrap().unwrap_err(), fault);
    }

    #[test]
    fn what_is_no_answer_is_not_believed() {
        for bytes in [
            r#""#,
            r#"{"form":{"xform":"<a/>"}}"#,
            r#"{"form":{"xform":"<a/>","model":{}}}"#,
            r#"{"fault":{"code":"no_such_code","detail":"","place":"unknown"}}"#,
            r#"{"fault":{"code":"form_xml_malformed","detail":"","place":"elsewhere"}}"#,
        ] {
            assert!(read(bytes.as_bytes()).is_none(), "{bytes}");
        }
        assert_eq!(answer(b"\xff\xffabc"), None);
    }

    #[test]
    fn of_a_long_name_the_end_is_told() {
        let long = format!("{}-form.xlsx", "ຟ".repeat(1_000));
        let asked = question(b"PK", &long);
        let told = std::str::from_utf8(&asked[2..asked.len() - 2]).unwrap();
        assert!(told.len() <= NAME_BYTES_MAX && told.ends_with("-form.xlsx"));
    }
}
