//! What became of a number, as of now: told with a push, after a fork, and in a comparison.

use tributary_sync_core::ids::{ActorId, Seq};
use tributary_sync_core::wire::message::{PushResult, Status};

use super::{Caller, Refusal};
use crate::storage::{ItemRow, ItemStatus, OrgTxn};

/// The status of the numbers `first..=last` of an actor, as of now.
pub(in crate::service::exchange) fn results(
    txn: &OrgTxn<'_>,
    caller: &Caller,
    actor: ActorId,
    first: Seq,
    last: Seq,
    repeat: bool,
) -> Result<Vec<PushResult>, Refusal> {
    let mut out = Vec::new();
    for item in txn.items(actor, first, last)? {
        out.push(result(txn, caller, &item, repeat)?);
    }
    Ok(out)
}

/// The status of one number, as of now.
pub(in crate::service::exchange) fn result(
    txn: &OrgTxn<'_>,
    caller: &Caller,
    item: &ItemRow,
    repeat: bool,
) -> Result<PushResult, Refusal> {
    let erased = match item.record {
        Some(no) => txn.erased_no(no)?,
        None => item.code.as_deref() == Some("erased"),
    };
    let status = match item.status {
        _ if erased => Status::Erased,
        ItemStatus::Applied => Status::Applied,
        ItemStatus::Cut => Status::Cut,
        ItemStatus::Duplicate => Status::Duplicate,
        ItemStatus::Quarantined => Status::Quarantined,
        ItemStatus::Void => Status::Void,
    };
    let in_log = matches!(status, Status::Applied | Status::Cut);
    let out_of_scope = match item.record.filter(|_| in_log) {
        Some(no) => !txn.scope(caller.profile, no)?.is_some_and(|s| s.live()),
        None => false,
    };
    Ok(PushResult {
        seq: item.dot.seq,
        status,
        repeat,
        code: item.code.clone().filter(|_| !erased),
        effective: item.effective.filter(|_| in_log),
        out_of_scope,
        pos: in_log.then_some(item.pos),
    })
}
