//! Files that travel apart: in by tus 1.0 (core, creation, checksum, expiration, termination), out by ranges ([`read`]).
//!
//! What tus says stands in headers; here they are parsed, and each piece is handed on as it comes, so that a cut costs no
//! more than what was under way. Not here: any rule about files.

pub(super) mod read;

use std::pin::Pin;
use std::time::Duration;

use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_core::Stream as _;
use sha2::{Digest as _, Sha256};

use super::Json;
use super::extract::{DeviceAuth, UserAuth};
use super::intake::Intake;
use super::problem::Problem;
use crate::service::By;
use crate::service::attachments::{AttachmentLimits, MediaType, NewUpload, UploadId, UploadView};
use crate::service::error::{Code, Result};

/// The one version of tus that is spoken here.
const TUS_VERSION: &str = "1.0.0";
const TUS_EXTENSIONS: &str = "creation,checksum,expiration,termination";
/// How much of a piece is gathered before it is made durable.
const GATHERED: usize = 64 * 1024;
/// The longest piece that comes with a checksum, which must be whole before any of it is taken.
const CHECKED_MAX: usize = 4 * 1024 * 1024;

const RESUMABLE: HeaderName = HeaderName::from_static("tus-resumable");
const OFFSET: HeaderName = HeaderName::from_static("upload-offset");
const LENGTH: HeaderName = HeaderName::from_static("upload-length");
const METADATA: HeaderName = HeaderName::from_static("upload-metadata");
const CHECKSUM: HeaderName = HeaderName::from_static("upload-checksum");
const EXPIRES: HeaderName = HeaderName::from_static("upload-expires");

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name).and_then(|v| v.to_str().ok())
}

fn number(headers: &HeaderMap, name: &HeaderName) -> Result<u64> {
    let digits = text(headers, name).filter(|t| t.bytes().all(|b| b.is_ascii_digit()));
    let number = digits.and_then(|t| t.parse::<u64>().ok());
    number
        .filter(|n| *n <= tributary_sync_core::ids::COUNTER_MAX)
        .ok_or_else(|| Code::ParameterInvalid.into())
}

/// Refuses another version of tus.
fn speaks_tus(headers: &HeaderMap) -> Result<()> {
    match text(headers, &RESUMABLE) {
        Some(TUS_VERSION) => Ok(()),
        _ => Err(Code::TusVersionUnsupported.into()),
    }
}

/// What a device says of a file before it brings it.
fn announced(headers: &HeaderMap) -> Result<NewUpload> {
    speaks_tus(headers)?;
    let pairs = text(headers, &METADATA).unwrap_or_default();
    let value = |name: &str| -> Result<String> {
        let pair = pairs.split(',').find_map(|pair| {
            let (key, value) = pair.trim().split_once(' ')?;
            (key == name).then_some(value)
        });
        let bytes = pair.and_then(|value| STANDARD.decode(value.trim()).ok());
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.ok_or_else(|| Code::ParameterInvalid.into())
    };
    let wrong = |_| Code::ParameterInvalid;
    Ok(NewUpload {
        size: number(headers, &LENGTH)?,
        record: value("record")?.parse().map_err(wrong)?,
        sha256: value("sha256")?.parse().map_err(wrong)?,
        media_type: MediaType::parse(&value("type")?).ok_or(Code::AttachmentTypeRefused)?,
    })
}

fn say(mut response: HttpResponseBuilder, upload: &UploadView) -> HttpResponse {
    response
        .insert_header((RESUMABLE, TUS_VERSION))
        .insert_header((OFFSET, upload.offset))
        .insert_header((EXPIRES, http_date(upload.expires)))
        .finish()
}

fn http_date(ms: u64) -> String {
    let at = std::time::UNIX_EPOCH + Duration::from_millis(ms);
    header::HttpDate::from(at).to_string()
}

/// What this server speaks.
pub(super) async fn options() -> HttpResponse {
    HttpResponse::NoContent()
        .insert_header((RESUMABLE, TUS_VERSION))
        .insert_header(("tus-version", TUS_VERSION))
        .insert_header(("tus-extension", TUS_EXTENSIONS))
        .insert_header(("tus-checksum-algorithm", "sha256"))
        .finish()
}

