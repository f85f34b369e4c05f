//! What the demonstration says. Every number comes from what was counted.

use std::path::Path;

use anyhow::Result;
use indicatif::HumanBytes;

use super::super::terminal::{say, table};
use super::Settled;
use super::calendar::{Clockwork, DAYS};
use super::cast::{ADMIN, COORDINATOR, COPIED, ORGANISATION, ORGANISATION_NAME, REVIEWER, TEAMS};
use super::conflicts::{Crossed, Kind};
use super::dataset::Dataset;
use super::desk::Listed;
use super::phone::{Ended, Phone};
use super::proof::Proof;
use super::relay::{CUT_BYTES, Traffic};
use super::stage::Stage;
use super::weeks::Weeks;
use crate::service::check::FolderReport;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
/// How many conflicts are shown in full.
const SHOWN: usize = 3;

fn heading(text: &str) -> Result<()> {
    say("")?;
    say(text)?;
    say("─".repeat(text.chars().count()))
}

pub(super) fn opening(folder: &Path) -> Result<()> {
    say("Tributary: a demonstration. All people and all answers in it are invented.")?;
    say(format!("Folder: {}", folder.display()))
}

pub(super) fn stage(stage: &Stage) -> Result<()> {
    heading("The server")?;
    say(format!(
        "It answers at {}, over TLS with a certificate of its own making.",
        stage.url
    ))?;
    say(format!(
        "Organisation {ORGANISATION_NAME}: {} workers in {} teams, a coordinator ({}), a reviewer, an admin; form `{}`.",
        stage.workers.len(),
        TEAMS.len(),
        COORDINATOR.name,
        stage.form_id
    ))
}

pub(super) fn handed_out(weeks: &Weeks<'_>) -> Result<()> {
    heading("Before the weeks")?;
    say(format!(
        "{} phones and tablets and a laptop enrolled, each by a link of its own, each with its own store.",
        weeks.phones.len()
    ))?;
    say(format!(
        "{} opened {} cases and assigned each to a team, so that both members hold every one of theirs.",
        COORDINATOR.name,
        weeks.cases.len()
    ))
}

pub(super) fn weeks(weeks: &Weeks<'_>, traffic: &Traffic) -> Result<()> {
    let t = &weeks.tally;
    heading(&format!("{DAYS} days in the field"))?;
    say(format!(
        "{} interviews recorded without a network, and {} edits of shared cases.",
        t.interviews, t.edits
    ))?;
    say(format!(
        "{} syncs with {} requests. The link was cut {} times, each time after a random number of bytes (1 to {CUT_BYTES}) of \
         one connection had come down from the server, its TLS handshake among them; phones noticed {} times, gave up \
         {} times and began again.",
        t.syncs, t.requests, traffic.cuts, t.interruptions, t.given_up
    ))?;
    say(format!(
        "{} up, {} down, TLS and {} connections included.",
        HumanBytes(traffic.up),
        HumanBytes(traffic.down),
        traffic.connections
    ))
}

pub(super) fn devices(weeks: &Weeks<'_>, listed: &[Listed]) -> Result<()> {
    for phone in &weeks.phones {
        let told = match phone.clockwork {
            Clockwork::Near(_) => continue,
            Clockwork::Since1970 => "began again in 1970",
            Clockwork::In2100 => "was set to the year 2100",
            Clockwork::Buddhist => "counts the years of the Buddhist era as common ones",
        };
        let seen = listed
            .iter()
            .find(|l| l.user_name == phone.owner && l.label == phone.label);
        let days = seen.and_then(|l| l.clock_skew_ms).map(|ms| ms / DAY_MS);
        let by = days.map(|d| format!(": the server measured {d} days"));
        say(format!(
            "The clock of {} {told}{}. No answer hangs on it.",
            phone.name(),
            by.unwrap_or_default()
        ))?;
    }
    let copied = weeks.phones.get(COPIED).map(Phone::name);
    for phone in weeks.phones.iter().filter(|p| p.forks > 0) {
        say(format!(
            "The store of {} was copied, and both went on under one number. When {} synced, it found that out and took a \
             new number. Whether anything was lost by it is looked up below.",
            copied.as_deref().unwrap_or_default(),
            phone.name()
        ))?;
    }
    let revoked = listed.iter().filter(|l| l.revoked_at.is_some());
    for device in revoked {
        say(format!(
            "{}'s {} was lost and revoked by {}. Later somebody turned it on, and it {}: {} wait in quarantine.",
            device.user_name,
            device.label,
            ADMIN.name,
            match weeks.found {
                Some(Ended::Revoked) => "heard that it is revoked",
                Some(Ended::Whole) => "sent what it held",
                Some(Ended::NoNetwork) | None => "found no network",
            },
            HumanBytes(device.quarantine_bytes)
        ))?;
    }
    Ok(())
}

