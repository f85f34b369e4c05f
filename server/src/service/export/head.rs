//! What is settled before the first row: log position, versions, policies, filters, zone, and the validator over all that
//! the bytes depend on.

use std::io::Write;

use sha2::{Digest, Sha256};
use tributary_sync_core::ids::{EpochId, FieldId, LogPos};
use tributary_sync_core::policy::Policies;

use super::columns::Layout;
use super::csv::Csv;
use super::error::{ExportError, Result};
use super::options::{Format, Options, invalid, position};
use super::pass::{Filter, Seen};
use super::people::People;
use super::sink::Sink;
use super::trailer::{AuditHead, FileSum, Left, Trailer, VersionName};
use super::zone::{DEFAULT_ZONE, Zone};
use super::{archive, conflict_rows, json_lines, main_sheet};
use crate::service::env::Env;
use crate::storage::{FormRow, OrgTxn};

/// The setting of an organisation that names its time zone.
pub const TIME_ZONE_SETTING: &str = "time_zone";

/// Raised when the bytes of an unchanged export change.
const EXPORT_FORMAT: u32 = 1;

/// Where an earlier download stood.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    pub(super) pos: LogPos,
    /// When that position was written, in milliseconds since 1970.
    pub(super) time: u64,
}

/// A prepared export.
pub struct Export {
    pub(super) form_id: String,
    pub(super) title: String,
    pub(super) options: Options,
    pub(super) layout: Layout,
    pub(super) policies: Policies,
    pub(super) filter: Filter,
    pub(super) zone: Zone,
    pub(super) since: Option<Since>,
    pub(super) whole_again: bool,
    pub(super) as_of: Option<LogPos>,
    position: LogPos,
    epoch: EpochId,
    etag: String,
}

/// Settles an export of a form lineage over the snapshot of `txn`.
pub fn prepare(txn: &OrgTxn<'_>, env: &Env, form_id: &str, options: Options) -> Result<Export> {
    options.check()?;
    let epoch = txn.epoch()?.id;
    let (head, _) = txn.head()?;
    let place = |option, text: &Option<String>| {
        text.as_ref()
            .map(|text| position(option, text, epoch, head))
            .transpose()
    };
    let as_of = place("as_of", &options.as_of)?;
    let position = as_of.unwrap_or(head);
    let mut rows = txn.form_versions(form_id)?;
    rows.retain(|row| row.pos <= position);
    let title = rows.last().map(|r| r.title.clone());
    let title = title.ok_or(ExportError::FormUnknown)?;
    let zone = match &options.tz {
        Some(name) => Zone::named("tz", name)?,
        None => {
            let set = txn.setting(TIME_ZONE_SETTING)?;
            Zone::named("tz", set.as_deref().unwrap_or(DEFAULT_ZONE))?
        }
    };
    let filter = filter(&options, &rows, &zone)?;
    let (policies, policies_since) = policies(txn, form_id, position)?;
    let (since, whole_again) = match place("since", &options.since)? {
        None => (None, false),
        // A policy that changed may have changed every record's answers: all of them again.
        Some(pos) if policies_since > pos => {
            let since = Since {
                pos: LogPos::ZERO,
                time: u64::MAX,
            };
            (Some(since), true)
        }
        Some(pos) => {
            let time = txn.log_time(pos)?.unwrap_or(0);
            (Some(Since { pos, time }), false)
        }
    };
    let layout = Layout::new(rows, &options)?;
    let etag = etag(txn, env, form_id, &options, position, &zone)?;
    Ok(Export {
        form_id: form_id.to_owned(),
        title,
        options,
        layout,
        policies,
        filter,
        zone,
        since,
        whole_again,
        as_of: as_of.filter(|at| *at < head),
        position,
        epoch,
        etag,
    })
}

