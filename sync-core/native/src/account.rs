//! What enrolment leaves on the device beside its profile: where the server is, how it proves itself, who the people are.

use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::InstanceId;

use crate::tls::ServerProof;

/// An enrolled device's account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Scheme, host and port.
    pub server: String,
    /// The exact certificate that the server presents, DER in hexadecimal, where it was pinned.
    pub certificate: Option<String>,
    /// SHA-256 of the organisation's root key.
    pub root: String,
    /// The organisation's short name.
    pub organisation: String,
    /// The organisation's name.
    pub organisation_name: String,
    /// The user's name.
    pub user_name: String,
    /// What the device is called.
    pub label: Option<String>,
}

impl Account {
    /// How the server proves itself.
    pub fn proof(&self) -> ServerProof {
        match &self.certificate {
            Some(der) => ServerProof::Certificate(hex::decode(der).unwrap_or_default()),
            None if self.server.starts_with("http://") => ServerProof::SameMachine,
            None => ServerProof::PublicAuthority,
        }
    }
}

/// An enrolment that was begun: kept before anything is sent, so that a lost answer is asked for again in the same words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// The name of the request.
    pub(crate) instance: InstanceId,
    /// Which link it was for: SHA-256 of it.
    pub(crate) link: String,
}
