//! One record: what is in conflict first, then the answers, then how it came to be so.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use maud::{Markup, html};
use tributary_sync_core::ids::RecordId;

use super::layout::{Who, page as frame, refusal, said, time};
use super::visit::Visit;
use crate::service::error::ServiceError;
use crate::service::records::{
    Answer, CandidateShown, ConflictShown, Given, HistoryEntry, ShownRecord,
};

/// One record.
pub(super) async fn page(visit: Visit, id: web::Path<RecordId>) -> HttpResponse {
    show(&visit, *id, None).await
}

/// The same with what was refused before, above it.
pub(super) async fn show(
    visit: &Visit,
    id: RecordId,
    refused: Option<ServiceError>,
) -> HttpResponse {
    let done = match visit.user() {
        Ok(auth) => {
            auth.run(move |service, user| {
                Ok((service.desk(user)?.show(id, None)?, user.name.clone()))
            })
            .await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok((record, name)) => {
            let token = visit.token();
            let status = refused.as_ref().map_or(StatusCode::OK, |e| {
                StatusCode::from_u16(e.code.entry().status).unwrap_or(StatusCode::CONFLICT)
            });
            let main = html! {
                @if let Some(error) = &refused { (said(error)) }
                (body(&record, &token))
            };
            let who = Who {
                name: &name,
                token: &token,
            };
            frame(status, "One interview", Some(who), main)
        }
        Err(error) => refusal(error),
    }
}

fn body(record: &ShownRecord, token: &str) -> Markup {
    html! {
        p { a href="/" { "Back to the overview" } }
        p { bdi { (record.form_title) } ", " (record.status) ", recorded by "
            bdi { (record.maker_name.as_deref().unwrap_or("–")) } ", first heard of " (time(&record.created_at)) "." }
        @if record.withheld { p class="warning" { "There is no consent. Only consent and conflicts are shown, and it is in no download." } }
        @if record.restricted_at.is_some() { p class="warning" { "It is hidden and waits for its erasure." } }
        @if record.presence != "present" { p class="warning" { "It was deleted" @if record.presence == "contested" { ", but somebody wrote to it without seeing that" } "." } }
        section aria-labelledby="conflicts" {
            h2 id="conflicts" { "Conflicts" }
            @if record.conflicts.is_empty() { p { "None." } }
            @for (n, conflict) in record.conflicts.iter().enumerate() { (settle(record, conflict, n, token)) }
        }
        section aria-labelledby="answers" {
            h2 id="answers" { "Answers" }
            dl { @for answer in &record.answers { (self::answer(answer)) } }
        }
        @if !record.comments.is_empty() {
            section aria-labelledby="comments" {
                h2 id="comments" { "Comments" }
                @for comment in &record.comments { p { bdi dir="auto" { (comment.text) } br; (who(&comment.by)) } }
            }
        }
        section aria-labelledby="history" {
            h2 id="history" { "History" }
            @for entry in &record.history { (history(entry)) }
        }
    }
}

/// Who gave something, and when by which clock.
fn who(given: &Given) -> Markup {
    html! { small {
        bdi { (given.name) } @if given.device.is_none() { ", at a desk" }
        @if let Some(by) = &given.released_by { ", released by " bdi { (by) } }
        ", saved " (time(&given.saved_at)) " by the device's clock, received " (time(&given.received_at))
    } }
}

fn answer(answer: &Answer) -> Markup {
    html! {
        dt { bdi dir="auto" { (answer.question.label) } }
        dd { bdi dir="auto" { (answer.text) } @if answer.conflict { " (one of several answers)" }
            @for given in &answer.given { br; (who(given)) } }
    }
}

fn settle(record: &ShownRecord, conflict: &ConflictShown, n: usize, token: &str) -> Markup {
    let lowers = conflict.candidates.iter().any(|c| c.lowers);
    html! {
        form method="post" action={ "/records/" (record.id) "/settle" } {
            input type="hidden" name="token" value=(token);
            input type="hidden" name="shown" value=(record.shown.to_text());
            input type="hidden" name="key" value=(conflict.question.key);
            fieldset {
                legend { bdi dir="auto" { (conflict.question.label) } }
                @for candidate in &conflict.candidates { (self::candidate(candidate)) }
                @if conflict.question.policy == "union" {
                    label class="choice" { input type="radio" name="choice" value="together" required; span { "All of these together" } }
                }
                @if let Some(kind) = own_kind(conflict) {
                    label class="choice" { input type="radio" name="choice" value="other" required; span { "Another answer, below" } }
                    label for={ "other-" (n) } { "Another answer" }
                    input id={ "other-" (n) } name="other" dir="auto" autocomplete="off";
                    input type="hidden" name="kind" value=(kind);
                }
                @if lowers {
                    p class="note" { "The answers differ in how much they protect the person. Until somebody decides, what protects most counts, whatever the clocks say." }
                    label class="choice" { input type="checkbox" name="decide" value="yes"; span { "I have made sure that the answer that protects less is right, and decide it. My name and reason are kept." } }
                }
                label for={ "reason-" (n) } { "Why" }
                textarea id={ "reason-" (n) } name="reason" rows="2" maxlength="4000" required dir="auto" {}
                p { button class="main" { "Settle this" } }
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

fn candidate(candidate: &CandidateShown) -> Markup {
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
                @for given in &candidate.given { br; (who(given)) }
            }
        }
    }
}

fn history(entry: &HistoryEntry) -> Markup {
    html! {
        details {
            summary { (who(&entry.by)) }
            dl {
                @for write in &entry.writes {
                    dt { bdi dir="auto" { (write.question.label) } }
                    dd { bdi dir="auto" { (write.text) }
                        @if let Some(reason) = &write.reason { br; small { "Because: " bdi dir="auto" { (reason) } } } }
                }
            }
        }
    }
}
