//! Cases that two phones hold: made and assigned by the coordinator, then answered twice, without sight of each other.

use anyhow::{Context, Result};
use tributary_native::Device;
use tributary_native::answers::{Answers, Given};
use tributary_sync_core::form::PublishedForm;
use tributary_sync_core::ids::{RecordId, TeamId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::session::Save;
use tributary_sync_core::value::{Text, Value};

use super::cast::WORKERS;
use super::words::language;

/// What the two members of a team answer on one case.
#[derive(Clone, Copy, Debug)]
struct Crossing {
    first: &'static [(&'static str, &'static str)],
    second: &'static [(&'static str, &'static str)],
}

/// Stands for a place in the language of whoever writes.
const PLACE: &str = "<place>";

/// One case of each kind for every team.
const CROSSINGS: [Crossing; 8] = [
    crossing(
        &[("exploited_province", PLACE)],
        &[("exploited_province", PLACE)],
    ),
    crossing(
        &[("consent_share", "withdrawn")],
        &[("consent_share", "given")],
    ),
    crossing(&[("age_class", "adult")], &[("age_class", "child")]),
    crossing(
        &[("fee_amount", "3000")],
        &[("fee_amount", "30000"), ("fee_currency", "THB")],
    ),
    crossing(
        &[("indicators", "debt isolation")],
        &[("indicators", "wages violence")],
    ),
    crossing(
        &[("do_not_contact", "yes")],
        &[("do_not_contact", "no"), ("contact_channel", "phone")],
    ),
    crossing(&[("hours_day", "14")], &[("days_week", "7")]),
    crossing(&[("exit_how", "escaped")], &[("exit_how", "ransom")]),
];

const fn crossing(
    first: &'static [(&'static str, &'static str)],
    second: &'static [(&'static str, &'static str)],
) -> Crossing {
    Crossing { first, second }
}

/// A case on the coordinator's laptop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case {
    pub(super) record: RecordId,
    team: usize,
    crossing: Crossing,
}

/// An edit of a case on one phone.
pub(super) struct Edit {
    /// The day of the story.
    pub(super) day: u64,
    /// Which phone.
    pub(super) phone: usize,
    pub(super) record: RecordId,
    pub(super) answers: Answers,
}

/// Makes the cases and assigns each to a team.
pub(super) fn open_cases(
    laptop: &mut Device,
    form: &PublishedForm,
    teams: &[TeamId],
) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (team, id) in teams.iter().enumerate() {
        for crossing in CROSSINGS {
            let (record, _) = laptop.create(form, &opened(&crossing))?;
            let to = Value::Code(Text::new(format!("team:{id}"))?);
            let save = Save {
                writes: vec![(Key::Meta(MetaKey::Assignee), to)],
                ..Save::default()
            };
            laptop.save(record, form, save)?;
            cases.push(Case {
                record,
                team,
                crossing,
            });
        }
    }
    Ok(cases)
}

/// What the coordinator knows of a case: nothing that the teams are to find out.
fn opened(crossing: &Crossing) -> Answers {
    let asked = |name: &str| {
        let sides = crossing.first.iter().chain(crossing.second);
        sides.clone().any(|(n, _)| *n == name)
    };
    let mut answers = Answers::default();
    let mut set = |name: &str, text: &str| {
        let given = Given::Text(text.to_owned());
        answers.0.push((name.to_owned(), given));
    };
    set("_status", "complete");
    // Without it nobody but the maker may hold the case.
    set("consent_store", "given");
    for (name, text) in [
        ("age_class", "adult"),
        ("do_not_contact", "no"),
        ("at_risk", "no"),
        ("prs_Citizenship", "_dk"),
    ] {
        if !asked(name) {
            set(name, text);
        }
    }
    answers
}

/// Who edits which case when: all before the first phone syncs again, so that nobody sees the other's answer.
pub(super) fn edits(cases: &[Case]) -> Result<Vec<Edit>> {
    let mut out = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        let members = WORKERS
            .iter()
            .enumerate()
            .filter(|(_, w)| w.team == case.team);
        for (side, (index, worker)) in members.enumerate() {
            let given = if side == 0 {
                case.crossing.first
            } else {
                case.crossing.second
            };
            let place = language(worker.language).places.first().copied();
            let place = place.context("a place")?;
            let text = |t: &str| Given::Text(if t == PLACE { place } else { t }.to_owned());
            let answers = given.iter().map(|(name, t)| ((*name).to_owned(), text(t)));
            out.push(Edit {
                day: 2 + (n as u64 + side as u64) % 3,
                phone: 2 * index + (n + side + 1) % 2,
                record: case.record,
                answers: Answers(answers.collect()),
            });
        }
    }
    Ok(out)
}
