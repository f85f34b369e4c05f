//! A record read in place: its canonical bytes walked once, without copying an answer.
//!
//! For who reads very many records and keeps none: exports. What several live values read as, and what is deleted, is
//! the business of [`crate::record::Record`]; a view only tells where that question comes up.

use crate::cbor::{Reader, Writer};
use crate::clock::{Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{FieldId, FormHash, RecordId, RowId};
use crate::key::{Key, MetaKey};
use crate::value::{
    Attachment, Codes, DateTime, Decimal, Geo, Int, Opaque, RowPlace, Text, Time, Value, parse_date,
};

mod read;

use read::{read_entry, read_live, read_value};

const BAD: ParseError = ParseError::Bytes("not our canonical form");

/// A record in its canonical bytes.
#[derive(Clone)]
pub struct RecordView<'a> {
    id: RecordId,
    lives: Vec<LiveView<'a>>,
    keys: usize,
    rest: Reader<'a>,
}

/// A changeset that still owns a live value.
#[derive(Clone, Copy)]
pub struct LiveView<'a> {
    /// Its dot.
    pub dot: Dot,
    /// The device's clock when it was saved.
    pub saved: Hlc,
    /// The clock that orders ties.
    pub effective: Hlc,
    /// When the server received it.
    pub received: u64,
    /// The form version it was answered with.
    pub form: FormHash,
    clock: &'a [u8],
}

impl LiveView<'_> {
    /// Whether its author had seen `dot`.
    pub fn covers(&self, dot: Dot) -> bool {
        let mut r = Reader::new(self.clock);
        let known = r.array().ok().and_then(|n| {
            (0..n)
                .map_while(|_| r.dot().ok())
                .find(|d| d.actor == dot.actor)
        });
        known.is_some_and(|d| d.seq >= dot.seq)
    }
}

/// A key, without a copy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyView<'a> {
    /// An answer outside repeats.
    Field(FieldId),
    /// An answer in a row of a repeat.
    Row {
        /// The repeat.
        group: FieldId,
        /// The row.
        row: RowId,
        /// The question.
        field: FieldId,
    },
    /// Whether a row stands, and where.
    RowMeta {
        /// The repeat.
        group: FieldId,
        /// The row.
        row: RowId,
    },
    /// Something about the record itself.
    Meta(MetaKey),
    /// A kind of key that this build does not know.
    Opaque {
        /// Its tag.
        tag: u32,
        /// Its bytes.
        bytes: &'a [u8],
    },
}

impl KeyView<'_> {
    /// The key itself.
    pub fn to_key(self) -> Result<Key, ParseError> {
        Ok(match self {
            Self::Field(field) => Key::Field(field),
            Self::Row { group, row, field } => Key::Row { group, row, field },
            Self::RowMeta { group, row } => Key::RowMeta { group, row },
            Self::Meta(meta) => Key::Meta(meta),
            Self::Opaque { tag, bytes } => Key::Opaque(Opaque::new(tag, bytes.to_vec())?),
        })
    }
    /// Whether this is an answer (and not row or record meta).
    pub fn is_answer(self) -> bool {
        matches!(
            self,
            Self::Field(_) | Self::Row { .. } | Self::Opaque { .. }
        )
    }
}

