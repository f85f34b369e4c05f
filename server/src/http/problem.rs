//! Refusals as RFC 9457 problem documents. One shape for all of them, whoever refused.

use std::time::Duration;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::service::error::{Code, ErrorItem, ServiceError};

/// The media type.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// A refusal. Further members stand beside these where a code says so.
#[derive(Serialize, ToSchema)]
pub(super) struct Problem {
    /// `urn:tributary:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// What happened, in a few words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What that means, and what to do next.
    detail: String,
    /// The stable code; `error-codes.md` lists them.
    code: &'static str,
    /// To find it in the server's log.
    request_id: String,
    /// Whether the same request may succeed later.
    retryable: bool,
    /// The server's time, RFC 3339.
    server_time: String,
    /// What is wrong, piece by piece.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<ErrorItem>,
    #[serde(flatten)]
    #[schema(ignore)]
    members: Map<String, Value>,
}

impl ResponseError for ServiceError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code.entry().status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
    /// The frame writes the document, because only it knows the request.
    fn error_response(&self) -> HttpResponse<BoxBody> {
        HttpResponse::new(self.status_code())
    }
}

/// The refusal that stands for an error of the framework, by its status.
pub(super) fn of_status(status: StatusCode) -> ServiceError {
    let code = match status {
        StatusCode::NOT_FOUND => Code::RouteUnknown,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::ContentTypeUnsupported,
        StatusCode::SERVICE_UNAVAILABLE => Code::Overloaded,
        status if status.is_client_error() => Code::RequestRefused,
        _ => Code::Internal,
    };
    code.into()
}

/// The document as an answer.
pub(super) fn answer(error: &ServiceError, request_id: &str, server_time: String) -> HttpResponse {
    let entry = error.code.entry();
    let mut response = HttpResponse::build(error.status_code());
    response.insert_header((header::CONTENT_TYPE, PROBLEM_JSON));
    if entry.status == 401 {
        response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
    }
    let wait = error
        .retry_after
        .or((entry.status == 503).then_some(Duration::from_secs(2)));
    if let Some(wait) = wait {
        response.insert_header((header::RETRY_AFTER, wait.as_secs().max(1)));
    }
    let meaning = error.detail.as_deref().unwrap_or(entry.meaning);
    let problem = Problem {
        kind: format!("urn:tributary:problem:{}", entry.code),
        title: entry.title,
        status: entry.status,
        detail: format!("{meaning} {}", entry.next),
        code: entry.code,
        request_id: request_id.to_owned(),
        retryable: entry.retryable,
        server_time,
        errors: error.errors.clone(),
        members: error.members.clone(),
    };
    response.body(serde_json::to_vec(&problem).unwrap_or_default())
}
