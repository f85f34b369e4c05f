//! The start from nothing: every record in scope, what stands beside them, and the list that ends it.

use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::RecordId;
use tributary_sync_core::wire::message::Entry;

use super::{Cursor, Pull, Refusal, signed_tombstone};
use crate::storage::StorageError;

impl Pull<'_, '_> {
    /// Everything in scope, page by page; its end is the list of it.
    pub(super) fn backfill(&mut self, cursor: &mut Cursor) -> Result<bool, Refusal> {
        let Some(from) = cursor.backfill else {
            return Ok(false);
        };
        cursor.seen = self.head;
        let mut numbers = Vec::new();
        self.txn
            .scope_after::<StorageError>(self.caller.profile, from, |no| {
                numbers.push(no);
                Ok(true)
            })?;
        for no in numbers {
            if self.full() {
                return Ok(true);
            }
            if let Some(row) = self.txn.record_by_no(no)? {
                self.state(row);
            }
            cursor.backfill = Some(no);
        }
        if self.full() {
            return Ok(true);
        }
        cursor.backfill = None;
        // Policies and tombstones that came before this cursor's tail are told once, here.
        self.standing()?;
        let records: Vec<RecordId> = self.txn.scope_ids(self.caller.profile)?;
        self.bytes += 40 * records.len();
        self.entries.push(Entry::Scope { records });
        Ok(false)
    }

    /// What a device that starts anew must know beside its records: policies, form versions, verdicts, tombstones.
    fn standing(&mut self) -> Result<(), Refusal> {
        for row in self.txn.policy_rows(None, self.head)? {
            self.entries.push(Entry::Policy {
                pos: row.pos,
                policy: row.policy,
            });
        }
        for form in self.txn.forms()? {
            self.entries.push(Entry::Form {
                pos: form.pos,
                hash: form.hash,
            });
        }
        for (Dot { actor, seq }, released) in self.txn.verdicts(self.caller.profile)? {
            let pos = self.head;
            self.entries.push(Entry::Quarantine {
                pos,
                actor,
                seq,
                released,
            });
        }
        for stone in self.txn.tombstones()? {
            let tombstone = signed_tombstone(self.env, self.caller.org, stone.hash)?;
            self.entries.push(Entry::Erased {
                pos: stone.pos,
                tombstone,
            });
        }
        Ok(())
    }
}
