//! The tables at the front of a frame, as they are gathered while writing and as they stand while reading.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::FieldTable;
use super::bytes::{BAD, In, Out};
use crate::error::ParseError;
use crate::ids::{ActorId, EpochId, FieldId, FormHash, RecordId};
use crate::value::Text;

/// A choice longer than this is not put into the table, so that a short reference cannot stand for much.
pub(super) const CODE_BYTES_MAX: usize = 64;

/// Things that are named by their place, in the order in which they first came.
pub(super) struct Table<T> {
    list: Vec<T>,
    places: HashMap<T, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            places: HashMap::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Table<T> {
    /// The place of `item`, which is added if it is new.
    pub(super) fn place(&mut self, item: &T) -> usize {
        if let Some(place) = self.places.get(item) {
            return *place;
        }
        let place = self.list.len();
        self.list.push(item.clone());
        self.places.insert(item.clone(), place);
        place
    }
    /// 0 for an item that comes for the first time, else its place and one.
    pub(super) fn reference(&mut self, item: &T) -> usize {
        let known = self.list.len();
        match self.place(item) {
            new if new == known => 0,
            old => old + 1,
        }
    }
}

/// How the fields of one form version are named.
struct Form {
    hash: FormHash,
    /// Place in the package by field; none if fields are named by id.
    places: Option<HashMap<FieldId, usize>>,
}

/// What a writer gathers.
pub(super) struct Gathered<'f> {
    forms_known: &'f dyn FieldTable,
    forms: Vec<Form>,
    fields: Table<FieldId>,
    pub(super) records: Table<RecordId>,
    pub(super) epochs: Table<EpochId>,
    pub(super) actors: Table<ActorId>,
    pub(super) codes: Table<Text>,
}

impl<'f> Gathered<'f> {
    pub(super) fn new(forms_known: &'f dyn FieldTable) -> Self {
        Self {
            forms_known,
            forms: Vec::new(),
            fields: Table::default(),
            records: Table::default(),
            epochs: Table::default(),
            actors: Table::default(),
            codes: Table::default(),
        }
    }
    pub(super) fn form(&mut self, hash: FormHash) -> usize {
        if let Some(place) = self.forms.iter().position(|f| f.hash == hash) {
            return place;
        }
        let places = self.forms_known.fields(hash).map(|fields| {
            let places = fields.iter().enumerate().map(|(place, id)| (*id, place));
            places.collect()
        });
        self.forms.push(Form { hash, places });
        self.forms.len() - 1
    }
    /// The name of `field` under the form at `form`: even for a place in its package, odd for one in the frame's table.
    pub(super) fn field(&mut self, form: usize, field: FieldId) -> u64 {
        let places = self.forms.get(form).and_then(|f| f.places.as_ref());
        match places.and_then(|p| p.get(&field)) {
            Some(place) => 2 * *place as u64,
            None => 2 * self.fields.place(&field) as u64 + 1,
        }
    }
    pub(super) fn write(&self, out: &mut Out) {
        out.count(self.records.list.len());
        self.records.list.iter().for_each(|r| out.raw(r.as_bytes()));
        out.count(self.forms.len());
        for form in &self.forms {
            out.byte(form.places.is_some().into());
            out.raw(form.hash.as_bytes());
        }
        out.count(self.epochs.list.len());
        self.epochs.list.iter().for_each(|e| out.raw(e.as_bytes()));
        out.count(self.actors.list.len());
        self.actors.list.iter().for_each(|a| out.uint(a.0.into()));
        out.count(self.codes.list.len());
        for code in &self.codes.list {
            out.block(code.as_str().as_bytes());
        }
        out.count(self.fields.list.len());
        self.fields.list.iter().for_each(|f| out.uint(f.0.into()));
    }
}

/// The tables of a frame that is read.
pub(super) struct Tables {
    pub(super) records: Vec<RecordId>,
    forms: Vec<(FormHash, Arc<[FieldId]>)>,
    pub(super) epochs: Vec<EpochId>,
    pub(super) actors: Vec<ActorId>,
    codes: Vec<Text>,
    fields: Vec<FieldId>,
}

impl Tables {
    pub(super) fn read(r: &mut In<'_>, forms_known: &dyn FieldTable) -> Result<Self, ParseError> {
        let records = list(r, 16, |r| Ok(RecordId::from_bytes(r.fixed()?)))?;
        let none: Arc<[FieldId]> = Arc::from([]);
        let forms = list(r, 33, |r| {
            let by_place = r.bool()?;
            let hash = FormHash::from_bytes(r.fixed()?);
            let fields = match by_place {
                true => forms_known.fields(hash).ok_or(ParseError::UnknownForm)?,
                false => none.clone(),
            };
            Ok((hash, fields))
        })?;
        Ok(Self {
            records,
            forms,
            epochs: list(r, 16, |r| Ok(EpochId::from_bytes(r.fixed()?)))?,
            actors: list(r, 1, |r| r.u32().map(ActorId))?,
            codes: list(r, 1, |r| {
                let code = r.text()?;
                crate::value::limit("table entry bytes", code.len(), CODE_BYTES_MAX)?;
                Text::new(code)
            })?,
            fields: list(r, 1, |r| r.u32().map(FieldId))?,
        })
    }
    pub(super) fn form(&self, place: usize) -> Result<FormHash, ParseError> {
        Ok(self.forms.get(place).ok_or(BAD)?.0)
    }
    pub(super) fn field(&self, form: usize, name: u64) -> Result<FieldId, ParseError> {
        let place = usize::try_from(name / 2).map_err(|_| BAD)?;
        let fields = match name % 2 {
            0 => self.forms.get(form).map(|f| &*f.1),
            _ => Some(self.fields.as_slice()),
        };
        Ok(*fields.and_then(|f| f.get(place)).ok_or(BAD)?)
    }
    pub(super) fn code(&self, place: usize) -> Result<&Text, ParseError> {
        self.codes.get(place).ok_or(BAD)
    }
}

/// A length and as many items of at least `size` bytes.
pub(super) fn list<T>(
    r: &mut In<'_>,
    size: usize,
    read: impl FnMut(&mut In<'_>) -> Result<T, ParseError>,
) -> Result<Vec<T>, ParseError> {
    let mut read = read;
    (0..r.count(size)?).map(|_| read(r)).collect()
}

/// The item that a reference of [`Table::reference`] means; `new` counts those that came.
pub(super) fn referred<T: Copy>(
    list: &[T],
    reference: usize,
    new: &mut usize,
) -> Result<T, ParseError> {
    let place = match reference {
        0 => {
            *new += 1;
            *new - 1
        }
        old => old - 1,
    };
    list.get(place).copied().ok_or(BAD)
}
