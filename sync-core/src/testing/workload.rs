//! The workload behind our numbers: interviews as outreach workers make them, the same on every machine.
//!
//! Rebuilt from the description of the measurements in `research/crdt.md` §6: a form of 90 fields of which about 35 are
//! filled, 0 to 6 rows of a repeat with 6 writes each, about 53 writes an interview, about 2 KB as plain JSON, 50 devices.
//! The texts are as long as it takes for a batch of 100 in JSON to need after zstd what it needed there (623 bytes an
//! interview; here 632). Text is made of pseudo-words, which compress differently from real languages: compare columns,
//! not absolutes.

use std::sync::Arc;

use super::Dice;
use crate::change::{Changeset, Draft, Stamp, Stored};
use crate::clock::{Clock, Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{
    ActorId, ChainHash, EpochId, FieldId, FormHash, LogHash, LogPos, RecordId, RowId, Seq,
};
use crate::key::{Key, MetaKey};
use crate::value::{
    Attachment, Codes, DateTime, Decimal, Geo, Int, RowPlace, Text, Time, Value, parse_date,
};
use crate::wire::Item;
use crate::wire::frame::FieldTable;
use crate::wire::message::{ChainPoint, ExchangeRequest, Head};

mod published;

pub use published::{FORM_ID, xform};

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// One of so many choices.
    Code(u8),
    Codes(u8),
    Int,
    Decimal,
    Name,
    Note,
    Date,
    DateTime,
    Time,
    Bool,
    Geo,
    Photo,
}

/// A field with the share of interviews, in percent, that answer it.
#[derive(Clone, Copy, Debug)]
struct Field {
    id: FieldId,
    kind: Kind,
    share: usize,
}

/// A form, devices that interview with it, and their clock.
#[derive(Clone, Debug)]
pub struct Workload {
    dice: Dice,
    form: FormHash,
    fields: Vec<Field>,
    group: FieldId,
    row_fields: Vec<Field>,
    package: Arc<[FieldId]>,
    epoch: EpochId,
    devices: Vec<Device>,
}

/// One phone: how far its numbers and its clock are.
#[derive(Clone, Debug)]
pub struct Device {
    /// Its actor.
    pub actor: ActorId,
    seq: Seq,
    clock: Hlc,
    /// Where it works, in 10^-7 degrees.
    place: (i32, i32),
}

impl FieldTable for Workload {
    fn fields(&self, form: FormHash) -> Option<Arc<[FieldId]>> {
        (form == self.form).then(|| self.package.clone())
    }
}

const SYLLABLES: [&str; 24] = [
    "ka", "ren", "so", "mi", "tha", "lu", "ve", "dor", "na", "phe", "ri", "bo", "chan", "te", "wu",
    "ga", "lim", "po", "sre", "yan", "ho", "ki", "dra", "mu",
];

const CHOICES: [&str; 8] = [
    "yes",
    "no",
    "sometimes",
    "not_known",
    "refused",
    "other",
    "transport",
    "documents_kept",
];

/// How many of each kind, how often answered.
const SHAPE: [(Kind, usize, usize); 12] = [
    (Kind::Code(6), 28, 43),
    (Kind::Codes(8), 8, 30),
    (Kind::Int, 13, 36),
    (Kind::Decimal, 4, 30),
    (Kind::Name, 11, 38),
    (Kind::Note, 8, 48),
    (Kind::Date, 6, 35),
    (Kind::DateTime, 2, 50),
    (Kind::Time, 1, 20),
    (Kind::Bool, 6, 35),
    (Kind::Geo, 1, 60),
    (Kind::Photo, 1, 10),
];

const ROW_SHAPE: [Kind; 5] = [
    Kind::Name,
    Kind::Int,
    Kind::Code(4),
    Kind::Code(6),
    Kind::Bool,
];

const START_MS: u64 = 1_793_500_000_000;

