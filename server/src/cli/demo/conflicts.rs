//! What the coordinator sees of the cases: where answers cross, who gave them, and what counts until somebody settles it.

use anyhow::Result;
use tributary_native::Device;
use tributary_native::answers::{label, spoken};
use tributary_native::records::Shown;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::RecordId;
use tributary_sync_core::key::Key;
use tributary_sync_core::policy::Policy;

use super::cast::COORDINATOR;

const LANGUAGES: [&str; 1] = ["English (en)"];

/// A question with several answers.
#[derive(Clone, Debug)]
pub(super) struct Crossed {
    pub(super) record: RecordId,
    pub(super) key: Key,
    /// The question's name in the form.
    pub(super) name: String,
    /// The question.
    pub(super) question: String,
    /// Each answer with those who gave it.
    pub(super) answers: Vec<(String, String)>,
    /// The changeset that gave the first answer.
    pub(super) first: Option<Dot>,
    /// What counts until it is settled.
    pub(super) counts: String,
    pub(super) kind: Kind,
}

/// By which rule it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The winner of the clocks is shown, both are kept.
    Single,
    /// The most protective answer counts.
    Protective,
    /// All that anybody noted counts.
    Union,
}

/// All of them, on these records.
pub(super) fn crossed(device: &Device, records: &[RecordId]) -> Result<Vec<Crossed>> {
    let mut out = Vec::new();
    for record in records {
        let shown = device.show(*record)?;
        for conflict in shown.held.state.conflicts() {
            let field = conflict
                .key
                .field()
                .and_then(|id| Some((id, shown.form.field(id)?)));
            let Some((id, field)) = field else { continue };
            let speak = |value: &tributary_sync_core::value::Value| {
                spoken(&shown.form, conflict.key, value, &LANGUAGES)
            };
            let answers = conflict.candidates.iter().map(|c| {
                let who = c.given.iter().map(|live| giver(&shown, live.dot.actor));
                (speak(c.value), who.collect::<Vec<_>>().join(" and "))
            });
            let counts = shown.policies.read(&shown.held.state, conflict.key);
            out.push(Crossed {
                record: *record,
                key: conflict.key.clone(),
                name: field.name.clone(),
                question: label(field, &LANGUAGES),
                first: conflict
                    .candidates
                    .first()
                    .and_then(|c| c.given.first().map(|l| l.dot)),
                answers: answers.collect(),
                counts: counts.map(|v| speak(&v)).unwrap_or_default(),
                kind: match &shown.policies.get(id).policy {
                    Policy::Protective(..) => Kind::Protective,
                    Policy::Union => Kind::Union,
                    _ => Kind::Single,
                },
            });
        }
    }
    Ok(out)
}

fn giver(shown: &Shown, actor: tributary_sync_core::ids::ActorId) -> String {
    let person = shown.people.iter().find(|(a, _)| *a == actor);
    person.map_or(COORDINATOR.name, |(_, p)| &p.name).to_owned()
}
