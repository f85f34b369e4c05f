//! Enrolment of devices, and what an enrolled device may ask about itself.

use actix_web::web;
use serde::Serialize;
use serde_json::Value;
use tributary_sync_core::ids::{OrgId, ProfileId, UserId};
use tributary_sync_core::wire::enrol::{EnrolReply, EnrolRequest, KeySet};
use utoipa::ToSchema;

use super::extract::{DeviceAuth, Peer};
use super::problem::Problem;
use super::{Json, blocking};
use crate::service::Service;
use crate::service::access::Role;
use crate::service::ambient::rfc3339;
use crate::service::error::Result;

/// `EnrolRequest` of the sync engine, for the API's description.
#[derive(ToSchema)]
#[schema(as = EnrolRequest)]
#[expect(dead_code, reason = "describes what another type reads")]
pub(super) struct EnrolRequestSchema {
    /// The one-time code. Case, spaces and dashes do not count.
    code: String,
    /// The device's P-256 key: SPKI, an uncompressed point, or x ‖ y; hexadecimal or base64url.
    public_key: String,
    /// Random, 32 hexadecimal digits, chosen by the device: the same instance gets the same actor.
    instance: String,
    /// What the device is called.
    label: Option<String>,
}

/// `EnrolReply` of the sync engine, for the API's description.
#[derive(ToSchema)]
#[schema(as = EnrolReply)]
#[expect(dead_code, reason = "describes what another type writes")]
pub(super) struct EnrolReplySchema {
    /// id, slug and name.
    organisation: Value,
    /// id, name and role.
    user: Value,
    /// One user on this installation.
    profile: String,
    /// The number under which its changesets are made.
    actor: u32,
    /// The proof of that: actor, epoch, and a signature by the receipt key.
    grant: Value,
    /// The epoch of the organisation's log.
    epoch: String,
    /// root, receipt, inbox and earlier keys.
    keys: Value,
    /// What the device names as audience when it proves itself.
    audience: String,
    /// The server's time, RFC 3339.
    server_time: String,
    /// Form packages and their XForms.
    forms: Vec<Value>,
    /// The policies in force.
    policies: Vec<Value>,
}

/// A device as it sees itself.
#[derive(Serialize, ToSchema)]
pub(super) struct DeviceSelf {
    /// The profile.
    #[schema(value_type = String)]
    profile: ProfileId,
    /// The organisation.
    #[schema(value_type = String)]
    organisation: OrgId,
    /// The user.
    #[schema(value_type = String)]
    user: UserId,
    /// The user's name.
    user_name: String,
    /// The user's role.
    role: Role,
    /// The organisation's keys.
    #[schema(value_type = Value)]
    keys: KeySet,
    /// The server's time.
    server_time: String,
}

/// A device enrols with a one-time code. The same code with the same key gets the same answer.
#[utoipa::path(post, path = "/api/v1/enrol", operation_id = "enrol", tag = "devices", request_body = inline(EnrolRequestSchema),
    responses((status = 200, description = "Enrolled.", body = inline(EnrolReplySchema)), (status = 403, description = "The code is not known.", body = Problem),
              (status = 409, description = "The code or the key was used.", body = Problem), (status = 410, description = "The code has expired.", body = Problem)))]
pub(super) async fn enrol(
    service: web::Data<Service>,
    from: Peer,
    body: Json<EnrolRequest>,
) -> Result<web::Json<EnrolReply>> {
    blocking(service, move |service| service.enrol(&body.0, from.0))
        .await
        .map(web::Json)
}

/// The device that asks, as the server knows it now.
#[utoipa::path(get, path = "/api/v1/device", operation_id = "deviceSelf", tag = "devices", security(("device" = [])),
    responses((status = 200, description = "This one.", body = DeviceSelf), (status = 403, description = "It is revoked.", body = Problem)))]
pub(super) async fn device(auth: DeviceAuth) -> Result<web::Json<DeviceSelf>> {
    auth.run(|service, device| {
        Ok(DeviceSelf {
            profile: device.profile,
            organisation: device.org,
            user: device.user,
            user_name: device.user_name.clone(),
            role: device.role,
            keys: service.keys().of_org(device.org)?.public().clone(),
            server_time: rfc3339(service.now()),
        })
    })
    .await
    .map(web::Json)
}
