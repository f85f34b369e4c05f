//! Histories: several replicas that open, save, push and pull one record, with contexts as honest devices make them.
//!
//! The context of a save is what its replica held when the form was opened, plus that session's own saves (§1.5); a
//! form may stay open for long. Beside the kernel's clock every changeset carries the plain set of dots that its author
//! was shown: the oracle reads that set only. Not here: a server that checks contexts, erasure, forks.

use std::collections::{BTreeSet, VecDeque};

use proptest::collection::vec;
use proptest::prelude::*;

use crate::change::{Draft, Stamp, Stored};
use crate::clock::{Clock, Dot, Hlc};
use crate::error::ParseError;
use crate::ids::{ActorId, EpochId, FieldId, FormHash, RecordId, RowId, Seq};
use crate::key::{Key, MetaKey};
use crate::record::Record;
use crate::value::{Codes, Opaque, RowPlace, Text, Value};

/// One changeset and what its author was shown, as plain dots.
#[derive(Clone, Debug)]
pub struct Made {
    /// The changeset with an honest context.
    pub stored: Stored,
    /// The changesets that the author's form had taken in.
    pub seen: BTreeSet<Dot>,
}

/// What several replicas did to one record.
#[derive(Clone, Debug)]
pub struct History {
    /// The record.
    pub record: RecordId,
    /// All changesets, in the order in which they were made.
    pub made: Vec<Made>,
    /// States that some replica stood in on the way, the oldest first.
    pub states: Vec<Record>,
}

/// One thing that a replica does; `bits` tells the details.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    /// What: open, save, push or pull.
    pub what: u8,
    /// Which replica.
    pub who: u8,
    /// How.
    pub bits: u32,
}

/// The group of the one repeat in a history.
pub const GROUP: FieldId = FieldId(9);
/// A field to put a protective policy on: its values are the codes `a`, `b`, `c` and null.
pub const PROTECTIVE: FieldId = FieldId(1);
/// A field to put a union policy on: its values are sets of `a`, `b`, `c`, and null.
pub const UNION: FieldId = FieldId(2);
/// The one row in a history.
pub const ROW: RowId = RowId::from_bytes([7; 8]);

/// The registers of a history: an answer, a set, one in a row, the row, deletion, status, an unknown one.
pub fn keys() -> Vec<Key> {
    let unknown = Opaque::new(40, vec![1, 2]).map(Key::Opaque);
    let mut keys = vec![
        Key::Field(PROTECTIVE),
        Key::Field(UNION),
        Key::Row {
            group: GROUP,
            row: ROW,
            field: FieldId(3),
        },
        Key::RowMeta {
            group: GROUP,
            row: ROW,
        },
        Key::Meta(MetaKey::Deleted),
        Key::Meta(MetaKey::Status),
    ];
    keys.extend(unknown);
    keys
}

/// The value number `n` (0 to 3) of a key of a history; few, so that equal values meet.
fn value(key: &Key, n: u32) -> Result<Value, ParseError> {
    let code = ["a", "b", "c"].get(n as usize);
    Ok(match (key, code) {
        (Key::Meta(MetaKey::Deleted), _) => Value::Deleted(n.is_multiple_of(2)),
        (Key::RowMeta { .. }, _) if n < 2 => Value::Deleted(n == 0),
        (Key::RowMeta { .. }, _) => Value::Row(RowPlace::new(None, ["a0", "a1"][n as usize % 2])?),
        (_, None) => Value::Null,
        (Key::Field(UNION), Some(code)) => Value::Codes(Codes::new([Text::new(*code)?])?),
        (Key::Opaque(_), Some(code)) => Value::Opaque(Opaque::new(33, code.as_bytes().to_vec())?),
        (_, Some(code)) => Value::Code(Text::new(*code)?),
    })
}

struct Session {
    clock: Clock,
    shown: BTreeSet<Dot>,
}

struct Replica {
    actor: ActorId,
    seq: Seq,
    record: Record,
    held: BTreeSet<Dot>,
    session: Option<Session>,
    unsent: VecDeque<usize>,
    pulled: usize,
}

struct World {
    history: History,
    log: Vec<usize>,
    hub: Record,
    replicas: Vec<Replica>,
}

impl Replica {
    fn open(&mut self) {
        self.session = Some(Session {
            clock: self.record.clock(),
            shown: self.held.clone(),
        });
    }
}

/// The form version of every changeset in a history.
pub const FORM: FormHash = FormHash::from_bytes([3; 32]);