/// A value, without a copy. Days and times are in their canonical spelling.
#[derive(Clone, Copy)]
pub enum ValueView<'a> {
    /// Cleared.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A decimal number.
    Decimal(&'a str),
    /// Free text.
    Text(&'a str),
    /// One choice.
    Code(&'a str),
    /// Several choices.
    Codes(CodesView<'a>),
    /// A calendar day.
    Date(&'a str),
    /// A time of day.
    Time(&'a str),
    /// A moment with its offset.
    DateTime(&'a str),
    /// A place.
    Geo(Geo),
    /// A file that travels apart.
    Attachment {
        /// SHA-256 of its bytes.
        sha256: &'a [u8],
        /// Its size.
        size: u64,
        /// Its media type.
        media_type: &'a str,
    },
    /// The row stands.
    Row {
        /// Under this row.
        parent: Option<RowId>,
        /// Among its siblings.
        order: &'a str,
    },
    /// Deleted or restored.
    Deleted(bool),
    /// A kind of value that this build does not know.
    Opaque {
        /// Its tag.
        tag: u32,
        /// Its bytes.
        bytes: &'a [u8],
    },
}

/// A set of codes in order.
#[derive(Clone, Copy)]
pub struct CodesView<'a> {
    len: usize,
    codes: Reader<'a>,
}

impl<'a> CodesView<'a> {
    /// The codes in order.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        let mut codes = self.codes;
        (0..self.len).map_while(move |_| codes.text().ok())
    }
}

/// One key with what it holds.
#[derive(Clone, Copy)]
pub struct EntryView<'a> {
    /// The key.
    pub key: KeyView<'a>,
    /// Its first live value.
    pub value: ValueView<'a>,
    /// Which of [`RecordView::lives`] gave it.
    pub live: usize,
    /// Whether it has more live values.
    pub several: bool,
}

impl<'a> RecordView<'a> {
    /// Reads the head of a record; its keys are read as they are walked.
    pub fn new(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        r.array_of(4)?;
        match r.uint()? {
            1 => {}
            version => return Err(ParseError::Version(version)),
        }
        let id = RecordId::from_bytes(r.fixed()?);
        let lives = (0..r.array()?)
            .map(|_| read_live(&mut r))
            .collect::<Result<_, _>>()?;
        let keys = r.array()?;
        Ok(Self {
            id,
            lives,
            keys,
            rest: r,
        })
    }
    /// Its id.
    pub fn id(&self) -> RecordId {
        self.id
    }
    /// The changesets that still own a live value, by dot.
    pub fn lives(&self) -> &[LiveView<'a>] {
        &self.lives
    }
    /// The keys in canonical order. Ends behind the first that cannot be read.
    #[inline]
    pub fn entries(&self) -> impl Iterator<Item = Result<EntryView<'a>, ParseError>> + use<'a> {
        let (mut r, lives) = (self.rest, self.lives.len());
        let mut left = self.keys;
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let entry = read_entry(&mut r, lives);
            if entry.is_err() {
                left = 0;
            }
            Some(entry)
        })
    }
}

impl<'a> ValueView<'a> {
    /// Reads the canonical bytes of one value.
    pub fn new(bytes: &'a [u8]) -> Result<Self, ParseError> {
        let mut r = Reader::new(bytes);
        let value = read_value(&mut r)?;
        r.end()?;
        Ok(value)
    }
    /// The value itself.
    pub fn to_value(self) -> Result<Value, ParseError> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Int(n) => Value::Int(Int::new(n)?),
            Self::Decimal(t) => Value::Decimal(Decimal::parse(t)?),
            Self::Text(t) => Value::Text(Text::new(t)?),
            Self::Code(t) => Value::Code(Text::new(t)?),
            Self::Codes(codes) => {
                let codes: Result<Vec<_>, _> = codes.iter().map(Text::new).collect();
                Value::Codes(Codes::from_sorted(codes?)?)
            }
            Self::Date(t) => Value::Date(parse_date(t)?),
            Self::Time(t) => Value::Time(Time::parse_canonical(t)?),
            Self::DateTime(t) => Value::DateTime(DateTime::parse_canonical(t)?),
            Self::Geo(g) => Value::Geo(g),
            Self::Attachment {
                sha256,
                size,
                media_type,
            } => Value::Attachment(Attachment {
                sha256: sha256.try_into().map_err(|_| BAD)?,
                size,
                media_type: Text::new(media_type)?,
            }),
            Self::Row { parent, order } => Value::Row(RowPlace::new(parent, order)?),
            Self::Deleted(b) => Value::Deleted(b),
            Self::Opaque { tag, bytes } => Value::Opaque(Opaque::new(tag, bytes.to_vec())?),
        })
    }
}

impl Value {
    /// Its canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(32);
        w.value(self);
        w.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::RecordId;
    use crate::record::Record;
    use crate::testing::{cases, strategy};

    proptest! {
        #![proptest_config(cases(256))]

        #[test]
        fn a_view_tells_what_the_record_holds(all in prop::collection::vec(strategy::stored(), 0..6)) {
            let mut record = Record::new(RecordId::from_bytes([5; 16]));
            all.iter().for_each(|stored| record.apply(stored));
            let bytes = record.to_bytes();
            let view = RecordView::new(&bytes).unwrap();
            prop_assert_eq!(view.id(), record.id());
            prop_assert_eq!(view.lives().len(), record.lives().len());
            for (seen, live) in view.lives().iter().zip(record.lives()) {
                prop_assert_eq!((seen.dot, seen.saved, seen.effective), (live.dot, live.saved, live.effective));
                prop_assert_eq!((seen.received, seen.form), (live.received, live.form));
                for dot in live.clock.dots().chain(record.lives().iter().map(|l| l.dot)) {
                    prop_assert_eq!(seen.covers(dot), live.clock.covers(dot));
                }
            }
            let entries: Vec<_> = view.entries().map(Result::unwrap).collect();
            prop_assert_eq!(entries.len(), record.keys().len());
            for (entry, (key, values)) in entries.iter().zip(record.keys()) {
                prop_assert_eq!(&entry.key.to_key().unwrap(), key);
                prop_assert_eq!(entry.several, values.len() > 1);
                prop_assert_eq!(view.lives()[entry.live].dot, values[0].0);
                let value = entry.value.to_value().unwrap();
                prop_assert!(value == values[0].1);
                let bytes = value.to_bytes();
                prop_assert!(ValueView::new(&bytes).unwrap().to_value().unwrap() == value);
            }
        }

        #[test]
        fn whatever_the_bytes_are_reading_ends(mut bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = RecordView::new(&bytes).map(|v| v.entries().count());
            bytes.splice(0..0, [0x84, 0x01, 0x50]);
            let _ = RecordView::new(&bytes).map(|v| v.entries().count());
        }
    }
}
