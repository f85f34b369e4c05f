//! Who has which record: made, assigned, emptied, kept from phones (§6.1, §3.1, §8).

use std::collections::BTreeSet;

use tributary_sync_core::ids::{ProfileId, RecordId, UserId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::record::Record;
use tributary_sync_core::value::Value;

use super::Refusal;
use crate::service::env::Env;
use crate::storage::{Keeping, LogKind, NewLog, OrgTxn, RecordNo, ScopeRow, StorageError};

/// The profile that made a record has it from its first changeset on.
pub(in crate::service) fn made(
    txn: &OrgTxn<'_>,
    profile: ProfileId,
    no: RecordNo,
) -> Result<(), StorageError> {
    let (head, _) = txn.head()?;
    txn.set_scope(
        profile,
        no,
        None,
        ScopeRow {
            made: true,
            assigned: false,
            hidden: false,
            since: head,
        },
        head,
    )
}

/// Whether a record is kept from a profile that has it in scope: restricted from everybody, without live consent from
/// all but its maker's user (§3.1, §8).
fn kept_from(
    txn: &OrgTxn<'_>,
    keeping: Option<Keeping>,
    profile: ProfileId,
) -> Result<bool, StorageError> {
    match keeping {
        Some(keeping) if keeping.restricted => Ok(true),
        Some(keeping) if keeping.withheld => {
            let user = txn.profile(profile)?.map(|p| p.user);
            Ok(user.is_none() || user != keeping.maker)
        }
        _ => Ok(false),
    }
}

/// A record was restricted or shown again, or its consent came or went: it enters and leaves scopes by that.
pub(in crate::service) fn follow_holders(
    txn: &OrgTxn<'_>,
    env: &Env,
    no: RecordNo,
) -> Result<(), StorageError> {
    follow_holders_at(txn, env.now, no)
}

/// The same, at this moment, where nobody serves: in a restore.
pub(in crate::service) fn follow_holders_at(
    txn: &OrgTxn<'_>,
    at: u64,
    no: RecordNo,
) -> Result<(), StorageError> {
    let keeping = txn.keeping(no)?;
    for (profile, row) in txn.scopes_of(no)? {
        if kept_from(txn, keeping, profile)? != row.hidden {
            change(txn, at, profile, no, Some(row), row)?;
        }
    }
    Ok(())
}

/// A user gives a record up to somebody else: that this user made it keeps it on no phone of theirs.
pub(in crate::service) fn given_up(
    txn: &OrgTxn<'_>,
    env: &Env,
    no: RecordNo,
    user: UserId,
) -> Result<(), StorageError> {
    for (profile, row) in txn.scopes_of(no)? {
        let theirs = txn.profile(profile)?.is_some_and(|p| p.user == user);
        if theirs && row.made {
            let now = ScopeRow { made: false, ..row };
            change(txn, env.now, profile, no, Some(row), now)?;
        }
    }
    Ok(())
}

/// The phone was emptied of a record: it leaves the scope unless it is assigned.
pub(super) fn emptied(
    txn: &OrgTxn<'_>,
    env: &Env,
    profile: ProfileId,
    id: RecordId,
) -> Result<(), Refusal> {
    let Some(no) = txn.record_no(id)? else {
        return Ok(());
    };
    let Some(before) = txn.scope(profile, no)?.filter(|s| s.made) else {
        return Ok(());
    };
    change(
        txn,
        env.now,
        profile,
        no,
        Some(before),
        ScopeRow {
            made: false,
            ..before
        },
    )?;
    Ok(())
}

/// Assigns a record to a profile or takes the assignment away; logged where scope begins or ends.
pub fn set_assigned(
    txn: &OrgTxn<'_>,
    env: &Env,
    profile: ProfileId,
    no: RecordNo,
    assigned: bool,
) -> Result<(), StorageError> {
    let before = txn.scope(profile, no)?;
    let (head, _) = txn.head()?;
    let old = before.unwrap_or(ScopeRow {
        made: false,
        assigned: false,
        hidden: false,
        since: head,
    });
    if old.assigned == assigned {
        return Ok(());
    }
    change(
        txn,
        env.now,
        profile,
        no,
        before,
        ScopeRow { assigned, ..old },
    )
}

fn change(
    txn: &OrgTxn<'_>,
    when: u64,
    profile: ProfileId,
    no: RecordNo,
    before: Option<ScopeRow>,
    mut now: ScopeRow,
) -> Result<(), StorageError> {
    if now.named() {
        now.hidden = kept_from(txn, txn.keeping(no)?, profile)?;
    }
    let was = before.is_some_and(|s| s.live());
    let kind = match (was, now.live()) {
        (false, true) => Some(LogKind::Enter),
        (true, false) => Some(LogKind::Leave),
        _ => None,
    };
    if let Some(kind) = kind {
        // The body names the record by its number alone: ids of records are kept nowhere but in the record.
        let body = no.0.to_be_bytes();
        let new = NewLog {
            kind,
            record: Some(no),
            profile: Some(profile),
            dot: None,
            body: &body,
        };
        let at = txn.append(&new, when)?;
        if kind == LogKind::Enter {
            now.since = at;
        }
    }
    let (head, _) = txn.head()?;
    txn.set_scope(profile, no, before, now, head)
}

/// All live assignees count: users and teams (§6.1).
pub(super) fn follow_assignees(
    txn: &OrgTxn<'_>,
    env: &Env,
    no: RecordNo,
    record: &Record,
) -> Result<(), Refusal> {
    let mut wanted: BTreeSet<ProfileId> = BTreeSet::new();
    for (_, value) in record.values(&Key::Meta(MetaKey::Assignee)) {
        let Value::Code(code) = value else { continue };
        let profiles = match code.as_str().split_once(':') {
            Some(("user", id)) => id
                .parse()
                .ok()
                .map(|user| env.roster.profiles_of_user(txn.org(), user)),
            Some(("team", id)) => id
                .parse()
                .ok()
                .map(|team| env.roster.profiles_of_team(txn.org(), team)),
            _ => None,
        };
        wanted.extend(profiles.transpose()?.unwrap_or_default());
    }
    let now: BTreeSet<ProfileId> = txn.assigned_profiles(no)?.into_iter().collect();
    for profile in wanted.difference(&now) {
        set_assigned(txn, env, *profile, no, true)?;
    }
    for profile in now.difference(&wanted) {
        set_assigned(txn, env, *profile, no, false)?;
    }
    Ok(())
}
