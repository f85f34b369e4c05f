//! Actors: their numbers have no gap, their chains hold, and each number stands where its status says.

use tributary_sync_core::change::{Changeset, chain_next, chain_start, item_hash};
use tributary_sync_core::ids::{ActorId, ChainHash, ItemHash, Seq};

use super::super::{ActorRow, ItemRow, ItemStatus, Result, sql};
use super::{Check, CheckReport};
use crate::storage::StorageError;

/// How many numbers of an actor are read at once.
const PAGE: u32 = 1_000;

impl Check<'_, '_> {
    pub(super) fn actors(&self, report: &mut CheckReport) -> Result<()> {
        self.walk("SELECT id FROM actor ORDER BY id", [], |r| {
            let Ok(id) = r.get::<_, u32>(0) else {
                report.fault("actor.readable", super::place(r, 0)?);
                return Ok(());
            };
            match self.txn.actor(ActorId(id)) {
                Ok(Some(actor)) => self.actor(&actor, report),
                _ => {
                    report.fault("actor.readable", id);
                    Ok(())
                }
            }
        })?;
        self.none_of(
            report,
            "item.actor",
            "SELECT DISTINCT i.actor FROM item i LEFT JOIN actor a ON a.id = i.actor WHERE a.id IS NULL OR i.seq > a.acked",
        )?;
        self.none_of(
            report,
            "actor.profile",
            "SELECT a.id FROM actor a LEFT JOIN profile p ON p.id = a.profile
             WHERE a.profile IS NOT NULL AND (p.id IS NULL OR p.user IS NOT a.user)",
        )
    }

    fn actor(&self, actor: &ActorRow, report: &mut CheckReport) -> Result<()> {
        let start = chain_start(self.txn.org(), actor.id, &actor.device_key);
        let mut at = (Seq::ZERO, start);
        // By what is there, not by what the actor claims: a flipped bit can claim anything.
        loop {
            let first = at.0.next().map_err(StorageError::damaged("sequence"))?;
            let page = self.txn.items_from(actor.id, first, PAGE)?;
            let Some(last) = page.last().map(|item| item.dot.seq) else {
                break;
            };
            for item in &page {
                report.items += 1;
                at = self.number(actor, at, item, report)?;
            }
            if last < first {
                // A number beyond all counters.
                report.fault("actor.no_gap", format!("{} at {first}", actor.id));
                break;
            }
            at.0 = last;
        }
        if at.0 != actor.acked {
            report.fault("actor.no_gap", format!("{} at {}", actor.id, at.0));
        }
        if at.1 != actor.chain {
            report.fault("actor.head", actor.id);
        }
        Ok(())
    }

    fn number(
        &self,
        actor: &ActorRow,
        (last, chain): (Seq, ChainHash),
        item: &ItemRow,
        report: &mut CheckReport,
    ) -> Result<(Seq, ChainHash)> {
        let place = format!("{} at {}", actor.id, item.dot.seq);
        if last.next().ok() != Some(item.dot.seq) {
            report.fault("actor.no_gap", &place);
        }
        if chain_next(chain, item.dot.seq, item.hash) != item.chain {
            report.fault("actor.chain", &place);
        }
        if item.pos > self.head {
            report.fault("item.position", &place);
        }
        if !self.stands_where_it_says(item)? {
            report.fault("item.status", &place);
        }
        Ok((item.dot.seq, item.chain))
    }

    fn stands_where_it_says(&self, item: &ItemRow) -> Result<bool> {
        let (actor, seq, pos) = (
            item.dot.actor.0,
            sql(item.dot.seq.get()),
            sql(item.pos.get()),
        );
        match item.status {
            ItemStatus::Applied | ItemStatus::Cut => {
                let text = "SELECT record, effective_ms, effective_n, cut FROM log
                            WHERE pos = ?3 AND kind = 1 AND actor = ?1 AND seq = ?2";
                let entry = self.txn.one(text, (actor, seq, pos), |r| {
                    Ok((
                        r.get::<_, Option<i64>>(0)?,
                        r.get::<_, i64>(1)?,
                        r.get::<_, u16>(2)?,
                        r.get::<_, bool>(3)?,
                    ))
                })?;
                let cut = item.status == ItemStatus::Cut;
                let effective = item.effective.map(|e| (sql(e.ms()), e.n()));
                Ok(entry.is_some_and(|(record, ms, n, was_cut)| {
                    record == item.record.map(|r| r.0)
                        && effective == Some((ms, n))
                        && cut == was_cut
                }))
            }
            ItemStatus::Quarantined => {
                let row = "SELECT 1 FROM quarantine WHERE actor = ?1 AND seq = ?2";
                let waits = self.txn.one(row, (actor, seq), |_| Ok(()))?.is_some();
                // Erasing takes what waits along; its numbers keep their status.
                Ok(waits || self.txn.erasures()? > 0)
            }
            ItemStatus::Duplicate | ItemStatus::Void => Ok(true),
        }
    }

    pub(super) fn quarantine(&self, report: &mut CheckReport) -> Result<()> {
        let text = "SELECT q.n, q.body, i.hash, q.readable, q.judged FROM quarantine q
                    LEFT JOIN item i ON i.actor = q.actor AND i.seq = q.seq";
        self.walk(text, [], |r| {
            let (no, hash): (i64, Option<[u8; 32]>) = (r.get(0)?, r.get(2)?);
            let (readable, judged): (bool, u8) = (r.get(3)?, r.get(4)?);
            let body = r.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
            let whole = !readable
                || judged == 2
                || hash.is_some_and(|h| item_hash(body) == ItemHash::from_bytes(h))
                    && Changeset::from_bytes(body).is_ok();
            if hash.is_none() || !whole {
                report.fault("quarantine.body", no);
            }
            Ok(())
        })?;
        self.none_of(
            report,
            "quarantine.quota",
            "SELECT p.id FROM profile p WHERE p.quarantine_bytes <>
             (SELECT coalesce(sum(length(q.body)), 0) FROM quarantine q WHERE q.profile = p.id AND q.judged = 0)",
        )?;
        self.walk(
            "SELECT DISTINCT record FROM quarantine WHERE record IS NOT NULL",
            [],
            |r| {
                let id = tributary_sync_core::ids::RecordId::from_bytes(r.get(0)?);
                if self.txn.erased(id)? {
                    report.fault("quarantine.erased_never_returns", id.tombstone());
                }
                Ok(())
            },
        )
    }
}
