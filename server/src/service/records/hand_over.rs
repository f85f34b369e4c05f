//! Handing the open records of a user who leaves over to another, in one call (§6.1).

use tributary_sync_core::change::{Draft, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::conflict::Presence;
use tributary_sync_core::ids::{LogPos, OrgId, Seq, UserId};
use tributary_sync_core::value::Value;

use super::assign::ASSIGNEE;
use super::{Assignee, reach, refused};
use crate::service::access::Role;
use crate::service::env::Env;
use crate::service::error::{Code, Result, ServiceError, invalid};
use crate::service::exchange::{Author, Merger, given_up};
use crate::storage::{
    AuditEntry, OrgFiles, OrgTxn, RecordFilter, RecordNo, RecordRow, StorageError,
};

/// What was handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct HandedOver {
    /// Records that are assigned to the other user now.
    pub records: u64,
    /// Records left out because they are restricted.
    pub restricted: u64,
}

/// Assigns all open records of `from` to `to`: those assigned to `from`, and those that `from` made and nobody has. Who
/// may ask for it was looked up before; `by` is who is named, none for whoever sits at the machine.
pub(in crate::service) fn hand_over(
    files: &OrgFiles,
    env: &Env,
    (org, by): (OrgId, Option<UserId>),
    from: UserId,
    to: UserId,
) -> Result<HandedOver> {
    Assignee::User(to).check(env, org)?;
    if from == to {
        return Err(invalid("/to", "same_user", "Name another user."));
    }
    let env = env.clone();
    files.write(org, move |txn| {
        if txn.stopped()? {
            return Err(Code::OrganisationStopped.into());
        }
        let (open, restricted) = open_records(txn, from)?;
        let entry = AuditEntry {
            user: by,
            profile: None,
            action: "record.hand_over",
            subject: Some(from.to_string()),
            detail: Some(format!(
                "to={to} records={} restricted={restricted}",
                open.len()
            )),
        };
        txn.audit(&entry, env.now)?;
        let records = open.len() as u64;
        for no in open {
            if let Some(row) = txn.record_by_no(no)? {
                assign(txn, &env, by, &row, (from, to))?;
            }
        }
        Ok(HandedOver {
            records,
            restricted,
        })
    })
}

fn open_records(txn: &OrgTxn<'_>, from: UserId) -> Result<(Vec<RecordNo>, u64)> {
    let filter = RecordFilter {
        withheld: true,
        restricted: true,
        statuses: ["draft", "complete", "returned"].map(str::to_owned).into(),
        ..RecordFilter::default()
    };
    let (mut open, mut restricted) = (Vec::new(), 0);
    txn.records::<ServiceError>(&filter, RecordNo(0), |row| {
        let mut assigned = reach::assignees(&row.record).peekable();
        let nobody = assigned.peek().is_none();
        let theirs = assigned.any(|a| a == Assignee::User(from))
            || nobody && reach::maker(txn, &row)? == Some(from);
        if theirs && row.state.presence != Presence::Deleted {
            match row.restricted_at {
                Some(_) => restricted += 1,
                None => open.push(row.no),
            }
        }
        Ok(true)
    })?;
    Ok((open, restricted))
}

/// The context holds the assignments to `from` only: what else the record is assigned to stays.
fn assign(
    txn: &OrgTxn<'_>,
    env: &Env,
    by: Option<UserId>,
    row: &RecordRow,
    (from, to): (UserId, UserId),
) -> Result<()> {
    let gone = Assignee::User(from).value()?;
    let mut seen = Clock::new();
    for (dot, value) in row.record.values(&ASSIGNEE) {
        if (*value == gone || *value == Value::Null)
            && let Some(live) = row.record.live(*dot)
        {
            seen.join(&live.clock);
        }
    }
    let mut merger = Merger::new(txn, env);
    let first = Seq::ZERO
        .next()
        .map_err(StorageError::damaged("sequence"))?;
    let now = Hlc::new(env.now, 0).map_err(StorageError::damaged("clock"))?;
    let draft = Draft {
        record: row.record.id(),
        dot: Dot::new(merger.server_actor(by)?, first),
        clock: now,
        form: row.form,
        creates: false,
        epoch: txn.epoch()?.id,
        seen: seen.clone(),
        writes: vec![(ASSIGNEE, Assignee::User(to).value()?)],
        decisions: Vec::new(),
        origin: None,
        extensions: Vec::new(),
    };
    let stored = Stored {
        change: draft.seal().map_err(StorageError::damaged("hand-over"))?,
        stamp: Stamp {
            context: seen,
            effective: now,
            received: env.now,
            cut: false,
        },
    };
    let author = Author {
        profile: None,
        user: by,
        role: Role::Coordinator,
        decides: false,
        confirmed: LogPos::ZERO,
    };
    let merged = merger.merge(&stored, &author).map_err(refused)?;
    merger
        .use_number(&stored, None, merged.pos)
        .map_err(refused)?;
    merger.finish().map_err(refused)?;
    // Whoever leaves reads nothing that the other writes from now on, also where they made it.
    Ok(given_up(txn, env, row.no, from)?)
}
