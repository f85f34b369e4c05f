//! The pull: what is new in the profile's scope, as pages capped by bytes (§6.1, §6.2).
//!
//! A record that enters the scope comes whole, then its tail; never a tail alone.

mod backfill;

use std::collections::{BTreeSet, HashMap, HashSet};

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{ActorId, FormHash, LogPos, OrgId, Tombstone};
use tributary_sync_core::wire::Item;
use tributary_sync_core::wire::message::{
    Entry, ExchangeRequest, PushResult, SignedTombstone, Status,
};

use super::cursor::Cursor;
use super::{Caller, Env, Refusal};
use crate::storage::{LogEntry, LogKind, LogLine, OrgTxn, RecordNo, RecordRow, StorageError};

/// Bytes of entries in one page, whatever the request allows.
const PAGE_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Log rows that one request looks at, so that a phone with a small scope does not hold a worker for long.
const SCAN_MAX: u32 = 50_000;

/// One page.
pub(super) struct Page {
    pub(super) entries: Vec<Entry>,
    pub(super) cursor: Option<Cursor>,
    pub(super) more: bool,
}

impl Page {
    /// For a revoked profile: nothing but the proofs of the erasures that its push is told of, without which it drops no
    /// answer.
    pub(super) fn of_revoked(
        txn: &OrgTxn<'_>,
        env: &Env,
        request: &ExchangeRequest,
        results: &[PushResult],
    ) -> Result<Self, Refusal> {
        let mut told = BTreeSet::new();
        for item in &request.items {
            let erased = |r: &PushResult| r.seq == item.seq() && r.status == Status::Erased;
            if let Item::Change { change, .. } = item
                && results.iter().any(erased)
            {
                told.insert(change.record.tombstone());
            }
        }
        let mut entries = Vec::with_capacity(told.len());
        for hash in told {
            if let Some(row) = txn.tombstone(hash)? {
                entries.push(Entry::Erased {
                    pos: row.pos,
                    tombstone: signed_tombstone(env, txn.org(), hash)?,
                });
            }
        }
        Ok(Self {
            entries,
            cursor: None,
            more: false,
        })
    }
}

fn signed_tombstone(
    env: &Env,
    org: OrgId,
    hash: Tombstone,
) -> Result<SignedTombstone, StorageError> {
    let sig = env
        .signer
        .sign(org, &SignedTombstone::signed_bytes(org, hash))?;
    Ok(SignedTombstone { hash, sig })
}

struct Pull<'t, 'c> {
    txn: &'t OrgTxn<'c>,
    env: &'t Env,
    caller: &'t Caller,
    request: &'t ExchangeRequest,
    head: LogPos,
    entries: Vec<Entry>,
    named: BTreeSet<ActorId>,
    bytes: usize,
    budget: usize,
    in_scope: HashMap<RecordNo, bool>,
    /// Records that the tail of this page brought whole, as of the head: nothing more of them is news.
    whole: HashSet<RecordNo>,
}

/// The next page behind a cursor.
pub(super) fn page(
    txn: &OrgTxn<'_>,
    env: &Env,
    caller: &Caller,
    request: &ExchangeRequest,
    cursor: Option<Cursor>,
) -> Result<Page, Refusal> {
    let (head, _) = txn.head()?;
    let mut cursor = match cursor {
        Some(cursor) => cursor,
        None => Cursor::start(txn.epoch()?.id, head),
    };
    let budget = usize::try_from(request.max_bytes)
        .unwrap_or(PAGE_BYTES_MAX)
        .clamp(1_024, PAGE_BYTES_MAX);
    let mut pull = Pull {
        txn,
        env,
        caller,
        request,
        head,
        entries: Vec::new(),
        named: BTreeSet::new(),
        bytes: 0,
        budget,
        in_scope: HashMap::new(),
        whole: HashSet::new(),
    };
    let mut more = pull.refetch(&mut cursor)?;
    if !more {
        more = pull.backfill(&mut cursor)?;
        if cursor.backfill.is_none() {
            more |= pull.tail(&mut cursor)?;
        }
    }
    let entries = pull.with_names()?;
    Ok(Page {
        entries,
        cursor: Some(cursor),
        more,
    })
}

