//! Emptying a device: records and bodies go; actors, numbers, hashes, the head and the tombstones stay (§5.4).

use super::device::{Phase, Profile};
use super::error::SessionError;
use super::status::{Whereabouts, whereabouts};
use super::store::Store;
use crate::clock::Dot;
use crate::ids::{RecordId, Seq};

/// How safe is safe enough.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Confirm {
    /// Only what is in a copy off the server's machine.
    CopiedOnly,
    /// What the server has stored: a choice that the person named and confirmed.
    StoredIsEnough,
}

/// What keeps the device from being emptied.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Obstacle {
    /// A changeset is only on this device.
    Unsent(Dot, Option<RecordId>),
    /// A changeset is on the server, but in no copy off its machine yet.
    NotCopied(Dot, Option<RecordId>),
    /// A changeset waits for the coordinator, and is in no copy off the server's machine yet.
    WithCoordinator(Dot, Option<RecordId>),
    /// A form is open.
    FormOpen(RecordId),
    /// The device is still finding out, with the server, where it stands.
    Unsettled,
}

/// All that keeps the device from being emptied.
pub fn obstacles(store: &dyn Store, confirm: Confirm) -> Result<Vec<Obstacle>, SessionError> {
    let profile = store.profile()?;
    let mut out = Vec::new();
    if profile.phase != Phase::Exchange {
        out.push(Obstacle::Unsettled);
    }
    for form in store.open_forms()? {
        out.push(Obstacle::FormOpen(form.record));
    }
    for actor in &profile.actors {
        for own in store.own_after(actor.actor, Seq::ZERO, usize::MAX)? {
            let (dot, record) = (own.dot, own.record);
            let copied = super::status::is_copied(&profile, &own);
            match whereabouts(&profile, &own) {
                Whereabouts::Unsent => out.push(Obstacle::Unsent(dot, record)),
                Whereabouts::Stored if confirm == Confirm::CopiedOnly => {
                    out.push(Obstacle::NotCopied(dot, record));
                }
                Whereabouts::WithCoordinator if confirm == Confirm::CopiedOnly && !copied => {
                    out.push(Obstacle::WithCoordinator(dot, record));
                }
                _ => {}
            }
        }
        // An erased number that was not sent as void yet.
        if actor.has_unsent() && out.is_empty() {
            out.push(Obstacle::Unsettled);
        }
    }
    Ok(out)
}

/// Empties the device. The server hears of it in the next exchange.
pub fn empty(store: &mut dyn Store, confirm: Confirm) -> Result<Vec<RecordId>, SessionError> {
    if !obstacles(store, confirm)?.is_empty() {
        return Err(SessionError::NotEmpty);
    }
    let mut profile: Profile = store.profile()?;
    let records = store.held_ids()?;
    for record in &records {
        store.drop_held(*record)?;
        profile.leaves.insert(*record);
    }
    for actor in &mut profile.actors {
        for own in store.own_after(actor.actor, Seq::ZERO, usize::MAX)? {
            store.drop_own(own.dot)?;
        }
        actor.base = actor.made;
    }
    profile.refetch.clear();
    profile.cursor = None;
    store.put_profile(&profile)?;
    Ok(records)
}
