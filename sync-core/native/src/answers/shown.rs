//! Answers as people read them.

use tributary_sync_core::conflict::Presence;
use tributary_sync_core::form::{Field, FieldKind, PublishedForm};
use tributary_sync_core::ids::{FieldId, RowId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::record::Record;
use tributary_sync_core::value::Value;

/// One answer of a record, where it stands in the form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The register.
    pub key: Key,
    /// The name that `--set` takes.
    pub name: String,
    /// The question.
    pub label: String,
    /// How deep it stands in repeats.
    pub depth: usize,
}

/// The languages to show a form in: the wanted one by its name, or by its code as in `Khmer (km)`; then the form's own.
pub fn languages<'a>(form: &'a PublishedForm, wanted: Option<&str>) -> Vec<&'a str> {
    let model = form.model();
    let is_wanted = |language: &&String| {
        wanted.is_some_and(|w| **language == w || language.ends_with(&format!("({w})")))
    };
    let first = model.languages.iter().find(is_wanted);
    let own = std::iter::once(&model.default_language);
    first.into_iter().chain(own).map(String::as_str).collect()
}

/// The question's text in one of the languages, else its name.
pub fn label(field: &Field, languages: &[&str]) -> String {
    let text = field.label.best(languages).map(str::trim);
    text.filter(|t| !t.is_empty())
        .unwrap_or(&field.name)
        .to_owned()
}

/// The answers of a record in the order of the form, then its meta, then what this version of the form does not know.
pub fn lines(form: &PublishedForm, state: &Record, languages: &[&str]) -> Vec<Line> {
    let mut out = Vec::new();
    walk(form, state, languages, None, &mut out);
    let known: Vec<Key> = out.iter().map(|l| l.key.clone()).collect();
    for (key, _) in state.keys() {
        let name = match key {
            Key::RowMeta { .. } => continue,
            Key::Row { group, row, .. }
                if state.row_presence(*group, *row) == Presence::Deleted =>
            {
                continue;
            }
            Key::Meta(MetaKey::Status) => "_status".to_owned(),
            key if known.contains(key) => continue,
            key => key.to_string(),
        };
        out.push(Line {
            key: key.clone(),
            label: name.clone(),
            name,
            depth: 0,
        });
    }
    out
}

fn walk(
    form: &PublishedForm,
    state: &Record,
    languages: &[&str],
    at: Option<(FieldId, RowId, &str, usize)>,
    out: &mut Vec<Line>,
) {
    let group = at.map(|(group, ..)| group);
    for (id, field) in form.fields().filter(|(_, f)| form.repeat_of(f) == group) {
        let (prefix, depth) = at.map_or(("", 0), |(_, _, prefix, depth)| (prefix, depth));
        if field.kind == FieldKind::Repeat {
            for (n, (row, place)) in state.rows(id).into_iter().enumerate() {
                let parent = place.and_then(|p| p.parent);
                if parent.is_none() || parent == at.map(|(_, row, ..)| row) {
                    let prefix = format!("{prefix}{}[{}].", field.name, n + 1);
                    walk(
                        form,
                        state,
                        languages,
                        Some((id, row, &prefix, depth + 1)),
                        out,
                    );
                }
            }
            continue;
        }
        let key = match at {
            None => Key::Field(id),
            Some((group, row, ..)) => Key::Row {
                group,
                row,
                field: id,
            },
        };
        if !state.values(&key).is_empty() {
            out.push(Line {
                key,
                name: format!("{prefix}{}", field.name),
                label: label(field, languages),
                depth,
            });
        }
    }
}

/// A value in words: choices by their labels.
pub fn spoken(form: &PublishedForm, key: &Key, value: &Value, languages: &[&str]) -> String {
    let field = key.field().and_then(|id| form.field(id));
    let choice = |code: &str| {
        let choices = field.and_then(|f| form.model().choices(f));
        let found = choices.and_then(|all| all.iter().find(|c| c.code == code));
        let text = found.and_then(|c| c.label.best(languages));
        text.unwrap_or(code).to_owned()
    };
    match value {
        Value::Null => "(cleared)".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Int(n) => n.get().to_string(),
        Value::Decimal(d) => d.as_str().to_owned(),
        Value::Text(t) => t.as_str().to_owned(),
        Value::Code(c) => choice(c.as_str()),
        Value::Codes(c) => c.iter().map(choice).collect::<Vec<_>>().join(", "),
        Value::Date(d) => d.to_string(),
        Value::Time(t) => t.to_string(),
        Value::DateTime(t) => t.to_string(),
        Value::Geo(g) => format!(
            "{:.6} {:.6}",
            f64::from(g.lat_e7) / 1e7,
            f64::from(g.lon_e7) / 1e7
        ),
        Value::Attachment(a) => format!("(file of {} bytes, {})", a.size, a.media_type.as_str()),
        Value::Row(_) => "(row)".to_owned(),
        Value::Deleted(true) => "(deleted)".to_owned(),
        Value::Deleted(false) => "(restored)".to_owned(),
        Value::Opaque(_) => "(a kind of answer that this version cannot show)".to_owned(),
    }
}
