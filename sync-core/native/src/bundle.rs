//! A sealed file in place of a network: what the server lacks, for whoever can carry it there.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

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

/// JSON of the batches in one file. Packed and padded that stays below what a request may carry, whatever is in it.
const PART_BYTES: usize = 6 * 1024 * 1024;

/// What was written for a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundled {
    /// How many changesets are in the files.
    pub changes: usize,
    /// The files, in the order in which they belong; mostly one.
    pub files: Vec<PathBuf>,
}

impl Device {
    /// Writes what the server lacks into a sealed file, or into several (`name-1.bin`, `name-2.bin`, …) where one would be
    /// larger than the server takes. Nothing counts as sent: that comes only with the server's own answer, at the next
    /// sync.
    pub fn bundle(&mut self, file: &Path) -> Result<Bundled> {
        let trust = self.trust()?;
        let profile = self.profile()?;
        let requests = self.db.read(|tx| batches(tx, &profile))?;
        let changes = requests.iter().map(|r| r.items.len()).sum();
        if changes == 0 {
            return Err(Error::input(
                "There is nothing to hand over.",
                "All that this device recorded is on the server already.",
            ));
        }
        let inbox = trust.keys().inbox.key.as_bytes();
        let batches = requests.iter().map(|r| self.signed(&profile, r));
        let mut sealed = Vec::new();
        for batches in parts(batches.collect::<Result<_>>()?) {
            let content = Bundle {
                profile: profile.profile,
                batches,
            };
            let content = serde_json::to_vec(&content).map_err(Error::store)?;
            let packed = zstd::bulk::compress(&content, 9)?;
            sealed.push(seal(profile.org, inbox, &bundle::pad(&packed)?)?);
        }
        let files = write_all(file, &sealed)?;
        // From here on nobody knows whether the server has them.
        self.step(|tx| mark_sent(tx, &requests))?;
        Ok(Bundled { changes, files })
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

/// The batches of each file, in their order.
fn parts(batches: Vec<SignedBatch>) -> Vec<Vec<SignedBatch>> {
    let mut out: Vec<Vec<SignedBatch>> = Vec::new();
    let mut bytes = 0;
    for batch in batches {
        let size = batch.request.get().len();
        match out.last_mut() {
            Some(part) if bytes + size <= PART_BYTES => {
                part.push(batch);
                bytes += size;
            }
            _ => {
                out.push(vec![batch]);
                bytes = size;
            }
        }
    }
    out
}

/// The names of `count` files: the one that was asked for, or numbered ones beside it.
fn names(file: &Path, count: usize) -> Vec<PathBuf> {
    if count == 1 {
        return vec![file.to_owned()];
    }
    let part = |n: usize| {
        let mut name = file.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{n}"));
        if let Some(extension) = file.extension() {
            name.push(".");
            name.push(extension);
        }
        file.with_file_name(name)
    };
    (1..=count).map(part).collect()
}

/// Writes all files, or leaves none.
fn write_all(file: &Path, sealed: &[Vec<u8>]) -> Result<Vec<PathBuf>> {
    let names = names(file, sealed.len());
    for (n, (name, bytes)) in names.iter().zip(sealed).enumerate() {
        if let Err(error) = write(name, bytes) {
            for made in &names[..n] {
                // What cannot be removed is sealed, and nothing counts as sent.
                let _ = std::fs::remove_file(made);
            }
            return Err(error);
        }
    }
    Ok(names)
}

fn write(file: &Path, bytes: &[u8]) -> Result<()> {
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
    let written = out.write_all(bytes).and_then(|()| out.sync_all());
    if written.is_err() {
        // A file that was cut short is of no use to anybody.
        let _ = std::fs::remove_file(file);
    }
    Ok(written?)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(bytes: usize) -> SignedBatch {
        let text = format!("\"{}\"", "x".repeat(bytes - 2));
        SignedBatch {
            request: serde_json::value::RawValue::from_string(text).unwrap(),
            sig: String::new(),
        }
    }

    #[test]
    fn many_batches_become_several_files_in_their_order() {
        let third = PART_BYTES / 3;
        let sizes = [third, third, third, third, 100, PART_BYTES + 5, 7];
        let parts = parts(sizes.into_iter().map(batch).collect());
        let found: Vec<Vec<usize>> = parts
            .iter()
            .map(|p| p.iter().map(|b| b.request.get().len()).collect())
            .collect();
        let expected = [
            vec![third, third, third],
            vec![third, 100],
            vec![PART_BYTES + 5],
            vec![7],
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_largest_part_is_taken_by_the_server_whatever_is_in_it() {
        // What does not pack at all: the seal adds a tag, the file its head.
        let padded = bundle::pad(&vec![1; PART_BYTES + 256 * 1024]).unwrap();
        assert!(padded.len() + 1024 <= bundle::BUNDLE_BYTES_MAX);
    }

    #[test]
    fn several_files_are_numbered_beside_the_name_that_was_asked_for() {
        let of = |file, n| names(Path::new(file), n);
        assert_eq!(of("a/b.bin", 1), [Path::new("a/b.bin")]);
        assert_eq!(
            of("a/b.bin", 2),
            [Path::new("a/b-1.bin"), Path::new("a/b-2.bin")]
        );
        assert_eq!(of("b", 2), [Path::new("b-1"), Path::new("b-2")]);
    }

    #[test]
    fn all_files_are_written_or_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("b.bin");
        std::fs::write(folder.path().join("b-2.bin"), b"somebody else's").unwrap();
        write_all(&file, &[vec![1], vec![2]]).unwrap_err();
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1);
        write_all(&file, &[vec![1]]).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), [1]);
    }
}