impl Workload {
    /// The workload of a seed with so many devices.
    pub fn new(seed: u64, devices: usize) -> Self {
        let mut dice = Dice::new(seed);
        let id = |dice: &mut Dice| FieldId(u32::from_be_bytes(dice.bytes()));
        let mut fields = Vec::new();
        for (kind, count, share) in SHAPE {
            for _ in 0..count {
                let id = id(&mut dice);
                fields.push(Field { id, kind, share });
            }
        }
        dice.shuffle(&mut fields);
        let group = id(&mut dice);
        let row_fields: Vec<Field> = ROW_SHAPE
            .into_iter()
            .map(|kind| Field {
                id: id(&mut dice),
                kind,
                share: 100,
            })
            .collect();
        let ids = fields.iter().chain(&row_fields).map(|f| f.id);
        let package = ids.chain([group]).collect();
        let form = FormHash::from_bytes(dice.bytes());
        let epoch = EpochId::from_bytes(dice.bytes());
        let devices = (0..devices.max(1))
            .map(|_| Device {
                actor: ActorId(u32::from_be_bytes(dice.bytes())),
                seq: Seq::ZERO,
                clock: Hlc::default().tick(START_MS + dice.bits() % 3_600_000),
                place: (
                    110_000_000 + jitter(&mut dice, 9_000_000),
                    1_040_000_000 + jitter(&mut dice, 9_000_000),
                ),
            })
            .collect();
        Self {
            dice,
            form,
            fields,
            group,
            row_fields,
            package,
            epoch,
            devices,
        }
    }
    /// The form version that all interviews are answered with.
    pub fn form(&self) -> FormHash {
        self.form
    }
    /// The epoch of all contexts.
    pub fn epoch(&self) -> EpochId {
        self.epoch
    }
    /// The devices.
    pub fn devices(&self) -> &[Device] {
        &self.devices
    }

    /// The next number and clock of a device: some minutes after its last save.
    fn stamp(&mut self, device: usize, seconds: usize) -> Result<(Dot, Hlc), ParseError> {
        let later = 20_000 + self.dice.bits() % (1_000 * seconds.max(1) as u64);
        let device = &mut self.devices[device];
        device.seq = device.seq.next()?;
        device.clock = device.clock.tick(device.clock.ms() + later);
        Ok((Dot::new(device.actor, device.seq), device.clock))
    }

    fn draft(
        &self,
        record: RecordId,
        (dot, clock): (Dot, Hlc),
        seen: Clock,
        writes: Vec<(Key, Value)>,
    ) -> Draft {
        Draft {
            record,
            dot,
            clock,
            form: self.form,
            creates: seen.is_empty(),
            epoch: self.epoch,
            seen,
            writes,
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        }
    }

    /// A new interview of a device.
    pub fn create(&mut self, device: usize) -> Result<Changeset, ParseError> {
        let stamp = self.stamp(device, 1_200)?;
        let record = RecordId::from_bytes(self.dice.bytes());
        let mut writes = vec![(
            Key::Meta(MetaKey::Status),
            Value::Code(Text::new("complete")?),
        )];
        for field in self.fields.clone() {
            if self.dice.chance(field.share) {
                writes.push((
                    Key::Field(field.id),
                    self.value(field.kind, device, stamp.1)?,
                ));
            }
        }
        let group = self.group;
        for n in 0..self.dice.below(7) {
            let row = RowId::from_bytes(self.dice.bytes());
            let place = RowPlace::new(None, &format!("a{n}"))?;
            writes.push((Key::RowMeta { group, row }, Value::Row(place)));
            for field in self.row_fields.clone() {
                let key = Key::Row {
                    group,
                    row,
                    field: field.id,
                };
                writes.push((key, self.value(field.kind, device, stamp.1)?));
            }
        }
        self.draft(record, stamp, Clock::new(), writes).seal()
    }

    /// A correction of one short answer of `before` by a device that saw `seen`.
    pub fn edit(
        &mut self,
        device: usize,
        before: &Changeset,
        seen: Clock,
    ) -> Result<Changeset, ParseError> {
        let stamp = self.stamp(device, 300)?;
        // Notes are written once; what is corrected is a date, a number, a choice, a name.
        let short = |value: &Value| !matches!(value, Value::Text(t) if t.as_str().len() > 40);
        let answers = before
            .writes
            .iter()
            .filter(|w| w.0.is_answer() && short(&w.1));
        let answers: Vec<&(Key, Value)> = answers.collect();
        let mut writes = Vec::new();
        if let Some((key, _)) = answers.get(self.dice.below(answers.len())) {
            let all = self.fields.iter().chain(&self.row_fields);
            let kind = all
                .clone()
                .find(|f| Some(f.id) == key.field())
                .map_or(Kind::Int, |f| f.kind);
            writes.push((key.clone(), self.value(kind, device, stamp.1)?));
        }
        self.draft(before.record, stamp, seen, writes).seal()
    }

