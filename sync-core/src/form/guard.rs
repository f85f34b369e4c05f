//! Opens hostile XML: everything that could make the parser slow or the memory large is refused before it runs.
//!
//! The parser compares every attribute of an element with every other and copies the namespaces in scope, so a
//! small document can cost minutes; a document type can cost everything.

use roxmltree::{Document, Node, ParsingOptions};

use super::XFORM_BYTES_MAX;
use super::error::{FormError, FormErrorKind, Place};

/// The deepest element. A group in a repeat is two elements of the body.
const ELEMENT_DEPTH_MAX: usize = 128;
const ATTRIBUTES_MAX: usize = 256;
const NAMESPACES_MAX: usize = 256;
const NODES_MAX: u32 = 1_500_000;

/// Parses an XForm within the limits.
pub(super) fn open(xml: &str) -> Result<Document<'_>, FormError> {
    open_xml(xml, XFORM_BYTES_MAX)
}

/// Parses any XML of at most `bytes_max` bytes that a stranger sent: no document type, no entities, bounded depth,
/// attributes, namespaces and elements.
pub fn open_xml(xml: &str, bytes_max: usize) -> Result<Document<'_>, FormError> {
    if xml.len() > bytes_max {
        return Err(FormError::limit("more bytes than allowed", bytes_max));
    }
    scan(xml)?;
    let options = ParsingOptions {
        nodes_limit: NODES_MAX,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(xml, options).map_err(|e| {
        let (kind, detail) = match &e {
            roxmltree::Error::DtdDetected => (
                FormErrorKind::Dtd,
                "A form may not have a document type.".to_owned(),
            ),
            roxmltree::Error::NodesLimitReached => (
                FormErrorKind::Limit,
                "This form has too many elements.".to_owned(),
            ),
            roxmltree::Error::UnknownNamespace(prefix, _) => (
                FormErrorKind::Xml,
                format!(
                    "The namespace prefix {} is not declared.",
                    super::error::quote(prefix)
                ),
            ),
            _ => (
                FormErrorKind::Xml,
                "This is not well-formed XML.".to_owned(),
            ),
        };
        let pos = e.pos();
        FormError::new(kind, detail).at(Place::Xml {
            line: pos.row,
            column: pos.col,
        })
    })
}

/// The place of a node, for errors.
pub(super) fn place(node: Node<'_, '_>) -> Place {
    let pos = node.document().text_pos_at(node.range().start);
    Place::Xml {
        line: pos.row,
        column: pos.col,
    }
}

/// A pass over the tags alone. What it takes for a tag and is none costs nothing: the parser decides.
fn scan(xml: &str) -> Result<(), FormError> {
    let bytes = xml.as_bytes();
    let (mut at, mut depth, mut namespaces) = (0, 0usize, 0usize);
    while let Some(open) = find(bytes, at, b"<") {
        let rest = &bytes[open..];
        let failed = |kind, detail: &str| Err(FormError::new(kind, detail).at(position(xml, open)));
        at = if rest.starts_with(b"<!--") {
            find(bytes, open + 4, b"-->").map_or(bytes.len(), |end| end + 3)
        } else if rest.starts_with(b"<![CDATA[") {
            find(bytes, open + 9, b"]]>").map_or(bytes.len(), |end| end + 3)
        } else if rest.starts_with(b"<!") {
            return failed(
                FormErrorKind::Dtd,
                "A form may not have a document type or entities.",
            );
        } else if rest.starts_with(b"<?") {
            find(bytes, open + 2, b"?>").map_or(bytes.len(), |end| end + 2)
        } else {
            let tag = read_tag(bytes, open);
            if rest.starts_with(b"</") {
                depth = depth.saturating_sub(1);
            } else if !tag.closed {
                depth += 1;
            }
            namespaces += tag.namespaces;
            if depth > ELEMENT_DEPTH_MAX {
                return failed(
                    FormErrorKind::Limit,
                    "Elements stand too deep inside each other.",
                );
            }
            if tag.attributes > ATTRIBUTES_MAX || namespaces > NAMESPACES_MAX {
                return failed(FormErrorKind::Limit, "Too many attributes or namespaces.");
            }
            tag.end
        };
    }
    Ok(())
}

struct Tag {
    end: usize,
    closed: bool,
    attributes: usize,
    namespaces: usize,
}

/// From `<` to behind its `>`, counting `=` outside quotes.
fn read_tag(bytes: &[u8], open: usize) -> Tag {
    let mut tag = Tag {
        end: bytes.len(),
        closed: false,
        attributes: 0,
        namespaces: 0,
    };
    let (mut quote, mut word) = (None, open + 1);
    for (i, &b) in bytes.iter().enumerate().skip(open + 1) {
        match (quote, b) {
            (Some(q), _) if q == b => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(b),
            (None, b'=') => {
                tag.attributes += 1;
                tag.namespaces += usize::from(bytes[word..i].starts_with(b"xmlns"));
            }
            (None, b'>') => {
                tag.end = i + 1;
                tag.closed = bytes[i - 1] == b'/';
                return tag;
            }
            (None, b' ' | b'\t' | b'\r' | b'\n')
                if bytes
                    .get(i + 1)
                    .is_some_and(|n| !n.is_ascii_whitespace() && *n != b'=') =>
            {
                word = i + 1;
            }
            _ => {}
        }
    }
    tag
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let tail = bytes.get(from..)?;
    tail.windows(what.len())
        .position(|w| w == what)
        .map(|i| from + i)
}

fn position(xml: &str, offset: usize) -> Place {
    let before = xml.get(..offset).unwrap_or_default();
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    Place::Xml {
        line: u32::try_from(line).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
    }
}
