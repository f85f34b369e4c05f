//! The sync protocol over HTTP, as `schemas/sync-protocol.md` says it: JSON for anyone, the compact frame for our own
//! clients, either in gzip or zstd.

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use tokio::sync::Semaphore;
use tributary_sync_core::ids::FormHash;
use tributary_sync_core::wire::enrol::FormDelivery;
use tributary_sync_core::wire::frame::{self, NoForms};
use tributary_sync_core::wire::message::{
    ActorReply, ActorRequest, CompareReply, CompareRequest, ExchangeReply, ExchangeRequest,
    LostRequest, REQUEST_BYTES_MAX,
};

use super::RawBody;
use super::body::read_json;
use super::extract::{BundleFrom, DeviceAuth};
use super::problem::Problem;
use crate::service::Service;
use crate::service::bundle::BundleOutcome;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::principal::Device;
use crate::service::sync::unreadable;

/// Bundles opened at once: whoever posts one has proven nothing, and each may unpack to many times its size.
static BUNDLES: Semaphore = Semaphore::const_new(4);
/// Replies smaller than this go out as they are.
const COMPRESS_FROM: usize = 512;

/// What a reply may be packed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

fn packing(request: &HttpRequest) -> Packing {
    let accepted = request
        .headers()
        .get(header::ACCEPT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or_default();
    let takes = |name: &str| {
        accepted
            .split(',')
            .any(|part| part.split(';').next().is_some_and(|p| p.trim() == name))
    };
    match () {
        () if takes("zstd") => Packing::Zstd,
        () if takes("gzip") => Packing::Gzip,
        () => Packing::Plain,
    }
}

/// Bytes of a reply, packed where blocking is allowed.
struct Packed {
    body: Vec<u8>,
    packing: Packing,
}

fn pack(body: Vec<u8>, packing: Packing) -> Result<Packed> {
    if body.len() < COMPRESS_FROM {
        return Ok(Packed {
            body,
            packing: Packing::Plain,
        });
    }
    let failed = |e: std::io::Error| ServiceError::from(Code::Internal).because(e);
    let body = match packing {
        Packing::Plain => body,
        Packing::Zstd => zstd::bulk::compress(&body, 3).map_err(failed)?,
        Packing::Gzip => {
            use std::io::Write;
            let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            out.write_all(&body)
                .and_then(|()| out.finish())
                .map_err(failed)?
        }
    };
    Ok(Packed { body, packing })
}

impl Packed {
    fn answer(self, content_type: &'static str) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(content_type)));
        match self.packing {
            // Or the middleware would pack what is too small to be packed.
            Packing::Plain => {
                response.insert_header((header::CONTENT_ENCODING, super::frame::AS_IT_IS));
            }
            Packing::Gzip => drop(
                response
                    .insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("gzip"))),
            ),
            Packing::Zstd => drop(
                response
                    .insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("zstd"))),
            ),
        }
        response.body(self.body)
    }
}

fn to_json(value: &impl serde::Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|e| ServiceError::from(Code::Internal).because(e))
}

/// The two wire forms of an exchange; the answer comes in the form of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Frame,
}

fn wire_form(request: &HttpRequest) -> Result<Form> {
    let text = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok()?.split(';').next())
        .unwrap_or_default();
    match text.trim() {
        t if t.eq_ignore_ascii_case("application/json") => Ok(Form::Json),
        t if t.eq_ignore_ascii_case(frame::CONTENT_TYPE) => Ok(Form::Frame),
        _ => Err(Code::ContentTypeUnsupported.into()),
    }
}

fn read_request(
    body: &Bytes,
    form: Form,
    service: &Service,
    device: &Device,
) -> Result<ExchangeRequest> {
    if form == Form::Frame {
        return service.read_frame(device.org, body);
    }
    let text = std::str::from_utf8(body).map_err(|_| {
        ServiceError::from(Code::JsonMalformed).detail("The body is not UTF-8. Nothing was stored.")
    })?;
    ExchangeRequest::from_json(text).map_err(unreadable)
}

/// Push, then pull. May be repeated, cut, reordered or delayed for months.
#[utoipa::path(post, path = "/sync/v1/exchange", operation_id = "exchange", tag = "sync", security(("device" = [])),
    request_body(content = Object, description = "An exchange request of `sync-protocol.md`.", content_type = "application/json"),
    responses((status = 200, description = "What became of the push, and the pull.", body = Object),
              (status = 401, description = "No device.", body = Problem), (status = 404, description = "The actor is not this device's.", body = Problem),
              (status = 409, description = "Forked, gap, or a new epoch.", body = Problem), (status = 410, description = "The cursor is of another epoch or device.", body = Problem),
              (status = 422, description = "An item cannot be read.", body = Problem), (status = 503, description = "Writing has stopped.", body = Problem)))]
