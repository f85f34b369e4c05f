//! The frame of every page, and the pages that say what went wrong.

use actix_web::HttpResponse;
use actix_web::http::{StatusCode, header};
use maud::{DOCTYPE, Markup, html};

use super::said::{self, Said, see_said};
use crate::service::access::{self, Action, Role};
use crate::service::error::{Code, ServiceError};
use crate::service::local_time::LocalTimes;

/// Nothing is loaded but the style sheet; no script runs; forms go to this server only.
const POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";
/// The same with one script of this server: for the page that reads what stands behind the `#` of its address.
const POLICY_WITH_SCRIPT: &str = "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; \
                                  base-uri 'none'; frame-ancestors 'none'";

/// For whom a page is drawn: what every part of it needs to know of them.
pub(super) struct Look {
    /// The name.
    pub(super) name: String,
    /// The role: what the page offers. Whether it is allowed is asked again when it is done.
    pub(super) role: Role,
    /// What every form carries.
    pub(super) token: String,
    /// How times are written.
    pub(super) times: LocalTimes,
    /// When the page is drawn, in milliseconds since 1970.
    pub(super) now: u64,
    /// What the page says first.
    pub(super) said: Option<Said>,
}

impl Look {
    /// Whether the role does this at all.
    pub(super) fn may(&self, action: Action) -> bool {
        access::reach(self.role, action).is_some()
    }
    /// An instant of the API, for people, and for machines that read pages.
    pub(super) fn time(&self, instant: &str) -> Markup {
        html! { time datetime=(instant) { (self.times.say(instant)) } }
    }
    /// What proves that a form came from this page.
    pub(super) fn proof(&self) -> Markup {
        html! { input type="hidden" name="token" value=(self.token); }
    }
}

/// A page.
pub(super) fn page(
    status: StatusCode,
    title: &str,
    look: Option<&Look>,
    main: Markup,
) -> HttpResponse {
    let said = look.and_then(|look| look.said);
    let mut response = bare(status, title, look, None, main);
    if said.is_some() {
        // Only a cookie that cannot be written fails, and ours are made here.
        let _ = response.add_cookie(&said::take_away());
    }
    response
}

/// A page with one script of this server.
pub(super) fn page_with_script(
    status: StatusCode,
    title: &str,
    script: &'static str,
    main: Markup,
) -> HttpResponse {
    bare(status, title, None, Some(script), main)
}

fn bare(
    status: StatusCode,
    title: &str,
    look: Option<&Look>,
    script: Option<&'static str>,
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
                @if let Some(script) = script { script src=(script) defer {} }
            }
            body {
                a class="skip" href="#main" { "Skip to the content" }
                header {
                    strong { a href="/" { "Tributary" } }
                    @if let Some(look) = look { (signed_in(look)) }
                }
                main id="main" {
                    h1 { (title) }
                    @if let Some(said) = look.and_then(|l| l.said) { p class="note" role="status" { (said.words()) } }
                    (main)
                }
                @if let Some(look) = look { (foot(look)) }
            }
        }
    };
    let policy = script.map_or(POLICY, |_| POLICY_WITH_SCRIPT);
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .body(markup.into_string())
}

fn signed_in(look: &Look) -> Markup {
    html! {
        nav aria-label="Pages" {
            a href="/" { "Overview" } " "
            a href="/records" { "Interviews" }
            @if look.may(Action::Quarantine) { " " a href="/quarantine" { "Quarantine" } }
        }
        form class="line" method="post" action="/sign-out" {
            (look.proof())
            span { "Signed in as " bdi { (look.name) } " " }
            button { "Sign out" }
        }
    }
}

fn foot(look: &Look) -> Markup {
    let zone = look.times.zone();
    html! {
        footer class="quiet" {
            "Times are in the time zone " (zone)
            @if zone == "UTC" { ", because your organisation has set none. Whoever runs the server can set it." } @else { "." }
        }
    }
}

/// Back to a page after a form.
pub(super) fn see(address: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, address))
        .finish()
}

/// Whether there is nobody signed in (any more).
pub(super) fn ended(error: &ServiceError) -> bool {
    matches!(
        error.code,
        Code::CredentialMissing | Code::RefreshInvalid | Code::TokenInvalid
    )
}

/// A refusal in people's words; a sign-in that has ended leads to the sign-in, which says so.
pub(super) fn refusal(error: ServiceError) -> HttpResponse {
    if ended(&error) {
        return see_said("/", Said::SignInEnded);
    }
    let entry = error.code.entry();
    if entry.status >= 500 {
        let cause = error.cause.as_deref().unwrap_or("");
        tracing::error!(code = entry.code, cause, "the server failed");
    }
    let main = html! {
        (said(&error))
        p { a href="/" { "Back to the overview" } }
    };
    page(status_of(&error), entry.title, None, main)
}

/// The HTTP status of a refusal.
pub(super) fn status_of(error: &ServiceError) -> StatusCode {
    StatusCode::from_u16(error.code.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// What a refusal says.
pub(super) fn said(error: &ServiceError) -> Markup {
    let entry = error.code.entry();
    let (meaning, next) = for_people(error.code).unwrap_or((entry.meaning, entry.next));
    html! {
        div class="warning" role="alert" {
            p { strong { (entry.title) } }
            p { (error.detail.as_deref().unwrap_or(meaning)) }
            @for item in &error.errors { p { (item.detail) } }
            p { (next) }
        }
    }
}

/// The words of the catalogue are for programs, too; where they name members of a body, the page has its own.
fn for_people(code: Code) -> Option<(&'static str, &'static str)> {
    Some(match code {
        Code::RecordChanged => (
            "What you write to was changed after it was shown to you. Nothing was written.",
            "Below it stands as it is now. Look at it again, and decide again.",
        ),
        Code::LoweringRefused => (
            "A consent, an age class or a safety flag is only lowered by a decision, with a reason, of somebody whom the form lets decide. Nothing was written.",
            "Choose again, and tick that you decide it.",
        ),
        Code::EraseTooEarly => (
            "An interview is hidden for some days before it is erased, so that a mistake or a theft can be stopped. Nothing was erased.",
            "Come back after the time that stands below.",
        ),
        Code::ReleaseRefused => (
            "What stands in quarantine cannot become part of its interview as things are. It stays where it is.",
            "Mend what keeps it out, for instance publish its form or assign the interview, and let it in then; or throw it away.",
        ),
        Code::SignInAgain => (
            "This cannot be undone, so it asks for a password typed just now. Nothing was done.",
            "Sign out above, sign in again, and come back here within ten minutes.",
        ),
        _ => return None,
    })
}

/// A number of things.
pub(super) fn count(n: u64, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// A span of time in the largest unit that says enough.
pub(super) fn span(ms: u64) -> String {
    match ms / 1_000 {
        s @ 0..120 => format!("{s} s"),
        s @ 120..7_200 => format!("{} min", s / 60),
        s @ 7_200..172_800 => format!("{} h", s / 3_600),
        s => format!("{} days", s / 86_400),
    }
}
