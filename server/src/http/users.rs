//! Users of the own organisation.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tributary_sync_core::ids::UserId;
use utoipa::ToSchema;

use super::Json;
use super::extract::UserAuth;
use super::problem::Problem;
use crate::service::By;
use crate::service::access::Role;
use crate::service::error::Result;
use crate::service::paging::{Page, PageRequest};
use crate::service::sign_in::ResetLink;
use crate::service::users::{CreateUser, CreatedUser, UserView};

/// A role to give.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GiveRole {
    /// Anything but server_admin.
    role: Role,
}

/// The users of the organisation.
#[utoipa::path(get, path = "/api/v1/users", operation_id = "listUsers", tag = "users", params(PageRequest), security(("user" = [])),
    responses((status = 200, description = "A page of them.", body = Page<UserView>)))]
pub(super) async fn list(
    auth: UserAuth,
    page: web::Query<PageRequest>,
) -> Result<web::Json<Page<UserView>>> {
    auth.run(move |service, user| service.users(By::User(user), user.org, &page))
        .await
        .map(web::Json)
}

/// Makes a user; the answer holds the one-time link that sets the first password.
#[utoipa::path(post, path = "/api/v1/users", operation_id = "createUser", tag = "users", request_body = CreateUser, security(("user" = [])),
    responses((status = 201, description = "Made.", body = CreatedUser), (status = 409, description = "The name is taken.", body = Problem)))]
pub(super) async fn create(auth: UserAuth, body: Json<CreateUser>) -> Result<HttpResponse> {
    let created = auth
        .run(move |service, user| service.create_user(By::User(user), user.org, &body.0))
        .await?;
    Ok(HttpResponse::Created().json(created))
}

/// One user.
#[utoipa::path(get, path = "/api/v1/users/{user}", operation_id = "getUser", tag = "users", params(("user" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "This one.", body = UserView), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn get(auth: UserAuth, id: web::Path<UserId>) -> Result<web::Json<UserView>> {
    auth.run(move |service, user| service.find_user(By::User(user), user.org, *id))
        .await
        .map(web::Json)
}

/// Opens a one-time link that sets a new password; an earlier one is closed.
#[utoipa::path(post, path = "/api/v1/users/{user}/reset", operation_id = "resetUser", tag = "users", params(("user" = String, Path)), security(("user" = [])),
    responses((status = 201, description = "Hand it over.", body = ResetLink), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn reset(auth: UserAuth, id: web::Path<UserId>) -> Result<HttpResponse> {
    let link = auth
        .run(move |service, user| service.reset_link(By::User(user), user.org, *id))
        .await?;
    Ok(HttpResponse::Created().json(link))
}

/// Keeps a user out, at once, on all devices.
#[utoipa::path(post, path = "/api/v1/users/{user}/disable", operation_id = "disableUser", tag = "users", params(("user" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "Kept out.", body = UserView), (status = 409, description = "The last admin stays.", body = Problem)))]
pub(super) async fn disable(auth: UserAuth, id: web::Path<UserId>) -> Result<web::Json<UserView>> {
    auth.run(move |service, user| service.set_user_disabled(By::User(user), user.org, *id, true))
        .await
        .map(web::Json)
}

/// Lets a user in again.
#[utoipa::path(post, path = "/api/v1/users/{user}/enable", operation_id = "enableUser", tag = "users", params(("user" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "Let in.", body = UserView), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn enable(auth: UserAuth, id: web::Path<UserId>) -> Result<web::Json<UserView>> {
    auth.run(move |service, user| service.set_user_disabled(By::User(user), user.org, *id, false))
        .await
        .map(web::Json)
}

/// Gives a user another role.
#[utoipa::path(post, path = "/api/v1/users/{user}/role", operation_id = "giveRole", tag = "users", params(("user" = String, Path)), request_body = GiveRole,
    security(("user" = [])),
    responses((status = 200, description = "Given.", body = UserView), (status = 409, description = "The last admin stays.", body = Problem)))]
pub(super) async fn role(
    auth: UserAuth,
    id: web::Path<UserId>,
    body: Json<GiveRole>,
) -> Result<web::Json<UserView>> {
    let role = body.0.role;
    auth.run(move |service, user| service.set_user_role(By::User(user), user.org, *id, role))
        .await
        .map(web::Json)
}
