//! What the server counts of itself, as Prometheus text. Never a label that names an organisation, a person or a device.
//!
//! Counters belong to the process. What must be asked of every organisation's file is asked again only when the last
//! answer is old enough that asking costs little.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tributary_sync_core::wire::message::{ExchangeReply, Status};

use super::Service;
use crate::storage::{StorageError, tally};

/// The least time between two surveys.
const SURVEY_EVERY: Duration = Duration::from_secs(15);
/// A survey may take this part of the time at most.
const SURVEY_SHARE: u32 = 20;

const STATUSES: [(Status, &str); 6] = [
    (Status::Applied, "applied"),
    (Status::Cut, "cut"),
    (Status::Duplicate, "duplicate"),
    (Status::Quarantined, "quarantined"),
    (Status::Void, "void"),
    (Status::Erased, "erased"),
];

/// The counters of a process.
#[derive(Debug, Default)]
pub struct Metrics {
    exchanges: AtomicU64,
    items: [AtomicU64; STATUSES.len()],
    repeated: AtomicU64,
    pulls: AtomicU64,
    entries: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
    refusals: Mutex<BTreeMap<&'static str, u64>>,
    survey: Mutex<Option<(Duration, Duration, Survey)>>,
}

/// What was asked of every organisation's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Survey {
    organisations: u64,
    stopped: u64,
    unreadable: u64,
    waiting: u64,
    uncopied: u64,
    oldest_copy_seconds: Option<u64>,
}

fn add(counter: &AtomicU64, n: usize) {
    counter.fetch_add(n as u64, Ordering::Relaxed);
}

impl Metrics {
    /// An exchange was answered.
    pub fn exchanged(&self, reply: &ExchangeReply) {
        add(&self.exchanges, 1);
        for result in &reply.results {
            if result.repeat {
                add(&self.repeated, 1);
            } else if let Some(counter) = STATUSES
                .iter()
                .position(|s| s.0 == result.status)
                .and_then(|n| self.items.get(n))
            {
                add(counter, 1);
            }
        }
        if !reply.entries.is_empty() {
            add(&self.pulls, 1);
            add(&self.entries, reply.entries.len());
        }
    }
    /// A request was refused, by its stable code.
    pub fn refused(&self, code: &'static str) {
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        *refusals.entry(code).or_default() += 1;
    }
    /// Bytes went over the wire, as packed.
    pub fn moved(&self, received: u64, sent: u64) {
        self.bytes_in.fetch_add(received, Ordering::Relaxed);
        self.bytes_out.fetch_add(sent, Ordering::Relaxed);
    }
}

/// Writes one metric after the other.
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a string cannot fail.
        let _ = write!(
            self.0,
            "# HELP tributary_{name} {help}\n# TYPE tributary_{name} {kind}\n"
        );
    }
    fn value(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "tributary_{name}{labels} {value}");
    }
    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.head(name, kind, help);
        self.value(name, "", value);
    }
}

impl Service {
    /// The counters.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Everything, as Prometheus reads it.
    pub fn metrics_page(&self) -> Result<String, StorageError> {
        let survey = self.survey()?;
        let mut page = Page(String::with_capacity(4_096));
        self.traffic(&mut page);
        commits(&mut page);
        page.one(
            "organisations",
            "gauge",
            "Organisations.",
            survey.organisations,
        );
        page.one(
            "organisations_stopped",
            "gauge",
            "Organisations in which writing has stopped.",
            survey.stopped,
        );
        page.one(
            "organisations_unreadable",
            "gauge",
            "Organisations whose file cannot be read.",
            survey.unreadable,
        );
        page.one(
            "organisations_never_copied",
            "gauge",
            "Organisations with something stored and no copy off this machine.",
            survey.uncopied,
        );
        if let Some(age) = survey.oldest_copy_seconds {
            page.one(
                "copy_age_seconds_max",
                "gauge",
                "Age of the last copy of the organisation that waits longest.",
                age,
            );
        }
        page.one(
            "backup_configured",
            "gauge",
            "Whether copies are made on a schedule.",
            u64::from(self.options.copies),
        );
        page.one(
            "quarantine_waiting",
            "gauge",
            "Bodies that wait for a coordinator.",
            survey.waiting,
        );
        page.one(
            "uptime_seconds",
            "gauge",
            "Seconds since the start.",
            self.ambient.uptime().as_secs(),
        );
        Ok(page.0)
    }