/// Begins a file for a record: `Upload-Length`, and in `Upload-Metadata` its `record`, `sha256` and `type`.
#[utoipa::path(post, path = "/sync/v1/attachments", operation_id = "beginAttachment", tag = "attachments", security(("device" = [])),
    responses((status = 201, description = "Bring it to `Location`."), (status = 400, description = "A header cannot be read.", body = Problem),
              (status = 404, description = "No such record of this device.", body = Problem), (status = 412, description = "Not tus 1.0.0.", body = Problem),
              (status = 413, description = "Larger than the organisation takes.", body = Problem), (status = 415, description = "A type that is not taken.", body = Problem)))]
pub(super) async fn begin(auth: DeviceAuth, request: HttpRequest) -> Result<HttpResponse> {
    let headers = request.headers().clone();
    let upload = auth
        .run(move |service, device| service.begin_upload(device, announced(&headers)?))
        .await?;
    let mut response = HttpResponse::Created();
    response.insert_header((
        header::LOCATION,
        format!("/sync/v1/attachments/uploads/{}", upload.id),
    ));
    Ok(say(response, &upload))
}

/// How much of a file is durable.
#[utoipa::path(head, path = "/sync/v1/attachments/uploads/{upload}", operation_id = "lookAtAttachment", tag = "attachments", security(("device" = [])),
    params(("upload" = String, Path, description = "The upload.")),
    responses((status = 200, description = "`Upload-Offset` says it."), (status = 412, description = "Not tus 1.0.0."), (status = 423, description = "A piece is coming in.")))]
pub(super) async fn look(
    auth: DeviceAuth,
    request: HttpRequest,
    id: web::Path<UploadId>,
) -> Result<HttpResponse> {
    let headers = request.headers().clone();
    let upload = auth
        .run(move |service, device| {
            speaks_tus(&headers)?;
            service.upload(device, *id)
        })
        .await?;
    let mut response = HttpResponse::Ok();
    response.insert_header((LENGTH, upload.size));
    Ok(say(response, &upload))
}

/// Does not bring a file after all.
#[utoipa::path(delete, path = "/sync/v1/attachments/uploads/{upload}", operation_id = "endAttachment", tag = "attachments", security(("device" = [])),
    params(("upload" = String, Path, description = "The upload.")),
    responses((status = 204, description = "Forgotten."), (status = 412, description = "Not tus 1.0.0.", body = Problem), (status = 423, description = "A piece is coming in.", body = Problem)))]
pub(super) async fn end(
    auth: DeviceAuth,
    request: HttpRequest,
    id: web::Path<UploadId>,
) -> Result<HttpResponse> {
    let headers = request.headers().clone();
    auth.run(move |service, device| {
        speaks_tus(&headers)?;
        service.end_upload(device, *id)
    })
    .await?;
    Ok(HttpResponse::NoContent()
        .insert_header((RESUMABLE, TUS_VERSION))
        .finish())
}

/// What a piece says of itself.
struct Announced {
    offset: u64,
    /// SHA-256 of the piece.
    checksum: Option<[u8; 32]>,
}

fn piece(headers: &HeaderMap) -> Result<Announced> {
    speaks_tus(headers)?;
    if text(headers, &header::CONTENT_TYPE) != Some("application/offset+octet-stream") {
        return Err(Code::ContentTypeUnsupported.into());
    }
    let packed = text(headers, &header::CONTENT_ENCODING).unwrap_or("identity");
    if packed != "identity" {
        return Err(Code::EncodingUnsupported.into());
    }
    let checksum = match headers.get(&CHECKSUM) {
        None => None,
        Some(value) => {
            let digest = value.to_str().ok().and_then(|v| v.split_once(' '));
            let digest = digest.filter(|(algorithm, _)| *algorithm == "sha256");
            let bytes = digest.and_then(|(_, digest)| STANDARD.decode(digest.trim()).ok());
            let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
            Some(bytes.ok_or(Code::ParameterInvalid)?)
        }
    };
    Ok(Announced {
        offset: number(headers, &OFFSET)?,
        checksum,
    })
}

/// The next piece of a file.
#[utoipa::path(patch, path = "/sync/v1/attachments/uploads/{upload}", operation_id = "bringAttachment", tag = "attachments", security(("device" = [])),
    params(("upload" = String, Path, description = "The upload.")), request_body(content = Vec<u8>, content_type = "application/offset+octet-stream"),
    responses((status = 204, description = "All of it is durable."), (status = 409, description = "Not from this offset.", body = Problem),
              (status = 412, description = "Not tus 1.0.0.", body = Problem), (status = 423, description = "Another piece is coming in.", body = Problem),
              (status = 460, description = "The piece has another checksum.", body = Problem)))]
