//! Bundles: a push in a file, for places without a network (§6.7). The signature inside is the proof, so whoever carries
//! it needs no credential, and nobody but this server can open it. It may arrive twice.

use std::net::IpAddr;

use serde::Serialize;
use tributary_sync_core::change::chain_next;
use tributary_sync_core::ids::ProfileId;
use tributary_sync_core::wire::bundle::{self, Bundle, SignedBatch};
use tributary_sync_core::wire::message::{ExchangeRequest, PushResult, REQUEST_BYTES_MAX, Status};
use utoipa::ToSchema;

use super::Service;
use super::error::{Code, Result, ServiceError};
use super::exchange::{self, Refusal};
use super::keys::verify_p256;
use super::principal::Device;
use super::sync::unreadable;

/// What became of a bundle. Tells its carrier nothing of what was in it but counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BundleOutcome {
    /// Changes that are stored now.
    pub stored: u32,
    /// Changes that wait for a coordinator.
    pub quarantined: u32,
    /// Changes that were here before.
    pub known: u32,
}

impl BundleOutcome {
    fn count(&mut self, results: &[PushResult]) {
        for result in results {
            match result.status {
                _ if result.repeat => self.known += 1,
                Status::Applied | Status::Cut => self.stored += 1,
                Status::Quarantined => self.quarantined += 1,
                Status::Duplicate | Status::Void | Status::Erased => self.known += 1,
            }
        }
    }
}

fn bad() -> ServiceError {
    Code::BundleInvalid.into()
}

/// One of several files that came before its forerunner, in the words of whoever carries them.
fn early(gap: Refusal) -> ServiceError {
    ServiceError::from(gap).detail(
        "This file goes on from another one of the same device that has not arrived yet. Nothing is lost: bring the file \
         with the lower number first, then this one again.",
    )
}

impl Service {
    /// Somebody posts a bundle: asked before it is read.
    pub fn pace_bundle(&self, from: IpAddr) -> Result<()> {
        self.pacing.bundle(from)
    }
    /// Opens a bundle and admits what it carries by its chain.
    pub fn take_bundle(&self, file: &[u8], from: IpAddr) -> Result<BundleOutcome> {
        let (org, encapsulated, sealed) = bundle::parts(file).map_err(|_| bad())?;
        // Another organisation, none at all, and a seal that does not open get one answer.
        let keys = self.keys.of_org(org).map_err(|_| bad())?;
        let info = [bundle::INFO, org.as_bytes()].concat();
        let padded = keys
            .open_sealed(encapsulated, &info, &[], sealed)
            .ok_or_else(bad)?;
        let packed = bundle::unpad(&padded).map_err(|_| bad())?;
        let json = zstd::bulk::decompress(packed, 4 * REQUEST_BYTES_MAX).map_err(|_| bad())?;
        let content: Bundle = serde_json::from_slice(&json).map_err(|_| bad())?;
        let device = self.device_of_profile(content.profile).map_err(|_| bad())?;
        if device.org != org {
            return Err(bad());
        }
        let mut outcome = BundleOutcome::default();
        for batch in &content.batches {
            self.take_batch(&device, batch, &mut outcome)?;
        }
        // One of ours has signed it: whoever carries several files may bring them at once.
        self.pacing.bundle_good(from);
        Ok(outcome)
    }

    fn take_batch(
        &self,
        device: &Device,
        batch: &SignedBatch,
        outcome: &mut BundleOutcome,
    ) -> Result<()> {
        let request = ExchangeRequest::from_json(batch.request.get()).map_err(unreadable)?;
        let mut hash = request.before;
        let mut last = request.first;
        for item in &request.items {
            last = item.seq();
            hash = chain_next(hash, last, item.hash());
        }
        let cursor = request.cursor.as_deref();
        let signed = SignedBatch::signed_bytes(
            device.org,
            request.actor,
            (request.first, last),
            hash,
            cursor,
        );
        if !verify_p256(&device.public_key, &signed, &batch.sig) {
            return Err(bad());
        }
        let carried = request.items.len() as u32;
        match exchange::exchange(&self.files, &self.env(), &device.caller(), request) {
            Ok(reply) => outcome.count(&reply.results),
            // The device has gone on since and delivered more by another way: what is here is older.
            Err(Refusal::Forked {
                agreed: Some(agreed),
                ..
            }) if agreed == last => outcome.known += carried,
            Err(gap @ Refusal::Gap { .. }) => return Err(early(gap)),
            Err(refusal) => return Err(refusal.into()),
        }
        Ok(())
    }

    /// A profile as it stands, for what it has signed itself.
    fn device_of_profile(&self, profile: ProfileId) -> Result<Device> {
        self.directory
            .read(|view| super::principal::device_of_row(view, profile))
    }
}
