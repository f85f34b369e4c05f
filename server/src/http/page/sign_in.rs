//! Signing in and out.

use actix_web::cookie::Cookie;
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use maud::html;
use serde::Deserialize;

use super::layout::{page, refusal, said, see, status_of};
use super::said::take_away;
use super::visit::{Visit, signed_in, signed_out};
use crate::http::blocking;
use crate::http::extract::Peer;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::names::Secret;
use crate::service::sign_in::SignIn;

/// Who wants to sign in.
#[derive(Deserialize)]
pub(super) struct Credentials {
    token: String,
    organisation: String,
    name: String,
    password: Secret,
}

/// A form that says nothing but that it came from a page.
#[derive(Deserialize)]
pub(super) struct Plain {
    pub(super) token: String,
}

/// The sign-in page.
pub(super) fn form(visit: &Visit, error: Option<&ServiceError>) -> Result<HttpResponse> {
    let (cookie, token) = visit.before()?;
    let main = html! {
        @if let Some(error) = error { (said(error)) }
        @else if let Some(left) = visit.said() { p class="note" role="status" { (left.words()) } }
        p { "For coordinators and admins of an organisation. Interviews are recorded with the field app, not here." }
        form method="post" action="/sign-in" {
            input type="hidden" name="token" value=(token);
            label for="organisation" { "Organisation (its short name)" }
            input id="organisation" name="organisation" required autocomplete="organization" autocapitalize="none";
            label for="name" { "Your name" }
            input id="name" name="name" required autocomplete="username" autocapitalize="none";
            label for="password" { "Password" }
            input id="password" name="password" type="password" required autocomplete="current-password";
            p { button class="main" { "Sign in" } }
        }
        p { "First time here, or the password forgotten? Ask your organisation's admin for a one-time link. It sets a new password." }
    };
    let status = error.map_or(StatusCode::OK, status_of);
    let mut response = with(page(status, "Sign in", None, main), &cookie);
    if visit.said().is_some() {
        response = with(response, &take_away());
    }
    Ok(response)
}

/// A page that sets a cookie.
pub(super) fn with(mut response: HttpResponse, cookie: &Cookie<'_>) -> HttpResponse {
    // Only a cookie that cannot be written fails, and ours are made here.
    let _ = response.add_cookie(cookie);
    response
}

/// Signs in, and goes to the overview.
pub(super) async fn sign_in(
    visit: Visit,
    from: Peer,
    body: web::Form<Credentials>,
) -> HttpResponse {
    let Credentials {
        token,
        organisation,
        name,
        password,
    } = body.into_inner();
    let done = match visit.check_before(&token) {
        Err(stale) => Err(stale),
        Ok(()) => {
            let request = SignIn {
                organisation: organisation.trim().to_lowercase(),
                name,
                password,
            };
            blocking(visit.service(), move |service| {
                let reply = service.sign_in_page(&request, from.0)?;
                if reply.user.organisation.is_none() {
                    service.sign_out(&reply.refresh_token)?;
                    return Err(ServiceError::from(Code::NotAllowed).detail(
                        "Those who look after the server see no answers, so this page has nothing for them.",
                    ));
                }
                Ok(reply.refresh_token)
            })
            .await
        }
    };
    match done {
        Ok(session) => with(see("/"), &signed_in(session)),
        Err(error) => form(&visit, Some(&error)).unwrap_or_else(refusal),
    }
}

/// Signs out: the sign-in ends on the server, not only in the browser.
pub(super) async fn sign_out(visit: Visit, body: web::Form<Plain>) -> HttpResponse {
    let Some(session) = visit.session().map(str::to_owned) else {
        return see("/");
    };
    if let Err(stale) = visit.service().check_form_token(&session, &body.token) {
        return refusal(stale);
    }
    let ended = blocking(visit.service(), move |service| service.sign_out(&session)).await;
    match ended {
        Ok(()) => with(see("/"), &signed_out()),
        Err(error) => refusal(error),
    }
}
