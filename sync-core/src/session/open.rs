//! Opening a record in a form: from here on the context of every save is what the person was shown (§1.5).

use super::error::SessionError;
use super::store::{OpenForm, Store};
use crate::clock::Clock;
use crate::ids::{FormHash, RecordId};
use crate::record::Record;

/// Opens a record that is on the device, to be answered with `form`, another version of the record's own form or the
/// same. A profile opens a record in one session at a time.
pub fn open_form(
    store: &mut dyn Store,
    record: RecordId,
    form: FormHash,
) -> Result<OpenForm, SessionError> {
    let held = store
        .held(record)?
        .ok_or(SessionError::RecordUnknown(record))?;
    if let Some(other) = session_of(store, record)? {
        return Err(SessionError::FormOpen {
            session: other.session,
        });
    }
    let seen = held.state.clock();
    begin(store, record, form, seen, held.state, false)
}

/// The same, ending a session that has the record open: after that one has saved, or was left behind by a crash.
pub fn take_over(
    store: &mut dyn Store,
    record: RecordId,
    form: FormHash,
) -> Result<OpenForm, SessionError> {
    if let Some(other) = session_of(store, record)? {
        store.drop_open_form(other.session)?;
    }
    open_form(store, record, form)
}

/// Starts a new record; `record` is random. It exists from the first save on.
pub fn create_record(
    store: &mut dyn Store,
    record: RecordId,
    form: FormHash,
) -> Result<OpenForm, SessionError> {
    let known = store.holds(record)?
        || !store.own_of(record)?.is_empty()
        || session_of(store, record)?.is_some()
        || store.is_erased(record.tombstone())?;
    if known {
        return Err(SessionError::RecordExists(record));
    }
    begin(store, record, form, Clock::new(), Record::new(record), true)
}

/// Shows the record anew, as it is now: what was shown before no longer counts.
pub fn refresh(store: &mut dyn Store, session: u64) -> Result<OpenForm, SessionError> {
    let mut form = form_of(store, session)?;
    if form.creates {
        return Ok(form);
    }
    let held = store.held(form.record)?;
    let held = held.ok_or(SessionError::RecordUnknown(form.record))?;
    form.seen = held.state.clock();
    form.view = held.state;
    form.epoch = store.profile()?.epoch;
    store.put_open_form(&form)?;
    Ok(form)
}

/// Closes a form session. Closing one that is closed is no error.
pub fn close_form(store: &mut dyn Store, session: u64) -> Result<(), SessionError> {
    Ok(store.drop_open_form(session)?)
}

/// The forms that are open.
pub fn forms_open(store: &dyn Store) -> Result<Vec<OpenForm>, SessionError> {
    Ok(store.open_forms()?)
}

/// One of them.
pub(super) fn form_of(store: &dyn Store, session: u64) -> Result<OpenForm, SessionError> {
    let open = store.open_forms()?;
    let form = open.into_iter().find(|f| f.session == session);
    form.ok_or(SessionError::FormClosed)
}

pub(super) fn session_of(
    store: &dyn Store,
    record: RecordId,
) -> Result<Option<OpenForm>, SessionError> {
    let open = store.open_forms()?;
    Ok(open.into_iter().find(|f| f.record == record))
}

pub(super) fn begin(
    store: &mut dyn Store,
    record: RecordId,
    form: FormHash,
    seen: Clock,
    view: Record,
    creates: bool,
) -> Result<OpenForm, SessionError> {
    let mut profile = store.profile()?;
    if profile.revoked {
        return Err(SessionError::Revoked);
    }
    if store.form(form)?.is_none() {
        return Err(SessionError::FormUnknown(form));
    }
    profile.sessions = profile.sessions.saturating_add(1);
    let open = OpenForm {
        session: profile.sessions,
        record,
        form,
        creates,
        epoch: profile.epoch,
        seen,
        view,
    };
    store.put_profile(&profile)?;
    store.put_open_form(&open)?;
    Ok(open)
}
