//! What a workbook may be before rxform sees it.
//!
//! rxform recurses over groups, compares names pairwise and copies paths into every reference, so what would make that
//! deep or large is refused first, with the cell that does it.

use std::collections::BTreeSet;

use rxform::xls::{Sheet, Workbook};
use tributary_sync_core::form::{
    CHOICES_MAX, DEPTH_MAX, FIELDS_MAX, FormError, FormErrorKind, NAME_BYTES_MAX, TRIB_NS,
};

use super::cells::cell;

const LISTS_MAX: usize = 1_000;
/// What all references together may grow to.
const REFERENCE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Texts in all languages; more would not fit into an XForm.
const TEXTS_MAX: usize = 400_000;
/// Questions times choices, which rxform compares.
const PAIRS_MAX: usize = 100_000_000;

/// Checks a workbook, and drops the columns of choices that cannot be told to a client.
pub(super) fn check(workbook: &mut Workbook) -> Result<(), FormError> {
    check_survey(&workbook.survey)?;
    check_choices(&mut workbook.choices)?;
    check_product(&workbook.survey, &workbook.choices)?;
    check_namespace(workbook)
}

fn check_survey(survey: &Sheet) -> Result<(), FormError> {
    let fail = |kind, detail: &str, place| Err(FormError::new(kind, detail).at(place));
    let mut types = survey
        .headers
        .iter()
        .filter(|h| matches!(base(h).as_str(), "type" | "command"));
    let (Some(type_column), None) = (types.next(), types.next()) else {
        let detail = "The survey sheet needs one column ‘type’.";
        return fail(FormErrorKind::XlsForm, detail, cell("survey", None, None));
    };
    if survey.rows.len() > 2 * FIELDS_MAX {
        let detail = "The survey sheet has too many rows.";
        return fail(FormErrorKind::Limit, detail, cell("survey", None, None));
    }
    if let Some(heading) = survey.headers.iter().find(|h| !heading_fits(h)) {
        let place = cell("survey", None, Some(heading.clone()));
        return fail(
            FormErrorKind::XlsForm,
            "This heading cannot become an attribute of the form.",
            place,
        );
    }
    let (mut open, mut deepest, mut longest, mut references) = (0usize, 1usize, 1usize, 0usize);
    for (row, cells) in &survey.rows {
        let place =
            |column: &str| cell("survey", u32::try_from(*row).ok(), Some(column.to_owned()));
        let step = Step::of(
            cells
                .get(type_column)
                .map(String::as_str)
                .unwrap_or_default(),
        );
        match step {
            Step::Begin => open += 1,
            Step::End => open = open.saturating_sub(1),
            Step::Loop => {
                let detail = "Loops are not supported; write a repeat or groups.";
                return fail(FormErrorKind::XlsForm, detail, place(type_column));
            }
            Step::Question => {}
        }
        deepest = deepest.max(open);
        if open > DEPTH_MAX {
            let detail = "Groups stand too deep inside each other.";
            return fail(FormErrorKind::Limit, detail, place(type_column));
        }
        for (heading, text) in cells {
            if let Some((kind, detail)) = cell_fault(heading, text, &step) {
                return fail(kind, detail, place(heading));
            }
            references += text.matches("${").count();
            if is_name(heading) {
                longest = longest.max(text.len());
            }
        }
    }
    if references.saturating_mul((longest + 1) * (deepest + 2)) > REFERENCE_BYTES_MAX {
        let detail = "This form has too many or too long references.";
        return fail(FormErrorKind::Limit, detail, cell("survey", None, None));
    }
    Ok(())
}

/// What a cell of the survey sheet may not be.
fn cell_fault(heading: &str, text: &str, step: &Step) -> Option<(FormErrorKind, &'static str)> {
    let lower = heading.trim().to_lowercase();
    if is_name(heading) && text.len() > NAME_BYTES_MAX {
        Some((FormErrorKind::Name, "This name is too long."))
    } else if *step == Step::Begin && lower.starts_with("bind:") && lower.contains("trib:") {
        // rxform drops these columns in rows of groups; a dropped protection must not pass unseen.
        Some((
            FormErrorKind::Attribute,
            "Write this on each question; a group cannot carry it.",
        ))
    } else if !references_short(text) {
        Some((
            FormErrorKind::XlsForm,
            "This holds a ${reference} without an end, or one that is too long.",
        ))
    } else {
        None
    }
}

/// What a row of the survey sheet does to the groups.
#[derive(PartialEq, Eq)]
enum Step {
    Begin,
    End,
    Loop,
    Question,
}

impl Step {
    fn of(kind: &str) -> Self {
        let kind = kind.to_lowercase();
        let words: Vec<&str> = kind
            .split(|c: char| c.is_whitespace() || c == '_')
            .filter(|w| !w.is_empty())
            .collect();
        match words.as_slice() {
            ["begin", "loop", "over", ..] => Self::Loop,
            ["begin", ..] => Self::Begin,
            // ‘end’ and ‘end time’ are questions.
            ["end", what, ..]
                if ["group", "repeat", "lgroup", "loop"]
                    .iter()
                    .any(|w| what.starts_with(w)) =>
            {
                Self::End
            }
            _ => Self::Question,
        }
    }
}

