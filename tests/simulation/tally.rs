//! What was played: counted, added up over schedules and threads, printed.

use std::collections::BTreeMap;
use std::fmt;

use super::step::{Kind, Step};
use crate::reliability::Run;

/// Counts of one schedule, or of many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Schedules played.
    pub schedules: u64,
    /// Steps taken, and syncs of the end.
    pub steps: u64,
    /// Virtual milliseconds, once for every phone that lived through them.
    pub device_ms: u64,
    /// Saves that a phone accepted.
    pub saves: u64,
    /// Requests that the server answered.
    pub requests: u64,
    /// Of these, exchanges as frames; the others as JSON.
    pub frames: u64,
    /// Schedules whose phones kept everything in the device's real file.
    pub on_files: u64,
    /// Records that held a conflict when a schedule ended.
    pub conflicts: u64,
    /// Faults, by kind.
    pub faults: BTreeMap<&'static str, u64>,
    /// What the server refused, by code.
    pub refusals: BTreeMap<String, u64>,
}

impl Tally {
    /// Counts a step.
    pub fn step(&mut self, step: &Step) {
        self.steps += 1;
        match step.kind() {
            Kind::Work(_) => {}
            Kind::Fault(name) => *self.faults.entry(name).or_default() += 1,
        }
    }
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.steps += other.steps;
        self.device_ms += other.device_ms;
        self.saves += other.saves;
        self.requests += other.requests;
        self.frames += other.frames;
        self.on_files += other.on_files;
        self.conflicts += other.conflicts;
        for (name, n) in &other.faults {
            *self.faults.entry(name).or_default() += n;
        }
        for (code, n) in &other.refusals {
            *self.refusals.entry(code.clone()).or_default() += n;
        }
    }
    /// As a record.
    pub fn record(&self, first: u64, violations: u64) -> Run {
        let mut run = Run::new(format!("seeds from {first}"), violations)
            .count("schedules", self.schedules)
            .count("steps", self.steps)
            .count("requests", self.requests)
            .count("saves", self.saves)
            .count("on files", self.on_files)
            .count("device-days", self.device_ms / 86_400_000);
        for (name, n) in &self.faults {
            run = run.count(&format!("fault: {name}"), *n);
        }
        run
    }
    /// The record of a run by what `sim` printed when it ended; none for a run that has not.
    pub fn from_print(text: &str) -> Option<Run> {
        let end = text.split_once("\nseeds from ")?.1;
        let (first, rest) = end.split_once(',')?;
        let hours: f64 = rest
            .split_once("jobs, ")?
            .1
            .split(' ')
            .next()?
            .parse()
            .ok()?;
        let mut run = Run::new(format!("seeds from {first}"), 0).took((hours * 3_600.0) as u64);
        let mut ended = false;
        for line in end.lines() {
            let Some((name, n)) = line.trim().split_once("  ") else {
                continue;
            };
            let (n, what) = n.trim().split_once("  ").unwrap_or((n.trim(), ""));
            let whole = || n.parse::<u64>().ok();
            run = match name {
                "schedules" | "steps" | "requests" | "saves" | "on files" => {
                    run.count(name, whole()?)
                }
                "device-years" => {
                    let years: f64 = n.parse().ok()?;
                    run.count("device-days", (years * 365.25) as u64)
                }
                "fault" => run.count(&format!("fault: {what}"), whole()?),
                "violations" => {
                    ended = true;
                    run.violations = whole()?;
                    run
                }
                _ => run,
            };
        }
        ended.then_some(run)
    }
    /// Virtual years that phones lived through.
    pub fn device_years(&self) -> f64 {
        self.device_ms as f64 / (365.25 * 24.0 * 3_600_000.0)
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "schedules      {:>12}", self.schedules)?;
        writeln!(f, "  on files     {:>12}", self.on_files)?;
        writeln!(f, "steps          {:>12}", self.steps)?;
        writeln!(f, "requests       {:>12}", self.requests)?;
        writeln!(f, "  as frames    {:>12}", self.frames)?;
        writeln!(f, "saves          {:>12}", self.saves)?;
        writeln!(f, "conflicts left {:>12}", self.conflicts)?;
        writeln!(f, "device-years   {:>12.1}", self.device_years())?;
        for (name, n) in &self.faults {
            writeln!(f, "fault          {n:>12}  {name}")?;
        }
        for (code, n) in &self.refusals {
            writeln!(f, "refused        {n:>12}  {code}")?;
        }
        Ok(())
    }
}
