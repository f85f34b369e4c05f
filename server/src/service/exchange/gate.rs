//! What is compared before any push or pull: epoch, head, cursor and chain (§5.3, §5.6).

use tributary_sync_core::change::chain_next;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{ActorId, ChainHash, LogPos, OrgId, Seq};
use tributary_sync_core::wire::message::{ExchangeRequest, Head, ITEMS_MAX};

use super::cursor::Cursor;
use super::{Caller, Env, Refusal, push};
use crate::storage::{ActorRow, OrgTxn};

/// What a request that may go on has shown.
pub(super) struct Passed {
    /// Its actor.
    pub(super) actor: ActorRow,
    /// Its cursor.
    pub(super) cursor: Option<Cursor>,
}

/// Lets the request through or says why not. `Refusal::Stopped` means: stop writing from now on.
pub(super) fn check(
    txn: &OrgTxn<'_>,
    caller: &Caller,
    request: &ExchangeRequest,
) -> Result<Passed, Refusal> {
    check_head(txn, request.head.as_ref())?;
    if txn.stopped()? {
        return Err(Refusal::Stopped);
    }
    let epoch = txn.epoch()?.id;
    if request.epoch != epoch {
        return Err(Refusal::EpochChanged { epoch });
    }
    let cursor = match &request.cursor {
        Some(text) => Some(Cursor::open(txn, caller.profile, text)?),
        None => None,
    };
    if cursor.is_some_and(|c| c.epoch != epoch) {
        return Err(Refusal::CursorInvalid);
    }
    let actor = own_actor(txn, caller, request.actor)?;
    if actor.closed {
        return Err(Refusal::ActorClosed);
    }
    check_chain(txn, caller, &actor, request)?;
    Ok(Passed { actor, cursor })
}

/// An actor of the caller; another's number gets the same answer as none.
pub(super) fn own_actor(
    txn: &OrgTxn<'_>,
    caller: &Caller,
    id: ActorId,
) -> Result<ActorRow, Refusal> {
    txn.actor(id)?
        .filter(|a| a.profile == Some(caller.profile))
        .ok_or(Refusal::ActorUnknown)
}

/// Whether this organisation signed the head. Needs no transaction: the one writer has better things to do.
pub(super) fn check_signature(env: &Env, org: OrgId, head: Option<&Head>) -> Result<(), Refusal> {
    match head {
        Some(head) if !env.signer.verify(org, &head.signed_bytes(org), &head.sig) => {
            Err(Refusal::HeadInvalid)
        }
        _ => Ok(()),
    }
}

/// A server that does not have exactly the head that a device was given in this epoch was rolled back or copied. So
/// was one that never heard of an epoch that it opened later than its own. Signatures of earlier epochs are no evidence.
/// [`check_signature`] comes first.
pub(super) fn check_head(txn: &OrgTxn<'_>, head: Option<&Head>) -> Result<(), Refusal> {
    let Some(head) = head else { return Ok(()) };
    let now = txn.epoch()?;
    let sound = if head.epoch == now.id {
        txn.log_hash(head.pos)? == Some(head.hash)
    } else {
        txn.epoch_by_id(head.epoch)?.is_some() || head.opened <= now.opened_at
    };
    if sound {
        return Ok(());
    }
    txn.note_epoch_shown(head.opened)?;
    Err(Refusal::Stopped)
}

/// h of an actor at a number it has used.
pub(super) fn chain_at(
    txn: &OrgTxn<'_>,
    actor: &ActorRow,
    seq: Seq,
) -> Result<Option<ChainHash>, Refusal> {
    if seq == actor.acked {
        return Ok(Some(actor.chain));
    }
    if seq == Seq::ZERO {
        return Ok(Some(tributary_sync_core::change::chain_start(
            txn.org(),
            actor.id,
            &actor.device_key,
        )));
    }
    Ok(txn.item(Dot::new(actor.id, seq))?.map(|i| i.chain))
}

fn check_chain(
    txn: &OrgTxn<'_>,
    caller: &Caller,
    actor: &ActorRow,
    request: &ExchangeRequest,
) -> Result<(), Refusal> {
    if request.first == Seq::ZERO {
        return Err(Refusal::ChainInvalid);
    }
    let base = request.first.before();
    if base > actor.acked {
        let expected = actor.acked.next().map_err(|_| Refusal::ChainInvalid)?;
        return Err(Refusal::Gap { expected });
    }
    let forked = |agreed: Option<Seq>| -> Result<(), Refusal> {
        let results = match agreed {
            Some(agreed) => push::results(txn, caller, actor.id, request.first, agreed, true)?,
            None => Vec::new(),
        };
        Err(Refusal::Forked {
            actor: actor.id,
            agreed,
            results,
        })
    };
    if chain_at(txn, actor, base)? != Some(request.before) {
        return forked(None);
    }
    let mut hash = request.before;
    let mut last = base;
    for item in &request.items {
        last = item.seq();
        if last <= actor.acked {
            let known = txn.item(Dot::new(actor.id, last))?;
            if known.is_none_or(|k| k.hash != item.hash()) {
                return forked(Some(last.before()));
            }
        }
        hash = chain_next(hash, last, item.hash());
    }
    let made = request.chain;
    if made.seq < last || (made.seq == last && made.hash != hash) {
        return Err(Refusal::ChainInvalid);
    }
    if made.seq <= actor.acked && chain_at(txn, actor, made.seq)? != Some(made.hash) {
        return forked(None);
    }
    if made.seq < actor.acked {
        // The statuses of more numbers than a push may carry are asked for by comparing.
        let span = made.seq.get().saturating_sub(base.get());
        return forked(Some(made.seq).filter(|_| span <= ITEMS_MAX as u64));
    }
    Ok(())
}

/// Up to which log position a context taken in `epoch` can name others (§1.7): in the epoch in force what the request's
/// cursor had read, in an earlier one what the profile had confirmed when the next opened.
pub(super) fn context_mark(
    txn: &OrgTxn<'_>,
    caller: &Caller,
    cursor: Option<&Cursor>,
    epoch: tributary_sync_core::ids::EpochId,
) -> Result<LogPos, Refusal> {
    let Some(taken) = txn.epoch_by_id(epoch)? else {
        return Ok(LogPos::ZERO);
    };
    if taken.id == txn.epoch()?.id {
        return Ok(cursor.map_or(LogPos::ZERO, |c| c.seen));
    }
    Ok(txn.epoch_mark(taken.ordinal, caller.profile)?)
}
