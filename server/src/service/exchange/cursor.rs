//! The cursor: opaque to devices, authenticated by the server (§6.2).
//!
//! It says where the tail and a backfill stand, and the highest log position that any page was read at. Nothing is
//! inferred from having sent: only the cursor that comes back confirms.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use tributary_sync_core::ids::{EpochId, LogPos, OrgId, ProfileId};

use super::Refusal;
use crate::storage::{OrgTxn, RecordNo};

/// Where a pull stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cursor {
    /// The epoch it counts in.
    pub(super) epoch: EpochId,
    /// The tail goes on behind this position.
    pub(super) tail: LogPos,
    /// A backfill that is not finished goes on behind this record.
    pub(super) backfill: Option<RecordNo>,
    /// The highest position any page was read at.
    pub(super) seen: LogPos,
}

const LEN: usize = 16 + 8 + 8 + 8;
const TAG: usize = 16;

impl Cursor {
    /// The start of a pull without a cursor: everything in scope, then what the log says from here on.
    pub(super) fn start(epoch: EpochId, head: LogPos) -> Self {
        Self {
            epoch,
            tail: head,
            backfill: Some(RecordNo(0)),
            seen: LogPos::ZERO,
        }
    }

    /// As it travels.
    pub(super) fn seal(self, txn: &OrgTxn<'_>, profile: ProfileId) -> Result<String, Refusal> {
        let mut bytes = Vec::with_capacity(LEN + TAG);
        bytes.extend(self.epoch.as_bytes());
        bytes.extend(self.tail.get().to_be_bytes());
        bytes.extend(self.backfill.map_or(i64::MAX, |r| r.0).to_be_bytes());
        bytes.extend(self.seen.get().to_be_bytes());
        let tag = hmac::sign(&key(txn)?, &covered(txn.org(), profile, &bytes));
        bytes.extend(tag.as_ref().iter().take(TAG));
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads one that comes back.
    pub(super) fn open(txn: &OrgTxn<'_>, profile: ProfileId, text: &str) -> Result<Self, Refusal> {
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .map_err(|_| Refusal::CursorInvalid)?;
        if bytes.len() != LEN + TAG {
            return Err(Refusal::CursorInvalid);
        }
        let (body, tag) = bytes.split_at(LEN);
        let expected = hmac::sign(&key(txn)?, &covered(txn.org(), profile, body));
        let expected = expected.as_ref().get(..TAG).unwrap_or_default();
        if aws_lc_rs::constant_time::verify_slices_are_equal(tag, expected).is_err() {
            return Err(Refusal::CursorInvalid);
        }
        let number = |at: usize| {
            let eight = body.get(at..at + 8).and_then(|b| b.try_into().ok());
            eight.map(u64::from_be_bytes).ok_or(Refusal::CursorInvalid)
        };
        let position =
            |at| number(at).and_then(|n| LogPos::new(n).map_err(|_| Refusal::CursorInvalid));
        let backfill = i64::try_from(number(24)?).map_err(|_| Refusal::CursorInvalid)?;
        Ok(Self {
            epoch: EpochId::from_slice(body.get(..16).unwrap_or_default())
                .map_err(|_| Refusal::CursorInvalid)?,
            tail: position(16)?,
            backfill: (backfill != i64::MAX).then_some(RecordNo(backfill)),
            seen: position(32)?,
        })
    }

    /// Up to where everything was confirmed by whoever shows it: nothing while a backfill runs.
    pub(super) fn confirms(&self) -> LogPos {
        if self.backfill.is_some() {
            LogPos::ZERO
        } else {
            self.tail
        }
    }
}

fn key(txn: &OrgTxn<'_>) -> Result<hmac::Key, Refusal> {
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &txn.cursor_key()?))
}

fn covered(org: OrgId, profile: ProfileId, body: &[u8]) -> Vec<u8> {
    [
        b"tributary-cursor-v1".as_slice(),
        org.as_bytes(),
        profile.as_bytes(),
        body,
    ]
    .concat()
}
