//! Records of the own organisation: lists, one record, and what people do with it.
//!
//! Filters travel in bodies. Every write sends back the `shown` of the record it looked at.

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{ActorId, RecordId, Seq};
use tributary_sync_core::key::Key;
use tributary_sync_core::value::Value;
use utoipa::ToSchema;

use super::Json;
use super::extract::UserAuth;
use super::problem::Problem;
use crate::service::error::{Result, invalid};
use crate::service::paging::Page;
use crate::service::records::{
    Assignee, Choice, Desk, ListFilter, RecordLine, Restricted, Settle as Settling, Shown,
    ShownRecord, Verdict, Written,
};

/// The changeset that a write became.
#[derive(Serialize, ToSchema)]
pub(super) struct WrittenReply {
    /// Its actor.
    actor: u32,
    /// Its number.
    seq: u64,
}

/// An answer by the changeset that gave it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct DotRef {
    /// The actor.
    actor: u32,
    /// The number.
    seq: u64,
}

impl DotRef {
    fn dot(&self, pointer: &str) -> Result<Dot> {
        let seq = Seq::new(self.seq).map_err(|e| invalid(pointer, e.code(), "Not a number."))?;
        Ok(Dot::new(ActorId(self.actor), seq))
    }
}

/// What to settle for: one of the answers, or another one.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settle {
    /// The `shown` of the record that was looked at.
    #[schema(value_type = String)]
    shown: Shown,
    /// The question's key.
    key: String,
    /// One of the answers, by a changeset that gave it.
    candidate: Option<DotRef>,
    /// Another answer, as the protocol writes values.
    #[schema(value_type = Option<Object>)]
    value: Option<Value>,
    /// Why.
    reason: String,
}

/// A protection to lower.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Decide {
    /// The `shown` of the record that was looked at.
    #[schema(value_type = String)]
    shown: Shown,
    /// The question's key.
    key: String,
    /// The changesets whose values are lowered.
    dots: Vec<DotRef>,
    /// One of the answers, by a changeset that gave it.
    candidate: Option<DotRef>,
    /// Another answer, as the protocol writes values.
    #[schema(value_type = Option<Object>)]
    value: Option<Value>,
    /// Why.
    reason: String,
}

/// Whom to assign to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Assign {
    /// The `shown` of the record that was looked at.
    #[schema(value_type = String)]
    shown: Shown,
    /// `user:<id>`, `team:<id>`, or null for nobody.
    assignee: Option<String>,
}

/// Something to say.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Say {
    /// The `shown` of the record that was looked at.
    #[schema(value_type = String)]
    shown: Shown,
    /// The comment.
    text: String,
}

/// A judgement.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Because {
    /// The `shown` of the record that was looked at.
    #[schema(value_type = String)]
    shown: Shown,
    /// Why; only an approval needs none.
    reason: Option<String>,
}

fn key(text: &str) -> Result<Key> {
    text.parse()
        .map_err(|_| invalid("/key", "key_invalid", "This is no key of a record."))
}

fn choice(candidate: Option<DotRef>, value: Option<Value>) -> Result<Choice> {
    match (candidate, value) {
        (Some(dot), None) => Ok(Choice::Candidate(dot.dot("/candidate/seq")?)),
        (None, Some(value)) => Ok(Choice::Value(value)),
        _ => Err(invalid(
            "",
            "choice_missing",
            "Give either `candidate` or `value`.",
        )),
    }
}

async fn write(
    auth: UserAuth,
    work: impl FnOnce(&Desk<'_>) -> Result<Written> + Send + 'static,
) -> Result<web::Json<WrittenReply>> {
    let dot = auth
        .run(move |service, user| work(&service.desk(user)?)?.done())
        .await?;
    Ok(web::Json(WrittenReply {
        actor: dot.actor.0,
        seq: dot.seq.get(),
    }))
}

/// Records, without their answers.
#[utoipa::path(post, path = "/api/v1/records/list", operation_id = "listRecords", tag = "records", request_body = ListFilter, security(("user" = [])),
    responses((status = 200, description = "A page of them.", body = Page<RecordLine>)))]
