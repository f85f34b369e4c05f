//! Decisions: lowering a protective value or clearing a flag, with a name and a reason (§2.2).

use tributary_sync_core::change::Decision;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::RecordId;
use tributary_sync_core::key::Key;

use super::settle::choose;
use super::write::{Act, Guard, act, given_reason};
use super::{Acting, Choice, Shown, Written};
use crate::service::access::Action;
use crate::service::env::Env;
use crate::service::error::{Result, invalid};
use crate::storage::OrgFiles;

/// Lowers what the changesets `dots` wrote under `key`. Whatever stronger value is not named stays above it: the write is
/// refused whole.
pub fn decide(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    record: (RecordId, &Shown),
    (key, dots): (Key, Vec<Dot>),
    (choice, reason): (Choice, String),
) -> Result<Written> {
    act(files, env, acting, record, Action::Decide, move |_, row| {
        let Some(value) = choose(row, &key, choice)? else {
            return Ok(Err(Written::Changed(vec![key])));
        };
        let mut named = dots;
        named.sort();
        named.dedup();
        if named.is_empty() {
            return Err(invalid(
                "/dots",
                "decision_names_nothing",
                "Name the values that are lowered.",
            ));
        }
        let decision = Decision {
            key: key.clone(),
            dots: named,
            reason: given_reason(&reason)?,
        };
        Ok(Ok(Act {
            writes: vec![(key, value)],
            decisions: vec![decision],
            decides: true,
            guard: Guard::Written,
            action: "record.decide",
        }))
    })
}
