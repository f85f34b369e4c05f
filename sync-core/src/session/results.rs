//! What the server said of pushed numbers.

use super::device::Profile;
use super::erase;
use super::error::SessionError;
use super::pull::{drop_record, is_pending};
use super::store::{Own, Store};
use crate::clock::{Dot, Hlc};
use crate::ids::{ActorId, RecordId};
use crate::wire::message::{PushResult, Status};

/// Takes over the verdicts on an actor's numbers, as of now. Returns own changesets that the server knows only as
/// *void* though the device still holds them: they are made again (§5.5).
pub(super) fn take(
    store: &mut dyn Store,
    profile: &mut Profile,
    actor: ActorId,
    results: &[PushResult],
) -> Result<Vec<Dot>, SessionError> {
    let mut voided = Vec::new();
    for result in results {
        let dot = Dot::new(actor, result.seq);
        let Some(mut own) = store.own(dot)? else {
            continue;
        };
        let before = own.fate.status.replace(result.status);
        own.fate.code.clone_from(&result.code);
        own.fate.pos = result.pos.or(own.fate.pos);
        if let Some(effective) = result.effective {
            own.fate.effective = Some(effective);
            profile.learn_clock(effective);
        }
        if result.status != Status::Quarantined {
            own.fate.judged = None;
        }
        store.put_own(&own)?;
        let Some(record) = own.record else { continue };
        judge(store, profile, &own, record, before == own.fate.status)?;
        if result.status == Status::Void && own.body.is_some() {
            voided.push(dot);
        }
        if result.out_of_scope && !is_pending(store, record)? {
            drop_record(store, profile, record)?;
        }
    }
    Ok(voided)
}

fn judge(
    store: &mut dyn Store,
    profile: &mut Profile,
    own: &Own,
    record: RecordId,
    repeated: bool,
) -> Result<(), SessionError> {
    match own.fate.status {
        // A status is nobody's signature: answers go when the tombstone is here, which may come later (§3.3).
        Some(Status::Erased) if store.is_erased(record.tombstone())? => {
            return erase::erase(store, profile, record);
        }
        Some(Status::Erased) => {}
        Some(Status::Applied) => {
            if let Some(effective) = own.fate.effective {
                set_effective(store, own.dot, record, effective, None)?;
            }
        }
        // What the device applied is not what the server has.
        Some(_) if !repeated => want(store, profile, record)?,
        _ => {}
    }
    Ok(())
}

/// Writes the effective clock of a changeset into its record.
pub(super) fn set_effective(
    store: &mut dyn Store,
    dot: Dot,
    record: RecordId,
    effective: Hlc,
    received: Option<u64>,
) -> Result<(), SessionError> {
    let Some(mut held) = store.held(record)? else {
        return Ok(());
    };
    let Some(live) = held.state.live(dot) else {
        return Ok(());
    };
    let received = received.unwrap_or(live.received);
    if live.effective != effective || live.received != received {
        held.state.restamp(dot, effective, received);
        store.put_held(&held)?;
    }
    Ok(())
}

/// Asks for the full state of a record again, if the device has it.
pub(super) fn want(
    store: &dyn Store,
    profile: &mut Profile,
    record: RecordId,
) -> Result<(), SessionError> {
    if store.holds(record)? && !profile.revoked {
        profile.refetch.insert(record);
    }
    Ok(())
}
