//! Recording, editing and settling, by the names that people see.

use std::collections::BTreeSet;

use tributary_sync_core::change::{Changeset, Decision};
use tributary_sync_core::clock::Dot;
use tributary_sync_core::form::PublishedForm;
use tributary_sync_core::ids::{FormHash, RecordId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::policy::Policies;
use tributary_sync_core::record::Record;
use tributary_sync_core::session::{
    self, Confirm, FormText, Held, Obstacle, OpenForm, Own, Person, Save, SaveRefused, Store,
    Summary, Whereabouts,
};
use tributary_sync_core::value::{Text, Value};

use crate::answers::{Answers, Question};
use crate::device::Device;
use crate::error::{Error, Result, Trouble};
use crate::key::random;

/// A record with what is needed to show it.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The record as it is on the device.
    pub held: Held,
    /// Its form, in the version it was made with.
    pub form: PublishedForm,
    /// The policies of the form.
    pub policies: Policies,
    /// Who stands behind the changesets in it; the device's own user is not listed.
    pub people: Vec<(tributary_sync_core::ids::ActorId, Person)>,
    /// Its own changesets, with where they are.
    pub own: Vec<(Own, Whereabouts)>,
}

impl Device {
    /// The newest version of each form.
    pub fn forms(&self) -> Result<Vec<FormText>> {
        self.account()?;
        let mut newest: Vec<FormText> = Vec::new();
        for form in self.db.read(|tx| tx.forms())? {
            match newest.iter_mut().find(|f| f.form_id == form.form_id) {
                Some(older) => *older = form,
                None => newest.push(form),
            }
        }
        Ok(newest)
    }