pub(super) fn conflicts(settled: &Settled) -> Result<()> {
    let of = |kind| settled.crossed.iter().filter(move |c| c.kind == kind);
    heading("What crossed")?;
    say(format!(
        "{} questions were answered twice without sight of each other. Both answers of each are kept.",
        settled.crossed.len()
    ))?;
    say(format!(
        "{} wait for a person to settle them:",
        of(Kind::Single).count()
    ))?;
    of(Kind::Single).take(SHOWN).try_for_each(crossed)?;
    say(format!(
        "{} hang on somebody's safety. There the most protective answer counts, whatever any clock says:",
        of(Kind::Protective).count()
    ))?;
    let mut shown: Vec<&str> = Vec::new();
    for one in of(Kind::Protective) {
        if !shown.contains(&one.name.as_str()) {
            shown.push(&one.name);
            crossed(one)?;
        }
    }
    say(format!(
        "In {} what anybody noted stays noted:",
        of(Kind::Union).count()
    ))?;
    of(Kind::Union).take(1).try_for_each(crossed)?;
    match &settled.settled {
        Some(one) => say(format!(
            "{} settled `{}` over the API for “{}”; {} of {} are left.",
            COORDINATOR.name,
            one.name,
            one.answers.first().map_or("", |(answer, _)| answer),
            settled.left,
            settled.crossed.len()
        )),
        None => say("There was nothing to settle."),
    }
}

fn crossed(one: &Crossed) -> Result<()> {
    say(format!("  {} ({})", one.question, one.name))?;
    for (answer, who) in &one.answers {
        say(format!("      {who}: {answer}"))?;
    }
    let word = match one.kind {
        Kind::Single => "until then an export shows",
        Kind::Protective | Kind::Union => "counts",
    };
    say(format!("      → {word}: {}", one.counts))
}

pub(super) fn dataset(d: &Dataset) -> Result<()> {
    heading("The merged dataset")?;
    say(format!(
        "{} rows, {} columns, and {} rows of journeys and companions in the zip.",
        d.rows, d.columns, d.repeat_rows
    ))?;
    let languages = d
        .languages
        .iter()
        .map(|(name, rows)| format!("{name} {rows}"));
    say(format!(
        "Rows with free text in: {}.",
        languages.collect::<Vec<_>>().join(", ")
    ))?;
    say(format!(
        "{} answers are “does not know”, {} “does not want to say”.",
        d.does_not_know, d.does_not_say
    ))?;
    say(format!(
        "Left out: {} records without live consent (refused, withdrawn, not asked), {} drafts. {} changes wait in quarantine.",
        d.withheld, d.drafts, d.waiting
    ))?;
    say(format!("  {}", d.csv.display()))?;
    say(format!("  {}", d.conflicts.display()))?;
    say(format!("  {}", d.zip.display()))
}

pub(super) fn proof(p: &Proof, copied: &[(String, Proof)]) -> Result<()> {
    heading("Is anything lost?")?;
    say(format!(
        "{} changes on all phones; {} were acknowledged, {} never sent.",
        p.made, p.acknowledged, p.unsent
    ))?;
    say(format!(
        "Looked up in the server's file by number and hash: {} in the log, {} in quarantine, {} known as second arrivals, {} lost.",
        p.in_log, p.in_quarantine, p.twice, p.lost
    ))?;
    copied.iter().try_for_each(|(name, p)| {
        say(format!(
            "  of these, on {name}: {} changes, {} never sent, {} lost",
            p.made, p.unsent, p.lost
        ))
    })
}

pub(super) fn check(report: &FolderReport) -> Result<()> {
    for org in &report.organisations {
        say(format!(
            "`tributary check`: {} records, {} log entries, {} audit rows; {} faults.",
            org.records,
            org.entries,
            org.audit_rows,
            org.faults.len() as u64 + org.more
        ))?;
    }
    say(match report.sound {
        true => "Everything is what was written.",
        false => "The data folder is NOT sound.",
    })
}

pub(super) fn farewell(stage: &Stage, folder: &Path) -> Result<()> {
    heading("Have a look")?;
    let rows = [ADMIN, COORDINATOR, REVIEWER].map(|person| {
        vec![
            person.name.to_owned(),
            person.role.to_string(),
            stage.password.clone(),
        ]
    });
    say(format!("  address       {}", stage.url))?;
    say(format!("  organisation  {ORGANISATION}"))?;
    table(
        &["  NAME", "ROLE", "PASSWORD"],
        &rows.map(|mut r| {
            if let Some(name) = r.first_mut() {
                name.insert_str(0, "  ");
            }
            r
        }),
    )?;
    say(format!(
        "A phone: tributary-field --home {} list",
        folder.join("phones").join("01").display()
    ))?;
    say("It stays up until ctrl-c.")
}
