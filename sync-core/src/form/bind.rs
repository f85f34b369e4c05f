//! The bind of a field: its type, its expressions as text, its messages, and our attributes.
//!
//! No expression is evaluated here or anywhere on the server.

use std::collections::HashMap;

use roxmltree::Node;

use super::attr::{DecideRole, PolicySpec, Sensitivity, distinct_words, parse_flag};
use super::error::{FormError, FormErrorKind, quote};
use super::itext::{Itext, Texts, elements};
use super::{TRIB_NS, guard};

/// The type of the stored answer, as the bind says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum DataType {
    /// Text, and every type not named here.
    #[default]
    String,
    /// A whole number.
    Int,
    /// A decimal number.
    Decimal,
    /// Yes or no.
    Boolean,
    /// A day.
    Date,
    /// A time of day.
    Time,
    /// A day and a time.
    DateTime,
    /// A place.
    Geopoint,
    /// A line of places.
    Geotrace,
    /// A closed line of places.
    Geoshape,
    /// A file.
    Binary,
    /// A scanned code.
    Barcode,
}

impl DataType {
    fn parse(text: &str) -> Self {
        match text.rsplit(':').next().unwrap_or_default() {
            "int" | "integer" | "long" | "short" => Self::Int,
            "decimal" | "double" | "float" => Self::Decimal,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "time" => Self::Time,
            "dateTime" => Self::DateTime,
            "geopoint" => Self::Geopoint,
            "geotrace" => Self::Geotrace,
            "geoshape" => Self::Geoshape,
            "binary" | "base64Binary" => Self::Binary,
            "barcode" => Self::Barcode,
            _ => Self::String,
        }
    }
    /// The name in packages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Decimal => "decimal",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Time => "time",
            Self::DateTime => "datetime",
            Self::Geopoint => "geopoint",
            Self::Geotrace => "geotrace",
            Self::Geoshape => "geoshape",
            Self::Binary => "binary",
            Self::Barcode => "barcode",
        }
    }
}

/// A value that the client fills in by itself, such as the start of the interview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preload {
    /// `timestamp`, `date`, `property`, `uid` …
    pub kind: String,
    /// `start`, `end`, `today`, `deviceid` …
    pub params: String,
}

/// What a bind says. Expressions are text as written.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Bind {
    /// The type of the answer.
    pub data_type: DataType,
    /// `required`, if not plainly false.
    pub required: Option<String>,
    /// `readonly`, if not plainly false.
    pub readonly: Option<String>,
    /// When the field applies.
    pub relevant: Option<String>,
    /// What an answer must satisfy.
    pub constraint: Option<String>,
    /// How the field computes itself.
    pub calculate: Option<String>,
    /// Shown when the constraint fails.
    pub constraint_message: Texts,
    /// Shown when a required answer is missing.
    pub required_message: Texts,
    /// What the client fills in by itself.
    pub preload: Option<Preload>,
}

/// Our attributes of a bind, read but not yet held against the field.
#[derive(Clone, Debug, Default)]
pub(super) struct Marks {
    pub(super) policy: PolicySpec,
    pub(super) decide: Option<Vec<DecideRole>>,
    pub(super) consent: Vec<String>,
    pub(super) sensitivity: Sensitivity,
    pub(super) seal: bool,
}

/// A bind with its element.
pub(super) struct Bound<'a, 'i> {
    pub(super) bind: Bind,
    pub(super) marks: Marks,
    pub(super) node: Node<'a, 'i>,
}

/// All binds of a model, by the path they point at.
pub(super) struct Binds<'a, 'i> {
    pub(super) by_path: HashMap<String, Bound<'a, 'i>>,
    /// Paths by bind id, for controls that point at a bind.
    pub(super) by_id: HashMap<&'a str, String>,
}

