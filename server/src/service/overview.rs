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
use crate::storage::{RecordFilter, RecordNo};

/// Records with conflicts that the overview names.
const CONFLICTS_MAX: u32 = 50;
/// How long a device may be silent before somebody should ask.
const SILENT_MS: u64 = 14 * 24 * 60 * 60 * 1_000;
/// How far a device's clock may be wrong before somebody should set it.
const SKEW_MS: u64 = 60 * 60 * 1_000;

/// A device and what is to be known of it.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceState {
    /// The device.
    pub device: DeviceView,
    /// How many entries of the log it has not confirmed.
    pub behind: u64,
    /// How many of its changes are on this machine only.
    pub not_copied: u64,
    /// When it last exchanged, in milliseconds since 1970.
    #[serde(skip)]
    pub last_sync_ms: Option<u64>,
}

/// What needs somebody now, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Writing has stopped: the data was set back, copied or moved.
    Stopped,
    /// There is no copy off this machine, and none is being made.
    NoCopies,
    /// Copies are set up; the first one is still to be made.
    NeverCopied,
    /// The last copy is older than two rounds of copying; for so many milliseconds.
    CopyLate(u64),
    /// Copies are made by hand only; the last one is so many milliseconds old.
    CopiedByHand(u64),
    /// So many changes wait in quarantine.
    Quarantine(u64),
    /// So many records have conflicts.
    Conflicts(u64),
    /// So many erasures wait for another admin.
    Proposals(u64),
    /// So many restricted records may be erased now, or their restriction lifted.
    ToErase(u64),
    /// So many devices have not exchanged for two weeks.
    Silent(u64),
    /// So many devices have a clock that is wrong by more than an hour.
    Clocks(u64),
}

/// The overview. What the role does not see is none.
#[derive(Debug)]
pub struct Overview {
    /// The organisation's name.
    pub organisation: String,
    /// Records with conflicts.
    pub conflicts: Vec<RecordLine>,
    /// How many records have conflicts, as far as the role sees.
    pub conflict_count: u64,
    /// Whether the role sees all records of the organisation.
    pub all: bool,
    /// What needs somebody now.
    pub needs: Vec<Need>,
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
    /// Those of them whose waiting time is over.
    pub erasable: u64,
    /// Erasures that wait for a second person.
    pub proposals: Vec<Proposal>,
    /// The newest version of each form.
    pub forms: Vec<FormView>,
    /// Whether the user may download.
    pub exports: bool,
    /// For whom the user may make enrolment codes.
    pub workers: Option<Vec<UserView>>,
}

impl DeviceState {
    /// How long ago it last exchanged, in milliseconds; none if never.
    fn silent_ms(&self, now: u64) -> Option<u64> {
        self.last_sync_ms.map(|at| now.saturating_sub(at))
    }
}

