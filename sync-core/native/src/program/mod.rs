//! `tributary-field`: the program around [`crate::Device`].
//!
//! Not here: any rule. Printing happens in [`output`] alone.

mod commands;
mod output;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

/// Record interviews without a network, and sync them when there is one.
#[derive(Debug, Parser)]
#[command(name = "tributary-field", version, about, max_term_width = 100)]
pub struct Cli {
    /// The folder of this device. One folder is one person on one device.
    #[arg(
        long,
        env = "TRIBUTARY_FIELD_HOME",
        default_value = "tributary-field",
        global = true
    )]
    pub home: PathBuf,
    /// Show questions and choices in this language, if the form has it.
    #[arg(long, env = "TRIBUTARY_FIELD_LANGUAGE", global = true)]
    pub language: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Enrol this device with the link from your coordinator, in quotation marks.
    Enrol {
        /// The link, from `https://` to the end; `-` reads it from standard input, so that nobody else on this machine sees
        /// it in the list of processes.
        link: String,
        /// What the coordinator's list shall call this device.
        #[arg(long)]
        label: Option<String>,
    },
    /// List the forms on this device.
    Forms {
        /// And their questions, with the names that `--set` takes.
        #[arg(long)]
        questions: bool,
    },
    /// Record a new interview.
    New {
        /// The form; may be left out if there is only one.
        form: Option<String>,
        /// The answers.
        #[command(flatten)]
        answers: AnswerArgs,
    },
    /// Change answers of a record, as `show` last showed it to you.
    Edit {
        /// The record: its number, or as much of it as is needed.
        record: String,
        /// The answers.
        #[command(flatten)]
        answers: AnswerArgs,
    },
    /// List the records on this device.
    List,
    /// Show one record: answers, and conflicts with who gave them and when.
    Show {
        /// The record.
        record: String,
    },
    /// Send what is new and fetch what is for you.
    Sync {
        /// Show no progress.
        #[arg(long)]
        quiet: bool,
    },
    /// Tell what is where, and whether this device can be emptied.
    Status,
    /// Choose one of several answers that `show` showed, or decide about a protected one.
    Settle(Settle),
    /// Take the answers off this device once they are safe.
    Empty {
        /// Do not wait until a copy of the server has it too: if the server's disk is lost first, the answers are.
        #[arg(long)]
        stored_is_enough: bool,
    },
    /// Write what is new into a sealed file that somebody can carry to the server.
    Bundle {
        /// The file; without one, a name that tells nothing.
        file: Option<PathBuf>,
    },
}

/// Answers.
#[derive(Debug, Args)]
pub struct AnswerArgs {
    /// An answer: `name=value`, `repeat[2].name=value`, `repeat[+].name=value`; `name=` clears it.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Answers from a JSON file: an object of question names; `-` reads them from standard input.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
}

/// A settlement or decision.
#[derive(Debug, Args)]
pub struct Settle {
    /// The record.
    pub record: String,
    /// The question, as `show` names it.
    pub question: String,
    /// Take the answer that `show` numbers so.
    #[arg(
        long,
        value_name = "N",
        conflicts_with = "value",
        required_unless_present = "value"
    )]
    pub take: Option<usize>,
    /// Write this answer instead.
    #[arg(long)]
    pub value: Option<String>,
    /// Why. Needed where a protection is lowered.
    #[arg(long)]
    pub reason: Option<String>,
}

/// Runs the program.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match commands::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            output::error(&e);
            ExitCode::FAILURE
        }
    }
}
