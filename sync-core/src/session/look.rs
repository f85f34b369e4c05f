//! Looking at a record in one step and answering in another: a save goes by what the person was last shown (§1.5).
//!
//! For programs without a form on a screen. What was shown is an open form that nobody types into: after a fork its own
//! numbers are mapped, and an erasure takes it away, as with any other.

use super::error::SessionError;
use super::open::{begin, session_of};
use super::store::{OpenForm, Own, Store};
use crate::clock::Clock;
use crate::ids::{FormHash, RecordId};
use crate::key::{Key, MetaKey};
use crate::record::Record;
use crate::value::Value;
use crate::wire::message::Status;

/// How many records are remembered as shown; of another one the oldest goes, and is to be shown again.
pub const LOOKS_MAX: usize = 200;

/// Notes that a person was shown a record as `shown`. What was shown of it before no longer counts.
pub fn note_shown(
    store: &mut dyn Store,
    shown: Record,
    form: FormHash,
) -> Result<OpenForm, SessionError> {
    let record = shown.id();
    let mut looks = store.open_forms()?;
    looks.sort_by_key(|look| look.session);
    let others = looks.iter().filter(|look| look.record != record).count();
    let mut spare = (others + 1).saturating_sub(LOOKS_MAX);
    for look in looks {
        let oldest = look.record != record && spare > 0;
        if oldest {
            spare -= 1;
        }
        if oldest || look.record == record {
            store.drop_open_form(look.session)?;
        }
    }
    begin(store, record, form, shown.clock(), shown, false)
}

/// What the person was last shown of a record, with what was saved since; none if it was never shown.
pub fn last_shown(store: &dyn Store, record: RecordId) -> Result<Option<OpenForm>, SessionError> {
    session_of(store, record)
}

/// Goes on answering a record in a version of its form, from where the person last looked at it. For one who was never
/// shown it, only what this profile wrote itself counts as seen.
pub fn resume(
    store: &mut dyn Store,
    record: RecordId,
    form: FormHash,
) -> Result<OpenForm, SessionError> {
    let (seen, view) = match session_of(store, record)? {
        Some(look) if look.form == form => return Ok(look),
        Some(look) => {
            store.drop_open_form(look.session)?;
            let mut again = begin(store, record, form, look.seen, look.view, false)?;
            again.epoch = look.epoch;
            store.put_open_form(&again)?;
            return Ok(again);
        }
        None => written_here(store, record)?,
    };
    begin(store, record, form, seen, view, false)
}

/// What this profile wrote into a record, as a record of its own.
fn written_here(store: &dyn Store, record: RecordId) -> Result<(Clock, Record), SessionError> {
    let (mut seen, mut view) = (Clock::new(), Record::new(record));
    let stands = |own: &Own| {
        let gone = matches!(own.fate.status, Some(Status::Void | Status::Erased));
        !gone && own.fate.judged != Some(false)
    };
    for own in store.own_of(record)?.iter().filter(|own| stands(own)) {
        if let Some(body) = &own.body {
            let stored = super::save::as_seen(body);
            seen.join(&stored.clock());
            view.apply(&stored);
        }
    }
    Ok((seen, view))
}

/// Of these writes, the keys whose answers are not those that the person was shown: a save would go over what nobody
/// looked at. A reviewer's word on a record (approved, rejected, returned) stands on all of it.
pub fn changed_since(
    store: &dyn Store,
    look: &OpenForm,
    writes: &[(Key, Value)],
) -> Result<Vec<Key>, SessionError> {
    let Some(held) = store.held(look.record)? else {
        return Ok(Vec::new());
    };
    let now = &held.state;
    let all_seen = now.lives().iter().all(|live| look.seen.covers(live.dot));
    let changed = |(key, value): &&(Key, Value)| {
        let judges = *key == Key::Meta(MetaKey::Status) && !is_workers(value);
        now.values(key) != look.view.values(key) || (judges && !all_seen)
    };
    let changed = writes.iter().filter(changed);
    Ok(changed.map(|(key, _)| key.clone()).collect())
}

fn is_workers(status: &Value) -> bool {
    matches!(status, Value::Code(code) if ["draft", "complete"].contains(&code.as_str()))
}

/// Forgets what was shown of records that are no longer on the device.
pub fn forget_gone(store: &mut dyn Store) -> Result<(), SessionError> {
    for look in store.open_forms()? {
        if !store.holds(look.record)? {
            store.drop_open_form(look.session)?;
        }
    }
    Ok(())
}
