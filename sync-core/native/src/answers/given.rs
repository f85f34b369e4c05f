//! What was given, and the writes that come of it.

use serde_json::{Map, Value as Json};
use tributary_sync_core::form::{FieldKind, PublishedForm};
use tributary_sync_core::ids::{FieldId, RowId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::record::Record;
use tributary_sync_core::value::{RowPlace, Text, Value};

use super::question::{Question, nth_row};
use super::typed::typed;
use crate::error::{Error, Result};

/// One answer as it was given.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// As text, from the command line.
    Text(String),
    /// From a file.
    Json(Json),
    /// Rows of a repeat.
    Rows(Vec<RowGiven>),
}

/// One row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RowGiven {
    /// Which row: counted from 1, or its id. None for a new one.
    pub row: Option<String>,
    /// Whether the row goes.
    pub delete: bool,
    /// Its answers.
    pub answers: Vec<(String, Given)>,
}

/// Answers by name or path, in the order in which they were given.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers(pub Vec<(String, Given)>);

/// Members of a JSON answer that are about the record or the row, not questions.
const ROW: &str = "_row";
const DELETE: &str = "_delete";
const STATUS: &str = "_status";

impl Answers {
    /// Reads `name=value`; `name=` clears, `repeat[2].name=value` names a row, `repeat[+].name=value` the new one.
    pub fn set(&mut self, text: &str) -> Result<()> {
        let (name, value) = text.split_once('=').ok_or_else(|| {
            Error::input(
                "An answer has no `=`.",
                "Write `--set name=value`; in quotation marks if there are spaces in it.",
            )
        })?;
        let given = Given::Text(value.to_owned());
        match name.trim().split_once('[') {
            None => self.0.push((name.trim().to_owned(), given)),
            Some((repeat, rest)) => {
                let (row, leaf) = rest.split_once("].").ok_or_else(|| {
                    Error::input(
                        "A row is not named in full.",
                        "Write `children[1].age=7`; `[+]` is a new row.",
                    )
                })?;
                self.in_row(repeat, row, leaf, given);
            }
        }
        Ok(())
    }

    fn in_row(&mut self, repeat: &str, row: &str, leaf: &str, given: Given) {
        let row = Some(row.to_owned()).filter(|r| r != "+");
        let index = self.0.iter().position(|(n, _)| n == repeat);
        let index = index.unwrap_or_else(|| {
            self.0.push((repeat.to_owned(), Given::Rows(Vec::new())));
            self.0.len() - 1
        });
        let Some((_, Given::Rows(rows))) = self.0.get_mut(index) else {
            return;
        };
        let at = rows.iter().position(|r| r.row == row).unwrap_or_else(|| {
            rows.push(RowGiven {
                row,
                ..RowGiven::default()
            });
            rows.len() - 1
        });
        if let Some(row) = rows.get_mut(at) {
            match leaf {
                DELETE => row.delete = true,
                _ => row.answers.push((leaf.to_owned(), given)),
            }
        }
    }

    /// Reads a JSON object: questions by name or path, groups as objects or left out, repeats as arrays of objects.
    pub fn from_json(text: &str) -> Result<Self> {
        let json: Map<String, Json> = serde_json::from_str(text).map_err(|e| {
            Error::input(
                format!(
                    "The answers are no JSON object (line {}, column {}).",
                    e.line(),
                    e.column()
                ),
                "Write `{\"question\": \"answer\", …}`.",
            )
        })?;
        Ok(Self(object(json)?))
    }

    /// The writes that these answers are, on a new record or on `state`, whose rows they count.
    pub fn writes(
        &self,
        form: &PublishedForm,
        state: Option<&Record>,
        new_row: &mut dyn FnMut() -> Result<RowId>,
    ) -> Result<Vec<(Key, Value)>> {
        let empty = Record::new(Default::default());
        let mut work = Work {
            form,
            state: state.unwrap_or(&empty),
            new_row,
            writes: Vec::new(),
        };
        work.answers(&self.0, None)?;
        let mut keys = std::collections::BTreeSet::new();
        match work.writes.iter().find(|(key, _)| !keys.insert(key)) {
            Some((key, _)) => Err(answered_twice(form, key)),
            None => Ok(work.writes),
        }
    }
}

/// Which of the two is meant, nobody can know.
fn answered_twice(form: &PublishedForm, key: &Key) -> Error {
    let field = key.field().and_then(|id| form.field(id));
    let name = field.map_or("_status", |f| &f.name);
    Error::input(
        format!("`{name}` is answered twice in what you gave."),
        "Leave one of the answers out.",
    )
}

