//! A schedule as a readable file under `tests/seeds/`: what it once failed of as a comment, the seed, one step a line.

use std::path::{Path, PathBuf};

use super::step::Step;

/// A schedule that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeedFile {
    /// What was found, and anything else worth reading.
    pub remark: String,
    /// Where the world's randomness comes from.
    pub seed: u64,
    /// The schedule.
    pub steps: Vec<Step>,
}

/// Where the kept schedules lie.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

impl SeedFile {
    /// As text.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        for line in self.remark.lines() {
            out.push_str(&format!("# {line}\n"));
        }
        out.push_str(&format!("seed {}\n", self.seed));
        for step in &self.steps {
            let line = serde_json::to_string(step).expect("a step is plain data");
            out.push_str(&line);
            out.push('\n');
        }
        out
    }
    /// Reads it back.
    pub fn from_text(text: &str) -> Result<Self, String> {
        let mut file = Self {
            remark: String::new(),
            seed: 0,
            steps: Vec::new(),
        };
        for (n, line) in text.lines().enumerate() {
            let bad = |e: &dyn std::fmt::Display| format!("line {}: {e}", n + 1);
            if let Some(remark) = line.strip_prefix('#') {
                file.remark.push_str(remark.trim_start());
                file.remark.push('\n');
            } else if let Some(seed) = line.strip_prefix("seed ") {
                file.seed = seed.trim().parse().map_err(|e| bad(&e))?;
            } else if !line.trim().is_empty() {
                file.steps
                    .push(serde_json::from_str(line).map_err(|e| bad(&e))?);
            }
        }
        Ok(file)
    }
}

/// All kept schedules, by name.
pub fn all() -> Vec<(String, SeedFile)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("tests/seeds is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|e| e == "seed") {
            let name = path
                .file_name()
                .map(|n| n.to_string_lossy().into_owned())
                .unwrap_or_default();
            let text = std::fs::read_to_string(&path).expect("a seed file is text");
            let file = SeedFile::from_text(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            found.push((name, file));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found
}
