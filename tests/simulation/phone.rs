//! A phone of the simulation: the real session over a store, and a log of what each save was shown.

use std::collections::{BTreeMap, BTreeSet};

use tributary::service::exchange::Caller;
use tributary_sync_core::change::Changeset;
use tributary_sync_core::clock::{Clock, Dot};
use tributary_sync_core::ids::{CommentId, FieldId, FormHash, OrgId, RecordId, RowId, Seq};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::record::Record;
use tributary_sync_core::session::{
    Profile, Run, Save, SessionError, close_form, create_record, refresh, save, take_over,
};
use tributary_sync_core::value::{RowPlace, Text, Value};
use tributary_sync_core::wire::message::PolicyEntry;

use super::disk::{Disk, Image};
use super::step::What;

/// The first form version.
pub const FORM: FormHash = FormHash::from_bytes([7; 32]);
/// Free text.
pub const NAME: Key = Key::Field(FieldId(1));
/// Protective: given, withdrawn.
pub const CONSENT: Key = Key::Field(FieldId(2));
/// Protective: no, yes.
pub const AT_RISK: Key = Key::Field(FieldId(3));
/// Free text.
pub const NOTE: Key = Key::Field(FieldId(4));
/// A repeat, and a question in it.
const PEOPLE: FieldId = FieldId(5);
const CELL: FieldId = FieldId(6);

/// The how-manyeth save of the whole simulation. Each save writes it as a comment of its own, so that it is known
/// wherever it goes.
pub type SaveNo = u32;

/// What is true of a save, whatever the product makes of it.
#[derive(Clone, Debug)]
pub struct Truth {
    /// The organisation.
    pub org: OrgId,
    /// The record.
    pub record: RecordId,
    /// The saves that its author was shown, and all that their authors were shown.
    pub past: BTreeSet<SaveNo>,
    /// What it wrote.
    pub writes: BTreeMap<Key, Value>,
    /// The protections that its author lowered by a decision.
    pub decides: BTreeSet<Key>,
    /// Its context was forged: it counts as shown whatever the server had sent to its phone.
    pub lies: bool,
    /// When, by the world's clock, if its phone had the right time.
    pub honest_at: Option<u64>,
}

/// Whose save is whose.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// Every save there was.
    pub truth: &'a BTreeMap<SaveNo, Truth>,
    /// What coordinators wrote, which carries no number, by its dot.
    pub desk: &'a BTreeMap<Dot, SaveNo>,
}

impl<'a> Known<'a> {
    /// Both together.
    pub fn new(truth: &'a BTreeMap<SaveNo, Truth>, desk: &'a BTreeMap<Dot, SaveNo>) -> Self {
        Self { truth, desk }
    }
}

/// An open form.
#[derive(Clone, Debug)]
struct Open {
    session: u64,
    record: RecordId,
    past: BTreeSet<SaveNo>,
}

/// One installation with one user.
#[derive(Debug)]
pub struct Phone {
    /// As the server knows it.
    pub caller: Caller,
    /// Its store.
    pub disk: Disk,
    /// Its current run.
    pub run: Run,
    /// How far its clock is wrong, in milliseconds.
    pub skew: i64,
    /// A small link: at most so many bytes a page.
    pub page: Option<u32>,
    /// Its next push cannot be read by the server.
    pub garbled: bool,
    open: Option<Open>,
}

/// A phone's store, kept aside.
#[derive(Clone, Debug)]
pub struct Kept {
    caller: Caller,
    image: Image,
    skew: i64,
}

