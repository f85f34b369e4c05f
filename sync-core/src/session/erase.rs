//! An erased record leaves nothing on the device but the tombstone (§3).

use std::collections::BTreeMap;

use super::device::Profile;
use super::error::SessionError;
use super::store::Store;
use crate::ids::{RecordId, Tombstone};

/// Ids of the records that this device knows, by what an erasure would leave of them. Made once for many erasures.
pub(super) type Known = BTreeMap<Tombstone, RecordId>;

/// All records that the device could have to erase.
pub(super) fn known(store: &dyn Store) -> Result<Known, SessionError> {
    let open = store.open_forms()?.into_iter().map(|f| f.record);
    let held = store.held_ids()?.into_iter().chain(store.own_records()?);
    Ok(held.chain(open).map(|r| (r.tombstone(), r)).collect())
}

/// Drops the record, closes its forms, and voids what is still queued for it: the numbers stay, the answers go.
pub(super) fn erase(
    store: &mut dyn Store,
    profile: &mut Profile,
    record: RecordId,
) -> Result<(), SessionError> {
    store.drop_held(record)?;
    for form in store.open_forms()? {
        if form.record == record {
            store.drop_open_form(form.session)?;
        }
    }
    for own in store.own_of(record)? {
        let mut own = own.without_body();
        own.record = None;
        store.put_own(&own)?;
    }
    profile.refetch.remove(&record);
    profile.leaves.remove(&record);
    Ok(())
}
