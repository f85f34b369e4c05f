//! Erasure for good (§3): by an org admin who has just signed in, after the time in restriction, many only with a second
//! org admin. The ledger outside the organisation's file knows first; the words leave every file; a report says who has
//! not heard of it yet.

use std::collections::HashSet;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{LogPos, ProfileId, RecordId, Tombstone, UserId};
use utoipa::ToSchema;

use super::confirm::{Proposal, propose};
use super::{Acting, reach};
use crate::service::access::{self, Action};
use crate::service::ambient::rfc3339;
use crate::service::env::Env;
use crate::service::error::{Code, Result, ServiceError, invalid};
use crate::storage::{OrgFiles, OrgTxn, QuarantineRow};

/// From this many in one call, or in an hour, a second org admin confirms.
pub(super) const MANY: usize = 10;
const HOUR_MS: u64 = 60 * 60 * 1_000;
/// Records of one call.
const CALL_MAX: usize = 200;
/// Unreadable bodies that a report names.
const UNREADABLE_MAX: u32 = 1_000;

/// Why something is erased: a code, because the audit keeps it for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The person asked for it.
    Request,
    /// It was kept as long as it may be.
    Retention,
    /// It should never have been recorded.
    Mistake,
    /// Anything else.
    Other,
}

impl Reason {
    /// Its one spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Retention => "retention",
            Self::Mistake => "mistake",
            Self::Other => "other",
        }
    }
}
impl FromStr for Reason {
    type Err = ServiceError;
    fn from_str(text: &str) -> Result<Self> {
        let all = [Self::Request, Self::Retention, Self::Mistake, Self::Other];
        let found = all.into_iter().find(|r| r.as_str() == text);
        found.ok_or_else(|| invalid("/reason", "reason_unknown", "Give one of the reasons."))
    }
}

/// How a request to erase ended.
#[derive(Clone, Debug)]
pub enum EraseOutcome {
    /// They are gone.
    Erased(ErasureReport),
    /// They are many: another org admin confirms first.
    NeedsSecond(Proposal),
    /// These are not restricted, or not for long enough; nothing was erased.
    TooEarly(Vec<RecordId>),
}

/// What an erasure removed, and who has not heard of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErasureReport {
    /// What remains of each record, by the hash of its id.
    pub erased: Vec<ErasedRecord>,
    /// Devices that have not confirmed it: they may still hold the record until they sync.
    pub unconfirmed: Vec<Unconfirmed>,
    /// Bodies in quarantine that nobody can read and that name no record: what was erased may stand in them too. Who
    /// knows that a device sent it discards it.
    pub unreadable: Vec<Unreadable>,
    /// Whether the words have left every file of the organisation. If not, the next opening of its file tries again.
    pub scrubbed: bool,
}

/// One erased record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ErasedRecord {
    /// SHA-256 of its id.
    #[schema(value_type = String)]
    pub tombstone: Tombstone,
    /// The log position of the erasure.
    pub position: u64,
    /// When it was erased.
    pub erased_at: String,
    /// Bodies of changesets that went.
    pub changes: usize,
    /// Bodies in quarantine that went.
    pub quarantined: usize,
    /// Edits that came later and were dropped.
    pub late_edits: u64,
}

/// A device that has not confirmed an erasure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unconfirmed {
    /// The device.
    #[schema(value_type = String)]
    pub device: ProfileId,
    /// Its user.
    #[schema(value_type = String)]
    pub user: UserId,
    /// Its user's name.
    pub name: String,
    /// When it last exchanged.
    pub last_sync_at: Option<String>,
    /// Whether it ever held one of these records; known only at the moment of the erasure.
    pub held: Option<bool>,
}

/// A body in quarantine that nobody can tell the record of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Unreadable {
    /// Its number in quarantine.
    pub no: i64,
    /// The device that sent it.
    #[schema(value_type = String)]
    pub device: ProfileId,
    /// When it came.
    pub received_at: String,
}

/// Erases records. Those that were erased before are passed over.
pub fn erase(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    fresh: bool,
    records: Vec<RecordId>,
    reason: Reason,
) -> Result<EraseOutcome> {
    may_erase(acting, fresh)?;
    let distinct: HashSet<_> = records.iter().collect();
    if records.is_empty() || records.len() > CALL_MAX || distinct.len() != records.len() {
        return Err(invalid(
            "/records",
            "records_length",
            "Name 1 to 200 records, none twice.",
        ));
    }
    let (work_env, work_acting) = (env.clone(), acting.clone());
    let outcome = files.write(acting.org, move |txn| {
        let (env, acting) = (work_env, work_acting);
        let early = too_early(txn, &env, &acting, &records)?;
        if !early.is_empty() {
            return Ok(EraseOutcome::TooEarly(early));
        }
        if records.len() + recent(txn, env.now)? >= MANY {
            let proposal = propose(txn, &env, &acting, &records, reason)?;
            return Ok(EraseOutcome::NeedsSecond(proposal));
        }
        remove(txn, &env, &acting, &records, reason).map(EraseOutcome::Erased)
    })?;
    Ok(match outcome {
        EraseOutcome::Erased(report) => EraseOutcome::Erased(scrub(files, acting, report)),
        other => other,
    })
}

