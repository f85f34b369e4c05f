//! Settling a conflict: one of the answers, or a new one, by somebody who saw them all, with a reason (§1.9).
//!
//! Not here: lowering a protection; settling for a weaker value than the strongest is refused, see [`mod@super::decide`].

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::RecordId;
use tributary_sync_core::key::Key;
use tributary_sync_core::value::Value;

use super::write::{Act, Guard, STATUS, act, because};
use super::{Acting, Shown, Written};
use crate::service::access::Action;
use crate::service::env::Env;
use crate::service::error::{Result, invalid};
use crate::service::exchange::meta_code;
use crate::storage::{OrgFiles, RecordRow};

/// What somebody settles for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The answer that this changeset gave.
    Candidate(Dot),
    /// Another answer.
    Value(Value),
}

/// A conflict to settle.
#[derive(Clone, Debug)]
pub struct Settle {
    /// The question.
    pub key: Key,
    /// The answer.
    pub choice: Choice,
    /// Why.
    pub reason: String,
}

/// Settles a conflict.
pub fn settle(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    record: (RecordId, &Shown),
    settle: Settle,
) -> Result<Written> {
    let role = acting.role;
    act(files, env, acting, record, Action::Settle, move |_, row| {
        let Some(value) = choose(row, &settle.key, settle.choice)? else {
            return Ok(Err(Written::Changed(vec![settle.key])));
        };
        if let Key::Meta(meta) = &settle.key
            && meta_code(role, *meta, &value, true).is_some()
        {
            return Err(invalid("/value", "value_invalid", "This is no status."));
        }
        Ok(Ok(Act {
            decisions: vec![because(row, &settle.key, &settle.reason)?],
            writes: vec![(settle.key, value)],
            decides: false,
            guard: Guard::Written,
            action: "record.settle",
        }))
    })
}

/// The value that is meant, if it may stand under this key; none if the answer chosen no longer lives.
pub(super) fn choose(row: &RecordRow, key: &Key, choice: Choice) -> Result<Option<Value>> {
    let values = row.record.values(key);
    if values.is_empty() || !(key.is_answer() || *key == STATUS) {
        return Err(invalid(
            "/key",
            "key_unknown",
            "This record has no answer to this question.",
        ));
    }
    match choice {
        Choice::Candidate(dot) => Ok(values
            .iter()
            .find(|(d, _)| *d == dot)
            .map(|(_, value)| value.clone())),
        Choice::Value(Value::Row(_) | Value::Deleted(_) | Value::Opaque(_)) => Err(invalid(
            "/value",
            "value_invalid",
            "This is no answer to a question.",
        )),
        Choice::Value(value) => Ok(Some(value)),
    }
}
