//! The audit of the own organisation.

use actix_web::web;

use super::extract::UserAuth;
use super::problem::Problem;
use crate::service::audit::AuditLine;
use crate::service::error::Result;
use crate::service::paging::{Page, PageRequest};

/// Who did what, the oldest first.
#[utoipa::path(get, path = "/api/v1/audit", operation_id = "listAudit", tag = "audit", params(PageRequest), security(("user" = [])),
    responses((status = 200, description = "A page of it.", body = Page<AuditLine>), (status = 403, description = "Not allowed.", body = Problem)))]
pub(super) async fn list(
    auth: UserAuth,
    page: web::Query<PageRequest>,
) -> Result<web::Json<Page<AuditLine>>> {
    auth.run(move |service, user| service.audit_rows(user, &page))
        .await
        .map(web::Json)
}
