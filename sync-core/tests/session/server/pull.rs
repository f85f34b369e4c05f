//! The pull half, and comparing actors.

use tributary_sync_core::change::chain_start;
use tributary_sync_core::ids::*;
use tributary_sync_core::session::Problem;
use tributary_sync_core::wire::message::*;

use super::{Actor, Cursor, Log, ORG, Server, pos, problem, seq, sign, tombstone};

impl Server {
    pub(super) fn pull(
        &self,
        profile: ProfileId,
        r: &ExchangeRequest,
        cursor: Option<Cursor>,
    ) -> (Vec<Entry>, Option<String>, bool) {
        let head = self.log.len() as u64;
        let mut cursor = cursor.unwrap_or(Cursor(self.epoch, head, Some(RecordId::default()), 0));
        cursor.3 = head;
        let mut out = Vec::new();
        let state = |record: &RecordId| {
            let (form, state) = &self.records[record];
            Entry::State {
                pos: pos(head),
                form: *form,
                state: state.clone(),
            }
        };
        for record in &r.refetch {
            match self.scope.contains(&(profile, *record)) {
                true => out.push(state(record)),
                false => out.push(Entry::Gone { record: *record }),
            }
        }
        if let Some(from) = cursor.2 {
            let mine: Vec<RecordId> = self
                .scope
                .iter()
                .filter(|s| s.0 == profile)
                .map(|s| s.1)
                .collect();
            let mut rest = mine.iter().filter(|r| **r >= from);
            cursor.2 = None;
            for record in rest.by_ref() {
                if out.len() >= self.page {
                    cursor.2 = Some(*record);
                    break;
                }
                out.push(state(record));
            }
            if cursor.2.is_none() {
                let told = |l: &&Log| matches!(l, Log::Judged(..) | Log::Erased(_));
                for entry in self.log.iter().filter(told) {
                    self.entry(profile, pos(head), entry, &mut out);
                }
                out.push(Entry::Scope { records: mine });
            }
        }
        while cursor.2.is_none() && out.len() < self.page && cursor.1 < head {
            let entry = &self.log[cursor.1 as usize];
            cursor.1 += 1;
            self.entry(profile, pos(cursor.1), entry, &mut out);
        }
        let more = cursor.2.is_some() || cursor.1 < head;
        (out, Some(cursor.write()), more)
    }

    pub(super) fn entry(&self, profile: ProfileId, at: LogPos, log: &Log, out: &mut Vec<Entry>) {
        match log {
            Log::Change(s) => {
                let actor = &self.actors.get(&s.change.dot.actor);
                if actor.is_some_and(|a| a.profile == profile) {
                    out.push(Entry::Own {
                        pos: at,
                        actor: s.change.dot.actor,
                        seq: s.change.dot.seq,
                        effective: s.stamp.effective,
                        received: s.stamp.received,
                        cut: s.stamp.cut,
                    });
                } else if self.scope.contains(&(profile, s.change.record)) {
                    out.push(Entry::Change {
                        pos: at,
                        stored: s.clone(),
                    });
                }
            }
            Log::Enter(p, record) if *p == profile && self.scope.contains(&(profile, *record)) => {
                let (form, state) = &self.records[record];
                let now = pos(self.log.len() as u64);
                out.push(Entry::Enter {
                    pos: at,
                    record: *record,
                });
                out.push(Entry::State {
                    pos: now,
                    form: *form,
                    state: state.clone(),
                });
            }
            Log::Leave(p, record) if *p == profile => out.push(Entry::Leave {
                pos: at,
                record: *record,
            }),
            Log::Erased(stone) => out.push(Entry::Erased {
                pos: at,
                tombstone: tombstone(*stone),
            }),
            Log::Judged(dot, released) if self.actors[&dot.actor].profile == profile => {
                out.push(Entry::Quarantine {
                    pos: at,
                    actor: dot.actor,
                    seq: dot.seq,
                    released: *released,
                });
            }
            Log::Other(entry) => out.push((**entry).clone()),
            _ => {}
        }
    }

    pub(super) fn compare(
        &mut self,
        profile: ProfileId,
        key: &[u8],
        r: &CompareRequest,
    ) -> Result<CompareReply, Problem> {
        if r.epoch != self.epoch {
            return Err(Problem {
                epoch: Some(self.epoch),
                ..problem("epoch_changed")
            });
        }
        for stone in &r.tombstones {
            assert_eq!(stone.sig, tombstone(stone.hash).sig);
            if self.erased.insert(stone.hash) {
                self.records.retain(|r, _| r.tombstone() != stone.hash);
                self.scope.retain(|(_, r)| r.tombstone() != stone.hash);
                self.log.push(Log::Erased(stone.hash));
            }
        }
        let mut actors = Vec::new();
        for chain in &r.actors {
            let id = chain.actor;
            let grant = chain.grant.as_ref().unwrap();
            let actor = self.actors.entry(id).or_insert_with(|| {
                assert_eq!(
                    grant.sig,
                    sign(&Grant::signed_bytes(ORG, profile, id, grant.epoch))
                );
                let start = chain_start(ORG, id, key);
                Actor {
                    profile,
                    start,
                    used: Vec::new(),
                    closed: false,
                    epoch: grant.epoch,
                }
            });
            let alike = chain
                .points
                .iter()
                .filter(|p| actor.at(p.seq.get()) == Some(p.hash));
            let agreed = alike.map(|p| p.seq).max().unwrap_or_default();
            let upto = actor.used.iter().take(agreed.get() as usize);
            actors.push(ActorAgreement {
                actor: id,
                agreed,
                acked: seq(actor.acked()),
                results: upto.map(|u| u.result.clone()).collect(),
            });
        }
        Ok(CompareReply {
            epoch: self.epoch,
            actors,
        })
    }
}
