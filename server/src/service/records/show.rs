//! One record as people see it: answers with their questions, conflicts with who and when, and how it came to be so.

use serde::Serialize;
use serde_json::Value as Json;
use tributary_sync_core::conflict::{Candidate, Presence};
use tributary_sync_core::ids::{FormHash, RecordId, UserId};
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::policy::{Policies, Policy};
use tributary_sync_core::value::Value;
use utoipa::ToSchema;

use super::reach::{self, Sight};
use super::{Acting, Authors, Given, Question, Questions, Shown};
use crate::service::access::Action;
use crate::service::ambient::rfc3339;
use crate::service::env::Env;
use crate::service::error::{Result, ServiceError};
use crate::storage::{LogEntry, LogRow, OrgFiles, OrgTxn, RecordRow};

/// A record.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ShownRecord {
    /// Its id.
    #[schema(value_type = String)]
    pub id: RecordId,
    /// Its form.
    pub form_id: String,
    /// The form's title.
    pub form_title: String,
    /// draft, complete, returned, approved or rejected.
    pub status: String,
    /// present, deleted or contested.
    pub presence: String,
    /// No live consent: consent fields and conflicts only are shown, unless to its maker.
    pub withheld: bool,
    /// Since when it is restricted: nothing of it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restricted_at: Option<String>,
    /// From when on it may be erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub erase_after: Option<String>,
    /// Who made it.
    #[schema(value_type = Option<String>)]
    pub maker: Option<UserId>,
    /// The maker's name.
    pub maker_name: Option<String>,
    /// When the server first heard of it.
    pub created_at: String,
    /// What was shown: send it back with whatever you write.
    #[schema(value_type = String)]
    pub shown: Shown,
    /// The answers, in the form's order of keys.
    pub answers: Vec<Answer>,
    /// Questions with more than one answer.
    pub conflicts: Vec<ConflictShown>,
    /// Who it is assigned to: `user:<id>` or `team:<id>`.
    pub assigned: Vec<String>,
    /// What was said about it, the oldest first.
    pub comments: Vec<Comment>,
    /// Its changesets in the order in which the server took them.
    pub history: Vec<HistoryEntry>,
}

/// What an export shows for one question.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Answer {
    /// The question.
    pub question: Question,
    /// The value, as the protocol writes it.
    #[schema(value_type = Object)]
    pub value: Json,
    /// The value in people's words.
    pub text: String,
    /// Whether there are other answers.
    pub conflict: bool,
    /// Who gave the live answers.
    pub given: Vec<Given>,
}

/// A question with more than one answer.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ConflictShown {
    /// The question.
    pub question: Question,
    /// The answers, the winner of the clocks first.
    pub candidates: Vec<CandidateShown>,
}

/// One of several answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CandidateShown {
    /// The value, as the protocol writes it.
    #[schema(value_type = Object)]
    pub value: Json,
    /// The value in people's words.
    pub text: String,
    /// Who gave it, the latest first.
    pub given: Vec<Given>,
    /// Whether the clocks would choose it.
    pub winner: bool,
    /// Whether it is in force: what an export shows. For protective questions that is the most protective one, for
    /// unions every one.
    pub in_force: bool,
    /// Whether choosing it lowers a protection: that is a decision.
    pub lowers: bool,
}

/// A comment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Comment {
    /// What it says.
    pub text: String,
    /// Who says it.
    pub by: Given,
}

/// One changeset.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// Its position in the log.
    pub position: u64,
    /// Who, and when.
    pub by: Given,
    /// The form version it was answered with.
    #[schema(value_type = String)]
    pub form: FormHash,
    /// Whether part of its context could not be believed, so that it may show conflicts too many.
    pub cut: bool,
    /// What it wrote.
    pub writes: Vec<WriteShown>,
}

/// One write of a changeset.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WriteShown {
    /// The question.
    pub question: Question,
    /// The value, as the protocol writes it.
    #[schema(value_type = Object)]
    pub value: Json,
    /// The value in people's words.
    pub text: String,
    /// Why, where somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether it still lives: nobody who saw it has written over it.
    pub live: bool,
}

/// The name of a presence.
pub(super) fn presence_name(presence: Presence) -> &'static str {
    match presence {
        Presence::Present => "present",
        Presence::Deleted => "deleted",
        Presence::Contested => "contested",
    }
}

/// Shows a record, and writes down that it was read.
pub fn show(
    files: &OrgFiles,
    env: &Env,
    acting: &Acting,
    id: RecordId,
    language: Option<String>,
) -> Result<ShownRecord> {
    let shown = files.read(acting.org, |txn| {
        let row = reach::open(txn, acting, id, Action::ReadRecords)?;
        let sight = reach::sight(txn, acting, &row)?.unwrap_or(Sight::Existence);
        Showing {
            txn,
            row: &row,
            sight,
            policies: txn.policies(&row.form_id)?,
            questions: Questions::new(txn, env, language),
            authors: Authors::new(txn, env),
        }
        .record()
    })?;
    let entry = acting.audit("record.read", Some(id), None);
    let now = env.now;
    files.write(acting.org, move |txn| {
        txn.audit(&entry, now)?;
        Ok::<_, ServiceError>(())
    })?;
    Ok(shown)
}

struct Showing<'t, 'c> {
    txn: &'t OrgTxn<'c>,
    row: &'t RecordRow,
    sight: Sight,
    policies: Policies,
    questions: Questions<'t, 'c>,
    authors: Authors<'t, 'c>,
}

fn json(value: &Value) -> Json {
    serde_json::to_value(value).unwrap_or_default()
}

impl Showing<'_, '_> {
    fn sees(&self, key: &Key) -> bool {
        self.sight.sees(&self.policies, &self.row.record, key)
    }