    fn words(&mut self, from: usize, to: usize) -> Result<Text, ParseError> {
        let mut out = String::new();
        for n in 0..from + self.dice.below(to - from + 1) {
            if n > 0 {
                out.push(' ');
            }
            for _ in 0..=self.dice.below(3) {
                out.push_str(SYLLABLES[self.dice.below(SYLLABLES.len())]);
            }
        }
        Text::new(out)
    }

    fn value(&mut self, kind: Kind, device: usize, now: Hlc) -> Result<Value, ParseError> {
        let dice = &mut self.dice;
        Ok(match kind {
            Kind::Code(n) => Value::Code(Text::new(CHOICES[dice.below(n.into())])?),
            Kind::Codes(n) => {
                let picked = (0..=dice.below(3)).map(|_| Text::new(CHOICES[dice.below(n.into())]));
                let picked: Vec<Text> = picked.collect::<Result<_, _>>()?;
                Value::Codes(Codes::new(picked)?)
            }
            Kind::Int => Value::Int(Int::new(i64::try_from(dice.below(90)).unwrap_or_default())?),
            Kind::Decimal => Value::Decimal(Decimal::normalise(&format!(
                "{}.{}",
                dice.below(900),
                dice.below(10)
            ))?),
            Kind::Name => Value::Text(self.words(1, 3)?),
            Kind::Note => Value::Text(self.words(10, 40)?),
            Kind::Date => {
                let text = format!(
                    "{}-{:02}-{:02}",
                    1960 + dice.below(66),
                    1 + dice.below(12),
                    1 + dice.below(28)
                );
                Value::Date(parse_date(&text)?)
            }
            Kind::DateTime => {
                let ms = u32::try_from(now.ms() / 60_000 * 60_000 % 86_400_000).unwrap_or_default();
                Value::DateTime(DateTime::new(parse_date("2026-11-24")?, ms, 420)?)
            }
            Kind::Time => Value::Time(Time::new(
                u32::try_from(dice.below(1440)).unwrap_or_default() * 60_000,
                None,
            )?),
            Kind::Bool => Value::Bool(dice.chance(50)),
            Kind::Geo => {
                let (lat, lon) = self.devices[device].place;
                Value::Geo(Geo {
                    lat_e7: lat + jitter(dice, 90_000),
                    lon_e7: lon + jitter(dice, 90_000),
                    alt_cm: Some(jitter(dice, 9_000)),
                    acc_cm: Some(u32::try_from(300 + dice.below(2_000)).unwrap_or_default()),
                })
            }
            Kind::Photo => Value::Attachment(Attachment {
                sha256: dice.bytes(),
                size: 90_000 + dice.bits() % 900_000,
                media_type: Text::new("image/jpeg")?,
            }),
        })
    }
}

fn jitter(dice: &mut Dice, most: i32) -> i32 {
    let range = usize::try_from(2 * i64::from(most) + 1).unwrap_or(1);
    i32::try_from(dice.below(range)).unwrap_or_default() - most
}

/// A changeset as the server stores it when nothing is wrong with it, some seconds later.
pub fn accepted(change: Changeset) -> Stored {
    Stored {
        stamp: Stamp {
            context: change.seen.clone(),
            effective: change.clock,
            received: change.clock.ms() + 7_000,
            cut: false,
        },
        change,
    }
}

/// A push of these changesets, which are one device's in their order, as the device would send it.
pub fn push(workload: &Workload, changes: Vec<Changeset>) -> ExchangeRequest {
    let mut dice = Dice::new(changes.len() as u64);
    let (actor, first) = changes
        .first()
        .map_or((ActorId(1), Seq::ZERO), |c| (c.dot.actor, c.dot.seq));
    let last = changes.last().map_or(Seq::ZERO, |c| c.dot.seq);
    let item = |change| Item::Change {
        change: Box::new(change),
        effective: None,
    };
    ExchangeRequest {
        actor,
        epoch: workload.epoch,
        head: Some(Head {
            epoch: workload.epoch,
            opened: START_MS,
            pos: LogPos::ZERO,
            hash: LogHash::from_bytes(dice.bytes()),
            copied: LogPos::ZERO,
            sig: hex::encode(dice.bytes::<64>()),
        }),
        cursor: Some(hex::encode(dice.bytes::<48>())),
        chain: ChainPoint {
            seq: last,
            hash: ChainHash::from_bytes(dice.bytes()),
        },
        first,
        before: ChainHash::from_bytes(dice.bytes()),
        items: changes.into_iter().map(item).collect(),
        leaves: Vec::new(),
        refetch: Vec::new(),
        max_bytes: 256 * 1024,
        device_time: None,
        client: None,
    }
}
