//! The writes of one changeset in a frame: answers by the place of their field, then rows, then meta, then the unknown.
//!
//! Within a section fields ascend by their name in the frame, so each is a small difference.

use std::collections::BTreeMap;

use super::bytes::{BAD, In, Out};
use super::tables::{Gathered, Tables};
use super::value::{Budget, read as read_value, write as write_value};
use crate::change::WRITES_MAX;
use crate::error::ParseError;
use crate::ids::{CommentId, FieldId, RowId};
use crate::key::{Key, MetaKey};
use crate::value::{Opaque, Value, limit};

const FIELDS: u8 = 1;
const ROWS: u8 = 2;
const META: u8 = 4;
const OTHER: u8 = 8;

const STATUS: u64 = 0;
const ASSIGNEE: u64 = 1;
const DELETED: u64 = 2;
const COMMENT: u64 = 3;

/// Answers of one place (the record, or one row), by the name of their field in the frame.
type Named<'w> = Vec<(u64, &'w Value)>;

#[derive(Default)]
struct Row<'w> {
    place: Option<&'w Value>,
    answers: Named<'w>,
}

#[derive(Default)]
struct Sections<'w> {
    fields: Named<'w>,
    rows: BTreeMap<(u64, RowId), Row<'w>>,
    meta: Vec<(MetaKey, &'w Value)>,
    other: Vec<(&'w Opaque, &'w Value)>,
}

impl<'w> Sections<'w> {
    fn of(
        tables: &mut Gathered<'_>,
        form: usize,
        writes: impl Iterator<Item = (&'w Key, &'w Value)>,
    ) -> Self {
        let mut s = Self::default();
        for (key, value) in writes {
            let mut name = |field: FieldId| tables.field(form, field);
            match key {
                Key::Field(field) => s.fields.push((name(*field), value)),
                Key::Row { group, row, field } => {
                    let (group, field) = (name(*group), name(*field));
                    let row = s.rows.entry((group, *row)).or_default();
                    row.answers.push((field, value));
                }
                Key::RowMeta { group, row } => {
                    s.rows.entry((name(*group), *row)).or_default().place = Some(value);
                }
                Key::Meta(meta) => s.meta.push((*meta, value)),
                Key::Opaque(opaque) => s.other.push((opaque, value)),
            }
        }
        s.fields.sort_by_key(|(name, _)| *name);
        s.rows
            .values_mut()
            .for_each(|r| r.answers.sort_by_key(|(name, _)| *name));
        s
    }
}

pub(super) fn write<'w>(
    out: &mut Out,
    tables: &mut Gathered<'_>,
    form: usize,
    base_day: i64,
    writes: impl Iterator<Item = (&'w Key, &'w Value)>,
) {
    let s = Sections::of(tables, form, writes);
    let flag = |on: bool, bit: u8| if on { bit } else { 0 };
    out.byte(
        flag(!s.fields.is_empty(), FIELDS)
            | flag(!s.rows.is_empty(), ROWS)
            | flag(!s.meta.is_empty(), META)
            | flag(!s.other.is_empty(), OTHER),
    );
    let named = |out: &mut Out, tables: &mut Gathered<'_>, answers: &Named<'_>| {
        let mut last = 0;
        for (name, value) in answers {
            out.uint(name - last);
            last = *name;
            write_value(out, tables, value, base_day);
        }
    };
    if !s.fields.is_empty() {
        out.count(s.fields.len());
        named(out, tables, &s.fields);
    }
    if !s.rows.is_empty() {
        out.count(s.rows.len());
        for ((group, row), content) in &s.rows {
            out.uint(*group);
            out.raw(row.as_bytes());
            out.count(content.answers.len() << 1 | usize::from(content.place.is_some()));
            if let Some(place) = content.place {
                write_value(out, tables, place, base_day);
            }
            named(out, tables, &content.answers);
        }
    }
    if !s.meta.is_empty() {
        out.count(s.meta.len());
        for (meta, value) in &s.meta {
            write_meta(out, *meta);
            write_value(out, tables, value, base_day);
        }
    }
    if !s.other.is_empty() {
        out.count(s.other.len());
        for (opaque, value) in &s.other {
            out.uint(opaque.tag().into());
            out.block(opaque.bytes());
            write_value(out, tables, value, base_day);
        }
    }
}