    fn record(mut self) -> Result<ShownRecord> {
        let (row, txn) = (self.row, self.txn);
        let history = txn.history(row.no)?;
        self.authors.learn(&history);
        let maker = reach::maker(txn, row)?;
        let existence = self.sight == Sight::Existence;
        Ok(ShownRecord {
            id: row.record.id(),
            form_id: row.form_id.clone(),
            form_title: txn.form(row.form)?.map(|f| f.title).unwrap_or_default(),
            status: row.state.status.clone(),
            presence: presence_name(row.state.presence).to_owned(),
            withheld: row.state.withheld,
            restricted_at: row.restricted_at.map(rfc3339),
            erase_after: row.restricted_at.and(row.erase_after).map(rfc3339),
            maker,
            maker_name: maker.map(|u| self.authors.name(u)).transpose()?,
            created_at: rfc3339(row.created_at),
            shown: Shown {
                epoch: txn.epoch()?.id,
                clock: row.record.clock(),
            },
            answers: self.answers()?,
            conflicts: self.conflicts()?,
            assigned: reach::assignees(&row.record)
                .filter(|_| !existence)
                .map(|a| a.to_string())
                .collect(),
            comments: self.comments()?,
            history: if existence {
                Vec::new()
            } else {
                self.history(&history)?
            },
        })
    }

    fn answers(&mut self) -> Result<Vec<Answer>> {
        let row = self.row;
        let mut out = Vec::new();
        for (key, values) in row.record.keys() {
            if !key.is_answer() || !self.sees(key) {
                continue;
            }
            let Some(value) = self.policies.read(&row.record, key) else {
                continue;
            };
            let form = self.form_of(key);
            let mut given = Vec::new();
            for (dot, _) in values {
                if let Some(live) = row.record.live(*dot) {
                    given.push(self.authors.of_live(live)?);
                }
            }
            out.push(Answer {
                question: self.questions.question(&self.policies, form, key)?,
                text: self.questions.say(form, key, &value)?,
                value: json(&value),
                conflict: row.record.candidates(key).len() > 1,
                given,
            });
        }
        Ok(out)
    }

    /// The form version that the winner was answered with.
    fn form_of(&self, key: &Key) -> FormHash {
        self.row
            .record
            .winner(key)
            .map_or(self.row.form, |(_, live)| live.form)
    }

    fn conflicts(&mut self) -> Result<Vec<ConflictShown>> {
        let row = self.row;
        let mut out = Vec::new();
        for conflict in row.record.conflicts() {
            if !self.sees(conflict.key) {
                continue;
            }
            let key = conflict.key;
            let mut candidates = Vec::new();
            for (i, candidate) in conflict.candidates.iter().enumerate() {
                candidates.push(self.candidate(key, candidate, i == 0)?);
            }
            let form = self.form_of(key);
            out.push(ConflictShown {
                question: self.questions.question(&self.policies, form, key)?,
                candidates,
            });
        }
        Ok(out)
    }

    fn candidate(
        &mut self,
        key: &Key,
        candidate: &Candidate<'_>,
        winner: bool,
    ) -> Result<CandidateShown> {
        let row = self.row;
        let form = candidate.given.first().map_or(row.form, |l| l.form);
        let mut given = Vec::new();
        for live in &candidate.given {
            given.push(self.authors.of_live(live)?);
        }
        let read = self.policies.read(&row.record, key);
        let in_force = read.as_ref() == Some(candidate.value);
        let policy = key.field().map(|f| &self.policies.get(f).policy);
        let union = policy == Some(&Policy::Union);
        let protects = union || matches!(policy, Some(Policy::Protective(_)));
        Ok(CandidateShown {
            value: json(candidate.value),
            text: self.questions.say(form, key, candidate.value)?,
            given,
            winner,
            in_force: in_force || union,
            lowers: !in_force && protects,
        })
    }

    fn comments(&mut self) -> Result<Vec<Comment>> {
        let row = self.row;
        let mut out = Vec::new();
        for (key, values) in row.record.keys() {
            if !matches!(key, Key::Meta(MetaKey::Comment(_))) || !self.sees(key) {
                continue;
            }
            for (dot, value) in values {
                if let (Some(live), Value::Text(text)) = (row.record.live(*dot), value) {
                    out.push((live.received, text.as_str().to_owned(), live));
                }
            }
        }
        out.sort_by_key(|(received, _, live)| (*received, live.dot));
        out.into_iter()
            .map(|(_, text, live)| {
                let by = self.authors.of_live(live)?;
                Ok(Comment { text, by })
            })
            .collect()
    }

    fn history(&mut self, history: &[LogRow]) -> Result<Vec<HistoryEntry>> {
        let mut out = Vec::new();
        for entry in history {
            let LogEntry::Change(Some(stored)) = &entry.entry else {
                continue;
            };
            let change = &stored.change;
            let mut writes = Vec::new();
            for (key, value) in &change.writes {
                if !self.sees(key) {
                    continue;
                }
                let reason = change.decisions.iter().find(|d| d.key == *key);
                let live = self.row.record.values(key);
                writes.push(WriteShown {
                    question: self.questions.question(&self.policies, change.form, key)?,
                    value: json(value),
                    text: self.questions.say(change.form, key, value)?,
                    reason: reason.map(|d| d.reason.as_str().to_owned()),
                    live: live.iter().any(|(dot, _)| *dot == change.dot),
                });
            }
            out.push(HistoryEntry {
                position: entry.pos.get(),
                by: self.authors.of(change.dot, change.clock, entry.received)?,
                form: change.form,
                cut: stored.stamp.cut,
                writes,
            });
        }
        Ok(out)
    }
}
