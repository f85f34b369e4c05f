//! Many erasures at once need two people (§3.1): the first proposes, another org admin confirms, who was one before and
//! not by the first one's hand ([`super::second`]).
//!
//! A proposal names records by hash only, and is good for a week.

use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{RecordId, Tombstone, UserId};
use utoipa::ToSchema;

use super::Acting;
use super::erase::{EraseOutcome, Reason, may_erase, remove, scrub, too_early};
use super::second::{Proposed, stands_apart};
use crate::service::access::{self, Action};
use crate::service::ambient::rfc3339;
use crate::service::env::Env;
use crate::service::error::{Code, Result, ServiceError};
use crate::storage::{OrgFiles, OrgTxn, RecordFilter, RecordNo, StorageError};

const PREFIX: &str = "erasure.";
const GOOD_FOR_MS: u64 = 7 * 24 * 60 * 60 * 1_000;

/// Many records that somebody wants to erase.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Proposal {
    /// Its id.
    pub id: String,
    /// Who proposes it.
    #[schema(value_type = String)]
    pub by: UserId,
    /// When.
    pub proposed_at: String,
    /// Why.
    pub reason: Reason,
    /// SHA-256 of the records' ids.
    #[schema(value_type = Vec<String>)]
    pub tombstones: Vec<Tombstone>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    by: UserId,
    at: u64,
    reason: Reason,
    tombstones: Vec<Tombstone>,
}

impl Kept {
    fn shown(self, id: String) -> Proposal {
        Proposal {
            id,
            by: self.by,
            proposed_at: rfc3339(self.at),
            reason: self.reason,
            tombstones: self.tombstones,
        }
    }
}

/// Writes a proposal down.
pub(super) fn propose(
    txn: &OrgTxn<'_>,
    env: &Env,
    acting: &Acting,
    records: &[RecordId],
    reason: Reason,
) -> Result<Proposal> {
    let id = hex::encode(env.random::<8>()?);
    let kept = Kept {
        by: acting.user,
        at: env.now,
        reason,
        tombstones: records.iter().map(RecordId::tombstone).collect(),
    };
    let detail = format!("records={} reason={}", records.len(), reason.as_str());
    let mut entry = acting.audit("record.erase_propose", None, detail);
    entry.subject = Some(id.clone());
    txn.audit(&entry, env.now)?;
    let json =
        serde_json::to_string(&kept).map_err(|e| ServiceError::from(Code::Internal).because(e))?;
    txn.set_setting(&format!("{PREFIX}{id}"), &json)?;
    Ok(kept.shown(id))
}

fn all(txn: &OrgTxn<'_>, now: u64) -> Result<Vec<(String, Kept)>> {
    let rows = txn.settings_under(PREFIX)?;
    Ok(rows
        .into_iter()
        .filter_map(|(id, json)| Some((id, serde_json::from_str::<Kept>(&json).ok()?)))
        .filter(|(_, kept)| kept.at.saturating_add(GOOD_FOR_MS) > now)
        .collect())
}

/// What waits for a second org admin.
pub fn proposed_erasures(files: &OrgFiles, env: &Env, acting: &Acting) -> Result<Vec<Proposal>> {
    access::require(acting.role, Action::Erase)?;
    files.read(acting.org, |txn| {
        let all = all(txn, env.now)?.into_iter();
        Ok(all.map(|(id, kept)| kept.shown(id)).collect())
    })
}

/// The second org admin says yes. All of it is checked again.
pub fn confirm_erasure(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    fresh: bool,
    id: &str,
) -> Result<EraseOutcome> {
    may_erase(acting, fresh)?;
    let (work_env, work_acting, id) = (env.clone(), acting.clone(), id.to_owned());
    let outcome = files.write(acting.org, move |txn| {
        let (env, acting) = (work_env, work_acting);
        let (_, kept) = all(txn, env.now)?
            .into_iter()
            .find(|(known, _)| *known == id)
            .ok_or(Code::NotFound)?;
        let (records, restricted_at) = restricted_among(txn, &kept.tombstones)?;
        let proposed = Proposed {
            by: kept.by,
            at: kept.at,
            restricted_at: restricted_at.unwrap_or(kept.at),
        };
        stands_apart(txn, acting.user, &proposed)?;
        // Whatever was lifted meanwhile is not among them any more: then nothing is erased.
        let mut missing = 0;
        for hash in &kept.tombstones {
            let there = records.iter().any(|r| r.tombstone() == *hash);
            missing += usize::from(!there && txn.tombstone(*hash)?.is_none());
        }
        if missing > 0 {
            return Err(Code::NotRestricted.into());
        }
        let early = too_early(txn, &env, &acting, &records)?;
        if !early.is_empty() {
            return Ok(EraseOutcome::TooEarly(early));
        }
        txn.remove_setting(&format!("{PREFIX}{id}"))?;
        let mut entry = acting.audit("record.erase_confirm", None, None);
        entry.subject = Some(id);
        entry.detail = Some(format!("proposed_by={}", kept.by));
        txn.audit(&entry, env.now)?;
        remove(txn, &env, &acting, &records, kept.reason).map(EraseOutcome::Erased)
    })?;
    Ok(match outcome {
        EraseOutcome::Erased(report) => EraseOutcome::Erased(scrub(files, acting, report)),
        other => other,
    })
}

/// Takes a proposal back: whoever may make one.
pub fn cancel_erasure(files: &OrgFiles, env: &Env, acting: &Acting, id: &str) -> Result<()> {
    access::require(acting.role, Action::Erase)?;
    let (now, acting, id) = (env.now, acting.clone(), id.to_owned());
    files.write(acting.org, move |txn| {
        if !all(txn, now)?.iter().any(|(known, _)| *known == id) {
            return Err(Code::NotFound.into());
        }
        txn.remove_setting(&format!("{PREFIX}{id}"))?;
        let mut entry = acting.audit("record.erase_cancel", None, None);
        entry.subject = Some(id);
        txn.audit(&entry, now)?;
        Ok(())
    })
}

/// The ids behind hashes, as far as they are restricted, and since when the first of them is.
fn restricted_among(
    txn: &OrgTxn<'_>,
    hashes: &[Tombstone],
) -> Result<(Vec<RecordId>, Option<u64>)> {
    let filter = RecordFilter {
        deleted: true,
        withheld: true,
        restricted: true,
        ..RecordFilter::default()
    };
    let mut out = Vec::new();
    let mut first: Option<u64> = None;
    txn.records::<StorageError>(&filter, RecordNo(0), |row| {
        let id = row.record.id();
        if let Some(at) = row.restricted_at
            && hashes.contains(&id.tombstone())
        {
            out.push(id);
            first = Some(first.map_or(at, |first| first.min(at)));
        }
        Ok(true)
    })?;
    Ok((out, first))
}
