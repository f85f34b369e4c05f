//! Merging changesets into records inside one transaction: the one way by which anything gets into a record, whether it
//! was pushed, released, written in the console or written again to keep a protection.
//!
//! Records that one commit touches are read and saved once.

use std::collections::HashMap;

use tributary_sync_core::change::{Changeset, Stored, chain_next, chain_start};
use tributary_sync_core::clock::{Dot, Hlc};
use tributary_sync_core::form::DecideRole;
use tributary_sync_core::ids::{ActorId, FormHash, LogPos, ProfileId, RecordId, UserId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::policy::Policies;
use tributary_sync_core::record::Record;
use tributary_sync_core::value::Value;

mod follow;

use super::{Refusal, scope};
use crate::service::access::Role;
use crate::service::env::Env;
use crate::storage::{ItemRow, ItemStatus, NewActor, OrgTxn, RecordNo, RecordState, StorageError};

/// Whose changeset it is: what decisions depend on.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    /// The profile, for what was pushed.
    pub profile: Option<ProfileId>,
    /// The user.
    pub user: Option<UserId>,
    /// The user's role now.
    pub role: Role,
    /// Whether its decisions count; those of released changesets do not (§2.2).
    pub decides: bool,
    /// What the author's cursor has confirmed: own values beyond it count as unsent.
    pub confirmed: LogPos,
}

/// Why a changeset may not be merged but goes to quarantine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Refused(pub &'static str);

/// A record that this transaction has touched.
struct Open {
    no: RecordNo,
    form_id: String,
    maker: Option<ProfileId>,
    record: Record,
    /// Whether no consent lived when it was read.
    withheld: bool,
    dirty: Option<LogPos>,
}

/// The merging of one transaction. Call [`Merger::finish`] at its end.
pub struct Merger<'t, 'c> {
    txn: &'t OrgTxn<'c>,
    env: &'t Env,
    open: HashMap<RecordId, Open>,
    lineages: HashMap<FormHash, Option<String>>,
    policies: HashMap<String, Policies>,
}

/// What became of a merged changeset.
#[derive(Clone, Copy, Debug)]
pub struct Merged {
    /// Its position in the log.
    pub pos: LogPos,
    /// Whether a lowering was refused and the stronger value written again.
    pub kept_protection: bool,
}

impl<'t, 'c> Merger<'t, 'c> {
    /// Nothing is touched yet.
    pub fn new(txn: &'t OrgTxn<'c>, env: &'t Env) -> Self {
        Self {
            txn,
            env,
            open: HashMap::new(),
            lineages: HashMap::new(),
            policies: HashMap::new(),
        }
    }

    /// The lineage of a form version; none if it was never published.
    pub fn lineage(&mut self, form: FormHash) -> Result<Option<String>, StorageError> {
        if let Some(known) = self.lineages.get(&form) {
            return Ok(known.clone());
        }
        let found = self.txn.form_id(form)?;
        self.lineages.insert(form, found.clone());
        Ok(found)
    }

    /// The policies of a lineage in force.
    pub fn policies(&mut self, form_id: &str) -> Result<&Policies, StorageError> {
        if !self.policies.contains_key(form_id) {
            let policies = self.txn.policies(form_id)?;
            self.policies.insert(form_id.to_owned(), policies);
        }
        Ok(self.policies.entry(form_id.to_owned()).or_default())
    }

    /// The number, lineage and maker of a record, if it is there.
    pub fn find(
        &mut self,
        id: RecordId,
    ) -> Result<Option<(RecordNo, String, Option<ProfileId>)>, StorageError> {
        self.load(id)?;
        Ok(self
            .open
            .get(&id)
            .map(|o| (o.no, o.form_id.clone(), o.maker)))
    }

    /// The state of a record as of now, if it is there.
    pub fn record(&mut self, id: RecordId) -> Result<Option<&Record>, StorageError> {
        self.load(id)?;
        Ok(self.open.get(&id).map(|o| &o.record))
    }

