//! What waits in quarantine, to release or to discard.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use maud::{Markup, html};

use super::layout::{Look, count, ended, page as frame, refusal, said, status_of};
use super::said::{Said, see_said};
use super::sign_in::Plain;
use super::visit::Visit;
use crate::service::error::ServiceError;
use crate::service::quarantine::{QuarantineFilter, QuarantineLine};

/// From how many answers on they are folded away.
const SHORT: usize = 8;

/// The list.
pub(super) async fn page(visit: Visit) -> HttpResponse {
    show(&visit, None).await
}

async fn show(visit: &Visit, refused: Option<ServiceError>) -> HttpResponse {
    let done = visit
        .look(|service, user| {
            let filter = QuarantineFilter {
                limit: Some(50),
                ..QuarantineFilter::default()
            };
            service.desk(user)?.quarantine(&filter)
        })
        .await;
    match done {
        Ok((waiting, look)) => {
            let main = html! {
                @if let Some(error) = &refused { (said(error)) }
                p { "These changes came from devices that may not write at present, or say something that cannot be. They count nowhere until somebody lets them in. Letting in never weakens a consent or a warning." }
                @if waiting.items.is_empty() { p { "Nothing waits." } }
                @for item in &waiting.items { (line(item, &look)) }
                @if waiting.next.is_some() { p { "There are more. They appear here as these are judged." } }
            };
            let status = refused.as_ref().map_or(StatusCode::OK, status_of);
            frame(status, "Quarantine", Some(&look), main)
        }
        Err(error) => refusal(error),
    }
}

/// Why something stands here, in people's words.
fn why(code: &str) -> &str {
    match code {
        "device_revoked" => "the device was revoked before this came",
        "answers_not_allowed" => "this person's role reviews and writes no answers",
        "meta_not_allowed" => "it approves, assigns or deletes, which this person may not",
        "record_unavailable" => "it is for an interview that this device does not have",
        "form_unknown" => "its form was never published here",
        "form_other" => "it is for another form than the interview's",
        "origin_foreign" => "it says to repeat what somebody else recorded",
        "item_unreadable" => "it cannot be read",
        other => other,
    }
}

fn line(item: &QuarantineLine, look: &Look) -> Markup {
    let heading = format!("waits-{}", item.no);
    html! {
        section aria-labelledby=(heading) {
            h2 id=(heading) { "From " bdi { (item.name) } ", " (look.time(&item.received_at)) }
            p { "It waits because " (why(&item.code)) "." @if item.creates { " It is a new interview." } }
            @if let Some(saved) = &item.saved_at { p { small { "Saved " (look.time(saved)) " by the device's clock." } } }
            @if item.writes.is_empty() { p { "What it says is not shown." } }
            @else { details open[item.writes.len() <= SHORT] {
                summary { "What it says: " (count(item.writes.len() as u64, "answer", "answers")) }
                dl {
                    @for write in &item.writes {
                        dt { bdi dir="auto" { (write.question.label) } }
                        dd { bdi dir="auto" { (write.text) } }
                    }
                }
            } }
            @if item.readable {
                form class="line" method="post" action={ "/quarantine/" (item.no) "/release" } {
                    (look.proof())
                    button aria-describedby=(heading) { "Let it in" }
                }
            }
            details {
                summary { "Throw it away…" }
                p { "It is destroyed here and cannot be brought back. The device may drop it, too." }
                form method="post" action={ "/quarantine/" (item.no) "/discard" } {
                    (look.proof())
                    button class="danger" aria-describedby=(heading) { "Throw it away for good" }
                }
            }
        }
    }
}

/// Lets it in.
pub(super) async fn release(
    visit: Visit,
    no: web::Path<i64>,
    body: web::Form<Plain>,
) -> HttpResponse {
    judge(visit, *no, &body.token, true).await
}

/// Throws it away.
pub(super) async fn discard(
    visit: Visit,
    no: web::Path<i64>,
    body: web::Form<Plain>,
) -> HttpResponse {
    judge(visit, *no, &body.token, false).await
}

async fn judge(visit: Visit, no: i64, token: &str, release: bool) -> HttpResponse {
    let auth = match visit.user_with_form(token) {
        Ok(auth) => auth,
        Err(error) => return refusal(error),
    };
    let done = auth
        .run(move |service, user| {
            let desk = service.desk(user)?;
            match release {
                true => desk.release(no).map(drop),
                false => desk.discard(no),
            }
        })
        .await;
    match done {
        Ok(()) if release => see_said("/quarantine", Said::Released),
        Ok(()) => see_said("/quarantine", Said::Discarded),
        Err(error) if ended(&error) => refusal(error),
        Err(error) => show(&visit, Some(error)).await,
    }
}
