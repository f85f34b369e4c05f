//! Downloads from the page: the same as the API's, asked for by a form.

use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::layout::refusal;
use super::visit::Visit;
use crate::http::{Json, exports};
use crate::service::export::{Format, Options};

/// What is wanted.
#[derive(Deserialize)]
pub(super) struct Wanted {
    token: String,
    form: String,
    format: Format,
}

/// Streams it. A byte order mark goes before tables, because most are opened in Excel.
pub(super) async fn download(
    visit: Visit,
    request: HttpRequest,
    body: web::Form<Wanted>,
) -> HttpResponse {
    let auth = match visit.user_with_form(&body.token) {
        Ok(auth) => auth,
        Err(error) => return refusal(error),
    };
    let Wanted { form, format, .. } = body.into_inner();
    let options = Options {
        format,
        bom: matches!(format, Format::Csv | Format::Conflicts),
        ..Options::default()
    };
    let done = exports::export(auth, request, web::Path::from(form), Json(options)).await;
    done.unwrap_or_else(refusal)
}
