//! What surrounds every request: an id, one log line by route template, the problem document of a refusal, and headers
//! that are safe unless a handler says otherwise.

use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, web};
use tracing::Instrument;

use super::intake::Intake;
use super::{HttpOptions, problem};
use crate::service::Service;
use crate::service::ambient::rfc3339;
use crate::service::error::{Code, ServiceError};

/// The id of a request: in its log lines, in `X-Request-Id`, and in a problem document.
#[derive(Clone, Debug)]
pub struct RequestId(pub String);

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The content encoding of an answer that nothing is to pack any more. It does not go out.
pub(super) const AS_IT_IS: HeaderValue = HeaderValue::from_static("identity");

/// Set unless the handler has set them.
static HEADERS: [(HeaderName, &str); 8] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        header::PERMISSIONS_POLICY,
        "camera=(), geolocation=(), microphone=()",
    ),
];
/// Where browsers trust the certificate: a year.
const INSIST_ON_TLS: &str = "max-age=31536000";

fn new_request_id() -> String {
    let mut bytes = [0; 8];
    // Without randomness the ids are alike; requests are answered all the same.
    let _ = getrandom::fill(&mut bytes);
    hex::encode(bytes)
}

/// The middleware.
pub async fn frame(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let began = Instant::now();
    let id = new_request_id();
    let method = request.method().clone();
    let service = request.app_data::<web::Data<Service>>().cloned();
    let options = request.app_data::<web::Data<HttpOptions>>().cloned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let around = service.clone().zip(options.clone());
    let intake = around.and_then(|(s, o)| Intake::around(&mut request, s, o));
    let received = request.headers().get(header::CONTENT_LENGTH);
    let received = received.and_then(|v| v.to_str().ok()?.parse().ok());

    let span = tracing::info_span!("request", request_id = %id);
    let response = next.call(request).instrument(span.clone()).await?;
    if let Some(intake) = intake {
        intake.release();
    }
    let _entered = span.enter();

    let route = response.request().match_pattern();
    let mut response = refuse(
        response.map_into_boxed_body(),
        &id,
        service.as_ref().map(|service| &***service),
    );
    if let Some(service) = &service {
        let sent = match response.response().body().size() {
            BodySize::Sized(sent) => sent,
            _ => 0,
        };
        service.metrics().moved(received.unwrap_or(0), sent);
    }
    finish_headers(
        response.headers_mut(),
        &id,
        options.is_some_and(|o| !o.pinned),
    );
    tracing::info!(
        method = %method,
        route = route.as_deref().unwrap_or("(none)"),
        status = u64::from(response.status().as_u16()),
        duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "answered"
    );
    Ok(response)
}

/// Writes the problem document, if this is a refusal that has none yet.
fn refuse(
    response: ServiceResponse<BoxBody>,
    id: &str,
    service: Option<&Service>,
) -> ServiceResponse<BoxBody> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let time = rfc3339(service.map_or(0, Service::now));
    let answer = match response.response().error() {
        Some(error) => match error.as_error::<ServiceError>() {
            Some(error) => {
                if let Some(service) = service {
                    service.metrics().refused(error.code.entry().code);
                }
                log(error);
                problem::answer(error, id, time)
            }
            None => problem::answer(&problem::of_status(status), id, time),
        },
        // A page for people brings its own body.
        None if response.headers().contains_key(header::CONTENT_TYPE) => return response,
        None => problem::answer(&problem::of_status(status), id, time),
    };
    let (request, _) = response.into_parts();
    ServiceResponse::new(request, answer)
}

/// A failure of the server is logged once, here.
fn log(error: &ServiceError) {
    let code = error.code.entry().code;
    let cause = error.cause.as_deref().unwrap_or("");
    match error.code {
        Code::Internal | Code::DiskFull => tracing::error!(code, cause, "the server failed"),
        Code::Overloaded | Code::TooManyAttempts | Code::RefreshReplayed => {
            tracing::warn!(code, cause, "refused")
        }
        _ => tracing::debug!(code, "refused"),
    }
}

fn finish_headers(headers: &mut HeaderMap, id: &str, insist: bool) {
    for (name, value) in &HEADERS {
        if !headers.contains_key(name) {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
    }
    if headers.get(header::CONTENT_ENCODING) == Some(&AS_IT_IS) {
        headers.remove(header::CONTENT_ENCODING);
    }
    if insist {
        headers.insert(
            header::STRICT_TRANSPORT_SECURITY,
            HeaderValue::from_static(INSIST_ON_TLS),
        );
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}
