//! Tokens: real ones that were changed, parts of them put together, and anything else.

use super::shelf;

/// What tokens are made of.
pub(super) const WORDS: &[&str] = &[
    "eyJhbGciOiJub25lIn0",
    "eyJhbGciOiJIUzI1NiJ9",
    "eyJhbGciOiJFZERTQSJ9",
    "eyJhbGciOiJFUzI1NiJ9",
    ".",
    "..",
    "e30",
    "AAAA",
    "=",
    "{\"alg\":\"none\"}",
    "{\"alg\":\"EdDSA\",\"typ\":\"tributary-user+jwt\"}",
    "{\"alg\":\"EdDSA\",\"typ\":\"tributary-device+jwt\"}",
    "{\"alg\":\"ES256\",\"typ\":\"client-authentication+jwt\"}",
    "\"crit\":[\"exp\"]",
    "\"exp\":99999999999",
    "\"sub\":",
];

/// The first byte says what is done: the rest as it is; a real token with bytes exchanged; parts of two real tokens with
/// the rest between them; JSON parts packed as a token.
pub(super) fn tokens(bytes: &[u8]) {
    let Some((how, rest)) = bytes.split_first() else {
        return;
    };
    shelf::with(|shelf| {
        let [token, other] =
            [how >> 2 & 3, how >> 4 & 3].map(|n| &shelf.tokens[usize::from(n) % 3]);
        let made = match how & 3 {
            0 => String::from_utf8(rest.to_vec()).ok(),
            1 => edited(token, rest),
            2 => Some(spliced(token, other, rest)),
            _ => Some(packed(rest)),
        };
        if let Some(made) = made {
            shelf.knows_not(&made);
        }
    });
}

/// Pairs of bytes: where, and what stands there instead.
fn edited(token: &str, edits: &[u8]) -> Option<String> {
    let mut text = token.as_bytes().to_vec();
    for pair in edits.chunks_exact(3) {
        let at = usize::from(pair[0]) << 8 | usize::from(pair[1]);
        let length = text.len().max(1);
        match pair[2] {
            0 => text.truncate(at % length),
            1 => text.insert(at % length, b'A'),
            byte => {
                if let Some(there) = text.get_mut(at % length) {
                    *there = byte;
                }
            }
        }
    }
    String::from_utf8(text).ok()
}

/// Header of one, body of the input or of the other, signature of one.
fn spliced(token: &str, other: &str, rest: &[u8]) -> String {
    let part = |token: &str, n: usize| token.split('.').nth(n).unwrap_or_default().to_owned();
    let pick = |n: usize| {
        let from = rest.get(n).copied().unwrap_or_default();
        if from & 1 == 0 {
            part(token, n)
        } else {
            part(other, n)
        }
    };
    let between = String::from_utf8_lossy(rest.get(3..).unwrap_or_default());
    format!("{}.{}{between}.{}", pick(0), pick(1), pick(2))
}

/// Lines of the input as the parts of a token.
fn packed(rest: &[u8]) -> String {
    let parts = rest.split(|b| *b == b'\n').map(base64_url);
    parts.collect::<Vec<_>>().join(".")
}

/// Base64 for addresses, without padding.
fn base64_url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, b| bits << 8 | u32::from(*b))
            << (8 * (3 - chunk.len()));
        for n in 0..=chunk.len() {
            let letter = bits >> (18 - 6 * n) & 63;
            out.push(char::from(LETTERS[letter as usize]));
        }
    }
    out
}