pub(super) async fn bring(
    auth: DeviceAuth,
    request: HttpRequest,
    payload: web::Payload,
    id: web::Path<UploadId>,
) -> Result<HttpResponse> {
    let headers = request.headers().clone();
    let id = *id;
    let length = number(request.headers(), &header::CONTENT_LENGTH).ok();
    let announced = auth
        .clone()
        .run(move |service, device| {
            let announced = piece(&headers)?;
            // Before a byte of the piece is read.
            service.expects_piece(device, id, announced.offset, length)?;
            Ok(announced)
        })
        .await?;
    let coming = Coming {
        auth,
        payload,
        intake: Intake::of(&request),
        id,
    };
    let upload = match announced.checksum {
        Some(checksum) => coming.checked(announced.offset, checksum).await?,
        None => coming.bring_as_it_comes(announced.offset).await?,
    };
    Ok(say(HttpResponse::NoContent(), &upload))
}

/// A piece that is coming in.
struct Coming {
    auth: DeviceAuth,
    payload: web::Payload,
    intake: Option<Intake>,
    id: UploadId,
}

impl Coming {
    /// The next bytes; none at the end.
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let payload = &mut self.payload;
        let next = std::future::poll_fn(|context| Pin::new(&mut *payload).poll_next(context)).await;
        match next {
            None => Ok(None),
            Some(Ok(bytes)) => Ok(Some(bytes)),
            Some(Err(_)) => {
                let refused = self.intake.as_ref().and_then(Intake::refused);
                Err(refused.unwrap_or(Code::BodyMalformed).into())
            }
        }
    }
    async fn append(&self, offset: u64, bytes: Vec<u8>) -> Result<UploadView> {
        let (id, length) = (self.id, bytes.len());
        let upload = self
            .auth
            .clone()
            .run(move |service, device| service.append_upload(device, id, offset, &bytes))
            .await?;
        if let Some(intake) = &self.intake {
            intake.handed_on(length);
        }
        Ok(upload)
    }
    /// Makes durable what has come, also when the rest does not.
    async fn bring_as_it_comes(mut self, mut offset: u64) -> Result<UploadView> {
        let mut gathered = Vec::new();
        loop {
            let next = self.next().await;
            let ended = !matches!(next, Ok(Some(_)));
            if let Ok(Some(bytes)) = &next {
                gathered.extend_from_slice(bytes);
            }
            if !ended && gathered.len() < GATHERED {
                continue;
            }
            let upload = self.append(offset, std::mem::take(&mut gathered)).await?;
            offset = upload.offset;
            match next {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(upload),
                Err(error) => return Err(error),
            }
        }
    }
    /// Takes all of it or nothing.
    async fn checked(mut self, offset: u64, checksum: [u8; 32]) -> Result<UploadView> {
        let mut gathered = Vec::new();
        while let Some(bytes) = self.next().await? {
            if gathered.len() + bytes.len() > CHECKED_MAX {
                return Err(Code::BodyTooLarge.into());
            }
            gathered.extend_from_slice(&bytes);
        }
        if <[u8; 32]>::from(Sha256::digest(&gathered)) != checksum {
            return Err(Code::UploadChecksumWrong.into());
        }
        self.append(offset, gathered).await
    }
}

/// What files the organisation takes.
#[utoipa::path(get, path = "/api/v1/attachments/limits", operation_id = "getAttachmentLimits", tag = "attachments", security(("user" = [])),
    responses((status = 200, description = "The limits.", body = AttachmentLimits)))]
pub(super) async fn limits(auth: UserAuth) -> Result<web::Json<AttachmentLimits>> {
    auth.run(|service, user| service.attachment_limits(By::User(user), user.org))
        .await
        .map(web::Json)
}

/// Changes what files the organisation takes. Audited; files that are here stay.
#[utoipa::path(put, path = "/api/v1/attachments/limits", operation_id = "setAttachmentLimits", tag = "attachments", security(("user" = [])), request_body = AttachmentLimits,
    responses((status = 200, description = "The limits.", body = AttachmentLimits)))]
pub(super) async fn set_limits(
    auth: UserAuth,
    body: Json<AttachmentLimits>,
) -> Result<web::Json<AttachmentLimits>> {
    auth.run(move |service, user| service.set_attachment_limits(By::User(user), user.org, body.0))
        .await
        .map(web::Json)
}
