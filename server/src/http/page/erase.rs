//! Erasing for good from the page: what it means, the question once more, and the report; and those that a second admin
//! confirms.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use maud::{Markup, html};
use serde::Deserialize;
use tributary_sync_core::ids::{RecordId, Tombstone};

use super::layout::{Look, count, ended, page as frame, refusal, said, status_of};
use super::people::People;
use super::record::title;
use super::said::{Said, see_said};
use super::sign_in::Plain;
use super::visit::Visit;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::records::{EraseOutcome, ErasureReport, Proposal, Reason, ShownRecord};

/// The answer to the question.
#[derive(Deserialize)]
pub(super) struct Sure {
    token: String,
    reason: Reason,
    #[serde(default)]
    sure: Option<String>,
}

/// The question.
pub(super) async fn question(visit: Visit, id: web::Path<RecordId>) -> HttpResponse {
    ask(&visit, *id, None).await
}

async fn ask(visit: &Visit, id: RecordId, refused: Option<ServiceError>) -> HttpResponse {
    let done = visit
        .look(move |service, user| service.desk(user)?.show(id, None))
        .await;
    match done {
        Ok((record, look)) => {
            let status = refused.as_ref().map_or(StatusCode::OK, status_of);
            let main = html! {
                @if let Some(error) = &refused { (said(error)) }
                (sure(&record, &look))
            };
            frame(status, "Erase for good", Some(&look), main)
        }
        Err(error) => refusal(error),
    }
}

fn sure(record: &ShownRecord, look: &Look) -> Markup {
    html! {
        p { bdi { (title(record)) } ", recorded by " bdi { (record.maker_name.as_deref().unwrap_or("–")) } ", reached the server " (look.time(&record.created_at)) "." }
        @match &record.erase_after {
            None => p class="warning" { "It has to be hidden first, for some days, so that a mistake or a theft can be stopped." },
            Some(after) => p { "It can be erased from " (look.time(after)) " on." },
        }
        p { "This cannot be taken back, by nobody:" }
        ul {
            li { "Every answer, the whole history, comments and what waits in quarantine leave the files of this server." }
            li { "Phones that hold it drop it at their next sync. The report names the phones that have not heard of it yet." }
            li { "Copies off this machine still hold it until they are thrown away as they age. If one is ever restored, this is erased again before anybody sees it." }
            li { "Files that somebody has downloaded are out of reach: ask those who have them to delete them." }
            li { "What remains is a number from which nobody can tell what stood there, and that you erased it, when, and why." }
        }
        form method="post" action={ "/records/" (record.id) "/erase" } {
            (look.proof())
            label for="reason" { "Why" }
            select id="reason" name="reason" required {
                option value="" { "Choose one" }
                option value="request" { "The person asked for it" }
                option value="retention" { "It was kept as long as it may be" }
                option value="mistake" { "It should never have been recorded" }
                option value="other" { "Anything else" }
            }
            label class="choice" { input type="checkbox" name="sure" value="yes" required; span { "I have read what this means, and this is the right interview." } }
            p { button class="danger" { "Erase it for good" } }
        }
        p { a href={ "/records/" (record.id) } { "Back, without erasing" } }
    }
}

/// Erases, and reports.
pub(super) async fn erase(
    visit: Visit,
    id: web::Path<RecordId>,
    body: web::Form<Sure>,
) -> HttpResponse {
    let id = *id;
    if let Err(error) = visit.user_with_form(&body.token) {
        return refusal(error);
    }
    if body.sure.as_deref() != Some("yes") {
        return ask(&visit, id, None).await;
    }
    let reason = body.reason;
    let done = visit
        .look(move |service, user| {
            let outcome = service.desk(user)?.erase(vec![id], reason)?;
            Ok((outcome, People::of(service, user)?))
        })
        .await;
    match done {
        Ok(((outcome, people), look)) => match ended_well(outcome) {
            Ok(done) => answer(&done, &people, &look),
            Err(error) => ask(&visit, id, Some(error)).await,
        },
        Err(error) if ended(&error) || error.code == Code::NotFound => refusal(error),
        Err(error) => ask(&visit, id, Some(error)).await,
    }
}

enum Done {
    Erased(ErasureReport),
    Proposed(Proposal),
}

fn ended_well(outcome: EraseOutcome) -> Result<Done> {
    match outcome {
        EraseOutcome::Erased(report) => Ok(Done::Erased(report)),
        EraseOutcome::NeedsSecond(proposal) => Ok(Done::Proposed(proposal)),
        EraseOutcome::TooEarly(_) => Err(Code::EraseTooEarly.into()),
    }
}

