//! Strategies for whole messages of the exchange, with everything in them that their types allow.

use std::sync::Arc;

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use super::history::{History, history};
use super::strategy::{actor, changeset, counter, dot, form, hlc, key, stored, text};
use crate::form::DecideRole;
use crate::ids::{
    ActorId, ChainHash, EpochId, FieldId, FormHash, ItemHash, LogHash, LogPos, RecordId, Seq,
    Tombstone, UserId,
};
use crate::record::Record;
use crate::wire::Item;
use crate::wire::frame::FieldTable;
use crate::wire::message::{
    ChainPoint, Entry, ExchangeReply, ExchangeRequest, Head, PolicyEntry, PolicyKind, PushResult,
    Receipt, SignedTombstone, Status,
};

/// Knows every form version: its fields are these, whatever the hash.
#[derive(Clone, Debug)]
pub struct OneForm(pub Arc<[FieldId]>);

impl Default for OneForm {
    /// The first twenty fields that [`super::strategy::key`] likes to use, in another order.
    fn default() -> Self {
        Self((0..20u32).map(|n| FieldId(n * 7 % 20)).collect())
    }
}

impl FieldTable for OneForm {
    fn fields(&self, _: FormHash) -> Option<Arc<[FieldId]>> {
        Some(self.0.clone())
    }
}

fn seq() -> impl Strategy<Value = Seq> {
    counter().prop_filter_map("in range", |n| Seq::new(n).ok())
}

fn pos() -> impl Strategy<Value = LogPos> {
    counter().prop_filter_map("in range", |n| LogPos::new(n).ok())
}

fn epoch() -> impl Strategy<Value = EpochId> {
    (0u8..3).prop_map(|n| EpochId::from_bytes([n; 16]))
}

fn record() -> impl Strategy<Value = RecordId> {
    prop_oneof![(0u8..3).prop_map(|n| [n; 16]), any::<[u8; 16]>()].prop_map(RecordId::from_bytes)
}

fn chain_hash() -> impl Strategy<Value = ChainHash> {
    any::<[u8; 32]>().prop_map(ChainHash::from_bytes)
}

fn chain_point() -> impl Strategy<Value = ChainPoint> {
    (seq(), chain_hash()).prop_map(|(seq, hash)| ChainPoint { seq, hash })
}

fn hex_text(bytes: usize) -> impl Strategy<Value = String> {
    prop_oneof![
        4 => vec(any::<u8>(), bytes).prop_map(hex::encode),
        1 => vec(any::<u8>(), bytes).prop_map(hex::encode_upper),
        1 => Just(String::new()),
        1 => text().prop_map(|t| t.as_str().to_owned()),
    ]
}

/// A head of the log.
pub fn head() -> impl Strategy<Value = Head> {
    (
        epoch(),
        counter(),
        pos(),
        any::<[u8; 32]>(),
        pos(),
        hex_text(64),
    )
        .prop_map(|(epoch, opened, pos, hash, copied, sig)| Head {
            epoch,
            opened,
            pos,
            hash: LogHash::from_bytes(hash),
            copied,
            sig,
        })
}

fn receipt() -> impl Strategy<Value = Receipt> {
    let chain = (actor(), chain_point(), epoch());
    let copied = (pos(), seq(), vec(hex_text(32), 0..3), hex_text(64));
    (chain, copied).prop_map(
        |((actor, point, epoch), (copied, copied_seq, attachments, sig))| Receipt {
            actor,
            seq: point.seq,
            hash: point.hash,
            epoch,
            copied,
            copied_seq,
            attachments,
            sig,
        },
    )
}

/// An item before it has its place in a push.
fn item() -> impl Strategy<Value = Item> {
    let hash = any::<[u8; 32]>().prop_map(ItemHash::from_bytes);
    prop_oneof![
        6 => (changeset(), option::weighted(0.2, hlc())).prop_map(|(change, effective)| {
            let change = Box::new(change);
            Item::Change { change, effective }
        }),
        1 => (hash.clone(), vec(any::<u8>(), 0..60))
            .prop_map(|(hash, bytes)| Item::Opaque { seq: Seq::ZERO, hash, bytes }),
        1 => hash.prop_map(|hash| Item::Void { seq: Seq::ZERO, hash }),
    ]
}

/// The same item as the one of `actor` with number `seq`.
fn placed(item: Item, actor: ActorId, seq: Seq) -> Option<Item> {
    Some(match item {
        Item::Change { change, effective } => {
            let mut draft = change.into_draft();
            draft.dot = crate::clock::Dot::new(actor, seq);
            let change = Box::new(draft.seal().ok()?);
            Item::Change { change, effective }
        }
        Item::Opaque { hash, bytes, .. } => Item::Opaque { seq, hash, bytes },
        Item::Void { hash, .. } => Item::Void { seq, hash },
    })
}

