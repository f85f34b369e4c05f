//! Proptest strategies for everything that a message may carry: values and keys of every kind with the unknown ones,
//! changesets within their limits.
//!
//! They do not know what makes sense: a date may be written to a status. Not here: honest contexts, see
//! [`super::history`].

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::change::{Changeset, Decision, Draft, Origin, Stamp, Stored};
use crate::clock::{Clock, Dot, Hlc};
use crate::ids::{
    ActorId, COUNTER_MAX, CommentId, EpochId, FieldId, FormHash, ItemHash, RecordId, RowId, Seq,
};
use crate::key::{Key, MetaKey};
use crate::value::{
    Attachment, Codes, DateTime, Decimal, Geo, Int, OPAQUE_TAG_MIN, Opaque, RowPlace, Text, Time,
    Value,
};

/// Text with every kind of character, mostly short.
pub fn text() -> impl Strategy<Value = Text> {
    let plain = vec(proptest::char::range(' ', '~'), 0..24);
    let wild = vec(any::<char>(), 0..12);
    let long = vec(Just('ក'), 0..600);
    prop_oneof![4 => plain, 2 => wild, 1 => long].prop_filter_map("within the limit", |chars| {
        Text::new(chars.into_iter().collect::<String>()).ok()
    })
}

/// A choice.
pub fn code() -> impl Strategy<Value = Text> {
    prop_oneof![
        3 => (0u8..8).prop_map(|n| format!("c{n}")),
        1 => Just(String::new()),
        1 => vec(any::<char>(), 1..6).prop_map(|c| c.into_iter().collect()),
    ]
    .prop_filter_map("within the limit", |code: String| Text::new(code).ok())
}

/// A number that every bound of ours lets through, often a small one or one at the bound.
pub fn counter() -> impl Strategy<Value = u64> {
    prop_oneof![6 => 0u64..300, 2 => 0u64..=COUNTER_MAX, 1 => Just(COUNTER_MAX)]
}

/// A kind that this build does not know.
pub fn opaque() -> impl Strategy<Value = Opaque> {
    let tag = prop_oneof![
        Just(OPAQUE_TAG_MIN),
        OPAQUE_TAG_MIN..100,
        Just(u32::MAX),
        OPAQUE_TAG_MIN..=u32::MAX,
    ];
    (tag, vec(any::<u8>(), 0..40)).prop_filter_map("within the limit", |(tag, bytes)| {
        Opaque::new(tag, bytes).ok()
    })
}

fn decimal() -> impl Strategy<Value = Decimal> {
    (any::<bool>(), any::<u64>(), any::<u32>()).prop_filter_map("a decimal", |(minus, a, b)| {
        Decimal::normalise(&format!("{}{a}.{b}", if minus { "-" } else { "" })).ok()
    })
}

fn date() -> impl Strategy<Value = jiff::civil::Date> {
    (0i16..=9999, 1i8..=12, 1i8..=31)
        .prop_filter_map("a date", |(y, m, d)| jiff::civil::Date::new(y, m, d).ok())
}

fn row_place() -> impl Strategy<Value = RowPlace> {
    let digit = proptest::sample::select(b"059azmAZM".as_slice()).prop_map(char::from);
    let order = vec(digit, 1..12);
    (option::of(row()), order).prop_filter_map("a place", |(parent, order)| {
        RowPlace::new(parent, &order.into_iter().collect::<String>()).ok()
    })
}

fn geo() -> impl Strategy<Value = Geo> {
    let near = (
        -900_000_000i32..=900_000_000,
        -1_800_000_000i32..=1_800_000_000,
    );
    (near, option::of(any::<i32>()), option::of(any::<u32>())).prop_map(
        |((lat_e7, lon_e7), alt_cm, acc_cm)| Geo {
            lat_e7,
            lon_e7,
            alt_cm,
            acc_cm,
        },
    )
}

/// A value of every kind.
pub fn value() -> impl Strategy<Value = Value> {
    let max = COUNTER_MAX.cast_signed();
    let int = prop_oneof![4 => -300i64..300, 1 => -max..=max, 1 => Just(max), 1 => Just(-max)];
    let offset = -840i16..=840;
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        int.prop_filter_map("in range", |n| Int::new(n).ok().map(Value::Int)),
        decimal().prop_map(Value::Decimal),
        text().prop_map(Value::Text),
        code().prop_map(Value::Code),
        vec(code(), 0..6).prop_filter_map("a set", |c| Codes::new(c).ok().map(Value::Codes)),
        date().prop_map(Value::Date),
        (0u32..86_400_000, option::of(offset.clone()))
            .prop_filter_map("a time", |(ms, o)| Time::new(ms, o).ok().map(Value::Time)),
        (date(), 0u32..86_400_000, offset).prop_filter_map("a moment", |(d, ms, o)| {
            DateTime::new(d, ms, o).ok().map(Value::DateTime)
        }),
        geo().prop_map(Value::Geo),
        (any::<[u8; 32]>(), counter(), code()).prop_map(|(sha256, size, media_type)| {
            Value::Attachment(Attachment {
                sha256,
                size,
                media_type,
            })
        }),
        row_place().prop_map(Value::Row),
        any::<bool>().prop_map(Value::Deleted),
        opaque().prop_map(Value::Opaque),
    ]
}

