//! Texts by language, and the `itext` block that they come from.
//!
//! Texts are shared: a form may point at one long text from thousands of places.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use roxmltree::Node;

use super::error::FormError;
use super::{LANGUAGES_MAX, guard};

/// The language of a form that names none.
pub(super) const NO_LANGUAGE: &str = "default";

/// One text in several languages. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Texts(Arc<BTreeMap<Arc<str>, String>>);

impl Texts {
    /// A text in one language; nothing, if it is blank.
    pub(super) fn one(language: &Arc<str>, text: String) -> Self {
        if text.trim().is_empty() {
            return Self::default();
        }
        Self(Arc::new(BTreeMap::from([(language.clone(), text)])))
    }
    /// The text in exactly this language.
    pub fn get(&self, language: &str) -> Option<&str> {
        self.0.get(language).map(String::as_str)
    }
    /// The text in the first of `languages` that has it, else in any. (pyxform's ‘-’ for a missing translation is
    /// dropped when the form is read.)
    pub fn best(&self, languages: &[&str]) -> Option<&str> {
        languages
            .iter()
            .find_map(|l| self.get(l))
            .or_else(|| self.0.values().next().map(String::as_str))
    }
    /// All, ordered by language.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(l, t)| (&**l, t.as_str()))
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What one itext id says.
#[derive(Clone, Default)]
pub(super) struct Entry {
    pub(super) text: Texts,
    pub(super) guidance: Texts,
}

/// The itext block of a form.
pub(super) struct Itext {
    pub(super) languages: Vec<Arc<str>>,
    pub(super) default: Arc<str>,
    entries: HashMap<String, Entry>,
    /// Files named by media values, such as `pic.jpg` of `jr://images/pic.jpg`.
    pub(super) files: Vec<String>,
}

impl Itext {
    pub(super) fn read(model: Node<'_, '_>) -> Result<Self, FormError> {
        let mut out = Self {
            languages: Vec::new(),
            default: Arc::from(NO_LANGUAGE),
            entries: HashMap::new(),
            files: Vec::new(),
        };
        let Some(itext) = child(model, "itext") else {
            return Ok(out);
        };
        let mut raw: HashMap<&str, [BTreeMap<Arc<str>, String>; 2]> = HashMap::new();
        let mut default = None;
        for translation in elements(itext).filter(|n| n.tag_name().name() == "translation") {
            let language: Arc<str> =
                Arc::from(translation.attribute("lang").unwrap_or(NO_LANGUAGE));
            if out.languages.len() >= LANGUAGES_MAX {
                return Err(FormError::limit("too many languages", LANGUAGES_MAX)
                    .at(guard::place(translation)));
            }
            if out.languages.contains(&language) {
                continue;
            }
            if translation
                .attribute("default")
                .is_some_and(|d| d != "false()")
            {
                default.get_or_insert_with(|| language.clone());
            }
            out.languages.push(language.clone());
            for text in elements(translation).filter(|n| n.tag_name().name() == "text") {
                let Some(id) = text.attribute("id") else {
                    continue;
                };
                let slot = raw.entry(id).or_default();
                out.read_values(text, &language, slot);
            }
        }
        if let Some(first) = default.or_else(|| out.languages.first().cloned()) {
            out.default = first;
        }
        out.entries = raw
            .into_iter()
            .map(|(id, [text, guidance])| {
                let entry = Entry {
                    text: without_dashes(text),
                    guidance: without_dashes(guidance),
                };
                (id.to_owned(), entry)
            })
            .collect();
        Ok(out)
    }

    fn read_values(
        &mut self,
        text: Node<'_, '_>,
        language: &Arc<str>,
        slot: &mut [BTreeMap<Arc<str>, String>; 2],
    ) {
        for value in elements(text).filter(|n| n.tag_name().name() == "value") {
            let content = plain_text(value);
            match value.attribute("form") {
                None | Some("long") => {
                    slot[0].entry(language.clone()).or_insert(content);
                }
                Some("guidance") => {
                    slot[1].entry(language.clone()).or_insert(content);
                }
                Some("image" | "big-image" | "audio" | "video") => {
                    self.files.extend(jr_file(&content));
                }
                Some(_) => {}
            }
        }
    }

    pub(super) fn entry(&self, id: &str) -> Option<&Entry> {
        self.entries.get(id)
    }

    /// The text behind a label, hint or message element: `ref="jr:itext('id')"` or its own content.
    pub(super) fn of_element(&self, node: Node<'_, '_>) -> Entry {
        match node.attribute("ref").and_then(itext_id) {
            Some(id) => self.entry(id).cloned().unwrap_or_default(),
            None => Entry {
                text: Texts::one(&self.default, plain_text(node)),
                guidance: Texts::default(),
            },
        }
    }

    /// The text behind an attribute: `jr:itext('id')` or the text itself.
    pub(super) fn of_attribute(&self, value: Option<&str>) -> Texts {
        match value {
            None => Texts::default(),
            Some(v) => match itext_id(v) {
                Some(id) => self.entry(id).map(|e| e.text.clone()).unwrap_or_default(),
                None => Texts::one(&self.default, v.to_owned()),
            },
        }
    }
}

/// pyxform writes ‘-’ where a translation is missing; it is not a text as long as another language has one.
fn without_dashes(mut texts: BTreeMap<Arc<str>, String>) -> Texts {
    if texts.values().any(|t| t != "-" && !t.is_empty()) {
        texts.retain(|_, t| t != "-" && !t.is_empty());
    }
    Texts(Arc::new(texts))
}

/// `id` of `jr:itext('id')`.
fn itext_id(text: &str) -> Option<&str> {
    let inner = text
        .trim()
        .strip_prefix("jr:itext(")?
        .strip_suffix(')')?
        .trim();
    inner
        .strip_prefix('\'')
        .and_then(|s| s.strip_suffix('\''))
        .or_else(|| inner.strip_prefix('"').and_then(|s| s.strip_suffix('"')))
}

/// The file name of a `jr://…/name` address.
pub(super) fn jr_file(address: &str) -> Option<String> {
    let path = address.trim().strip_prefix("jr://")?;
    let (kind, name) = path.split_once('/')?;
    (kind != "instance" && !name.is_empty()).then(|| name.to_owned())
}

/// The text of an element; an `output` of another answer reads `${name}`.
pub(super) fn plain_text(node: Node<'_, '_>) -> String {
    let mut out = String::new();
    for child in node.children() {
        if child.is_text() {
            out.push_str(child.text().unwrap_or_default());
        } else if child.tag_name().name() == "output" {
            let path = child
                .attribute("value")
                .or_else(|| child.attribute("ref"))
                .unwrap_or_default();
            let name = path.trim().rsplit('/').next().unwrap_or_default();
            out.push_str(&format!("${{{name}}}"));
        }
    }
    out.trim().to_owned()
}

pub(super) fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(Node::is_element)
}

pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    elements(node).find(|n| n.tag_name().name() == name)
}