impl World {
    fn save(&mut self, who: usize, bits: u32) -> Result<(), ParseError> {
        let replica = &mut self.replicas[who];
        if replica.session.is_none() {
            replica.open();
        }
        let Some(session) = &mut replica.session else {
            return Ok(());
        };
        // Numbers of a record have holes: the device saved other records in between.
        replica.seq = Seq::new(replica.seq.get() + 1 + u64::from(bits >> 30))?;
        let dot = Dot::new(replica.actor, replica.seq);
        let keys = keys();
        let mask = match bits & 0x7f {
            0 => 1,
            mask => mask,
        };
        let writes = keys
            .into_iter()
            .enumerate()
            .filter(|(i, _)| mask & (1 << i) != 0)
            .map(|(i, key)| {
                let value = value(&key, bits >> (7 + 2 * i) & 3)?;
                Ok((key, value))
            })
            .collect::<Result<Vec<_>, ParseError>>()?;
        let wall = 1_000 + u64::from(bits >> 21 & 7);
        let change = Draft {
            record: self.history.record,
            dot,
            clock: Hlc::new(wall, 0)?,
            form: FORM,
            creates: session.clock.is_empty(),
            epoch: EpochId::from_bytes([1; 16]),
            seen: session.clock.clone(),
            writes,
            decisions: Vec::new(),
            origin: None,
            extensions: Vec::new(),
        }
        .seal()?;
        let stored = Stored {
            stamp: Stamp {
                context: session.clock.clone(),
                effective: Hlc::new(wall, u16::from(bits & 8 != 0))?,
                received: 2_000,
                cut: false,
            },
            change,
        };
        let seen = session.shown.clone();
        session.clock.add(dot);
        session.shown.insert(dot);
        replica.held.insert(dot);
        replica.record.apply(&stored);
        replica.unsent.push_back(self.history.made.len());
        self.history.states.push(replica.record.clone());
        self.history.made.push(Made { stored, seen });
        Ok(())
    }

    fn push(&mut self, who: usize, n: usize) {
        let replica = &mut self.replicas[who];
        for i in replica.unsent.drain(..n.min(replica.unsent.len())) {
            self.log.push(i);
            self.hub.apply(&self.history.made[i].stored);
        }
    }

    /// The next entries of the log, or the whole state with the own unsent changesets on top.
    fn pull(&mut self, who: usize, n: usize, whole: bool) {
        let replica = &mut self.replicas[who];
        let dot = |i: &usize| self.history.made[*i].stored.change.dot;
        if whole {
            replica.record = self.hub.clone();
            replica.held = self.log.iter().map(dot).collect();
            replica.pulled = self.log.len();
            for i in &replica.unsent {
                replica.record.apply(&self.history.made[*i].stored);
                replica.held.insert(dot(i));
            }
        } else {
            let end = self.log.len().min(replica.pulled + n);
            for i in &self.log[replica.pulled..end] {
                replica.record.apply(&self.history.made[*i].stored);
                replica.held.insert(dot(i));
            }
            replica.pulled = end;
        }
        self.history.states.push(replica.record.clone());
    }
}

/// Plays the steps with `replicas` replicas.
pub fn play(replicas: u8, steps: &[Step]) -> Result<History, ParseError> {
    let record = RecordId::from_bytes([5; 16]);
    let replica = |n: u8| Replica {
        actor: ActorId(u32::from(n) + 1),
        seq: Seq::ZERO,
        record: Record::new(record),
        held: BTreeSet::new(),
        session: None,
        unsent: VecDeque::new(),
        pulled: 0,
    };
    let mut world = World {
        history: History {
            record,
            made: Vec::new(),
            states: Vec::new(),
        },
        log: Vec::new(),
        hub: Record::new(record),
        replicas: (0..replicas.max(1)).map(replica).collect(),
    };
    for step in steps {
        let who = usize::from(step.who) % world.replicas.len();
        let n = 1 + (step.bits & 3) as usize;
        match step.what % 10 {
            0 => world.replicas[who].open(),
            1..=4 => world.save(who, step.bits)?,
            5 | 6 => world.push(who, n),
            7 => world.pull(who, n, true),
            _ => world.pull(who, n, false),
        }
    }
    Ok(world.history)
}

/// Histories of two to four replicas and up to `steps` steps.
pub fn history(steps: usize) -> impl Strategy<Value = History> {
    let step =
        (0u8..10, 0u8..4, any::<u32>()).prop_map(|(what, who, bits)| Step { what, who, bits });
    (2u8..=4, vec(step, 1..=steps.max(1)))
        .prop_filter_map("within the limits", |(replicas, steps)| {
            play(replicas, &steps).ok()
        })
}
