//! Numbers of actors: every one used once, none left out.

use std::collections::{BTreeMap, BTreeSet};

use tributary_sync_core::ids::{ActorId, OrgId, Seq};

use super::super::world::World;
use super::server::Server;

/// Every actor of the log with its last number there.
pub(crate) fn actors(world: &World, org: OrgId) -> Vec<(ActorId, Seq)> {
    let mut last = BTreeMap::new();
    for change in &Server::look(world, org).log {
        let dot = change.stored.change.dot;
        let seq: &mut Seq = last.entry(dot.actor).or_default();
        *seq = dot.seq.max(*seq);
    }
    last.into_iter().collect()
}

pub(super) fn all(world: &World, server: &Server) -> Result<(), String> {
    let mut dots = BTreeSet::new();
    let mut known: BTreeSet<ActorId> = BTreeSet::new();
    for change in &server.log {
        let dot = change.stored.change.dot;
        known.insert(dot.actor);
        if !dots.insert(dot) {
            return Err(format!("the number {dot:?} stands twice in the log"));
        }
    }
    for phone in world.phones.iter().filter(|p| p.caller.org == server.org) {
        known.extend(phone.profile().actors.iter().map(|a| a.actor));
    }
    for id in known {
        let Some(actor) = world.read(server.org, |t| t.actor(id)) else {
            continue;
        };
        let items = world.read(server.org, |t| t.items(id, Seq::ZERO, actor.acked));
        let numbers: Vec<u64> = items.iter().map(|i| i.dot.seq.get()).collect();
        let all: Vec<u64> = (1..=actor.acked.get()).collect();
        if numbers != all {
            return Err(format!("actor {id} has a gap: {numbers:?} of {all:?}"));
        }
        let beyond = dots.iter().find(|d| d.actor == id && d.seq > actor.acked);
        if let Some(dot) = beyond {
            return Err(format!("{dot:?} is in the log and its number is unused"));
        }
    }
    Ok(())
}