pub(super) async fn list(
    auth: UserAuth,
    body: Json<ListFilter>,
) -> Result<web::Json<Page<RecordLine>>> {
    auth.run(move |service, user| service.desk(user)?.list(&body.0))
        .await
        .map(web::Json)
}

/// One record with its conflicts and its history.
#[utoipa::path(get, path = "/api/v1/records/{record}", operation_id = "getRecord", tag = "records", params(("record" = String, Path)), security(("user" = [])),
    responses((status = 200, description = "This one.", body = ShownRecord), (status = 404, description = "None of that id.", body = Problem)))]
pub(super) async fn get(auth: UserAuth, id: web::Path<RecordId>) -> Result<web::Json<ShownRecord>> {
    auth.run(move |service, user| service.desk(user)?.show(*id, None))
        .await
        .map(web::Json)
}

/// Settles a conflict.
#[utoipa::path(post, path = "/api/v1/records/{record}/settle", operation_id = "settleConflict", tag = "records", params(("record" = String, Path)),
    request_body = Settle, security(("user" = [])),
    responses((status = 200, description = "Settled.", body = WrittenReply), (status = 409, description = "Changed meanwhile, or a protection would be lowered.", body = Problem)))]
pub(super) async fn settle(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Settle>,
) -> Result<web::Json<WrittenReply>> {
    let what = body.0;
    let settling = Settling {
        key: key(&what.key)?,
        choice: choice(what.candidate, what.value)?,
        reason: what.reason,
    };
    write(auth, move |desk| desk.settle(*id, &what.shown, settling)).await
}

/// Lowers a protective value or clears a flag.
#[utoipa::path(post, path = "/api/v1/records/{record}/decide", operation_id = "decide", tag = "records", params(("record" = String, Path)),
    request_body = Decide, security(("user" = [])),
    responses((status = 200, description = "Decided.", body = WrittenReply), (status = 409, description = "Changed meanwhile, or not all that is lowered is named.", body = Problem)))]
pub(super) async fn decide(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Decide>,
) -> Result<web::Json<WrittenReply>> {
    let what = body.0;
    let dots = what
        .dots
        .iter()
        .map(|d| d.dot("/dots"))
        .collect::<Result<_>>()?;
    let lowered = (key(&what.key)?, dots);
    let choice = (choice(what.candidate, what.value)?, what.reason);
    write(auth, move |desk| {
        desk.decide(*id, &what.shown, lowered, choice)
    })
    .await
}

/// Assigns a record to a user, a team or nobody.
#[utoipa::path(post, path = "/api/v1/records/{record}/assign", operation_id = "assignRecord", tag = "records", params(("record" = String, Path)),
    request_body = Assign, security(("user" = [])),
    responses((status = 200, description = "Assigned.", body = WrittenReply), (status = 409, description = "Changed meanwhile.", body = Problem), (status = 422, description = "No such user or team.", body = Problem)))]
pub(super) async fn assign(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Assign>,
) -> Result<web::Json<WrittenReply>> {
    let Assign { shown, assignee } = body.0;
    let to = assignee
        .map(|text| {
            Assignee::parse(&text).ok_or_else(|| {
                invalid(
                    "/assignee",
                    "assignee_invalid",
                    "Give user:<id> or team:<id>.",
                )
            })
        })
        .transpose()?;
    write(auth, move |desk| desk.assign(*id, &shown, to)).await
}

/// Leaves a comment.
#[utoipa::path(post, path = "/api/v1/records/{record}/comment", operation_id = "commentRecord", tag = "records", params(("record" = String, Path)),
    request_body = Say, security(("user" = [])),
    responses((status = 200, description = "Left.", body = WrittenReply), (status = 404, description = "None of that id.", body = Problem), (status = 409, description = "What was shown is not in the log.", body = Problem)))]
pub(super) async fn comment(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Say>,
) -> Result<web::Json<WrittenReply>> {
    let Say { shown, text } = body.0;
    write(auth, move |desk| desk.comment(*id, &shown, &text)).await
}

async fn review(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Because>,
    verdict: Verdict,
) -> Result<web::Json<WrittenReply>> {
    let Because { shown, reason } = body.0;
    write(auth, move |desk| {
        desk.review(*id, &shown, verdict, reason.as_deref())
    })
    .await
}

