//! Releasing what waits into its record: never weaker, never under its own number, with both authors named (§7).

use serde::Serialize;
use tributary_sync_core::change::{Changeset, Draft, Origin, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot};
use tributary_sync_core::ids::{LogPos, RecordId, Seq, UserId};
use tributary_sync_core::key::Key;
use tributary_sync_core::value::Value;
use utoipa::ToSchema;

use super::{tell, waiting};
use crate::service::access::{self, Action, Role};
use crate::service::env::Env;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::exchange::{Author, Merger, checked_context, effective, made, meta_code};
use crate::service::records::{Acting, refused};
use crate::storage::{
    ItemStatus, LogEntry, OrgFiles, OrgTxn, QuarantineRow, RecordNo, StorageError,
};

/// What a release did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Released {
    /// The record it is in now.
    #[schema(value_type = String)]
    pub record: RecordId,
    /// The actor of the new changeset.
    pub actor: u32,
    /// Writes that a worker may not make and that were left out, such as an approval.
    pub left_out: Vec<String>,
    /// Whether it would have lowered a protection: then the stronger value stands beside it.
    pub kept_protection: bool,
}

type Writes = Vec<(Key, Value)>;

fn no(reason: &'static str) -> ServiceError {
    ServiceError::from(Code::ReleaseRefused).member("reason", reason)
}

/// Takes a body into its record.
pub fn release(files: &OrgFiles, env: &Env, acting: &Acting, number: i64) -> Result<Released> {
    access::require(acting.role, Action::Quarantine)?;
    let (env, acting) = (env.clone(), acting.clone());
    files.write(acting.org, move |txn| {
        if txn.stopped()? {
            return Err(Code::OrganisationStopped.into());
        }
        let row = waiting(txn, number)?;
        let release = Release::open(txn, &env, &acting, row)?;
        release.run()
    })
}

struct Release<'t, 'c> {
    txn: &'t OrgTxn<'c>,
    env: &'t Env,
    acting: &'t Acting,
    row: QuarantineRow,
    change: Changeset,
    author: UserId,
    merger: Merger<'t, 'c>,
}

impl<'t, 'c> Release<'t, 'c> {
    fn open(
        txn: &'t OrgTxn<'c>,
        env: &'t Env,
        acting: &'t Acting,
        row: QuarantineRow,
    ) -> Result<Self> {
        if !row.readable {
            return Err(no("item_unreadable"));
        }
        let change =
            Changeset::from_bytes(&row.body).map_err(StorageError::damaged("quarantined body"))?;
        let author = txn.profile(row.profile)?.ok_or(Code::NotFound)?.user;
        Ok(Self {
            txn,
            env,
            acting,
            row,
            change,
            author,
            merger: Merger::new(txn, env),
        })
    }

    fn run(mut self) -> Result<Released> {
        let no = self.place()?;
        let (writes, left_out) = self.allowed()?;
        let (context, cut) = self.context(no)?;
        let effective = effective(self.change.clock, self.row.received, self.row.repeat);
        let first = Seq::ZERO
            .next()
            .map_err(StorageError::damaged("sequence"))?;
        let dot = Dot::new(self.merger.server_actor(Some(self.acting.user))?, first);
        let origin = self.origin()?;
        let draft = Draft {
            dot,
            writes,
            origin: Some(origin),
            ..self.change.clone().into_draft()
        };
        let stored = Stored {
            change: draft.seal().map_err(StorageError::damaged("release"))?,
            stamp: Stamp {
                context,
                cut,
                effective,
                received: self.row.received,
            },
        };
        self.audit(&left_out)?;
        // Its decisions do not count, whoever made them: never weaker (§2.2).
        let author = Author {
            profile: None,
            user: Some(self.author),
            role: Role::Worker,
            decides: false,
            confirmed: LogPos::ZERO,
        };
        let merged = self.merger.merge(&stored, &author).map_err(refused)?;
        self.merger
            .use_number(&stored, None, merged.pos)
            .map_err(refused)?;
        self.merger.finish().map_err(refused)?;
        self.txn.add_origin(origin.dot, origin.hash)?;
        self.txn.add_origin(self.change.dot, self.change.hash())?;
        self.txn
            .set_item_status(self.row.dot, ItemStatus::Duplicate)?;
        tell(self.txn, &self.row, true, self.env.now)?;
        self.txn
            .judge(&self.row, true, Some(self.acting.user), self.env.now)?;
        Ok(Released {
            record: self.change.record,
            actor: dot.actor.0,
            left_out,
            kept_protection: merged.kept_protection,
        })
    }

