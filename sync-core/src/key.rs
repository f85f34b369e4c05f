//! What a changeset may write to: an answer, an answer in a row of a repeat, row meta, record meta.
//!
//! Not here: which field is which question; that is the form's business.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::ParseError;
use crate::ids::{CommentId, FieldId, RowId};
use crate::value::Opaque;

/// One register of a record. The derived order is the canonical order: by kind, then element by element.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// An answer outside repeats: `f12`.
    Field(FieldId),
    /// An answer in a row of a repeat: `g3.<row>.f13`.
    Row {
        /// The repeat.
        group: FieldId,
        /// The row.
        row: RowId,
        /// The question.
        field: FieldId,
    },
    /// Whether a row stands, and where: `g3.<row>.row`.
    RowMeta {
        /// The repeat.
        group: FieldId,
        /// The row.
        row: RowId,
    },
    /// Something about the record itself: `m.status`.
    Meta(MetaKey),
    /// A kind of key that this build does not know: `x40.<base64url>`.
    Opaque(Opaque),
}

/// Record meta (§9.7).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MetaKey {
    /// draft, complete, returned, approved or rejected.
    Status,
    /// A user or a team.
    Assignee,
    /// Deleted or restored.
    Deleted,
    /// A comment, written once.
    Comment(CommentId),
}

impl Key {
    /// Whether this is an answer (and not row or record meta).
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Field(_) | Self::Row { .. } | Self::Opaque(_))
    }
    /// The question, for answers of a known kind.
    pub fn field(&self) -> Option<FieldId> {
        match self {
            Self::Field(field) | Self::Row { field, .. } => Some(*field),
            _ => None,
        }
    }
    /// The repeat and row, for what belongs to a row.
    pub fn row(&self) -> Option<(FieldId, RowId)> {
        match self {
            Self::Row { group, row, .. } | Self::RowMeta { group, row } => Some((*group, *row)),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(field) => write!(f, "f{field}"),
            Self::Row { group, row, field } => write!(f, "g{group}.{row}.f{field}"),
            Self::RowMeta { group, row } => write!(f, "g{group}.{row}.row"),
            Self::Meta(MetaKey::Status) => f.write_str("m.status"),
            Self::Meta(MetaKey::Assignee) => f.write_str("m.assignee"),
            Self::Meta(MetaKey::Deleted) => f.write_str("m.deleted"),
            Self::Meta(MetaKey::Comment(id)) => write!(f, "m.comment.{id}"),
            Self::Opaque(o) => write!(f, "x{}.{}", o.tag(), URL_SAFE_NO_PAD.encode(o.bytes())),
        }
    }
}

/// A decimal number in its one spelling.
fn number(text: &str) -> Result<u32, ParseError> {
    let canonical =
        text == "0" || !text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| canonical)
        .ok_or(ParseError::Key)
}

impl FromStr for Key {
    type Err = ParseError;
    fn from_str(s: &str) -> Result<Self, ParseError> {
        let mut parts = s.split('.');
        let first = parts.next().unwrap_or_default();
        let rest = [parts.next(), parts.next(), parts.next()];
        let key = match (first.as_bytes().first(), rest) {
            (Some(b'f'), [None, ..]) => Self::Field(FieldId(number(&first[1..])?)),
            (Some(b'g'), [Some(row), Some(leaf), None]) => {
                let (group, row) = (FieldId(number(&first[1..])?), row.parse()?);
                match leaf.strip_prefix('f') {
                    Some(field) => Self::Row {
                        group,
                        row,
                        field: FieldId(number(field)?),
                    },
                    None if leaf == "row" => Self::RowMeta { group, row },
                    None => return Err(ParseError::Key),
                }
            }
            (Some(b'm'), [Some(name), id, None]) if first == "m" => Self::Meta(match (name, id) {
                ("status", None) => MetaKey::Status,
                ("assignee", None) => MetaKey::Assignee,
                ("deleted", None) => MetaKey::Deleted,
                ("comment", Some(id)) => MetaKey::Comment(id.parse()?),
                _ => return Err(ParseError::Key),
            }),
            (Some(b'x'), [Some(bytes), None, None]) => {
                let bytes = URL_SAFE_NO_PAD.decode(bytes).map_err(|_| ParseError::Key)?;
                Self::Opaque(Opaque::new(number(&first[1..])?, bytes)?)
            }
            _ => return Err(ParseError::Key),
        };
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_one_spelling() {
        for text in [
            "f12",
            "g3.00000000000000aa.f13",
            "g3.00000000000000aa.row",
            "m.status",
            "m.assignee",
            "m.deleted",
            "m.comment.0000000000000001",
            "x40.AAEC",
        ] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "f",
            "f01",
            "f+1",
            "f-1",
            "g3.aa.f1",
            "m",
            "m.x",
            "mm.status",
            "x31.AA",
            "f1.f2",
            "g1.00000000000000aa.f1.f2",
            "m.status.x",
        ] {
            assert!(bad.parse::<Key>().is_err(), "{bad} was taken");
        }
    }
}
