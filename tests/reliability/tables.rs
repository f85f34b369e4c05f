//! The tables of the document, each between two marks, from the records of one kind.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::run::{Run, read_all};

/// What becomes of a number where several runs tried the same thing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// They add up.
    Sum,
    /// The highest counts.
    Most,
    /// What the last run said.
    Last,
}

/// A table.
struct Table {
    /// The file of its records, and its mark in the document.
    kind: &'static str,
    /// What its first column says.
    first: &'static str,
    /// Names of counts, as they are recorded and as its columns.
    columns: &'static [(&'static str, How)],
    /// Whether violations of all runs count, or those of the last.
    violations: How,
    /// Whether there is a row for all.
    total: bool,
    /// Whether the last run's remark is a column, and its title.
    remark: Option<&'static str>,
    /// Counts whose names begin so are a list below it, added up over all runs.
    list: Option<&'static str>,
}

const TABLES: &[Table] = &[
    Table {
        kind: "schedules",
        first: "schedules",
        columns: &[
            ("schedules", How::Sum),
            ("steps", How::Sum),
            ("requests", How::Sum),
            ("saves", How::Sum),
            ("on files", How::Sum),
            ("device-days", How::Sum),
        ],
        violations: How::Sum,
        total: true,
        remark: Some("remark"),
        list: Some("fault: "),
    },
    Table {
        kind: "worlds",
        first: "small world",
        columns: &[("steps", How::Most), ("schedules", How::Most)],
        violations: How::Last,
        total: false,
        remark: None,
        list: None,
    },
    Table {
        kind: "mutants",
        first: "broken rule",
        columns: &[("caught", How::Last)],
        violations: How::Last,
        total: true,
        remark: Some("by"),
        list: None,
    },
    Table {
        kind: "fuzz",
        first: "target",
        columns: &[
            ("executions", How::Sum),
            ("edges", How::Most),
            ("features", How::Most),
        ],
        violations: How::Sum,
        total: true,
        remark: None,
        list: None,
    },
    Table {
        kind: "damaged",
        first: "target",
        columns: &[("inputs", How::Sum)],
        violations: How::Sum,
        total: true,
        remark: None,
        list: None,
    },
    Table {
        kind: "places",
        first: "fault",
        columns: &[("places tried", How::Most), ("places there are", How::Last)],
        violations: How::Last,
        total: true,
        remark: None,
        list: None,
    },
    Table {
        kind: "kills",
        first: "killed",
        columns: &[("kills", How::Sum)],
        violations: How::Sum,
        total: false,
        remark: None,
        list: None,
    },
    Table {
        kind: "attacks",
        first: "attack",
        columns: &[
            ("routes", How::Last),
            ("callers", How::Last),
            ("requests", How::Last),
        ],
        violations: How::Last,
        total: false,
        remark: None,
        list: None,
    },
];

/// The document.
pub fn document() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../server/docs/reliability.md")
}

/// The document with the tables that the records make.
pub fn filled(text: &str) -> Result<String, String> {
    let mut out = text.to_owned();
    for table in TABLES {
        let open = format!("<!-- records: {} -->\n", table.kind);
        let close = format!("<!-- end: {} -->", table.kind);
        let missing = || format!("the marks of {} are missing", table.kind);
        let from = out.find(&open).ok_or_else(missing)? + open.len();
        let to = from + out[from..].find(&close).ok_or_else(missing)?;
        out.replace_range(from..to, &table.text(&read_all(table.kind)));
    }
    Ok(out)
}

impl Table {
    fn text(&self, runs: &[Run]) -> String {
        if runs.is_empty() {
            return "\nNothing recorded.\n\n".to_owned();
        }
        let mut head = vec![self.first.to_owned()];
        head.extend(self.columns.iter().map(|(name, _)| (*name).to_owned()));
        head.extend(["violations", "runs", "last run", "commit"].map(str::to_owned));
        head.extend(self.remark.map(str::to_owned));
        let mut names: Vec<&str> = Vec::new();
        for run in runs {
            if !names.contains(&run.of.as_str()) {
                names.push(&run.of);
            }
        }
        let mut rows = Vec::new();
        for name in &names {
            let same: Vec<&Run> = runs.iter().filter(|r| r.of == *name).collect();
            rows.push(self.row(name, &same));
        }
        if self.total && names.len() > 1 {
            rows.push(self.sums(&rows));
        }
        let mut out = String::from("\n");
        let mut line = |cells: &[String]| {
            let _ = writeln!(out, "| {} |", cells.join(" | "));
        };
        line(&head);
        line(&head.iter().map(|_| "---".to_owned()).collect::<Vec<_>>());
        rows.iter().for_each(|row| line(row));
        if let Some(list) = self.list {
            out.push_str(&listed(list, runs));
        }
        out.push('\n');
        out
    }
    fn row(&self, name: &str, runs: &[&Run]) -> Vec<String> {
        let told = |how, of: &dyn Fn(&Run) -> u64| -> u64 {
            let mut all = runs.iter().map(|r| of(r));
            match how {
                How::Sum => all.sum(),
                How::Most => all.max().unwrap_or(0),
                How::Last => all.next_back().unwrap_or(0),
            }
        };
        let mut row = vec![name.to_owned()];
        for (column, how) in self.columns {
            let counted = |r: &Run| r.counts.get(*column).copied().unwrap_or(0);
            row.push(grouped(told(*how, &counted)));
        }
        row.push(grouped(told(self.violations, &|r| r.violations)));
        row.push(runs.len().to_string());
        let last = runs.last();
        row.push(last.map(|r| r.ended.clone()).unwrap_or_default());
        row.push(last.map(|r| r.commit.clone()).unwrap_or_default());
        if self.remark.is_some() {
            let remark = last.map(|r| r.remark.replace('|', "/")).unwrap_or_default();
            row.push(remark);
        }
        row
    }
    fn sums(&self, rows: &[Vec<String>]) -> Vec<String> {
        let numbers = 1..self.columns.len() + 3;
        let width = rows.first().map_or(0, Vec::len);
        let cell = |at: usize| match at {
            0 => "all".to_owned(),
            at if numbers.contains(&at) && !self.peak(at) => {
                let plain = |row: &Vec<String>| row[at].replace(',', "").parse().unwrap_or(0);
                grouped(rows.iter().map(plain).sum())
            }
            _ => String::new(),
        };
        (0..width).map(cell).collect()
    }
    /// Peaks of different things are no sum; places are, since each was one run.
    fn peak(&self, at: usize) -> bool {
        self.kind == "fuzz" && self.columns.get(at - 1).is_some_and(|c| c.1 == How::Most)
    }
}

fn listed(prefix: &str, runs: &[Run]) -> String {
    let mut all = std::collections::BTreeMap::<&str, u64>::new();
    for (name, n) in runs.iter().flat_map(|r| &r.counts) {
        if let Some(name) = name.strip_prefix(prefix) {
            *all.entry(name).or_default() += n;
        }
    }
    let mut all: Vec<_> = all.into_iter().collect();
    all.sort_by_key(|(name, n)| (std::cmp::Reverse(*n), *name));
    let mut out = String::from("\n");
    for (name, n) in all {
        let _ = writeln!(out, "- {name}: {}", grouped(n));
    }
    out
}

/// A number with commas between thousands.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