fn object(json: Map<String, Json>) -> Result<Vec<(String, Given)>> {
    let mut out = Vec::new();
    for (name, value) in json {
        match value {
            Json::Object(group) => out.extend(object(group)?),
            Json::Array(rows) if rows.iter().any(Json::is_object) => {
                let rows = rows.into_iter().map(row).collect::<Result<_>>()?;
                out.push((name, Given::Rows(rows)));
            }
            value => out.push((name, Given::Json(value))),
        }
    }
    Ok(out)
}

fn row(json: Json) -> Result<RowGiven> {
    let Json::Object(mut json) = json else {
        return Err(Error::input(
            "A row of a repeat is no object.",
            "Write every row as `{\"question\": \"answer\", …}`.",
        ));
    };
    let row = match json.remove(ROW) {
        Some(Json::String(row)) => Some(row),
        Some(Json::Number(n)) => Some(n.to_string()),
        _ => None,
    };
    let delete = json.remove(DELETE) == Some(Json::Bool(true));
    Ok(RowGiven {
        row,
        delete,
        answers: object(json)?,
    })
}

struct Work<'a> {
    form: &'a PublishedForm,
    state: &'a Record,
    new_row: &'a mut dyn FnMut() -> Result<RowId>,
    writes: Vec<(Key, Value)>,
}

impl Work<'_> {
    fn answers(&mut self, answers: &[(String, Given)], at: Option<(FieldId, RowId)>) -> Result<()> {
        for (name, given) in answers {
            if name == STATUS && at.is_none() {
                self.status(given)?;
                continue;
            }
            let question = Question::find_at(self.form, name, at.map(|(group, _)| group))?;
            match given {
                Given::Rows(rows) if question.field.kind == FieldKind::Repeat => {
                    self.rows(&question, rows, at.map(|(_, row)| row))?;
                }
                given => {
                    let key = question.key(at.map(|(_, row)| row))?;
                    let value = typed(self.form, &question.field, given)?;
                    self.writes.push((key, value));
                }
            }
        }
        Ok(())
    }

    fn status(&mut self, given: &Given) -> Result<()> {
        let (Given::Text(status) | Given::Json(Json::String(status))) = given else {
            return Err(Error::input(
                "The status is no text.",
                "Write `draft` or `complete`.",
            ));
        };
        let status = Value::Code(Text::new(status.as_str())?);
        self.writes.push((Key::Meta(MetaKey::Status), status));
        Ok(())
    }

    fn rows(&mut self, repeat: &Question, rows: &[RowGiven], parent: Option<RowId>) -> Result<()> {
        let group = repeat.id;
        let existing = self.state.rows(group);
        let mut last = existing
            .iter()
            .filter_map(|(_, place)| place.map(|p| p.order().to_owned()))
            .max();
        for given in rows {
            let row = match &given.row {
                Some(nth) => nth_row(self.state, group, nth)?,
                None => {
                    let row = (self.new_row)()?;
                    let order = after(last.as_deref());
                    let place = RowPlace::new(parent, &order)?;
                    last = Some(order);
                    self.writes
                        .push((Key::RowMeta { group, row }, Value::Row(place)));
                    row
                }
            };
            if given.delete {
                self.writes
                    .push((Key::RowMeta { group, row }, Value::Deleted(true)));
            }
            self.answers(&given.answers, Some((group, row)))?;
        }
        Ok(())
    }
}

/// An order key behind `last`.
fn after(last: Option<&str>) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some(last) = last else {
        return "A".to_owned();
    };
    let mut out: Vec<u8> = last.bytes().collect();
    let next = out
        .last()
        .and_then(|b| DIGITS.iter().position(|d| d == b))
        .and_then(|i| DIGITS.get(i + 1));
    match (next, out.last_mut()) {
        (Some(next), Some(end)) => *end = *next,
        _ => out.push(b'0'),
    }
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_keys_grow_slowly_and_sort_behind() {
        let mut keys = vec![after(None)];
        for _ in 0..500 {
            keys.push(after(keys.last().map(String::as_str)));
        }
        assert!(keys.windows(2).all(|w| w[0] < w[1]));
        assert!(keys.iter().all(|k| k.len() <= 12));
    }

    #[test]
    fn the_command_line_gathers_what_belongs_to_one_row() {
        let mut answers = Answers::default();
        for text in [
            "name=Dara",
            "legs[+].from=pp",
            "legs[+].by=bus",
            "legs[2].by=",
            "note=a=b",
        ] {
            answers.set(text).unwrap();
        }
        assert_eq!(answers.0.len(), 3);
        let Given::Rows(rows) = &answers.0[1].1 else {
            panic!()
        };
        assert_eq!((rows.len(), rows[0].answers.len()), (2, 2));
        assert_eq!(answers.0[2].1, Given::Text("a=b".into()));
        assert!(answers.set("nothing").is_err());
    }
}
