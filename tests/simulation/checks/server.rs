//! What the server's file says, read once for all checks of one moment.

use std::collections::{BTreeMap, BTreeSet};

use tributary::storage::{Judgement, LogEntry, QuarantineRow, RecordRow, StorageError};
use tributary_sync_core::change::{Changeset, Stored};
use tributary_sync_core::ids::{LogPos, OrgId, RecordId};

use super::super::phone::{SaveNo, number_of};
use super::super::world::World;

/// A changeset of the log.
pub(super) struct Logged {
    /// The save behind it; none for what the server wrote by itself.
    pub(super) no: Option<SaveNo>,
    pub(super) stored: Stored,
}

/// One organisation's file.
pub(super) struct Server {
    pub(super) org: OrgId,
    pub(super) records: BTreeMap<RecordId, RecordRow>,
    pub(super) log: Vec<Logged>,
    /// The saves in the log, and how often.
    pub(super) times: BTreeMap<SaveNo, u32>,
    quarantined: BTreeSet<SaveNo>,
    /// Those that can be read and that nobody has judged.
    waiting: Vec<SaveNo>,
    /// The records that it knows as erased.
    buried: BTreeSet<RecordId>,
}

impl Server {
    pub(super) fn look(world: &World, org: OrgId) -> Self {
        world
            .files
            .read::<_, StorageError>(org, |txn| {
                let mut server = Self {
                    org,
                    records: BTreeMap::new(),
                    log: Vec::new(),
                    times: BTreeMap::new(),
                    quarantined: BTreeSet::new(),
                    waiting: Vec::new(),
                    buried: BTreeSet::new(),
                };
                for (_, id) in world.created.iter().filter(|(o, _)| *o == org) {
                    if let Some(row) = txn.record(*id)? {
                        server.records.insert(*id, row);
                    }
                    if txn.tombstone(id.tombstone())?.is_some() {
                        server.buried.insert(*id);
                    }
                }
                txn.log_after::<StorageError>(LogPos::ZERO, |line| {
                    if line.has_body()?
                        && let LogEntry::Change(Some(stored)) = line.entry()?
                    {
                        let desk = world.desk.get(&stored.change.dot).copied();
                        let no = number_of(&stored.change).or(desk);
                        no.into_iter()
                            .for_each(|no| *server.times.entry(no).or_default() += 1);
                        let stored = *stored;
                        server.log.push(Logged { no, stored });
                    }
                    Ok(true)
                })?;
                let rows: Vec<QuarantineRow> = txn.quarantine_list(false, 0, 10_000)?;
                let waits = |r: &&QuarantineRow| r.readable && r.judged == Judgement::Waiting;
                let waiting = rows.iter().filter(waits);
                server.waiting = waiting
                    .filter_map(|r| number_of(&Changeset::from_bytes(&r.body).ok()?))
                    .collect();
                let bodies = rows
                    .iter()
                    .filter_map(|r| Changeset::from_bytes(&r.body).ok());
                server.quarantined = bodies.filter_map(|c| number_of(&c)).collect();
                Ok(server)
            })
            .unwrap()
    }
    /// Whether a save is in the log, or waits in quarantine.
    pub(super) fn keeps(&self, no: SaveNo) -> bool {
        self.times.contains_key(&no) || self.quarantined.contains(&no)
    }
    /// A save that waits in quarantine though it is in the log, or waits twice: a coordinator would let it in again.
    pub(super) fn waits_in_vain(&self) -> Option<SaveNo> {
        let mut seen = BTreeSet::new();
        let again = |no: &&SaveNo| self.times.contains_key(no) || !seen.insert(**no);
        self.waiting.iter().find(again).copied()
    }
    /// Whether it knows a record as erased.
    pub(super) fn buried(&self, id: &RecordId) -> bool {
        self.buried.contains(id)
    }
    /// What ever stood aside may be judged apart from what its author wrote around it.
    pub(super) fn notes_quarantine(&self, world: &mut World) {
        world.aside.extend(&self.quarantined);
    }
}
