//! One record: what is in conflict first, then the answers, what can be done with it, and how it came to be so.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use maud::{Markup, html};
use tributary_sync_core::ids::RecordId;

use super::acts;
use super::history;
use super::layout::{Look, page as frame, refusal, said, status_of};
use super::people::People;
use super::visit::Visit;
use crate::service::access::Action;
use crate::service::error::ServiceError;
use crate::service::records::{Answer, CandidateShown, ConflictShown, Given, ShownRecord};

/// One record.
pub(super) async fn page(visit: Visit, id: web::Path<RecordId>) -> HttpResponse {
    show(&visit, *id, None).await
}

/// What was refused, and the words that would be lost with it.
pub(super) struct Refused {
    pub(super) error: ServiceError,
    pub(super) words: String,
}

/// The same with what was refused before, above it.
pub(super) async fn show(visit: &Visit, id: RecordId, refused: Option<Refused>) -> HttpResponse {
    let done = visit
        .look(move |service, user| {
            let record = service.desk(user)?.show(id, None)?;
            Ok((record, People::of(service, user)?))
        })
        .await;
    match done {
        Ok(((record, people), look)) => {
            let status = refused
                .as_ref()
                .map_or(StatusCode::OK, |r| status_of(&r.error));
            let main = html! {
                @if let Some(refused) = &refused {
                    (said(&refused.error))
                    @if !refused.words.trim().is_empty() { p { "You had written: " bdi dir="auto" { (refused.words) } } }
                }
                (body(&record, &people, &look))
            };
            frame(status, &title(&record), Some(&look), main)
        }
        Err(error) => refusal(error),
    }
}

/// What people call an interview: its form, and enough of its id to tell it from others.
pub(super) fn title(record: &ShownRecord) -> String {
    let id = record.id.to_string();
    let form = match record.form_title.as_str() {
        "" => &record.form_id,
        title => title,
    };
    format!("{form} {}", id.get(..8).unwrap_or_default())
}

fn body(record: &ShownRecord, people: &People, look: &Look) -> Markup {
    html! {
        p { "Recorded by " bdi { (record.maker_name.as_deref().unwrap_or("–")) } ", reached the server "
            (look.time(&record.created_at)) ". Status: " strong { (record.status) } "."
            @if record.restricted_at.is_none() {
                " Assigned to " @if record.assigned.is_empty() { "nobody" }
                @for (n, assignee) in record.assigned.iter().enumerate() { @if n > 0 { ", " } bdi { (people.name(assignee)) } } "."
            } }
        @if record.withheld { p class="warning" { "There is no consent. Only consent and conflicts are shown, and it is in no download." } }
        @if let Some(since) = &record.restricted_at {
            p class="warning" { "Hidden since " (look.time(since)) ", and nothing of it is shown."
                @if let Some(after) = &record.erase_after { " It can be erased from " (look.time(after)) " on." } }
        }
        @if record.presence != "present" { p class="warning" { "It was deleted" @if record.presence == "contested" { ", but somebody wrote to it without seeing that. It is shown until somebody deletes or restores it" } "." } }
        @if record.restricted_at.is_none() {
            (conflicts(record, look))
            (answers(record, look))
        }
        (acts::offered(record, people, look))
        @if !record.comments.is_empty() {
            section aria-labelledby="comments" {
                h2 id="comments" { "Comments" }
                @for comment in &record.comments { p { bdi dir="auto" { (comment.text) } br; (who(&comment.by, look)) } }
            }
        }
        @if !record.history.is_empty() { (history::section(record, people, look)) }
    }
}

fn conflicts(record: &ShownRecord, look: &Look) -> Markup {
    html! {
        section aria-labelledby="conflicts" {
            h2 id="conflicts" { "Conflicts" }
            @if record.conflicts.is_empty() { p { "None." } }
            @for (n, conflict) in record.conflicts.iter().enumerate() { (settle(record, conflict, n, look)) }
        }
    }
}

