//! XLSForms kept as CSV sheets, which a person can review line by line, and the interview form that ships with us.

use rxform::xls::{Sheet, Workbook, sheet_from_rows};
use tributary_sync_core::form::{FormError, FormErrorKind};

use super::cells::cell;
use super::import::ImportedForm;
use super::xlsform;

/// The three sheets of an XLSForm as CSV.
#[derive(Clone, Copy, Debug)]
pub struct SheetTexts<'a> {
    /// Questions.
    pub survey: &'a str,
    /// Choices.
    pub choices: &'a str,
    /// Settings.
    pub settings: &'a str,
}

/// Our own outreach interview (`schemas/forms/interview`).
pub const INTERVIEW: SheetTexts<'static> = SheetTexts {
    survey: include_str!("../../../../schemas/forms/interview/survey.csv"),
    choices: include_str!("../../../../schemas/forms/interview/choices.csv"),
    settings: include_str!("../../../../schemas/forms/interview/settings.csv"),
};

/// The outreach interview as an XForm; the demo and the tests use it without any workbook.
pub fn builtin_interview() -> Result<ImportedForm, FormError> {
    import_sheets(INTERVIEW, "outreach_interview.xlsx")
}

/// Converts CSV sheets as if they were those of a workbook of that name.
pub fn import_sheets(texts: SheetTexts<'_>, file_name: &str) -> Result<ImportedForm, FormError> {
    let workbook = Workbook {
        survey: sheet("survey", texts.survey)?,
        choices: sheet("choices", texts.choices)?,
        settings: sheet("settings", texts.settings)?,
        ..Workbook::default()
    };
    xlsform::convert(workbook, file_name)
}

fn sheet(name: &str, text: &str) -> Result<Sheet, FormError> {
    Ok(sheet_from_rows(rows(name, text)?))
}

/// The cells of a CSV sheet.
pub(super) fn rows(name: &str, text: &str) -> Result<Vec<Vec<String>>, FormError> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(false)
        .from_reader(text.as_bytes());
    let mut out = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| {
            let row = e
                .position()
                .and_then(|p| u32::try_from(p.record() + 1).ok());
            FormError::new(FormErrorKind::Workbook, "This CSV sheet cannot be read.")
                .at(cell(name, row, None))
        })?;
        out.push(record.iter().map(str::to_owned).collect());
    }
    Ok(out)
}