impl Pull<'_, '_> {
    fn full(&self) -> bool {
        self.bytes >= self.budget
    }

    fn live(&mut self, no: RecordNo) -> Result<bool, StorageError> {
        if let Some(known) = self.in_scope.get(&no) {
            return Ok(*known);
        }
        let live = self
            .txn
            .scope(self.caller.profile, no)?
            .is_some_and(|s| s.live());
        self.in_scope.insert(no, live);
        Ok(live)
    }

    fn state(&mut self, row: RecordRow) {
        self.named
            .extend(row.record.lives().iter().map(|l| l.dot.actor));
        self.bytes += 2 * row.record.to_bytes().len();
        self.entries.push(Entry::State {
            pos: self.head,
            form: row.form,
            state: row.record,
        });
    }

    /// Records that the device wants whole again, while they fit; for the rest it asks again. True if there is a rest.
    fn refetch(&mut self, cursor: &mut Cursor) -> Result<bool, Refusal> {
        let request = self.request;
        for id in &request.refetch {
            if self.full() {
                return Ok(true);
            }
            let row = self.txn.record(*id)?;
            let live = match &row {
                Some(row) => self.live(row.no)?,
                None => false,
            };
            match row.filter(|_| live) {
                Some(row) => {
                    self.state(row);
                    cursor.seen = self.head;
                }
                None => self.push(Entry::Gone { record: *id }, 60),
            }
        }
        Ok(false)
    }

    fn tail(&mut self, cursor: &mut Cursor) -> Result<bool, Refusal> {
        let mut scanned = 0;
        let mut more = false;
        let txn = self.txn;
        let mut reached = cursor.tail;
        txn.log_after::<Refusal>(cursor.tail, |line| {
            if self.full() || scanned == SCAN_MAX {
                more = true;
                return Ok(false);
            }
            scanned += 1;
            reached = line.pos;
            let whole = self.line(&line)?;
            if whole {
                cursor.seen = self.head;
            }
            Ok(true)
        })?;
        cursor.tail = reached;
        cursor.seen = cursor.seen.max(reached);
        Ok(more)
    }

    /// One log row, if it is for this profile. True when a whole record went out, which was read at the head.
    fn line(&mut self, line: &LogLine<'_>) -> Result<bool, Refusal> {
        let for_me = line.profile.is_none_or(|p| p == self.caller.profile);
        match line.kind {
            _ if !for_me => Ok(false),
            LogKind::Change => self.change(line),
            LogKind::Enter => self.enter(line.pos, line.record),
            _ => self.other(line).map(|()| false),
        }
    }

    /// A changeset. Most are of records of others, or the device has them: their bodies are not even read.
    fn change(&mut self, line: &LogLine<'_>) -> Result<bool, Refusal> {
        let (Some(no), Some(dot)) = (line.record, line.dot) else {
            return Ok(false);
        };
        let (pos, held) = (line.pos, self.held(dot));
        // The erasure has its own entry.
        if !line.has_body()? || !self.live(no)? || (!held && self.whole.contains(&no)) {
            return Ok(false);
        }
        if held {
            let (effective, cut) = line.effective()?;
            let own = Entry::Own {
                pos,
                actor: dot.actor,
                seq: dot.seq,
                effective,
                received: line.received,
                cut,
            };
            self.push(own, 80);
            return Ok(false);
        }
        let LogEntry::Change(Some(stored)) = line.entry()? else {
            return Ok(false);
        };
        // The entry of its maker into scope: a twin of the phone that made it gets it whole.
        if stored.change.creates {
            return self.enter(pos, Some(no));
        }
        self.named.insert(dot.actor);
        let bytes = 2 * stored.change.bytes().len();
        self.push(Entry::Change { pos, stored }, bytes);
        Ok(false)
    }

