//! The errors of this crate: what was wrong with bytes or text that came from outside, with a stable code.
//!
//! No error quotes an answer. Outcomes of the protocol (duplicate, quarantined, fork …) are values, not errors.

use thiserror::Error;

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