fn answer(done: &Done, people: &People, look: &Look) -> HttpResponse {
    match done {
        Done::Erased(report) => frame(
            StatusCode::OK,
            "Erased",
            Some(look),
            self::report(report, look),
        ),
        Done::Proposed(proposal) => {
            let main = html! {
                p { "Many interviews were erased within an hour, so another admin of your organisation has to confirm this one. Nothing was erased yet." }
                (self::proposal(proposal, people, look))
            };
            frame(
                StatusCode::ACCEPTED,
                "Waits for another admin",
                Some(look),
                main,
            )
        }
    }
}

fn report(report: &ErasureReport, look: &Look) -> Markup {
    html! {
        @if report.erased.is_empty() { p { "It had been erased before. Nothing was left to do." } }
        @for gone in &report.erased {
            p { "Erased " (look.time(&gone.erased_at)) "."
                @if gone.changes > 0 { " " (count(gone.changes as u64, "change", "changes")) " went, and " (gone.quarantined) " in quarantine." }
                @if gone.late_edits > 0 { " " (count(gone.late_edits, "late edit", "late edits")) " came from phones afterwards and were not kept." } }
            p { "Keep this address with the request, to look up later which phones have heard of it: "
                a href={ "/erasures/" (gone.tombstone) } { "report " (gone.tombstone.to_string().get(..8).unwrap_or_default()) } }
        }
        @if !report.erased.is_empty() && !report.scrubbed {
            p class="warning" { "It is gone from everything that is served, but its words could not be wiped from the disk yet, perhaps because the disk is full. The server tries again by itself. Tell whoever runs it." }
        }
        h2 { "Phones that have not confirmed it" }
        @if report.unconfirmed.is_empty() { p { "None: every phone has heard of it." } }
        @else {
            p { "They may still hold it until they sync. Ask these people to sync, or revoke the phone if it is lost." }
            ul { @for device in &report.unconfirmed { li {
                bdi { (device.name) }
                @match device.held { Some(true) => ", held it", Some(false) => ", never held it", None => "" }
                ", last exchange " @match &device.last_sync_at { Some(at) => (look.time(at)), None => "never" }
            } } }
        }
    }
}

/// The report of an erasure, as of now.
pub(super) async fn reported(visit: Visit, hash: web::Path<Tombstone>) -> HttpResponse {
    let done = visit
        .look(move |service, user| service.desk(user)?.erasure(*hash))
        .await;
    match done {
        Ok((found, look)) => frame(
            StatusCode::OK,
            "An erasure",
            Some(&look),
            report(&found, &look),
        ),
        Err(error) => refusal(error),
    }
}

/// Erasures that wait for another admin.
pub(super) fn proposal(proposal: &Proposal, people: &People, look: &Look) -> Markup {
    let by = format!("user:{}", proposal.by);
    html! {
        section {
            p { strong { (count(proposal.tombstones.len() as u64, "interview", "interviews")) } " to be erased for good, asked by "
                bdi { (people.name(&by)) } " " (look.time(&proposal.proposed_at)) ", because: "
                (match proposal.reason {
                    Reason::Request => "the people asked for it",
                    Reason::Retention => "they were kept as long as they may be",
                    Reason::Mistake => "they should never have been recorded",
                    Reason::Other => "another reason",
                }) ". Another admin than the one who asked says yes; this cannot be taken back." }
            form class="line" method="post" action={ "/erasure-proposals/" (proposal.id) "/confirm" } {
                (look.proof()) button class="danger" { "Yes, erase them for good" }
            }
            form class="line" method="post" action={ "/erasure-proposals/" (proposal.id) "/cancel" } {
                (look.proof()) button { "No, take it back" }
            }
        }
    }
}

/// The second admin says yes.
pub(super) async fn confirm(
    visit: Visit,
    id: web::Path<String>,
    body: web::Form<Plain>,
) -> HttpResponse {
    if let Err(error) = visit.user_with_form(&body.token) {
        return refusal(error);
    }
    let done = visit
        .look(move |service, user| {
            let outcome = service.desk(user)?.confirm_erasure(&id)?;
            Ok((ended_well(outcome)?, People::of(service, user)?))
        })
        .await;
    match done {
        Ok(((done, people), look)) => answer(&done, &people, &look),
        Err(error) => refusal(error),
    }
}

/// Somebody takes it back.
pub(super) async fn cancel(
    visit: Visit,
    id: web::Path<String>,
    body: web::Form<Plain>,
) -> HttpResponse {
    let auth = match visit.user_with_form(&body.token) {
        Ok(auth) => auth,
        Err(error) => return refusal(error),
    };
    let done = auth
        .run(move |service, user| service.desk(user)?.cancel_erasure(&id))
        .await;
    match done {
        Ok(()) => see_said("/", Said::ProposalCancelled),
        Err(error) => refusal(error),
    }
}
