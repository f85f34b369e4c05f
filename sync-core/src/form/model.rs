//! The form model: what columns, validation, codebooks and charts know about a form.
//!
//! Not here: field ids ([`super::PublishedForm`] joins a model with them) and any evaluation.

use super::attr::{DecideRole, PolicySpec, Sensitivity};
use super::bind::{Bind, DataType};
use super::choices::{Choice, ChoiceList, ChoiceSource};
use super::itext::Texts;

/// What kind of question, or what else, a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// Free text.
    Text,
    /// A whole number.
    Integer,
    /// A decimal number.
    Decimal,
    /// Yes or no, by bind type.
    Boolean,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and a time.
    DateTime,
    /// One choice.
    SelectOne,
    /// Several choices.
    SelectMultiple,
    /// Choices in order.
    Rank,
    /// Shown, not answered.
    Note,
    /// A number on a scale.
    Range,
    /// A place.
    Geopoint,
    /// A line of places.
    Geotrace,
    /// A closed line of places.
    Geoshape,
    /// A picture.
    Image,
    /// A sound.
    Audio,
    /// A film.
    Video,
    /// Any file.
    File,
    /// A scanned code.
    Barcode,
    /// Acknowledged, or not.
    Trigger,
    /// Computed by the client.
    Calculate,
    /// In the form, without a control.
    Hidden,
    /// Filled in by the client: start, end, device, instance id.
    Metadata,
    /// The stable id of a repeat's row.
    RowId,
    /// Fields that stand together.
    Group,
    /// Fields that stand together, any number of times.
    Repeat,
}

impl FieldKind {
    /// The name in packages and codebooks.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::DateTime => "datetime",
            Self::SelectOne => "select_one",
            Self::SelectMultiple => "select_multiple",
            Self::Rank => "rank",
            Self::Note => "note",
            Self::Range => "range",
            Self::Geopoint => "geopoint",
            Self::Geotrace => "geotrace",
            Self::Geoshape => "geoshape",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::File => "file",
            Self::Barcode => "barcode",
            Self::Trigger => "trigger",
            Self::Calculate => "calculate",
            Self::Hidden => "hidden",
            Self::Metadata => "metadata",
            Self::RowId => "row_id",
            Self::Group => "group",
            Self::Repeat => "repeat",
        }
    }
    /// Whether other fields stand in it.
    pub fn is_structure(self) -> bool {
        matches!(self, Self::Group | Self::Repeat)
    }
    /// Whether a person answers it.
    pub fn is_question(self) -> bool {
        !self.is_structure()
            && !matches!(
                self,
                Self::Note | Self::Calculate | Self::Hidden | Self::Metadata | Self::RowId
            )
    }
    /// Whether its answer is a file that travels apart.
    pub fn is_file(self) -> bool {
        matches!(self, Self::Image | Self::Audio | Self::Video | Self::File)
    }
}

/// The scale of a range question, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RangeLimits {
    /// The lower end.
    pub start: String,
    /// The upper end.
    pub end: String,
    /// The step.
    pub step: String,
}

/// One field, group or repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The path in the instance: `/data/group/name`.
    pub path: String,
    /// The last part of the path.
    pub name: String,
    /// The kind.
    pub kind: FieldKind,
    /// The group or repeat that it stands in, as an index into [`FormModel::fields`].
    pub parent: Option<usize>,
    /// The nearest repeat that it stands in, likewise; for a repeat, the one around it.
    pub repeat: Option<usize>,
    /// What the bind says.
    pub bind: Bind,
    /// The question.
    pub label: Texts,
    /// The hint.
    pub hint: Texts,
    /// Guidance for the interviewer.
    pub guidance: Texts,
    /// How a client shows it, as written.
    pub appearance: Option<String>,
    /// The choices, for selects and ranks.
    pub choices: Option<ChoiceSource>,
    /// The scale, for a range.
    pub range: Option<RangeLimits>,
    /// The count expression, for a repeat.
    pub count: Option<String>,
    /// How concurrent answers read as one.
    pub policy: PolicySpec,
    /// Who may lower a protective value.
    pub decide: Vec<DecideRole>,
    /// The codes that count as live consent.
    pub consent: Vec<String>,
    /// How much the answer gives away.
    pub sensitivity: Sensitivity,
    /// Whether the answer is to be sealed.
    pub seal: bool,
}

impl Field {
    /// The type in packages and in field identity: the kind, and for what has no control the stored type too.
    pub fn type_name(&self) -> String {
        let kind = self.kind.as_str();
        match (self.kind, self.bind.data_type) {
            (FieldKind::Calculate | FieldKind::Hidden | FieldKind::Metadata, data)
                if data != DataType::String =>
            {
                format!("{kind}:{}", data.as_str())
            }
            (FieldKind::Range, DataType::Decimal) => format!("{kind}:decimal"),
            _ => kind.to_owned(),
        }
    }
}

/// A form, read from its XForm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormModel {
    /// The `id` of the instance root.
    pub form_id: String,
    /// The title.
    pub title: String,
    /// The `version` of the instance root, as the author writes it.
    pub version: Option<String>,
    /// The name of the instance root element.
    pub root: String,
    /// The language that the form opens in.
    pub default_language: String,
    /// All languages, in the form's order; empty if the form names none.
    pub languages: Vec<String>,
    /// Fields, groups and repeats in document order.
    pub fields: Vec<Field>,
    /// Choice lists in use.
    pub lists: Vec<ChoiceList>,
    /// Names of the files that the form needs beside it, sorted.
    pub files: Vec<String>,
}

impl FormModel {
    /// The field at `path`.
    pub fn field(&self, path: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.path == path)
    }
    /// The choices of a field, where they are known. Filters are not applied.
    pub fn choices(&self, field: &Field) -> Option<&[Choice]> {
        let list = field.choices.as_ref()?.list?;
        self.lists.get(list).map(|l| l.choices.as_slice())
    }
    /// The repeats around a field, outermost first.
    pub fn repeats_of<'a>(&'a self, field: &'a Field) -> Vec<&'a Field> {
        let mut out = Vec::new();
        let mut at = field.repeat.and_then(|i| self.fields.get(i));
        while let Some(repeat) = at {
            out.push(repeat);
            at = repeat.repeat.and_then(|i| self.fields.get(i));
        }
        out.reverse();
        out
    }
    /// Whether records of this form need live consent to be used.
    pub fn asks_consent(&self) -> bool {
        self.fields.iter().any(|f| !f.consent.is_empty())
    }
}
