//! What one run of a tool saw, as a line of JSON in the file of its kind.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tributary::service::ambient::rfc3339;

/// One run of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// What was tried: the tool's own words; a row of the document.
    pub of: String,
    /// The day on which it ended, in UTC.
    pub ended: String,
    /// The commit that stood here when it ended; with a `+` where files had changed since.
    pub commit: String,
    /// How long it took; zero where nobody asked.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub seconds: u64,
    /// What did not hold.
    pub violations: u64,
    /// What was counted, by name.
    pub counts: BTreeMap<String, u64>,
    /// What else is worth reading.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remark: String,
}

fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// Where the records lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("records")
}

impl Run {
    /// A run that ends now.
    pub fn new(of: impl Into<String>, violations: u64) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.map_or(0, |d| d.as_millis() as u64);
        let mut ended = rfc3339(now);
        ended.truncate(10);
        Self {
            of: of.into(),
            ended,
            commit: commit(),
            seconds: 0,
            violations,
            counts: BTreeMap::new(),
            remark: String::new(),
        }
    }
    /// With a number.
    pub fn count(mut self, name: &str, n: u64) -> Self {
        self.counts.insert(name.to_owned(), n);
        self
    }
    /// With its time.
    pub fn took(mut self, seconds: u64) -> Self {
        self.seconds = seconds;
        self
    }
    /// Appends it to the records of its kind.
    pub fn keep(&self, kind: &str) -> std::io::Result<()> {
        std::fs::create_dir_all(folder())?;
        let path = folder().join(format!("{kind}.jsonl"));
        let line = serde_json::to_string(self)?;
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?;
        file.write_all(format!("{line}\n").as_bytes())
    }
    /// The same where somebody asked for records, by `TRIBUTARY_RECORD=1`.
    pub fn keep_if_asked(&self, kind: &str) {
        if std::env::var_os("TRIBUTARY_RECORD").is_some() {
            self.keep(kind).expect("records can be written");
        }
    }
}

fn commit() -> String {
    let git = |args: &[&str]| {
        let out = Command::new("git")
            .arg("-C")
            .arg(env!("CARGO_MANIFEST_DIR"))
            .args(args)
            .output()
            .ok()
            .filter(|out| out.status.success())?;
        String::from_utf8(out.stdout).ok()
    };
    let Some(head) = git(&["rev-parse", "--short=10", "HEAD"]) else {
        return "unknown".to_owned();
    };
    // Records themselves are no change.
    let changed = git(&["status", "--porcelain", "--", "..", ":!records"]);
    let clean = changed.is_some_and(|c| c.trim().is_empty());
    format!("{}{}", head.trim(), if clean { "" } else { "+" })
}

/// All records of a kind, oldest first.
pub fn read_all(kind: &str) -> Vec<Run> {
    let path = folder().join(format!("{kind}.jsonl"));
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let lines = text.lines().enumerate();
    lines
        .map(|(n, line)| {
            serde_json::from_str(line)
                .unwrap_or_else(|e| panic!("{}:{}: {e}", path.display(), n + 1))
        })
        .collect()
}