fn row() -> impl Strategy<Value = RowId> {
    prop_oneof![
        (0u8..4).prop_map(|n| RowId::from_bytes([n; 8])),
        any::<[u8; 8]>().prop_map(RowId::from_bytes)
    ]
}

fn field() -> impl Strategy<Value = FieldId> {
    prop_oneof![3 => 0u32..40, 1 => any::<u32>()].prop_map(FieldId)
}

/// A key of every kind.
pub fn key() -> impl Strategy<Value = Key> {
    let meta = prop_oneof![
        Just(MetaKey::Status),
        Just(MetaKey::Assignee),
        Just(MetaKey::Deleted),
        any::<[u8; 8]>().prop_map(|id| MetaKey::Comment(CommentId::from_bytes(id))),
    ];
    prop_oneof![
        4 => field().prop_map(Key::Field),
        2 => (field(), row(), field()).prop_map(|(group, row, field)| Key::Row { group, row, field }),
        1 => (field(), row()).prop_map(|(group, row)| Key::RowMeta { group, row }),
        1 => meta.prop_map(Key::Meta),
        1 => opaque().prop_map(Key::Opaque),
    ]
}

/// An actor, of few or of any.
pub fn actor() -> impl Strategy<Value = ActorId> {
    prop_oneof![3 => 1u32..6, 1 => any::<u32>()].prop_map(ActorId)
}

/// A changeset's identity.
pub fn dot() -> impl Strategy<Value = Dot> {
    (actor(), counter()).prop_filter_map("from 1 up", |(actor, n)| {
        Some(Dot::new(actor, Seq::new(n.max(1)).ok()?))
    })
}

/// A hybrid clock.
pub fn hlc() -> impl Strategy<Value = Hlc> {
    let ms = prop_oneof![4 => 1_767_225_600_000u64..1_798_761_600_000, 1 => counter()];
    (ms, prop_oneof![3 => 0u16..4, 1 => any::<u16>()])
        .prop_filter_map("in range", |(ms, n)| Hlc::new(ms, n).ok())
}

/// A context that nobody has checked.
pub fn clock() -> impl Strategy<Value = Clock> {
    vec(dot(), 0..6).prop_map(|dots| dots.into_iter().collect())
}

fn decision() -> impl Strategy<Value = Decision> {
    (key(), proptest::collection::btree_set(dot(), 0..4), text()).prop_map(|(key, dots, reason)| {
        Decision {
            key,
            dots: dots.into_iter().collect(),
            reason,
        }
    })
}

fn origin() -> impl Strategy<Value = Origin> {
    (dot(), any::<[u8; 32]>()).prop_map(|(dot, hash)| Origin {
        dot,
        hash: ItemHash::from_bytes(hash),
    })
}

fn id<T>(make: fn([u8; 16]) -> T) -> impl Strategy<Value = T>
where
    T: std::fmt::Debug,
{
    prop_oneof![2 => (0u8..3).prop_map(|n| [n; 16]), 1 => any::<[u8; 16]>()].prop_map(make)
}

/// The hash of a form version, of few or of any.
pub fn form() -> impl Strategy<Value = FormHash> {
    prop_oneof![2 => (0u8..3).prop_map(|n| [n; 32]), 1 => any::<[u8; 32]>()]
        .prop_map(FormHash::from_bytes)
}

/// A changeset before it is sealed: no key twice, within all limits.
pub fn draft() -> impl Strategy<Value = Draft> {
    let head = (
        id(RecordId::from_bytes),
        dot(),
        hlc(),
        form(),
        any::<bool>(),
    );
    let context = (id(EpochId::from_bytes), clock());
    let writes = proptest::collection::btree_map(key(), value(), 0..12);
    let rare = (
        prop_oneof![3 => Just(Vec::new()), 1 => vec(decision(), 0..3)],
        option::weighted(0.2, origin()),
        prop_oneof![3 => Just(Vec::new()), 1 => vec(opaque(), 0..3)],
    );
    (head, context, writes, rare).prop_map(|(head, (epoch, seen), writes, rare)| {
        let (record, dot, clock, form, creates) = head;
        let (mut decisions, origin, mut extensions) = rare;
        decisions.sort_by(|a: &Decision, b| a.key.cmp(&b.key));
        decisions.dedup_by(|a, b| a.key == b.key);
        extensions.sort();
        extensions.dedup_by_key(|e: &mut Opaque| e.tag());
        Draft {
            record,
            dot,
            clock,
            form,
            creates,
            epoch,
            seen,
            writes: writes.into_iter().collect(),
            decisions,
            origin,
            extensions,
        }
    })
}

/// A sealed changeset with anything in it.
pub fn changeset() -> impl Strategy<Value = Changeset> {
    draft().prop_filter_map("within the limits", |draft| draft.seal().ok())
}

/// A changeset with a verdict of the server.
pub fn stored() -> impl Strategy<Value = Stored> {
    (changeset(), clock(), hlc(), counter(), any::<bool>()).prop_map(
        |(change, context, effective, received, cut)| Stored {
            change,
            stamp: Stamp {
                context,
                effective,
                received,
                cut,
            },
        },
    )
}
