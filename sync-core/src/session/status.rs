//! Where each own changeset is: what the device tells before it is emptied, lost or handed on.

use super::device::Profile;
use super::error::SessionError;
use super::store::{Own, Store};
use crate::clock::Dot;
use crate::ids::{RecordId, Seq};
use crate::wire::message::Status;

/// Where an own changeset is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Whereabouts {
    /// Only on this device.
    Unsent,
    /// On the server, not yet in a copy off its machine.
    Stored,
    /// In a copy off the server's machine.
    Copied,
    /// Kept aside for the coordinator to judge.
    WithCoordinator,
    /// Nothing is left to keep: erased, or void.
    Nothing,
}

/// How much of it there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Changesets only on this device.
    pub unsent: usize,
    /// Changesets stored, not copied.
    pub stored: usize,
    /// Changesets copied.
    pub copied: usize,
    /// Changesets with the coordinator.
    pub with_coordinator: usize,
    /// Records on the device.
    pub records: usize,
}

/// Where `own` is.
pub fn whereabouts(profile: &Profile, own: &Own) -> Whereabouts {
    match own.fate.status {
        None if own.record.is_none() && own.body.is_none() => Whereabouts::Nothing,
        None => Whereabouts::Unsent,
        Some(Status::Void) => Whereabouts::Nothing,
        Some(Status::Erased) if own.body.is_none() => Whereabouts::Nothing,
        // Told without the tombstone that proves it.
        Some(Status::Erased) => Whereabouts::Unsent,
        Some(_) if own.is_with_coordinator() => Whereabouts::WithCoordinator,
        Some(_) if is_copied(profile, own) => Whereabouts::Copied,
        Some(_) => Whereabouts::Stored,
    }
}

/// Whether a copy off the server's machine holds it.
pub(super) fn is_copied(profile: &Profile, own: &Own) -> bool {
    let by_number = profile
        .actor(own.dot.actor)
        .is_some_and(|a| own.dot.seq <= a.copied);
    let by_position = own.fate.pos.is_some_and(|p| p <= profile.copied);
    own.fate.status.is_some() && (by_number || by_position)
}

/// All own changesets that the device still knows, by actor and number.
pub fn status(
    store: &dyn Store,
) -> Result<Vec<(Dot, Option<RecordId>, Whereabouts)>, SessionError> {
    let profile = store.profile()?;
    let mut out = Vec::new();
    for actor in &profile.actors {
        for own in store.own_after(actor.actor, Seq::ZERO, usize::MAX)? {
            out.push((own.dot, own.record, whereabouts(&profile, &own)));
        }
    }
    Ok(out)
}

/// The same, counted.
pub fn summary(store: &dyn Store) -> Result<Summary, SessionError> {
    let mut out = Summary {
        records: store.held_ids()?.len(),
        ..Summary::default()
    };
    for (_, _, place) in status(store)? {
        match place {
            Whereabouts::Unsent => out.unsent += 1,
            Whereabouts::Stored => out.stored += 1,
            Whereabouts::Copied => out.copied += 1,
            Whereabouts::WithCoordinator => out.with_coordinator += 1,
            Whereabouts::Nothing => {}
        }
    }
    Ok(out)
}

/// Forgets bodies of records that left the device, once they are copied.
pub(super) fn forget_copied(store: &mut dyn Store, profile: &Profile) -> Result<(), SessionError> {
    for record in store.own_records()? {
        if store.holds(record)? {
            continue;
        }
        for own in store.own_of(record)? {
            let judged = !own.is_with_coordinator();
            if own.body.is_some() && judged && is_copied(profile, &own) {
                store.put_own(&own.without_body())?;
            }
        }
    }
    Ok(())
}