/// The role, and a password typed just now.
pub(super) fn may_erase(acting: &Acting, fresh: bool) -> Result<()> {
    access::require(acting.role, Action::Erase)?;
    if fresh {
        Ok(())
    } else {
        Err(Code::SignInAgain.into())
    }
}

/// How many were erased within the last hour.
fn recent(txn: &OrgTxn<'_>, now: u64) -> Result<usize> {
    let since = now.saturating_sub(HOUR_MS);
    let all = txn.tombstones()?;
    Ok(all.iter().filter(|t| t.erased_at > since).count())
}

/// Those that are not restricted, or not for long enough.
pub(super) fn too_early(
    txn: &OrgTxn<'_>,
    env: &Env,
    acting: &Acting,
    records: &[RecordId],
) -> Result<Vec<RecordId>> {
    if txn.stopped()? {
        return Err(Code::OrganisationStopped.into());
    }
    let mut early = Vec::new();
    for id in records {
        if txn.erased(*id)? {
            continue;
        }
        let row = reach::open(txn, acting, *id, Action::Erase)?;
        let ripe = row.restricted_at.is_some() && row.erase_after.is_some_and(|t| t <= env.now);
        if !ripe {
            early.push(*id);
        }
    }
    Ok(early)
}

/// Everything was checked: from here on it happens.
pub(super) fn remove(
    txn: &OrgTxn<'_>,
    env: &Env,
    acting: &Acting,
    records: &[RecordId],
    reason: Reason,
) -> Result<ErasureReport> {
    let mut held = HashSet::new();
    for id in records {
        if let Some(no) = txn.record_no(*id)? {
            held.extend(txn.scope_profiles(no)?);
        }
        let detail = format!("reason={}", reason.as_str());
        txn.audit(&acting.audit("record.erase", Some(*id), detail), env.now)?;
    }
    let mut erased = Vec::new();
    for id in records {
        let hash = id.tombstone();
        if txn.tombstone(hash)?.is_some() {
            continue;
        }
        // Before the commit: a line too many erases again what is being erased, a line too few would let it return.
        env.ledger.append(txn.org(), hash, env.now)?;
        if let Some(gone) = txn.erase_record(*id, env.now)? {
            erased.push(ErasedRecord {
                tombstone: hash,
                position: gone.pos.get(),
                erased_at: rfc3339(env.now),
                changes: gone.changes,
                quarantined: gone.quarantined,
                late_edits: 0,
            });
        }
    }
    let last = erased.iter().map(|e| e.position).max();
    let mut unconfirmed = not_confirmed(txn, env, last)?;
    for device in &mut unconfirmed {
        device.held = Some(held.contains(&device.device));
    }
    Ok(ErasureReport {
        erased,
        unconfirmed,
        unreadable: unreadable(txn)?,
        scrubbed: false,
    })
}

fn not_confirmed(txn: &OrgTxn<'_>, env: &Env, at: Option<u64>) -> Result<Vec<Unconfirmed>> {
    let at = LogPos::new(at.unwrap_or_default()).unwrap_or_default();
    let mut out = Vec::new();
    for profile in txn.profiles()? {
        if profile.confirmed >= at {
            continue;
        }
        let name = env.roster.name(txn.org(), profile.user)?;
        out.push(Unconfirmed {
            device: profile.id,
            user: profile.user,
            name: name.unwrap_or_default(),
            last_sync_at: profile.last_sync.map(rfc3339),
            held: None,
        });
    }
    Ok(out)
}

fn unreadable(txn: &OrgTxn<'_>) -> Result<Vec<Unreadable>> {
    let rows = txn.quarantine_nameless(UNREADABLE_MAX)?;
    let one = |row: QuarantineRow| Unreadable {
        no: row.no,
        device: row.profile,
        received_at: rfc3339(row.received),
    };
    Ok(rows.into_iter().map(one).collect())
}

/// After the commit. What fails here is still owed, and said.
pub(super) fn scrub(files: &OrgFiles, acting: &Acting, report: ErasureReport) -> ErasureReport {
    ErasureReport {
        scrubbed: files.scrub(acting.org).is_ok(),
        ..report
    }
}

/// What is known of an erasure now: late edits, and who has still not confirmed it.
pub fn erasure_report(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    hash: Tombstone,
) -> Result<ErasureReport> {
    access::require(acting.role, Action::Erase)?;
    files.read(acting.org, |txn| {
        let stone = txn.tombstone(hash)?.ok_or(Code::NotFound)?;
        Ok(ErasureReport {
            unconfirmed: not_confirmed(txn, env, Some(stone.pos.get()))?,
            erased: vec![ErasedRecord {
                tombstone: hash,
                position: stone.pos.get(),
                erased_at: rfc3339(stone.erased_at),
                changes: 0,
                quarantined: 0,
                late_edits: stone.late_edits,
            }],
            unreadable: unreadable(txn)?,
            scrubbed: !txn.scrub_owed()?,
        })
    })
}
