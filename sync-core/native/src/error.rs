//! Errors for a tired person: what happened, what it means, what to do next.
//!
//! No error quotes an answer.

use std::fmt;

use tributary_sync_core::error::ParseError;
use tributary_sync_core::session::{SaveRefused, SessionError, StoreError};

/// The kinds of trouble, for programs. People read the [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trouble {
    /// No device has been enrolled in this folder.
    NotEnrolled,
    /// A device has been enrolled in this folder.
    AlreadyEnrolled,
    /// Another program uses this folder.
    Busy,
    /// The enrolment link is not one.
    Link,
    /// The server is not the one that the link, or an earlier visit, named.
    Untrusted,
    /// No connection, or one that broke.
    Offline,
    /// The server refused, with this code.
    Refused(String),
    /// The server says: later. With this code.
    Later(String),
    /// A save that the rules do not allow.
    Save(SaveRefused),
    /// A question, value, form or record that is not there or does not fit.
    Input,
    /// Something is not safe on the server yet.
    NotSafe,
    /// The folder, the disk, or the file in it.
    Store,
}

/// A refusal or failure, in three sentences.
#[derive(Debug)]
pub struct Error(Box<Told>);

#[derive(Debug)]
struct Told {
    trouble: Trouble,
    what: String,
    means: String,
    next: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What this crate's functions return.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What happened, what it means, what to do next.
    pub fn new(
        trouble: Trouble,
        what: impl Into<String>,
        means: impl Into<String>,
        next: impl Into<String>,
    ) -> Self {
        Self(Box::new(Told {
            trouble,
            what: what.into(),
            means: means.into(),
            next: next.into(),
            source: None,
        }))
    }
    /// The same, with its cause.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }
    /// An answer, name or file that does not fit.
    pub fn input(what: impl Into<String>, next: impl Into<String>) -> Self {
        Self::new(Trouble::Input, what, "Nothing was saved.", next)
    }
    /// The folder or the disk failed.
    pub fn store(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(
            Trouble::Store,
            "The folder of this device could not be read or written.",
            "What was saved before is still there; this step did not happen.",
            "Check that the disk is not full and that you own the folder, then try again.",
        )
        .because(source)
    }
    /// For programs.
    pub fn trouble(&self) -> &Trouble {
        &self.0.trouble
    }
    /// What happened.
    pub fn what(&self) -> &str {
        &self.0.what
    }
    /// What it means.
    pub fn means(&self) -> &str {
        &self.0.means
    }
    /// What to do next.
    pub fn next(&self) -> &str {
        &self.0.next
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.0.what, self.0.means, self.0.next)
    }
}
impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_ref()
            .map(|s| &**s as &(dyn std::error::Error + 'static))
    }
}

impl From<StoreError> for Error {
    fn from(e: StoreError) -> Self {
        Self::store(e)
    }
}
impl From<rusqlite::Error> for Error {
    fn from(e: rusqlite::Error) -> Self {
        Self::store(e)
    }
}
impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Self::store(e)
    }
}
impl From<ParseError> for Error {
    fn from(e: ParseError) -> Self {
        Self::input(
            format!("Something is too large or not in the right form: {e}."),
            "Shorten it or split it, then save again.",
        )
    }
}

impl From<SessionError> for Error {
    fn from(e: SessionError) -> Self {
        match e {
            SessionError::Store(e) => Self::store(e),
            SessionError::Parse(e) => e.into(),
            SessionError::Save(refused) => saved(refused),
            SessionError::Reply(e) => Self::new(
                Trouble::Untrusted,
                format!("The server's answer was not taken: {e}."),
                "Nothing on this device changed; all you recorded is still here.",
                "Sync again. If it happens twice, tell your coordinator before you use this network again.",
            )
            .because(e),
            SessionError::RecordUnknown(_) => Self::input(
                "This record is not on this device.",
                "Look at `tributary-field list`; sync if it was assigned to you.",
            ),
            SessionError::FormUnknown(_) => Self::input(
                "This form version is not on this device.",
                "Sync once with a connection to fetch it.",
            ),
            SessionError::Revoked => Self::new(
                Trouble::Refused("device_revoked".to_owned()),
                "This device was revoked.",
                "It records and receives nothing new. What it still holds can be sent once more and waits for your coordinator.",
                "Ask your coordinator for a new enrolment link.",
            ),
            SessionError::NotEmpty => Self::new(
                Trouble::NotSafe,
                "This device was not emptied.",
                "Something on it is not safe on the server yet.",
                "Run `tributary-field status` to see what, then sync.",
            ),
            other => Self::input(format!("That did not work: {other}."), "Try again."),
        }
    }
}

fn saved(refused: SaveRefused) -> Error {
    let (what, next) = match &refused {
        SaveRefused::Nothing => (
            "No answer was given that the record does not hold already.".to_owned(),
            "Set at least one answer with `--set`.",
        ),
        SaveRefused::NotShown(_) => (
            "This question has several answers from different people.".to_owned(),
            "Look at them with `show`, then choose one with `settle`.",
        ),
        SaveRefused::NeedsDecision(_) => (
            "This would protect the person less than before.".to_owned(),
            "If that is right, use `settle … --value … --reason \"why\"`; a coordinator has to do it.",
        ),
        SaveRefused::NotAllowed(_) => (
            "Lowering this protection is for a coordinator.".to_owned(),
            "Tell your coordinator what changed and why.",
        ),
        SaveRefused::Decision(_) => (
            "A decision needs a reason, and may only name answers that were shown.".to_owned(),
            "Say why with `--reason`.",
        ),
        _ => (
            format!("Your role does not allow this: {refused}."),
            "Ask your coordinator.",
        ),
    };
    Error::new(Trouble::Save(refused), what, "Nothing was saved.", next)
}
