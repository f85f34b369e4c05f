//! What the rules need from outside, from one seed: randomness, signatures, who is who, the fields of the forms.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};
use tributary::service::env::{Entropy, Roster, Signer};
use tributary::storage::StorageError;
use tributary_sync_core::ids::*;
use tributary_sync_core::session::Verifier;
use tributary_sync_core::wire::frame::FieldTable;

/// The one team.
pub(crate) const TEAM: TeamId = TeamId::from_bytes([0xee; 16]);

pub(crate) struct Seeded(pub(crate) u64, pub(crate) AtomicU64);
impl Entropy for Seeded {
    fn fill(&self, out: &mut [u8]) -> Result<(), StorageError> {
        for chunk in out.chunks_mut(32) {
            let n = self.1.fetch_add(1, Ordering::SeqCst);
            let digest = Sha256::new()
                .chain_update(self.0.to_be_bytes())
                .chain_update(n.to_be_bytes())
                .finalize();
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
        Ok(())
    }
}

/// Stands in for ES256: what matters here is who made it.
#[derive(Clone, Copy)]
pub(crate) struct Keyed(pub(crate) OrgId);
impl Signer for Keyed {
    fn sign(&self, org: OrgId, bytes: &[u8]) -> Result<String, StorageError> {
        Ok(hex::encode(
            Sha256::new()
                .chain_update(b"sim")
                .chain_update(org.as_bytes())
                .chain_update(bytes)
                .finalize(),
        ))
    }
    fn verify(&self, org: OrgId, bytes: &[u8], signature: &str) -> bool {
        self.sign(org, bytes).is_ok_and(|s| s == signature)
    }
}
impl Verifier for Keyed {
    fn verify(&self, bytes: &[u8], signature: &str) -> bool {
        Signer::verify(self, self.0, bytes, signature)
    }
    fn learn(&mut self, _: &serde_json::Value) -> bool {
        true
    }
}

/// Who is who: a user has one profile; one team.
#[derive(Debug, Default)]
pub(crate) struct People {
    pub(crate) profiles: Mutex<BTreeSet<ProfileId>>,
    pub(crate) team: Mutex<BTreeSet<ProfileId>>,
}

impl Roster for People {
    fn profiles_of_user(&self, _: OrgId, user: UserId) -> Result<Vec<ProfileId>, StorageError> {
        let profile = ProfileId::from_bytes(*user.as_bytes());
        let known = self.profiles.lock().unwrap().contains(&profile);
        Ok(known.then_some(profile).into_iter().collect())
    }
    fn profiles_of_team(&self, _: OrgId, team: TeamId) -> Result<Vec<ProfileId>, StorageError> {
        let members = self.team.lock().unwrap();
        Ok(match team == TEAM {
            true => members.iter().copied().collect(),
            false => Vec::new(),
        })
    }
    fn name(&self, _: OrgId, _: UserId) -> Result<Option<String>, StorageError> {
        Ok(Some("Somebody".to_owned()))
    }
}

/// The fields of the forms, as frames name them.
pub(crate) struct Fields;
impl FieldTable for Fields {
    fn fields(&self, _: FormHash) -> Option<Arc<[FieldId]>> {
        Some((1..=6).map(FieldId).collect())
    }
}
