//! The errors of this crate: what was wrong with bytes or text that came from outside, with a stable code.
//!
//! No error quotes an answer. Outcomes of the protocol (duplicate, quarantined, fork …) are values, not errors.

use thiserror::Error;

/// An enum of plain kinds, each with its stable code: the catalogue in `schemas/error-codes.md` is written from it.
macro_rules! coded {
    ($(#[$outer:meta])* pub enum $Name:ident { $(#[doc = $doc:literal] $Kind:ident = $code:literal,)* }) => {
        $(#[$outer])*
        pub enum $Name { $(#[doc = $doc] $Kind,)* }

        impl $Name {
            /// All of them, in the order of the catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$Kind,)*];
            /// The stable code, as listed in `schemas/error-codes.md`.
            pub fn code(self) -> &'static str {
                match self { $(Self::$Kind => $code,)* }
            }
            /// What it means, in a sentence.
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$Kind => $doc.trim_ascii(),)* }
            }
        }
    };
}
pub(crate) use coded;

/// Text or bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseError {
    /// Not an id of that kind.
    #[error("not a valid {0}")]
    Id(&'static str),
    /// A counter above 2^53 − 1.
    #[error("a counter above 2^53 − 1")]
    Counter,
    /// A key of no known form.
    #[error("not a valid key")]
    Key,
    /// A value whose content does not fit its type.
    #[error("not a valid {0} value")]
    Value(&'static str),
    /// One key written twice in one changeset, or one entry named twice in a list that is a set.
    #[error("{0} named twice")]
    Duplicate(&'static str),
    /// A limit of §1.8 is exceeded.
    #[error("{what} exceeds the limit of {limit}")]
    Limit {
        /// What is too large.
        what: &'static str,
        /// The limit, in the unit of `what`.
        limit: u64,
    },
    /// Bytes that end too early, run on, or hold an impossible tag.
    #[error("malformed bytes: {0}")]
    Bytes(&'static str),
    /// A frame or stored form of a version that this build does not know.
    #[error("version {0} is not known")]
    Version(u64),
    /// A frame names fields by their place in a form package that is not known here: send JSON, or fetch the form.
    #[error("a form version that is not known here")]
    UnknownForm,
}

impl ParseError {
    /// Every code with what it means, in the order of the catalogue.
    pub const CODES: &'static [(&'static str, &'static str)] = &[
        ("id_invalid", "An id is not one of its kind."),
        (
            "counter_too_large",
            "A counter is 0 where numbers begin at 1, or above 2^53 − 1.",
        ),
        ("key_invalid", "A key has no known form."),
        (
            "value_invalid",
            "The content of a value does not fit its type.",
        ),
        (
            "duplicate_entry",
            "One key is written twice in one changeset, or one entry is named twice in a list that is a set.",
        ),
        ("limit_exceeded", "A limit of the protocol is exceeded."),
        (
            "bytes_malformed",
            "The bytes end too early, run on, or hold an impossible tag.",
        ),
        (
            "version_unknown",
            "A frame or a stored form is of a version that this server does not know.",
        ),
        (
            "form_unknown",
            "A frame names fields by a form version that is not known here: send JSON, or fetch the form.",
        ),
    ];
    /// The stable code, as listed in `schemas/error-codes.md`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Id(_) => "id_invalid",
            Self::Counter => "counter_too_large",
            Self::Key => "key_invalid",
            Self::Value(_) => "value_invalid",
            Self::Duplicate(_) => "duplicate_entry",
            Self::Limit { .. } => "limit_exceeded",
            Self::Bytes(_) => "bytes_malformed",
            Self::Version(_) => "version_unknown",
            Self::UnknownForm => "form_unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The place of each kind in the table. A kind that is added does not compile until it stands here.
    fn place(error: &ParseError) -> usize {
        match error {
            ParseError::Id(_) => 0,
            ParseError::Counter => 1,
            ParseError::Key => 2,
            ParseError::Value(_) => 3,
            ParseError::Duplicate(_) => 4,
            ParseError::Limit { .. } => 5,
            ParseError::Bytes(_) => 6,
            ParseError::Version(_) => 7,
            ParseError::UnknownForm => 8,
        }
    }

    #[test]
    fn the_table_of_codes_holds_every_kind() {
        let all = [
            ParseError::Id(""),
            ParseError::Counter,
            ParseError::Key,
            ParseError::Value(""),
            ParseError::Duplicate(""),
            ParseError::Limit { what: "", limit: 0 },
            ParseError::Bytes(""),
            ParseError::Version(0),
            ParseError::UnknownForm,
        ];
        assert_eq!(ParseError::CODES.len(), all.len());
        for (at, error) in all.iter().enumerate() {
            assert_eq!(place(error), at);
            assert_eq!(ParseError::CODES[at].0, error.code());
        }
    }
}