fn answers(record: &ShownRecord, look: &Look) -> Markup {
    html! {
        section aria-labelledby="answers" {
            h2 id="answers" { "Answers" }
            @if record.answers.is_empty() { p { "None." } }
            dl { @for answer in &record.answers { (self::answer(answer, look)) } }
        }
    }
}

/// Who gave something, and when by which clock.
pub(super) fn who(given: &Given, look: &Look) -> Markup {
    html! { small {
        bdi { (given.name) }
        @if given.user.is_none() { ", by itself" } @else if given.device.is_none() { ", at a desk" }
        @if let Some(by) = &given.released_by { ", let in by " bdi { (by) } }
        ", saved " (look.time(&given.saved_at)) @if given.device.is_some() { " by the device's clock" }
        ", received " (look.time(&given.received_at))
    } }
}

fn answer(answer: &Answer, look: &Look) -> Markup {
    html! {
        dt { bdi dir="auto" { (answer.question.label) } }
        dd { bdi dir="auto" { (answer.text) } @if answer.conflict { " (one of several answers)" }
            @for given in &answer.given { br; (who(given, look)) } }
    }
}

fn settle(record: &ShownRecord, conflict: &ConflictShown, n: usize, look: &Look) -> Markup {
    let lowers = conflict.candidates.iter().any(|c| c.lowers);
    let may = look.may(Action::Settle) && record.restricted_at.is_none();
    html! {
        form method="post" action={ "/records/" (record.id) "/settle" } {
            (look.proof())
            input type="hidden" name="shown" value=(record.shown.to_text());
            input type="hidden" name="key" value=(conflict.question.key);
            fieldset disabled[!may] {
                legend { bdi dir="auto" { (conflict.question.label) } }
                @for candidate in &conflict.candidates { (self::candidate(candidate, look)) }
                @if conflict.question.policy == "union" {
                    label class="choice" { input type="radio" name="choice" value="together" required; span { "All of these together" } }
                }
                @if let Some(kind) = own_kind(conflict) {
                    label class="choice" { input type="radio" name="choice" value="other" required; span { "Another answer, below" } }
                    label for={ "other-" (n) } { "Another answer" @if kind == "date" { " (year-month-day, such as 2026-11-24)" } }
                    input id={ "other-" (n) } name="other" dir="auto" autocomplete="off";
                    input type="hidden" name="kind" value=(kind);
                }
                @if lowers {
                    p class="note" { "The answers differ in how much they protect the person. Until somebody decides, what protects most counts, whatever the clocks say." }
                    label class="choice" { input type="checkbox" name="decide" value="yes"; span { "I have made sure that the answer that protects less is right, and decide it. My name and reason are kept." } }
                }
                @if may {
                    label for={ "reason-" (n) } { "Why" }
                    textarea id={ "reason-" (n) } name="reason" rows="2" maxlength="4000" required dir="auto" {}
                    p { button class="main" { "Settle this" } }
                } @else { p { "A coordinator settles this." } }
            }
        }
    }
}

/// The kind of value that another answer may be typed as: that of the answers there are, if it can be typed.
fn own_kind(conflict: &ConflictShown) -> Option<&'static str> {
    let tag = conflict
        .candidates
        .first()?
        .value
        .as_object()?
        .keys()
        .next()?;
    ["text", "int", "decimal", "date"]
        .into_iter()
        .find(|kind| kind == tag)
}

fn candidate(candidate: &CandidateShown, look: &Look) -> Markup {
    let value = candidate
        .given
        .first()
        .map(|g| format!("{}.{}", g.actor, g.seq))
        .unwrap_or_default();
    html! {
        label class="choice" {
            input type="radio" name="choice" value=(value) required;
            span {
                strong { bdi dir="auto" { (candidate.text) } }
                @if candidate.in_force { " (counts until this is settled)" }
                @if candidate.lowers { " (protects less)" }
                @for given in &candidate.given { br; (who(given, look)) }
            }
        }
    }
}
