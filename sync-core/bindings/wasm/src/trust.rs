//! Whom the device believes. What a signature must cover and whose it must be is decided here; whether it holds is answered
//! from outside, because only the browser's own cryptography checks it.

use std::cell::RefCell;

use serde::Serialize;
use tributary_sync_core::ids::OrgId;
use tributary_sync_core::session::{Store, StoreError, Verifier};
use tributary_sync_core::wire::enrol::{KeySet, PublicKey};

use crate::rows::Rows;

/// A question: whether one of these keys made this signature (ES256, r ‖ s) over these bytes.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize)]
pub struct Ask {
    /// Hexadecimal.
    pub bytes: String,
    /// Hexadecimal, as it came.
    pub signature: String,
    /// Uncompressed points, hexadecimal.
    pub keys: Vec<String>,
}

/// The answers so far, and the questions of the running step that have none.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    known: Vec<(Ask, bool)>,
    asked: RefCell<Vec<Ask>>,
}

impl Verdicts {
    /// An unknown one counts as true until the step is over: it is asked about, and nothing of the step is kept.
    pub(crate) fn ask(&self, keys: &[PublicKey], bytes: &[u8], signature: &str) -> bool {
        let ask = Ask {
            bytes: hex::encode(bytes),
            signature: signature.to_owned(),
            keys: keys.iter().map(ToString::to_string).collect(),
        };
        if let Some((_, known)) = self.known.iter().find(|(known, _)| *known == ask) {
            return *known;
        }
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&ask) {
            asked.push(ask);
        }
        true
    }
    pub(crate) fn asked(&self) -> Vec<Ask> {
        self.asked.borrow().clone()
    }
    /// Answers what was asked, in that order; what is left out is false.
    pub(crate) fn answer(&mut self, verdicts: &[bool]) {
        let asked = std::mem::take(self.asked.get_mut());
        let verdicts = verdicts.iter().copied().chain(std::iter::repeat(false));
        self.known.extend(asked.into_iter().zip(verdicts));
    }
    pub(crate) fn unasked(&mut self) {
        self.asked.get_mut().clear();
    }
    pub(crate) fn forget(&mut self) {
        self.known.clear();
        self.unasked();
    }
}

fn key_set(keys: &serde_json::Value) -> Option<KeySet> {
    serde_json::from_slice(&serde_json::to_vec(keys).ok()?).ok()
}

/// The keys of the organisation, all of them signed by the pinned root.
pub(crate) struct Trust<'v> {
    org: OrgId,
    root: String,
    keys: KeySet,
    verdicts: &'v Verdicts,
}

impl<'v> Trust<'v> {
    /// As the rows have it: the keys were vouched for when they were written.
    pub(crate) fn of(rows: &Rows, root: &str, verdicts: &'v Verdicts) -> Result<Self, StoreError> {
        let keys = rows.keys()?.and_then(|keys| key_set(&keys));
        Ok(Self {
            org: rows.profile()?.org,
            root: root.to_owned(),
            keys: keys.ok_or_else(|| StoreError::new("the organisation's keys do not read"))?,
            verdicts,
        })
    }
}

impl Verifier for Trust<'_> {
    fn verify(&self, bytes: &[u8], signature: &str) -> bool {
        let receipts = std::iter::once(&self.keys.receipt).chain(&self.keys.earlier);
        let keys: Vec<PublicKey> = receipts.map(|k| k.key).collect();
        self.verdicts.ask(&keys, bytes, signature)
    }
    fn learn(&mut self, keys: &serde_json::Value) -> bool {
        let keys = key_set(keys);
        let verdicts = self.verdicts;
        let by_root = |key: &PublicKey, bytes: &[u8], sig: &str| verdicts.ask(&[*key], bytes, sig);
        match keys.filter(|k| k.is_vouched_for(self.org, &self.root, by_root)) {
            Some(keys) => {
                self.keys = keys;
                true
            }
            None => false,
        }
    }
}
