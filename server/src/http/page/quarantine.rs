//! What waits in quarantine, to release or to discard.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use maud::{Markup, html};

use super::layout::{Who, page as frame, refusal, said, see, time};
use super::sign_in::Plain;
use super::visit::Visit;
use crate::service::error::{Code, ServiceError};
use crate::service::quarantine::{QuarantineFilter, QuarantineLine};

/// The list.
pub(super) async fn page(visit: Visit) -> HttpResponse {
    show(&visit, None).await
}

async fn show(visit: &Visit, refused: Option<ServiceError>) -> HttpResponse {
    let done = match visit.user() {
        Ok(auth) => {
            auth.run(|service, user| {
                let filter = QuarantineFilter {
                    limit: Some(50),
                    ..QuarantineFilter::default()
                };
                Ok((service.desk(user)?.quarantine(&filter)?, user.name.clone()))
            })
            .await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok((waiting, name)) => {
            let token = visit.token();
            let main = html! {
                @if let Some(error) = &refused { (said(error)) }
                p { a href="/" { "Back to the overview" } }
                p { "These changes came from devices that may not write at present, or say something that cannot be. They count nowhere until somebody lets them in. Letting in never weakens a consent or a warning." }
                @if waiting.items.is_empty() { p { "Nothing waits." } }
                @for item in &waiting.items { (line(item, &token)) }
                @if waiting.next.is_some() { p { "There are more. They appear here as these are judged." } }
            };
            let who = Who {
                name: &name,
                token: &token,
            };
            let status = if refused.is_some() {
                StatusCode::CONFLICT
            } else {
                StatusCode::OK
            };
            frame(status, "Quarantine", Some(who), main)
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

fn line(item: &QuarantineLine, token: &str) -> Markup {
    html! {
        section {
            h2 { "From " bdi { (item.name) } ", " (time(&item.received_at)) }
            p { "It waits because " (why(&item.code)) "." @if item.creates { " It is a new interview." } }
            @if item.writes.is_empty() { p { "What it says is not shown." } }
            dl {
                @for write in &item.writes {
                    dt { bdi dir="auto" { (write.question.label) } }
                    dd { bdi dir="auto" { (write.text) } }
                }
            }
            @if item.readable { (button(item.no, "release", "Let it in", token)) }
            (button(item.no, "discard", "Throw it away for good", token))
        }
    }
}

fn button(no: i64, verb: &str, label: &str, token: &str) -> Markup {
    html! {
        form class="line" method="post" action={ "/quarantine/" (no) "/" (verb) } {
            input type="hidden" name="token" value=(token);
            button { (label) }
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
        Ok(()) => see("/quarantine"),
        Err(error) if error.code == Code::RefreshInvalid => refusal(error),
        Err(error) => show(&visit, Some(error)).await,
    }
}
