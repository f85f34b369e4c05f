//! Saving a form: one changeset, with what the person saw as its context.

use std::collections::BTreeSet;

use super::device::{Profile, Role};
use super::error::{SaveRefused, SessionError};
use super::open::form_of;
use super::rights;
use super::store::{Fate, Held, OpenForm, Own, Store};
use crate::change::{Changeset, Decision, Draft, Stamp, Stored, chain_next};
use crate::clock::{Clock, Dot};
use crate::ids::{LogPos, Seq};
use crate::key::{Key, MetaKey};
use crate::policy::Policies;
use crate::record::Record;
use crate::value::{Text, Value};
use crate::wire::message::ChainPoint;

/// What one save writes.
#[derive(Clone, Debug, Default)]
pub struct Save {
    /// Answers and meta, by key.
    pub writes: Vec<(Key, Value)>,
    /// Lowerings of protective values among them, each with a reason.
    pub decisions: Vec<Decision>,
    /// Questions with several answers that were shown with all of them.
    pub shown: BTreeSet<Key>,
}

/// Saves an open form as one changeset of the current actor and applies it on the device at once.
pub fn save(
    store: &mut dyn Store,
    session: u64,
    save: Save,
    now_ms: u64,
) -> Result<Changeset, SessionError> {
    let mut form = form_of(store, session)?;
    let mut profile = store.profile()?;
    check(&profile, &form, &save)?;
    let clock = profile.tick(now_ms);
    let actor = profile
        .actors
        .last()
        .cloned()
        .ok_or(SessionError::FormClosed)?;
    let dot = Dot::new(actor.actor, actor.made.seq.next()?);
    let mut draft = Draft {
        record: form.record,
        dot,
        clock,
        form: form.form,
        creates: form.creates,
        epoch: form.epoch,
        seen: form.seen.clone(),
        writes: save.writes,
        decisions: save.decisions,
        origin: None,
        extensions: Vec::new(),
    };
    decide(store, &profile, &form, &mut draft)?;
    let change = draft.seal()?;

    let stored = as_seen(&change);
    let mut held = match store.held(form.record)? {
        Some(held) => Some(held),
        None if form.creates => Some(Held {
            state: Record::new(form.record),
            form: form.form,
            pos: LogPos::ZERO,
        }),
        // It left the scope while the form was open: the save is still pushed.
        None => None,
    };
    if let Some(held) = &mut held {
        held.state.apply(&stored);
        store.put_held(held)?;
    }
    form.view.apply(&stored);
    form.seen.join(&stored.clock());
    form.creates = false;
    store.put_open_form(&form)?;
    append(store, &mut profile, change.clone(), Fate::default())?;
    store.put_profile(&profile)?;
    Ok(change)
}

/// Puts a changeset at the end of the queue of its actor.
pub(super) fn append(
    store: &mut dyn Store,
    profile: &mut Profile,
    change: Changeset,
    fate: Fate,
) -> Result<(), SessionError> {
    let (dot, hash) = (change.dot, change.hash());
    let actor = profile
        .actor_mut(dot.actor)
        .ok_or(SessionError::FormClosed)?;
    let chain = chain_next(actor.made.hash, dot.seq, hash);
    actor.made = ChainPoint {
        seq: dot.seq,
        hash: chain,
    };
    let own = Own {
        dot,
        record: Some(change.record),
        hash,
        chain,
        body: Some(change),
        fate,
    };
    Ok(store.put_own(&own)?)
}

/// An own changeset as the device applies it before the server has judged it.
pub(super) fn as_seen(change: &Changeset) -> Stored {
    Stored {
        stamp: Stamp {
            context: change.seen.clone(),
            effective: change.clock,
            received: 0,
            cut: false,
        },
        change: change.clone(),
    }
}

fn check(profile: &Profile, form: &OpenForm, save: &Save) -> Result<(), SaveRefused> {
    if save.writes.is_empty() {
        return Err(SaveRefused::Nothing);
    }
    for (key, value) in &save.writes {
        rights::check(profile.role, &form.view, key, value)?;
        let asked = key.is_answer() || *key == Key::Meta(MetaKey::Status);
        if asked && form.view.candidates(key).len() > 1 && !save.shown.contains(key) {
            return Err(SaveRefused::NotShown(key.clone()));
        }
    }
    for decision in &save.decisions {
        let shown = form.view.values(&decision.key);
        let named = |dot: &Dot| shown.iter().any(|(d, _)| d == dot);
        let written = save.writes.iter().any(|(k, v)| match (k, v) {
            // Deleting a row lowers what is in it.
            (Key::RowMeta { group, row }, Value::Deleted(true)) => {
                let gone = form.view.rows_within(*group, *row);
                decision.key.row().is_some_and(|at| gone.contains(&at))
            }
            _ => *k == decision.key,
        });
        let reasoned = !decision.reason.as_str().trim().is_empty();
        if !written || !reasoned || decision.dots.is_empty() || !decision.dots.iter().all(named) {
            return Err(SaveRefused::Decision(decision.key.clone()));
        }
    }
    Ok(())
}

/// Refuses what lowers a protection without a decision of somebody who may; a typing mistake that nobody else can have
/// seen is decided here (§2.2).
fn decide(
    store: &dyn Store,
    profile: &Profile,
    form: &OpenForm,
    draft: &mut Draft,
) -> Result<(), SessionError> {
    let text = store
        .form(form.form)?
        .ok_or(SessionError::FormUnknown(form.form))?;
    let policies = store.policies(&text.form_id)?;
    let clock: Clock = draft.seen.clone().with(draft.dot);
    let probe = draft.clone().seal()?;
    for (key, _) in policies.lowered(&form.view, &probe, &clock, |_, _| false) {
        let dots: Vec<Dot> = form.view.values(&key).iter().map(|(d, _)| *d).collect();
        if own_and_unsent(store, profile, &form.view, &key)? {
            if !draft.decisions.iter().any(|d| d.key == key) {
                draft.decisions.push(Decision {
                    key,
                    dots,
                    reason: Text::new("corrected before it was sent")?,
                });
            }
        } else if !draft.decisions.iter().any(|d| d.key == key) {
            return Err(SaveRefused::NeedsDecision(key).into());
        } else if !may_decide(&policies, profile.role, &key) {
            return Err(SaveRefused::NotAllowed(key).into());
        }
    }
    let probe = draft.clone().seal()?;
    match policies
        .lowered(&form.view, &probe, &clock, |_, _| true)
        .into_iter()
        .next()
    {
        Some((key, _)) => Err(SaveRefused::NeedsDecision(key).into()),
        None => Ok(()),
    }
}

fn may_decide(policies: &Policies, role: Role, key: &Key) -> bool {
    let field = key.field().map(|f| policies.get(f));
    field.is_some_and(|p| p.may_decide(role.decides_as()))
}

fn own_and_unsent(
    store: &dyn Store,
    profile: &Profile,
    view: &Record,
    key: &Key,
) -> Result<bool, SessionError> {
    if profile.role == Role::Reviewer {
        return Ok(false);
    }
    for (dot, _) in view.values(key) {
        let unsent = profile.owns(dot.actor)
            && dot.seq > Seq::ZERO
            && store
                .own(*dot)?
                .is_some_and(|o| o.is_unsent() && !o.fate.sent);
        if !unsent {
            return Ok(false);
        }
    }
    Ok(true)
}