    fn traffic(&self, page: &mut Page) {
        let read = |n: &AtomicU64| n.load(Ordering::Relaxed);
        let m = &self.metrics;
        page.one(
            "exchanges_total",
            "counter",
            "Exchanges answered.",
            read(&m.exchanges),
        );
        page.head(
            "pushed_items_total",
            "counter",
            "Items of pushes by what became of them.",
        );
        for ((_, name), counter) in STATUSES.iter().zip(&m.items) {
            page.value(
                "pushed_items_total",
                &format!("{{status=\"{name}\"}}"),
                read(counter),
            );
        }
        page.one(
            "repeated_items_total",
            "counter",
            "Items that were known before.",
            read(&m.repeated),
        );
        page.one(
            "pulls_total",
            "counter",
            "Exchanges that brought something back.",
            read(&m.pulls),
        );
        page.one(
            "pulled_entries_total",
            "counter",
            "Entries sent to devices.",
            read(&m.entries),
        );
        page.one(
            "received_bytes_total",
            "counter",
            "Bytes of request bodies, as sent.",
            read(&m.bytes_in),
        );
        page.one(
            "sent_bytes_total",
            "counter",
            "Bytes of response bodies, as sent, where known.",
            read(&m.bytes_out),
        );
        page.head("refusals_total", "counter", "Requests refused, by code.");
        let refusals = m
            .refusals
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for (code, count) in refusals {
            page.value("refusals_total", &format!("{{code=\"{code}\"}}"), count);
        }
    }

    fn survey(&self) -> Result<Survey, StorageError> {
        let mut last = self
            .metrics
            .survey
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let begun = self.ambient.uptime();
        if let Some((at, took, survey)) = *last
            && begun < at + SURVEY_EVERY.max(took * SURVEY_SHARE)
        {
            return Ok(survey);
        }
        let mut survey = Survey::default();
        let now = self.ambient.now();
        for org in self.files.ids()? {
            survey.organisations += 1;
            let read = self.files.read::<_, StorageError>(org, |txn| {
                Ok((
                    txn.stopped()?,
                    txn.copied_at()?,
                    txn.head()?.0.get() > 0,
                    txn.quarantine_waiting()?,
                ))
            });
            let Ok((stopped, copied_at, stored, waiting)) = read else {
                survey.unreadable += 1;
                continue;
            };
            survey.stopped += u64::from(stopped);
            survey.waiting += waiting;
            if copied_at > 0 {
                let age = now.saturating_sub(copied_at) / 1_000;
                survey.oldest_copy_seconds = survey.oldest_copy_seconds.max(Some(age));
            } else if stored {
                survey.uncopied += 1;
            }
        }
        let ended = self.ambient.uptime();
        *last = Some((ended, ended.saturating_sub(begun), survey));
        Ok(survey)
    }
}

fn commits(page: &mut Page) {
    let counts = tally::commits();
    page.head(
        "commit_jobs",
        "histogram",
        "Requests that one commit made durable.",
    );
    let mut sum = 0;
    for (bound, count) in tally::GROUP_BOUNDS.iter().zip(counts.groups) {
        sum += count;
        page.value("commit_jobs_bucket", &format!("{{le=\"{bound}\"}}"), sum);
    }
    page.value("commit_jobs_bucket", "{le=\"+Inf\"}", sum);
    page.value("commit_jobs_sum", "", counts.jobs);
    page.value("commit_jobs_count", "", sum);
    page.one(
        "commits_failed_total",
        "counter",
        "Commits that failed with everything in them.",
        counts.failed,
    );
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::service::ambient::Manual;
    use crate::service::organisations::CreateOrganisation;
    use crate::service::{By, ServiceOptions};
    use crate::storage::folder::DataFolder;

    fn value(page: &str, name: &str) -> u64 {
        let line = page
            .lines()
            .find(|l| l.starts_with(&format!("tributary_{name} ")));
        line.unwrap_or_else(|| panic!("no {name} in {page}"))
            .rsplit(' ')
            .next()
            .unwrap()
            .parse()
            .unwrap()
    }

    #[test]
    fn the_page_counts_and_names_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(Manual::at(1_700_000_000_000));
        let data = DataFolder::at(folder.path());
        let service = Service::create(
            &data,
            ServiceOptions::default(),
            Arc::<Manual>::clone(&clock),
        )
        .unwrap();
        let new = CreateOrganisation {
            slug: "mekong".into(),
            name: "Mekong".into(),
        };
        let org = service.create_organisation(By::Operator, &new).unwrap().id;
        service.metrics().refused("sequence_gap");
        service.metrics().refused("sequence_gap");
        service.metrics().moved(10, 20);
        let page = service.metrics_page().unwrap();
        assert_eq!(value(&page, "organisations"), 1);
        assert_eq!(value(&page, "organisations_stopped"), 0);
        assert_eq!(value(&page, "received_bytes_total"), 10);
        assert_eq!(value(&page, "refusals_total{code=\"sequence_gap\"}"), 2);
        assert!(
            !page.contains("mekong")
                && !page.contains("Mekong")
                && !page.contains(&org.to_string())
        );
        service
            .files()
            .write::<_, StorageError>(org, |t| t.set_stopped(true))
            .unwrap();
        assert_eq!(
            value(&service.metrics_page().unwrap(), "organisations_stopped"),
            0,
            "not asked again so soon"
        );
        clock.pass(SURVEY_EVERY);
        assert_eq!(
            value(&service.metrics_page().unwrap(), "organisations_stopped"),
            1
        );
        for line in page.lines() {
            assert!(
                line.starts_with("# ") || line.split(' ').count() == 2,
                "{line}"
            );
        }
    }
}
