//! Reads an XForm into a [`FormModel`]. Whatever stands in it, this ends soon, with a model or one error.

use std::collections::{BTreeSet, HashMap};

use roxmltree::Node;

use super::attr::DecideRole;
use super::bind::{Bind, Binds, DataType};
use super::choices::Lists;
use super::control::{Body, kind_of, range_of};
use super::error::{FormError, FormErrorKind, quote};
use super::fit::fits;
use super::itext::{Entry, Itext, child, elements, plain_text};
use super::model::{Field, FieldKind, FormModel};
use super::rows::ROW_FIELD;
use super::{DEPTH_MAX, FIELDS_MAX, NAME_BYTES_MAX, guard};

/// Reads a form model from the text of an XForm.
pub fn parse(xml: &str) -> Result<FormModel, FormError> {
    let document = guard::open(xml)?;
    let parts = Parts::find(document.root_element())?;
    let itext = Itext::read(parts.model)?;
    let binds = Binds::read(parts.model, &itext)?;
    let body = Body::read(parts.body, &binds)?;
    let mut reader = Reader {
        itext: &itext,
        binds: &binds,
        body: &body,
        actions: action_targets(parts.model),
        lists: Lists::new(parts.model),
        fields: Vec::new(),
        by_path: HashMap::new(),
    };
    reader.instance(parts.root)?;
    reader.dangling()?;
    let files: BTreeSet<String> = itext
        .files
        .iter()
        .cloned()
        .chain(reader.lists.files.iter().cloned())
        .collect();
    Ok(FormModel {
        form_id: form_id(parts.root)?,
        title: parts.title.trim().to_owned(),
        version: root_attribute(parts.root, "version").map(str::to_owned),
        root: parts.root.tag_name().name().to_owned(),
        default_language: itext.default.to_string(),
        languages: itext.languages.iter().map(|l| l.to_string()).collect(),
        fields: reader.fields,
        lists: reader.lists.lists,
        files: files.into_iter().collect(),
    })
}

/// The parts of an XForm document.
pub(super) struct Parts<'a, 'i> {
    title: String,
    pub(super) model: Node<'a, 'i>,
    /// The root element of the primary instance.
    pub(super) root: Node<'a, 'i>,
    body: Node<'a, 'i>,
}

impl<'a, 'i> Parts<'a, 'i> {
    pub(super) fn find(html: Node<'a, 'i>) -> Result<Self, FormError> {
        let missing = |what: &str, near: Node<'_, '_>| {
            FormError::new(
                FormErrorKind::NotXForm,
                format!("This is no XForm: there is no {what}."),
            )
            .at(guard::place(near))
        };
        let head = child(html, "head").ok_or_else(|| missing("head", html))?;
        let model = child(head, "model").ok_or_else(|| missing("model", head))?;
        let instance = child(model, "instance").ok_or_else(|| missing("instance", model))?;
        let root = elements(instance)
            .next()
            .ok_or_else(|| missing("element in the instance", instance))?;
        let body = child(html, "body").ok_or_else(|| missing("body", html))?;
        Ok(Self {
            title: child(head, "title").map(plain_text).unwrap_or_default(),
            model,
            root,
            body,
        })
    }
}

fn root_attribute<'a>(root: Node<'a, '_>, name: &str) -> Option<&'a str> {
    root.attributes()
        .find(|a| a.name() == name)
        .map(|a| a.value().trim())
        .filter(|v| !v.is_empty())
}

fn form_id(root: Node<'_, '_>) -> Result<String, FormError> {
    let id = root.attribute("id").map(str::trim).unwrap_or_default();
    let fault = if id.is_empty() {
        "The instance root has no id; it is the form's id."
    } else if id.len() > NAME_BYTES_MAX || id.chars().any(|c| c.is_control() || c == '/') {
        "The form's id is too long, or holds a character that it may not."
    } else {
        return Ok(id.to_owned());
    };
    Err(FormError::new(FormErrorKind::FormId, fault).at(guard::place(root)))
}

