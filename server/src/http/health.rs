//! Whether the server lives, and whether it can work: for load balancers and service managers.

use actix_web::{HttpResponse, web};

use super::blocking;
use super::extract::Operator;
use crate::service::Service;
use crate::service::error::{Code, Result};

/// The process lives.
#[utoipa::path(get, path = "/healthz", operation_id = "healthz", tag = "server",
    responses((status = 200, description = "It lives.", content_type = "text/plain", body = String)))]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// The data folder can be read.
#[utoipa::path(get, path = "/readyz", operation_id = "readyz", tag = "server",
    responses((status = 200, description = "It can work.", content_type = "text/plain", body = String),
              (status = 503, description = "It cannot.", body = super::problem::Problem)))]
pub(super) async fn readyz(service: web::Data<Service>) -> Result<HttpResponse> {
    let ready = blocking(service, |service| Ok(service.is_ready())).await?;
    if ready {
        Ok(HttpResponse::Ok()
            .content_type("text/plain")
            .body("ready\n"))
    } else {
        Err(Code::Overloaded.into())
    }
}

/// What the server counts of itself, as Prometheus reads it: for the machine it runs on, and for whoever brings the token
/// that the settings name.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "server",
    responses((status = 401, description = "Not from this machine, and without the `metrics_token` of the settings as a bearer token.", body = super::problem::Problem),
              (status = 200, description = "Counters; no label names an organisation.", content_type = "text/plain", body = String)))]
pub(super) async fn metrics(_: Operator, service: web::Data<Service>) -> Result<HttpResponse> {
    let page = blocking(service, |service| Ok(service.metrics_page()?)).await?;
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(page))
}
