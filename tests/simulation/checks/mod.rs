//! What must hold at any time, in a synced phone, and at the end. These know what authors were shown, and nothing of the
//! product's clocks.
//!
//! Not here: how the world came to be as it is ([`super::world`]).

mod numbers;
mod phones;
mod server;
mod values;

use std::collections::BTreeSet;

use tributary::storage::StorageError;
use tributary_sync_core::ids::{OrgId, RecordId};
use tributary_sync_core::session::{Whereabouts, status};

use super::phone::{NAME, SaveNo, number, number_of};
use super::world::{ORGS, World};

pub(crate) use numbers::actors;
pub(crate) use phones::{cursor_goes_on, in_step};
use server::Server;

/// What holds after every step.
pub fn anytime(world: &mut World) -> Result<(), String> {
    for org in ORGS {
        // Whatever the server takes moves the head of its log.
        let head = world.read(org, |t| t.head());
        if world.checked.insert(org, head) != Some(head) {
            all_of(world, org)?;
        }
    }
    Ok(())
}

fn all_of(world: &mut World, org: OrgId) -> Result<(), String> {
    let checked = world.files.read::<_, StorageError>(org, |t| t.check());
    let faults = checked.unwrap().faults;
    if !faults.is_empty() {
        return Err(format!("the file is not sound: {faults:?}"));
    }
    let server = Server::look(world, org);
    server.notes_quarantine(world);
    numbers::all(world, &server)?;
    stored(world, &server)?;
    values::all(world, &server)
}

/// What was acknowledged is there, once; what was erased is not; nothing is another organisation's.
fn stored(world: &World, server: &Server) -> Result<(), String> {
    if let Some((no, n)) = server.times.iter().find(|(_, n)| **n > 1) {
        return Err(format!("save g{no} stands {n} times in the log"));
    }
    if let Some(no) = server.waits_in_vain() {
        return Err(format!(
            "save g{no} waits in quarantine, and is in the log or waits there twice"
        ));
    }
    let gone = |id: &RecordId| server.org == super::world::ORG && world.erased.contains(id);
    if let Some(id) = server.records.keys().find(|id| gone(id)) {
        return Err(format!("erased {id} is back"));
    }
    for change in &server.log {
        let truth = change.no.and_then(|no| world.truth.get(&no));
        if truth.is_some_and(|t| t.org != server.org) {
            return Err(format!(
                "save g{} is in the log of another organisation",
                change.no.unwrap_or_default()
            ));
        }
    }
    for no in &world.told_stored {
        let truth = &world.truth[no];
        let kept = server.keeps(*no) || world.discarded.contains(no);
        // An erasure that went with disk and ledger, and that a phone has brought back.
        let again = world.erased_once.contains(&truth.record) && server.buried(&truth.record);
        if truth.org == server.org && !kept && !gone(&truth.record) && !again {
            return Err(format!("save g{no} was acknowledged and is gone"));
        }
    }
    Ok(())
}

/// A save that is gone by somebody's will.
fn excused(world: &World, no: SaveNo) -> bool {
    let record = &world.truth[&no].record;
    world.discarded.contains(&no)
        || world.erased.contains(record)
        || world.erased_once.contains(record)
}

/// Where nothing went back in time, every save that a phone accepted is on the server when all have synced.
fn nothing_lost(world: &World, server: &Server) -> Result<(), String> {
    let saves = world.truth.iter().filter(|(_, t)| t.org == server.org);
    for (no, _) in saves {
        if !server.keeps(*no) && !excused(world, *no) {
            return Err(format!("save g{no} is nowhere"));
        }
    }
    Ok(())
}

/// A tombstone that any phone has brought back counts for all.
fn told_of_erasures(world: &World, server: &Server) -> Result<(), String> {
    let live = world
        .phones
        .iter()
        .filter(|p| p.caller.org == server.org && !p.caller.revoked);
    for phone in live {
        for id in server.records.keys() {
            let stone = id.tombstone();
            if phone.disk.read(|s| s.is_erased(stone)).unwrap() {
                return Err(format!("erased {id} is back, and a phone knows better"));
            }
        }
    }
    Ok(())
}

/// What holds when everybody has synced.
pub fn finally(world: &mut World) -> Result<(), String> {
    for org in ORGS {
        all_of(world, org)?;
        let server = Server::look(world, org);
        for n in 0..world.phones.len() {
            if world.phones[n].caller.org == org {
                phones::nothing_left_behind(world, &server, n)?;
                // A revoked phone brings what it has, and hears nothing any more.
                if !world.revoked.contains(&world.phones[n].caller.profile) {
                    phones::same_as_server(world, &server, n)?;
                }
            }
        }
        told_of_erasures(world, &server)?;
        values::same_winner(world, &server)?;
        if !world.went_back && !world.phone_went_back {
            nothing_lost(world, &server)?;
        }
    }
    phones::own_organisation_only(world)
}

/// After a restore from the newest copy: what a phone counts as copied is there, in the log or in quarantine.
pub fn copied(world: &World) -> Result<(), String> {
    for org in ORGS {
        let server = Server::look(world, org);
        for no in &world.emptied_copied {
            let truth = &world.truth[no];
            if truth.org == org && !excused(world, *no) && !server.keeps(*no) {
                return Err(format!(
                    "a phone was emptied of g{no} as copied, and no copy holds it"
                ));
            }
        }
        let phones = world.phones.iter().enumerate();
        for (n, phone) in phones.filter(|(_, p)| p.caller.org == org) {
            for (dot, _, place) in phone.disk.read(|s| status(s)).unwrap() {
                let own = phone.disk.read(|s| s.own(dot)).unwrap();
                let Some(no) = own.and_then(|o| o.body).and_then(|b| number_of(&b)) else {
                    continue;
                };
                let kept = server.keeps(no) || excused(world, no);
                if place == Whereabouts::Copied && !kept {
                    return Err(format!(
                        "phone {n} counts g{no} as copied, and no copy holds it"
                    ));
                }
            }
        }
    }
    Ok(())
}

/// Records that hold a conflict.
pub(crate) fn conflicts(world: &World) -> u64 {
    let in_conflict = |org| {
        let server = Server::look(world, org);
        let open = server.records.values().filter(|r| r.state.conflicts > 0);
        open.count() as u64
    };
    ORGS.into_iter().map(in_conflict).sum()
}

/// Per record: which saves stand under the name, and which of them is shown.
pub(crate) fn winners(world: &World) -> Vec<(RecordId, BTreeSet<SaveNo>, SaveNo)> {
    let server = Server::look(world, super::world::ORG);
    let of = |(id, row): (&RecordId, &tributary::storage::RecordRow)| {
        let live = row.record.values(&NAME);
        let live: BTreeSet<SaveNo> = live.iter().filter_map(|(_, v)| number(v)).collect();
        let (value, _) = row.record.winner(&NAME)?;
        Some((*id, live, number(value)?))
    };
    server.records.iter().filter_map(of).collect()
}