impl Phone {
    /// A phone that has just enrolled.
    pub fn new(caller: Caller, disk: Disk, skew: i64) -> Self {
        Self {
            caller,
            disk,
            run: Run::new(None),
            skew,
            page: None,
            garbled: false,
            open: None,
        }
    }
    /// What it knows of itself.
    pub fn profile(&self) -> Profile {
        self.disk.read(|s| s.profile()).unwrap()
    }
    /// What its clock shows.
    pub fn now(&self, world: u64) -> u64 {
        world.saturating_add_signed(self.skew)
    }
    /// A record as it is on the phone.
    pub fn record(&self, id: RecordId) -> Option<Record> {
        self.disk.read(|s| s.held(id)).unwrap().map(|h| h.state)
    }
    /// A copied store; it knows nothing of the form that was on the screen.
    pub fn kept(&mut self) -> Kept {
        Kept {
            caller: self.caller.clone(),
            image: self.disk.image(),
            skew: self.skew,
        }
    }
    /// Such a store on a phone.
    pub fn from_kept(kept: &Kept, path: &std::path::Path) -> Self {
        let disk = Disk::from_image(&kept.image, path);
        let mut phone = Self::new(kept.caller.clone(), disk, kept.skew);
        let left = phone.disk.read(|s| s.open_forms()).unwrap();
        for form in left {
            let _ = phone.disk.step(|s| close_form(s, form.session));
        }
        phone
    }
    /// Whether a form is open.
    pub fn has_open(&self) -> bool {
        self.open.is_some()
    }
    /// Closes the form.
    pub fn close(&mut self) {
        if let Some(open) = self.open.take() {
            // The record may have been erased under it.
            let _ = self.disk.step(|s| close_form(s, open.session));
        }
    }
    /// Opens a record, in the newest form version that the phone has; another session of it ends.
    pub fn open(&mut self, id: RecordId, form: FormHash, saves: Known<'_>) {
        self.close();
        let known = self.disk.read(|s| s.form(form)).unwrap().is_some();
        let form = if known { form } else { FORM };
        if let Ok(form) = self.disk.step(|s| take_over(s, id, form)) {
            self.open = Some(Open {
                session: form.session,
                record: id,
                past: shown(&form.view, saves),
            });
        }
    }
    /// The person looks at the record anew.
    pub fn refresh(&mut self, saves: Known<'_>) {
        if let Some(open) = &mut self.open
            && let Ok(form) = self.disk.step(|s| refresh(s, open.session))
            && !form.creates
        {
            open.past = shown(&form.view, saves);
        }
    }
    /// Starts a record.
    pub fn create(&mut self, id: RecordId) {
        self.close();
        if let Ok(form) = self.disk.step(|s| create_record(s, id, FORM)) {
            self.open = Some(Open {
                session: form.session,
                record: id,
                past: BTreeSet::new(),
            });
        }
    }
    /// Claims in the open form to have seen what nobody has shown it.
    pub fn lie(&mut self, claims: &[Dot]) {
        let Some(open) = &self.open else { return };
        let session = open.session;
        let _ = self.disk.step(|s| {
            for mut form in s.open_forms()? {
                if form.session == session {
                    claims.iter().for_each(|dot| form.seen.add(*dot));
                    s.put_open_form(&form)?;
                }
            }
            Ok(())
        });
    }
    /// Claims in the open form to have seen one changeset only of all that was shown.
    pub fn leave_out(&mut self) {
        let Some(open) = &self.open else { return };
        let session = open.session;
        let _ = self.disk.step(|s| {
            for mut form in s.open_forms()? {
                let newest = form.view.lives().iter().max_by_key(|l| l.effective);
                if form.session == session
                    && let Some(dot) = newest.map(|l| l.dot)
                {
                    form.seen = Clock::new().with(dot);
                    s.put_open_form(&form)?;
                }
            }
            Ok(())
        });
    }
    /// Policies as the program on the phone knows them.
    pub fn learn(&mut self, policies: impl IntoIterator<Item = PolicyEntry>) {
        let learnt = self.disk.step(|s| {
            for policy in policies {
                s.put_policy(&policy)?;
            }
            Ok(())
        });
        learnt.unwrap();
    }
    /// The saves that it still holds.
    pub fn saves(&self) -> BTreeSet<SaveNo> {
        let mut saves = BTreeSet::new();
        for actor in self.profile().actors {
            let own = self
                .disk
                .read(|s| s.own_after(actor.actor, Seq::ZERO, usize::MAX));
            let bodies = own.unwrap().into_iter().filter_map(|o| o.body);
            saves.extend(bodies.filter_map(|b| number_of(&b)));
        }
        saves
    }
    /// Saves what is open, if it may be saved.
    pub fn save(&mut self, no: SaveNo, what: What, world: u64) -> Result<Option<Truth>, String> {
        let now = self.now(world);
        let Some(open) = self.open.as_ref() else {
            return Ok(None);
        };
        let (session, id) = (open.session, open.record);
        let answers = answers(what, no);
        let mut writes: Vec<(Key, Value)> = answers.clone().into_iter().collect();
        writes.push((tag(no), text(&format!("g{no}"))));
        let what = Save {
            shown: writes.iter().map(|w| w.0.clone()).collect(),
            writes,
            decisions: Vec::new(),
        };
        let saved = self.disk.step(|s| save(s, session, what, now));
        let change = match saved {
            Ok(change) => change,
            Err(SessionError::Save(_) | SessionError::FormClosed | SessionError::Revoked) => {
                return Ok(None);
            }
            Err(e) => return Err(format!("a save failed: {e}")),
        };
        let open = self.open.as_mut().expect("it is open");
        let truth = Truth {
            org: self.caller.org,
            record: id,
            past: open.past.clone(),
            writes: answers,
            decides: change.decisions.iter().map(|d| d.key.clone()).collect(),
            lies: false,
            honest_at: (self.skew == 0).then_some(world),
        };
        open.past.insert(no);
        Ok(Some(truth))
    }
    /// A save never covers what was not shown, as far as this phone knows whose is whose.
    pub fn unseen(&self, no: SaveNo, truth: &Truth) -> Option<SaveNo> {
        let held = self.record(truth.record)?;
        let own = self.disk.read(|s| s.own_of(truth.record)).unwrap();
        let change = own
            .into_iter()
            .filter_map(|o| o.body)
            .find(|c| number_of(c) == Some(no))?;
        // A form left open over a restore: what it names may be another's number by now. The server knows.
        if change.epoch != self.profile().epoch {
            return None;
        }
        tags(&held)
            .filter(|(dot, other)| *other != no && change.seen.covers(*dot))
            .map(|(_, other)| other)
            .find(|other| !truth.past.contains(other))
    }
}

