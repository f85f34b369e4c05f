//! Erasure, its confirmation by a second person, and its report; and the records of a user who leaves.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tributary_sync_core::ids::{RecordId, Tombstone, UserId};
use utoipa::ToSchema;

use super::Json;
use super::extract::UserAuth;
use super::problem::Problem;
use crate::service::By;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::records::{EraseOutcome, ErasureReport, HandedOver, Proposal, Reason};

/// Why a record is erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EraseOne {
    /// Why.
    reason: Reason,
}

/// Records to erase.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EraseMany {
    /// Up to 200 of them; all are erased or none.
    #[schema(value_type = Vec<String>)]
    records: Vec<RecordId>,
    /// Why.
    reason: Reason,
}

/// To whom.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct HandOver {
    /// The user who gets the records.
    #[schema(value_type = String)]
    to: UserId,
}

fn answer(outcome: EraseOutcome) -> Result<HttpResponse> {
    match outcome {
        EraseOutcome::Erased(report) => Ok(HttpResponse::Ok().json(report)),
        EraseOutcome::NeedsSecond(proposal) => Ok(HttpResponse::Accepted().json(proposal)),
        EraseOutcome::TooEarly(records) => {
            let ids: Vec<String> = records.iter().map(RecordId::to_string).collect();
            Err(ServiceError::from(Code::EraseTooEarly).member("records", ids))
        }
    }
}

/// Erases a record for good, after its time in restriction.
#[utoipa::path(post, path = "/api/v1/records/{record}/erase", operation_id = "eraseRecord", tag = "erasures", params(("record" = String, Path)),
    request_body = EraseOne, security(("user" = [])),
    responses((status = 200, description = "Gone.", body = ErasureReport), (status = 202, description = "Another org admin confirms first.", body = Proposal),
              (status = 403, description = "Sign in again first.", body = Problem), (status = 409, description = "Too early.", body = Problem)))]
pub(super) async fn erase(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<EraseOne>,
) -> Result<HttpResponse> {
    let reason = body.0.reason;
    let outcome = auth
        .run(move |service, user| service.desk(user)?.erase(vec![*id], reason))
        .await?;
    answer(outcome)
}

/// Erases several at once; ten or more need a second org admin.
#[utoipa::path(post, path = "/api/v1/records/erase", operation_id = "eraseRecords", tag = "erasures", request_body = EraseMany, security(("user" = [])),
    responses((status = 200, description = "Gone.", body = ErasureReport), (status = 202, description = "Another org admin confirms first.", body = Proposal),
              (status = 403, description = "Sign in again first.", body = Problem), (status = 404, description = "One of them is not there.", body = Problem),
              (status = 409, description = "Too early.", body = Problem)))]
pub(super) async fn erase_many(auth: UserAuth, body: Json<EraseMany>) -> Result<HttpResponse> {
    let EraseMany { records, reason } = body.0;
    let outcome = auth
        .run(move |service, user| service.desk(user)?.erase(records, reason))
        .await?;
    answer(outcome)
}

/// What remains of an erased record, and which devices have not confirmed it.
#[utoipa::path(get, path = "/api/v1/erasures/{tombstone}", operation_id = "getErasure", tag = "erasures", params(("tombstone" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "As of now.", body = ErasureReport), (status = 404, description = "None of that hash.", body = Problem)))]
pub(super) async fn report(
    auth: UserAuth,
    hash: web::Path<Tombstone>,
) -> Result<web::Json<ErasureReport>> {
    auth.run(move |service, user| service.desk(user)?.erasure(*hash))
        .await
        .map(web::Json)
}

/// Erasures that wait for a second org admin.
#[utoipa::path(get, path = "/api/v1/erasure-proposals", operation_id = "listErasureProposals", tag = "erasures", security(("user" = [])),
    responses((status = 200, description = "All of them.", body = Vec<Proposal>)))]
pub(super) async fn proposals(auth: UserAuth) -> Result<web::Json<Vec<Proposal>>> {
    auth.run(move |service, user| service.desk(user)?.proposed_erasures())
        .await
        .map(web::Json)
}

/// The second org admin says yes.
#[utoipa::path(post, path = "/api/v1/erasure-proposals/{proposal}/confirm", operation_id = "confirmErasure", tag = "erasures",
    params(("proposal" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "Gone.", body = ErasureReport), (status = 409, description = "Another person must confirm.", body = Problem)))]
pub(super) async fn confirm(auth: UserAuth, id: web::Path<String>) -> Result<HttpResponse> {
    let outcome = auth
        .run(move |service, user| service.desk(user)?.confirm_erasure(&id))
        .await?;
    answer(outcome)
}

/// Takes a proposal back.
#[utoipa::path(post, path = "/api/v1/erasure-proposals/{proposal}/cancel", operation_id = "cancelErasure", tag = "erasures",
    params(("proposal" = String, Path)), security(("user" = [])),
    responses((status = 204, description = "Taken back."), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn cancel(auth: UserAuth, id: web::Path<String>) -> Result<HttpResponse> {
    auth.run(move |service, user| service.desk(user)?.cancel_erasure(&id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Assigns all open records of a user to another, in one call.
#[utoipa::path(post, path = "/api/v1/users/{user}/hand-over", operation_id = "handOver", tag = "users", params(("user" = String, Path)),
    request_body = HandOver, security(("user" = [])),
    responses((status = 200, description = "Handed over.", body = HandedOver), (status = 404, description = "No such user.", body = Problem)))]
pub(super) async fn hand_over(
    auth: UserAuth,
    from: web::Path<UserId>,
    body: Json<HandOver>,
) -> Result<web::Json<HandedOver>> {
    auth.run(move |service, user| service.hand_over(By::User(user), user.org, *from, body.0.to))
        .await
        .map(web::Json)
}
