//! `tributary backup`: a copy of the data folder on another disk.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

use super::progress::Progress;
use super::{Common, OrgFlag, terminal};
use crate::service::Service;
use crate::service::backup::{KEEP_DEFAULT, Made, Plan, Which, Withheld, backup};

#[derive(Args)]
pub(super) struct Backup {
    /// The folder of copies, on another disk [default: backup.folder of the settings]
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
    /// How many copies of each organisation are kept [default: backup.keep of the settings, or 14]
    #[arg(long)]
    keep: Option<usize>,
    #[command(flatten)]
    org: OrgFlag,
}

impl Backup {
    pub(super) fn run(self, common: &Common) -> Result<()> {
        let settings = common.settings(Vec::new())?;
        let service = common.service()?;
        let configured = settings.backup.as_ref();
        let target = self.to.or_else(|| configured.map(|b| b.folder.clone()));
        let Some(target) = target else {
            bail!(
                "no backup folder is known, so nothing was copied. Name one on another disk with --to, or set \
                 backup.folder so that the server copies every day by itself."
            );
        };
        let which = match &self.org.org {
            Some(_) => Which::One(self.org.find(&service)?.id),
            None => Which::All,
        };
        let plan = Plan {
            data: settings.data.clone(),
            target,
            which,
            keep: self
                .keep
                .or_else(|| configured.map(|b| b.keep.get()))
                .unwrap_or(KEEP_DEFAULT),
        };
        let progress = Progress::new();
        let made = backup(service.files(), &service.env(), &plan, &mut |s| {
            progress.step(s)
        })?;
        drop(progress);
        report(&service, &made)
    }
}

fn report(service: &Service, made: &Made) -> Result<()> {
    if let Some(set) = &made.set {
        terminal::say(format!(
            "Copied {} organisation(s) to {}.",
            made.copied.len(),
            set.display()
        ))?;
    }
    if !made.pruned.is_empty() {
        terminal::say(format!("Removed {} old copies.", made.pruned.len()))?;
    }
    if made.same_disk {
        terminal::say(
            "Warning: the backup folder lies on the same disk as the data. A lost disk takes both; use another disk.",
        )?;
    }
    for name in &made.unreadable {
        terminal::say(format!(
            "Warning: the older copy {name} has a manifest that cannot be read. It counts as none."
        ))?;
    }
    for (org, why) in &made.withheld {
        terminal::say(withheld(&super::slug(service, *org), why))?;
    }
    if made.withheld.is_empty() {
        return Ok(());
    }
    bail!(
        "{} organisation(s) were not copied; see above",
        made.withheld.len()
    )
}

fn withheld(name: &str, why: &Withheld) -> String {
    match why {
        Withheld::NotExtending { set } => format!(
            "{name} was NOT copied: its file lacks what the copy {set} has. The data folder was rolled back, or two servers \
             work on copies of it. Writing has stopped in {name}; phones keep everything. Find out which folder is the right \
             one, stop the server, and run `tributary epoch open --org {name}`."
        ),
        Withheld::Stopped => format!(
            "{name} was NOT copied: writing has stopped there, because a phone or a copy knows more than its file. Phones keep \
             everything. Stop the server and run `tributary epoch open --org {name}`."
        ),
        Withheld::Unreadable { why } => format!(
            "{name} was NOT copied: its file cannot be read ({why}). Its older copies stay. Run `tributary check`, then \
             `tributary restore --org {name}`."
        ),
    }
}
