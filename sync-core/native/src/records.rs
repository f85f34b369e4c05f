//! Recording, editing and settling, by the names that people see.

use std::collections::BTreeSet;

use tributary_sync_core::change::{Changeset, Decision};
use tributary_sync_core::form::PublishedForm;
use tributary_sync_core::ids::{FormHash, RecordId};
use tributary_sync_core::key::Key;
use tributary_sync_core::policy::Policies;
use tributary_sync_core::session::{
    self, Confirm, FormText, Held, Obstacle, Own, Person, Save, Store, Summary, Whereabouts,
};
use tributary_sync_core::value::{Text, Value};

use crate::answers::{Answers, Question};
use crate::device::Device;
use crate::error::{Error, Result};
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

    /// Changes answers of a record. Questions with several answers need [`Device::settle`].
    pub fn edit(&mut self, record: RecordId, answers: &Answers) -> Result<Changeset> {
        let shown = self.show(record)?;
        let form = self.newest_of(&shown)?;
        let writes = answers.writes(&form, Some(&shown.held.state), &mut random_rows)?;
        self.save(
            record,
            form.hash(),
            Save {
                writes,
                ..Save::default()
            },
        )
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
        let dots = shown
            .held
            .state
            .values(key)
            .iter()
            .map(|(d, _)| *d)
            .collect();
        let lowers = shown
            .policies
            .get(key.field().unwrap_or(tributary_sync_core::ids::FieldId(0)));
        let decides = lowers.policy != tributary_sync_core::policy::Policy::Single;
        let decision = match reason {
            Some(reason) if decides => Some(Decision {
                key: key.clone(),
                dots,
                reason: Text::new(reason)?,
            }),
            _ => None,
        };
        self.save(
            record,
            form.hash(),
            Save {
                writes: vec![(key.clone(), value)],
                decisions: decision.into_iter().collect(),
                shown: BTreeSet::from([key.clone()]),
            },
        )
    }

    /// Saves any writes to a record, as somebody who was shown what `save.shown` says.
    pub fn save(&mut self, record: RecordId, form: FormHash, save: Save) -> Result<Changeset> {
        let now = self.clock.now_ms();
        self.step(|tx| {
            // One process has the folder: a session that is still open was left behind by a crash.
            let open = session::take_over(tx, record, form)?;
            let change = session::save(tx, open.session, save, now)?;
            session::close_form(tx, open.session)?;
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
        self.db.read(|tx| Ok(session::obstacles(tx, confirm)?))
    }

    /// Empties the device: answers go, numbers and proofs stay.
    pub fn empty(&mut self, confirm: Confirm) -> Result<usize> {
        let gone = self.step(|tx| Ok(session::empty(tx, confirm)?))?;
        self.db.forget()?;
        Ok(gone.len())
    }

    /// A question of a form, by name or path.
    pub fn question(form: &PublishedForm, name: &str) -> Result<Question> {
        Question::find(form, name)
    }
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
