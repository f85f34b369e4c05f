//! Files out: whole or one range, as attachments in a sandbox.

use std::sync::{Arc, LazyLock};

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use tributary_sync_core::ids::{OrgId, RecordId};

use crate::http::extract::{DeviceAuth, UserAuth};
use crate::http::pipe::{Chunk, PATIENCE, Pipe, Stream, pipe};
use crate::http::problem::Problem;
use crate::http::range::{Range, Wanted};
use crate::service::attachments::{AttachmentHash, MediaType, ReadAttachment};
use crate::service::error::{Code, Result, ServiceError};
use crate::service::shares::{Share, Shares};

/// Files read at once on this server: each holds a thread.
const ALL_MAX: usize = 64;
/// Of one organisation.
const ORGANISATION_MAX: usize = 16;
static ROOM: LazyLock<Arc<Shares<OrgId>>> =
    LazyLock::new(|| Shares::new(ALL_MAX, ORGANISATION_MAX));

/// A file of a record in the device's scope.
#[utoipa::path(get, path = "/sync/v1/attachments/{sha256}", operation_id = "fetchAttachment", tag = "attachments", security(("device" = [])),
    params(("sha256" = String, Path, description = "SHA-256 of its bytes."), ("Range" = Option<String>, Header, description = "One range of bytes.")),
    responses((status = 200, description = "The bytes.", content_type = "application/octet-stream", body = Vec<u8>),
              (status = 206, description = "A part of them.", content_type = "application/octet-stream", body = Vec<u8>),
              (status = 416, description = "Beyond the end.", body = Problem)))]
pub(in crate::http) async fn fetch(
    auth: DeviceAuth,
    request: HttpRequest,
    hash: web::Path<AttachmentHash>,
) -> Result<HttpResponse> {
    let (hash, range) = (*hash, Range::of(&request));
    let opened = auth
        .run(move |service, device| {
            Ok((place(device.org)?, service.device_attachment(device, hash)?))
        })
        .await?;
    answer(opened, hash, range)
}

/// A file of a record. Each reading is a row of the audit.
#[utoipa::path(get, path = "/api/v1/records/{record}/attachments/{sha256}", operation_id = "getAttachment", tag = "records", security(("user" = [])),
    params(("record" = String, Path, description = "The record."), ("sha256" = String, Path, description = "SHA-256 of its bytes."),
           ("Range" = Option<String>, Header, description = "One range of bytes.")),
    responses((status = 200, description = "The bytes.", content_type = "application/octet-stream", body = Vec<u8>),
              (status = 206, description = "A part of them.", content_type = "application/octet-stream", body = Vec<u8>),
              (status = 416, description = "Beyond the end.", body = Problem)))]
pub(in crate::http) async fn of_record(
    auth: UserAuth,
    request: HttpRequest,
    ids: web::Path<(RecordId, AttachmentHash)>,
) -> Result<HttpResponse> {
    let ((record, hash), range) = (ids.into_inner(), Range::of(&request));
    let opened = auth
        .run(move |service, user| {
            Ok((
                place(user.org)?,
                service.user_attachment(user, record, hash)?,
            ))
        })
        .await?;
    answer(opened, hash, range)
}

/// A place for one more file that is read.
fn place(org: OrgId) -> Result<Share<OrgId>> {
    ROOM.take(org, 1).ok_or_else(|| Code::Overloaded.into())
}

/// Nobody's browser runs or shows what somebody else brought.
fn answer(
    (place, opened): (Share<OrgId>, ReadAttachment),
    hash: AttachmentHash,
    range: Range,
) -> Result<HttpResponse> {
    let ReadAttachment {
        mut file,
        media_type,
    } = opened;
    let size = file.size;
    let (mut response, start, length) = match range.within(size) {
        Wanted::All => (HttpResponse::Ok(), 0, size),
        Wanted::Part { start, length } => {
            let mut response = HttpResponse::PartialContent();
            let end = start + length - 1;
            response.insert_header((header::CONTENT_RANGE, format!("bytes {start}-{end}/{size}")));
            (response, start, length)
        }
        Wanted::Nothing => {
            return Err(ServiceError::from(Code::RangeInvalid).member("size", size));
        }
    };
    let (chunks, stream) = pipe();
    actix_web::rt::task::spawn_blocking(move || {
        let _place = place;
        let mut out = Pipe::new(chunks);
        if file.copy_to(start, length, &mut out).is_ok() {
            let _ = out.send(Chunk::End, PATIENCE);
        }
    });
    let kind = media_type
        .as_ref()
        .map_or("application/octet-stream", MediaType::as_str);
    Ok(response
        // Compressed already, most of it; and a range is of the bytes as they are.
        .insert_header((header::CONTENT_ENCODING, crate::http::frame::AS_IT_IS))
        .insert_header((header::CONTENT_TYPE, kind))
        .insert_header((header::ACCEPT_RANGES, HeaderValue::from_static("bytes")))
        .insert_header((header::ETAG, format!("\"{hash}\"")))
        .insert_header((
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{hash}\""),
        ))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox"))
        .body(Stream::sized(stream, length)))
}