    /// Whatever is neither a changeset nor the entry of a record.
    fn other(&mut self, line: &LogLine<'_>) -> Result<(), Refusal> {
        let pos = line.pos;
        match (line.kind, line.entry()?) {
            (LogKind::Leave, _) => {
                if let Some(no) = line.record
                    && let Some(found) = self.txn.record_by_no(no)?
                    && !self.live(no)?
                {
                    self.push(
                        Entry::Leave {
                            pos,
                            record: found.record.id(),
                        },
                        60,
                    );
                }
            }
            (LogKind::Erased, LogEntry::Other(body)) => {
                let hash =
                    Tombstone::from_slice(&body).map_err(StorageError::damaged("tombstone"))?;
                let tombstone = signed_tombstone(self.env, self.caller.org, hash)?;
                self.push(Entry::Erased { pos, tombstone }, 250);
            }
            (LogKind::Policy, LogEntry::Other(body)) => {
                if let Ok(policy) = serde_json::from_slice(&body) {
                    self.push(Entry::Policy { pos, policy }, body.len());
                }
            }
            (LogKind::Form, LogEntry::Other(body)) => {
                let hash =
                    FormHash::from_slice(&body).map_err(StorageError::damaged("form hash"))?;
                self.push(Entry::Form { pos, hash }, 100);
            }
            (LogKind::Quarantine, LogEntry::Other(body)) => {
                if let Some(dot) = line.dot {
                    let released = body.first() == Some(&1);
                    self.push(
                        Entry::Quarantine {
                            pos,
                            actor: dot.actor,
                            seq: dot.seq,
                            released,
                        },
                        60,
                    );
                }
            }
            (LogKind::Keys, LogEntry::Other(body)) => {
                if let Ok(keys) = serde_json::from_slice(&body) {
                    self.push(Entry::Keys { pos, keys }, body.len());
                }
            }
            // Told elsewhere: changes and entries above, erased bodies by their erasure, quarantine by its push.
            (LogKind::Change | LogKind::Enter | LogKind::Quarantined, _)
            | (_, LogEntry::Change(_)) => {}
        }
        Ok(())
    }

    fn push(&mut self, entry: Entry, bytes: usize) {
        self.bytes += bytes;
        self.entries.push(entry);
    }

    /// Whether the device holds the body of a changeset: made under the actor that asks.
    fn held(&self, dot: Dot) -> bool {
        dot.actor == self.request.actor && dot.seq <= self.request.chain.seq
    }

    fn enter(&mut self, pos: LogPos, record: Option<RecordNo>) -> Result<bool, Refusal> {
        let Some(no) = record else { return Ok(false) };
        // A record that was made and assigned since has two entries for whom it was assigned to.
        if !self.live(no)? || self.whole.contains(&no) {
            return Ok(false);
        }
        let Some(row) = self.txn.record_by_no(no)? else {
            return Ok(false);
        };
        self.push(
            Entry::Enter {
                pos,
                record: row.record.id(),
            },
            60,
        );
        self.state(row);
        self.whole.insert(no);
        Ok(true)
    }

    /// The names behind the actors of this page go first.
    fn with_names(self) -> Result<Vec<Entry>, Refusal> {
        let mut out = Vec::with_capacity(self.entries.len() + self.named.len());
        for id in &self.named {
            let Some(actor) = self.txn.actor(*id)? else {
                continue;
            };
            let name = match actor.user {
                Some(user) => self
                    .env
                    .roster
                    .name(self.caller.org, user)?
                    .unwrap_or_default(),
                None => "Tributary".to_owned(),
            };
            out.push(Entry::Actor {
                pos: LogPos::ZERO,
                actor: *id,
                name,
                user: actor.user,
            });
        }
        out.extend(self.entries);
        Ok(out)
    }
}
