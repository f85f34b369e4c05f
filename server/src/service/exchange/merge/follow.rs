//! What the server itself writes after a changeset: a protection again that was lowered without the right to, and the
//! assignment of a returned record to its maker.

use tributary_sync_core::change::{Draft, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::ids::{Seq, UserId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::value::{Text, Value};

use super::super::{Refusal, scope};
use super::{Author, Merger};
use crate::storage::StorageError;

const ASSIGNEE: Key = Key::Meta(MetaKey::Assignee);

impl Merger<'_, '_> {
    /// The stronger value again, by an actor that never wrote before, with the context of the refused write.
    pub(super) fn write_again(
        &mut self,
        refused: &Stored,
        key: Key,
        value: Value,
    ) -> Result<(), Refusal> {
        let context = refused.stamp.context.clone();
        self.write_after(refused, context, None, (key, value))
    }

    /// A row whose deletion takes a protection away stays where it stood, beside the deletion.
    pub(super) fn keep_places(&self, stored: &Stored, lowered: &mut Vec<(Key, Value)>) {
        let Some(open) = self.open.get(&stored.change.record) else {
            return;
        };
        let mut kept = Vec::new();
        for (key, value) in &stored.change.writes {
            if let (Key::RowMeta { group, row }, Value::Deleted(true)) = (key, value)
                && let Some(place) = open.record.row_place(*group, *row)
            {
                let within = open.record.rows_within(*group, *row);
                let protects = |k: &Key| k.row().is_some_and(|at| within.contains(&at));
                if lowered.iter().any(|(k, _)| protects(k)) {
                    kept.push((key.clone(), Value::Row(place.clone())));
                }
            }
        }
        lowered.extend(kept);
    }

    /// One more value on the record of a changeset, by an actor of its own.
    fn write_after(
        &mut self,
        cause: &Stored,
        context: Clock,
        by: Option<UserId>,
        write: (Key, Value),
    ) -> Result<(), Refusal> {
        let actor = self.server_actor(by)?;
        let now = Hlc::new(self.env.now, 0).map_err(StorageError::damaged("clock"))?;
        let draft = Draft {
            record: cause.change.record,
            dot: Dot::new(
                actor,
                Seq::ZERO
                    .next()
                    .map_err(StorageError::damaged("sequence"))?,
            ),
            clock: now,
            form: cause.change.form,
            creates: false,
            epoch: self.txn.epoch()?.id,
            seen: context.clone(),
            writes: vec![write],
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        };
        let change = draft.seal().map_err(StorageError::damaged("rewrite"))?;
        let stamp = Stamp {
            context,
            effective: now,
            received: self.env.now,
            cut: false,
        };
        let stored = Stored { change, stamp };
        let pos = self.put(&stored)?;
        self.use_number(&stored, None, pos)
    }

    /// Assigning puts a record into scopes; returning it assigns it to its maker's user (§6.1).
    pub(super) fn follow_meta(&mut self, stored: &Stored, author: &Author) -> Result<(), Refusal> {
        let mut assigned = stored.change.writes.iter().any(|(k, _)| *k == ASSIGNEE);
        // Whoever assigns in the same save has said to whom.
        if !assigned && let Some(maker) = self.maker_of_returned(stored)? {
            let to =
                Text::new(format!("user:{maker}")).map_err(StorageError::damaged("user id"))?;
            self.write_after(
                stored,
                stored.clock(),
                author.user,
                (ASSIGNEE, Value::Code(to)),
            )?;
            assigned = true;
        }
        if assigned && let Some(open) = self.open.get(&stored.change.record) {
            scope::follow_assignees(self.txn, self.env, open.no, &open.record)?;
        }
        Ok(())
    }

    /// The user who made the record that a changeset returns, if the return stands.
    fn maker_of_returned(&self, stored: &Stored) -> Result<Option<UserId>, StorageError> {
        let Some(open) = self.open.get(&stored.change.record) else {
            return Ok(None);
        };
        let returns = |(dot, value): &(Dot, Value)| {
            *dot == stored.change.dot
                && matches!(value, Value::Code(code) if code.as_str() == "returned")
        };
        let values = open.record.values(&Key::Meta(MetaKey::Status));
        match open.maker.filter(|_| values.iter().any(returns)) {
            Some(maker) => Ok(self.txn.profile(maker)?.map(|p| p.user)),
            None => Ok(None),
        }
    }
}