pub(super) async fn exchange(
    request: HttpRequest,
    auth: DeviceAuth,
    body: RawBody,
) -> Result<HttpResponse> {
    let (packing, form) = (packing(&request), wire_form(&request)?);
    let packed = auth
        .run_even_revoked(move |service, device| {
            let body = body.decode(REQUEST_BYTES_MAX)?;
            let message = read_request(&body, form, service, device)?;
            let reply: ExchangeReply = service.exchange(device, message)?;
            // The device may not have fetched every version that the reply names: fields go by their ids.
            let bytes = match form {
                Form::Json => to_json(&reply)?,
                Form::Frame => reply.to_frame(&NoForms),
            };
            pack(bytes, packing)
        })
        .await?;
    Ok(packed.answer(match form {
        Form::Json => "application/json",
        Form::Frame => frame::CONTENT_TYPE,
    }))
}

/// Where device and server agree, actor by actor: after a fork, and first thing in a new epoch.
#[utoipa::path(post, path = "/sync/v1/compare", operation_id = "compare", tag = "sync", security(("device" = [])),
    request_body(content = Object, description = "A comparison of `sync-protocol.md`.", content_type = "application/json"),
    responses((status = 200, description = "The agreement.", body = Object), (status = 401, description = "No device.", body = Problem),
              (status = 409, description = "Another epoch, or a head that was not signed here.", body = Problem)))]
pub(super) async fn compare(auth: DeviceAuth, body: RawBody) -> Result<web::Json<CompareReply>> {
    let work = move |service: &Service, device: &Device| {
        let message: CompareRequest = read_json(&body.decode(REQUEST_BYTES_MAX)?)?;
        service.compare(device, message)
    };
    auth.run_even_revoked(work).await.map(web::Json)
}

/// A new actor after a fork or a loss; the same instance gets the same one.
#[utoipa::path(post, path = "/sync/v1/actor", operation_id = "newActor", tag = "sync", security(("device" = [])),
    request_body(content = Object, description = "`instance`: 128 random bits.", content_type = "application/json"),
    responses((status = 200, description = "The actor.", body = Object), (status = 401, description = "No device.", body = Problem)))]
pub(super) async fn actor(auth: DeviceAuth, body: RawBody) -> Result<web::Json<ActorReply>> {
    let work = move |service: &Service, device: &Device| {
        let message: ActorRequest = read_json(&body.decode(4_096)?)?;
        service.new_actor(device, &message)
    };
    auth.run_even_revoked(work).await.map(web::Json)
}

/// What the device can never resend; closes the actor.
#[utoipa::path(post, path = "/sync/v1/lost", operation_id = "lost", tag = "sync", security(("device" = [])),
    request_body(content = Object, description = "A loss of `sync-protocol.md`.", content_type = "application/json"),
    responses((status = 204, description = "Closed."), (status = 401, description = "No device.", body = Problem),
              (status = 404, description = "The actor is not this device's.", body = Problem),
              (status = 409, description = "Not now, or not these numbers.", body = Problem), (status = 422, description = "No range.", body = Problem)))]
pub(super) async fn lost(auth: DeviceAuth, body: RawBody) -> Result<HttpResponse> {
    let work = move |service: &Service, device: &Device| {
        let message: LostRequest = read_json(&body.decode(4_096)?)?;
        service.lost(device, message)
    };
    auth.run_even_revoked(work).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A form version: its package and its XForm as served.
#[utoipa::path(get, path = "/sync/v1/forms/{hash}", operation_id = "formForDevice", tag = "sync", security(("device" = [])),
    params(("hash" = String, Path, description = "The version.")),
    responses((status = 200, description = "The version.", body = Object), (status = 404, description = "No such version.", body = Problem)))]
pub(super) async fn form(
    auth: DeviceAuth,
    hash: web::Path<FormHash>,
) -> Result<web::Json<FormDelivery>> {
    auth.run(move |service, device| service.form_for_device(device, *hash))
        .await
        .map(web::Json)
}

/// A bundle: a sealed push in a file. Needs no credential; the signature inside is the proof.
#[utoipa::path(post, path = "/sync/v1/bundle", operation_id = "postBundle", tag = "sync",
    request_body(content = Vec<u8>, description = "The file as the device made it.", content_type = "application/octet-stream"),
    responses((status = 200, description = "What became of it.", body = BundleOutcome), (status = 422, description = "Not a bundle for this server.", body = Problem),
              (status = 429, description = "Too many attempts.", body = Problem)))]
pub(super) async fn bundle(
    service: web::Data<Service>,
    from: BundleFrom,
    body: RawBody,
) -> Result<web::Json<BundleOutcome>> {
    let permit = BUNDLES.try_acquire().map_err(|_| Code::Overloaded)?;
    let work = move |service: &Service| {
        let _permit = permit;
        service.take_bundle(&body.decode(REQUEST_BYTES_MAX)?, from.0)
    };
    super::blocking(service, work).await.map(web::Json)
}