fn filter(options: &Options, rows: &[FormRow], zone: &Zone) -> Result<Filter> {
    let mut versions = Vec::new();
    for wanted in &options.versions {
        let before = versions.len();
        let of = rows
            .iter()
            .filter(|r| r.version == *wanted || r.hash.to_string() == *wanted);
        versions.extend(of.map(|r| r.hash));
        if versions.len() == before {
            return Err(invalid("versions", "the form has no such version"));
        }
    }
    let time = match &options.time {
        None => None,
        Some(range) => {
            let edge = |text: &Option<String>, open| {
                text.as_ref()
                    .map_or(Ok(open), |text| zone.instant("time", text))
            };
            Some((range.of, edge(&range.from, 0)?, edge(&range.to, u64::MAX)?))
        }
    };
    Ok(Filter {
        states: options.states.clone(),
        versions: (!options.versions.is_empty()).then_some(versions),
        time,
        deleted: options.deleted,
        conflicts_only: options.conflicts_only,
    })
}

/// The policies in force at a position, and since when the latest of them is.
fn policies(txn: &OrgTxn<'_>, form_id: &str, at: LogPos) -> Result<(Policies, LogPos)> {
    let mut policies = Policies::default();
    let mut latest = LogPos::ZERO;
    for row in txn.policy_rows(Some(form_id), at)? {
        policies.set(FieldId(row.policy.field.0), row.policy.field_policy());
        latest = latest.max(row.pos);
    }
    Ok((policies, latest))
}

/// A hash over everything that the bytes depend on: equal validators mean equal data.
fn etag(
    txn: &OrgTxn<'_>,
    env: &Env,
    form_id: &str,
    options: &Options,
    position: LogPos,
    zone: &Zone,
) -> Result<String> {
    let mut hash = Sha256::new();
    let mut part = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    part(b"tributary-export");
    part(&EXPORT_FORMAT.to_be_bytes());
    part(txn.org().as_bytes());
    part(txn.epoch()?.id.as_bytes());
    part(&position.get().to_be_bytes());
    part(&txn.erasures()?.to_be_bytes());
    part(form_id.as_bytes());
    // What the past is called does not change what it was.
    let options = Options {
        as_of: None,
        ..options.clone()
    };
    part(&serde_json::to_vec(&options).unwrap_or_default());
    part(zone.name().as_bytes());
    // A download of the past leaves out who withdrew since, or whose consent does not count any more.
    let head = txn.head()?.0;
    if position < head {
        let (_, ruled) = policies(txn, form_id, head)?;
        let after = if ruled > position {
            LogPos::ZERO
        } else {
            position
        };
        for no in txn.withheld_after(form_id, after)? {
            part(b"withheld");
            part(&no.0.to_be_bytes());
        }
    }
    // Neither restricting a record nor a person's new name is a log entry, and both show.
    for (no, at) in txn.restricted()? {
        part(&no.0.to_be_bytes());
        part(&at.to_be_bytes());
    }
    for user in txn.writers()? {
        let name = env.roster.name(txn.org(), user)?;
        part(user.as_bytes());
        part(name.unwrap_or_default().as_bytes());
    }
    let digest = hash.finalize();
    Ok(hex::encode(digest.get(..16).unwrap_or_default()))
}

