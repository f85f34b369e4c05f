//! Packed bodies, as any route unpacks them.

use std::io::Write;

use tributary::http::RawBody;
use tributary_sync_core::testing::Dice;
use tributary_sync_core::wire::message::REQUEST_BYTES_MAX;

use super::bounded;

const ENCODINGS: [&str; 4] = ["gzip", "zstd", "identity", "x-gzip"];
/// What a decoder needs beside what it gives out.
const DECODER: u64 = 1024 * 1024;

/// The first byte says how it is packed and how much is allowed.
pub(super) fn bodies(bytes: &[u8]) {
    let Some((how, packed)) = bytes.split_first() else {
        return;
    };
    let encoding = ENCODINGS[usize::from(how & 3)];
    let limit = match how >> 2 & 7 {
        0 => 0,
        1 => 1,
        2 => 100,
        3 => 4_096,
        4 => 256 * 1024,
        _ => REQUEST_BYTES_MAX,
    };
    let body = RawBody::packed(packed.to_vec(), encoding).expect("a known encoding");
    // A buffer grows by doubling.
    let decoded = bounded(packed.len(), DECODER + 4 * limit as u64, 2, || {
        body.decode(limit)
    });
    let Ok(content) = decoded else {
        return;
    };
    assert!(content.len() <= limit, "{} of {limit}", content.len());
    if encoding == "identity" {
        assert_eq!(&content[..], packed);
    }
    let again = RawBody::packed(pack(encoding, &content), encoding).expect("a known encoding");
    let again = again.decode(limit).expect("what was packed here unpacks");
    assert!(again == content, "packed and unpacked it is another");
}

fn pack(encoding: &str, content: &[u8]) -> Vec<u8> {
    match encoding {
        "zstd" => zstd::encode_all(content, 1).expect("in memory"),
        "identity" => content.to_vec(),
        _ => {
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            out.write_all(content).expect("in memory");
            out.finish().expect("in memory")
        }
    }
}

pub(super) fn made(seed: u64) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let how = dice.bits().to_le_bytes()[0];
    let length = [10, 300, 5_000, 300_000][dice.below(4)];
    let content: Vec<u8> = match dice.chance(50) {
        true => vec![b'a'; length],
        false => (0..length.min(2_000))
            .map(|_| dice.bits().to_le_bytes()[0])
            .collect(),
    };
    let mut out = vec![how];
    out.extend(pack(ENCODINGS[usize::from(how & 3)], &content));
    out
}