/// Paths that model actions fill in, such as the place where an interview starts.
fn action_targets<'a>(model: Node<'a, '_>) -> Vec<&'a str> {
    elements(model)
        .filter(|n| matches!(n.tag_name().name(), "setgeopoint" | "recordaudio"))
        .filter_map(|n| n.attribute("ref").map(str::trim))
        .collect()
}

struct Reader<'a, 'i, 'r> {
    itext: &'r Itext,
    binds: &'r Binds<'a, 'i>,
    body: &'r Body<'a, 'i>,
    actions: Vec<&'a str>,
    lists: Lists<'a, 'i>,
    fields: Vec<Field>,
    by_path: HashMap<String, usize>,
}

impl<'a, 'i> Reader<'a, 'i, '_> {
    /// Walks the instance in document order, without recursion.
    fn instance(&mut self, root: Node<'a, 'i>) -> Result<(), FormError> {
        let mut stack: Vec<(Node<'a, 'i>, String, Option<usize>, usize)> = Vec::new();
        let root_path = format!("/{}", checked_name(root)?);
        let push = |stack: &mut Vec<_>, node: Node<'a, 'i>, path: &String, parent, depth| {
            let children: Vec<_> = elements(node).collect();
            stack.extend(
                children
                    .into_iter()
                    .rev()
                    .map(|n| (n, path.clone(), parent, depth)),
            );
        };
        push(&mut stack, root, &root_path, None, 1);
        while let Some((node, around, parent, depth)) = stack.pop() {
            if depth > DEPTH_MAX {
                return Err(
                    FormError::limit("groups too deep inside each other", DEPTH_MAX)
                        .at(guard::place(node)),
                );
            }
            let path = format!("{around}/{}", checked_name(node)?);
            let index =
                match self.by_path.get(&path) {
                    // Further rows of a repeat, or its template: the same fields again.
                    Some(&known) if self.may_repeat(known) => known,
                    Some(_) => {
                        let detail = format!(
                            "The name {} stands twice in one place.",
                            quote(node.tag_name().name())
                        );
                        return Err(FormError::new(FormErrorKind::DuplicateName, detail)
                            .at(guard::place(node)));
                    }
                    None => {
                        if self.fields.len() >= FIELDS_MAX {
                            return Err(FormError::limit("too many fields", FIELDS_MAX)
                                .at(guard::place(node)));
                        }
                        let field = self.field(node, path.clone(), parent)?;
                        self.fields.push(field);
                        self.by_path.insert(path.clone(), self.fields.len() - 1);
                        self.fields.len() - 1
                    }
                };
            push(&mut stack, node, &path, Some(index), depth + 1);
        }
        Ok(())
    }

    fn may_repeat(&self, index: usize) -> bool {
        self.fields
            .get(index)
            .is_some_and(|f| f.kind == FieldKind::Repeat || f.repeat.is_some())
    }

    fn field(
        &mut self,
        node: Node<'a, 'i>,
        path: String,
        parent: Option<usize>,
    ) -> Result<Field, FormError> {
        let bound = self.binds.by_path.get(&path);
        let (bind, marks) = bound
            .map(|b| (b.bind.clone(), b.marks.clone()))
            .unwrap_or_default();
        let control = self.body.controls.get(&path).copied();
        let kind = self.kind(node, &path, control, &bind)?;
        let shown = self.body.shown(kind, &path);
        let text = |name| {
            shown
                .and_then(|s| child(s, name))
                .map(|n| self.itext.of_element(n))
        };
        let label = text("label").unwrap_or_default().text;
        let Entry {
            text: hint,
            guidance,
        } = text("hint").unwrap_or_default();
        let choices = match (kind, control) {
            (FieldKind::SelectOne | FieldKind::SelectMultiple | FieldKind::Rank, Some(c)) => {
                Some(self.lists.of_control(c, &path, self.itext)?)
            }
            _ => None,
        };
        let around = parent.and_then(|p| self.fields.get(p));
        let decides = marks.decide.is_some();
        let decide = marks
            .decide
            .unwrap_or_else(|| vec![DecideRole::Coordinator]);
        let field = Field {
            name: node.tag_name().name().to_owned(),
            kind,
            parent,
            repeat: around.and_then(|p| {
                if p.kind == FieldKind::Repeat {
                    parent
                } else {
                    p.repeat
                }
            }),
            label,
            hint,
            guidance,
            appearance: shown
                .and_then(|s| s.attribute("appearance"))
                .map(str::to_owned),
            choices,
            range: control.filter(|_| kind == FieldKind::Range).map(range_of),
            count: self.body.repeats.get(&path).and_then(|r| count_of(*r)),
            sensitivity: marks
                .sensitivity
                .max(around.map(|p| p.sensitivity).unwrap_or_default()),
            seal: marks.seal,
            policy: marks.policy,
            consent: marks.consent,
            decide,
            bind,
            path,
        };
        let list = field
            .choices
            .as_ref()
            .and_then(|c| self.lists.lists.get(c.list?));
        let choices = list.map(|l| l.choices.as_slice());
        let place = bound.map_or(node, |b| b.node);
        fits(&field, choices, decides).map_err(|e| e.at(guard::place(place)))?;
        Ok(field)
    }

    fn kind(
        &self,
        node: Node<'_, '_>,
        path: &str,
        control: Option<Node<'_, '_>>,
        bind: &Bind,
    ) -> Result<FieldKind, FormError> {
        if self.body.repeats.contains_key(path) {
            return Ok(FieldKind::Repeat);
        }
        if let Some(control) = control {
            return Ok(kind_of(
                control,
                bind.data_type,
                bind.calculate.is_some(),
                bind.readonly.is_some(),
            ));
        }
        if elements(node).next().is_some() || self.body.groups.contains_key(path) {
            return Ok(FieldKind::Group);
        }
        if node.tag_name().name() == ROW_FIELD {
            let once = bind
                .calculate
                .as_deref()
                .is_some_and(|c| c.replace(' ', "") == "once(uuid())");
            return if once {
                Ok(FieldKind::RowId)
            } else {
                let detail = format!(
                    "The name {} is kept for the row ids of repeats.",
                    quote(ROW_FIELD)
                );
                Err(FormError::new(FormErrorKind::RowField, detail).at(guard::place(node)))
            };
        }
        let is_meta = bind.preload.is_some()
            || self.actions.contains(&path)
            || bind.data_type == DataType::Binary
            || node
                .parent_element()
                .is_some_and(|p| p.tag_name().name() == "meta");
        Ok(match bind.calculate {
            _ if is_meta => FieldKind::Metadata,
            Some(_) => FieldKind::Calculate,
            None => FieldKind::Hidden,
        })
    }

    /// A control, repeat or marked bind that points nowhere is a mistake that would lose answers or a protection.
    fn dangling(&self) -> Result<(), FormError> {
        let body = self.body.controls.iter().chain(&self.body.repeats);
        let root = self.root_path();
        let mut lost: Vec<(&str, Node<'_, '_>)> = body
            .map(|(path, node)| (path.as_str(), *node))
            .chain(
                self.binds
                    .by_path
                    .iter()
                    .map(|(path, bound)| (path.as_str(), bound.node)),
            )
            // Attributes and expressions may be bound; only plain paths are ours.
            .filter(|(path, _)| {
                !path.contains(['@', '[', '('])
                    && !self.by_path.contains_key(*path)
                    && root != Some(*path)
            })
            .collect();
        lost.sort_by_key(|(_, node)| node.range().start);
        match lost.first() {
            Some((path, node)) => {
                let detail = format!("There is no field at {}.", quote(path));
                Err(FormError::new(FormErrorKind::Reference, detail).at(guard::place(*node)))
            }
            None => Ok(()),
        }
    }

    fn root_path(&self) -> Option<&str> {
        let path = &self.fields.first()?.path;
        path.get(..path.rfind('/')?)
    }
}

