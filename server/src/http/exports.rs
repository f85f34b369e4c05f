//! Downloads: the filters travel in the body, the rows in a stream that is never held as a whole.
//!
//! A stream that is cut ends without its end, so that no client takes half a file for a whole one. What a download was
//! (hash, counts, audit head) is in a zip's `meta.json`, and for the other formats at `/meta`: HTTP/1.1 trailers reach
//! few clients, and inside a CSV it would be a row that is none.

use std::io;
use std::sync::{Arc, LazyLock};

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::sync::{mpsc, oneshot};
use tributary_sync_core::ids::OrgId;

use super::Json;
use super::extract::UserAuth;
use super::pipe::{Chunk, PATIENCE, Pipe, Stream, pipe};
use super::problem::Problem;
use crate::service::By;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::export::{Download, Export, Options, Trailer};
use crate::service::principal::User;
use crate::service::shares::{Share, Shares};

/// Downloads at once on this server: each holds a thread and a snapshot.
const ALL_MAX: usize = 16;
/// Of one organisation.
const ORGANISATION_MAX: usize = 3;
static ROOM: LazyLock<Arc<Shares<OrgId>>> =
    LazyLock::new(|| Shares::new(ALL_MAX, ORGANISATION_MAX));
/// Where a download stands in the log; what to give as `since` or `as_of` later.
const CURSOR: &str = "tributary-cursor";

/// A download of a form's records.
#[utoipa::path(post, path = "/api/v1/exports/{form_id}", operation_id = "exportRecords", tag = "exports", request_body = Options,
    params(("form_id" = String, Path), ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier download.")),
    security(("user" = [])),
    responses(
        (status = 200, description = "CSV, zip or JSON Lines, with an ETag and a Tributary-Cursor.", content_type = "application/octet-stream", body = Vec<u8>),
        (status = 304, description = "The earlier download is still what it would be."),
        (status = 404, description = "No such form.", body = Problem),
        (status = 410, description = "The cursor is of the time before a restore: start again.", body = Problem),
        (status = 422, description = "An option cannot be followed.", body = Problem)))]
pub(super) async fn export(
    auth: UserAuth,
    req: HttpRequest,
    form_id: web::Path<String>,
    body: Json<Options>,
) -> Result<HttpResponse> {
    let (known, options) = (known(&req), body.0);
    let (begun, mut begin) = oneshot::channel();
    let (chunks, stream) = pipe();
    let work = auth.run(move |service, user| {
        let _place = place(user)?;
        let end = Pipe::new(chunks.clone());
        let opened = |export: &Export| {
            let head = Head::of(export);
            begun
                .send(head)
                .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            Ok(Pipe::new(chunks))
        };
        let is_known = |etag: &str| known.iter().any(|k| k == "*" || k == etag);
        let by = By::User(user);
        let done = service.download(by, user.org, &form_id, &options, is_known, opened);
        match &done {
            // The end is said only after the last row of the audit.
            Ok(_) => drop(end.send(Chunk::End, PATIENCE)),
            Err(error) => tracing::warn!(code = error.code.entry().code, "a download ended early"),
        }
        done
    });
    let mut work = Box::pin(work);
    tokio::select! {
        biased;
        head = &mut begin => match head {
            Ok(head) => Ok(head.answer(stream)),
            // Refused, known, or failed before the first byte: the work itself says which.
            Err(_) => no_stream(work.await),
        },
        done = &mut work => match begin.try_recv() {
            Ok(head) => Ok(head.answer(stream)),
            Err(_) => no_stream(done),
        },
    }
}

/// What a download is, without its rows: the same counts, hash and audit head as in a zip's `meta.json`.
#[utoipa::path(post, path = "/api/v1/exports/{form_id}/meta", operation_id = "describeExport", tag = "exports", request_body = Options,
    params(("form_id" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "What it is.", body = Trailer), (status = 404, description = "No such form.", body = Problem)))]
pub(super) async fn meta(
    auth: UserAuth,
    form_id: web::Path<String>,
    body: Json<Options>,
) -> Result<HttpResponse> {
    let options = body.0;
    let done = auth
        .run(move |service, user| {
            let _place = place(user)?;
            let by = By::User(user);
            service.download(
                by,
                user.org,
                &form_id,
                &options,
                |_| false,
                |_| Ok(io::sink()),
            )
        })
        .await?;
    match done {
        Download::Written(trailer) => Ok(HttpResponse::Ok().json(trailer)),
        Download::Known { .. } => Err(Code::Internal.into()),
    }
}

/// A place for one more download, given back when it is dropped.
fn place(user: &User) -> Result<Share<OrgId>> {
    ROOM.take(user.org, 1).ok_or_else(|| {
        ServiceError::from(Code::Overloaded).detail(
            "As many downloads are under way as the server makes at once, of your organisation or in all.",
        )
    })
}

fn no_stream(done: Result<Download>) -> Result<HttpResponse> {
    match done? {
        Download::Known { etag } => Ok(HttpResponse::NotModified()
            .insert_header((header::ETAG, format!("\"{etag}\"")))
            .finish()),
        Download::Written(_) => Err(ServiceError::from(Code::Internal)),
    }
}

/// The validators that a client names, without quotes and marks of weakness.
fn known(req: &HttpRequest) -> Vec<String> {
    req.headers()
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','))
        .map(|v| {
            v.trim()
                .trim_start_matches("W/")
                .trim_matches('"')
                .to_owned()
        })
        .collect()
}

/// What is said before the first byte.
struct Head {
    file_name: String,
    media_type: &'static str,
    etag: String,
    cursor: String,
}

impl Head {
    fn of(export: &Export) -> Self {
        let weak = if export.strong() { "" } else { "W/" };
        Self {
            file_name: export.file_name(),
            media_type: export.media_type(),
            etag: format!("{weak}\"{}\"", export.etag()),
            cursor: export.cursor(),
        }
    }
    fn answer(self, chunks: mpsc::Receiver<Chunk>) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        if self.media_type == "application/zip" {
            // Compressed already.
            response.insert_header(header::ContentEncoding::Identity);
        }
        response
            .insert_header((header::CONTENT_TYPE, self.media_type))
            .insert_header((
                header::CONTENT_DISPOSITION,
                format!("attachment; filename=\"{}\"", self.file_name),
            ))
            .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox"))
            .insert_header((header::ETAG, self.etag))
            .insert_header((CURSOR, self.cursor))
            .body(Stream::new(chunks))
    }
}

#[cfg(test)]
mod tests;
