//! The frame of every page, and the pages that say what went wrong.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use crate::service::error::{Code, ServiceError};

/// Nothing is loaded but the style sheet; no script runs; forms go to this server only.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Who is signed in, for the head of the page.
pub(super) struct Who<'a> {
    /// The name.
    pub(super) name: &'a str,
    /// What the sign-out form carries.
    pub(super) token: &'a str,
}

/// A page.
pub(super) fn page(
    status: StatusCode,
    title: &str,
    who: Option<Who<'_>>,
    main: Markup,
) -> HttpResponse {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="robots" content="noindex";
                title { (title) " – Tributary" }
                link rel="stylesheet" href="/page.css";
            }
            body {
                a class="skip" href="#main" { "Skip to the content" }
                header {
                    strong { a href="/" { "Tributary" } }
                    @if let Some(who) = who {
                        form class="line" method="post" action="/sign-out" {
                            input type="hidden" name="token" value=(who.token);
                            span { "Signed in as " bdi { (who.name) } " " }
                            button { "Sign out" }
                        }
                    }
                }
                main id="main" { h1 { (title) } (main) }
            }
        }
    };
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .body(markup.into_string())
}

/// Back to a page after a form.
pub(super) fn see(address: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, address))
        .finish()
}

/// A refusal in people's words; a sign-in that has ended leads to the sign-in.
pub(super) fn refusal(error: ServiceError) -> HttpResponse {
    let ended = matches!(
        error.code,
        Code::CredentialMissing | Code::RefreshInvalid | Code::TokenInvalid
    );
    if ended {
        return see("/");
    }
    let entry = error.code.entry();
    if entry.status >= 500 {
        let cause = error.cause.as_deref().unwrap_or("");
        tracing::error!(code = entry.code, cause, "the server failed");
    }
    let status = StatusCode::from_u16(entry.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let main = html! {
        (said(&error))
        p { a href="/" { "Back to the overview" } }
    };
    page(status, entry.title, None, main)
}

/// What a refusal says.
pub(super) fn said(error: &ServiceError) -> Markup {
    let entry = error.code.entry();
    html! {
        div class="warning" role="alert" {
            p { (error.detail.as_deref().unwrap_or(entry.meaning)) }
            @for item in &error.errors { p { (item.detail) } }
            p { (entry.next) }
        }
    }
}

/// An instant of the API, for people, and for machines that read pages.
pub(super) fn time(instant: &str) -> Markup {
    let short = instant.get(..16).unwrap_or(instant).replace('T', " ");
    html! { time datetime=(instant) { (short) " UTC" } }
}