fn text(s: &str) -> Value {
    Value::Text(Text::new(s).unwrap())
}
fn code(s: &str) -> Value {
    Value::Code(Text::new(s).unwrap())
}
fn row(n: u8) -> RowId {
    RowId::from_bytes([n; 8])
}
fn cell(n: u8) -> Key {
    Key::Row {
        group: PEOPLE,
        row: row(n),
        field: CELL,
    }
}
fn place(n: u8) -> Key {
    Key::RowMeta {
        group: PEOPLE,
        row: row(n),
    }
}
/// The key under which a save writes its number.
fn tag(no: SaveNo) -> Key {
    Key::Meta(MetaKey::Comment(CommentId::from_bytes(
        u64::from(no).to_be_bytes(),
    )))
}

/// What a save writes.
fn answers(what: What, no: SaveNo) -> BTreeMap<Key, Value> {
    let words = || text(&format!("g{no}"));
    let stands = |n| (place(n), Value::Row(RowPlace::new(None, "a").unwrap()));
    let all = match what {
        What::First => vec![(NAME, words()), (CONSENT, code("given"))],
        What::Name => vec![(NAME, words())],
        What::Note => vec![(NOTE, words())],
        What::Person { row } => vec![stands(row), (cell(row), words())],
        What::NoPerson { row } => vec![(place(row), Value::Deleted(true))],
        What::Withdraw => vec![(NAME, words()), (CONSENT, code("withdrawn"))],
        What::Consent => vec![(CONSENT, code("given"))],
        What::AtRisk => vec![(AT_RISK, code("yes"))],
        What::NotAtRisk => vec![(AT_RISK, code("no"))],
        What::Alarm => vec![(NAME, words()), (AT_RISK, code("yes"))],
        What::Calm => vec![(NAME, words()), (AT_RISK, code("no"))],
        What::Much => vec![
            (NAME, words()),
            (NOTE, words()),
            stands(1),
            (cell(1), words()),
        ],
        What::Long => vec![(NOTE, text(&format!("g{no} {}", "word ".repeat(400))))],
    };
    all.into_iter().collect()
}

/// How protective a value is; none for what no policy protects.
pub fn rank(key: &Key, value: &Value) -> Option<u8> {
    let order = match key {
        k if *k == CONSENT => ["given", "withdrawn"],
        k if *k == AT_RISK => ["no", "yes"],
        _ => return None,
    };
    match value {
        Value::Code(c) => order.iter().position(|o| c.as_str() == *o).map(|n| n as u8),
        _ => None,
    }
}

/// The number of the save behind an answer or a comment.
pub fn number(value: &Value) -> Option<SaveNo> {
    match value {
        Value::Text(t) => t
            .as_str()
            .split(' ')
            .next()?
            .strip_prefix('g')?
            .parse()
            .ok(),
        _ => None,
    }
}

/// The save that made a changeset; none for what the server wrote.
pub fn number_of(change: &Changeset) -> Option<SaveNo> {
    let tag = |w: &&(Key, Value)| matches!(w.0, Key::Meta(MetaKey::Comment(_)));
    change.writes.iter().find(tag).and_then(|w| number(&w.1))
}

/// The saves that a record knows of, each with its dot.
pub fn tags(record: &Record) -> impl Iterator<Item = (Dot, SaveNo)> + '_ {
    record
        .keys()
        .filter(|(key, _)| matches!(key, Key::Meta(MetaKey::Comment(_))))
        .flat_map(|(_, values)| values)
        .filter_map(|(dot, value)| Some((*dot, number(value)?)))
}

/// The saves that a view shows, with all that theirs authors were shown.
pub fn shown(view: &Record, saves: Known<'_>) -> BTreeSet<SaveNo> {
    let mut past = BTreeSet::new();
    let by_desk = view.lives().iter().filter_map(|l| saves.desk.get(&l.dot));
    for no in tags(view).map(|(_, no)| no).chain(by_desk.copied()) {
        past.insert(no);
        past.extend(saves.truth.get(&no).into_iter().flat_map(|t| &t.past));
    }
    past
}
