//! Downloads: the filters travel in the body, the rows in a stream that is never held as a whole.
//!
//! A stream that is cut ends without its end, so that no client takes half a file for a whole one. What a download was
//! (hash, counts, audit head) is in a zip's `meta.json`, and for the other formats at `/meta`: HTTP/1.1 trailers reach
//! few clients, and inside a CSV it would be a row that is none.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, web};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tributary_sync_core::ids::OrgId;

use super::Json;
use super::extract::UserAuth;
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
/// Chunks that wait for a reader.
const CHUNKS: usize = 4;
/// How long a reader may take for one.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the server waits for a reader in all: so long at once,
const WAIT_AT_FIRST: Duration = Duration::from_secs(120);
/// then as long as one needs who reads so many bytes a second,
const PACE: u64 = 4_096;
/// and this long at most: a download holds a moment of the file, and what was erased since cannot be wiped before it ends.
const WAIT_MAX: Duration = Duration::from_secs(2 * 60 * 60);

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
    let (chunks, stream) = mpsc::channel(CHUNKS);
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

/// How much longer the server waits for a reader that has taken so many bytes and let it wait so long; none if it is
/// too slow.
fn patience(taken: u64, waited: Duration) -> Option<Duration> {
    let in_all = (WAIT_AT_FIRST + Duration::from_secs(taken / PACE)).min(WAIT_MAX);
    let left = in_all.checked_sub(waited).filter(|left| !left.is_zero())?;
    Some(left.min(PATIENCE))
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
            .body(Stream { chunks })
    }
}

/// A piece of the download.
enum Chunk {
    Data(Bytes),
    End,
}

/// Where the rows go in: waits for the reader, and gives up on one that does not read.
struct Pipe {
    chunks: mpsc::Sender<Chunk>,
    runtime: Handle,
    taken: u64,
    waited: Duration,
}

impl Pipe {
    /// On a thread where blocking is allowed.
    fn new(chunks: mpsc::Sender<Chunk>) -> Self {
        Self {
            chunks,
            runtime: Handle::current(),
            taken: 0,
            waited: Duration::ZERO,
        }
    }
    fn send(&self, chunk: Chunk, wait: Duration) -> io::Result<()> {
        let sent = async { tokio::time::timeout(wait, self.chunks.send(chunk)).await };
        match self.runtime.block_on(sent) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let chunk = Chunk::Data(Bytes::copy_from_slice(bytes));
        let wait = patience(self.taken, self.waited).ok_or(io::ErrorKind::TimedOut)?;
        let began = Instant::now();
        self.send(chunk, wait)?;
        self.waited += began.elapsed();
        self.taken += bytes.len() as u64;
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where they come out. Without [`Chunk::End`] the stream fails, and the client sees that something is missing.
struct Stream {
    chunks: mpsc::Receiver<Chunk>,
}

impl MessageBody for Stream {
    type Error = io::Error;
    fn size(&self) -> BodySize {
        BodySize::Stream
    }
    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Bytes>>> {
        Poll::Ready(match ready!(self.chunks.poll_recv(context)) {
            Some(Chunk::Data(bytes)) => Some(Ok(bytes)),
            Some(Chunk::End) => None,
            None => Some(Err(io::ErrorKind::UnexpectedEof.into())),
        })
    }
}

#[cfg(test)]
mod tests;
