//! Organisations, for those who look after the server.

use actix_web::{HttpResponse, web};
use tributary_sync_core::ids::OrgId;

use super::Json;
use super::extract::ServerAdminAuth;
use super::problem::Problem;
use crate::service::By;
use crate::service::error::Result;
use crate::service::organisations::{CreateOrganisation, OrganisationView};
use crate::service::paging::{Page, PageRequest};

/// All organisations.
#[utoipa::path(get, path = "/api/v1/organisations", operation_id = "listOrganisations", tag = "organisations", params(PageRequest), security(("user" = [])),
    responses((status = 200, description = "A page of them.", body = Page<OrganisationView>)))]
pub(super) async fn list(
    auth: ServerAdminAuth,
    page: web::Query<PageRequest>,
) -> Result<web::Json<Page<OrganisationView>>> {
    auth.run(move |service, admin| service.organisations(By::ServerAdmin(admin), &page))
        .await
        .map(web::Json)
}

/// Makes an organisation.
#[utoipa::path(post, path = "/api/v1/organisations", operation_id = "createOrganisation", tag = "organisations", request_body = CreateOrganisation,
    security(("user" = [])),
    responses((status = 201, description = "Made.", body = OrganisationView), (status = 409, description = "The slug is taken.", body = Problem)))]
pub(super) async fn create(
    auth: ServerAdminAuth,
    body: Json<CreateOrganisation>,
) -> Result<HttpResponse> {
    let made = auth
        .run(move |service, admin| service.create_organisation(By::ServerAdmin(admin), &body.0))
        .await?;
    Ok(HttpResponse::Created().json(made))
}

/// Keeps everybody of an organisation out. Nothing stored is touched.
#[utoipa::path(post, path = "/api/v1/organisations/{organisation}/suspend", operation_id = "suspendOrganisation", tag = "organisations",
    params(("organisation" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "Suspended.", body = OrganisationView), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn suspend(
    auth: ServerAdminAuth,
    id: web::Path<OrgId>,
) -> Result<web::Json<OrganisationView>> {
    auth.run(move |service, admin| {
        service.set_organisation_suspended(By::ServerAdmin(admin), *id, true)
    })
    .await
    .map(web::Json)
}

/// Lets everybody of an organisation in again.
#[utoipa::path(post, path = "/api/v1/organisations/{organisation}/resume", operation_id = "resumeOrganisation", tag = "organisations",
    params(("organisation" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "Let in.", body = OrganisationView), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn resume(
    auth: ServerAdminAuth,
    id: web::Path<OrgId>,
) -> Result<web::Json<OrganisationView>> {
    auth.run(move |service, admin| {
        service.set_organisation_suspended(By::ServerAdmin(admin), *id, false)
    })
    .await
    .map(web::Json)
}
