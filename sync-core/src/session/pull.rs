//! The entries of a pull, in the order in which they came (§9.4).

use super::device::Profile;
use super::erase::{self, Known};
use super::error::SessionError;
use super::results::{set_effective, want};
use super::save::as_seen;
use super::store::{Held, Own, Person, Store};
use crate::change::Stored;
use crate::clock::{Dot, Hlc};
use crate::ids::{FormHash, LogPos, RecordId};
use crate::record::Record;
use crate::wire::message::{Entry, SignedTombstone};

/// Applies the entries.
pub(super) fn apply(
    store: &mut dyn Store,
    profile: &mut Profile,
    entries: &[Entry],
) -> Result<(), SessionError> {
    let mut known: Option<Known> = None;
    for entry in entries {
        if let Entry::Erased { tombstone, .. } = entry {
            let known = match &mut known {
                Some(known) => known,
                None => known.insert(erase::known(store)?),
            };
            erased(store, profile, tombstone, known)?;
        } else {
            one(store, profile, entry)?;
            if let (Some(known), Entry::State { state, .. }) = (&mut known, entry) {
                known.insert(state.id().tombstone(), state.id());
            }
        }
    }
    Ok(())
}

/// Applies the erasures among entries that do not go on from where the device stands.
pub(super) fn erasures(
    store: &mut dyn Store,
    profile: &mut Profile,
    entries: &[Entry],
) -> Result<(), SessionError> {
    let mut known: Option<Known> = None;
    for entry in entries {
        let Entry::Erased { tombstone, .. } = entry else {
            continue;
        };
        let known = match &mut known {
            Some(known) => known,
            None => known.insert(erase::known(store)?),
        };
        erased(store, profile, tombstone, known)?;
    }
    Ok(())
}

fn one(store: &mut dyn Store, profile: &mut Profile, entry: &Entry) -> Result<(), SessionError> {
    match entry {
        Entry::Change { pos, stored } => change(store, profile, *pos, stored)?,
        Entry::Own {
            pos,
            actor,
            seq,
            effective,
            received,
            cut,
        } => {
            let dot = Dot::new(*actor, *seq);
            own(store, profile, *pos, dot, (*effective, *received, *cut))?;
        }
        Entry::State { pos, form, state } => full(store, profile, *pos, *form, state.clone())?,
        Entry::Leave { pos, record } => {
            let later = store.held(*record)?.is_some_and(|h| h.pos >= *pos);
            if !later {
                profile.refetch.remove(record);
                if !has_unsent(store, *record)? {
                    drop_record(store, profile, *record)?;
                }
            }
        }
        Entry::Gone { record } => gone(store, profile, *record)?,
        Entry::Policy { policy, .. } => store.put_policy(policy)?,
        Entry::Form { hash, .. } => {
            if store.form(*hash)?.is_none() {
                profile.wanted.insert(*hash);
            }
        }
        Entry::Actor {
            actor, name, user, ..
        } => {
            let person = Person {
                name: name.clone(),
                user: *user,
            };
            store.put_person(*actor, &person)?;
        }
        Entry::Quarantine {
            actor,
            seq,
            released,
            ..
        } => {
            if let Some(mut own) = store.own(Dot::new(*actor, *seq))? {
                own.fate.judged = Some(*released);
                store.put_own(&own)?;
                if let Some(record) = own.record {
                    want(store, profile, record)?;
                }
            }
        }
        Entry::Keys { keys, .. } => store.put_keys(keys)?,
        Entry::Scope { records } => scope(store, profile, records)?,
        // Its state follows; an erasure is handled by the caller.
        Entry::Enter { .. } | Entry::Erased { .. } => {}
    }
    Ok(())
}

/// A changeset of somebody else. Never a tail alone: without the record it is skipped, and so is what the full state
/// held already (§6.1).
fn change(
    store: &mut dyn Store,
    profile: &mut Profile,
    pos: LogPos,
    stored: &Stored,
) -> Result<(), SessionError> {
    profile.learn_clock(stored.stamp.effective);
    let Some(mut held) = store.held(stored.change.record)? else {
        return Ok(());
    };
    if pos > held.pos {
        held.state.apply(stored);
        store.put_held(&held)?;
    }
    Ok(())
}

