//! Forms and records as lines of text.

use tributary_sync_core::conflict::Presence;
use tributary_sync_core::form::FieldKind;
use tributary_sync_core::ids::RecordId;
use tributary_sync_core::record::Live;
use tributary_sync_core::session::Whereabouts;

use super::output::line;
use crate::answers::{label, languages, lines, spoken};
use crate::device::Device;
use crate::error::Result;
use crate::records::Shown;

pub(super) fn forms(device: &Device, questions: bool, language: Option<&str>) -> Result<()> {
    for text in device.forms()? {
        let form = device.form(Some(&text.form_id))?;
        let model = form.model();
        let languages = &languages(&form, language);
        line(format!(
            "{}  {}  {}",
            model.form_id,
            model.title,
            model.version.as_deref().unwrap_or("")
        ));
        if !questions {
            continue;
        }
        for (_, field) in form.fields() {
            let kind = field.kind;
            if !(kind.is_question() || kind == FieldKind::Repeat) {
                continue;
            }
            let depth = form.model().repeats_of(field).len();
            line(format!(
                "{}{} ({})  {}",
                "  ".repeat(depth + 1),
                field.name,
                kind.as_str(),
                label(field, languages)
            ));
            for choice in model.choices(field).unwrap_or_default().iter().take(30) {
                let text = choice.label.best(languages).unwrap_or_default();
                line(format!(
                    "{}  = {}  {text}",
                    "  ".repeat(depth + 1),
                    choice.code
                ));
            }
        }
    }
    Ok(())
}

pub(super) fn list(device: &Device, language: Option<&str>) -> Result<()> {
    let records = device.records()?;
    for record in &records {
        let shown = match device.show(*record) {
            Ok(shown) => shown,
            Err(_) => {
                line(format!("{record}  (its form comes with the next sync)"));
                continue;
            }
        };
        let conflicts = shown.held.state.conflicts().count();
        let state = &shown.held.state;
        let languages = &languages(&shown.form, language);
        let first = lines(&shown.form, state, languages);
        let first = first
            .iter()
            .find_map(|l| shown.policies.read(state, &l.key).map(|v| (l, v)));
        let first = first.map(|(l, v)| spoken(&shown.form, &l.key, &v, languages));
        let mut notes = vec![place(&shown).to_owned()];
        if conflicts > 0 {
            notes.push(format!("{conflicts} to settle"));
        }
        match state.presence() {
            Presence::Deleted => notes.push("deleted".to_owned()),
            Presence::Contested => notes.push("deleted by some".to_owned()),
            Presence::Present => {}
        }
        let first: String = first.unwrap_or_default().chars().take(40).collect();
        line(format!(
            "{record}  {}  {first}  [{}]",
            shown.form.model().form_id,
            notes.join(", ")
        ));
    }
    if records.is_empty() {
        line("No records on this device.");
    }
    Ok(())
}

fn place(shown: &Shown) -> &'static str {
    let worst = |place| shown.own.iter().any(|(_, p)| *p == place);
    match () {
        () if shown.own.is_empty() => "from the server",
        () if worst(Whereabouts::Unsent) => "only here",
        () if worst(Whereabouts::WithCoordinator) => "with your coordinator",
        () if worst(Whereabouts::Stored) => "on the server",
        () => "safe",
    }
}

pub(super) fn record(device: &Device, id: RecordId, language: Option<&str>) -> Result<Shown> {
    let shown = device.show(id)?;
    let state = &shown.held.state;
    let languages = &languages(&shown.form, language);
    line(format!(
        "{id}  {}  [{}]",
        shown.form.model().title,
        place(&shown)
    ));
    let own: Vec<_> = device.profile()?.actors.iter().map(|a| a.actor).collect();
    for l in lines(&shown.form, state, languages) {
        let candidates = state.candidates(&l.key);
        let indent = "  ".repeat(l.depth + 1);
        if candidates.len() == 1 {
            let value = candidates.first().map(|c| c.value);
            let value = value.map(|v| spoken(&shown.form, &l.key, v, languages));
            line(format!(
                "{indent}{} ({}): {}",
                l.label,
                l.name,
                value.unwrap_or_default()
            ));
            continue;
        }
        line(format!(
            "{indent}{} ({}): {} answers, to be settled",
            l.label,
            l.name,
            candidates.len()
        ));
        for (n, candidate) in candidates.iter().enumerate() {
            let who: Vec<String> = candidate
                .given
                .iter()
                .map(|live| given(&shown, &own, live))
                .collect();
            let value = spoken(&shown.form, &l.key, candidate.value, languages);
            line(format!("{indent}  {}. {value}: {}", n + 1, who.join("; ")));
        }
        if let Some(value) = shown.policies.read(state, &l.key) {
            let value = spoken(&shown.form, &l.key, &value, languages);
            line(format!("{indent}  Until then it counts as: {value}"));
        }
    }
    Ok(shown)
}

fn given(shown: &Shown, own: &[tributary_sync_core::ids::ActorId], live: &Live) -> String {
    let actor = live.dot.actor;
    let person = shown.people.iter().find(|(a, _)| *a == actor);
    let who = match person {
        _ if own.contains(&actor) => "you".to_owned(),
        Some((_, person)) => person.name.clone(),
        None => format!("somebody (number {actor})"),
    };
    let ms = i64::try_from(live.effective.ms()).unwrap_or_default();
    let when = jiff::Timestamp::from_millisecond(ms)
        .map(|t| {
            t.to_zoned_datetime(jiff::tz::TimeZone::system())
                .strftime("%Y-%m-%d %H:%M")
                .to_string()
        })
        .unwrap_or_default();
    format!("{who}, {when}")
}
