//! Devices of the own organisation, as people see them.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tributary_sync_core::ids::{ProfileId, UserId};
use utoipa::ToSchema;

use super::Json;
use super::extract::UserAuth;
use super::problem::Problem;
use crate::service::By;
use crate::service::devices::{DeviceView, EnrolCode};
use crate::service::error::Result;
use crate::service::paging::{Page, PageRequest};

/// For whom a code is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateCode {
    /// The user whose device will enrol with it.
    #[schema(value_type = String)]
    user: UserId,
    /// How long it is good: an hour unless told, at most 14 days.
    minutes: Option<u32>,
}

/// The devices of the organisation.
#[utoipa::path(get, path = "/api/v1/devices", operation_id = "listDevices", tag = "devices", params(PageRequest), security(("user" = [])),
    responses((status = 200, description = "A page of them.", body = Page<DeviceView>)))]
pub(super) async fn list(
    auth: UserAuth,
    page: web::Query<PageRequest>,
) -> Result<web::Json<Page<DeviceView>>> {
    auth.run(move |service, user| service.devices(By::User(user), user.org, &page))
        .await
        .map(web::Json)
}

/// A one-time code with which one device of a user enrols, and the link to show as a QR code.
#[utoipa::path(post, path = "/api/v1/devices/codes", operation_id = "createEnrolCode", tag = "devices", request_body = CreateCode, security(("user" = [])),
    responses((status = 201, description = "Show it once.", body = EnrolCode), (status = 404, description = "No such user.", body = Problem)))]
pub(super) async fn code(auth: UserAuth, body: Json<CreateCode>) -> Result<HttpResponse> {
    let CreateCode {
        user: for_user,
        minutes,
    } = body.0;
    let good_for_ms = minutes.map(|m| u64::from(m) * 60_000);
    let code = auth
        .run(move |service, user| {
            service.enrol_code(By::User(user), user.org, for_user, good_for_ms)
        })
        .await?;
    Ok(HttpResponse::Created().json(code))
}

/// Revokes a device, at once.
#[utoipa::path(post, path = "/api/v1/devices/{device}/revoke", operation_id = "revokeDevice", tag = "devices", params(("device" = String, Path)),
    security(("user" = [])),
    responses((status = 204, description = "Revoked."), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn revoke(auth: UserAuth, id: web::Path<ProfileId>) -> Result<HttpResponse> {
    auth.run(move |service, user| service.revoke_device(By::User(user), user.org, *id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
