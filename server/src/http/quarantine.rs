//! What waits in quarantine: look, release, discard.

use actix_web::{HttpResponse, web};

use super::extract::UserAuth;
use super::problem::Problem;
use crate::service::error::Result;
use crate::service::paging::{Page, PageRequest};
use crate::service::quarantine::{QuarantineFilter, QuarantineLine, Released};

/// What waits, with what it says.
#[utoipa::path(get, path = "/api/v1/quarantine", operation_id = "listQuarantine", tag = "quarantine", params(PageRequest), security(("user" = [])),
    responses((status = 200, description = "A page of it.", body = Page<QuarantineLine>)))]
pub(super) async fn list(
    auth: UserAuth,
    page: web::Query<PageRequest>,
) -> Result<web::Json<Page<QuarantineLine>>> {
    let page = page.into_inner();
    let filter = QuarantineFilter {
        judged: false,
        limit: page.limit,
        next: page.next,
    };
    auth.run(move |service, user| service.desk(user)?.quarantine(&filter))
        .await
        .map(web::Json)
}

/// Takes a body into its record, never weakening a protection.
#[utoipa::path(post, path = "/api/v1/quarantine/{no}/release", operation_id = "releaseQuarantined", tag = "quarantine", params(("no" = i64, Path)),
    security(("user" = [])),
    responses((status = 200, description = "It is in its record.", body = Released), (status = 409, description = "It cannot be, or was judged before.", body = Problem)))]
pub(super) async fn release(auth: UserAuth, no: web::Path<i64>) -> Result<web::Json<Released>> {
    auth.run(move |service, user| service.desk(user)?.release(*no))
        .await
        .map(web::Json)
}

/// Destroys a body.
#[utoipa::path(post, path = "/api/v1/quarantine/{no}/discard", operation_id = "discardQuarantined", tag = "quarantine", params(("no" = i64, Path)),
    security(("user" = [])),
    responses((status = 204, description = "Destroyed."), (status = 409, description = "It was judged before.", body = Problem)))]
pub(super) async fn discard(auth: UserAuth, no: web::Path<i64>) -> Result<HttpResponse> {
    auth.run(move |service, user| service.desk(user)?.discard(*no))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