fn write_meta(out: &mut Out, meta: MetaKey) {
    match meta {
        MetaKey::Status => out.uint(STATUS),
        MetaKey::Assignee => out.uint(ASSIGNEE),
        MetaKey::Deleted => out.uint(DELETED),
        MetaKey::Comment(id) => {
            out.uint(COMMENT);
            out.raw(id.as_bytes());
        }
    }
}

fn read_meta(r: &mut In<'_>) -> Result<MetaKey, ParseError> {
    Ok(match r.uint()? {
        STATUS => MetaKey::Status,
        ASSIGNEE => MetaKey::Assignee,
        DELETED => MetaKey::Deleted,
        COMMENT => MetaKey::Comment(CommentId::from_bytes(r.fixed()?)),
        _ => return Err(ParseError::Bytes("unknown record meta")),
    })
}

/// Reads the writes of one changeset under the form at `form`.
pub(super) struct WritesReader<'t, 'b> {
    pub(super) tables: &'t Tables,
    pub(super) form: usize,
    pub(super) base_day: i64,
    pub(super) budget: &'b mut Budget,
}

impl WritesReader<'_, '_> {
    fn value(&mut self, r: &mut In<'_>) -> Result<Value, ParseError> {
        read_value(r, self.tables, self.budget, self.base_day)
    }

    fn named(
        &mut self,
        r: &mut In<'_>,
        n: usize,
        mut put: impl FnMut(FieldId, Value) -> Result<(), ParseError>,
    ) -> Result<(), ParseError> {
        let mut name = 0u64;
        for _ in 0..n {
            name = name.checked_add(r.uint()?).ok_or(BAD)?;
            put(self.tables.field(self.form, name)?, self.value(r)?)?;
        }
        Ok(())
    }

    pub(super) fn read(&mut self, r: &mut In<'_>) -> Result<Vec<(Key, Value)>, ParseError> {
        let mut out: Vec<(Key, Value)> = Vec::new();
        let has = r.byte()?;
        if has > 15 {
            return Err(BAD);
        }
        let room = |n: usize, out: &Vec<(Key, Value)>| limit("writes", n + out.len(), WRITES_MAX);
        if has & FIELDS != 0 {
            let n = r.count(2)?;
            room(n, &out)?;
            out.reserve(n);
            self.named(r, n, |field, value| {
                out.push((Key::Field(field), value));
                Ok(())
            })?;
        }
        if has & ROWS != 0 {
            for _ in 0..r.count(10)? {
                let name = r.uint()?;
                let group = self.tables.field(self.form, name)?;
                let row = RowId::from_bytes(r.fixed()?);
                let n = r.index()?;
                room(n / 2, &out)?;
                if n & 1 != 0 {
                    out.push((Key::RowMeta { group, row }, self.value(r)?));
                }
                self.named(r, n / 2, |field, value| {
                    out.push((Key::Row { group, row, field }, value));
                    room(0, &out)
                })?;
            }
        }
        if has & META != 0 {
            for _ in 0..r.count(2)? {
                out.push((Key::Meta(read_meta(r)?), self.value(r)?));
                room(0, &out)?;
            }
        }
        if has & OTHER != 0 {
            for _ in 0..r.count(3)? {
                let opaque = Opaque::new(r.u32()?, r.block()?.to_vec())?;
                out.push((Key::Opaque(opaque), self.value(r)?));
                room(0, &out)?;
            }
        }
        Ok(out)
    }
}
