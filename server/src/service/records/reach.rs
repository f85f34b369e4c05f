//! Which records somebody may see, and how much of them (§8, §3.1).
//!
//! A record out of reach answers like one that is not there.

use tributary_sync_core::conflict::Presence;
use tributary_sync_core::ids::{RecordId, TeamId, UserId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::policy::Policies;
use tributary_sync_core::record::Record;
use tributary_sync_core::value::Value;

use super::Acting;
use crate::service::access::{self, Action, Reach, Role};
use crate::service::error::{Code, Result};
use crate::storage::{OrgTxn, RecordRow};

/// How much of a record somebody sees.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sight {
    /// All of it.
    Full,
    /// No live consent: consent fields and conflicts only.
    Consent,
    /// Restricted: that it is there, for whoever may lift or end that.
    Existence,
}

impl Sight {
    /// Whether the values of a key are seen.
    pub(super) fn sees(self, policies: &Policies, record: &Record, key: &Key) -> bool {
        match self {
            Self::Full => true,
            Self::Consent => {
                let consent = key
                    .field()
                    .is_some_and(|f| !policies.get(f).consent.is_empty());
                consent
                    || matches!(key, Key::Meta(_)) && !matches!(key, Key::Meta(MetaKey::Comment(_)))
                    || record.candidates(key).len() > 1
            }
            Self::Existence => matches!(key, Key::Meta(MetaKey::Status | MetaKey::Deleted)),
        }
    }
}

/// Who a record is assigned to.
pub(super) fn assignees(record: &Record) -> impl Iterator<Item = super::Assignee> {
    record
        .values(&Key::Meta(MetaKey::Assignee))
        .iter()
        .filter_map(|(_, value)| match value {
            Value::Code(code) => super::Assignee::parse(code.as_str()),
            _ => None,
        })
}

/// The user who made a record.
pub(super) fn maker(txn: &OrgTxn<'_>, row: &RecordRow) -> Result<Option<UserId>> {
    let Some(profile) = row.maker else {
        return Ok(None);
    };
    Ok(txn.profile(profile)?.map(|p| p.user))
}

/// Whether a reach covers a record.
pub(super) fn covers(
    txn: &OrgTxn<'_>,
    acting: &Acting,
    reach: Reach,
    row: &RecordRow,
) -> Result<bool> {
    let own_team = |team: &TeamId| acting.teams.contains(team);
    let ours = |user: &UserId| match reach {
        Reach::Scope => *user == acting.user,
        _ => *user == acting.user || acting.colleagues.contains(user),
    };
    Ok(reach == Reach::All
        || maker(txn, row)?.as_ref().is_some_and(ours)
        || assignees(&row.record).any(|a| match a {
            super::Assignee::User(user) => ours(&user),
            super::Assignee::Team(team) => own_team(&team),
        }))
}

/// How much of a record this person sees; none: not even that it is there.
pub(super) fn sight(txn: &OrgTxn<'_>, acting: &Acting, row: &RecordRow) -> Result<Option<Sight>> {
    let Some(reach) = access::reach(acting.role, Action::ReadRecords) else {
        return Ok(None);
    };
    if !covers(txn, acting, reach, row)? {
        return Ok(None);
    }
    let manages = acting.role == Role::OrgAdmin;
    if row.restricted_at.is_some() {
        return Ok(manages.then_some(Sight::Existence));
    }
    if row.state.withheld && maker(txn, row)? != Some(acting.user) {
        let coordinates = manages || acting.role == Role::Coordinator;
        return Ok(coordinates.then_some(Sight::Consent));
    }
    if row.state.presence == Presence::Deleted && acting.role == Role::Reviewer {
        return Ok(None);
    }
    Ok(Some(Sight::Full))
}

/// A record on which this person may do this now.
pub(super) fn open(
    txn: &OrgTxn<'_>,
    acting: &Acting,
    id: RecordId,
    action: Action,
) -> Result<RecordRow> {
    let reach = access::require(acting.role, action)?;
    let row = txn.record(id)?.ok_or(Code::NotFound)?;
    if sight(txn, acting, &row)?.is_none() || !covers(txn, acting, reach, &row)? {
        return Err(Code::NotFound.into());
    }
    Ok(row)
}

/// A record that this person sees all of.
pub(in crate::service) fn sees_all(
    txn: &OrgTxn<'_>,
    acting: &Acting,
    id: RecordId,
) -> Result<RecordRow> {
    let row = open(txn, acting, id, Action::ReadRecords)?;
    match sight(txn, acting, &row)? {
        Some(Sight::Full) => Ok(row),
        _ => Err(Code::NotFound.into()),
    }
}

/// The same, for acts that change what is in the record: not while it is restricted.
pub(super) fn open_to_write(
    txn: &OrgTxn<'_>,
    acting: &Acting,
    id: RecordId,
    action: Action,
) -> Result<RecordRow> {
    let row = open(txn, acting, id, action)?;
    if row.restricted_at.is_some() {
        return Err(Code::RecordRestricted.into());
    }
    if txn.stopped()? {
        return Err(Code::OrganisationStopped.into());
    }
    Ok(row)
}
