//! How far a long command is, on standard error; nothing where that is no terminal.

use indicatif::{ProgressBar, ProgressStyle};

use crate::service::backup::Step;
use crate::service::check::At;

/// One line that changes.
pub(super) struct Progress(ProgressBar);

impl Progress {
    pub(super) fn new() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg}") {
            bar.set_style(style);
        }
        Self(bar)
    }
    /// A step of a backup or a restore.
    pub(super) fn step(&self, step: Step) {
        match step {
            Step::Organisation(org, n, of) => {
                self.0
                    .set_message(format!("organisation {n} of {of} ({org})"));
            }
            Step::Pages(pages) => self.0.tick_with(pages.done, pages.total),
            Step::Files => self.0.set_message("attachments, keys, directory"),
            Step::Verify => self.0.set_message("reading the copy again"),
        }
        self.0.tick();
    }
    /// A stage of a check.
    pub(super) fn at(&self, at: At) {
        match at {
            At::Folder => self.0.set_message("directory, keys, files"),
            At::Organisation(org, n, of, stage) => self.0.set_message(format!(
                "organisation {n} of {of} ({org}): {} ({} of {})",
                stage.name, stage.nth, stage.of
            )),
        }
        self.0.tick();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

trait Pages {
    fn tick_with(&self, done: u64, total: u64);
}

impl Pages for ProgressBar {
    fn tick_with(&self, done: u64, total: u64) {
        self.set_length(total);
        self.set_position(done);
    }
}