impl Export {
    /// The validator, without quotes. Two downloads of one validator hold the same data; only a zip's own description
    /// of itself differs, so there it is a weak one.
    pub fn etag(&self) -> &str {
        &self.etag
    }
    /// Whether equal validators mean equal bytes.
    pub fn strong(&self) -> bool {
        self.options.format != Format::Zip
    }
    /// What a browser calls the file.
    pub fn file_name(&self) -> String {
        format!("{}.{}", self.stem(), self.options.format.extension())
    }
    /// The media type.
    pub fn media_type(&self) -> &'static str {
        self.options.format.media_type()
    }
    /// The log position that it shows.
    pub fn position(&self) -> LogPos {
        self.position
    }
    /// What to give as `since` or `as_of` later.
    pub fn cursor(&self) -> String {
        format!("{}.{}", self.epoch, self.position)
    }
    /// The names of the filters in use.
    pub fn filters(&self) -> Vec<&'static str> {
        self.options.filters()
    }

    /// The form's id as a file name.
    pub(super) fn stem(&self) -> String {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let stem: String = self
            .form_id
            .chars()
            .map(|c| if plain(c) { c } else { '-' })
            .collect();
        match stem.trim_matches(['.', '-']) {
            "" => "export".to_owned(),
            stem => stem.to_owned(),
        }
    }

    pub(super) fn csv(&self) -> Csv {
        let mut csv = Csv::new(self.options.line_end, self.options.missing_words);
        if self.options.bom {
            csv.mark("\u{feff}".as_bytes());
        }
        csv
    }

    /// Writes the whole download. `txn` must be the snapshot that it was prepared over.
    pub fn write(&self, txn: &OrgTxn<'_>, env: &Env, out: &mut dyn Write) -> Result<Trailer> {
        let mut people = People::new(txn, env);
        if self.options.format == Format::Zip {
            return archive::write(self, txn, env, &mut people, out);
        }
        let mut sink = Sink::new(out);
        let (seen, rows) = match self.options.format {
            Format::JsonLines => {
                let seen = json_lines::write(txn, self, &mut people, &mut sink)?;
                let rows = seen.counts.rows;
                (seen, rows)
            }
            Format::Conflicts => conflict_rows::write(txn, self, &mut people, &mut sink)?,
            _ => {
                let seen = main_sheet::write(txn, self, &mut people, &mut sink)?;
                let rows = seen.counts.rows;
                (seen, rows)
            }
        };
        let file = sink.sum(self.file_name(), rows);
        self.trailer(txn, env, seen, vec![file])
    }

    /// What the download was.
    pub(super) fn trailer(
        &self,
        txn: &OrgTxn<'_>,
        env: &Env,
        seen: Seen,
        files: Vec<FileSum>,
    ) -> Result<Trailer> {
        let sha256 = match files.as_slice() {
            [one] => one.sha256.clone(),
            several => {
                let mut hash = Sha256::new();
                for file in several {
                    hash.update(format!("{}  {}\n", file.sha256, file.name));
                }
                hex::encode(hash.finalize())
            }
        };
        let versions = self.layout.versions.iter();
        Ok(Trailer {
            export_format: EXPORT_FORMAT,
            organisation: txn.org(),
            form_id: self.form_id.clone(),
            title: self.title.clone(),
            versions: versions
                .map(|v| VersionName {
                    hash: v.hash,
                    name: v.name.clone(),
                    readable: v.form.is_some(),
                })
                .collect(),
            filters: self.options.filters(),
            tz: self.zone.name().to_owned(),
            labels: self.options.labels.clone(),
            files,
            sha256,
            counts: seen.counts,
            left: self.left(txn, seen.left)?,
            whole_again: self.whole_again,
            epoch: self.epoch,
            position: self.position,
            log_hash: txn.log_hash(self.position)?.unwrap_or_default(),
            cursor: self.cursor(),
            as_of: self.as_of.is_some(),
            erasures: txn.erasures()?,
            quarantine_waiting: txn.quarantine_waiting()?,
            audit: audit_head(txn, env, self.epoch)?,
            etag: self.etag.clone(),
            server_time: env.now,
        })
    }

    /// With `since`, what left, erased records by their hash.
    pub(super) fn left(&self, txn: &OrgTxn<'_>, mut left: Left) -> Result<Option<Left>> {
        let Some(since) = self.since else {
            return Ok(None);
        };
        let erased = txn.tombstones()?;
        left.erased = erased
            .into_iter()
            .filter(|t| t.pos > since.pos)
            .map(|t| t.hash)
            .collect();
        Ok(Some(left))
    }
}

fn audit_head(txn: &OrgTxn<'_>, env: &Env, epoch: EpochId) -> Result<AuditHead> {
    let (n, hash) = txn.audit_head()?;
    let sig = env.signer.sign(
        txn.org(),
        &AuditHead::signed_bytes(txn.org(), epoch, n, &hash),
    )?;
    Ok(AuditHead {
        n,
        hash: hex::encode(hash),
        sig,
    })
}
