//! What was played: counted, added up over schedules and threads, printed.

use std::collections::BTreeMap;
use std::fmt;

use super::step::{Kind, Step};

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
