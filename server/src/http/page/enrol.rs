//! A code for one device, to scan or to type; shown once.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use maud::{Markup, PreEscaped, html};
use qrcode::{Color, EcLevel, QrCode};
use serde::Deserialize;
use tributary_sync_core::ids::UserId;

use super::layout::{page as frame, refusal};
use super::visit::Visit;
use crate::service::By;

/// For whom.
#[derive(Deserialize)]
pub(super) struct For {
    token: String,
    user: UserId,
}

/// Makes a code.
pub(super) async fn code(visit: Visit, body: web::Form<For>) -> HttpResponse {
    if let Err(error) = visit.user_with_form(&body.token) {
        return refusal(error);
    }
    let user = body.user;
    let done = visit
        .look(move |service, signed_in| {
            let by = By::User(signed_in);
            let worker = service.find_user(by, signed_in.org, user)?;
            let code = service.enrol_code(by, signed_in.org, user, None)?;
            Ok((code, worker.name))
        })
        .await;
    match done {
        Ok(((code, worker), look)) => {
            let main = html! {
                p { "For one device of " bdi { (worker) } ", until " (look.time(&code.expires_at)) ". It is shown only now: do not reload this page." }
                @if let Some(picture) = picture(&code.link) { (picture) }
                p { "Scan it with the phone’s camera: that opens the field app. Without a camera, type or paste this link, in the phone’s browser or in the field app:" }
                p { code { (code.link) } }
                p { "Whoever has the link can enrol a device in " bdi { (worker) } "’s name. Show it to nobody else." }
                p { a href="/" { "Back to the overview" } }
            };
            frame(StatusCode::OK, "Enrol a device", Some(&look), main)
        }
        Err(error) => refusal(error),
    }
}

/// The link as a picture: dark modules as one path, with the quiet zone that scanners need.
fn picture(link: &str) -> Option<Markup> {
    const QUIET: usize = 4;
    let code = QrCode::with_error_correction_level(link, EcLevel::M).ok()?;
    let width = code.width();
    let mut path = String::new();
    for (i, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Dark {
            path.push_str(&format!(
                "M{} {}h1v1h-1z",
                i % width + QUIET,
                i / width + QUIET
            ));
        }
    }
    let side = width + 2 * QUIET;
    Some(html! {
        svg class="code" role="img" aria-label="The code as a picture, to scan" viewBox={ "0 0 " (side) " " (side) } {
            rect width=(side) height=(side) fill="#ffffff" {}
            path fill="#000000" d=(PreEscaped(path)) {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_a_picture() {
        let markup = picture("https://survey.example.org/enrol#o=mekong&c=abc")
            .unwrap()
            .into_string();
        assert!(markup.contains("viewBox=\"0 0 "), "{markup}");
        assert!(markup.matches("h1v1h-1z").count() > 100);
    }
}
