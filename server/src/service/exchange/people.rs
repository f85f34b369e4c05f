//! Scopes follow people: whoever joins or leaves a team, or enrols another phone, has records come and go by it (§6.1).
//!
//! Membership lives in the directory, scopes in the organisation's file. What is owed is written down there before the
//! directory changes and crossed out when it is done, so that a server that stopped in between goes on later.

use tributary_sync_core::ids::OrgId;

use super::scope::{follow_assignees, follow_holders};
use super::{Env, Refusal};
use crate::storage::{OrgFiles, OrgTxn, StorageError};

/// Records whose scopes one commit derives again: others get in between.
const STEP: usize = 200;
/// The setting that names whose records are still to be looked at: assignees, with blanks between.
const OWED: &str = "scopes_owed";

/// Writes down that the scopes of records assigned to these are to be derived again. `user:<id>` or `team:<id>` each.
pub(in crate::service) fn owe(txn: &OrgTxn<'_>, whom: &[String]) -> Result<(), StorageError> {
    let mut owed = owed(txn)?;
    owed.extend(whom.iter().cloned());
    owed.sort();
    owed.dedup();
    txn.set_setting(OWED, &owed.join(" "))
}

fn owed(txn: &OrgTxn<'_>) -> Result<Vec<String>, StorageError> {
    let owed = txn.setting(OWED)?.unwrap_or_default();
    Ok(owed.split_whitespace().map(str::to_owned).collect())
}

/// Whether scopes are to be derived again.
pub(super) fn is_owed(txn: &OrgTxn<'_>) -> Result<bool, StorageError> {
    Ok(txn.setting(OWED)?.is_some())
}

/// Derives the scopes of all records assigned to these again, from who stands behind them now.
pub(in crate::service) fn follow(
    files: &OrgFiles,
    env: &Env,
    org: OrgId,
    whom: Vec<String>,
) -> Result<(), Refusal> {
    // After this commit whoever had looked into the directory before it changed has committed too, and is read below.
    let whom = files.write::<_, Refusal>(org, move |txn| {
        owe(txn, &whom)?;
        Ok(whom)
    })?;
    let mut records = Vec::new();
    for one in &whom {
        records.extend(files.read(org, |txn| txn.records_naming(one))?);
    }
    records.sort_unstable();
    records.dedup();
    for step in records.chunks(STEP) {
        let (env, step) = (env.clone(), step.to_vec());
        files.write::<_, Refusal>(org, move |txn| {
            if txn.stopped()? {
                return Err(Refusal::Stopped);
            }
            for no in step {
                if let Some(row) = txn.record_by_no(no)? {
                    follow_assignees(txn, &env, no, &row.record)?;
                    follow_holders(txn, &env, no)?;
                }
            }
            Ok(())
        })?;
    }
    files.write(org, move |txn| {
        let mut left = owed(txn)?;
        left.retain(|one| !whom.contains(one));
        match left.is_empty() {
            true => txn.remove_setting(OWED)?,
            false => txn.set_setting(OWED, &left.join(" "))?,
        }
        Ok(())
    })
}

/// The same for what is still owed.
pub(super) fn catch_up(files: &OrgFiles, env: &Env, org: OrgId) -> Result<(), Refusal> {
    let whom = files.read::<_, StorageError>(org, owed)?;
    follow(files, env, org, whom)
}
