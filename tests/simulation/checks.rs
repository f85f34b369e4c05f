//! What must hold at any time, and at the end. These know what authors were shown, and nothing of the product's clocks.

use std::collections::{BTreeMap, BTreeSet};

use tributary::storage::{LogEntry, QuarantineRow, RecordRow, StorageError};
use tributary_sync_core::change::Changeset;
use tributary_sync_core::ids::{LogPos, RecordId, Seq};
use tributary_sync_core::session::{Store as _, Whereabouts, status};
use tributary_sync_core::value::Value;

use super::phone::{CONSENT, NAME, SaveNo, number};
use super::world::{ORG, World};

/// What the server's file says.
struct Server {
    records: BTreeMap<RecordId, RecordRow>,
    /// The saves in the log, and how often.
    logged: BTreeMap<SaveNo, u32>,
    quarantined: BTreeSet<SaveNo>,
}

fn saves(change: &Changeset) -> impl Iterator<Item = SaveNo> {
    change.writes.iter().filter_map(|w| number(&w.1))
}

fn look(world: &World) -> Server {
    world
        .files
        .read::<_, StorageError>(ORG, |txn| {
            let mut server = Server {
                records: BTreeMap::new(),
                logged: BTreeMap::new(),
                quarantined: BTreeSet::new(),
            };
            for id in &world.created {
                if let Some(row) = txn.record(*id)? {
                    server.records.insert(*id, row);
                }
            }
            txn.log_after::<StorageError>(LogPos::ZERO, |line| {
                if let LogEntry::Change(Some(stored)) = line.entry()? {
                    saves(&stored.change).for_each(|no| *server.logged.entry(no).or_default() += 1);
                }
                Ok(true)
            })?;
            let waiting: Vec<QuarantineRow> = txn.quarantine_list(false, 0, 10_000)?;
            for row in waiting.iter().filter(|r| r.readable) {
                server
                    .quarantined
                    .extend(Changeset::from_bytes(&row.body).iter().flat_map(saves));
            }
            Ok(server)
        })
        .unwrap()
}

/// What holds after every step.
pub fn anytime(world: &mut World) -> Result<(), String> {
    let faults = world
        .files
        .read::<_, StorageError>(ORG, |t| t.check())
        .unwrap()
        .faults;
    if !faults.is_empty() {
        return Err(format!("the file is not sound: {faults:?}"));
    }
    let server = look(world);
    if let Some((no, n)) = server.logged.iter().find(|(_, n)| **n > 1) {
        return Err(format!("save g{no} stands {n} times in the log"));
    }
    if let Some(id) = world
        .erased
        .iter()
        .find(|id| server.records.contains_key(id))
    {
        return Err(format!("erased {id} is back"));
    }
    for no in &world.told_stored {
        let gone = !server.logged.contains_key(no) && !server.quarantined.contains(no);
        if gone && !world.erased.contains(&world.truth[no].record) {
            return Err(format!("save g{no} was acknowledged and is gone"));
        }
    }
    for (id, row) in &server.records {
        record(world, &server, *id, row)?;
    }
    Ok(())
}

fn record(world: &World, server: &Server, id: RecordId, row: &RecordRow) -> Result<(), String> {
    let live: BTreeSet<SaveNo> = row
        .record
        .values(&NAME)
        .iter()
        .filter_map(|(_, v)| number(v))
        .collect();
    let logged: Vec<SaveNo> = server
        .logged
        .keys()
        .copied()
        .filter(|no| world.truth[no].record == id)
        .collect();
    for no in &logged {
        let overwritten = logged
            .iter()
            .any(|other| world.truth[other].past.contains(no));
        if !live.contains(no) && !overwritten {
            return Err(format!(
                "answer g{no} vanished, and nobody who was shown it wrote"
            ));
        }
        let over = live
            .iter()
            .find(|other| world.truth[other].past.contains(no));
        if live.contains(no)
            && !world.went_back
            && let Some(over) = over
        {
            return Err(format!(
                "g{over} was shown g{no} and wrote, but both live: it cannot be settled"
            ));
        }
    }
    if logged.iter().any(|no| world.truth[no].withdraws) {
        let withdrawn = row
            .record
            .values(&CONSENT)
            .iter()
            .any(|(_, v)| matches!(v, Value::Code(c) if c.as_str() == "withdrawn"));
        if !withdrawn {
            return Err(format!(
                "the withdrawal of {id} was overwritten without a decision"
            ));
        }
        if !row.state.withheld {
            return Err(format!("{id} is withdrawn and not withheld"));
        }
    }
    Ok(())
}

