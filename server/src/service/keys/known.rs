//! Signatures that this process made or found good lately: most devices show the head that they were given a moment ago,
//! and looking it up costs a hundredth of verifying it. Not here: what is signed, and any signature that was bad.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use tributary_sync_core::ids::OrgId;

/// How many are remembered: what a busy server signs in some seconds. It serves phones that send one request after another;
/// the head of a phone that was away for longer is verified.
const KNOWN_MAX: usize = 4_096;

type Mark = [u8; 32];

/// The newest good signatures.
#[derive(Default)]
pub(super) struct Known(Mutex<Marks>);

#[derive(Default)]
struct Marks {
    all: HashSet<Mark>,
    by_age: VecDeque<Mark>,
}

/// What stands for a signature: everything that it depends on.
fn mark(org: OrgId, bytes: &[u8], signature: &str) -> Mark {
    Sha256::new()
        .chain_update(org.as_bytes())
        .chain_update((bytes.len() as u64).to_be_bytes())
        .chain_update(bytes)
        .chain_update(signature.as_bytes())
        .finalize()
        .into()
}

impl Known {
    /// Remembers a good signature.
    pub(super) fn add(&self, org: OrgId, bytes: &[u8], signature: &str) {
        let mark = mark(org, bytes, signature);
        let mut marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !marks.all.insert(mark) {
            return;
        }
        marks.by_age.push_back(mark);
        if marks.by_age.len() > KNOWN_MAX
            && let Some(oldest) = marks.by_age.pop_front()
        {
            marks.all.remove(&oldest);
        }
    }
    /// Whether exactly this one was remembered and is still.
    pub(super) fn has(&self, org: OrgId, bytes: &[u8], signature: &str) -> bool {
        let mark = mark(org, bytes, signature);
        let marks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        marks.all.contains(&mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: OrgId = OrgId::from_bytes([1; 16]);
    const B: OrgId = OrgId::from_bytes([2; 16]);

    #[test]
    fn only_the_same_words_of_the_same_organisation_under_the_same_signature_are_known() {
        let known = Known::default();
        known.add(A, b"head", "aa");
        assert!(known.has(A, b"head", "aa"));
        assert!(!known.has(B, b"head", "aa"));
        assert!(!known.has(A, b"heads", "aa"));
        assert!(!known.has(A, b"head", "ab"));
        assert!(
            !known.has(A, b"heada", "a"),
            "where one ends and the other begins counts"
        );
    }

    #[test]
    fn the_oldest_are_forgotten_so_that_memory_stays_bounded() {
        let known = Known::default();
        for n in 0..=KNOWN_MAX {
            known.add(A, &n.to_be_bytes(), "s");
            known.add(A, &n.to_be_bytes(), "s");
        }
        assert!(!known.has(A, &0usize.to_be_bytes(), "s"));
        assert!(known.has(A, &1usize.to_be_bytes(), "s"));
        let marks = known.0.lock().unwrap();
        assert_eq!(
            (marks.all.len(), marks.by_age.len()),
            (KNOWN_MAX, KNOWN_MAX)
        );
    }
}
