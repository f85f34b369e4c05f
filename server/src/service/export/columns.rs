//! Which columns a download has: the union of the fields of all form versions, as sheets.
//!
//! A field is its id, so a question that moved between groups is one column, named as the newest version names it. The
//! newest version's fields stand first, in its order; behind them what only older versions ask.

use std::collections::{HashMap, HashSet};

use tributary_sync_core::form::{FieldKind, FormModel, PublishedForm};
use tributary_sync_core::ids::{FieldId, FormHash};
use tributary_sync_core::key::{Key, MetaKey};

use super::error::Result;
use super::options::{Options, invalid};
use crate::storage::FormRow;

/// One published version.
pub(super) struct Version {
    pub(super) hash: FormHash,
    /// What its author calls it; the start of its hash if nothing.
    pub(super) name: String,
    /// What it asks; none if the stored form cannot be read.
    pub(super) form: Option<PublishedForm>,
}

/// One question, or what a client computes.
pub(super) struct Column {
    pub(super) field: FieldId,
    pub(super) name: String,
    /// For each version of [`Layout::versions`], the answers that certainly fit.
    pub(super) fits: Vec<Fits>,
    /// Labels by code, where labels are asked for.
    pub(super) labels: HashMap<Box<str>, Box<str>>,
    /// The codes that have a column each, where that is asked for.
    pub(super) split: Vec<Box<str>>,
}

/// The answers to one question that need no second look.
pub(super) struct Fits {
    /// One bit for each value tag.
    pub(super) tags: u32,
    /// The codes offered, sorted; none if any is.
    codes: Option<Vec<Box<str>>>,
}

impl Fits {
    /// Whether a code is offered. Short lists are walked: their lengths tell most codes apart.
    pub(super) fn offers(&self, code: &str) -> bool {
        match self.codes.as_deref() {
            None => true,
            Some(all) if all.len() <= 16 => all.iter().any(|c| **c == *code),
            Some(all) => all.binary_search_by(|c| (**c).cmp(code)).is_ok(),
        }
    }
}

/// The main sheet, or that of a repeat.
pub(super) struct Sheet {
    /// The repeat; none for the main sheet.
    pub(super) repeat: Option<FieldId>,
    /// Its path from the form's root; empty for the main sheet.
    pub(super) path: String,
    pub(super) columns: Vec<Column>,
    /// The columns by field, sorted.
    pub(super) by_field: Vec<(FieldId, usize)>,
    /// The fields that hold nothing but the row's own id.
    pub(super) row_ids: Vec<FieldId>,
}

/// All sheets of a form.
pub(super) struct Layout {
    pub(super) versions: Vec<Version>,
    /// The main sheet first.
    pub(super) sheets: Vec<Sheet>,
}

impl Layout {
    /// The union of `rows`, all versions of one lineage, the oldest first.
    pub(super) fn new(rows: Vec<FormRow>, options: &Options) -> Result<Self> {
        let versions: Vec<Version> = rows
            .into_iter()
            .map(|row| Version {
                hash: row.hash,
                form: PublishedForm::open(&row.xform, row.package.as_bytes()).ok(),
                name: match row.version.is_empty() {
                    true => row.hash.to_string().chars().take(12).collect(),
                    false => row.version,
                },
            })
            .collect();
        let language = match &options.labels {
            Some(wanted) => Some(language(&versions, wanted)?),
            None => None,
        };
        let mut layout = Self {
            versions: Vec::new(),
            sheets: vec![Sheet::new(None, String::new())],
        };
        for form in versions.iter().rev().filter_map(|v| v.form.as_ref()) {
            layout.take(form);
        }
        layout.versions = versions;
        layout.settle(language.as_deref(), options.split);
        Ok(layout)
    }

    /// Adds what no newer version has.
    fn take(&mut self, form: &PublishedForm) {
        let mut known: HashSet<FieldId> = self
            .sheets
            .iter()
            .flat_map(|s| s.columns.iter().map(|c| c.field).chain(s.row_ids.clone()))
            .collect();
        for (id, field) in form.fields() {
            let repeat = form.repeat_of(field);
            let path = relative(form.model(), &field.path);
            if field.kind == FieldKind::Repeat {
                if !self.sheets.iter().any(|s| s.repeat == Some(id)) {
                    self.sheets.push(Sheet::new(Some(id), path.to_owned()));
                }
            } else if !field.kind.is_structure()
                && field.kind != FieldKind::Note
                && known.insert(id)
                && let Some(sheet) = self.sheets.iter_mut().find(|s| s.repeat == repeat)
            {
                if field.kind == FieldKind::RowId {
                    sheet.row_ids.push(id);
                } else {
                    sheet.columns.push(Column::new(id, path.to_owned()));
                }
            }
        }
    }

    /// Gives columns their final names, labels, choices and checks.
    fn settle(&mut self, language: Option<&str>, split: bool) {
        for sheet in &mut self.sheets {
            sheet.name_columns();
            for column in &mut sheet.columns {
                for version in &self.versions {
                    column.learn(version.form.as_ref(), language, split);
                }
            }
            let mut by_field: Vec<_> = sheet.columns.iter().map(|c| c.field).zip(0..).collect();
            by_field.sort();
            sheet.by_field = by_field;
        }
    }

