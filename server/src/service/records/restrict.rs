//! Restriction: hidden at once, cancellable; the waiting time before an erasure (§3.1). Org admins only.
//!
//! It leaves every phone too, its maker's as well. What phones push meanwhile is taken as ever: a restriction hides, it
//! refuses nothing.

use tributary_sync_core::ids::{OrgId, RecordId};
use utoipa::ToSchema;

use super::{Acting, reach, retention};
use crate::service::access::Action;
use crate::service::ambient::rfc3339;
use crate::service::env::Env;
use crate::service::error::{Code, Result, ServiceError, invalid};
use crate::service::exchange::follow_holders;
use crate::service::{By, Service};
use crate::storage::{OrgFiles, OrgTxn};

pub(super) const DAY_MS: u64 = 24 * 60 * 60 * 1_000;
/// How long a record is restricted before it may be erased, unless the organisation says otherwise.
const DAYS: u64 = 7;
/// The most that it may say.
const DAYS_MAX: u64 = 366;
/// The organisation's own number of days, at least one.
const DAYS_SETTING: &str = "restriction_days";

/// A restriction in force.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, ToSchema)]
pub struct Restricted {
    /// Since when.
    pub restricted_at: String,
    /// From when on the record may be erased.
    pub erase_after: String,
}

pub(super) fn days(txn: &OrgTxn<'_>) -> Result<u64> {
    let own = txn.setting(DAYS_SETTING)?.and_then(|d| d.parse().ok());
    Ok(own.unwrap_or(DAYS).clamp(1, DAYS_MAX))
}

impl Service {
    /// Sets how many days a record of an organisation is restricted before it may be erased: 1 to 366. Restrictions in force
    /// keep their day.
    pub fn set_restriction_days(&self, by: By<'_>, org: OrgId, days: u64) -> Result<()> {
        by.require(org, Action::Restrict)?;
        if !(1..=DAYS_MAX).contains(&days) {
            let rule = "A record waits at least one day before it may be erased, and at most 366.";
            return Err(invalid("/days", "days_out_of_range", rule));
        }
        let detail = format!("days={days}");
        self.audit(by, org, "organisation.restriction_days", None, Some(detail))?;
        self.files.write::<_, ServiceError>(org, move |txn| {
            Ok(txn.set_setting(DAYS_SETTING, &days.to_string())?)
        })
    }
}

/// Hides a record at once. Doing it again changes nothing: the waiting time is not shortened, and not prolonged.
pub fn restrict(files: &OrgFiles, env: &Env, acting: &Acting, id: RecordId) -> Result<Restricted> {
    let (env, now, acting) = (env.clone(), env.now, acting.clone());
    files.write(acting.org, move |txn| {
        let row = reach::open(txn, &acting, id, Action::Restrict)?;
        let (since, until) = match (row.restricted_at, row.erase_after) {
            (Some(since), Some(until)) => (since, until),
            _ => {
                let until = now.saturating_add(days(txn)?.saturating_mul(DAY_MS));
                txn.audit(&acting.audit("record.restrict", Some(id), None), now)?;
                txn.set_restricted(row.no, Some(now), Some(acting.user), Some(until))?;
                follow_holders(txn, &env, row.no)?;
                (now, until)
            }
        };
        Ok(Restricted {
            restricted_at: rfc3339(since),
            erase_after: rfc3339(until),
        })
    })
}

/// Shows it again. A second restriction waits anew.
pub fn unrestrict(files: &OrgFiles, env: &Env, acting: &Acting, id: RecordId) -> Result<()> {
    let (env, now, acting) = (env.clone(), env.now, acting.clone());
    files.write(acting.org, move |txn| {
        let row = reach::open(txn, &acting, id, Action::Restrict)?;
        if row.restricted_at.is_none() {
            return Err(Code::NotRestricted.into());
        }
        txn.audit(&acting.audit("record.unrestrict", Some(id), None), now)?;
        // Somebody wants it: where records are kept for a time only, that time begins anew.
        let kept_until = retention::kept_for(txn)?.map(|kept| now.saturating_add(kept));
        txn.set_restricted(row.no, None, None, kept_until)?;
        Ok(follow_holders(txn, &env, row.no)?)
    })
}
