//! The rules of this repository as assertions. A failure names the file and says what to do.
//!
//! Rust is read as tokens (`rust.rs`), so comments and text in quotes never count as code. Not here: what rustfmt,
//! clippy and cargo-deny check.

mod budget;
mod cited;
mod direction;
mod docs;
mod files;
mod layout;
mod manifests;
mod mutants;
mod reliability;
mod rust;
mod web;

use std::fmt::Display;

pub(crate) use files::{root, rust as rust_files};

/// What a rule found; fails at its end, with all of it at once.
struct Findings {
    rule: &'static str,
    found: Vec<String>,
}

impl Findings {
    fn of(rule: &'static str) -> Self {
        Self {
            rule,
            found: Vec::new(),
        }
    }
    fn add(&mut self, place: impl Display, fix: impl Display) {
        self.found.push(format!("  {place}: {fix}"));
    }
    fn assert_none(self) {
        let Self { rule, found } = self;
        assert!(
            found.is_empty(),
            "{rule}\n{} found:\n{}\n",
            found.len(),
            found.join("\n")
        );
    }
}
