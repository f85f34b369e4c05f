//! Why a step did not happen: a code that the pages have words for, and what it is about. No refusal quotes an answer.

use serde::Serialize;
use tributary_sync_core::error::ParseError;
use tributary_sync_core::session::{
    EnrolRefused, FormDamaged, ReplyRefused, SaveRefused, SessionError, StoreError,
};

use crate::rows::Missing;

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Refused {
    /// The code, as `server/web/field/src/core/types.ts` lists it.
    pub code: &'static str,
    /// The question that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `form_open`: the session that has the record open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<u64>,
}

/// What ends a step.
#[derive(Debug)]
pub(crate) enum Failed {
    /// A row is not in memory.
    Missing,
    /// It does not happen.
    Refused(Refused),
}

impl Failed {
    pub(crate) fn code(code: &'static str) -> Self {
        Self::Refused(Refused {
            code,
            key: None,
            session: None,
        })
    }
}

impl From<StoreError> for Failed {
    fn from(e: StoreError) -> Self {
        match e.source_ref().downcast_ref::<Missing>() {
            Some(_) => Self::Missing,
            None => Self::code("store"),
        }
    }
}

impl From<ParseError> for Failed {
    fn from(e: ParseError) -> Self {
        Self::code(match e {
            ParseError::Limit { .. } => "too_large",
            _ => "input",
        })
    }
}

impl From<SaveRefused> for Failed {
    fn from(e: SaveRefused) -> Self {
        let (code, key) = match e {
            SaveRefused::Nothing => ("nothing_changed", None),
            SaveRefused::NotShown(key) => ("not_shown", Some(key)),
            SaveRefused::NeedsDecision(key) => ("needs_decision", Some(key)),
            SaveRefused::NotAllowed(key) => ("not_allowed", Some(key)),
            SaveRefused::Decision(key) => ("decision_incomplete", Some(key)),
            SaveRefused::Role(key) => ("role", Some(key)),
            SaveRefused::CommentWritten => ("comment_written", None),
            _ => ("input", None),
        };
        Self::Refused(Refused {
            code,
            key: key.map(|k| k.to_string()),
            session: None,
        })
    }
}

impl From<SessionError> for Failed {
    fn from(e: SessionError) -> Self {
        match e {
            SessionError::Store(e) => e.into(),
            SessionError::Parse(e) => e.into(),
            SessionError::Save(e) => e.into(),
            SessionError::Reply(ReplyRefused::Signature) => Self::code("reply_not_signed"),
            SessionError::Reply(_) => Self::code("reply_mismatch"),
            SessionError::RecordUnknown(_) => Self::code("record_unknown"),
            SessionError::RecordExists(_) => Self::code("record_exists"),
            SessionError::FormUnknown(_) => Self::code("form_unknown"),
            SessionError::FormOpen { session } => Self::Refused(Refused {
                code: "form_open",
                key: None,
                session: Some(session),
            }),
            SessionError::FormClosed => Self::code("form_closed"),
            SessionError::Revoked => Self::code("revoked"),
            SessionError::NotEmpty => Self::code("not_empty"),
            _ => Self::code("input"),
        }
    }
}

impl From<FormDamaged> for Failed {
    fn from(_: FormDamaged) -> Self {
        Self::code("form_damaged")
    }
}
impl From<EnrolRefused> for Failed {
    fn from(e: EnrolRefused) -> Self {
        match e {
            EnrolRefused::Store(e) => e.into(),
            EnrolRefused::Form(e) => e.into(),
            _ => Self::code("untrusted"),
        }
    }
}
