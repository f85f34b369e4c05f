//! The push: one status for every number, and every number is used (§5.2).

mod place;
mod status;

use std::collections::HashMap;

use tributary_sync_core::change::{Changeset, Stamp, Stored, chain_next, named_record};
use tributary_sync_core::clock::{Dot, Hlc};
use tributary_sync_core::ids::{EpochId, ItemHash, LogPos, RecordId, Seq};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::message::ExchangeRequest;

use super::cursor::Cursor;
use super::gate::{Passed, context_mark};
use super::merge::{Author, Merger, Refused, effective};
use super::{Caller, Env, Refusal, context, people, scope};
use crate::storage::{
    ActorRow, ItemRow, ItemStatus, LogKind, NewLog, NewQuarantine, OrgTxn, RecordNo,
};

pub(in crate::service) use place::meta_code;
pub(super) use status::{result, results};

/// Bytes that one profile may have in quarantine (§7).
const QUARANTINE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// What the pull half needs of the push half.
#[derive(Debug)]
pub(super) struct Pushed {
    /// Where the pull goes on.
    pub(super) cursor: Option<Cursor>,
    /// The last number that was used before.
    pub(super) acked_before: Seq,
    /// The last number that the request carried.
    pub(super) last_sent: Seq,
    /// Whether scopes are behind the directory.
    pub(super) scopes_owed: bool,
}

/// How one item ended.
struct Outcome {
    status: ItemStatus,
    code: Option<&'static str>,
    record: Option<RecordNo>,
    pos: Option<LogPos>,
    effective: Option<Hlc>,
}

impl Outcome {
    fn bare(status: ItemStatus, code: Option<&'static str>, record: Option<RecordNo>) -> Self {
        Self {
            status,
            code,
            record,
            pos: None,
            effective: None,
        }
    }
}

struct Push<'t, 'c> {
    txn: &'t OrgTxn<'c>,
    env: &'t Env,
    caller: &'t Caller,
    cursor: Option<Cursor>,
    confirmed: LogPos,
    marks: HashMap<EpochId, LogPos>,
    merger: Merger<'t, 'c>,
}

/// Takes what is new of the items.
pub(super) fn push(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    request: &ExchangeRequest,
    passed: Passed,
) -> Result<Pushed, Refusal> {
    let Passed { actor, cursor } = passed;
    if let Some(cursor) = cursor {
        txn.confirm(caller.profile, cursor.confirms())?;
    }
    let known = txn.profile(caller.profile)?.ok_or(Refusal::ActorUnknown)?;
    let skew = request.device_time.map(|t| {
        i64::try_from(t)
            .unwrap_or(i64::MAX)
            .saturating_sub_unsigned(env.now)
    });
    txn.note_sync(caller.profile, env.now, skew, request.client.as_deref())?;
    if !caller.revoked {
        for id in &request.leaves {
            scope::emptied(txn, env, caller.profile, *id)?;
        }
    }
    let mut push = Push {
        txn,
        env,
        caller,
        cursor,
        confirmed: txn.ever_confirmed(caller.profile)?,
        marks: HashMap::new(),
        merger: Merger::new(txn, env),
    };
    let acked_before = actor.acked;
    let mut last_sent = request.first.before();
    let mut chain = actor.chain;
    let mut acked = actor.acked;
    for item in &request.items {
        last_sent = item.seq();
        if item.seq() > acked {
            chain = chain_next(chain, item.seq(), item.hash());
            push.take(&actor, item, chain)?;
            acked = item.seq();
        }
    }
    if acked > acked_before {
        txn.advance_actor(actor.id, acked, chain)?;
    }
    push.merger.finish()?;
    let full = txn.profile(caller.profile)?.is_some_and(|p| {
        p.quarantine_bytes > QUARANTINE_BYTES_MAX && p.quarantine_bytes > known.quarantine_bytes
    });
    if full {
        // The whole request is undone: nothing is acknowledged, the device keeps everything.
        return Err(Refusal::QuarantineFull);
    }
    Ok(Pushed {
        cursor,
        acked_before,
        last_sent,
        scopes_owed: people::is_owed(txn)?,
    })
}

impl Push<'_, '_> {
    fn take(
        &mut self,
        actor: &ActorRow,
        item: &Item,
        chain: tributary_sync_core::ids::ChainHash,
    ) -> Result<(), Refusal> {
        let dot = Dot::new(actor.id, item.seq());
        let outcome = match item {
            Item::Change { change, effective } => self.change(change, *effective)?,
            Item::Opaque { hash, bytes, .. } => self.opaque(dot, *hash, bytes)?,
            Item::Void { .. } => Outcome::bare(ItemStatus::Void, None, None),
        };
        let pos = match (outcome.pos, outcome.status) {
            (Some(pos), _) => pos,
            (None, ItemStatus::Quarantined) => self.log_quarantined(dot, item)?,
            (None, _) => self.txn.head()?.0,
        };
        self.txn.add_item(&ItemRow {
            dot,
            hash: item.hash(),
            chain,
            status: outcome.status,
            code: outcome.code.map(str::to_owned),
            record: outcome.record,
            pos,
            effective: outcome.effective,
        })?;
        Ok(())
    }

