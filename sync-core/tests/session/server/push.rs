//! The push half, and the exchange around it.

use tributary_sync_core::change::{Stamp, Stored, chain_next};
use tributary_sync_core::clock::{Clock, Hlc};
use tributary_sync_core::ids::*;
use tributary_sync_core::record::Record;
use tributary_sync_core::session::Problem;
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::message::*;

use super::{Cursor, Log, ORG, Server, Used, point, pos, problem, seq, sign, tombstone, verdict};

impl Server {
    pub(super) fn exchange(
        &mut self,
        profile: ProfileId,
        r: &ExchangeRequest,
    ) -> Result<ExchangeReply, Problem> {
        let cursor = self.gate(profile, r)?;
        for item in &r.items {
            if let Item::Change { change, .. } = item
                && Some(change.form) == self.unreadable
            {
                return Err(Problem {
                    seq: Some(item.seq()),
                    ..problem("item_unreadable")
                });
            }
        }
        let revoked = self.revoked.contains(&profile);
        for record in &r.leaves {
            if self.scope.remove(&(profile, *record)) {
                self.log.push(Log::Leave(profile, *record));
            }
        }
        let before = self.actors[&r.actor].acked();
        let mut results = Vec::new();
        for item in &r.items {
            let n = item.seq().get();
            if n > self.actors[&r.actor].acked() {
                self.take(profile, r, cursor, item);
            }
            let used = &self.actors[&r.actor].used[n as usize - 1];
            let mut result = used.result.clone();
            result.repeat = n <= before;
            if let Some(record) = used.record {
                let stored = matches!(result.status, Status::Applied | Status::Cut);
                result.out_of_scope =
                    result.repeat && stored && !self.scope.contains(&(profile, record));
            }
            results.push(result);
        }
        let actor = self.actors[&r.actor].clone();
        let copied_seq = actor
            .used
            .iter()
            .take_while(|u| u.result.pos.is_some_and(|p| p.get() <= self.copied))
            .count();
        let mut receipt = Receipt {
            actor: r.actor,
            seq: seq(actor.acked()),
            hash: actor.at(actor.acked()).unwrap(),
            epoch: self.epoch,
            copied: pos(self.copied),
            copied_seq: seq(copied_seq as u64),
            attachments: vec![],
            sig: String::new(),
        };
        receipt.sig = sign(&receipt.signed_bytes(ORG));
        let (entries, cursor, more) = match revoked {
            true => (self.proofs(r, &results), None, false),
            false => self.pull(profile, r, cursor),
        };
        Ok(ExchangeReply {
            epoch: self.epoch,
            server_time: self.now,
            head: self.head(),
            acked: point(&actor, actor.acked()),
            results,
            receipt,
            entries,
            cursor,
            more,
            revoked,
        })
    }

    /// What a revoked profile is told: the tombstones of what it pushed for erased records.
    fn proofs(&self, r: &ExchangeRequest, results: &[PushResult]) -> Vec<Entry> {
        let erased = |n| {
            let of = |result: &PushResult| result.seq == n && result.status == Status::Erased;
            results.iter().any(of)
        };
        let told = r.items.iter().filter_map(|item| match item {
            Item::Change { change, .. } if erased(item.seq()) => Some(Entry::Erased {
                pos: pos(1),
                tombstone: tombstone(change.record.tombstone()),
            }),
            _ => None,
        });
        told.collect()
    }

    pub(super) fn take(
        &mut self,
        profile: ProfileId,
        r: &ExchangeRequest,
        cursor: Option<Cursor>,
        item: &Item,
    ) {
        let actor = &self.actors[&r.actor];
        let chain = chain_next(actor.at(actor.acked()).unwrap(), item.seq(), item.hash());
        let (record, result) = match item {
            Item::Change { change, effective } => {
                let result = self.change(profile, change, *effective, cursor);
                (Some(change.record), result)
            }
            Item::Opaque { .. } => (None, verdict(item.seq(), Status::Quarantined)),
            Item::Void { .. } => (None, verdict(item.seq(), Status::Void)),
        };
        let used = Used {
            hash: item.hash(),
            chain,
            result,
            record,
        };
        self.actors.get_mut(&r.actor).unwrap().used.push(used);
    }

    pub(super) fn change(
        &mut self,
        profile: ProfileId,
        change: &tributary_sync_core::change::Changeset,
        repeat: Option<Hlc>,
        cursor: Option<Cursor>,
    ) -> PushResult {
        let (n, record) = (change.dot.seq, change.record);
        if self.erased.contains(&record.tombstone()) {
            return verdict(n, Status::Erased);
        }
        let name = (change.dot, change.hash());
        let first = change.origin.map_or(name, |o| (o.dot, o.hash));
        if self.origins.contains(&first) {
            return verdict(n, Status::Duplicate);
        }
        let known = self.records.contains_key(&record);
        let allowed = match known {
            false => change.creates,
            true => self.once.contains(&(profile, record)),
        };
        let refused = Some(change.form) == self.quarantines || self.revoked.contains(&profile);
        self.origins.insert(first);
        if !allowed || refused {
            return verdict(n, Status::Quarantined);
        }
        if !known {
            self.records
                .insert(record, (change.form, Record::new(record)));
            self.assign(profile, record);
        }
        let mark = match change.epoch == self.epoch {
            true => cursor.map_or(0, |c| c.3),
            false => u64::MAX,
        };
        let (context, cut) = self.check(profile, change, mark);
        let five = Hlc::new(self.now + 300_000, 0).unwrap();
        let effective = change.clock.min(five).min(repeat.unwrap_or(five));
        let stamp = Stamp {
            context,
            effective,
            received: self.now,
            cut,
        };
        let stored = Stored {
            change: change.clone(),
            stamp,
        };
        self.apply(stored);
        PushResult {
            effective: Some(effective),
            pos: Some(pos(self.log.len() as u64)),
            ..verdict(n, if cut { Status::Cut } else { Status::Applied })
        }
    }

    pub(crate) fn apply(&mut self, stored: Stored) {
        let (_, state) = self.records.get_mut(&stored.change.record).unwrap();
        state.apply(&stored);
        self.log.push(Log::Change(Box::new(stored)));
    }

    pub(super) fn check(
        &self,
        profile: ProfileId,
        change: &tributary_sync_core::change::Changeset,
        mark: u64,
    ) -> (Clock, bool) {
        let (mut context, mut cut) = (Clock::new(), false);
        for entry in change.seen.dots() {
            let own = self
                .actors
                .get(&entry.actor)
                .is_some_and(|a| a.profile == profile);
            let found = self
                .log
                .iter()
                .enumerate()
                .rev()
                .find_map(|(i, l)| match l {
                    Log::Change(s)
                        if s.change.record == change.record
                            && s.change.dot.actor == entry.actor
                            && s.change.dot.seq <= entry.seq
                            && (own || (i as u64) < mark) =>
                    {
                        Some(s.clock())
                    }
                    _ => None,
                });
            match found {
                Some(clock) => {
                    cut |= clock.get(entry.actor) < entry.seq && !own;
                    context.join(&clock);
                }
                None => cut |= !own,
            }
        }
        (context, cut)
    }
}
