//! All printing of the program: results on standard output, everything else on standard error.
#![allow(
    clippy::print_stderr,
    reason = "printing is this module's job, and nobody else's"
)]

use std::io::{IsTerminal, Write};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};

use crate::error::Error;
use crate::sync::{Progress, Watcher};
use crate::transport::TransportError;

/// A line of the result.
pub(super) fn line(text: impl AsRef<str>) {
    // Whoever reads may stop reading (`… | head`): then there is nobody left to tell.
    if writeln!(std::io::stdout(), "{}", text.as_ref()).is_err() {
        std::process::exit(0);
    }
}

/// What happened, what it means, what to do next; and the causes, for whoever helps.
pub(super) fn error(e: &Error) {
    eprintln!("{}\n  {}\n  {}", e.what(), e.means(), e.next());
    let mut cause = std::error::Error::source(e);
    while let Some(source) = cause {
        eprintln!("  ({source})");
        cause = source.source();
    }
}

/// Progress of a sync: a bar on a terminal, a line now and then elsewhere.
pub(super) struct Bar {
    bar: ProgressBar,
    plain: bool,
    last: Progress,
}

impl Bar {
    pub(super) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        let bar = match quiet || !terminal {
            true => ProgressBar::hidden(),
            false => ProgressBar::new(1),
        };
        if let Ok(style) = ProgressStyle::with_template("{bar:24} {msg}") {
            bar.set_style(style);
        }
        Self {
            bar,
            plain: !quiet && !terminal,
            last: Progress::default(),
        }
    }
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

fn told(p: &Progress) -> String {
    let (up, down) = (HumanBytes(p.bytes_up), HumanBytes(p.bytes_down));
    format!(
        "{} of {} changes sent ({up}), {} received ({down})",
        p.sent.min(p.to_send.max(p.sent)),
        p.to_send.max(p.sent),
        p.received
    )
}

impl Watcher for Bar {
    fn moved(&mut self, progress: &Progress) {
        self.bar.set_length(progress.to_send.max(1) as u64);
        self.bar.set_position(progress.sent as u64);
        self.bar.set_message(told(progress));
        if self.plain && *progress != self.last {
            eprintln!("{}", told(progress));
        }
        self.last = *progress;
    }
    fn interrupted(&mut self, _: &TransportError) {
        let text = "The link broke; trying again with less at a time.";
        match self.plain {
            true => eprintln!("{text}"),
            false => self.bar.println(text),
        }
    }
}