    /// What could not be read once, and can be now, is taken as what it is. What nobody can read waits under the record that its beginning names, so that an erasure finds it; of one that is
    /// erased nothing is kept.
    fn opaque(&mut self, dot: Dot, hash: ItemHash, bytes: &[u8]) -> Result<Outcome, Refusal> {
        if let Ok(change) = Changeset::from_bytes(bytes)
            && change.dot == dot
            && change.hash() == hash
        {
            return self.change(&change, None);
        }
        let named = named_record(bytes);
        if let Some(id) = named
            && self.txn.erased(id)?
        {
            self.txn.count_late_edit(id)?;
            return Ok(Outcome::bare(ItemStatus::Void, Some("erased"), None));
        }
        const CODE: &str = "item_unreadable";
        self.quarantine(dot, named, bytes, false, None, CODE)?;
        let no = named.map(|id| self.txn.record_no(id)).transpose()?;
        Ok(Outcome::bare(
            ItemStatus::Quarantined,
            Some(CODE),
            no.flatten(),
        ))
    }

    /// What waits in quarantine has a position of its own: a copy that ends before it does not hold it.
    fn log_quarantined(&self, dot: Dot, item: &Item) -> Result<LogPos, Refusal> {
        let hash = item.hash();
        let new = NewLog {
            kind: LogKind::Quarantined,
            record: None,
            profile: Some(self.caller.profile),
            dot: Some(dot),
            body: hash.as_bytes(),
        };
        Ok(self.txn.append(&new, self.env.now)?)
    }

    fn change(&mut self, change: &Changeset, repeat: Option<Hlc>) -> Result<Outcome, Refusal> {
        if self.txn.erased(change.record)? {
            self.txn.count_late_edit(change.record)?;
            return Ok(Outcome::bare(ItemStatus::Void, Some("erased"), None));
        }
        if self.known_before(change)? {
            return Ok(Outcome::bare(
                ItemStatus::Duplicate,
                None,
                self.txn.record_no(change.record)?,
            ));
        }
        match self.place(change)? {
            Err(Refused(code)) => {
                self.quarantine(
                    change.dot,
                    Some(change.record),
                    change.bytes(),
                    true,
                    repeat,
                    code,
                )?;
                self.remember_origin(change)?;
                let no = self.txn.record_no(change.record)?;
                Ok(Outcome::bare(ItemStatus::Quarantined, Some(code), no))
            }
            Ok(no) => self.merge(no, change, repeat),
        }
    }

    fn merge(
        &mut self,
        no: RecordNo,
        change: &Changeset,
        repeat: Option<Hlc>,
    ) -> Result<Outcome, Refusal> {
        let mark = match change.seen.is_empty() {
            true => LogPos::ZERO,
            false => self.mark(change.epoch)?,
        };
        let checked = context::check(
            self.txn,
            self.caller.profile,
            no,
            change.dot,
            &change.seen,
            mark,
        )?;
        let effective = effective(change.clock, self.env.now, repeat);
        let stamp = Stamp {
            context: checked.context,
            effective,
            received: self.env.now,
            cut: checked.cut,
        };
        let stored = Stored {
            change: change.clone(),
            stamp,
        };
        let author = Author {
            profile: Some(self.caller.profile),
            user: Some(self.caller.user),
            role: self.caller.role,
            decides: true,
            first: repeat.is_none(),
        };
        let merged = self.merger.merge(&stored, &author)?;
        self.remember_origin(change)?;
        Ok(Outcome {
            status: if checked.cut {
                ItemStatus::Cut
            } else {
                ItemStatus::Applied
            },
            code: merged.kept_protection.then_some("decision_refused"),
            record: Some(no),
            pos: Some(merged.pos),
            effective: Some(effective),
        })
    }

    /// [`context_mark`], asked once for each epoch that a request names.
    fn mark(&mut self, epoch: EpochId) -> Result<LogPos, Refusal> {
        if let Some(known) = self.marks.get(&epoch) {
            return Ok(*known);
        }
        let mark = context_mark(self.txn, self.caller, self.cursor.as_ref(), epoch)?;
        self.marks.insert(epoch, mark);
        Ok(mark)
    }

    /// A second arrival of one origin, whichever form came first.
    fn known_before(&self, change: &Changeset) -> Result<bool, Refusal> {
        if let Some(origin) = change.origin
            && self.txn.origin_known(origin.dot, origin.hash)?
        {
            return Ok(true);
        }
        Ok(self.txn.restamped(change.dot, change.hash())?)
    }

    fn remember_origin(&self, change: &Changeset) -> Result<(), Refusal> {
        if let Some(origin) = change.origin {
            self.txn.add_origin(origin.dot, origin.hash)?;
        }
        Ok(())
    }

    fn quarantine(
        &self,
        dot: Dot,
        record: Option<RecordId>,
        body: &[u8],
        readable: bool,
        repeat: Option<Hlc>,
        code: &'static str,
    ) -> Result<(), Refusal> {
        let new = NewQuarantine {
            profile: self.caller.profile,
            dot,
            record,
            body,
            readable,
            code,
            repeat,
        };
        Ok(self.txn.quarantine(&new, self.env.now)?)
    }
}
