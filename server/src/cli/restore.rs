//! `tributary restore`: organisations back from a copy.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;

use super::progress::Progress;
use super::{Common, terminal};
use crate::service::ambient::{Ambient, System};
use crate::service::backup::{Offline, Overrides, Restored, Sets, Source, Which, restore};
use crate::startup::lock;
use crate::storage::folder::DataFolder;
use crate::telemetry;

#[derive(Args)]
pub(super) struct Restore {
    /// The folder of copies, or one copy in it [default: backup.folder of the settings]
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// Only this organisation: its slug, or its id as the copy's manifest names it [default: all]
    #[arg(long, short, value_name = "SLUG")]
    org: Option<String>,
    /// Restore a copy that is not the newest: what came after it is brought back only by phones that still have it
    #[arg(long)]
    older_copy: bool,
    /// Restore though the ledger of erased records is lost or incomplete: erased records may return
    #[arg(long)]
    accept_erasure_loss: bool,
    /// Replace a file that has everything the copy has
    #[arg(long)]
    replace: bool,
    /// List the copies there are, and do nothing
    #[arg(long)]
    list: bool,
}

impl Restore {
    pub(super) fn run(self, common: &Common) -> Result<()> {
        let settings = common.settings(Vec::new())?;
        telemetry::init(settings.log);
        let configured = settings.backup.as_ref().map(|b| b.folder.clone());
        let from = self
            .from
            .or(configured)
            .context("no folder of copies is known. Name it with --from; nothing was changed")?;
        let source = Source::at(&from);
        if self.list {
            return list(&Sets::read(&source.target)?);
        }
        let data = DataFolder::at(&settings.data);
        data.create()?;
        let lock = lock(&data)?;
        let which = match &self.org {
            Some(name) => Which::One(super::org_id(&settings, name)?),
            None => Which::All,
        };
        let overrides = Overrides {
            older_copy: self.older_copy,
            accept_erasure_loss: self.accept_erasure_loss,
            replace: self.replace,
        };
        let system = System::new();
        let at = Offline {
            data: &settings.data,
            lock: &lock,
            entropy: &system,
            now: system.now(),
        };
        let progress = Progress::new();
        let done = restore(at, &source, which, overrides, &mut |s| progress.step(s))?;
        drop(progress);
        report(&done)
    }
}

fn list(sets: &Sets) -> Result<()> {
    let rows: Vec<_> = sets
        .sets
        .iter()
        .flat_map(|set| {
            set.manifest.organisations.iter().map(|o| {
                vec![
                    set.name.clone(),
                    set.manifest.made_at.clone(),
                    o.id.to_string(),
                    o.pos.to_string(),
                ]
            })
        })
        .collect();
    terminal::table(&["COPY", "MADE", "ORGANISATION", "POSITION"], &rows)
}

fn report(done: &[Restored]) -> Result<()> {
    for one in done {
        terminal::say(format!(
            "Restored {} from the copy {} up to position {}, in the new epoch {}.",
            one.org, one.set, one.pos, one.epoch
        ))?;
        if one.erased_again > 0 {
            terminal::say(format!(
                "  {} record(s) in it had been erased since and were erased again.",
                one.erased_again
            ))?;
        }
        if let Some(aside) = &one.replaced {
            terminal::say(format!(
                "  The file that lay here before was put to {}. It holds answers, perhaps erased ones: delete it when you \
                 need it no longer.",
                aside.display()
            ))?;
        }
    }
    terminal::say(
        "What this means: at their next sync, phones send again what the copy lacks; nothing has to be done on them. \
         Assignments, roles and revoked devices are as of the copy where the directory came from it: look through them.",
    )?;
    terminal::say("Next: `tributary check`, then start the server.")
}