    fn load(&mut self, id: RecordId) -> Result<(), StorageError> {
        if !self.open.contains_key(&id)
            && let Some(row) = self.txn.record(id)?
        {
            let open = Open {
                no: row.no,
                form_id: row.form_id,
                maker: row.maker,
                record: row.record,
                withheld: row.state.withheld,
                dirty: None,
            };
            self.open.insert(id, open);
        }
        Ok(())
    }

    /// Makes the record that a changeset creates. It counts as made when the server received that changeset, which for
    /// one that waited in quarantine is long ago.
    pub fn create(
        &mut self,
        change: &Changeset,
        form_id: &str,
        maker: Option<ProfileId>,
        received: u64,
    ) -> Result<RecordNo, StorageError> {
        let no = self
            .txn
            .add_record(change.record, form_id, change.form, maker, received)?;
        let record = Record::new(change.record);
        let open = Open {
            no,
            form_id: form_id.to_owned(),
            maker,
            record,
            withheld: false,
            dirty: None,
        };
        self.open.insert(change.record, open);
        Ok(no)
    }

    /// Merges a changeset into its record, which must be there, and logs it. Where it lowers a protection without the
    /// right to, the stronger value is written again beside it by a fresh actor, never over it (§2.2).
    pub fn merge(&mut self, stored: &Stored, author: &Author) -> Result<Merged, Refusal> {
        let id = stored.change.record;
        self.load(id)?;
        let form_id = self
            .open
            .get(&id)
            .map(|o| o.form_id.clone())
            .ok_or(StorageError::NoOrganisation)?;
        let mut lowered = self.lowered(stored, &form_id, author)?;
        self.keep_places(stored, &mut lowered);
        let pos = self.put(stored)?;
        self.follow_meta(stored, author)?;
        for (key, value) in &lowered {
            self.write_again(stored, key.clone(), value.clone())?;
        }
        Ok(Merged {
            pos,
            kept_protection: !lowered.is_empty(),
        })
    }

    fn put(&mut self, stored: &Stored) -> Result<LogPos, Refusal> {
        let open = self
            .open
            .get_mut(&stored.change.record)
            .ok_or(StorageError::NoOrganisation)?;
        let pos = self.txn.append_change(open.no, stored)?;
        open.record.apply(stored);
        open.dirty = Some(pos);
        Ok(pos)
    }

    /// What a changeset lowers without the right to, before it is merged: each key with what is written again.
    pub fn lowered(
        &mut self,
        stored: &Stored,
        form_id: &str,
        author: &Author,
    ) -> Result<Vec<(Key, Value)>, Refusal> {
        self.load(stored.change.record)?;
        self.policies(form_id)?;
        let (Some(policies), Some(open)) = (
            self.policies.get(form_id),
            self.open.get(&stored.change.record),
        ) else {
            return Ok(Vec::new());
        };
        let mut unsent = HashMap::new();
        for decision in stored.change.decisions.iter().filter(|_| author.decides) {
            for dot in &decision.dots {
                unsent.insert(*dot, self.own_and_unsent(open.no, *dot, author)?);
            }
        }
        let by_role = |key: &Key| {
            let policy = key.field().map(|f| policies.get(f));
            policy
                .zip(deciding(author.role))
                .is_some_and(|(p, role)| p.may_decide(role))
        };
        let allowed = |key: &Key, dot: Dot| {
            author.decides && (by_role(key) || unsent.get(&dot).copied().unwrap_or(false))
        };
        Ok(policies.lowered(&open.record, &stored.change, &stored.clock(), allowed))
    }

    /// A worker may lower what is that user's own and unsent: of an own actor, and not confirmed by any cursor yet.
    fn own_and_unsent(
        &self,
        no: RecordNo,
        dot: Dot,
        author: &Author,
    ) -> Result<bool, StorageError> {
        let own = self
            .txn
            .actor(dot.actor)?
            .is_some_and(|a| a.user.is_some() && a.user == author.user);
        if !own {
            return Ok(false);
        }
        Ok(self
            .txn
            .change_by_dot(no, dot)?
            .is_some_and(|row| row.pos > author.confirmed))
    }

