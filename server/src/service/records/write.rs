//! The one way by which the console and the API write into a record (§1.6): a changeset whose context is what was shown.

use tributary_sync_core::change::{Decision, Draft, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::ids::{ActorId, EpochId, RecordId, Seq};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::value::{Text, Value};

use super::{Acting, Shown, reach, refused};
use crate::service::access::Action;
use crate::service::env::Env;
use crate::service::error::{Code, Result, ServiceError, invalid};
use crate::service::exchange::{Author, Merger};
use crate::storage::{OrgFiles, OrgTxn, RecordNo, RecordRow, StorageError};

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It is in the record, under this dot.
    Done(Dot),
    /// Somebody else wrote to these meanwhile. Nothing was written: look again.
    Changed(Vec<Key>),
    /// It would lower the protection of these. Nothing was written: that is a decision, with a reason, of somebody whom
    /// the form lets decide.
    Lowers(Vec<Key>),
    /// The record shown is not of this server's log, perhaps of before a restore. Nothing was written: look again.
    NotShown,
}

impl Written {
    /// The dot, or the refusal that says what to look at again.
    pub fn done(self) -> Result<Dot> {
        let names = |keys: Vec<Key>| -> Vec<String> { keys.iter().map(Key::to_string).collect() };
        match self {
            Self::Done(dot) => Ok(dot),
            Self::Changed(keys) => {
                Err(ServiceError::from(Code::RecordChanged).member("changed", names(keys)))
            }
            Self::Lowers(keys) => {
                Err(ServiceError::from(Code::LoweringRefused).member("lowers", names(keys)))
            }
            Self::NotShown => Err(Code::ShownInvalid.into()),
        }
    }
}

/// What must not have changed since the record was shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Guard {
    /// The keys that are written.
    Written,
    /// All answers: whoever judges the whole must have seen the whole.
    Answers,
}

/// A write to be made.
pub(super) struct Act {
    pub(super) writes: Vec<(Key, Value)>,
    /// Why, for each key that asks for a reason.
    pub(super) decisions: Vec<Decision>,
    /// Whether the reasons are decisions, which may lower a protection; a reason to settle is none.
    pub(super) decides: bool,
    pub(super) guard: Guard,
    /// What the audit calls it.
    pub(super) action: &'static str,
}

