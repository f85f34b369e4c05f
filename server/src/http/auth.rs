//! Signing in and out, for users and devices.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use tributary_sync_core::ids::{OrgId, TeamId, UserId};
use utoipa::ToSchema;

use super::extract::{Peer, SignedInAuth, UserAuth};
use super::problem::Problem;
use super::{Json, blocking};
use crate::service::access::Role;
use crate::service::ambient::rfc3339;
use crate::service::error::Result;
use crate::service::names::Secret;
use crate::service::principal::SignedIn;
use crate::service::sign_in::{SignIn, SignedInReply};
use crate::service::{DeviceToken, NonceReply, Service};

/// A device's proof.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceProof {
    /// A JWT by the device's key: `alg` ES256, `typ` client-authentication+jwt, claims `iss` and `sub` (the profile),
    /// `aud`, `jti`, `iat`, `exp` and `nonce`.
    assertion: String,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshToken {
    /// As it was given.
    #[schema(value_type = String)]
    refresh_token: Secret,
}

/// A one-time link's secret and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    /// What stands in the link behind `t=`.
    #[schema(value_type = String)]
    token: Secret,
    /// 10 to 200 characters.
    #[schema(value_type = String, format = Password)]
    password: Secret,
}

/// The old and the new password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangePassword {
    /// The one in use.
    #[schema(value_type = String, format = Password)]
    current: Secret,
    /// 10 to 200 characters.
    #[schema(value_type = String, format = Password)]
    new: Secret,
}

/// Whoever is signed in.
#[derive(Serialize, ToSchema)]
pub(super) struct Me {
    /// The id.
    #[schema(value_type = String)]
    id: UserId,
    /// The name.
    name: String,
    /// The role.
    role: Role,
    /// The organisation; none for a server admin.
    #[schema(value_type = Option<String>)]
    organisation: Option<OrgId>,
    /// The teams.
    #[schema(value_type = Vec<String>)]
    teams: Vec<TeamId>,
    /// When the password was typed.
    signed_in_at: Option<String>,
}

/// A nonce for a device to sign.
#[utoipa::path(post, path = "/api/v1/auth/nonce", operation_id = "createNonce", tag = "auth",
    responses((status = 200, description = "Sign it within its time.", body = NonceReply)))]
pub(super) async fn nonce(service: web::Data<Service>) -> Result<web::Json<NonceReply>> {
    // Nothing is read or written for this: no hop.
    service.nonce().map(web::Json)
}

/// A device proves itself (RFC 7523) and gets a token.
#[utoipa::path(post, path = "/api/v1/auth/device", operation_id = "proveDevice", tag = "auth", request_body = DeviceProof,
    responses((status = 200, description = "Proven.", body = DeviceToken), (status = 401, description = "Not proven.", body = Problem)))]
pub(super) async fn device(
    service: web::Data<Service>,
    body: Json<DeviceProof>,
) -> Result<web::Json<DeviceToken>> {
    blocking(service, move |service| {
        service.prove_device(&body.0.assertion)
    })
    .await
    .map(web::Json)
}

/// A user signs in.
#[utoipa::path(post, path = "/api/v1/auth/sign-in", operation_id = "signIn", tag = "auth", request_body = SignIn,
    responses((status = 200, description = "Signed in.", body = SignedInReply), (status = 401, description = "Not signed in.", body = Problem),
              (status = 429, description = "Too many attempts.", body = Problem)))]
pub(super) async fn sign_in(
    service: web::Data<Service>,
    from: Peer,
    body: Json<SignIn>,
) -> Result<web::Json<SignedInReply>> {
    blocking(service, move |service| service.sign_in(&body.0, from.0))
        .await
        .map(web::Json)
}

/// The next pair of tokens. Each refresh token is used once.
#[utoipa::path(post, path = "/api/v1/auth/refresh", operation_id = "refresh", tag = "auth", request_body = RefreshToken,
    responses((status = 200, description = "Use these from now on.", body = SignedInReply), (status = 401, description = "The session has ended.", body = Problem)))]
pub(super) async fn refresh(
    service: web::Data<Service>,
    body: Json<RefreshToken>,
) -> Result<web::Json<SignedInReply>> {
    blocking(service, move |service| {
        service.refresh(body.0.refresh_token.expose())
    })
    .await
    .map(web::Json)
}

/// Ends a sign-in: all its tokens, at once.
#[utoipa::path(post, path = "/api/v1/auth/sign-out", operation_id = "signOut", tag = "auth", request_body = RefreshToken,
    responses((status = 204, description = "Ended.")))]
pub(super) async fn sign_out(
    service: web::Data<Service>,
    body: Json<RefreshToken>,
) -> Result<HttpResponse> {
    blocking(service, move |service| {
        service.sign_out(body.0.refresh_token.expose())
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Sets a password by a one-time link, and ends all sign-ins of that user.
#[utoipa::path(post, path = "/api/v1/auth/reset", operation_id = "resetPassword", tag = "auth", request_body = Reset,
    responses((status = 204, description = "Set; sign in with it."), (status = 410, description = "The link is no longer good.", body = Problem),
              (status = 422, description = "The password is too short.", body = Problem)))]
pub(super) async fn reset(
    service: web::Data<Service>,
    from: Peer,
    body: Json<Reset>,
) -> Result<HttpResponse> {
    let Reset { token, password } = body.0;
    blocking(service, move |service| {
        service.reset_password(token.expose(), password, from.0)
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// A user changes the own password; every other sign-in of that user ends.
#[utoipa::path(post, path = "/api/v1/auth/password", operation_id = "changePassword", tag = "auth", request_body = ChangePassword,
    security(("user" = [])),
    responses((status = 204, description = "Changed."), (status = 401, description = "The current one is not right.", body = Problem)))]
pub(super) async fn password(
    auth: UserAuth,
    from: Peer,
    body: Json<ChangePassword>,
) -> Result<HttpResponse> {
    let ChangePassword { current, new } = body.0;
    auth.run(move |service, user| service.change_password(user, current.expose(), new, from.0))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/v1/me", operation_id = "me", tag = "auth", security(("user" = [])),
    responses((status = 200, description = "This one.", body = Me)))]
pub(super) async fn me(auth: SignedInAuth) -> Result<web::Json<Me>> {
    let who = auth.run(|_, who| Ok(who.clone())).await?;
    Ok(web::Json(match who {
        SignedIn::User(user) => Me {
            id: user.id,
            name: user.name,
            role: user.role,
            organisation: Some(user.org),
            teams: user.teams,
            signed_in_at: Some(rfc3339(user.signed_in_at)),
        },
        SignedIn::ServerAdmin(admin) => Me {
            id: admin.id,
            name: admin.name,
            role: Role::ServerAdmin,
            organisation: None,
            teams: Vec::new(),
            signed_in_at: None,
        },
    }))
}