    /// An actor of the server, for one changeset: drawn at random and never used again.
    pub fn server_actor(&self, user: Option<UserId>) -> Result<ActorId, StorageError> {
        let epoch = self.txn.epoch()?.id;
        loop {
            let id = ActorId(u32::from_be_bytes(self.env.random()?).max(1));
            let chain = chain_start(self.txn.org(), id, &[]);
            let new = NewActor {
                id,
                profile: None,
                user,
                instance: None,
                device_key: Vec::new(),
                chain,
                epoch,
            };
            if self.txn.add_actor(&new)? {
                return Ok(id);
            }
        }
    }

    /// Writes down that a server actor's one number is used.
    pub fn use_number(
        &self,
        stored: &Stored,
        code: Option<&str>,
        pos: LogPos,
    ) -> Result<(), Refusal> {
        let change = &stored.change;
        let start = chain_start(self.txn.org(), change.dot.actor, &[]);
        let chain = chain_next(start, change.dot.seq, change.hash());
        let no = self.open.get(&change.record).map(|o| o.no);
        self.txn.add_item(&ItemRow {
            dot: change.dot,
            hash: change.hash(),
            chain,
            status: if stored.stamp.cut {
                ItemStatus::Cut
            } else {
                ItemStatus::Applied
            },
            code: code.map(str::to_owned),
            record: no,
            pos,
            effective: Some(stored.stamp.effective),
        })?;
        self.txn
            .advance_actor(change.dot.actor, change.dot.seq, chain)?;
        Ok(())
    }

    /// Saves every touched record with what lists filter by, and lets scopes follow its consent.
    pub fn finish(mut self) -> Result<(), Refusal> {
        let mut open: Vec<Open> = std::mem::take(&mut self.open).into_values().collect();
        // What enters and leaves by it stands in the log in one order, run after run.
        open.sort_unstable_by_key(|open| open.no);
        for open in open {
            if let Some(pos) = open.dirty {
                let state = self.state(&open.form_id, &open.record)?;
                self.txn.save_record(open.no, &open.record, &state, pos)?;
                if open.withheld || state.withheld {
                    scope::follow_holders(self.txn, self.env, open.no)?;
                }
            }
        }
        Ok(())
    }

    /// What lists filter by, from the merged state.
    pub fn state(&mut self, form_id: &str, record: &Record) -> Result<RecordState, StorageError> {
        let policies = self.policies(form_id)?;
        Ok(RecordState {
            conflicts: u32::try_from(record.conflicts().count()).unwrap_or(u32::MAX),
            presence: record.presence(),
            withheld: policies.withheld(record),
            status: status(record).to_owned(),
        })
    }
}

/// The role as forms name it; a server admin has no say over answers.
fn deciding(role: Role) -> Option<DecideRole> {
    match role {
        Role::ServerAdmin => None,
        Role::OrgAdmin => Some(DecideRole::OrgAdmin),
        Role::Coordinator => Some(DecideRole::Coordinator),
        Role::Reviewer => Some(DecideRole::Reviewer),
        Role::Worker => Some(DecideRole::Worker),
    }
}

/// The status that counts: an approval only while its context covers every live answer (§9.7).
pub fn status(record: &Record) -> &'static str {
    let Some((Value::Code(code), live)) = record.winner(&Key::Meta(MetaKey::Status)) else {
        return "draft";
    };
    let covers_all = || {
        let mut answers = record
            .keys()
            .filter(|(k, _)| k.is_answer())
            .flat_map(|(_, values)| values);
        answers.all(|(dot, _)| live.clock.covers(*dot))
    };
    match code.as_str() {
        "approved" if covers_all() => "approved",
        "approved" | "complete" => "complete",
        "returned" => "returned",
        "rejected" => "rejected",
        _ => "draft",
    }
}

/// The effective clock of §1.10: the device's, but at most five minutes ahead of the server, and at most what a resend
/// repeats.
pub(in crate::service) fn effective(clock: Hlc, now: u64, repeat: Option<Hlc>) -> Hlc {
    const AHEAD_MS: u64 = 5 * 60 * 1000;
    let bound = Hlc::new(now.saturating_add(AHEAD_MS), 0).unwrap_or(clock);
    let clamped = clock.min(bound);
    repeat.map_or(clamped, |r| clamped.min(r))
}