fn own(
    store: &mut dyn Store,
    profile: &mut Profile,
    pos: LogPos,
    dot: Dot,
    (effective, received, cut): (Hlc, u64, bool),
) -> Result<(), SessionError> {
    profile.learn_clock(effective);
    let Some(mut own) = store.own(dot)? else {
        return Ok(());
    };
    own.fate.pos = Some(pos);
    own.fate.effective = Some(effective);
    store.put_own(&own)?;
    let Some(record) = own.record else {
        return Ok(());
    };
    if store.held(record)?.is_none_or(|h| pos <= h.pos) {
        return Ok(());
    }
    set_effective(store, dot, record, effective, Some(received))?;
    if cut {
        want(store, profile, record)?;
    }
    Ok(())
}

/// Full state replaces the local one, and what the server has not judged, or judged later, is applied again (§6.1).
pub(super) fn full(
    store: &mut dyn Store,
    profile: &mut Profile,
    pos: LogPos,
    form: FormHash,
    mut state: Record,
) -> Result<(), SessionError> {
    let record = state.id();
    if store.is_erased(record.tombstone())? {
        return Ok(());
    }
    for live in state.lives() {
        profile.learn_clock(live.effective);
    }
    for own in store.own_of(record)? {
        let later = own.fate.pos.is_some_and(|p| p > pos);
        if let Some(body) = &own.body
            && (own.holds_record() || later)
        {
            let mut stored = as_seen(body);
            stored.stamp.effective = own.fate.effective.unwrap_or(stored.stamp.effective);
            state.apply(&stored);
        }
    }
    if store.form(form)?.is_none() {
        profile.wanted.insert(form);
    }
    store.put_held(&Held { state, form, pos })?;
    profile.refetch.remove(&record);
    Ok(())
}

/// A refetched record that is not in scope: what only a coordinator can still bring in stays visible to its author.
fn gone(
    store: &mut dyn Store,
    profile: &mut Profile,
    record: RecordId,
) -> Result<(), SessionError> {
    profile.refetch.remove(&record);
    if has_unsent(store, record)? {
        return Ok(());
    }
    let Some(held) = store.held(record)? else {
        return Ok(());
    };
    if is_pending(store, record)? {
        full(store, profile, LogPos::ZERO, held.form, Record::new(record))
    } else {
        drop_record(store, profile, record)
    }
}

/// The end of a backfill: what is not in scope goes, unless it holds something that the server has not judged.
fn scope(
    store: &mut dyn Store,
    profile: &mut Profile,
    records: &[RecordId],
) -> Result<(), SessionError> {
    let mut in_scope = records.to_vec();
    in_scope.sort();
    for record in store.held_ids()? {
        if in_scope.binary_search(&record).is_err() && !is_pending(store, record)? {
            drop_record(store, profile, record)?;
        }
    }
    Ok(())
}

fn erased(
    store: &mut dyn Store,
    profile: &mut Profile,
    tombstone: &SignedTombstone,
    known: &Known,
) -> Result<(), SessionError> {
    store.put_tombstone(tombstone)?;
    match known.get(&tombstone.hash) {
        Some(record) => erase::erase(store, profile, *record),
        None => Ok(()),
    }
}

/// Drops a record that left the scope. Bodies that the server's copy holds go with it; others stay until they are
/// copied.
pub(super) fn drop_record(
    store: &mut dyn Store,
    profile: &mut Profile,
    record: RecordId,
) -> Result<(), SessionError> {
    store.drop_held(record)?;
    profile.refetch.remove(&record);
    for own in store.own_of(record)? {
        if own.body.is_some() && super::status::is_copied(profile, &own) {
            store.put_own(&own.without_body())?;
        }
    }
    Ok(())
}

fn has_unsent(store: &dyn Store, record: RecordId) -> Result<bool, SessionError> {
    let own = store.own_of(record)?;
    Ok(own.iter().any(|o| o.is_unsent() && o.body.is_some()))
}

/// Whether the record holds something unacknowledged, or something that waits for a coordinator.
pub(super) fn is_pending(store: &dyn Store, record: RecordId) -> Result<bool, SessionError> {
    Ok(store.own_of(record)?.iter().any(Own::holds_record))
}
