//! `tributary check`: proves the whole data folder.

use anyhow::{Result, bail};
use clap::Args;

use super::progress::Progress;
use super::{Common, terminal};
use crate::service::check::{Finding, FolderReport, check};
use crate::storage::folder::DataFolder;
use crate::telemetry;

#[derive(Args)]
pub(super) struct Check {
    /// One JSON document instead of sentences
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(self, common: &Common) -> Result<()> {
        let settings = common.settings(Vec::new())?;
        telemetry::init(settings.log);
        let progress = Progress::new();
        let report = check(&DataFolder::at(&settings.data), &mut |at| progress.at(at))?;
        drop(progress);
        if self.json {
            terminal::say(serde_json::to_string_pretty(&report)?)?;
        } else {
            sentences(&report)?;
        }
        if report.sound {
            return Ok(());
        }
        bail!("the data folder is not sound")
    }
}

fn sentences(report: &FolderReport) -> Result<()> {
    let tell = |findings: &[Finding], indent: &str| {
        findings
            .iter()
            .try_for_each(|f| terminal::say(format!("{indent}{}: {}", f.rule, f.place)))
    };
    for org in &report.organisations {
        let word = if org.faults.is_empty() {
            "sound"
        } else {
            "NOT sound"
        };
        terminal::say(format!(
            "Organisation {}: {word}; {} records, {} log entries, {} audit rows.",
            org.id, org.records, org.entries, org.audit_rows
        ))?;
        tell(&org.faults, "  ")?;
        if org.more > 0 {
            terminal::say(format!("  and {} more", org.more))?;
        }
    }
    tell(&report.faults, "")?;
    if !report.notices.is_empty() {
        terminal::say("To look at, no fault:")?;
        tell(&report.notices, "  ")?;
    }
    if report.sound {
        return terminal::say("Everything is what was written.");
    }
    terminal::say(
        "What this means: a disk fails, or a hand was on the files. Phones keep what no copy covers. Next: copy the data \
         folder aside as it is, replace the disk, and run `tributary restore` for the organisations named above.",
    )
}