    /// The main sheet.
    pub(super) fn main(&self) -> Option<&Sheet> {
        self.sheets.first()
    }
    /// The version of a hash, as an index.
    pub(super) fn version(&self, hash: FormHash) -> Option<usize> {
        self.versions.iter().position(|v| v.hash == hash)
    }
    /// The column of a field in the sheet of a repeat, or in the main one.
    pub(super) fn column(&self, repeat: Option<FieldId>, field: FieldId) -> Option<&Column> {
        let sheet = self.sheets.iter().find(|s| s.repeat == repeat)?;
        sheet.columns.get(sheet.place(field)?)
    }
    /// What a key is called: `group/question`, `repeat/question[row]`, or the key itself.
    pub(super) fn path(&self, key: &Key) -> String {
        match key {
            Key::Field(field) => self.column(None, *field).map(|c| c.name.clone()),
            Key::Row { group, row, field } => self
                .column(Some(*group), *field)
                .map(|c| format!("{}[{row}]", c.name)),
            Key::Meta(MetaKey::Status) => Some("_status".to_owned()),
            _ => None,
        }
        .unwrap_or_else(|| key.to_string())
    }
}

impl Sheet {
    fn new(repeat: Option<FieldId>, path: String) -> Self {
        Self {
            repeat,
            path,
            columns: Vec::new(),
            by_field: Vec::new(),
            row_ids: Vec::new(),
        }
    }
    /// Where a field stands.
    pub(super) fn place(&self, field: FieldId) -> Option<usize> {
        let at = self.by_field.binary_search_by_key(&field, |e| e.0).ok()?;
        self.by_field.get(at).map(|e| e.1)
    }
    /// A name that a newer field or a column of ours has gets the field's id behind it.
    fn name_columns(&mut self) {
        let mut taken: HashSet<String> = HashSet::new();
        for column in &mut self.columns {
            if column.name.starts_with('_') || !taken.insert(column.name.clone()) {
                column.name = format!("{}.f{}", column.name, column.field);
            }
        }
    }
}

impl Column {
    fn new(field: FieldId, name: String) -> Self {
        Self {
            field,
            name,
            fits: Vec::new(),
            labels: HashMap::new(),
            split: Vec::new(),
        }
    }

    /// Adds what one version knows of this field; a newer version's labels replace older ones.
    fn learn(&mut self, form: Option<&PublishedForm>, language: Option<&str>, split: bool) {
        let found = form.and_then(|form| Some((form, form.field(self.field)?)));
        let Some((form, field)) = found else {
            self.fits.push(Fits {
                tags: 0,
                codes: None,
            });
            return;
        };
        let choices = form.model().choices(field);
        self.fits.push(Fits {
            tags: tags(field.kind),
            codes: choices.map(|all| {
                let mut codes: Vec<Box<str>> = all.iter().map(|c| c.code.as_str().into()).collect();
                codes.sort();
                codes
            }),
        });
        for choice in choices.unwrap_or_default() {
            let code: Box<str> = choice.code.as_str().into();
            if split && field.kind == FieldKind::SelectMultiple && !self.split.contains(&code) {
                self.split.push(code.clone());
            }
            if let Some(label) = language.and_then(|l| choice.label.get(l)) {
                self.labels.insert(code, label.into());
            }
        }
    }
    /// What a code is called in this download.
    pub(super) fn shown<'a>(&'a self, code: &'a str) -> &'a str {
        if self.labels.is_empty() {
            return code;
        }
        self.labels.get(code).map_or(code, |label| label)
    }
}

/// The value tags that certainly fit a kind; the rest is looked at by `sync-core`.
fn tags(kind: FieldKind) -> u32 {
    let tags: &[u32] = match kind {
        FieldKind::Text | FieldKind::Barcode | FieldKind::Geotrace | FieldKind::Geoshape => &[4],
        FieldKind::Integer => &[2],
        FieldKind::Decimal => &[2, 3],
        FieldKind::Boolean => &[1],
        FieldKind::SelectOne => &[5],
        FieldKind::SelectMultiple => &[6],
        FieldKind::Date => &[7],
        FieldKind::Time => &[8],
        FieldKind::DateTime => &[9],
        FieldKind::Geopoint => &[10],
        _ => &[],
    };
    // A cleared answer, and one that this build does not know, fit everywhere.
    tags.iter().fold(1, |bits, tag| bits | 1 << tag)
}

/// A path without the form's root.
fn relative<'a>(model: &FormModel, path: &'a str) -> &'a str {
    path.strip_prefix('/')
        .and_then(|p| p.strip_prefix(model.root.as_str()))
        .and_then(|p| p.strip_prefix('/'))
        .unwrap_or(path)
}

/// The language that somebody means: its whole name, or the code in brackets behind it.
fn language(versions: &[Version], wanted: &str) -> Result<String> {
    let forms = versions.iter().rev().filter_map(|v| v.form.as_ref());
    let mut known: Vec<&str> = forms
        .flat_map(|f| f.model().languages.iter().map(String::as_str))
        .collect();
    known.dedup();
    let code = format!("({wanted})");
    let found = known
        .iter()
        .find(|l| **l == wanted)
        .or_else(|| known.iter().find(|l| l.ends_with(&code)));
    found.map(|l| (*l).to_owned()).ok_or_else(|| {
        invalid(
            "labels",
            format!(
                "the form has no such language; it has: {}",
                known.join(", ")
            ),
        )
    })
}
