//! One profile: its rows, its run of syncing, and the step that is going on.

use std::rc::Rc;

use serde_json::{Value as Json, json};
use tributary_sync_core::session::{self, Request, Run, Store, StoreError};

use crate::error::{Failed, Refused};
use crate::rows::{Rows, Table};
use crate::step::{self, Step};
use crate::sync;
use crate::trust::{Ask, Verdicts};
use crate::view;

/// What came of a step.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// It happened, and tells this, JSON; its changes are to be written, then committed.
    Done(String),
    /// It needs these records loaded. Nothing changed.
    Missing(Vec<String>),
    /// It needs these signatures checked. Nothing changed.
    Verify(Vec<Ask>),
    /// It does not happen. Nothing changed.
    Refused(Refused),
}

impl Outcome {
    /// As the caller reads it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Done(told) => format!("{{\"ok\":{told}}}"),
            Self::Missing(keys) => json!({ "missing": keys }).to_string(),
            Self::Verify(asks) => json!({ "verify": asks }).to_string(),
            Self::Refused(refused) => json!({ "refused": refused }).to_string(),
        }
    }
}

/// A row that a step changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Change<'a> {
    /// The table.
    pub table: Table,
    /// The key.
    pub key: &'a str,
    /// The row; none if it is gone.
    pub value: Option<&'a [u8]>,
    /// What the list shows of it.
    pub brief: &'a [u8],
}

/// One profile.
#[derive(Debug)]
pub struct Core {
    pub(crate) rows: Rows,
    pub(crate) run: Run,
    /// The request that no answer was taken to yet.
    pub(crate) request: Option<Rc<Request>>,
    /// Its bytes.
    pub(crate) body: Vec<u8>,
    pub(crate) verdicts: Verdicts,
    before: Option<Before>,
}

/// What a rolled back step leaves as it was, beside the rows.
#[derive(Debug)]
struct Before {
    run: Run,
    request: Option<Rc<Request>>,
}

impl Default for Core {
    fn default() -> Self {
        Self {
            rows: Rows::default(),
            run: Run::new(None),
            request: None,
            body: Vec::new(),
            verdicts: Verdicts::default(),
            before: None,
        }
    }
}

impl Core {
    /// Takes a row as it was kept; a table that this build does not know is left alone.
    pub fn load(&mut self, table: &str, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        match Table::named(table) {
            Some(table) => self.rows.load(table, key, value),
            None => Ok(()),
        }
    }
    /// Takes the brief of a record that is loaded when a step needs it.
    pub fn load_brief(&mut self, key: &str, brief: Vec<u8>) {
        self.rows.load_brief(key, brief);
    }

    /// Runs a step. One that is still open is rolled back first.
    pub fn step(&mut self, step: Step, body: &[u8]) -> Outcome {
        self.rollback();
        self.before = Some(Before {
            run: self.run.clone(),
            request: self.request.clone(),
        });
        let done = match step {
            Step::List if self.rows.is_enrolled() => view::list(&self.rows),
            step => self.act(step, body).map(|told| told.to_string()),
        };
        let missing = self.rows.take_missing();
        let asked = self.verdicts.asked();
        match done {
            Err(Failed::Missing) => {
                self.undo();
                self.verdicts.unasked();
                Outcome::Missing(missing)
            }
            Ok(_) | Err(_) if !asked.is_empty() => {
                self.undo();
                Outcome::Verify(asked)
            }
            Ok(value) => Outcome::Done(value),
            Err(Failed::Refused(refused)) => {
                self.rollback();
                Outcome::Refused(refused)
            }
        }
    }
    /// Answers the signatures that the last step asked about, in that order.
    pub fn answer(&mut self, verdicts: &[bool]) {
        self.verdicts.answer(verdicts);
    }

    fn act(&mut self, step: Step, body: &[u8]) -> Result<Json, Failed> {
        let free = matches!(
            step,
            Step::Me
                | Step::Enrolling { .. }
                | Step::Enrolled(_)
                | Step::BeginRun { .. }
                | Step::Paced { .. }
        );
        if !free && !self.rows.is_enrolled() {
            return Err(Failed::code("not_enrolled"));
        }
        let rows = &mut self.rows;
        match step {
            // A list is text already.
            Step::List => Err(Failed::code("input")),
            Step::Me => step::me(rows),
            Step::View { record } => {
                let held = rows.held(record)?;
                let held = held.ok_or_else(|| Failed::code("record_unknown"))?;
                view::record(rows, &held.state, held.form)
            }
            Step::Create { record, form } => {
                let form = session::create_record(rows, record, form)?;
                step::opened(rows, &form)
            }
            Step::Open { record, form } => step::open(rows, record, form, false),
            Step::TakeOver { record, form } => step::open(rows, record, form, true),
            Step::Refresh { session } => {
                let form = session::refresh(rows, session)?;
                step::opened(rows, &form)
            }
            Step::ChangedSince { session } => step::changed_since(rows, session),
            Step::Save(save) => step::save(rows, save),
            Step::Close { session } => {
                session::close_form(rows, session)?;
                Ok(Json::Null)
            }
            Step::Sessions => {
                let open = session::forms_open(rows)?;
                open.iter().map(|form| step::opened(rows, form)).collect()
            }
            Step::Summary => step::summary_json(rows),
            Step::Obstacles { confirm } => step::obstacles(rows, confirm.into()),
            Step::Empty { confirm } => {
                let gone = session::empty(rows, confirm.into())?;
                Ok(json!(gone.len()))
            }
            Step::Forms => step::forms(rows),
            Step::Form { hash } => step::form(rows, hash),
            Step::Policies { form_id } => Ok(json!(rows.policy_entries(&form_id)?)),
            Step::Person { actor } => Ok(json!(rows.person(actor)?)),
            Step::Enrolling { link, random } => sync::enrolling(rows, link, &random),
            Step::Enrolled(enrolled) => self.enrolled(enrolled, body),
            Step::BeginRun { client } => {
                self.begin_run(client);
                Ok(Json::Null)
            }
            Step::NextRequest { random, now } => self.next_request(&random, now),
            Step::Receive { status } => self.receive(status, body),
            Step::Paced { raw, packed, first } => {
                self.paced(raw, packed, first);
                Ok(Json::Null)
            }
            Step::Learn => self.learn(body),
            Step::Delivered { hash } => self.delivered(hash, body),
        }
    }

    /// The body of the request that the last step made.
    pub fn body(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.body)
    }

    /// The rows that the last step changed.
    pub fn changes(&self) -> Vec<Change<'_>> {
        let all = self.rows.changed();
        all.map(|(table, key, row)| Change {
            table,
            key,
            value: row.and_then(|r| r.value.as_deref()),
            brief: row.map_or(&[][..], |r| &r.brief),
        })
        .collect()
    }
    /// The changes are durable.
    pub fn commit(&mut self) {
        let open = self.rows.open_forms().unwrap_or_default();
        let stay: Vec<String> = open.iter().map(|f| f.record.to_string()).collect();
        self.rows.commit(&stay);
        self.before = None;
        self.verdicts.forget();
    }
    /// The changes could not be written: nothing of the step counts.
    pub fn rollback(&mut self) {
        self.undo();
        self.verdicts.unasked();
    }

    fn undo(&mut self) {
        // What was read before reads again.
        let _ = self.rows.rollback();
        if let Some(before) = self.before.take() {
            self.run = before.run;
            self.request = before.request;
        }
    }
}