    /// The newest version of a form, by its id; the only form, if no id is given.
    pub fn form(&self, form_id: Option<&str>) -> Result<PublishedForm> {
        let forms = self.forms()?;
        let found = match (form_id, forms.as_slice()) {
            (Some(id), _) => forms.iter().find(|f| f.form_id == id),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let ids: Vec<&str> = forms.iter().map(|f| f.form_id.as_str()).collect();
        let found = found.ok_or_else(|| {
            Error::input(
                "There is no such form on this device.",
                format!("These are: {}. Sync to get new ones.", ids.join(", ")),
            )
        })?;
        open(found)
    }

    fn form_version(&self, hash: FormHash) -> Result<PublishedForm> {
        let text = self.db.read(|tx| Ok(tx.form(hash)?))?;
        let text = text.ok_or(session::SessionError::FormUnknown(hash))?;
        open(&text)
    }

    /// Makes a record with these answers.
    pub fn create(
        &mut self,
        form: &PublishedForm,
        answers: &Answers,
    ) -> Result<(RecordId, Changeset)> {
        let record = RecordId::from_bytes(random()?);
        let writes = answers.writes(form, None, &mut random_rows)?;
        let now = self.clock.now_ms();
        let change = self.step(|tx| {
            let open = session::create_record(tx, record, form.hash())?;
            let save = Save {
                writes,
                ..Save::default()
            };
            let change = session::save(tx, open.session, save, now)?;
            session::close_form(tx, open.session)?;
            Ok(change)
        })?;
        Ok((record, change))
    }

    /// Notes that the person was shown a record, as [`Device::show`] gave it: from now on their changes go by that.
    pub fn note_shown(&mut self, shown: &Shown) -> Result<()> {
        let form = self.newest_of(shown)?.hash();
        self.step(|tx| {
            // A revoked device records nothing more, but shows what it holds.
            if !tx.profile()?.revoked {
                session::note_shown(tx, shown.held.state.clone(), form)?;
            }
            Ok(())
        })
    }

    /// Shows a record to a person.
    pub fn look(&mut self, record: RecordId) -> Result<Shown> {
        let shown = self.show(record)?;
        self.note_shown(&shown)?;
        Ok(shown)
    }

    /// The record as the person was last shown it; refused if that was never.
    pub fn last_shown(&self, record: RecordId) -> Result<Record> {
        let look = self.db.read(|tx| Ok(session::last_shown(tx, record)?))?;
        look.map(|look| look.view).ok_or_else(|| look_first(record))
    }

    /// Changes answers of a record, as somebody who saw what they were last shown of it. Questions with several answers
    /// need [`Device::settle`]; one that was answered anew since is refused.
    pub fn edit(&mut self, record: RecordId, answers: &Answers) -> Result<Changeset> {
        let form = self.newest_of(&self.show(record)?)?;
        self.save_after_look(record, &form, |look| {
            let writes = answers.writes(&form, Some(&look.view), &mut random_rows)?;
            Ok(Save {
                writes,
                ..Save::default()
            })
        })
    }

    /// Ends a conflict, or lowers a protection, for somebody who was shown all answers to the question.
    pub fn settle(
        &mut self,
        record: RecordId,
        key: &Key,
        value: Value,
        reason: Option<&str>,
    ) -> Result<Changeset> {
        let shown = self.show(record)?;
        let form = self.newest_of(&shown)?;
        let view = self.last_shown(record)?;
        let dots: Vec<Dot> = view.values(key).iter().map(|(d, _)| *d).collect();
        // A reason that was given is kept, whether or not the question asks for one.
        let decision = match reason {
            Some(reason) if !dots.is_empty() => Some(Decision {
                key: key.clone(),
                dots,
                reason: Text::new(reason)?,
            }),
            _ => None,
        };
        let save = Save {
            writes: vec![(key.clone(), value)],
            decisions: decision.into_iter().collect(),
            shown: BTreeSet::from([key.clone()]),
        };
        self.save_after_look(record, &form, |_| Ok(save))
    }

    /// Saves any writes to a record, as somebody who was shown what `save.shown` says.
    pub fn save(
        &mut self,
        record: RecordId,
        form: &PublishedForm,
        save: Save,
    ) -> Result<Changeset> {
        self.save_after_look(record, form, |_| Ok(save))
    }

    /// One save in a session that stands where the person last looked. What changed since under what is written is
    /// refused: whoever looks again decides again.
    fn save_after_look(
        &mut self,
        record: RecordId,
        form: &PublishedForm,
        save: impl FnOnce(&OpenForm) -> Result<Save>,
    ) -> Result<Changeset> {
        let now = self.clock.now_ms();
        self.step(|tx| {
            let looked = session::last_shown(tx, record)?.is_some();
            let look = session::resume(tx, record, form.hash())?;
            let mut save = save(&look)?;
            let changed = session::changed_since(tx, &look, &save.writes)?;
            if let Some(key) = changed.into_iter().next() {
                return Err(changed_since(form, record, key, looked));
            }
            save.writes.retain(|(key, value)| {
                let single = look.view.values(key);
                !(single.len() == 1 && single.iter().any(|(_, v)| v == value))
            });
            let change = session::save(tx, look.session, save, now)?;
            if !looked {
                session::close_form(tx, look.session)?;
            }
            Ok(change)
        })
    }

    /// The newest version of a record's form.
    pub fn newest_of(&self, shown: &Shown) -> Result<PublishedForm> {
        self.form(Some(&shown.form.model().form_id))
    }

    /// All records on the device.
    pub fn records(&self) -> Result<Vec<RecordId>> {
        self.account()?;
        self.db.read(|tx| Ok(tx.held_ids()?))
    }

    /// The record whose id begins with `prefix`.
    pub fn find(&self, prefix: &str) -> Result<RecordId> {
        let all = self.records()?;
        let prefix = &prefix.trim().to_ascii_lowercase();
        let mut found = all.iter().filter(|r| r.to_string().starts_with(prefix));
        match (found.next(), found.next()) {
            (Some(one), None) if !prefix.is_empty() => Ok(*one),
            (Some(_), Some(_)) => Err(Error::input(
                "Several records begin like this.",
                "Type more of the record's number.",
            )),
            _ => Err(Error::input(
                "No record on this device begins like this.",
                "Look at `tributary-field list`.",
            )),
        }
    }

    /// One record with all that is needed to show it.
    pub fn show(&self, record: RecordId) -> Result<Shown> {
        let (profile, held, own) = self.db.read(|tx| {
            let held = tx.held(record)?;
            Ok((tx.profile()?, held, tx.own_of(record)?))
        })?;
        let held = held.ok_or(session::SessionError::RecordUnknown(record))?;
        let form = self.form_version(held.form)?;
        let (policies, people) = self.db.read(|tx| {
            let policies = tx.policies(&form.model().form_id)?;
            let mut people = Vec::new();
            for live in held.state.lives() {
                let actor = live.dot.actor;
                if let Some(person) = tx.person(actor)? {
                    people.push((actor, person));
                }
            }
            Ok((policies, people))
        })?;
        let place = |o: &Own| session::whereabouts(&profile, o);
        Ok(Shown {
            form,
            policies,
            people,
            own: own.into_iter().map(|o| (o.clone(), place(&o))).collect(),
            held,
        })
    }

    /// How much is where.
    pub fn summary(&self) -> Result<Summary> {
        self.account()?;
        self.db.read(|tx| Ok(session::summary(tx)?))
    }

    /// What keeps the device from being emptied.
    pub fn obstacles(&self, confirm: Confirm) -> Result<Vec<Obstacle>> {
        self.account()?;
        let all = self.db.read(|tx| Ok(session::obstacles(tx, confirm)?))?;
        // What was shown here holds nothing that was not saved.
        let stands = |o: &Obstacle| !matches!(o, Obstacle::FormOpen(_));
        Ok(all.into_iter().filter(stands).collect())
    }

    /// Empties the device: answers go, numbers and proofs stay.
    pub fn empty(&mut self, confirm: Confirm) -> Result<usize> {
        let gone = self.step(|tx| {
            for look in session::forms_open(tx)? {
                session::close_form(tx, look.session)?;
            }
            Ok(session::empty(tx, confirm)?)
        })?;
        self.db.forget()?;
        Ok(gone.len())
    }

    /// A question of a form, by name or path.
    pub fn question(form: &PublishedForm, name: &str) -> Result<Question> {
        Question::find(form, name)
    }
}

/// What was never shown is not answered over, and no answer is chosen among ones that nobody looked at.
fn look_first(record: RecordId) -> Error {
    Error::input(
        "You have not looked at this record yet.",
        format!("Look at it first, then decide: `tributary-field show {record}`."),
    )
}

fn changed_since(form: &PublishedForm, record: RecordId, key: Key, looked: bool) -> Error {
    let name = match (&key, key.field().and_then(|id| form.field(id))) {
        (_, Some(field)) => format!("`{}`", field.name),
        (Key::Meta(MetaKey::Status), None) => "this record".to_owned(),
        _ => "this part of the record".to_owned(),
    };
    let what = match looked {
        true => format!("Somebody else changed {name} after you last looked at this record."),
        false => format!("Somebody else answered {name}, and you have not looked at it yet."),
    };
    Error::new(
        Trouble::Save(SaveRefused::NotShown(key)),
        what,
        "Nothing was saved, so that no answer is replaced unseen.",
        format!("Look at it now, then decide again: `tributary-field show {record}`."),
    )
}

fn open(text: &FormText) -> Result<PublishedForm> {
    PublishedForm::open(&text.xform, text.package.as_bytes()).map_err(|e| {
        Error::input(
            "This form cannot be read by this program.",
            "Update the program, then sync.",
        )
        .because(e)
    })
}

fn random_rows() -> Result<tributary_sync_core::ids::RowId> {
    Ok(tributary_sync_core::ids::RowId::from_bytes(random()?))
}
