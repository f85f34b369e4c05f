//! A phone of the simulation: the real session over a store in memory, and a log of what each save was shown.

use std::collections::{BTreeMap, BTreeSet};

use tributary::service::exchange::Caller;
use tributary_sync_core::ids::{EpochId, FieldId, FormHash, OrgId, RecordId};
use tributary_sync_core::key::Key;
use tributary_sync_core::record::Record;
use tributary_sync_core::session::{
    MemoryStore, Run, Save, Store as _, create_record, open_form, save,
};
use tributary_sync_core::value::{Text, Value};
use tributary_sync_core::wire::message::Grant;

pub(crate) const FORM: FormHash = FormHash::from_bytes([7; 32]);
pub(crate) const NAME: Key = Key::Field(FieldId(1));
pub(crate) const CONSENT: Key = Key::Field(FieldId(2));

/// The how-manyeth save of the whole simulation: written as its answer, so that it is known wherever it goes.
pub(crate) type SaveNo = u32;

/// What is true of a save, whatever the product makes of it.
#[derive(Clone, Debug)]
pub(crate) struct Truth {
    pub(crate) record: RecordId,
    /// The saves whose answers its author was shown, and all that their authors were shown.
    pub(crate) past: BTreeSet<SaveNo>,
    pub(crate) withdraws: bool,
}

/// An open form.
#[derive(Clone, Debug)]
struct Open {
    session: u64,
    record: RecordId,
    past: BTreeSet<SaveNo>,
}

/// One installation with one user.
#[derive(Clone)]
pub struct Phone {
    pub(crate) caller: Caller,
    pub(crate) store: MemoryStore,
    pub(crate) run: Run,
    /// How far its clock is wrong, in milliseconds.
    pub(crate) skew: i64,
    open: Option<Open>,
}

impl Phone {
    pub(crate) fn new(caller: Caller, epoch: EpochId, grant: Grant, skew: i64) -> Self {
        use tributary_sync_core::session::{Profile, Role};
        let ids: (OrgId, _, _) = (caller.org, caller.profile, caller.user);
        let profile = Profile::new(ids, Role::Worker, &caller.device_key, epoch, grant);
        Self {
            caller,
            store: MemoryStore::new(profile),
            run: Run::new(None),
            skew,
            open: None,
        }
    }
    pub(crate) fn now(&self, world: u64) -> u64 {
        world.saturating_add_signed(self.skew)
    }
    /// A record as it is on the phone.
    pub fn record(&self, id: RecordId) -> Option<Record> {
        self.store.held(id).unwrap().map(|h| h.state)
    }
    /// A copied store knows nothing of the form that was on the screen.
    pub(crate) fn copied(&self) -> Self {
        let mut copy = self.clone();
        copy.close();
        copy
    }
    pub(crate) fn has_open(&self) -> bool {
        self.open.is_some()
    }
    pub(crate) fn close(&mut self) {
        if let Some(open) = self.open.take() {
            // The record may have been erased under it.
            let _ = tributary_sync_core::session::close_form(&mut self.store, open.session);
        }
    }
    pub(crate) fn open(&mut self, id: RecordId, truth: &BTreeMap<SaveNo, Truth>) {
        self.close();
        let Ok(form) = open_form(&mut self.store, id, FORM) else {
            return;
        };
        self.open = Some(Open {
            session: form.session,
            record: id,
            past: shown(&form.view, truth),
        });
    }
    pub(crate) fn create(&mut self, id: RecordId) {
        self.close();
        let Ok(form) = create_record(&mut self.store, id, FORM) else {
            return;
        };
        self.open = Some(Open {
            session: form.session,
            record: id,
            past: BTreeSet::new(),
        });
    }
    /// Saves what is open, if it may be saved.
    pub(crate) fn save(&mut self, no: SaveNo, consent: Option<&str>, world: u64) -> Option<Truth> {
        let now = self.now(world);
        let open = self.open.as_mut()?;
        let text = |s: &str| Text::new(s).unwrap();
        // Whoever makes a record asks first: without consent it is on no other phone.
        let consent = consent.or(open.past.is_empty().then_some("given"));
        let mut writes = vec![(NAME, Value::Text(text(&format!("g{no}"))))];
        writes.extend(consent.map(|c| (CONSENT, Value::Code(text(c)))));
        let shown = writes.iter().map(|w| w.0.clone()).collect();
        let what = Save {
            writes,
            decisions: Vec::new(),
            shown,
        };
        save(&mut self.store, open.session, what, now).ok()?;
        let truth = Truth {
            record: open.record,
            past: open.past.clone(),
            withdraws: consent == Some("withdrawn"),
        };
        open.past.insert(no);
        Some(truth)
    }
}

/// The number of the save behind an answer.
pub(crate) fn number(value: &Value) -> Option<SaveNo> {
    match value {
        Value::Text(t) => t.as_str().strip_prefix('g')?.parse().ok(),
        _ => None,
    }
}

/// The saves that a view shows, with all that theirs authors were shown.
fn shown(view: &Record, truth: &BTreeMap<SaveNo, Truth>) -> BTreeSet<SaveNo> {
    let mut past = BTreeSet::new();
    for no in view.values(&NAME).iter().filter_map(|(_, v)| number(v)) {
        past.insert(no);
        past.extend(truth.get(&no).into_iter().flat_map(|t| &t.past));
    }
    past
}