/// Opens the record for `action`, lets `make` say what to write, or how it ends without, and writes it, all in one commit.
pub(super) fn act(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    (id, shown): (RecordId, &Shown),
    action: Action,
    make: impl FnOnce(&OrgTxn<'_>, &RecordRow) -> Result<std::result::Result<Act, Written>>
    + Send
    + 'static,
) -> Result<Written> {
    let (env, acting, shown) = (env.clone(), acting.clone(), shown.clone());
    files.write(acting.org, move |txn| {
        let row = reach::open_to_write(txn, &acting, id, action)?;
        match make(txn, &row)? {
            Ok(act) => write(txn, &env, &acting, &row, &shown, act),
            Err(ended) => Ok(ended),
        }
    })
}

/// Writes into one record.
pub(super) fn write(
    txn: &OrgTxn<'_>,
    env: &Env,
    acting: &Acting,
    row: &RecordRow,
    shown: &Shown,
    act: Act,
) -> Result<Written> {
    let Some(context) = check(txn, row.no, shown)? else {
        return Ok(Written::NotShown);
    };
    let changed = changed(row, &context, &act);
    if !changed.is_empty() {
        return Ok(Written::Changed(changed));
    }
    let keys = act
        .writes
        .iter()
        .map(|(k, _)| k.to_string())
        .collect::<Vec<_>>()
        .join(" ");
    let (action, decides, record) = (act.action, act.decides, row.record.id());
    let draft = draft(env, row, (context, shown.epoch), act)?;
    let mut merger = Merger::new(txn, env);
    let author = Author {
        profile: None,
        user: Some(acting.user),
        role: acting.role,
        decides,
        first: false,
    };
    let lowered = merger
        .lowered(&stored(env, &draft)?, &row.form_id, &author)
        .map_err(refused)?;
    if !lowered.is_empty() {
        txn.audit(
            &acting.audit("record.lowering_refused", Some(record), keys),
            env.now,
        )?;
        return Ok(Written::Lowers(
            lowered.into_iter().map(|(k, _)| k).collect(),
        ));
    }
    let dot = Dot::new(merger.server_actor(Some(acting.user))?, draft.dot.seq);
    let stored = stored(env, &Draft { dot, ..draft })?;
    txn.audit(&acting.audit(action, Some(record), keys), env.now)?;
    let merged = merger.merge(&stored, &author).map_err(refused)?;
    merger
        .use_number(&stored, None, merged.pos)
        .map_err(refused)?;
    merger.finish().map_err(refused)?;
    Ok(Written::Done(dot))
}

/// What was shown, if this log can have shown it: every entry stands on the record, exactly. Joined with what the
/// changesets it names had seen (§1.7).
fn check(txn: &OrgTxn<'_>, no: RecordNo, shown: &Shown) -> Result<Option<Clock>> {
    if shown.epoch != txn.epoch()?.id {
        return Ok(None);
    }
    let mut context = Clock::new();
    for dot in shown.clock.dots() {
        match txn.change_at_most(no, dot.actor, dot.seq, None)? {
            Some((seq, theirs)) if seq == dot.seq => {
                context.add(dot);
                context.join(&theirs);
            }
            _ => return Ok(None),
        }
    }
    Ok(Some(context))
}

fn changed(row: &RecordRow, context: &Clock, act: &Act) -> Vec<Key> {
    let unseen = |values: &[(Dot, Value)]| values.iter().any(|(dot, _)| !context.covers(*dot));
    let guarded = |key: &Key| {
        act.writes.iter().any(|(k, _)| k == key) || act.guard == Guard::Answers && key.is_answer()
    };
    row.record
        .keys()
        .filter(|(key, values)| guarded(key) && unseen(values))
        .map(|(key, _)| key.clone())
        .collect()
}

fn draft(env: &Env, row: &RecordRow, (seen, epoch): (Clock, EpochId), act: Act) -> Result<Draft> {
    let first = Seq::ZERO
        .next()
        .map_err(StorageError::damaged("sequence"))?;
    Ok(Draft {
        record: row.record.id(),
        // Stands for an actor that is only drawn once the write is sure to be made.
        dot: Dot::new(ActorId(0), first),
        clock: Hlc::new(env.now, 0).map_err(StorageError::damaged("clock"))?,
        form: row.form,
        creates: false,
        epoch,
        seen,
        writes: act.writes,
        decisions: act.decisions,
        origin: None,
        extensions: Vec::new(),
    })
}

fn stored(env: &Env, draft: &Draft) -> Result<Stored> {
    let change = draft
        .clone()
        .seal()
        .map_err(|e| invalid("", e.code(), "What is to be written exceeds a limit."))?;
    let stamp = Stamp {
        context: change.seen.clone(),
        effective: change.clock,
        received: env.now,
        cut: false,
    };
    Ok(Stored { change, stamp })
}

/// A reason, as it is kept with a key: it names all live values, as those that the author looked at.
pub(super) fn because(row: &RecordRow, key: &Key, reason: &str) -> Result<Decision> {
    Ok(Decision {
        key: key.clone(),
        dots: row.record.values(key).iter().map(|(dot, _)| *dot).collect(),
        reason: given_reason(reason)?,
    })
}

/// A reason that says something.
pub(super) fn given_reason(reason: &str) -> Result<Text> {
    const REASON_BYTES_MAX: usize = 4_000;
    let reason = reason.trim();
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX {
        return Err(invalid(
            "/reason",
            "reason_missing",
            "Say why, in at most 4,000 bytes.",
        ));
    }
    text("/reason", reason)
}

pub(super) fn text(pointer: &str, text: &str) -> Result<Text> {
    Text::new(text).map_err(|e| invalid(pointer, e.code(), "The text is too long."))
}

/// A value that record meta holds.
pub(super) fn code(word: &str) -> Result<Value> {
    Ok(Value::Code(text("", word)?))
}

/// The register of the record's status.
pub(super) const STATUS: Key = Key::Meta(MetaKey::Status);
