//! What a step of the session refuses, and why. No error quotes an answer.

use thiserror::Error;

use super::store::StoreError;
use crate::error::ParseError;
use crate::ids::{FormHash, RecordId};
use crate::key::Key;

/// A step that did not happen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store failed; the caller rolls its transaction back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A limit of §1.8, or bytes of the store that do not read.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A save that the rules do not allow.
    #[error(transparent)]
    Save(#[from] SaveRefused),
    /// A reply that changes nothing.
    #[error(transparent)]
    Reply(#[from] ReplyRefused),
    /// No such record on this device.
    #[error("this record is not on this device")]
    RecordUnknown(RecordId),
    /// The record is there already.
    #[error("this record exists already")]
    RecordExists(RecordId),
    /// The form version is not on this device.
    #[error("this form version is not on this device; sync to fetch it")]
    FormUnknown(FormHash),
    /// The record is open in another form session.
    #[error("this record is open in another form")]
    FormOpen {
        /// That session.
        session: u64,
    },
    /// The form session was closed, taken over, or its record was erased.
    #[error("this form is no longer open")]
    FormClosed,
    /// The device is revoked: nothing new is opened on it.
    #[error("this device was revoked; nothing new is recorded on it")]
    Revoked,
    /// Something still keeps the device from being emptied.
    #[error("something on this device is not safe on the server yet")]
    NotEmpty,
}

/// Why a save is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SaveRefused {
    /// Nothing was written.
    #[error("nothing was changed")]
    Nothing,
    /// A question with several answers is saved without all of them having been shown (§1.5).
    #[error("{0} has several answers; show them all before it is saved")]
    NotShown(Key),
    /// A protective value is lowered without a decision (§2.2).
    #[error("{0} would protect less; that needs a decision with a reason")]
    NeedsDecision(Key),
    /// It is a decision, and the role may not make it.
    #[error("lowering {0} needs a coordinator")]
    NotAllowed(Key),
    /// The decision names values that the person was not shown, or says no reason.
    #[error("the decision on {0} names no reason, or values that were not shown")]
    Decision(Key),
    /// The role may not write this about a record (§9.7).
    #[error("this role may not write {0}")]
    Role(Key),
    /// A comment is written once.
    #[error("a comment is written once")]
    CommentWritten,
}

/// Why a reply changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReplyRefused {
    /// A head, receipt, tombstone or grant without the organisation's signature.
    #[error("the reply is not signed by this organisation")]
    Signature,
    /// It speaks of something else than what this device has.
    #[error("the reply does not fit what this device sent")]
    Mismatch,
}
