//! Contexts are checked, never believed (§1.7).

use tributary_sync_core::change::Changeset;
use tributary_sync_core::clock::{Clock, Dot};
use tributary_sync_core::ids::{ActorId, LogPos, ProfileId, Seq};

use super::Refusal;
use crate::storage::{OrgTxn, RecordNo};

/// A context after the checks.
pub(super) struct Checked {
    /// What stays, as the highest changeset of each actor on the record in the log, joined with what those had seen.
    pub(super) context: Clock,
    /// Whether something was cut.
    pub(super) cut: bool,
}

/// Checks the context of a changeset `dot` on `record`. `mark` is the log position up to which the profile was read to.
pub(super) fn check(
    txn: &OrgTxn<'_>,
    profile: ProfileId,
    record: RecordNo,
    dot: Dot,
    seen: &Clock,
    mark: LogPos,
) -> Result<Checked, Refusal> {
    let mut context = Clock::new();
    let mut cut = false;
    if seen.is_empty() {
        return Ok(Checked { context, cut });
    }
    let mut visible = Visible {
        place: (profile, record, mark),
        known: None,
    };
    for entry in seen.dots() {
        let kept = match bound(txn, dot, entry, &mut visible)? {
            Some((at_most, until)) => txn.change_at_most(record, entry.actor, at_most, until)?,
            None => None,
        };
        match kept {
            Some((seq, theirs)) => {
                // Lowered to a changeset of this record that is really there: nothing is lost by it.
                cut |= seq < entry.seq;
                context.add(Dot::new(entry.actor, seq));
                context.join(&theirs);
            }
            None => cut = true,
        }
    }
    Ok(Checked { context, cut })
}

/// The same for what waited in quarantine: what its device had read in the present epoch is `mark`; of an earlier one,
/// what it had confirmed when the next one opened.
pub(in crate::service) fn checked_context(
    txn: &OrgTxn<'_>,
    profile: ProfileId,
    record: RecordNo,
    change: &Changeset,
    mark: LogPos,
) -> Result<(Clock, bool), Refusal> {
    let mark = match txn.epoch_by_id(change.epoch)? {
        None => LogPos::ZERO,
        Some(taken) if taken.id == txn.epoch()?.id => mark,
        Some(earlier) => txn.epoch_mark(earlier.ordinal, profile)?,
    };
    let checked = check(txn, profile, record, change.dot, &change.seen, mark)?;
    Ok((checked.context, checked.cut))
}

/// Up to where the profile saw the record; looked up when an actor of somebody else is named.
struct Visible {
    place: (ProfileId, RecordNo, LogPos),
    known: Option<Option<LogPos>>,
}

impl Visible {
    fn until(&mut self, txn: &OrgTxn<'_>) -> Result<Option<LogPos>, Refusal> {
        if let Some(known) = self.known {
            return Ok(known);
        }
        let (profile, record, mark) = self.place;
        let until = txn.visible_until(profile, record, mark)?;
        self.known = Some(until);
        Ok(until)
    }
}

/// How far an entry can be believed: by number, and by log position for the actors of others.
fn bound(
    txn: &OrgTxn<'_>,
    dot: Dot,
    entry: Dot,
    visible: &mut Visible,
) -> Result<Option<(Seq, Option<LogPos>)>, Refusal> {
    // Its own actor is the one that asks: it was checked before.
    if entry.actor == dot.actor || own(txn, visible.place.0, entry.actor)? {
        let at_most = if entry.actor == dot.actor {
            entry.seq.min(dot.seq.before())
        } else {
            entry.seq
        };
        return Ok(Some((at_most, None)));
    }
    Ok(visible.until(txn)?.map(|until| (entry.seq, Some(until))))
}

fn own(txn: &OrgTxn<'_>, profile: ProfileId, actor: ActorId) -> Result<bool, Refusal> {
    Ok(txn
        .actor(actor)?
        .is_some_and(|a| a.profile == Some(profile)))
}
