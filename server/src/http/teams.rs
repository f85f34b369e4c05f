//! Teams of the own organisation.

use actix_web::{HttpResponse, web};
use tributary_sync_core::ids::{TeamId, UserId};

use super::Json;
use super::extract::UserAuth;
use super::problem::Problem;
use crate::service::By;
use crate::service::error::Result;
use crate::service::paging::{Page, PageRequest};
use crate::service::teams::{CreateTeam, TeamView};

/// The teams of the organisation.
#[utoipa::path(get, path = "/api/v1/teams", operation_id = "listTeams", tag = "teams", params(PageRequest), security(("user" = [])),
    responses((status = 200, description = "A page of them.", body = Page<TeamView>)))]
pub(super) async fn list(
    auth: UserAuth,
    page: web::Query<PageRequest>,
) -> Result<web::Json<Page<TeamView>>> {
    auth.run(move |service, user| service.teams(By::User(user), user.org, &page))
        .await
        .map(web::Json)
}

/// Makes a team.
#[utoipa::path(post, path = "/api/v1/teams", operation_id = "createTeam", tag = "teams", request_body = CreateTeam, security(("user" = [])),
    responses((status = 201, description = "Made.", body = TeamView), (status = 409, description = "The name is taken.", body = Problem)))]
pub(super) async fn create(auth: UserAuth, body: Json<CreateTeam>) -> Result<HttpResponse> {
    let team = auth
        .run(move |service, user| service.create_team(By::User(user), user.org, &body.0))
        .await?;
    Ok(HttpResponse::Created().json(team))
}

/// Puts a user into a team.
#[utoipa::path(put, path = "/api/v1/teams/{team}/members/{user}", operation_id = "joinTeam", tag = "teams",
    params(("team" = String, Path), ("user" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "Is in it.", body = TeamView), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn join(
    auth: UserAuth,
    ids: web::Path<(TeamId, UserId)>,
) -> Result<web::Json<TeamView>> {
    let (team, member) = *ids;
    auth.run(move |service, user| {
        service.set_team_member(By::User(user), user.org, team, member, true)
    })
    .await
    .map(web::Json)
}

/// Takes a user out of a team.
#[utoipa::path(delete, path = "/api/v1/teams/{team}/members/{user}", operation_id = "leaveTeam", tag = "teams",
    params(("team" = String, Path), ("user" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "Is not in it.", body = TeamView), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn leave(
    auth: UserAuth,
    ids: web::Path<(TeamId, UserId)>,
) -> Result<web::Json<TeamView>> {
    let (team, member) = *ids;
    auth.run(move |service, user| {
        service.set_team_member(By::User(user), user.org, team, member, false)
    })
    .await
    .map(web::Json)
}