#[derive(Default)]
struct Counts {
    usable: u64,
    withheld: u64,
    restricted: u64,
    erasable: u64,
    conflicts: u64,
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
        let counts = if all {
            self.counts(org)?
        } else {
            Counts::default()
        };
        let may = |action| user.require(action).is_ok();
        let by = By::User(user);
        let listed = conflicts.items.len() as u64;
        let mut overview = Overview {
            organisation: self
                .directory
                .read(|view| view.organisation(org))?
                .map(|row| row.name)
                .unwrap_or_default(),
            conflict_count: if all { counts.conflicts } else { listed },
            conflicts: conflicts.items,
            all,
            needs: Vec::new(),
            devices: match may(Action::ReadDevices) {
                true => Some(self.device_states(by, org)?),
                false => None,
            },
            copies: self.copy_state(org)?,
            quarantined: match may(Action::Quarantine) {
                true => Some(self.files.read(org, |txn| txn.quarantine_waiting())?),
                false => None,
            },
            records: counts.usable,
            withheld: counts.withheld,
            restricted: counts.restricted,
            erasable: match may(Action::Erase) {
                true => counts.erasable,
                false => 0,
            },
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
        };
        overview.needs = self.needs(&overview);
        Ok(overview)
    }

    fn needs(&self, overview: &Overview) -> Vec<Need> {
        let now = self.now();
        let mut needs = Vec::new();
        if overview.copies.stopped || overview.copies.sealed {
            needs.push(Need::Stopped);
        }
        needs.extend(copy_need(&overview.copies, now, self.options.copy_round()));
        let mut some = |n: u64, need: fn(u64) -> Need| {
            if n > 0 {
                needs.push(need(n));
            }
        };
        some(overview.quarantined.unwrap_or_default(), Need::Quarantine);
        some(overview.conflict_count, Need::Conflicts);
        some(overview.proposals.len() as u64, Need::Proposals);
        some(overview.erasable, Need::ToErase);
        let live = || {
            let devices = overview.devices.iter().flatten();
            devices.filter(|d| d.device.revoked_at.is_none())
        };
        let silent = live().filter(|d| d.silent_ms(now).is_some_and(|ms| ms > SILENT_MS));
        some(silent.count() as u64, Need::Silent);
        let skew = |d: &DeviceState| d.device.clock_skew_ms.map_or(0, i64::unsigned_abs);
        some(
            live().filter(|d| skew(d) > SKEW_MS).count() as u64,
            Need::Clocks,
        );
        needs
    }

    fn counts(&self, org: OrgId) -> Result<Counts> {
        let now = self.now();
        let with = |withheld, restricted| RecordFilter {
            withheld,
            restricted,
            ..RecordFilter::default()
        };
        self.files.read(org, |txn| {
            let usable = txn.count_records(&with(false, false))?;
            let unrestricted = txn.count_records(&with(true, false))?;
            let all = txn.count_records(&with(true, true))?;
            let conflicts = txn.count_records(&RecordFilter {
                conflicts_only: true,
                ..with(true, false)
            })?;
            let mut erasable = 0;
            if all > unrestricted {
                txn.records::<ServiceError>(&with(true, true), RecordNo(0), |row| {
                    let hidden = row.restricted_at.and(row.erase_after);
                    erasable += u64::from(hidden.is_some_and(|t| t <= now));
                    Ok(true)
                })?;
            }
            Ok::<_, ServiceError>(Counts {
                usable,
                conflicts,
                erasable,
                withheld: unrestricted.saturating_sub(usable),
                restricted: all.saturating_sub(unrestricted),
            })
        })
    }

    fn device_states(&self, by: By<'_>, org: OrgId) -> Result<Vec<DeviceState>> {
        let devices = self.devices(by, org, &PageRequest::largest(None))?.items;
        self.files.read(org, |txn| {
            let (head, copied) = (txn.head()?.0, txn.copied()?);
            devices
                .into_iter()
                .map(|device| {
                    let profile = txn.profile(device.id)?;
                    let confirmed = profile.as_ref().map_or(LogPos::ZERO, |p| p.confirmed);
                    Ok(DeviceState {
                        last_sync_ms: profile.and_then(|p| p.last_sync),
                        behind: head.get().saturating_sub(confirmed.get()),
                        not_copied: not_copied(txn, device.id, copied)?,
                        device,
                    })
                })
                .collect()
        })
    }
}

/// What is wrong with the copies, if anything.
fn copy_need(copies: &CopyState, now: u64, round: u64) -> Option<Need> {
    let age = copies.copied_at.map(|at| now.saturating_sub(at));
    match (copies.target, age) {
        (false, None) => Some(Need::NoCopies),
        (false, Some(age)) => Some(Need::CopiedByHand(age)),
        (true, None) => Some(Need::NeverCopied),
        (true, Some(age)) => (age > round.saturating_mul(2)).then_some(Need::CopyLate(age)),
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

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 60 * 60 * 1_000;

    fn copies(target: bool, copied_at: Option<u64>) -> CopyState {
        CopyState {
            target,
            copied: LogPos::ZERO,
            head: LogPos::ZERO,
            copied_at,
            stopped: false,
            sealed: false,
        }
    }

    #[test]
    fn copies_need_somebody_when_there_are_none_or_they_stopped_coming() {
        let now = 1_000 * HOUR;
        let need = |target, at| copy_need(&copies(target, at), now, 24 * HOUR);
        assert_eq!(need(false, None), Some(Need::NoCopies));
        assert_eq!(need(true, None), Some(Need::NeverCopied));
        assert_eq!(need(true, Some(now - 24 * HOUR)), None);
        assert_eq!(need(true, Some(now - 48 * HOUR)), None);
        let late = Some(Need::CopyLate(49 * HOUR));
        assert_eq!(need(true, Some(now - 49 * HOUR)), late);
        let by_hand = Some(Need::CopiedByHand(HOUR));
        assert_eq!(need(false, Some(now - HOUR)), by_hand);
        // A copy from the future is no reason to be calm or to panic.
        assert_eq!(need(true, Some(now + HOUR)), None);
    }
}
