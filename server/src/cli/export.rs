//! `tributary export`: a download into a file, with what it is beside it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use super::{OrgFlag, terminal};
use crate::service::export::{
    Download, Format, LineEnd, MissingWords, Moment, Options, TimeRange, Trailer,
};
use crate::service::{By, Service};
use crate::startup::in_words;

/// Which moment --from and --to are about.
#[derive(Clone, Copy, ValueEnum)]
enum Of {
    Created,
    Saved,
    Received,
}

#[derive(Args)]
pub(super) struct Export {
    /// The form's id
    #[arg(long)]
    form: String,
    /// The file to write: .csv, .zip (with one CSV for each repeat) or .jsonl (every answer with its author)
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Only what is in conflict, one row for each answer (.csv)
    #[arg(long)]
    conflicts: bool,
    /// Only records of this form version; may be given several times
    #[arg(long = "form-version", value_name = "VERSION")]
    versions: Vec<String>,
    /// Only records in this state; may be given several times [default: all but drafts]
    #[arg(long = "state", value_name = "STATE")]
    states: Vec<String>,
    /// At or after: an instant, or a day in the time zone
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Before: an instant, or a day in the time zone
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Of which moment
    #[arg(long, value_enum, default_value = "created")]
    of: Of,
    /// Only records with a conflict
    #[arg(long)]
    conflicts_only: bool,
    /// Deleted records too
    #[arg(long)]
    deleted: bool,
    /// Only what changed after an earlier download: its cursor
    #[arg(long, value_name = "CURSOR")]
    since: Option<String>,
    /// As it was at an earlier download: its cursor
    #[arg(long, value_name = "CURSOR")]
    as_of: Option<String>,
    /// The time zone [default: the organisation's]
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// Labels in this language of the form, in place of codes
    #[arg(long, value_name = "LANGUAGE")]
    labels: Option<String>,
    /// A column for each choice of questions that take several
    #[arg(long)]
    split: bool,
    /// A byte order mark, for Excel
    #[arg(long)]
    bom: bool,
    /// End lines with a line feed only
    #[arg(long)]
    lf: bool,
    /// Quote words such as NA instead of marking them with an apostrophe
    #[arg(long)]
    quote_missing_words: bool,
    #[command(flatten)]
    org: OrgFlag,
}

impl Export {
    pub(super) fn run(self, service: &Service) -> Result<()> {
        let org = self.org.find(service)?;
        let options = self.options()?;
        let part = beside(&self.out, ".part");
        let done = self.write(service, org.id, &options, &part);
        if done.is_err() {
            // What is half written is nothing; it may not be there at all.
            let _ = fs::remove_file(&part);
        }
        let trailer = done?;
        fs::rename(&part, &self.out).context("the file could not be put in its place")?;
        let meta = beside(&self.out, ".meta.json");
        fs::write(&meta, serde_json::to_vec_pretty(&trailer)?)
            .context("the description could not be written")?;
        report(&self.out, &meta, &trailer)
    }

    fn write(
        &self,
        service: &Service,
        org: tributary_sync_core::ids::OrgId,
        options: &Options,
        part: &Path,
    ) -> Result<Box<Trailer>> {
        let open = |_: &crate::service::export::Export| Ok(Durable(BufWriter::new(create(part)?)));
        let done = service.download(By::Operator, org, &self.form, options, |_| false, open);
        match done.map_err(in_words)? {
            Download::Written(trailer) => Ok(trailer),
            Download::Known { .. } => bail!("nothing was written"),
        }
    }

    fn options(&self) -> Result<Options> {
        let extension = self.out.extension().and_then(|e| e.to_str());
        let format = match (extension, self.conflicts) {
            (Some("csv"), false) => Format::Csv,
            (Some("csv"), true) => Format::Conflicts,
            (_, true) => bail!("conflicts alone are written as .csv; a .zip has them too"),
            (Some("zip"), _) => Format::Zip,
            (Some("jsonl"), _) => Format::JsonLines,
            _ => bail!("the file must end in .csv, .zip or .jsonl"),
        };
        let ranged = self.from.is_some() || self.to.is_some();
        let time = ranged.then(|| TimeRange {
            of: match self.of {
                Of::Created => Moment::Created,
                Of::Saved => Moment::Saved,
                Of::Received => Moment::Received,
            },
            from: self.from.clone(),
            to: self.to.clone(),
        });
        Ok(Options {
            format,
            versions: self.versions.clone(),
            states: self.states.clone(),
            time,
            conflicts_only: self.conflicts_only,
            deleted: self.deleted,
            since: self.since.clone(),
            as_of: self.as_of.clone(),
            tz: self.tz.clone(),
            labels: self.labels.clone(),
            split: self.split,
            bom: self.bom,
            line_end: if self.lf { LineEnd::Lf } else { LineEnd::Crlf },
            missing_words: match self.quote_missing_words {
                true => MissingWords::Quotes,
                false => MissingWords::Apostrophe,
            },
        })
    }
}

/// A new file that nobody else on this machine can read: it holds answers.
fn create(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The file's own name with something behind it.
fn beside(path: &Path, more: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(more);
    name.into()
}

fn report(out: &Path, meta: &Path, trailer: &Trailer) -> Result<()> {
    let c = &trailer.counts;
    terminal::say(format!(
        "{} records in {}; {} tells what it is.",
        c.rows,
        out.display(),
        meta.display()
    ))?;
    terminal::say(format!(
        "Left out: {} withheld for lack of consent, {} restricted, {} drafts, {} deleted, {} by the filter, {} unchanged.",
        c.withheld, c.restricted, c.drafts, c.deleted, c.filtered, c.unchanged
    ))?;
    if trailer.quarantine_waiting > 0 {
        terminal::say(format!(
            "{} changes wait in quarantine and are not in it.",
            trailer.quarantine_waiting
        ))?;
    }
    terminal::say(format!(
        "Cursor for --since and --as-of: {}",
        trailer.cursor
    ))
}

/// A file that is on the disk when it is flushed.
struct Durable(BufWriter<File>);

impl Write for Durable {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()?;
        self.0.get_ref().sync_all()
    }
}