/// What holds when everybody has synced.
pub fn finally(world: &mut World) -> Result<(), String> {
    anytime(world)?;
    let server = look(world);
    for (n, phone) in world.phones.iter().enumerate() {
        let profile = phone.store.profile().unwrap();
        for actor in &profile.actors {
            for own in phone
                .store
                .own_after(actor.actor, Seq::ZERO, usize::MAX)
                .unwrap()
            {
                if own.is_unsent() {
                    return Err(format!("phone {n} still has {:?} to send", own.dot));
                }
                for no in own.body.iter().flat_map(saves) {
                    let kept = server.logged.contains_key(&no) || server.quarantined.contains(&no);
                    if !kept && !world.erased.contains(&world.truth[&no].record) {
                        let items = world
                            .files
                            .read::<_, StorageError>(ORG, |t| {
                                t.items(actor.actor, Seq::ZERO, own.dot.seq)
                            })
                            .unwrap();
                        return Err(format!(
                            "phone {n} holds g{no}, the server does not, and nobody will send it: {:?} {:?}, actors {:?}, on the server {items:?}",
                            own.dot, own.fate, profile.actors
                        ));
                    }
                }
            }
        }
        // A revoked phone brings what it has, and hears nothing any more.
        if !world.revoked.contains(&phone.caller.profile) {
            same_as_server(world, &server, n)?;
        }
    }
    Ok(())
}

/// After a restore from the newest copy: what a phone counts as copied is there, in the log or in quarantine.
pub fn copied(world: &World) -> Result<(), String> {
    let server = look(world);
    for (n, phone) in world.phones.iter().enumerate() {
        for (dot, _, place) in status(&phone.store).unwrap() {
            let own = phone.store.own(dot).unwrap();
            for no in own.iter().flat_map(|o| &o.body).flat_map(saves) {
                let kept = server.logged.contains_key(&no) || server.quarantined.contains(&no);
                let erased = world.erased.contains(&world.truth[&no].record);
                if place == Whereabouts::Copied && !kept && !erased {
                    return Err(format!(
                        "phone {n} counts g{no} as copied, and no copy holds it"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Equal scope and cursor: equal bytes; and the phone holds exactly its scope.
fn same_as_server(world: &World, server: &Server, n: usize) -> Result<(), String> {
    let phone = &world.phones[n];
    let scope = world
        .files
        .read::<_, StorageError>(ORG, |t| t.scope_ids(phone.caller.profile))
        .unwrap();
    for id in &scope {
        let Some(held) = phone.record(*id) else {
            return Err(format!("phone {n} lacks {id}"));
        };
        let waits = phone
            .store
            .own_of(*id)
            .unwrap()
            .iter()
            .any(|o| o.is_with_coordinator());
        let Some(row) = server.records.get(id) else {
            continue;
        };
        if !waits && held.to_bytes() != row.record.to_bytes() {
            return Err(format!(
                "phone {n} shows another {id} than the server:\n  {held:?}\n  {:?}",
                row.record
            ));
        }
    }
    for id in phone.store.held_ids().unwrap() {
        let waits = phone
            .store
            .own_of(id)
            .unwrap()
            .iter()
            .any(|o| o.is_with_coordinator());
        if !scope.contains(&id) && !waits {
            return Err(format!(
                "phone {n} still holds {id}, which is not in its scope"
            ));
        }
    }
    Ok(())
}

/// Records that hold a conflict.
pub(crate) fn conflicts(world: &World) -> u64 {
    let server = look(world);
    let open = server.records.values().filter(|r| r.state.conflicts > 0);
    open.count() as u64
}
