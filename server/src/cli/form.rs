//! `tributary form`: publish a form from a file, see what would change, list versions.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;

use super::{OrgFlag, terminal};
use crate::service::forms::{FormView, Upload, VersionView};
use crate::service::{By, Service};
use crate::startup::in_words;

#[derive(Subcommand)]
pub(super) enum Form {
    /// Publish an XLSForm (.xlsx, .ods) or an XForm (.xml); without a file, the outreach interview that comes along
    Publish {
        /// The file
        file: Option<PathBuf>,
        /// Let the version protect less than the one before: a weaker policy, or no consent asked
        #[arg(long)]
        weaken: bool,
        #[command(flatten)]
        org: OrgFlag,
    },
    /// Show what publishing a file would change; nothing is stored
    Preview {
        /// The file
        file: PathBuf,
        #[command(flatten)]
        org: OrgFlag,
    },
    /// List the newest version of each form, or all versions of one
    List {
        /// The form's id
        form: Option<String>,
        #[command(flatten)]
        org: OrgFlag,
    },
}

impl Form {
    pub(super) fn run(self, service: &Service) -> Result<()> {
        match self {
            Self::Publish {
                file: None, org, ..
            } => {
                let org = org.find(service)?;
                let done = service
                    .publish_builtin_interview(By::Operator, org.id)
                    .map_err(in_words)?;
                said(&done, "Published")
            }
            Self::Publish {
                file: Some(file),
                weaken,
                org,
            } => {
                let org = org.find(service)?;
                let done = service
                    .publish_form(By::Operator, org.id, upload(&file, weaken)?)
                    .map_err(in_words)?;
                said(&done, "Published")
            }
            Self::Preview { file, org } => {
                let org = org.find(service)?;
                let done = service
                    .preview_form(By::Operator, org.id, upload(&file, true)?)
                    .map_err(in_words)?;
                said(&done, "Would be published")
            }
            Self::List { form, org } => {
                let org = org.find(service)?;
                let rows = match form {
                    Some(form) => service.form_versions(By::Operator, org.id, &form),
                    None => service.forms(By::Operator, org.id),
                };
                list(&rows.map_err(in_words)?)
            }
        }
    }
}

fn upload(file: &Path, weaken: bool) -> Result<Upload> {
    let bytes =
        std::fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let file_name = file
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    Ok(Upload {
        bytes,
        file_name,
        mapping: BTreeMap::new(),
        weaken,
    })
}

fn said(done: &VersionView, verb: &str) -> Result<()> {
    if !done.new {
        return terminal::say(format!(
            "This version of {} was published before: {}. Nothing changed.",
            done.form_id, done.hash
        ));
    }
    terminal::say(format!(
        "{verb}: {} as version {}.",
        done.form_id, done.hash
    ))?;
    let changes = &done.changes;
    terminal::say(format!(
        "{} fields added, {} dropped, {} moved, {} retyped, {} renamed, {} with other rules{}.",
        changes.added.len(),
        changes.dropped.len(),
        changes.moved.len(),
        changes.retyped.len(),
        changes.renamed.len(),
        changes.rules.len(),
        if done.weakens {
            "; it protects LESS than the version before"
        } else {
            ""
        }
    ))
}

fn list(rows: &[FormView]) -> Result<()> {
    for row in rows {
        terminal::say(format!(
            "{}  {}  {}  {}  {}",
            row.form_id, row.version, row.published_at, row.hash, row.title
        ))?;
    }
    match rows.is_empty() {
        true => terminal::say(
            "No form is published yet. `tributary form publish` publishes the outreach interview.",
        ),
        false => Ok(()),
    }
}
