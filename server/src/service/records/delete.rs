//! Deleting and restoring: a register like any other, nothing is removed (§2.4). Not here: erasure.

use tributary_sync_core::ids::RecordId;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::value::Value;

use super::write::{Act, Guard, act, because};
use super::{Acting, Shown, Written};
use crate::service::access::Action;
use crate::service::env::Env;
use crate::service::error::Result;
use crate::storage::OrgFiles;

const DELETED: Key = Key::Meta(MetaKey::Deleted);

/// Takes a record out of lists and exports, on the word of somebody who saw all of it.
pub fn delete(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    record: (RecordId, &Shown),
    reason: &str,
) -> Result<Written> {
    let reason = reason.to_owned();
    act(files, env, acting, record, Action::Delete, move |_, row| {
        Ok(Ok(Act {
            writes: vec![(DELETED, Value::Deleted(true))],
            decisions: vec![because(row, &DELETED, &reason)?],
            decides: false,
            guard: Guard::Answers,
            action: "record.delete",
        }))
    })
}

/// Brings it back.
pub fn restore(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    record: (RecordId, &Shown),
    reason: &str,
) -> Result<Written> {
    let reason = reason.to_owned();
    act(files, env, acting, record, Action::Delete, move |_, row| {
        Ok(Ok(Act {
            writes: vec![(DELETED, Value::Deleted(false))],
            decisions: vec![because(row, &DELETED, &reason)?],
            decides: false,
            guard: Guard::Written,
            action: "record.restore",
        }))
    })
}