/// A request with a push of up to `items` items.
pub fn request(items: usize) -> impl Strategy<Value = ExchangeRequest> {
    let text = || text().prop_map(|t| t.as_str().to_owned());
    let who = (actor(), epoch(), option::of(head()), option::of(text()));
    let push = (
        chain_point(),
        1u64..1000,
        chain_hash(),
        vec(item(), 0..=items),
    );
    // Each record once, as the limits ask.
    let records = || btree_set(record(), 0..3).prop_map(|set| set.into_iter().collect());
    let rest = (records(), records(), any::<u32>());
    let client = option::of(text()).prop_map(|c| c.filter(|c| c.len() <= 100));
    let more = (option::of(any::<u64>()), client);
    (who, push, rest, more).prop_filter_map("items within the limits", |(who, push, rest, more)| {
        let (actor, epoch, head, cursor) = who;
        let (chain, first, before, items) = push;
        let (leaves, refetch, max_bytes) = rest;
        let place = |(n, item)| placed(item, actor, Seq::new(first + n).ok()?);
        Some(ExchangeRequest {
            actor,
            epoch,
            head,
            cursor,
            chain,
            first: Seq::new(first).ok()?,
            before,
            items: (0u64..).zip(items).map(place).collect::<Option<_>>()?,
            leaves,
            refetch,
            max_bytes,
            device_time: more.0,
            client: more.1,
        })
    })
}

fn push_result() -> impl Strategy<Value = PushResult> {
    let status = proptest::sample::select(vec![
        Status::Applied,
        Status::Cut,
        Status::Duplicate,
        Status::Quarantined,
        Status::Void,
        Status::Erased,
    ]);
    let code = option::weighted(0.2, text().prop_map(|t| t.as_str().to_owned()));
    let flags = (any::<bool>(), any::<bool>());
    (
        seq(),
        status,
        code,
        option::of(hlc()),
        option::of(pos()),
        flags,
    )
        .prop_map(
            |(seq, status, code, effective, pos, (repeat, out_of_scope))| PushResult {
                seq,
                status,
                repeat,
                code,
                effective,
                out_of_scope,
                pos,
            },
        )
}

/// The state after a history, with all kinds of conflict in it.
fn state_of(history: &History) -> Record {
    let mut record = Record::new(history.record);
    history.made.iter().for_each(|m| record.apply(&m.stored));
    record
}

fn policy_entry() -> impl Strategy<Value = PolicyEntry> {
    let kind = proptest::sample::select(vec![
        PolicyKind::Single,
        PolicyKind::Protective,
        PolicyKind::Union,
    ]);
    let codes = || vec((0u8..9).prop_map(|n| format!("c{n}")), 0..3);
    let roles =
        proptest::sample::subsequence(vec![DecideRole::Worker, DecideRole::Reviewer], 0..=2);
    (any::<u32>(), kind, codes(), codes(), roles).prop_map(
        |(field, policy, order, consent, decide)| PolicyEntry {
            form_id: "intake".to_owned(),
            field: FieldId(field),
            policy,
            order,
            consent,
            decide,
        },
    )
}

fn rare_entry() -> impl Strategy<Value = Entry> {
    let erased = (pos(), any::<[u8; 32]>(), hex_text(64)).prop_map(|(pos, hash, sig)| {
        let hash = Tombstone::from_bytes(hash);
        Entry::Erased {
            pos,
            tombstone: SignedTombstone { hash, sig },
        }
    });
    let user = option::of(any::<[u8; 16]>().prop_map(UserId::from_bytes));
    let name = text().prop_map(|t| t.as_str().to_owned());
    prop_oneof![
        erased,
        (pos(), policy_entry()).prop_map(|(pos, policy)| Entry::Policy { pos, policy }),
        (pos(), form()).prop_map(|(pos, hash)| Entry::Form { pos, hash }),
        (pos(), actor(), name, user).prop_map(|(pos, actor, name, user)| Entry::Actor {
            pos,
            actor,
            name,
            user
        }),
        (pos(), dot(), any::<bool>()).prop_map(|(pos, dot, released)| Entry::Quarantine {
            pos,
            actor: dot.actor,
            seq: dot.seq,
            released,
        }),
        (pos(), key()).prop_map(|(pos, key)| Entry::Keys {
            pos,
            keys: serde_json::json!({ "receipt": [key.to_string(), 1, null] }),
        }),
    ]
}

/// An entry of a pull, of every kind.
pub fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        4 => (pos(), stored()).prop_map(|(pos, stored)| {
            let stored = Box::new(stored);
            Entry::Change { pos, stored }
        }),
        1 => (pos(), dot(), hlc(), counter(), any::<bool>())
            .prop_map(|(pos, dot, effective, received, cut)| Entry::Own {
                pos,
                actor: dot.actor,
                seq: dot.seq,
                effective,
                received,
                cut,
            }),
        2 => (pos(), form(), history(12))
            .prop_map(|(pos, form, history)| Entry::State { pos, form, state: state_of(&history) }),
        1 => (pos(), record()).prop_map(|(pos, record)| Entry::Enter { pos, record }),
        1 => (pos(), record()).prop_map(|(pos, record)| Entry::Leave { pos, record }),
        1 => record().prop_map(|record| Entry::Gone { record }),
        1 => vec(record(), 0..4).prop_map(|records| Entry::Scope { records }),
        2 => rare_entry(),
    ]
}

/// A reply with up to `entries` entries.
pub fn reply(entries: usize) -> impl Strategy<Value = ExchangeReply> {
    let log = (epoch(), counter(), head(), chain_point(), receipt());
    let answer = (vec(push_result(), 0..6), vec(entry(), 0..=entries));
    let cursor = option::of(text().prop_map(|t| t.as_str().to_owned()));
    (log, answer, cursor, any::<bool>(), any::<bool>()).prop_map(
        |(
            (epoch, server_time, head, acked, receipt),
            (results, entries),
            cursor,
            more,
            revoked,
        )| {
            ExchangeReply {
                epoch,
                server_time,
                head,
                acked,
                results,
                receipt,
                entries,
                cursor,
                more,
                revoked,
            }
        },
    )
}
