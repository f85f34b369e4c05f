//! Forms: upload with a preview of what changes, list, fetch.

use std::collections::BTreeMap;

use actix_web::web;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{FieldId, FormHash};
use tributary_sync_core::wire::enrol::FormDelivery;
use tributary_sync_core::wire::message::REQUEST_BYTES_MAX;
use utoipa::ToSchema;

use super::RawBody;
use super::body::read_json;
use super::extract::UserAuth;
use super::problem::Problem;
use crate::service::By;
use crate::service::error::{Result, invalid};
use crate::service::forms::{FormView, Upload, VersionView};

/// A form file.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FormUpload {
    /// The name of the file; the form id of an XLSForm that gives none.
    file_name: String,
    /// The file in base64: an XLSForm (.xlsx, .ods) or an XForm (.xml).
    content: String,
    /// Paths of the new version that are old fields: `{"/data/new_name": 12345}`.
    #[serde(default)]
    #[schema(value_type = Object)]
    mapping: BTreeMap<String, FieldId>,
    /// Whether the version may protect less than the one before. Audited.
    #[serde(default)]
    weaken: bool,
}

/// Form versions.
#[derive(Serialize, ToSchema)]
pub(super) struct FormList {
    /// The newest version of each form, or all versions of one, the oldest first.
    items: Vec<FormView>,
}

fn read(body: RawBody) -> Result<Upload> {
    let upload: FormUpload = read_json(&body.decode(REQUEST_BYTES_MAX)?)?;
    let bytes = STANDARD
        .decode(&upload.content)
        .map_err(|_| invalid("/content", "base64_invalid", "This is not base64."))?;
    Ok(Upload {
        bytes,
        file_name: upload.file_name,
        mapping: upload.mapping,
        weaken: upload.weaken,
    })
}

/// What publishing a file would change. Nothing is stored.
#[utoipa::path(post, path = "/api/v1/forms/preview", operation_id = "previewForm", tag = "forms", security(("user" = [])), request_body = FormUpload,
    responses((status = 200, description = "What would change.", body = VersionView), (status = 401, description = "Not signed in.", body = Problem),
              (status = 403, description = "Not allowed.", body = Problem), (status = 422, description = "The form has a fault.", body = Problem)))]
pub(super) async fn preview(auth: UserAuth, body: RawBody) -> Result<web::Json<VersionView>> {
    auth.run(move |service, user| service.preview_form(By::User(user), user.org, read(body)?))
        .await
        .map(web::Json)
}

/// Publishes a form version.
#[utoipa::path(post, path = "/api/v1/forms", operation_id = "publishForm", tag = "forms", security(("user" = [])), request_body = FormUpload,
    responses((status = 200, description = "What changed.", body = VersionView), (status = 401, description = "Not signed in.", body = Problem),
              (status = 403, description = "Not allowed.", body = Problem), (status = 422, description = "The form has a fault.", body = Problem)))]
pub(super) async fn publish(auth: UserAuth, body: RawBody) -> Result<web::Json<VersionView>> {
    auth.run(move |service, user| service.publish_form(By::User(user), user.org, read(body)?))
        .await
        .map(web::Json)
}

/// The newest version of each form.
#[utoipa::path(get, path = "/api/v1/forms", operation_id = "listForms", tag = "forms", security(("user" = [])),
    responses((status = 200, description = "The forms.", body = FormList), (status = 401, description = "Not signed in.", body = Problem)))]
pub(super) async fn list(auth: UserAuth) -> Result<web::Json<FormList>> {
    let items = auth
        .run(|service, user| service.forms(By::User(user), user.org))
        .await?;
    Ok(web::Json(FormList { items }))
}

/// All versions of a form.
#[utoipa::path(get, path = "/api/v1/forms/{form}/versions", operation_id = "listFormVersions", tag = "forms", security(("user" = [])),
    params(("form" = String, Path, description = "The form's id.")),
    responses((status = 200, description = "The versions.", body = FormList), (status = 404, description = "No such form.", body = Problem)))]
pub(super) async fn versions(
    auth: UserAuth,
    form: web::Path<String>,
) -> Result<web::Json<FormList>> {
    let items = auth
        .run(move |service, user| service.form_versions(By::User(user), user.org, &form))
        .await?;
    Ok(web::Json(FormList { items }))
}

/// A version: its package and its XForm as served.
#[utoipa::path(get, path = "/api/v1/form-versions/{hash}", operation_id = "getFormVersion", tag = "forms", security(("user" = [])),
    params(("hash" = String, Path, description = "The version.")),
    responses((status = 200, description = "The version.", body = Object), (status = 404, description = "No such version.", body = Problem)))]
pub(super) async fn version(
    auth: UserAuth,
    hash: web::Path<FormHash>,
) -> Result<web::Json<FormDelivery>> {
    auth.run(move |service, user| service.form_version(By::User(user), user.org, *hash))
        .await
        .map(web::Json)
}
