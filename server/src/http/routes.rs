//! The table of routes, and the same as OpenAPI.

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig, resource, scope};
use utoipa::OpenApi;

use super::description::Common;
use super::{
    attachments, audit, auth, devices, enrol, erasures, exports, field, forms, health,
    organisations, page, quarantine, records, sync, teams, users,
};
use crate::service::error::{Code, ServiceError};

/// Every address there is.
pub fn configure(app: &mut ServiceConfig) {
    // An id that cannot be read answers as one that is not there.
    let path =
        web::PathConfig::default().error_handler(|_, _| ServiceError::from(Code::NotFound).into());
    let query = web::QueryConfig::default()
        .error_handler(|_, _| ServiceError::from(Code::ParameterInvalid).into());
    app.app_data(path)
        .app_data(query)
        .service(
            resource("/healthz")
                .get(health::healthz)
                .route(web::head().to(health::healthz)),
        )
        .service(
            resource("/readyz")
                .get(health::readyz)
                .route(web::head().to(health::readyz)),
        )
        .service(resource("/metrics").get(health::metrics))
        .service(scope("/api/v1").configure(api).configure(records_api))
        .service(scope("/sync/v1").configure(sync_api))
        .configure(field::configure)
        .configure(page::configure)
        .default_service(web::to(unknown));
}

fn api(api: &mut ServiceConfig) {
    api.service(resource("/auth/nonce").post(auth::nonce))
        .service(resource("/auth/device").post(auth::device))
        .service(resource("/auth/sign-in").post(auth::sign_in))
        .service(resource("/auth/refresh").post(auth::refresh))
        .service(resource("/auth/sign-out").post(auth::sign_out))
        .service(resource("/auth/reset").post(auth::reset))
        .service(resource("/auth/password").post(auth::password))
        .service(resource("/me").get(auth::me))
        .service(resource("/enrol").post(enrol::enrol))
        .service(resource("/device").get(enrol::device))
        .service(resource("/users").get(users::list).post(users::create))
        .service(resource("/users/{user}").get(users::get))
        .service(resource("/users/{user}/reset").post(users::reset))
        .service(resource("/users/{user}/disable").post(users::disable))
        .service(resource("/users/{user}/enable").post(users::enable))
        .service(resource("/users/{user}/role").post(users::role))
        .service(resource("/teams").get(teams::list).post(teams::create))
        .service(
            resource("/teams/{team}/members/{user}")
                .put(teams::join)
                .delete(teams::leave),
        )
        .service(resource("/exports/{form_id}").post(exports::export))
        .service(resource("/exports/{form_id}/meta").post(exports::meta))
        .service(resource("/forms").get(forms::list).post(forms::publish))
        .service(resource("/forms/preview").post(forms::preview))
        .service(resource("/forms/{form}/versions").get(forms::versions))
        .service(resource("/form-versions/{hash}").get(forms::version))
        .service(resource("/devices").get(devices::list))
        .service(resource("/devices/codes").post(devices::code))
        .service(resource("/devices/{device}/revoke").post(devices::revoke))
        .service(
            resource("/organisations")
                .get(organisations::list)
                .post(organisations::create),
        )
        .service(resource("/organisations/{organisation}/suspend").post(organisations::suspend))
        .service(resource("/organisations/{organisation}/resume").post(organisations::resume));
}

