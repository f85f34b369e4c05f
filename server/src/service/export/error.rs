//! Why an export has no effect, or ends early. No message quotes an answer or a filter's value.

use std::io;

use thiserror::Error;

use crate::storage::StorageError;

/// An export that was refused or could not be finished.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExportError {
    /// No version of that form was ever published.
    #[error("there is no such form")]
    FormUnknown,
    /// An option that cannot be followed.
    #[error("{option}: {detail}")]
    Option {
        /// Its name.
        option: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The position is of another epoch: the server was restored since, and numbers mean something else now.
    #[error(
        "this cursor is of another epoch, the server was restored since: start again without it"
    )]
    OtherEpoch,
    /// The position lies beyond the log.
    #[error("this cursor lies ahead of what is stored: start again without it")]
    Ahead,
    /// Whoever reads the export has gone or cannot take more.
    #[error("the export could not be handed over")]
    Output(#[source] io::Error),
    /// Below the rules.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl ExportError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::FormUnknown => "form_unknown",
            Self::Option { .. } => "export_option_invalid",
            Self::OtherEpoch => "cursor_other_epoch",
            Self::Ahead => "cursor_ahead",
            Self::Output(_) => "export_cut",
            Self::Storage(StorageError::Full) => "disk_full",
            Self::Storage(_) => "storage_failed",
        }
    }
}

impl From<io::Error> for ExportError {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// A result of this module.
pub type Result<T> = std::result::Result<T, ExportError>;
