//! XLSForm to XForm through `rxform`, whose input is bounded and whose output is read before it is trusted.
//!
//! What rxform leaves out or gets wrong, found by holding it against pyxform, is put right on both sides of it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use rxform::model::{DEFAULT_LANG, Item, Survey, Translated};
use rxform::xls::Workbook;
use tributary_sync_core::form::{self, FormError, FormErrorKind, Place, TRIB_NS, XFORM_BYTES_MAX};

use super::cells::cell;
use super::import::ImportedForm;
use super::limits;
use super::relative::Places;

/// Converts a workbook. The file name gives the form id where the settings give none.
pub(super) fn convert(mut workbook: Workbook, file_name: &str) -> Result<ImportedForm, FormError> {
    limits::check(&mut workbook)?;
    let fallback = form_id_of(file_name);
    // Not our code, and a stranger's file; a panic in it is this one form's error.
    let converted = catch_unwind(AssertUnwindSafe(|| {
        let mut survey = rxform::parser::parse(&workbook, &fallback)?;
        let places = Places::of(&survey);
        places.resolve_all(&mut survey);
        expand_flags(&mut survey.items);
        if workbook.survey.headers.iter().any(|h| h.contains("trib:")) {
            declare_namespace(&mut survey);
        }
        fill_translations(&mut survey);
        let xform = places.resolve_outputs(&rxform::xform::generate(&survey)?);
        let itemsets = rxform::xform::itemsets_csv(&survey);
        Ok::<_, rxform::Error>((survey, xform, itemsets))
    }));
    let (survey, xform, itemsets_csv) = match converted {
        Ok(result) => result.map_err(from_rxform)?,
        Err(_) => {
            let detail = "This XLSForm cannot be converted.";
            return Err(FormError::new(FormErrorKind::XlsForm, detail));
        }
    };
    if xform.len() > XFORM_BYTES_MAX {
        let detail = format!("This form becomes an XForm of more than {XFORM_BYTES_MAX} bytes.");
        return Err(FormError::new(FormErrorKind::Limit, detail));
    }
    let form = form::prepare(&xform).map_err(|e| in_the_sheet(e, &xform, &survey))?;
    check_expanded(&form.model, &survey)?;
    Ok(ImportedForm { form, itemsets_csv })
}

/// rxform leaves references in `required` and `readonly` as they are; as other bind columns it resolves them.
fn expand_flags(items: &mut [Item]) {
    for item in items {
        match item {
            Item::Question(q) => {
                for (name, value) in [("required", &mut q.required), ("readonly", &mut q.readonly)]
                {
                    if let Some(expression) = value.take_if(|v| v.contains("${")) {
                        q.bind_extra.insert(name.to_owned(), expression);
                    }
                }
            }
            Item::Section(s) => expand_flags(&mut s.children),
        }
    }
}

/// An author who writes `bind::trib:policy` need not declare the namespace.
fn declare_namespace(survey: &mut Survey) {
    let declared = survey.settings.namespaces.get_or_insert_default();
    if !declared
        .split_whitespace()
        .any(|pair| pair.starts_with("trib="))
    {
        declared.push_str(&format!(" trib=\"{TRIB_NS}\""));
    }
}

/// rxform and pyxform write ‘-’ where a translation is missing, and most clients show just that. The default language
/// is better.
fn fill_translations(survey: &mut Survey) {
    let languages = survey.languages();
    let Some(default) = survey.settings.default_language.clone() else {
        return;
    };
    let fill = |texts: &mut Translated| {
        let translated = texts.keys().any(|l| l != DEFAULT_LANG);
        let source = texts
            .get(&default)
            .or_else(|| texts.get(DEFAULT_LANG))
            .filter(|_| translated);
        if let Some(source) = source.cloned() {
            for language in &languages {
                texts
                    .entry(language.clone())
                    .or_insert_with(|| source.clone());
            }
        }
    };
    for choice in survey.choice_lists.iter_mut().flat_map(|l| &mut l.choices) {
        fill(&mut choice.label);
    }
    fill_items(&mut survey.items, &fill);
}

fn fill_items(items: &mut [Item], fill: &impl Fn(&mut Translated)) {
    for item in items {
        match item {
            Item::Question(q) => {
                let messages = [&mut q.constraint_message, &mut q.required_message];
                for texts in [&mut q.label, &mut q.hint, &mut q.guidance_hint]
                    .into_iter()
                    .chain(messages)
                {
                    fill(texts);
                }
            }
            Item::Section(s) => {
                fill(&mut s.label);
                fill_items(&mut s.children, fill);
            }
        }
    }
}

fn form_id_of(file_name: &str) -> String {
    let stem = Path::new(file_name)
        .file_stem()
        .and_then(|s| s.to_str())
        .unwrap_or_default();
    let id: String = stem
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .take(64)
        .collect();
    if id.is_empty() { "form".to_owned() } else { id }
}

fn from_rxform(error: rxform::Error) -> FormError {
    let mut detail: String = error.message.chars().take(300).collect();
    if let Some(hint) = &error.hint {
        detail.push_str(&format!(
            " ({})",
            hint.chars().take(200).collect::<String>()
        ));
    }
    let location = error.location;
    let place = match location.sheet {
        Some(sheet) => Place::Cell {
            sheet,
            row: location
                .row
                .and_then(|r| u32::try_from(r).ok())
                .filter(|r| *r > 0),
            column: location.column,
        },
        None => Place::Unknown,
    };
    FormError::new(FormErrorKind::XlsForm, detail).at(place)
}

/// Turns a place in the XForm, which nobody has seen, into the row that it came from.
fn in_the_sheet(error: FormError, xform: &str, survey: &Survey) -> FormError {
    let Place::Xml { line, .. } = *error.place else {
        return error;
    };
    let text = xform
        .lines()
        .nth((line as usize).saturating_sub(1))
        .unwrap_or_default();
    let path = ["nodeset=\"", "ref=\""]
        .iter()
        .find_map(|a| text.split_once(a)?.1.split('"').next());
    let row = path.and_then(|path| row_of(survey, path));
    let column = match error.kind {
        FormErrorKind::Policy => Some("bind::trib:policy"),
        FormErrorKind::Consent => Some("bind::trib:consent"),
        FormErrorKind::Seal => Some("bind::trib:seal"),
        _ => None,
    };
    match row {
        Some(row) => error.at(cell("survey", Some(row), column.map(str::to_owned))),
        None => error.at(cell("survey", None, None)),
    }
}

fn row_of(survey: &Survey, path: &str) -> Option<u32> {
    let (_, question) = survey.walk().into_iter().find(|(p, _)| p == path)?;
    u32::try_from(question.row).ok()
}

/// A `${name}` that is still in an expression would be read by no client.
fn check_expanded(model: &form::FormModel, survey: &Survey) -> Result<(), FormError> {
    for field in &model.fields {
        let b = &field.bind;
        let left = [
            &b.required,
            &b.readonly,
            &b.relevant,
            &b.constraint,
            &b.calculate,
        ];
        if left.into_iter().flatten().any(|e| e.contains("${")) {
            let detail = format!(
                "An expression of ‘{}’ holds a reference that cannot be resolved.",
                field.name
            );
            let place = cell("survey", row_of(survey, &field.path), None);
            return Err(FormError::new(FormErrorKind::XlsForm, detail).at(place));
        }
    }
    Ok(())
}