fn records_api(api: &mut ServiceConfig) {
    api.service(resource("/records/list").post(records::list))
        .service(resource("/records/erase").post(erasures::erase_many))
        .service(resource("/records/{record}").get(records::get))
        .service(resource("/records/{record}/settle").post(records::settle))
        .service(resource("/records/{record}/decide").post(records::decide))
        .service(resource("/records/{record}/assign").post(records::assign))
        .service(resource("/records/{record}/comment").post(records::comment))
        .service(resource("/records/{record}/approve").post(records::approve))
        .service(resource("/records/{record}/reject").post(records::reject))
        .service(resource("/records/{record}/return").post(records::give_back))
        .service(resource("/records/{record}/delete").post(records::delete))
        .service(resource("/records/{record}/restore").post(records::restore))
        .service(resource("/records/{record}/restrict").post(records::restrict))
        .service(resource("/records/{record}/unrestrict").post(records::unrestrict))
        .service(resource("/records/{record}/erase").post(erasures::erase))
        .service(resource("/erasures/{tombstone}").get(erasures::report))
        .service(resource("/erasure-proposals").get(erasures::proposals))
        .service(resource("/erasure-proposals/{proposal}/confirm").post(erasures::confirm))
        .service(resource("/erasure-proposals/{proposal}/cancel").post(erasures::cancel))
        .service(
            resource("/records/{record}/attachments/{sha256}").get(attachments::read::of_record),
        )
        .service(
            resource("/attachments/limits")
                .get(attachments::limits)
                .put(attachments::set_limits),
        )
        .service(resource("/users/{user}/hand-over").post(erasures::hand_over))
        .service(resource("/quarantine").get(quarantine::list))
        .service(resource("/quarantine/{no}/release").post(quarantine::release))
        .service(resource("/quarantine/{no}/discard").post(quarantine::discard))
        .service(resource("/audit").get(audit::list));
}

fn sync_api(api: &mut ServiceConfig) {
    api.service(resource("/exchange").post(sync::exchange))
        .service(resource("/compare").post(sync::compare))
        .service(resource("/actor").post(sync::actor))
        .service(resource("/lost").post(sync::lost))
        .service(resource("/bundle").post(sync::bundle))
        .service(resource("/forms/{hash}").get(sync::form))
        .service(
            resource("/attachments")
                .post(attachments::begin)
                .route(web::method(Method::OPTIONS).to(attachments::options)),
        )
        .service(
            resource("/attachments/uploads/{upload}")
                .patch(attachments::bring)
                .delete(attachments::end)
                .route(web::head().to(attachments::look))
                .route(web::method(Method::OPTIONS).to(attachments::options)),
        )
        .service(resource("/attachments/{sha256}").get(attachments::read::fetch));
}

async fn unknown() -> Result<&'static str, ServiceError> {
    Err(Code::RouteUnknown.into())
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Tributary", description = "Offline-first field survey sync server."),
    paths(
        health::healthz,
        health::readyz,
        health::metrics,
        auth::nonce,
        auth::device,
        auth::sign_in,
        auth::refresh,
        auth::sign_out,
        auth::reset,
        auth::password,
        auth::me,
        enrol::enrol,
        enrol::device,
        users::list,
        users::create,
        users::get,
        users::reset,
        users::disable,
        users::enable,
        users::role,
        teams::list,
        teams::create,
        teams::join,
        teams::leave,
        devices::list,
        devices::code,
        devices::revoke,
        exports::export,
        exports::meta,
        organisations::list,
        organisations::create,
        organisations::suspend,
        organisations::resume,
        records::list,
        records::get,
        records::settle,
        records::decide,
        records::assign,
        records::comment,
        records::approve,
        records::reject,
        records::give_back,
        records::delete,
        records::restore,
        records::restrict,
        records::unrestrict,
        erasures::erase,
        erasures::erase_many,
        erasures::report,
        erasures::proposals,
        erasures::confirm,
        erasures::cancel,
        erasures::hand_over,
        quarantine::list,
        quarantine::release,
        quarantine::discard,
        audit::list,
        forms::preview,
        forms::publish,
        forms::list,
        forms::versions,
        forms::version,
        sync::exchange,
        sync::compare,
        sync::actor,
        sync::lost,
        sync::bundle,
        sync::form,
        attachments::begin,
        attachments::look,
        attachments::bring,
        attachments::end,
        attachments::read::fetch,
        attachments::read::of_record,
        attachments::limits,
        attachments::set_limits,
    ),
    modifiers(&Common)
)]
struct Api;

/// The API's description, from the code.
pub fn openapi() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_has_an_id_of_its_own() {
        let api = serde_json::to_value(openapi()).unwrap();
        let mut seen = std::collections::HashSet::new();
        for (path, methods) in api["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str();
                let id = id.unwrap_or_else(|| panic!("{method} {path} has no id"));
                assert!(seen.insert(id.to_owned()), "{id} twice");
            }
        }
        assert!(seen.len() >= 30);
    }
}