fn count_of(repeat: Node<'_, '_>) -> Option<String> {
    repeat
        .attributes()
        .find(|a| a.name() == "count")
        .map(|a| a.value().trim().to_owned())
}

fn checked_name<'a>(node: Node<'a, '_>) -> Result<&'a str, FormError> {
    let name = node.tag_name().name();
    if name.len() > NAME_BYTES_MAX {
        let detail = format!("The name {} is too long.", quote(name));
        return Err(FormError::new(FormErrorKind::Name, detail).at(guard::place(node)));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::super::{FormErrorKind, Place, PolicySpec, Sensitivity, XFORM_BYTES_MAX, prepare};
    use super::*;

    const SAMPLE: &str = include_str!("fixtures/sample.xml");

    fn refused(xml: &str) -> FormError {
        parse(xml).unwrap_err()
    }

    #[test]
    fn a_form_is_read_whole() {
        let form = parse(SAMPLE).unwrap();
        assert_eq!(
            (form.form_id.as_str(), form.title.as_str()),
            ("sample", "Sample & test")
        );
        assert_eq!(form.version.as_deref(), Some("7"));
        assert_eq!(form.default_language, "English (en)");
        assert_eq!(form.languages, ["English (en)", "Khmer (km)"]);
        let kinds: Vec<String> = form
            .fields
            .iter()
            .map(|f| format!("{} {}", f.path, f.type_name()))
            .collect();
        assert_eq!(
            kinds,
            [
                "/data/start metadata:datetime",
                "/data/consent select_one",
                "/data/who group",
                "/data/who/age integer",
                "/data/who/needs select_multiple",
                "/data/who/place select_one",
                "/data/who/photo image",
                "/data/who/thanks note",
                "/data/who/pain range",
                "/data/who/score calculate:decimal",
                "/data/legs repeat",
                "/data/legs/from text",
                "/data/legs/stops repeat",
                "/data/legs/stops/town select_one",
                "/data/meta group",
                "/data/meta/instanceID metadata",
            ]
        );
        assert_eq!(form.files, ["ask.mp3", "sites.csv"]);
        assert!(form.asks_consent());
    }

    #[test]
    fn texts_choices_and_binds_are_read() {
        let form = parse(SAMPLE).unwrap();
        let consent = form.field("/data/consent").unwrap();
        assert!(consent.label.get("Khmer (km)").unwrap().starts_with("តើ"));
        assert_eq!(consent.hint.get("Khmer (km)"), None);
        assert_eq!(consent.guidance.get("English (en)"), Some("Stop if unsure"));
        assert_eq!(
            consent.bind.required_message.get("English (en)"),
            Some("Please ask")
        );
        let yes = &form.choices(consent).unwrap()[1];
        assert_eq!(
            (yes.code.as_str(), yes.label.best(&["Khmer (km)"])),
            ("yes", Some("បាទ/ចាស"))
        );
        let age = form.field("/data/who/age").unwrap();
        assert_eq!(age.label.best(&[]), Some("Age of ${consent}"));
        assert_eq!(age.bind.constraint.as_deref(), Some(". < 120"));
        let place = form
            .field("/data/who/place")
            .unwrap()
            .choices
            .clone()
            .unwrap();
        assert_eq!(
            (place.list, place.file.as_deref()),
            (None, Some("sites.csv"))
        );
        assert_eq!(place.filter.as_deref(), Some("country = 'KH'"));
        let town = form.field("/data/legs/stops/town").unwrap();
        assert_eq!(
            form.choices(town).unwrap()[0].extra,
            [("country".to_owned(), "KH".to_owned())]
        );
        let around: Vec<&str> = form
            .repeats_of(town)
            .iter()
            .map(|f| f.name.as_str())
            .collect();
        assert_eq!(around, ["legs", "stops"]);
        assert_eq!(
            form.field("/data/legs").unwrap().count.as_deref(),
            Some("/data/who/age")
        );
        assert_eq!(
            form.field("/data/who/pain")
                .unwrap()
                .range
                .as_ref()
                .unwrap()
                .end,
            "10"
        );
    }

    #[test]
    fn our_attributes_are_read_and_inherited() {
        let form = parse(SAMPLE).unwrap();
        let consent = form.field("/data/consent").unwrap();
        assert_eq!(
            consent.policy,
            PolicySpec::Protective(vec!["no".into(), "yes".into()])
        );
        assert_eq!(
            consent.decide,
            [DecideRole::Reviewer, DecideRole::Coordinator]
        );
        assert_eq!(consent.consent, ["yes"]);
        assert_eq!(
            form.field("/data/who/age").unwrap().sensitivity,
            Sensitivity::Quasi
        );
        assert_eq!(
            form.field("/data/who/needs").unwrap().sensitivity,
            Sensitivity::Sensitive
        );
        assert_eq!(
            form.field("/data/start").unwrap().sensitivity,
            Sensitivity::Unmarked
        );
        assert!(form.field("/data/who/photo").unwrap().seal);
    }

    #[test]
    fn attributes_that_do_not_fit_are_refused_where_they_stand() {
        for (from, to, kind) in [
            (
                "trib:policy=\"union\"",
                "trib:polcy=\"union\"",
                FormErrorKind::Attribute,
            ),
            (
                "trib:policy=\"union\"",
                "trib:policy=\"onion\"",
                FormErrorKind::Attribute,
            ),
            (
                "trib:policy=\"union\"",
                "trib:policy=\"protective(shelter food)\"",
                FormErrorKind::Policy,
            ),
            (
                "protective(no yes)",
                "protective(no maybe yes)",
                FormErrorKind::Policy,
            ),
            ("protective(no yes)\"", "union\"", FormErrorKind::Policy),
            (
                "trib:consent=\"yes\"",
                "trib:consent=\"given\"",
                FormErrorKind::Consent,
            ),
            (
                "trib:consent=\"yes\"",
                "trib:seal=\"yes\"",
                FormErrorKind::Seal,
            ),
            (
                "trib:policy=\"union\"",
                "trib:policy=\"union\" trib:seal=\"yes\"",
                FormErrorKind::Seal,
            ),
            (
                "type=\"int\" constraint",
                "type=\"int\" trib:consent=\"yes\" constraint",
                FormErrorKind::Consent,
            ),
            (
                "trib:sensitivity=\"direct\"",
                "trib:sensitivity=\"secret\"",
                FormErrorKind::Attribute,
            ),
            ("xmlns:trib=", "xmlns:tribe=", FormErrorKind::Xml),
            (
                "<value>food</value>",
                "<value>some food</value>",
                FormErrorKind::Choice,
            ),
            ("<value>food</value>", "<value/>", FormErrorKind::Choice),
            ("instance('yn')", "instance('ny')", FormErrorKind::Choice),
            ("<age/>", "<age/><age/>", FormErrorKind::DuplicateName),
            ("<age/>", "", FormErrorKind::Reference),
            ("<start/>", "<start/><trib_row/>", FormErrorKind::RowField),
            ("id=\"sample\"", "", FormErrorKind::FormId),
            ("<instance>", "<example>", FormErrorKind::Xml),
        ] {
            assert!(SAMPLE.contains(from), "{from}");
            let error = refused(&SAMPLE.replacen(from, to, 1));
            assert_eq!(error.kind, kind, "{to}: {error}");
            assert!(
                matches!(*error.place, Place::Xml { line: 2.., .. }),
                "{to}: {error}"
            );
        }
    }

    #[test]
    fn hostile_xml_is_refused_and_never_kills() {
        let entity = SAMPLE.replacen(
            "<h:html",
            "<!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;\">]><h:html",
            1,
        );
        assert_eq!(refused(&entity).kind, FormErrorKind::Dtd);
        assert_eq!(
            refused(&SAMPLE.replacen("Needs<", "&xxe;<", 1)).kind,
            FormErrorKind::Xml
        );
        let deep = SAMPLE.replacen(
            "<start/>",
            &format!("{}{}", "<g>".repeat(40), "</g>".repeat(40)),
            1,
        );
        assert_eq!(refused(&deep).kind, FormErrorKind::Limit);
        let bottomless = "<a>".repeat(1_000_000);
        assert_eq!(refused(&bottomless).kind, FormErrorKind::Limit);
        assert_eq!(
            refused(&" ".repeat(XFORM_BYTES_MAX + 1)).kind,
            FormErrorKind::Limit
        );
        let attributes: String = (0..400_000).map(|i| format!(" a{i}=\"\"")).collect();
        assert_eq!(
            refused(&format!("<a{attributes}/>")[..XFORM_BYTES_MAX]).kind,
            FormErrorKind::Limit
        );
        let spaces: String = (0..100_000)
            .map(|i| format!("<a xmlns:n{i}=\"u\"/>"))
            .collect();
        assert_eq!(
            refused(&format!("<a>{spaces}</a>")).kind,
            FormErrorKind::Limit
        );
        let fields: String = (0..FIELDS_MAX + 1).map(|i| format!("<f{i}/>")).collect();
        assert_eq!(
            refused(&SAMPLE.replacen("<start/>", &fields, 1)).kind,
            FormErrorKind::Limit
        );
        let items = "<item><label>x</label><value>x</value></item>".repeat(60_000);
        assert_eq!(
            refused(&SAMPLE.replacen(
                "<item><label>Shelter",
                &format!("{items}<item><label>Shelter"),
                1
            ))
            .kind,
            FormErrorKind::Limit
        );
        let name = "n".repeat(NAME_BYTES_MAX + 1);
        assert_eq!(
            refused(&SAMPLE.replacen("<start/>", &format!("<{name}/>"), 1)).kind,
            FormErrorKind::Name
        );
    }

    #[test]
    fn a_cut_or_damaged_form_never_panics() {
        let bytes = SAMPLE.as_bytes();
        for cut in (0..bytes.len()).step_by(7) {
            if let Ok(text) = std::str::from_utf8(&bytes[..cut]) {
                assert!(prepare(text).is_err());
            }
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[at] = b"<>/'\"&=: x"[at % 10];
            if let Ok(text) = std::str::from_utf8(&damaged) {
                let _ = prepare(text);
            }
        }
    }

    #[test]
    fn htcds_is_read_whole() {
        let Some(folder) = std::env::var_os("TRIBUTARY_HTCDS_DIR") else {
            assert_ne!(
                std::env::var("CI").as_deref(),
                Ok("true"),
                "TRIBUTARY_HTCDS_DIR is not set"
            );
            let _ = std::io::Write::write_all(
                &mut std::io::stderr(),
                b"htcds_is_read_whole did not run: TRIBUTARY_HTCDS_DIR is not set\n",
            );
            return;
        };
        let xml = std::fs::read_to_string(std::path::Path::new(&folder).join("htcds_xlsform.xml"))
            .unwrap();
        let form = parse(&xml).unwrap();
        assert_eq!(form.form_id, "htcds_xlsform");
        let count = |kind| form.fields.iter().filter(|f| f.kind == kind).count();
        assert_eq!(
            form.fields.iter().filter(|f| f.kind.is_question()).count(),
            31
        );
        assert_eq!(
            [
                FieldKind::Text,
                FieldKind::SelectOne,
                FieldKind::SelectMultiple,
                FieldKind::Date
            ]
            .map(count),
            [18, 6, 5, 2]
        );
        let citizenship = form.field("/data/prs_Citizenship").unwrap();
        assert_eq!(form.choices(citizenship).unwrap().len(), 249);
        assert_eq!(prepare(&xml).unwrap().xform, xml);
        for cut in (0..xml.len()).step_by(100) {
            if let Some(text) = xml.get(..cut) {
                assert!(parse(text).is_err());
            }
        }
    }
}