/// The column that a heading means, as rxform reads it.
fn base(heading: &str) -> String {
    let mut parts = heading.split("::").map(|p| p.trim().to_lowercase());
    let first = parts.next().unwrap_or_default();
    if first == "media" {
        parts.next().unwrap_or(first)
    } else {
        first
    }
}

fn is_name(heading: &str) -> bool {
    matches!(base(heading).as_str(), "name" | "tag" | "value")
}

/// What two sheets together would grow to.
fn check_product(survey: &Sheet, choices: &Sheet) -> Result<(), FormError> {
    let languages = |sheet: &Sheet| sheet.headers.iter().filter(|h| h.contains(':')).count();
    let texts = languages(survey) * survey.rows.len() + languages(choices) * choices.rows.len();
    let cells = survey.rows.iter().flat_map(|(_, cells)| cells.values());
    let searches = cells.filter(|c| c.contains("search(")).count() * choices.rows.len();
    let pairs = survey.rows.len() * choices.rows.len();
    if texts > TEXTS_MAX || searches > TEXTS_MAX || pairs > PAIRS_MAX {
        let detail = "This form has too many texts or choices.";
        return Err(FormError::new(FormErrorKind::Limit, detail));
    }
    Ok(())
}

fn references_short(text: &str) -> bool {
    text.split("${")
        .skip(1)
        .all(|rest| rest.find('}').is_some_and(|end| end <= NAME_BYTES_MAX + 16))
}

/// A heading with a prefix becomes an attribute, so its rest must be a name.
fn heading_fits(heading: &str) -> bool {
    let lower = heading.trim().to_lowercase();
    let prefixes = ["bind:", "body:", "control:", "instance:", "attribute:"];
    match prefixes.iter().find_map(|p| lower.strip_prefix(p)) {
        Some(rest) => {
            let rest = rest.strip_prefix(':').unwrap_or(rest);
            // Messages may carry a language behind the name.
            let name = rest.split("::").next().unwrap_or_default();
            name.split(':').count() <= 2 && name.split(':').all(is_xml_name)
        }
        None => true,
    }
}

fn is_xml_name(name: &str) -> bool {
    let start =
        |c: char| c.is_ascii_alphabetic() || c == '_' || (c as u32 > 0xBF && c.is_alphabetic());
    let more = |c: char| start(c) || c.is_ascii_digit() || matches!(c, '-' | '.');
    name.chars().next().is_some_and(start) && name.chars().all(more)
}

fn check_choices(choices: &mut Sheet) -> Result<(), FormError> {
    let limit = |detail: &str| {
        Err(FormError::new(FormErrorKind::Limit, detail).at(cell("choices", None, None)))
    };
    if choices.rows.len() > CHOICES_MAX {
        return limit("The choices sheet has too many rows.");
    }
    let mut lists: BTreeSet<&str> = BTreeSet::new();
    for (heading, name) in choices.rows.iter().flat_map(|(_, cells)| cells) {
        if heading.trim().to_lowercase().starts_with("list") {
            lists.insert(name.trim());
        }
    }
    if lists.len() > LISTS_MAX {
        return limit("The choices sheet has too many lists.");
    }
    // Other columns become elements of every choice; what cannot be a name is a note to oneself, as for pyxform.
    choices.headers.retain(|heading| {
        let base = base(heading);
        let translated = base.split(':').next().map(str::trim);
        let known = ["label", "image", "big-image", "audio", "video"];
        base == "list name" || is_xml_name(&base) || translated.is_some_and(|t| known.contains(&t))
    });
    Ok(())
}

/// The prefix `trib` can only mean ours: under another address every protection would be lost without a word.
fn check_namespace(workbook: &Workbook) -> Result<(), FormError> {
    let declared = workbook.settings.rows.iter().flat_map(|(row, cells)| {
        let found = cells.iter().find(|(h, _)| base(h) == "namespaces");
        found
            .into_iter()
            .flat_map(move |(_, text)| text.split_whitespace().map(move |pair| (*row, pair)))
    });
    for (row, pair) in declared {
        let foreign = |(prefix, address): (&str, &str)| {
            prefix == "trib" && address.trim_matches(['"', '\'']) != TRIB_NS
        };
        if pair.split_once('=').is_some_and(foreign) {
            let place = cell(
                "settings",
                u32::try_from(row).ok(),
                Some("namespaces".to_owned()),
            );
            let detail = format!("The namespace trib must be {TRIB_NS}.");
            return Err(FormError::new(FormErrorKind::Attribute, detail).at(place));
        }
    }
    Ok(())
}
