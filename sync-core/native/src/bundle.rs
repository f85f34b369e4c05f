//! A sealed file in place of a network: what the server lacks, for whoever can carry it there.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use rustls::crypto::aws_lc_rs::hpke::DH_KEM_P256_HKDF_SHA256_AES_128;
use rustls::crypto::hpke::{Hpke, HpkePublicKey};
use tributary_sync_core::change::chain_next;
use tributary_sync_core::ids::OrgId;
use tributary_sync_core::session::{self, Profile, Store};
use tributary_sync_core::wire::bundle::{self, Bundle, SignedBatch};
use tributary_sync_core::wire::message::ExchangeRequest;

use crate::device::Device;
use crate::error::{Error, Result, Trouble};
use crate::sqlite::Tx;

/// Raw bytes of changesets in one batch of a bundle.
const BATCH_BYTES: u32 = 1024 * 1024;

impl Device {
    /// Writes what the server lacks into a sealed file, and tells how many changesets are in it. Nothing counts as sent:
    /// that comes only with the server's own answer, at the next sync.
    pub fn bundle(&mut self, file: &Path) -> Result<usize> {
        let account = self.account()?;
        let trust = self.trust()?;
        let profile = self.profile()?;
        let requests = self.db.read(|tx| batches(tx, &profile))?;
        let count = requests.iter().map(|r| r.items.len()).sum();
        if count == 0 {
            return Err(Error::input(
                "There is nothing to hand over.",
                "All that this device recorded is on the server already.",
            ));
        }
        let batches = requests.iter().map(|r| self.signed(&profile, r));
        let content = Bundle {
            profile: profile.profile,
            batches: batches.collect::<Result<_>>()?,
        };
        let content = serde_json::to_vec(&content).map_err(Error::store)?;
        let packed = zstd::bulk::compress(&content, 9)?;
        let sealed = seal(
            profile.org,
            trust.keys().inbox.key.as_bytes(),
            &bundle::pad(&packed)?,
        )?;
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(file)
            .map_err(|e| {
                Error::new(
                    Trouble::Store,
                    "The file could not be made.",
                    "Nothing was written; all you recorded is still here.",
                    "Choose a name that is not taken, in a folder you may write to.",
                )
                .because(e)
            })?;
        out.write_all(&sealed)?;
        out.sync_all()?;
        // From here on nobody knows whether the server has them.
        self.step(|tx| mark_sent(tx, &requests))?;
        let _ = account;
        Ok(count)
    }

    fn signed(&self, profile: &Profile, request: &ExchangeRequest) -> Result<SignedBatch> {
        let mut hash = request.before;
        let mut last = request.first;
        for item in &request.items {
            last = item.seq();
            hash = chain_next(hash, last, item.hash());
        }
        let bytes = SignedBatch::signed_bytes(
            profile.org,
            request.actor,
            (request.first, last),
            hash,
            request.cursor.as_deref(),
        );
        Ok(SignedBatch {
            request: serde_json::value::to_raw_value(request).map_err(Error::store)?,
            sig: self.key.sign(&bytes)?,
        })
    }
}

/// All that the server lacks, cut into requests of bounded size.
fn batches(tx: &Tx<'_>, profile: &Profile) -> Result<Vec<ExchangeRequest>> {
    let mut profile = profile.clone();
    let mut out = Vec::new();
    loop {
        let batch = session::batch(tx, &profile, BATCH_BYTES)?;
        let Some(last) = batch.items.last().map(tributary_sync_core::wire::Item::seq) else {
            return Ok(out);
        };
        let mut hash = batch.before.hash;
        for item in &batch.items {
            hash = chain_next(hash, item.seq(), item.hash());
        }
        out.push(ExchangeRequest {
            actor: batch.actor.actor,
            epoch: profile.epoch,
            head: profile.head.clone(),
            cursor: profile.cursor.clone(),
            chain: batch.actor.made,
            first: batch.before.seq.next()?,
            before: batch.before.hash,
            items: batch.items,
            leaves: Vec::new(),
            refetch: Vec::new(),
            max_bytes: 0,
            device_time: None,
            client: None,
        });
        // As if it were acknowledged, for the next batch alone.
        for actor in &mut profile.actors {
            if actor.actor == batch.actor.actor {
                actor.acked.seq = last;
                actor.acked.hash = hash;
            }
        }
    }
}

fn mark_sent(tx: &mut Tx<'_>, requests: &[ExchangeRequest]) -> Result<()> {
    for request in requests {
        for item in &request.items {
            let dot = tributary_sync_core::clock::Dot::new(request.actor, item.seq());
            if let Some(mut own) = tx.own(dot)? {
                own.fate.sent = true;
                tx.put_own(&own)?;
            }
        }
    }
    Ok(())
}

fn seal(org: OrgId, inbox: &[u8], content: &[u8]) -> Result<Vec<u8>> {
    let info = [bundle::INFO, org.as_bytes()].concat();
    let key = HpkePublicKey(inbox.to_vec());
    let suite: &dyn Hpke = DH_KEM_P256_HKDF_SHA256_AES_128;
    let sealed = suite.seal(&info, &[], content, &key);
    let (encapsulated, ciphertext) = sealed.map_err(Error::store)?;
    Ok(bundle::file(org, &encapsulated.0, &ciphertext)?)
}

/// A name that tells nothing: no person, no place, no day.
pub fn neutral_name() -> Result<String> {
    Ok(format!("{}.bin", hex::encode(crate::key::random::<8>()?)))
}
