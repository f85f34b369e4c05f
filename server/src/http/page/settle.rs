//! Settling from the page: one of the answers or another one, with a reason; lowering a protection only when it was said
//! to be a decision.

use std::str::FromStr;

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{ActorId, RecordId, Seq};
use tributary_sync_core::key::Key;
use tributary_sync_core::value::{Decimal, Value};

use super::layout::{ended, refusal};
use super::record::{self, Refused};
use super::said::{Said, see_said};
use super::visit::Visit;
use crate::service::error::{Code, Result, ServiceError, invalid};
use crate::service::records::{Choice, ConflictShown, Desk, Settle, Shown, ShownRecord, Written};

/// The form under a conflict.
#[derive(Deserialize)]
pub(super) struct Settling {
    token: String,
    shown: String,
    key: String,
    choice: String,
    #[serde(default)]
    other: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    decide: Option<String>,
    reason: String,
}

/// Settles, and shows the record again: with what was refused, if it was.
pub(super) async fn settle(
    visit: Visit,
    id: web::Path<RecordId>,
    body: web::Form<Settling>,
) -> HttpResponse {
    let id = *id;
    let auth = match visit.user_with_form(&body.token) {
        Ok(auth) => auth,
        Err(error) => return refusal(error),
    };
    let form = body.into_inner();
    let words = form.reason.clone();
    let done = auth
        .run(move |service, user| write(&service.desk(user)?, id, form)?.done())
        .await;
    match done {
        Ok(_) => see_said(&format!("/records/{id}"), Said::Settled),
        Err(error) if ended(&error) => refusal(error),
        Err(error) => record::show(&visit, id, Some(Refused { error, words })).await,
    }
}

fn write(desk: &Desk<'_>, id: RecordId, form: Settling) -> Result<Written> {
    let shown = Shown::from_text(&form.shown).ok_or(Code::ShownInvalid)?;
    let key = Key::from_str(&form.key)
        .map_err(|_| invalid("/key", "key_invalid", "This is no question of a record."))?;
    let choice = match form.choice.as_str() {
        "together" => Choice::Value(together(&desk.show(id, None)?, &form.key)?),
        "other" => Choice::Value(typed(&form.kind, form.other.trim())?),
        dot => Choice::Candidate(read_dot(dot).ok_or(Code::ShownInvalid)?),
    };
    if form.decide.is_none() {
        let settle = Settle {
            key,
            choice,
            reason: form.reason,
        };
        return desk.settle(id, &shown, settle);
    }
    // The decision names what stands above the choice in what was shown; whatever came since is not named.
    let record = desk.show(id, None)?;
    let conflict = record
        .conflicts
        .iter()
        .find(|c| c.question.key == form.key)
        .ok_or_else(|| ServiceError::from(Code::RecordChanged))?;
    let dots = above(conflict, &choice)
        .into_iter()
        .filter(|dot| shown.clock.covers(*dot))
        .collect();
    desk.decide(id, &shown, (key, dots), (choice, form.reason))
}

/// What is in force for a question whose answers add up: all of them.
fn together(record: &ShownRecord, key: &str) -> Result<Value> {
    let answer = record.answers.iter().find(|a| a.question.key == key);
    let json = answer.map(|a| a.value.clone()).unwrap_or_default();
    serde_json::from_value(json).map_err(|_| Code::RecordChanged.into())
}

/// The answers that are not the chosen one.
fn above(conflict: &ConflictShown, choice: &Choice) -> Vec<Dot> {
    let chosen = |candidate: &crate::service::records::CandidateShown| match choice {
        Choice::Candidate(dot) => candidate.given.iter().any(|g| g.names(*dot)),
        Choice::Value(_) => false,
    };
    conflict
        .candidates
        .iter()
        .filter(|c| !chosen(c))
        .flat_map(|c| &c.given)
        .filter_map(|g| Some(Dot::new(ActorId(g.actor), Seq::new(g.seq).ok()?)))
        .collect()
}

fn read_dot(text: &str) -> Option<Dot> {
    let (actor, seq) = text.split_once('.')?;
    Some(Dot::new(
        ActorId(actor.parse().ok()?),
        Seq::new(seq.parse().ok()?).ok()?,
    ))
}

/// An answer as it was typed, of the kind that the others are.
fn typed(kind: &str, text: &str) -> Result<Value> {
    let bad = || {
        invalid(
            "/other",
            "value_invalid",
            "This cannot be read as an answer to this question.",
        )
    };
    if text.is_empty() {
        return Err(bad());
    }
    let json = match kind {
        "int" => serde_json::json!({"int": text.parse::<i64>().map_err(|_| bad())?}),
        "decimal" => {
            let decimal = Decimal::normalise(text).map_err(|_| bad())?;
            serde_json::json!({"decimal": decimal.as_str()})
        }
        "date" => serde_json::json!({"date": text}),
        "text" => serde_json::json!({"text": text}),
        _ => return Err(bad()),
    };
    serde_json::from_value(json).map_err(|_| bad())
}
