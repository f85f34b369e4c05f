//! One call to the server and its answer: an interface, so that tests can cut it anywhere.

use std::time::Duration;

/// A call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The path, from `/`.
    pub path: String,
    /// The body, JSON or a frame: with one the call is a POST, without a GET.
    pub body: Option<Vec<u8>>,
    /// The token of whoever calls.
    pub token: Option<String>,
    /// How long all of it may take.
    pub timeout: Duration,
}

/// An answer, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, decompressed.
    pub body: Vec<u8>,
    /// Bytes of the request's body as they travelled.
    pub sent: usize,
    /// Bytes of the answer's body as they travelled.
    pub received: usize,
}

/// No answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// No connection to the server.
    #[error("no connection to the server ({0})")]
    Unreachable(String),
    /// It took too long.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The connection broke in between: whether the server has it is not known.
    #[error("the connection broke ({0})")]
    Cut(String),
    /// Somebody else answered.
    #[error("the server did not prove who it is ({0})")]
    Untrusted(String),
    /// The answer is too large, or not what HTTP allows.
    #[error("the answer cannot be read ({0})")]
    Unreadable(String),
}

/// Carries calls to one server.
pub trait Transport: Send {
    /// Sends a call and waits for its answer.
    fn send(&mut self, call: &Call) -> Result<Answer, TransportError>;
}