/// Approves what was shown; an edit ends it.
#[utoipa::path(post, path = "/api/v1/records/{record}/approve", operation_id = "approveRecord", tag = "records", params(("record" = String, Path)),
    request_body = Because, security(("user" = [])),
    responses((status = 200, description = "Approved.", body = WrittenReply), (status = 409, description = "Changed meanwhile.", body = Problem)))]
pub(super) async fn approve(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Because>,
) -> Result<web::Json<WrittenReply>> {
    review(auth, id, body, Verdict::Approved).await
}

/// Rejects what was shown.
#[utoipa::path(post, path = "/api/v1/records/{record}/reject", operation_id = "rejectRecord", tag = "records", params(("record" = String, Path)),
    request_body = Because, security(("user" = [])),
    responses((status = 200, description = "Rejected.", body = WrittenReply), (status = 409, description = "Changed meanwhile.", body = Problem)))]
pub(super) async fn reject(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Because>,
) -> Result<web::Json<WrittenReply>> {
    review(auth, id, body, Verdict::Rejected).await
}

/// Returns it to its maker, to whom it is assigned.
#[utoipa::path(post, path = "/api/v1/records/{record}/return", operation_id = "returnRecord", tag = "records", params(("record" = String, Path)),
    request_body = Because, security(("user" = [])),
    responses((status = 200, description = "Returned.", body = WrittenReply), (status = 409, description = "Changed meanwhile.", body = Problem)))]
pub(super) async fn give_back(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Because>,
) -> Result<web::Json<WrittenReply>> {
    review(auth, id, body, Verdict::Returned).await
}

/// Deletes a record: it can be restored.
#[utoipa::path(post, path = "/api/v1/records/{record}/delete", operation_id = "deleteRecord", tag = "records", params(("record" = String, Path)),
    request_body = Because, security(("user" = [])),
    responses((status = 200, description = "Deleted.", body = WrittenReply), (status = 409, description = "Changed meanwhile.", body = Problem)))]
pub(super) async fn delete(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Because>,
) -> Result<web::Json<WrittenReply>> {
    let Because { shown, reason } = body.0;
    let reason = reason.unwrap_or_default();
    write(auth, move |desk| desk.delete(*id, &shown, &reason)).await
}

/// Restores a deleted record.
#[utoipa::path(post, path = "/api/v1/records/{record}/restore", operation_id = "restoreRecord", tag = "records", params(("record" = String, Path)),
    request_body = Because, security(("user" = [])),
    responses((status = 200, description = "Restored.", body = WrittenReply), (status = 409, description = "Changed meanwhile.", body = Problem)))]
pub(super) async fn restore(
    auth: UserAuth,
    id: web::Path<RecordId>,
    body: Json<Because>,
) -> Result<web::Json<WrittenReply>> {
    let Because { shown, reason } = body.0;
    let reason = reason.unwrap_or_default();
    write(auth, move |desk| desk.restore(*id, &shown, &reason)).await
}

/// Hides a record at once; the first step to its erasure.
#[utoipa::path(post, path = "/api/v1/records/{record}/restrict", operation_id = "restrictRecord", tag = "records", params(("record" = String, Path)),
    security(("user" = [])),
    responses((status = 200, description = "Hidden.", body = Restricted), (status = 403, description = "Not allowed.", body = Problem)))]
pub(super) async fn restrict(
    auth: UserAuth,
    id: web::Path<RecordId>,
) -> Result<web::Json<Restricted>> {
    auth.run(move |service, user| service.desk(user)?.restrict(*id))
        .await
        .map(web::Json)
}

/// Shows it again.
#[utoipa::path(post, path = "/api/v1/records/{record}/unrestrict", operation_id = "unrestrictRecord", tag = "records", params(("record" = String, Path)),
    security(("user" = [])),
    responses((status = 204, description = "Shown again."), (status = 409, description = "It is not restricted.", body = Problem)))]
pub(super) async fn unrestrict(auth: UserAuth, id: web::Path<RecordId>) -> Result<HttpResponse> {
    auth.run(move |service, user| service.desk(user)?.unrestrict(*id))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}
