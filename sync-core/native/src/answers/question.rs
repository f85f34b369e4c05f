//! A question, found by the name or path that somebody typed.

use tributary_sync_core::form::{Field, FieldKind, PublishedForm};
use tributary_sync_core::ids::{FieldId, RowId};
use tributary_sync_core::key::Key;
use tributary_sync_core::record::Record;

use crate::error::{Error, Result};

/// A question with its ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its id.
    pub id: FieldId,
    /// The repeat it stands in.
    pub repeat: Option<FieldId>,
    /// Its field.
    pub field: Field,
}

impl Question {
    /// Finds a question by its path, or by its name if only one has it.
    pub fn find(form: &PublishedForm, name: &str) -> Result<Self> {
        Self::find_in(form, name, |_| true)
    }

    /// The same among the questions of one repeat, or among those outside repeats.
    pub(super) fn find_at(
        form: &PublishedForm,
        name: &str,
        repeat: Option<FieldId>,
    ) -> Result<Self> {
        Self::find_in(form, name, |q| q.repeat == repeat)
    }

    fn find_in(form: &PublishedForm, name: &str, belongs: impl Fn(&Self) -> bool) -> Result<Self> {
        let matches = |f: &Field| match name.starts_with('/') {
            true => f.path == name,
            false => f.name == name,
        };
        let question = |(id, f): (FieldId, &Field)| Self {
            id,
            repeat: form.repeat_of(f),
            field: f.clone(),
        };
        let mut found = form
            .fields()
            .filter(|(_, f)| matches(f) && f.kind != FieldKind::Group)
            .map(question)
            .filter(belongs);
        let shown: String = name.chars().take(80).collect();
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (Some(_), Some(_)) => Err(Error::input(
                format!("Several questions are called `{shown}`."),
                "Use the path, as `tributary-field forms --questions` lists it.",
            )),
            (None, _) => Err(Error::input(
                format!("The form has no question `{shown}` there."),
                "Look at `tributary-field forms --questions`.",
            )),
        }
    }

    /// The register of this question in a record, or in one row of its repeat.
    pub fn key(&self, row: Option<RowId>) -> Result<Key> {
        match (self.repeat, row) {
            (None, None) => Ok(Key::Field(self.id)),
            (Some(group), Some(row)) => Ok(Key::Row {
                group,
                row,
                field: self.id,
            }),
            (Some(_), None) => Err(Error::input(
                format!("`{}` stands in a repeat.", self.field.name),
                "Say in which row, counted from 1: `children[1].age=7`; `[+]` is a new row.",
            )),
            (None, Some(_)) => Err(Error::input(
                format!("`{}` does not stand in a repeat.", self.field.name),
                "Leave out the row.",
            )),
        }
    }

    /// The question named by `name` or `repeat[2].name`, with the row it stands in on this record.
    pub fn locate(form: &PublishedForm, state: &Record, name: &str) -> Result<(Self, Key)> {
        let Some((repeat, rest)) = name.split_once('[') else {
            let question = Self::find(form, name)?;
            let key = question.key(None)?;
            return Ok((question, key));
        };
        let repeat = Self::find(form, repeat)?;
        let (nth, leaf) = rest.split_once("].").unwrap_or((rest, ""));
        let question = Self::find_at(form, leaf, Some(repeat.id))?;
        let row = nth_row(state, repeat.id, nth)?;
        let key = question.key(Some(row))?;
        Ok((question, key))
    }
}

/// The row counted from 1, or named by its id.
pub(super) fn nth_row(state: &Record, repeat: FieldId, nth: &str) -> Result<RowId> {
    let rows = state.rows(repeat);
    let by_id = nth.parse::<RowId>().ok();
    let found = match by_id {
        Some(id) => rows.iter().find(|(row, _)| *row == id),
        None => {
            let n = nth.parse::<usize>().unwrap_or_default();
            n.checked_sub(1).and_then(|i| rows.get(i))
        }
    };
    found.map(|(row, _)| *row).ok_or_else(|| {
        Error::input(
            format!("There is no row {nth} here; there are {}.", rows.len()),
            "Rows are counted from 1; `[+]` is a new one.",
        )
    })
}
