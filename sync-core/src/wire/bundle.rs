//! Bundles: a push in a file, for places without a network (§6.7).
//!
//! A bundle is a signed list of exchange requests, padded so that its size tells little, and sealed by the caller to the
//! organisation's inbox key (HPKE, [`INFO`] and the organisation's id as its info). This module lays out the bytes
//! inside and the bytes around the seal. Posting one needs no sign-in: the signature inside is the proof.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::message::Signature;
use crate::cbor::Writer;
use crate::error::ParseError;
use crate::ids::{ActorId, ChainHash, OrgId, ProfileId, Seq};
use crate::value::limit;

/// The beginning of every bundle file.
pub const MAGIC: &[u8; 8] = b"TRIBNDL1";
/// What HPKE binds the seal to, followed by the organisation's id.
pub const INFO: &[u8] = b"tributary-bundle-v1";
/// The largest file, in bytes: what one request may carry.
pub const BUNDLE_BYTES_MAX: usize = 8 * 1024 * 1024;
/// The smallest padded size.
const PADDED_LEAST: usize = 4 * 1024;

/// What is inside.
#[derive(Debug, Serialize, Deserialize)]
pub struct Bundle {
    /// Whose push it is.
    pub profile: ProfileId,
    /// The pushes, in the order in which they are to be taken.
    pub batches: Vec<SignedBatch>,
}

/// One push: an exchange request of which the server takes the push half alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignedBatch {
    /// The exchange request, as JSON.
    pub request: Box<RawValue>,
    /// By the device's key (ES256), over [`SignedBatch::signed_bytes`].
    pub sig: Signature,
}

impl SignedBatch {
    /// What the signature covers: `tributary-bundle-v1` and the CBOR of [organisation, actor, first, last, h at last,
    /// cursor or null].
    pub fn signed_bytes(
        org: OrgId,
        actor: ActorId,
        (first, last): (Seq, Seq),
        hash: ChainHash,
        cursor: Option<&str>,
    ) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(6);
        w.bytes(org.as_bytes());
        w.uint(actor.0.into());
        w.uint(first.get());
        w.uint(last.get());
        w.bytes(hash.as_bytes());
        match cursor {
            Some(cursor) => w.text(cursor),
            None => w.null(),
        }
        [INFO, &w.finish()].concat()
    }
}

/// Puts what is to be sealed behind its length and fills it up: to a power of two, and above 1 MiB to a whole MiB.
pub fn pad(content: &[u8]) -> Result<Vec<u8>, ParseError> {
    limit("bundle bytes", content.len(), BUNDLE_BYTES_MAX - 1024)?;
    let length = u32::try_from(content.len()).map_err(|_| ParseError::Counter)?;
    let needed = content.len() + 4;
    let padded = match needed {
        n if n <= PADDED_LEAST => PADDED_LEAST,
        n if n <= 1 << 20 => n.next_power_of_two(),
        n => n.next_multiple_of(1 << 20),
    };
    let mut out = Vec::with_capacity(padded);
    out.extend(length.to_be_bytes());
    out.extend(content);
    out.resize(padded, 0);
    Ok(out)
}

/// What was padded.
pub fn unpad(padded: &[u8]) -> Result<&[u8], ParseError> {
    const BAD: ParseError = ParseError::Bytes("bundle padding");
    let (length, rest) = padded.split_first_chunk::<4>().ok_or(BAD)?;
    let length = u32::from_be_bytes(*length) as usize;
    let (content, fill) = rest.split_at_checked(length).ok_or(BAD)?;
    if fill.iter().all(|b| *b == 0) {
        Ok(content)
    } else {
        Err(BAD)
    }
}

/// The file: magic, organisation, encapsulated key behind its length, ciphertext. The organisation stands outside so
/// that whoever takes the file knows whose inbox key opens it.
pub fn file(org: OrgId, encapsulated: &[u8], sealed: &[u8]) -> Result<Vec<u8>, ParseError> {
    let length = u16::try_from(encapsulated.len()).map_err(|_| ParseError::Counter)?;
    Ok([
        MAGIC.as_slice(),
        org.as_bytes(),
        &length.to_be_bytes(),
        encapsulated,
        sealed,
    ]
    .concat())
}

/// The parts of a file: organisation, encapsulated key, ciphertext.
pub fn parts(file: &[u8]) -> Result<(OrgId, &[u8], &[u8]), ParseError> {
    const BAD: ParseError = ParseError::Bytes("no bundle file");
    limit("bundle bytes", file.len(), BUNDLE_BYTES_MAX)?;
    let rest = file.strip_prefix(MAGIC).ok_or(BAD)?;
    let (org, rest) = rest.split_first_chunk::<16>().ok_or(BAD)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(BAD)?;
    let length = usize::from(u16::from_be_bytes(*length));
    let (encapsulated, sealed) = rest.split_at_checked(length).ok_or(BAD)?;
    Ok((OrgId::from_bytes(*org), encapsulated, sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_hides_the_size_and_comes_off_again() {
        for n in [0, 1, 4_092, 4_093, 100_000, 1 << 20, 3_000_000] {
            let content = vec![7; n];
            let padded = pad(&content).unwrap();
            assert!(
                padded.len().is_multiple_of(PADDED_LEAST) && padded.len() > n,
                "{n}"
            );
            assert_eq!(unpad(&padded).unwrap(), content);
        }
        assert_eq!(
            pad(&[1; 10]).unwrap().len(),
            pad(&[1; 4_000]).unwrap().len()
        );
        assert!(unpad(&[0, 0, 0, 9, 1]).is_err());
        assert!(unpad(&[0, 0, 0, 0, 1]).is_err());
        assert!(unpad(&[]).is_err());
    }

    #[test]
    fn a_file_comes_apart_as_it_was_put_together() {
        let org = OrgId::from_bytes([3; 16]);
        let bytes = file(org, &[4; 65], b"sealed").unwrap();
        assert_eq!(
            parts(&bytes).unwrap(),
            (org, [4; 65].as_slice(), b"sealed".as_slice())
        );
        for cut in [0, 7, 8, 20, 26, 60] {
            assert!(parts(&bytes[..cut]).is_err(), "{cut}");
        }
    }
}
