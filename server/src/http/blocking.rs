//! The one hop to a thread that may block.

use actix_web::web;
use tracing::Span;

use crate::service::Service;
use crate::service::error::{Code, Result};

/// Runs `work` over the service where blocking is allowed, inside the span of the request.
pub async fn blocking<T: Send + 'static>(
    service: web::Data<Service>,
    work: impl FnOnce(&Service) -> Result<T> + Send + 'static,
) -> Result<T> {
    let span = Span::current();
    let done = web::block(move || span.in_scope(|| work(&service))).await;
    done.unwrap_or_else(|_| Err(Code::Overloaded.into()))
}