    /// The record it goes to, made if it creates one. What was wrong when it came may have been mended since.
    fn place(&mut self) -> Result<RecordNo> {
        if self.txn.erased(self.change.record)? {
            return Err(no("erased"));
        }
        let form_id = self.merger.lineage(self.change.form)?;
        let form_id = form_id.ok_or_else(|| no("form_unknown"))?;
        match self.merger.find(self.change.record)? {
            Some((number, of_form, _)) => {
                if of_form != form_id {
                    return Err(no("form_other"));
                }
                let row = self.txn.record_by_no(number)?;
                if row.is_some_and(|r| r.restricted_at.is_some()) {
                    return Err(no("record_restricted"));
                }
                Ok(number)
            }
            None if !self.change.creates => Err(no("record_unavailable")),
            None => {
                let (profile, received) = (self.row.profile, self.row.received);
                let number = self
                    .merger
                    .create(&self.change, &form_id, Some(profile), received)?;
                made(self.txn, profile, number)?;
                Ok(number)
            }
        }
    }

    /// What a worker may write. Status, assignment and the like of others are acts of whoever has the role for them, and
    /// are made anew by them; the answers are not lost for it.
    fn allowed(&mut self) -> Result<(Writes, Vec<String>)> {
        let record = self.merger.record(self.change.record)?;
        let (mut writes, mut left_out) = (Vec::new(), Vec::new());
        for (key, value) in &self.change.writes {
            let refused = match key {
                Key::Meta(meta) => {
                    let written = record.is_some_and(|r| !r.values(key).is_empty());
                    meta_code(Role::Worker, *meta, value, written).is_some()
                }
                _ => false,
            };
            if refused {
                left_out.push(key.to_string());
            } else {
                writes.push((key.clone(), value.clone()));
            }
        }
        if writes.is_empty() {
            return Err(no("nothing_allowed"));
        }
        Ok((writes, left_out))
    }

    /// The original context after the checks of §1.7. How far the device's cursor had been read to when it pushed is not
    /// kept; what it had confirmed, and no later than the push, is never more. Own saves that were released before this
    /// one stand for themselves.
    fn context(&self, no: RecordNo) -> Result<(Clock, bool)> {
        let pushed = self.txn.item(self.row.dot)?.map_or(LogPos::ZERO, |i| i.pos);
        let confirmed = self
            .txn
            .profile(self.row.profile)?
            .map_or(LogPos::ZERO, |p| p.confirmed);
        let mark = confirmed.min(pushed);
        let (profile, change) = (self.row.profile, &self.change);
        let (mut context, cut) =
            checked_context(self.txn, profile, no, change, mark).map_err(refused)?;
        for entry in self.txn.history(no)? {
            let LogEntry::Change(Some(stored)) = entry.entry else {
                continue;
            };
            let Some(origin) = stored.change.origin else {
                continue;
            };
            let seen = change.seen.covers(origin.dot) && origin.dot != change.dot;
            let own = self
                .txn
                .actor(origin.dot.actor)?
                .is_some_and(|a| a.profile == Some(profile));
            if seen && own {
                context.join(&stored.clock());
            }
        }
        Ok((context, cut))
    }

    /// Where it first stood. A claim on what another user made is not passed on.
    fn origin(&self) -> Result<Origin> {
        let own = Origin {
            dot: self.change.dot,
            hash: self.change.hash(),
        };
        let Some(claimed) = self.change.origin else {
            return Ok(own);
        };
        let actor = self.txn.actor(claimed.dot.actor)?;
        let theirs = actor.is_some_and(|a| a.user == Some(self.author));
        Ok(if theirs { claimed } else { own })
    }

    fn audit(&self, left_out: &[String]) -> Result<()> {
        let detail = format!(
            "author={} code={} left_out={}",
            self.author,
            self.row.code,
            left_out.len()
        );
        let entry = self
            .acting
            .audit("quarantine.release", Some(self.change.record), detail);
        self.txn.audit(&entry, self.env.now)?;
        Ok(())
    }
}
