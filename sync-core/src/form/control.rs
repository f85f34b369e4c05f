//! The body of an XForm: which control, group or repeat shows which path.

use std::collections::HashMap;

use roxmltree::Node;

use super::bind::{Binds, DataType, plain_path};
use super::error::{FormError, FormErrorKind, quote};
use super::guard;
use super::model::{FieldKind, RangeLimits};

/// What the body says about paths.
#[derive(Default)]
pub(super) struct Body<'a, 'i> {
    /// Controls that take or show an answer.
    pub(super) controls: HashMap<String, Node<'a, 'i>>,
    /// Groups that have a path.
    pub(super) groups: HashMap<String, Node<'a, 'i>>,
    /// Repeats.
    pub(super) repeats: HashMap<String, Node<'a, 'i>>,
}

impl<'a, 'i> Body<'a, 'i> {
    pub(super) fn read(body: Node<'a, 'i>, binds: &Binds<'a, 'i>) -> Result<Self, FormError> {
        let mut out = Self::default();
        // Contexts by depth: relative paths are read against the element around them.
        let mut contexts: Vec<(Node<'a, 'i>, String)> = Vec::new();
        for node in body.descendants().filter(Node::is_element).skip(1) {
            while contexts
                .last()
                .is_some_and(|(open, _)| node.range().start >= open.range().end)
            {
                contexts.pop();
            }
            let map = match node.tag_name().name() {
                "input" | "select" | "select1" | "upload" | "trigger" | "range" | "rank"
                | "secret" | "textarea" => &mut out.controls,
                "group" => &mut out.groups,
                "repeat" => &mut out.repeats,
                _ => continue,
            };
            let around = contexts
                .last()
                .map(|(_, path)| path.as_str())
                .unwrap_or_default();
            let Some(path) = path_of(node, binds, around)? else {
                if node.tag_name().name() == "group" {
                    continue;
                }
                let detail = format!("A {} points at no field.", node.tag_name().name());
                return Err(FormError::new(FormErrorKind::Reference, detail).at(guard::place(node)));
            };
            if matches!(node.tag_name().name(), "group" | "repeat") {
                contexts.push((node, path.clone()));
            }
            map.entry(path).or_insert(node);
        }
        Ok(out)
    }
}

impl<'a, 'i> Body<'a, 'i> {
    /// The element that labels a field.
    pub(super) fn shown(&self, kind: FieldKind, path: &str) -> Option<Node<'a, 'i>> {
        let group = self.groups.get(path);
        match kind {
            FieldKind::Repeat => group.or_else(|| self.repeats.get(path)),
            FieldKind::Group => group,
            _ => self.controls.get(path),
        }
        .copied()
    }
}

fn path_of(
    node: Node<'_, '_>,
    binds: &Binds<'_, '_>,
    around: &str,
) -> Result<Option<String>, FormError> {
    if let Some(id) = node.attribute("bind") {
        return match binds.by_id.get(id) {
            Some(path) => Ok(Some(path.clone())),
            None => {
                let detail = format!("The bind {} does not exist.", quote(id));
                Err(FormError::new(FormErrorKind::Reference, detail).at(guard::place(node)))
            }
        };
    }
    let path = node
        .attribute("ref")
        .or_else(|| node.attribute("nodeset"))
        .map(plain_path)
        .unwrap_or_default();
    let relative = path.strip_prefix("./").unwrap_or(&path);
    Ok(match path.as_str() {
        "" => None,
        p if p.starts_with('/') => Some(path),
        _ if around.len() > super::DEPTH_MAX * (super::NAME_BYTES_MAX + 1) => None,
        _ => Some(format!("{around}/{relative}")),
    })
}

/// The kind of a field that has a control.
pub(super) fn kind_of(
    control: Node<'_, '_>,
    data: DataType,
    calculated: bool,
    readonly: bool,
) -> FieldKind {
    match control.tag_name().name() {
        "select1" => FieldKind::SelectOne,
        "select" => FieldKind::SelectMultiple,
        "rank" => FieldKind::Rank,
        "trigger" => FieldKind::Trigger,
        "range" => FieldKind::Range,
        "upload" => match control
            .attribute("mediatype")
            .unwrap_or_default()
            .split('/')
            .next()
        {
            Some("image") => FieldKind::Image,
            Some("audio") => FieldKind::Audio,
            Some("video") => FieldKind::Video,
            _ => FieldKind::File,
        },
        // Choices of an external file are asked with an input and a query.
        _ if control.has_attribute("query") => FieldKind::SelectOne,
        _ if calculated => FieldKind::Calculate,
        _ => match data {
            DataType::String if readonly => FieldKind::Note,
            DataType::String => FieldKind::Text,
            DataType::Int => FieldKind::Integer,
            DataType::Decimal => FieldKind::Decimal,
            DataType::Boolean => FieldKind::Boolean,
            DataType::Date => FieldKind::Date,
            DataType::Time => FieldKind::Time,
            DataType::DateTime => FieldKind::DateTime,
            DataType::Geopoint => FieldKind::Geopoint,
            DataType::Geotrace => FieldKind::Geotrace,
            DataType::Geoshape => FieldKind::Geoshape,
            DataType::Binary => FieldKind::File,
            DataType::Barcode => FieldKind::Barcode,
        },
    }
}

/// The scale of a range control.
pub(super) fn range_of(control: Node<'_, '_>) -> RangeLimits {
    let text = |name: &str| control.attribute(name).unwrap_or_default().to_owned();
    RangeLimits {
        start: text("start"),
        end: text("end"),
        step: text("step"),
    }
}
