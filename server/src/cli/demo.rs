//! `tributary demo`: weeks in the field, told in a minute. A real server over TLS on loopback, a dozen phones with stores
//! of their own that go through everything that phones go through, and one merged dataset at the end.
//!
//! All people and answers are invented. Every number that is printed was counted in the run. Not here: the acts, one file
//! each below; anything that a real server or a real phone would not do.

mod calendar;
mod cast;
mod chance;
mod conflicts;
mod crossing;
mod dataset;
mod desk;
mod folder;
mod interview;
mod phone;
mod proof;
mod relay;
mod stage;
mod tell;
mod weeks;
mod words;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use self::cast::{COPIED, PHONES};
use self::chance::Chance;
use self::conflicts::{Crossed, Kind};
use self::dataset::Dataset;
use self::proof::Proof;
use self::stage::Stage;
use self::weeks::Weeks;
use super::terminal::say;
use crate::config::{LogLevel, LogSettings};
use crate::service::check::{FolderReport, check};
use crate::telemetry;

/// The story is the same every time; keys, ids and the date are not.
const SEED: u64 = 0x6d65_6b6f_6e67;

#[derive(Args)]
pub(super) struct Demo {
    /// End when the story is told, instead of staying up
    #[arg(long)]
    exit: bool,
    /// The folder to use: a new one, or that of an earlier demonstration, which is emptied [default: tributary-demo]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

/// What the conflicts came to.
struct Settled {
    crossed: Vec<Crossed>,
    /// Which one the coordinator settled, for its first answer.
    settled: Option<Crossed>,
    /// How many are left after it.
    left: usize,
}

impl Demo {
    pub(super) fn run(self) -> Result<()> {
        telemetry::init(LogSettings {
            level: LogLevel::Error,
            ..LogSettings::default()
        });
        let folder = folder::fresh(self.folder)?;
        tell::opening(&folder)?;
        let stage = Stage::build(&folder, SEED)?;
        tell::stage(&stage)?;
        let told = story(&stage, &folder);
        match told {
            Ok(()) if self.exit => stage.end(),
            Ok(()) => {
                tell::farewell(&stage, &folder)?;
                stage.wait()?;
                say("Stopped. The folder stays; the next demonstration may empty it.")
            }
            Err(_) if stage.is_stopped() => say("Stopped before the end."),
            Err(error) => {
                // What went wrong is told; how the server then stopped adds nothing.
                let _ = stage.end();
                Err(error)
            }
        }
    }
}

fn story(stage: &Stage, folder: &std::path::Path) -> Result<()> {
    let bar = bar("Handing out phones");
    let mut weeks = Weeks::hand_out(stage, folder, Chance::from_seed(SEED))?;
    weeks.prepare()?;
    tell::handed_out(&weeks)?;
    bar.set_message("Weeks in the field");
    weeks.pass(&bar)?;
    bar.set_position(0);
    bar.set_message("Coming home over bad links");
    weeks.come_home(&bar)?;
    stage.calendar.catch_up();
    tell::weeks(&weeks, &stage.relay.traffic())?;
    let listed = weeks.desk.devices()?;
    tell::devices(&weeks, &listed)?;

    bar.set_message("Looking at conflicts");
    let settled = settle(&mut weeks)?;
    tell::conflicts(&settled)?;

    bar.set_message("Downloading the dataset");
    let dataset = dataset::download(&mut weeks.desk, &stage.form_id, folder)?;
    tell::dataset(&dataset)?;

    bar.set_message("Comparing phones with the server");
    let (proof, copied) = prove(stage, &mut weeks)?;
    let report = check(&stage.data, &mut |_| {})?;
    bar.finish_and_clear();
    tell::proof(&proof, &copied)?;
    tell::check(&report)?;
    judge(&weeks, &settled, &dataset, &proof, &report)
}

fn bar(message: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(1);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {bar:30} {msg}") {
        bar.set_style(style);
    }
    bar.set_message(message);
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// The coordinator looks at what crossed, and settles one question where only people can say what is true.
fn settle(weeks: &mut Weeks<'_>) -> Result<Settled> {
    let crossed = conflicts::crossed(weeks.laptop.device()?, &weeks.cases)?;
    let settled = crossed.iter().find(|c| c.kind == Kind::Single).cloned();
    if let Some(one) = &settled {
        weeks
            .desk
            .settle(one, "Asked both: the first was in the room.")?;
    }
    weeks.laptop.sync(&mut weeks.tally)?;
    let left = conflicts::crossed(weeks.laptop.device()?, &weeks.cases)?.len();
    Ok(Settled {
        crossed,
        settled,
        left,
    })
}

/// All phones together, and by name those that are one another's copies.
fn prove(stage: &Stage, weeks: &mut Weeks<'_>) -> Result<(Proof, Vec<(String, Proof)>)> {
    let mut all = Proof::default();
    let mut copied = Vec::new();
    for (n, phone) in weeks.phones.iter_mut().enumerate() {
        let own = proof::compare(stage, phone)?;
        all.add(&own);
        if n == COPIED || n >= PHONES.len() {
            copied.push((phone.name(), own));
        }
    }
    all.add(&proof::compare(stage, &mut weeks.laptop)?);
    Ok((all, copied))
}

/// A demonstration that shows something else than it promises has failed.
fn judge(
    weeks: &Weeks<'_>,
    settled: &Settled,
    dataset: &Dataset,
    proof: &Proof,
    report: &FolderReport,
) -> Result<()> {
    let protective = settled.crossed.iter().any(|c| c.kind == Kind::Protective);
    ensure!(
        proof.lost == 0,
        "{} acknowledged changes are lost",
        proof.lost
    );
    ensure!(
        proof.unsent == 0,
        "{} changes were never sent",
        proof.unsent
    );
    ensure!(
        proof.in_quarantine > 0,
        "nothing of the lost phone is in quarantine"
    );
    ensure!(
        weeks.tally.forks == 1,
        "{} phones took a new number, not one",
        weeks.tally.forks
    );
    ensure!(
        settled.settled.is_some() && protective,
        "no conflict came of the crossing edits"
    );
    ensure!(
        settled.left + 1 == settled.crossed.len(),
        "the settled conflict is still there"
    );
    ensure!(
        dataset.languages.iter().all(|(_, rows)| *rows > 0),
        "a language is missing in the dataset"
    );
    ensure!(report.sound, "the data folder is not sound");
    Ok(())
}
