//! Refusals of the server and failures of the link, said for a tired person.

use tributary_sync_core::session::{Problem, Unreadable};

use crate::error::{Error, Trouble};
use crate::transport::TransportError;

impl From<TransportError> for Error {
    fn from(e: TransportError) -> Self {
        match &e {
            TransportError::Untrusted(_) => Self::new(
                Trouble::Untrusted,
                "The server did not prove that it is yours.",
                "Nothing was sent. Somebody may be in between, or the server got a new certificate.",
                "Do not sync on this network; ask your coordinator whether the server changed.",
            ),
            TransportError::Unreadable(_) => Self::new(
                Trouble::Untrusted,
                "The server's answer could not be read.",
                "Nothing on this device changed.",
                "Try again; if it stays, tell your coordinator.",
            ),
            _ => Self::new(
                Trouble::Offline,
                "There is no connection to the server, or it broke.",
                "All you recorded is safe on this device; what was sent already is not sent again.",
                "Sync again when you have a connection. Without one for long, hand over a file: `tributary-field bundle`.",
            ),
        }
        .because(e)
    }
}

impl From<Unreadable> for Error {
    fn from(e: Unreadable) -> Self {
        Self::new(
            Trouble::Untrusted,
            "The server's answer could not be read.",
            "Nothing on this device changed.",
            "Try again; if it stays, this program may be too old for the server: ask your coordinator.",
        )
        .because(e)
    }
}

pub(crate) fn later(code: String) -> Error {
    let (what, next) = match code.as_str() {
        "organisation_stopped" => (
            "The server has stopped writing for your organisation.",
            "Keep recording. Whoever runs the server has to look at it first; tell your coordinator.",
        ),
        "quarantine_full" => (
            "The server has no more room for what waits for your coordinator.",
            "Tell your coordinator to look at it, and sync again later.",
        ),
        _ => (
            "The server is busy or has trouble of its own.",
            "Sync again later.",
        ),
    };
    let means = "All you recorded is safe on this device.";
    Error::new(Trouble::Later(code), what, means, next)
}

pub(crate) fn stopped(code: String) -> Error {
    let (what, next) = match code.as_str() {
        "device_revoked" => (
            "This device was revoked.",
            "Ask your coordinator for a new enrolment link.",
        ),
        _ => (
            "The server did not take what this device sent.",
            "Update this program. If that does not help, hand your coordinator a file: `tributary-field bundle`.",
        ),
    };
    let means = format!("All you recorded is still on this device. (Code: {code})");
    Error::new(Trouble::Refused(code), what, means, next)
}

pub(crate) fn prove_failed(problem: Problem) -> Error {
    if problem.retryable {
        later(problem.code)
    } else {
        not_known()
    }
}

pub(crate) fn not_known() -> Error {
    Error::new(
        Trouble::Refused("device_unknown".to_owned()),
        "The server does not know this device.",
        "All you recorded is still on this device.",
        "Ask your coordinator whether it was removed; hand over what is on it with `tributary-field bundle`.",
    )
}