impl<'a, 'i> Binds<'a, 'i> {
    pub(super) fn read(model: Node<'a, 'i>, itext: &Itext) -> Result<Self, FormError> {
        let mut out = Self {
            by_path: HashMap::new(),
            by_id: HashMap::new(),
        };
        for node in elements(model).filter(|n| n.tag_name().name() == "bind") {
            let Some(path) = node.attribute("nodeset").map(plain_path) else {
                return Err(
                    FormError::new(FormErrorKind::Reference, "A bind has no nodeset.")
                        .at(guard::place(node)),
                );
            };
            if let Some(id) = node.attribute("id") {
                out.by_id.insert(id, path.clone());
            }
            let bound = Bound {
                bind: read_bind(node, itext),
                marks: read_marks(node)?,
                node,
            };
            if out.by_path.insert(path.clone(), bound).is_some() {
                let detail = format!("{} has two binds.", quote(&path));
                return Err(
                    FormError::new(FormErrorKind::DuplicateName, detail).at(guard::place(node))
                );
            }
        }
        Ok(out)
    }
}

/// A path without namespace prefixes: `/data/orx:meta/orx:instanceID` is `/data/meta/instanceID`.
pub(super) fn plain_path(path: &str) -> String {
    let path = path.trim();
    if !path.contains(':') || path.contains(['[', '(']) {
        return path.to_owned();
    }
    let steps: Vec<&str> = path
        .split('/')
        .map(|s| s.rsplit(':').next().unwrap_or(s))
        .collect();
    steps.join("/")
}

fn attribute_local<'a>(node: Node<'a, '_>, name: &str) -> Option<&'a str> {
    node.attributes()
        .find(|a| a.name() == name && a.namespace() != Some(TRIB_NS))
        .map(|a| a.value())
}

fn read_bind(node: Node<'_, '_>, itext: &Itext) -> Bind {
    let text = |name: &str| {
        node.attribute(name)
            .map(str::trim)
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
    };
    let unless_false =
        |name: &str| text(name).filter(|t| !matches!(t.as_str(), "false()" | "false" | "no"));
    Bind {
        data_type: DataType::parse(node.attribute("type").unwrap_or_default()),
        required: unless_false("required"),
        readonly: unless_false("readonly"),
        relevant: text("relevant"),
        constraint: text("constraint"),
        calculate: text("calculate"),
        constraint_message: itext.of_attribute(attribute_local(node, "constraintMsg")),
        required_message: itext.of_attribute(attribute_local(node, "requiredMsg")),
        preload: attribute_local(node, "preload").map(|kind| Preload {
            kind: kind.to_owned(),
            params: attribute_local(node, "preloadParams")
                .unwrap_or_default()
                .to_owned(),
        }),
    }
}

fn read_marks(node: Node<'_, '_>) -> Result<Marks, FormError> {
    let mut marks = Marks::default();
    for attr in node.attributes().filter(|a| a.namespace() == Some(TRIB_NS)) {
        let value = attr.value();
        let read: Result<(), String> = match attr.name() {
            "policy" => PolicySpec::parse(value)
                .map(|p| marks.policy = p)
                .map_err(str::to_owned),
            "decide" => DecideRole::parse_list(value)
                .map(|d| marks.decide = Some(d))
                .map_err(str::to_owned),
            "consent" => match distinct_words(value) {
                Some(codes) if !codes.is_empty() && codes.len() <= 64 => {
                    marks.consent = codes;
                    Ok(())
                }
                _ => Err(
                    "trib:consent names the codes that count as live consent, each once."
                        .to_owned(),
                ),
            },
            "sensitivity" => Sensitivity::parse(value)
                .map(|s| marks.sensitivity = s)
                .map_err(str::to_owned),
            "seal" => parse_flag(value)
                .map(|s| marks.seal = s)
                .map_err(str::to_owned),
            // A mistyped protection must not pass for none.
            other => Err(format!(
                "There is no attribute {} in our namespace.",
                quote(other)
            )),
        };
        read.map_err(|detail| {
            FormError::new(FormErrorKind::Attribute, detail).at(guard::place(node))
        })?;
    }
    Ok(marks)
}
