//! After a fork or a loss: back to the last agreeing number, and everything later made again under a new actor (§5.3).

use std::collections::{BTreeMap, HashMap};

use super::device::{ActorState, Phase, Plan, Profile};
use super::error::SessionError;
use super::pull::full;
use super::receive::chain_at;
use super::save::append;
use super::store::{Fate, Own, Store};
use crate::change::{Changeset, Origin};
use crate::clock::{Clock, Dot};
use crate::error::ParseError;
use crate::ids::{ActorId, LogPos, Seq};
use crate::record::Record;
use crate::wire::message::Status;

/// What was made again: the old names and the new ones.
#[derive(Default)]
struct Renames {
    /// For each old actor its numbers, ascending, with the new ones, ascending too.
    by_actor: BTreeMap<ActorId, Vec<(Seq, Dot)>>,
    exact: HashMap<Dot, Dot>,
    keep: BTreeMap<ActorId, Seq>,
}

impl Renames {
    fn add(&mut self, old: Dot, new: Dot) {
        self.by_actor
            .entry(old.actor)
            .or_default()
            .push((old.seq, new));
        self.exact.insert(old, new);
    }
    fn dot(&self, dot: Dot) -> Dot {
        self.exact.get(&dot).copied().unwrap_or(dot)
    }
    /// Own entries above the agreeing number name what was made again instead.
    fn clock(&self, clock: &Clock) -> Clock {
        let mut out = Clock::new();
        for entry in clock.dots() {
            let at_most = self.keep.get(&entry.actor).copied().unwrap_or(entry.seq);
            out.add(Dot::new(entry.actor, entry.seq.min(at_most)));
            let again = self.by_actor.get(&entry.actor);
            for (_, new) in again
                .into_iter()
                .flatten()
                .filter(|(old, _)| *old <= entry.seq)
            {
                out.add(*new);
            }
        }
        out
    }
}

/// Goes on under `new`: all of it belongs into one local transaction.
pub(super) fn rebase(
    store: &mut dyn Store,
    profile: &mut Profile,
    plan: &Plan,
    new: ActorState,
) -> Result<(), SessionError> {
    let mut renames = Renames {
        keep: plan.keep.iter().copied().collect(),
        ..Renames::default()
    };
    let mut again = Vec::new();
    for actor in profile.actors.clone() {
        again.extend(take_voided(store, actor.actor)?);
        if let Some(keep) = renames.keep.get(&actor.actor) {
            again.extend(cut_back(store, profile, actor.actor, *keep)?);
        }
    }
    let actor = new.actor;
    profile.actors.push(new);
    for own in again {
        make_one_again(store, profile, actor, own, &mut renames)?;
    }
    for mut form in store.open_forms()? {
        form.seen = renames.clock(&form.seen);
        form.view = form.view.renamed(|d| renames.dot(d), |c| renames.clock(c));
        store.put_open_form(&form)?;
    }
    profile.cursor = None;
    profile.refetch.clear();
    profile.phase = Phase::Exchange;
    drop_records(store, profile)
}

/// Changesets that the server knows only as void, though their bodies are here. Their rows stay as what they are: void.
fn take_voided(store: &mut dyn Store, actor: ActorId) -> Result<Vec<Own>, SessionError> {
    let mut out = Vec::new();
    for own in store.own_after(actor, Seq::ZERO, usize::MAX)? {
        if own.fate.status == Some(Status::Void) && own.body.is_some() {
            store.put_own(&own.clone().without_body())?;
            out.push(own);
        }
    }
    Ok(out)
}

/// Forgets what an actor made above `keep`, and returns it in order.
fn cut_back(
    store: &mut dyn Store,
    profile: &mut Profile,
    actor: ActorId,
    keep: Seq,
) -> Result<Vec<Own>, SessionError> {
    let point = chain_at(store, profile, actor, keep)?;
    let point = point.ok_or(SessionError::Parse(ParseError::Bytes("chain")))?;
    let later = store.own_after(actor, keep, usize::MAX)?;
    for own in &later {
        store.drop_own(own.dot)?;
    }
    if let Some(state) = profile.actor_mut(actor) {
        state.made = point;
        state.acked = point;
        state.copied = state.copied.min(keep);
    }
    Ok(later)
}

fn make_one_again(
    store: &mut dyn Store,
    profile: &mut Profile,
    actor: ActorId,
    own: Own,
    renames: &mut Renames,
) -> Result<(), SessionError> {
    // Erased, or forgotten because it was copied: there is nothing to make again.
    let Some(body) = own.body else { return Ok(()) };
    let state = profile.actor(actor).ok_or(SessionError::FormClosed)?;
    let dot = Dot::new(actor, state.made.seq.next()?);
    let change = under(&body, dot, renames)?;
    renames.add(own.dot, dot);
    let fate = Fate {
        sent: own.fate.sent,
        opaque: own.fate.opaque,
        effective: own.fate.effective,
        floor: own.fate.floor,
        ..Fate::default()
    };
    append(store, profile, change, fate)
}

/// The same changeset under another number, naming the first one it ever had.
fn under(body: &Changeset, dot: Dot, renames: &Renames) -> Result<Changeset, SessionError> {
    let first = Origin {
        dot: body.dot,
        hash: body.hash(),
    };
    let mut draft = body.clone().into_draft();
    draft.origin = Some(draft.origin.unwrap_or(first));
    draft.dot = dot;
    draft.seen = renames.clock(&draft.seen);
    for decision in &mut draft.decisions {
        decision.dots.iter_mut().for_each(|d| *d = renames.dot(*d));
    }
    Ok(draft.seal()?)
}

/// Everything goes and is pulled again with full bodies; what only this device has of new records stays.
fn drop_records(store: &mut dyn Store, profile: &mut Profile) -> Result<(), SessionError> {
    for record in store.held_ids()? {
        store.drop_held(record)?;
    }
    for record in store.own_records()? {
        let own = store.own_of(record)?;
        let made_here = own
            .iter()
            .filter(|o| o.holds_record())
            .filter_map(|o| o.body.as_ref())
            .find(|c| c.creates)
            .map(|c| c.form);
        if let Some(form) = made_here {
            full(store, profile, LogPos::ZERO, form, Record::new(record))?;
        }
    }
    Ok(())
}

/// Makes voided changesets again under the current actor, at the end of its queue. While a new actor is being asked
/// for they wait: [`rebase`] finds them.
pub(super) fn make_again(
    store: &mut dyn Store,
    profile: &mut Profile,
    voided: &[Dot],
) -> Result<(), SessionError> {
    let current = profile.actors.last().filter(|a| !a.closed);
    let Some(actor) = current.map(|a| a.actor) else {
        return Ok(());
    };
    if profile.phase != Phase::Exchange {
        return Ok(());
    }
    let mut renames = Renames::default();
    for dot in voided {
        if let Some(own) = store.own(*dot)? {
            store.put_own(&own.clone().without_body())?;
            make_one_again(store, profile, actor, own, &mut renames)?;
        }
    }
    Ok(())
}
