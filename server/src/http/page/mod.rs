//! The coordinator's plain page: server-rendered, to be replaced by the console. It works without any script; the
//! one there is fills in the password link ([`reset`]).
//!
//! Sign-in by cookie, a token in every form, nothing said in an address but a record's id. Each handler is one hop into
//! the service and one piece of markup. Not here: rules, and the JSON API, which takes no cookie.

mod acts;
mod downloads;
mod enrol;
mod erase;
mod history;
mod layout;
mod list;
mod overview;
mod people;
mod quarantine;
mod record;
mod reset;
mod said;
mod settle;
mod sign_in;
mod style;
mod visit;

use actix_web::web::{self, ServiceConfig, resource};

use crate::service::error::{Code, ServiceError};

/// Bytes of a form: reasons, and what was shown of a record with many authors.
const FORM_BYTES_MAX: usize = 512 * 1024;

/// The addresses of the page.
pub(super) fn configure(app: &mut ServiceConfig) {
    let form = web::FormConfig::default()
        .limit(FORM_BYTES_MAX)
        .error_handler(|_, _| ServiceError::from(Code::BodyMalformed).into());
    app.app_data(form)
        .service(resource("/").get(overview::page))
        .service(resource("/page.css").get(style::sheet))
        .service(resource("/sign-in").post(sign_in::sign_in))
        .service(resource("/sign-out").post(sign_in::sign_out))
        .service(resource("/reset").get(reset::show).post(reset::set))
        .service(resource("/reset.js").get(reset::script))
        .service(resource("/records").get(list::page).post(list::asked))
        .service(resource("/records/{record}").get(record::page))
        .service(resource("/records/{record}/settle").post(settle::settle))
        .service(
            resource("/records/{record}/erase")
                .get(erase::question)
                .post(erase::erase),
        )
        .service(resource("/records/{record}/{verb}").post(acts::act))
        .service(resource("/erasures/{tombstone}").get(erase::reported))
        .service(resource("/erasure-proposals/{proposal}/confirm").post(erase::confirm))
        .service(resource("/erasure-proposals/{proposal}/cancel").post(erase::cancel))
        .service(resource("/quarantine").get(quarantine::page))
        .service(resource("/quarantine/{no}/release").post(quarantine::release))
        .service(resource("/quarantine/{no}/discard").post(quarantine::discard))
        .service(resource("/devices/code").post(enrol::code))
        .service(resource("/downloads").post(downloads::download));
}
