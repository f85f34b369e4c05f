//! The stable row id of every repeat: injected into the XForm at import, where the form has none.
//!
//! Forms address rows by position, which changes when a row goes. Everything else in the XForm stays as it was,
//! byte for byte.

use std::collections::HashSet;

use roxmltree::Node;

use super::bind::plain_path;
use super::error::{FormError, FormErrorKind};
use super::guard;
use super::itext::{child, elements};
use super::model::{FieldKind, FormModel};
use super::xform::{Parts, parse};

/// The name of the field that holds a row's id.
pub const ROW_FIELD: &str = "trib_row";

/// A form as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreparedForm {
    /// The XForm with a row id in each repeat.
    pub xform: String,
    /// Its model.
    pub model: FormModel,
}

/// Reads an XForm and gives each repeat a row id. Preparing a prepared form changes nothing.
pub fn prepare(xml: &str) -> Result<PreparedForm, FormError> {
    let model = parse(xml)?;
    let with_row: HashSet<usize> = model
        .fields
        .iter()
        .filter(|f| f.kind == FieldKind::RowId)
        .filter_map(|f| f.parent)
        .collect();
    let bare: HashSet<&str> = model
        .fields
        .iter()
        .enumerate()
        .filter(|(i, f)| f.kind == FieldKind::Repeat && !with_row.contains(i))
        .map(|(_, f)| f.path.as_str())
        .collect();
    if bare.is_empty() {
        return Ok(PreparedForm {
            xform: xml.to_owned(),
            model,
        });
    }
    let xform = inject(xml, &bare)?;
    let model = parse(&xform)?;
    Ok(PreparedForm { xform, model })
}

/// A change to the text: from where to where, and what to write there.
type Edit = (std::ops::Range<usize>, String);

fn inject(xml: &str, bare: &HashSet<&str>) -> Result<String, FormError> {
    let document = guard::open(xml)?;
    let html = document.root_element();
    let parts = Parts::find(html)?;
    let mut edits = Vec::new();
    let mut stack = vec![(parts.root, format!("/{}", parts.root.tag_name().name()))];
    while let Some((node, path)) = stack.pop() {
        for inner in elements(node) {
            stack.push((inner, format!("{path}/{}", inner.tag_name().name())));
        }
        if bare.contains(path.as_str()) && child(node, ROW_FIELD).is_none() {
            edits.push(first_child(xml, node));
        }
    }
    edits.push(binds(xml, parts.model, &nodesets(html, bare)));
    edits.sort_by_key(|(range, _)| range.start);
    let mut out = String::with_capacity(xml.len() + edits.len() * 128);
    let mut at = 0;
    for (range, text) in edits {
        let kept = xml.get(at..range.start).ok_or_else(|| {
            FormError::new(FormErrorKind::Xml, "This XForm cannot be given row ids.")
        })?;
        out.push_str(kept);
        out.push_str(&text);
        at = range.end;
    }
    out.push_str(xml.get(at..).unwrap_or_default());
    Ok(out)
}

/// `<trib_row/>` as the first child of a repeat.
fn first_child(xml: &str, node: Node<'_, '_>) -> Edit {
    let range = node.range();
    if let Some(first) = node.first_child() {
        let at = first.range().start;
        return (at..at, format!("<{ROW_FIELD}/>"));
    }
    let text = &xml[range.clone()];
    let name = text[1..]
        .split(|c: char| c.is_whitespace() || matches!(c, '/' | '>'))
        .next()
        .unwrap_or_default();
    if text.ends_with("/>") {
        return (
            range.end - 2..range.end,
            format!("><{ROW_FIELD}/></{name}>"),
        );
    }
    let close = range.start + text.rfind("</").unwrap_or(text.len());
    (close..close, format!("<{ROW_FIELD}/>"))
}

/// The repeats' paths as the body writes them, prefixes included.
fn nodesets(html: Node<'_, '_>, bare: &HashSet<&str>) -> Vec<String> {
    let mut written: Vec<String> = html
        .descendants()
        .filter(|n| n.tag_name().name() == "repeat")
        .filter_map(|n| n.attribute("nodeset").or_else(|| n.attribute("ref")))
        .map(str::trim)
        .filter(|p| !p.contains(['"', '<', '&']) && bare.contains(plain_path(p).as_str()))
        .map(str::to_owned)
        .collect();
    let known: HashSet<String> = written.iter().map(|p| plain_path(p)).collect();
    written.extend(
        bare.iter()
            .filter(|p| !known.contains(**p))
            .map(|p| (*p).to_owned()),
    );
    written.sort();
    written.dedup();
    written
}

/// The binds of the new fields, after the last bind of the model, with the same prefix.
fn binds(xml: &str, model: Node<'_, '_>, nodesets: &[String]) -> Edit {
    let last = elements(model)
        .filter(|n| n.tag_name().name() == "bind")
        .last();
    let like = last.unwrap_or(model);
    let tag = xml[like.range().start + 1..]
        .split(|c: char| c.is_whitespace() || matches!(c, '/' | '>'))
        .next()
        .unwrap_or_default();
    let bind = tag
        .split_once(':')
        .map_or("bind".to_owned(), |(prefix, _)| format!("{prefix}:bind"));
    let at = last
        .map(|b| b.range().end)
        .or_else(|| elements(model).last().map(|n| n.range().end))
        .unwrap_or(model.range().end);
    let text = nodesets
        .iter()
        .map(|path| {
            format!("<{bind} nodeset=\"{path}/{ROW_FIELD}\" type=\"string\" readonly=\"true()\" calculate=\"once(uuid())\"/>")
        })
        .collect();
    (at..at, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = include_str!("fixtures/sample.xml");

    #[test]
    fn every_row_gets_an_id_and_nothing_else_changes() {
        let form = prepare(SAMPLE).unwrap();
        assert_eq!(form.xform.matches("<trib_row/>").count(), 5);
        let rows: Vec<&str> = form
            .model
            .fields
            .iter()
            .filter(|f| f.kind == FieldKind::RowId)
            .map(|f| f.path.as_str())
            .collect();
        assert_eq!(rows, ["/data/legs/trib_row", "/data/legs/stops/trib_row"]);
        let bind = |path: &str| {
            format!(
                "<bind nodeset=\"{path}/trib_row\" type=\"string\" readonly=\"true()\" calculate=\"once(uuid())\"/>"
            )
        };
        let without = form
            .xform
            .replace("<trib_row/>", "")
            .replacen(&bind("/data/legs"), "", 1)
            .replacen(&bind("/data/legs/stops"), "", 1);
        assert_eq!(without, SAMPLE);
        assert_eq!(prepare(&form.xform).unwrap(), form);
    }

    #[test]
    fn empty_and_prefixed_elements_are_hit_too() {
        let xml = "<x:html xmlns:x=\"http://www.w3.org/2002/xforms\"><x:head><x:model><x:instance><d xmlns=\"u\" id=\"f\"><r/><s a='/>'></s></d></x:instance></x:model></x:head>\
            <x:body><x:repeat nodeset=\"/d/r\"/><x:repeat nodeset=\" /d/s\"/></x:body></x:html>";
        let form = prepare(xml).unwrap();
        assert!(
            form.xform
                .contains("<r><trib_row/></r><s a='/>'><trib_row/></s>"),
            "{}",
            form.xform
        );
        assert!(
            form.xform
                .contains("</x:instance><x:bind nodeset=\"/d/r/trib_row\""),
            "{}",
            form.xform
        );
        assert_eq!(form.model.fields.len(), 4);
    }
}
