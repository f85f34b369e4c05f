//! What becomes of values: none vanishes unseen, conflicts can be settled, protections stand, no clock rewrites history.

use std::collections::BTreeSet;

use tributary_sync_core::ids::RecordId;
use tributary_sync_core::key::Key;
use tributary_sync_core::value::Value;

use tributary::storage::RecordRow;

use super::super::phone::{AT_RISK, CONSENT, NAME, SaveNo, Truth, number, rank};
use super::super::world::{ORG, World};
use super::server::Server;

/// A save that stands in the log of a record.
type Saved<'w> = (SaveNo, &'w Truth);

pub(super) fn all(world: &World, server: &Server) -> Result<(), String> {
    contexts(world, server)?;
    for (id, row) in &server.records {
        let saved = saves(world, server, *id);
        none_vanishes(world, &saved, row)?;
        protections_stand(&saved, *id, row)?;
        later_wins(world, &saved, row)?;
    }
    Ok(())
}

fn saves<'w>(world: &'w World, server: &Server, id: RecordId) -> Vec<Saved<'w>> {
    let of_record = server
        .log
        .iter()
        .filter(|c| c.stored.change.record == id)
        .filter_map(|c| c.no);
    of_record
        .filter_map(|no| Some((no, world.truth.get(&no)?)))
        .collect()
}

/// The saves whose value lives under a key of free text.
fn live(row: &RecordRow, key: &Key) -> BTreeSet<SaveNo> {
    let values = row.record.values(key);
    values.iter().filter_map(|(_, v)| number(v)).collect()
}

/// A stored context covers nothing that its author was not shown.
fn contexts(world: &World, server: &Server) -> Result<(), String> {
    let named = server.log.iter().filter_map(|c| Some((c, c.no?)));
    for (change, no) in named.clone() {
        let Some(truth) = world.truth.get(&no) else {
            continue;
        };
        for (other, seen) in named.clone() {
            let same = other.stored.change.record == change.stored.change.record;
            let covers = change.stored.stamp.context.covers(other.stored.change.dot);
            if same && covers && seen != no && !truth.past.contains(&seen) {
                return Err(format!(
                    "the context of g{no} covers g{seen}, which its author was not shown"
                ));
            }
        }
    }
    Ok(())
}

/// No value vanishes unless a save that was shown it wrote its key; and a save that was shown one does end it.
fn none_vanishes(world: &World, saved: &[Saved<'_>], row: &RecordRow) -> Result<(), String> {
    for (no, truth) in saved {
        for key in truth.writes.keys() {
            let words = truth.writes.get(key).and_then(number) == Some(*no);
            if !words {
                continue;
            }
            let live = live(row, key);
            let later = |(other, t): &&Saved<'_>| {
                other != no && t.past.contains(no) && t.writes.contains_key(key)
            };
            if !live.contains(no) && !saved.iter().any(|s| later(&s)) {
                return Err(format!(
                    "answer g{no} under {key} vanished, and nobody who was shown it wrote"
                ));
            }
            let over = saved.iter().find(|s| later(s) && live.contains(&s.0));
            if live.contains(no)
                && !world.went_back
                && let Some((over, later)) = over
                && !later.lies
                && !world.aside.contains(no)
                && !world.aside.contains(over)
            {
                return Err(format!(
                    "g{over} was shown g{no} under {key} and wrote, but both live: it cannot be settled"
                ));
            }
        }
    }
    Ok(())
}

/// A protection weakens only by a decision of somebody who was shown it.
fn protections_stand(saved: &[Saved<'_>], id: RecordId, row: &RecordRow) -> Result<(), String> {
    for key in [CONSENT, AT_RISK] {
        let values = row.record.values(&key);
        let tip = values.iter().filter_map(|(_, v)| rank(&key, v)).max();
        for (no, truth) in saved {
            let wrote = truth.writes.get(&key).and_then(|v| rank(&key, v));
            let decided = || {
                let by = |(_, t): &Saved<'_>| t.decides.contains(&key) && t.past.contains(no);
                saved.iter().any(by)
            };
            if wrote > tip && !decided() {
                return Err(format!(
                    "g{no} protects {id} under {key}, and it was lowered without a decision"
                ));
            }
        }
    }
    let withdrawn = |(_, v): &(_, Value)| rank(&CONSENT, v) == Some(1);
    if row.record.values(&CONSENT).iter().any(withdrawn) && !row.state.withheld {
        return Err(format!("{id} is withdrawn and not withheld"));
    }
    Ok(())
}

/// The longest that a clock may run ahead, and a little.
const AHEAD_MS: u64 = 5 * 60 * 1_000 + 1_000;

/// Of answers in conflict none wins over one that an honest clock put later than it can have been made.
fn later_wins(world: &World, saved: &[Saved<'_>], row: &RecordRow) -> Result<(), String> {
    let Some(shown) = row.record.winner(&NAME).and_then(|(v, _)| number(v)) else {
        return Ok(());
    };
    let Some(received) = world.first_received.get(&shown) else {
        return Ok(());
    };
    let live = live(row, &NAME);
    for (no, truth) in saved.iter().filter(|(no, _)| live.contains(no)) {
        if *no != shown && truth.honest_at.is_some_and(|at| at > received + AHEAD_MS) {
            return Err(format!(
                "g{shown} is shown over g{no}, which an honest clock put later"
            ));
        }
    }
    Ok(())
}

/// The same answers in a restored server show the same one first.
pub(super) fn same_winner(world: &World, server: &Server) -> Result<(), String> {
    if server.org != ORG {
        return Ok(());
    }
    let now = super::winners(world);
    for (id, live, winner) in &world.winners {
        let again = now.iter().find(|(i, l, _)| i == id && l == live);
        if let Some((_, _, other)) = again
            && other != winner
        {
            return Err(format!(
                "the same answers of {id} showed g{winner} before the restore and g{other} after"
            ));
        }
    }
    Ok(())
}
