//! The page behind a one-time link, which sets a password: the first one, or a new one.
//!
//! The secret stands behind the `#`, which no browser sends, so no log, proxy or `Referer` has it. One small script of this
//! server moves it into the form and out of the address; without scripts the link is pasted. It travels in a body.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use maud::html;
use serde::Deserialize;

use super::layout::{page, page_with_script, refusal, said, status_of};
use super::sign_in::with;
use super::visit::Visit;
use crate::http::blocking;
use crate::http::extract::Peer;
use crate::service::error::{Code, Result, ServiceError, invalid};
use crate::service::names::Secret;

/// Where the script lies.
const SCRIPT_PATH: &str = "/reset.js";
const SCRIPT: &str = r#""use strict";
const found = /(?:^#|&)t=([A-Za-z0-9_-]+)/.exec(location.hash);
if (found) {
  const field = document.getElementById("link");
  field.value = found[1];
  field.closest("div").hidden = true;
  history.replaceState(null, "", location.pathname);
  document.getElementById("password").focus();
}
"#;

/// The form.
#[derive(Deserialize)]
pub(super) struct Wanted {
    token: String,
    link: Secret,
    password: Secret,
    again: Secret,
}

/// The secret in what was pasted: the whole link, or what stands behind `t=`.
fn secret(pasted: &str) -> &str {
    let behind = pasted.rsplit_once("t=").map_or(pasted, |(_, token)| token);
    behind.split('&').next().unwrap_or_default().trim()
}

/// The page.
pub(super) async fn show(visit: Visit) -> HttpResponse {
    form(&visit, None, "").unwrap_or_else(refusal)
}

/// The script.
pub(super) async fn script() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/javascript; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "max-age=3600"))
        .body(SCRIPT)
}

fn form(visit: &Visit, error: Option<&ServiceError>, link: &str) -> Result<HttpResponse> {
    let (cookie, token) = visit.before()?;
    let main = html! {
        @if let Some(error) = error { (said(error)) }
        p { "The link that you were given works once. Choose a password of at least 10 characters; three or four unrelated words are good." }
        form method="post" action="/reset" {
            input type="hidden" name="token" value=(token);
            div hidden[!link.is_empty()] {
                label for="link" { "The link, or the letters behind “t=” in it" }
                input id="link" name="link" value=(link) required autocomplete="off" autocapitalize="none" spellcheck="false";
            }
            label for="password" { "New password" }
            input id="password" name="password" type="password" required minlength="10" maxlength="200" autocomplete="new-password";
            label for="again" { "The same once more" }
            input id="again" name="again" type="password" required minlength="10" maxlength="200" autocomplete="new-password";
            p { button class="main" { "Set the password" } }
        }
        p class="quiet" { "This ends all sign-ins of yours, on every computer. Phones that you enrolled stay enrolled." }
    };
    let status = error.map_or(StatusCode::OK, status_of);
    let response = page_with_script(status, "Set your password", SCRIPT_PATH, main);
    Ok(with(response, &cookie))
}

/// Sets it.
pub(super) async fn set(visit: Visit, from: Peer, body: web::Form<Wanted>) -> HttpResponse {
    let Wanted {
        token,
        link,
        password,
        again,
    } = body.into_inner();
    let link = Secret::new(secret(link.expose()).to_owned());
    let typed = link.expose().to_owned();
    let done = match visit.check_before(&token) {
        Err(stale) => Err(stale),
        Ok(()) if password.expose() != again.expose() => Err(invalid(
            "/again",
            "passwords_differ",
            "The two passwords are not the same. Nothing was changed; the link is still good.",
        )),
        Ok(()) => {
            blocking(visit.service(), move |service| {
                service.reset_password(link.expose(), password, from.0)
            })
            .await
        }
    };
    match done {
        Ok(whose) => {
            let main = html! {
                p { "Your password is set. The link is used up." }
                p { "To sign in, type the organisation " strong { (whose.organisation) } " and the name " strong { bdi { (whose.name) } } "." }
                p { a href="/" { "Go to the sign-in" } }
            };
            page(StatusCode::OK, "The password is set", None, main)
        }
        // A link that is used up needs no form any more.
        Err(error) if error.code == Code::ResetInvalid => used_up(&error),
        Err(error) => form(&visit, Some(&error), &typed).unwrap_or_else(refusal),
    }
}

fn used_up(error: &ServiceError) -> HttpResponse {
    let main = html! {
        (said(error))
        p { "A link is good for three days and works once; a newer one closes the older. If you have set your password already, "
            a href="/" { "sign in" } ". If you did not use the link yourself, tell your admin at once: somebody else may have." }
    };
    page(status_of(error), error.code.entry().title, None, main)
}

#[cfg(test)]
mod tests {
    use super::secret;

    #[test]
    fn a_whole_link_and_its_secret_are_one() {
        for pasted in [
            "https://survey.example.org/reset#t=abc-_1",
            " abc-_1 ",
            "t=abc-_1",
            "https://survey.example.org/reset#x=1&t=abc-_1&y=2",
        ] {
            assert_eq!(secret(pasted), "abc-_1", "{pasted}");
        }
    }
}
