//! What a coordinator looks at first: conflicts, devices, copies, quarantine, forms. Counts and names, no answer.

use serde::Serialize;
use tributary_sync_core::ids::{LogPos, OrgId, ProfileId};

use super::access::{Action, Reach};
use super::backup::CopyState;
use super::devices::DeviceView;
use super::error::{Result, ServiceError};
use super::forms::FormView;
use super::paging::PageRequest;
use super::principal::User;
use super::records::{ListFilter, Proposal, RecordLine};
use super::users::UserView;
use super::{By, Service};
use crate::storage::RecordFilter;

/// Records with conflicts that the overview names.
const CONFLICTS_MAX: u32 = 50;

/// A device and what is to be known of it.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceState {
    /// The device.
    pub device: DeviceView,
    /// How many entries of the log it has not confirmed.
    pub behind: u64,
    /// How many of its changes are on this machine only.
    pub not_copied: u64,
}

/// The overview. What the role does not see is none.
#[derive(Debug)]
pub struct Overview {
    /// The organisation's name.
    pub organisation: String,
    /// Records with conflicts.
    pub conflicts: Vec<RecordLine>,
    /// Whether there are more.
    pub more_conflicts: bool,
    /// The devices.
    pub devices: Option<Vec<DeviceState>>,
    /// Copies off this machine.
    pub copies: CopyState,
    /// What waits in quarantine.
    pub quarantined: Option<u64>,
    /// Records that may be used.
    pub records: u64,
    /// Records without live consent.
    pub withheld: u64,
    /// Restricted records.
    pub restricted: u64,
    /// Erasures that wait for a second person.
    pub proposals: Vec<Proposal>,
    /// The newest version of each form.
    pub forms: Vec<FormView>,
    /// Whether the user may download.
    pub exports: bool,
    /// For whom the user may make enrolment codes.
    pub workers: Option<Vec<UserView>>,
}

impl Service {
    /// The overview of whoever is signed in.
    pub fn overview(&self, user: &User) -> Result<Overview> {
        let desk = self.desk(user)?;
        let filter = ListFilter {
            conflicts: true,
            withheld: true,
            limit: Some(CONFLICTS_MAX),
            ..ListFilter::default()
        };
        let conflicts = desk.list(&filter)?;
        let org = user.org;
        let all = user.require(Action::ReadRecords)? == Reach::All;
        let (records, withheld, restricted) = if all { self.counts(org)? } else { (0, 0, 0) };
        let may = |action| user.require(action).is_ok();
        let by = By::User(user);
        Ok(Overview {
            organisation: self
                .directory
                .read(|view| view.organisation(org))?
                .map(|row| row.name)
                .unwrap_or_default(),
            more_conflicts: conflicts.next.is_some(),
            conflicts: conflicts.items,
            devices: match may(Action::ReadDevices) {
                true => Some(self.device_states(by, org)?),
                false => None,
            },
            copies: self.copy_state(org)?,
            quarantined: match may(Action::Quarantine) {
                true => Some(self.files.read(org, |txn| txn.quarantine_waiting())?),
                false => None,
            },
            records,
            withheld,
            restricted,
            proposals: match may(Action::Erase) {
                true => desk.proposed_erasures()?,
                false => Vec::new(),
            },
            forms: self.forms(by, org)?,
            exports: may(Action::Export),
            workers: match may(Action::ManageDevices) {
                true => Some(self.users(by, org, &PageRequest::largest(None))?.items),
                false => None,
            },
        })
    }

    fn counts(&self, org: OrgId) -> Result<(u64, u64, u64)> {
        let with = |withheld, restricted| RecordFilter {
            withheld,
            restricted,
            ..RecordFilter::default()
        };
        self.files.read(org, |txn| {
            let usable = txn.count_records(&with(false, false))?;
            let unrestricted = txn.count_records(&with(true, false))?;
            let all = txn.count_records(&with(true, true))?;
            Ok::<_, ServiceError>((
                usable,
                unrestricted.saturating_sub(usable),
                all.saturating_sub(unrestricted),
            ))
        })
    }

    fn device_states(&self, by: By<'_>, org: OrgId) -> Result<Vec<DeviceState>> {
        let devices = self.devices(by, org, &PageRequest::largest(None))?.items;
        self.files.read(org, |txn| {
            let (head, copied) = (txn.head()?.0, txn.copied()?);
            devices
                .into_iter()
                .map(|device| {
                    let confirmed = txn
                        .profile(device.id)?
                        .map_or(LogPos::ZERO, |p| p.confirmed);
                    Ok(DeviceState {
                        behind: head.get().saturating_sub(confirmed.get()),
                        not_copied: not_copied(txn, device.id, copied)?,
                        device,
                    })
                })
                .collect()
        })
    }
}

fn not_copied(txn: &crate::storage::OrgTxn<'_>, profile: ProfileId, copied: LogPos) -> Result<u64> {
    let mut out = 0;
    for actor in txn.actors_of(profile)? {
        let inside = txn.last_item_at(actor.id, copied)?;
        out += actor.acked.get().saturating_sub(inside.get());
    }
    Ok(out)
}
