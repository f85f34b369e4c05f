//! Nothing that was acknowledged is lost: every changeset that a phone was told is stored is looked for in the server's
//! file, by number and by hash.

use anyhow::Result;
use tributary_sync_core::session::{Own, Whereabouts};

use super::phone::Phone;
use super::stage::Stage;
use crate::storage::{ItemStatus, OrgTxn, StorageError};

/// What the comparison found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Proof {
    /// Changesets on phones.
    pub(super) made: u64,
    /// Of these, acknowledged.
    pub(super) acknowledged: u64,
    /// Of these, in the server's log with the same hash.
    pub(super) in_log: u64,
    /// Of these, in the server's quarantine with the same hash.
    pub(super) in_quarantine: u64,
    /// Of these, known to the server as a second arrival of something that it has.
    pub(super) twice: u64,
    /// Of these, not to be found. It has to be none.
    pub(super) lost: u64,
    /// Still only on a phone.
    pub(super) unsent: u64,
}

impl Proof {
    /// Counts another phone too.
    pub(super) fn add(&mut self, other: &Self) {
        self.made += other.made;
        self.acknowledged += other.acknowledged;
        self.in_log += other.in_log;
        self.in_quarantine += other.in_quarantine;
        self.twice += other.twice;
        self.lost += other.lost;
        self.unsent += other.unsent;
    }
}

/// Compares a phone with the server.
pub(super) fn compare(stage: &Stage, phone: &mut Phone) -> Result<Proof> {
    let mut own = Vec::new();
    let device = phone.device()?;
    for record in device.records()? {
        own.extend(device.show(record)?.own);
    }
    let found = stage
        .service
        .files()
        .read::<_, StorageError>(stage.org, |txn| {
            let mut found = Proof::default();
            own.iter()
                .try_for_each(|(own, place)| look(txn, own, *place, &mut found))?;
            Ok(found)
        })?;
    Ok(found)
}

fn look(
    txn: &OrgTxn<'_>,
    own: &Own,
    place: Whereabouts,
    proof: &mut Proof,
) -> Result<(), StorageError> {
    proof.made += 1;
    if place == Whereabouts::Unsent {
        proof.unsent += 1;
        return Ok(());
    }
    proof.acknowledged += 1;
    let item = txn.item(own.dot)?.filter(|item| item.hash == own.hash);
    let log = |no| txn.change_by_dot(no, own.dot);
    let count = match item.map(|item| (item.status, item.record)) {
        Some((ItemStatus::Applied | ItemStatus::Cut, Some(no))) if log(no)?.is_some() => {
            &mut proof.in_log
        }
        Some((ItemStatus::Quarantined, _)) => &mut proof.in_quarantine,
        Some((ItemStatus::Duplicate, _)) => &mut proof.twice,
        _ => &mut proof.lost,
    };
    *count += 1;
    Ok(())
}
