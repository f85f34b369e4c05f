//! The answer: results, receipt, head and pull, over a snapshot taken after the commit.

use tributary_sync_core::ids::{OrgId, Seq};
use tributary_sync_core::wire::message::{
    ChainPoint, ExchangeReply, ExchangeRequest, Head, Receipt,
};

use super::gate::own_actor;
use super::push::{self, Pushed};
use super::{Caller, Env, Refusal, pull};
use crate::storage::{ActorRow, OrgTxn, StorageError};

/// Builds the whole answer.
pub(super) fn exchange(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    request: &ExchangeRequest,
    pushed: Pushed,
) -> Result<ExchangeReply, Refusal> {
    let actor = own_actor(txn, caller, request.actor)?;
    let mut results = push::results(
        txn,
        caller,
        actor.id,
        request.first,
        pushed.last_sent,
        false,
    )?;
    for result in results.iter_mut().filter(|r| r.seq <= pushed.acked_before) {
        let item = txn.item(tributary_sync_core::clock::Dot::new(actor.id, result.seq))?;
        if let Some(item) = item {
            *result = push::result(txn, caller, &item, true)?;
        }
    }
    let head = head(txn, env)?;
    let receipt = receipt(txn, env, caller.org, &actor)?;
    let page = match caller.revoked {
        true => pull::Page::of_revoked(txn, env, request, &results)?,
        false => pull::page(txn, env, caller, request, pushed.cursor)?,
    };
    Ok(ExchangeReply {
        epoch: head.epoch,
        server_time: env.now,
        head,
        acked: ChainPoint {
            seq: actor.acked,
            hash: actor.chain,
        },
        results,
        receipt,
        entries: page.entries,
        cursor: page
            .cursor
            .map(|c| c.seal(txn, caller.profile))
            .transpose()?,
        more: page.more,
        revoked: caller.revoked,
    })
}

/// The signed head of the log as of this snapshot.
pub fn head(txn: &OrgTxn<'_>, env: &Env) -> Result<Head, StorageError> {
    let epoch = txn.epoch()?;
    let (pos, hash) = txn.head()?;
    let mut head = Head {
        epoch: epoch.id,
        opened: epoch.opened_at,
        pos,
        hash,
        copied: txn.copied()?,
        sig: String::new(),
    };
    head.sig = env.signer.sign(txn.org(), &head.signed_bytes(txn.org()))?;
    Ok(head)
}

fn receipt(txn: &OrgTxn<'_>, env: &Env, org: OrgId, actor: &ActorRow) -> Result<Receipt, Refusal> {
    let copied = txn.copied()?;
    let copied_seq = if actor.acked == Seq::ZERO {
        Seq::ZERO
    } else {
        txn.last_item_at(actor.id, copied)?
    };
    let mut receipt = Receipt {
        actor: actor.id,
        seq: actor.acked,
        hash: actor.chain,
        epoch: txn.epoch()?.id,
        copied,
        copied_seq,
        attachments: Vec::new(),
        sig: String::new(),
    };
    receipt.sig = env.signer.sign(org, &receipt.signed_bytes(org))?;
    Ok(receipt)
}
