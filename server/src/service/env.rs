//! What the rules need from outside a transaction: the time, randomness, signatures, and who is who.
//!
//! All of it is an argument, so that a simulator can run the real rules from one seed.

use std::sync::Arc;

use tributary_sync_core::ids::{OrgId, ProfileId, TeamId, UserId};

use crate::storage::{Ledger, StorageError};

/// A source of random bytes.
pub trait Entropy: Send + Sync {
    /// Fills `out`.
    fn fill(&self, out: &mut [u8]) -> Result<(), StorageError>;
}

/// The system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, out: &mut [u8]) -> Result<(), StorageError> {
        getrandom::fill(out).map_err(|_| StorageError::Random)
    }
}

/// The receipt keys of organisations: ES256, old ones kept for verification.
pub trait Signer: Send + Sync {
    /// Signs with the key in force; the signature as lower-case hexadecimal of r ‖ s.
    fn sign(&self, org: OrgId, bytes: &[u8]) -> Result<String, StorageError>;
    /// Whether any receipt key that the organisation ever had made this signature.
    fn verify(&self, org: OrgId, bytes: &[u8], signature: &str) -> bool;
}

/// Who stands behind profiles and teams.
pub trait Roster: Send + Sync {
    /// The profiles of a user that are not revoked.
    fn profiles_of_user(&self, org: OrgId, user: UserId) -> Result<Vec<ProfileId>, StorageError>;
    /// The profiles of the members of a team that are not revoked.
    fn profiles_of_team(&self, org: OrgId, team: TeamId) -> Result<Vec<ProfileId>, StorageError>;
    /// What to show of a user.
    fn name(&self, org: OrgId, user: UserId) -> Result<Option<String>, StorageError>;
}

/// All of it, as of one moment.
#[derive(Clone)]
pub struct Env {
    /// The server's clock, in milliseconds since 1970.
    pub now: u64,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Signatures.
    pub signer: Arc<dyn Signer>,
    /// People.
    pub roster: Arc<dyn Roster>,
    /// The ledger of erasures, outside the organisations' files.
    pub ledger: Arc<Ledger>,
}

impl Env {
    /// Random bytes.
    pub fn random<const N: usize>(&self) -> Result<[u8; N], StorageError> {
        let mut out = [0; N];
        self.entropy.fill(&mut out)?;
        Ok(out)
    }
}
