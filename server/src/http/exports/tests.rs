//! Downloads over HTTP: who gets them, what stands in their heads, and what a cut one looks like.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{App, middleware, test};
use serde_json::{Value, json};
use tributary_sync_core::change::{Draft, Stamp, Stored};
use tributary_sync_core::clock::{Clock, Dot, Hlc};
use tributary_sync_core::form::{FormPackage, prepare};
use tributary_sync_core::ids::*;
use tributary_sync_core::key::{Key, MetaKey};
use tributary_sync_core::value::Text;

use super::*;
use crate::http::{HttpOptions, Rooms, frame, routes};
use crate::service::access::Role;
use crate::service::ambient::System;
use crate::service::exchange::{Author, Merger};
use crate::service::forms::{NewVersion, publish};
use crate::service::names::{NewPassword, Secret};
use crate::service::organisations::CreateOrganisation;
use crate::service::users::CreateUser;
use crate::service::{Service, ServiceOptions};
use crate::storage::StorageError;
use crate::storage::folder::DataFolder;

const FORM: &str = include_str!("../../service/export/tests/v1.xml");
const PASSWORD: &str = "three or four words";

struct Office {
    _folder: tempfile::TempDir,
    service: web::Data<Service>,
    org: OrgId,
}

impl Office {
    fn open() -> Self {
        crate::tls::install_provider();
        let folder = tempfile::tempdir().unwrap();
        let data = DataFolder::at(folder.path().join("data"));
        let service =
            Service::create(&data, ServiceOptions::default(), Arc::new(System::new())).unwrap();
        let new = CreateOrganisation {
            slug: "mekong".into(),
            name: "Mekong".into(),
        };
        let org = service.create_organisation(By::Operator, &new).unwrap().id;
        for (name, role) in [("Dara", Role::Coordinator), ("Sok", Role::Worker)] {
            let new = CreateUser {
                name: name.into(),
                role,
            };
            let user = service.create_user(By::Operator, org, &new).unwrap().user;
            let password = NewPassword::new(Secret::new(PASSWORD.into())).unwrap();
            service.set_password(user.id, &password).unwrap();
        }
        let env = service.env();
        service
            .files()
            .write::<_, StorageError>(org, move |txn| {
                let version = NewVersion {
                    form: prepare(FORM).unwrap(),
                    attachments: Vec::new(),
                    mapping: Default::default(),
                    weaken: false,
                };
                let hash = publish(txn, &env, None, &version).unwrap().hash;
                let package = txn.form(hash)?.unwrap().package;
                let package = FormPackage::from_bytes(package.as_bytes()).unwrap();
                let id = |path: &str| package.fields.iter().find(|f| f.path == path).unwrap().id;
                let text = |t: &str| Text::new(t).unwrap();
                let mut merger = Merger::new(txn, &env);
                for n in 1..=200u64 {
                    use tributary_sync_core::value::Value;
                    let draft = Draft {
                        record: RecordId::from_bytes([n as u8; 16]),
                        dot: Dot::new(ActorId(7), Seq::new(n).unwrap()),
                        clock: Hlc::new(env.now, 0).unwrap(),
                        form: hash,
                        creates: true,
                        epoch: txn.epoch()?.id,
                        seen: Clock::new(),
                        writes: vec![
                            (Key::Field(id("/data/consent")), Value::Code(text("given"))),
                            (
                                Key::Field(id("/data/who/name")),
                                Value::Text(text(&"ណ".repeat(2_000))),
                            ),
                            (Key::Meta(MetaKey::Status), Value::Code(text("complete"))),
                        ],
                        decisions: Vec::new(),
                        origin: None,
                        extensions: Vec::new(),
                    };
                    let stamp = Stamp {
                        context: Clock::new(),
                        effective: draft.clock,
                        received: env.now,
                        cut: false,
                    };
                    let stored = Stored {
                        change: draft.seal().unwrap(),
                        stamp,
                    };
                    merger.create(&stored.change, "case", None, stored.stamp.received)?;
                    let author = Author {
                        profile: None,
                        user: None,
                        role: Role::Worker,
                        decides: false,
                        first: false,
                    };
                    merger.merge(&stored, &author).unwrap();
                }
                merger.finish().unwrap();
                Ok(())
            })
            .unwrap();
        Self {
            _folder: folder,
            service: web::Data::new(service),
            org,
        }
    }
    fn audit(&self) -> Vec<(String, String)> {
        let rows = self
            .service
            .files()
            .read::<_, StorageError>(self.org, |txn| txn.audit_rows(0, 1_000))
            .unwrap();
        let exports = rows.into_iter().filter(|r| r.action.starts_with("export."));
        exports
            .map(|r| (r.action, r.detail.unwrap_or_default()))
            .collect()
    }
}

macro_rules! app {
    ($office:expr) => {
        test::init_service(
            App::new()
                .app_data($office.service.clone())
                .app_data(web::Data::new(HttpOptions {
                    metrics_token: None,
                    rooms: Rooms::default(),
                    behind_proxy: false,
                    pinned: true,
                }))
                .configure(routes::configure)
                .wrap(middleware::from_fn(frame::frame)),
        )
        .await
    };
}

macro_rules! token {
    ($app:expr, $name:expr) => {{
        let body = json!({"organisation": "mekong", "name": $name, "password": PASSWORD});
        let request = test::TestRequest::post().uri("/api/v1/auth/sign-in").set_json(body);
        let reply: Value = test::call_and_read_body_json(&$app, request.to_request()).await;
        reply["access_token"].as_str().unwrap().to_owned()
    }};
}

fn ask(token: &str, uri: &str, options: Value) -> test::TestRequest {
    test::TestRequest::post()
        .uri(uri)
        .insert_header(("authorization", format!("Bearer {token}")))
        .set_json(options)
}

#[actix_web::test]
async fn a_coordinator_downloads_and_a_worker_does_not() {
    let office = Office::open();
    let app = app!(office);
    let worker = token!(app, "Sok");
    let refused = test::call_service(
        &app,
        ask(&worker, "/api/v1/exports/case", json!({})).to_request(),
    )
    .await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert!(office.audit().is_empty());

    let token = token!(app, "Dara");
    let reply = test::call_service(
        &app,
        ask(&token, "/api/v1/exports/case", json!({})).to_request(),
    )
    .await;
    assert_eq!(reply.status(), StatusCode::OK);
    let head = |name: &str| {
        reply
            .headers()
            .get(name)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(head("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        head("content-disposition"),
        "attachment; filename=\"case.csv\""
    );
    assert_eq!(head("x-content-type-options"), "nosniff");
    assert_eq!(head("cache-control"), "no-store");
    let (etag, cursor) = (head("etag"), head("tributary-cursor"));
    let body = test::read_body(reply).await;
    assert_eq!(csv::Reader::from_reader(&body[..]).records().count(), 200);

    let meta: Value = test::call_and_read_body_json(
        &app,
        ask(&token, "/api/v1/exports/case/meta", json!({})).to_request(),
    )
    .await;
    let sum = <sha2::Sha256 as sha2::Digest>::digest(&body);
    assert_eq!(meta["sha256"], hex::encode(sum));
    assert_eq!(meta["cursor"], cursor);
    assert_eq!(meta["counts"]["rows"], 200);
    let audit = office.audit();
    assert_eq!(
        audit[0],
        (
            "export.download".to_owned(),
            "begun, csv, filters: none".to_owned()
        )
    );
    assert!(
        audit[1].1.starts_with("200 rows, withheld 0"),
        "{}",
        audit[1].1
    );

    let again = ask(&token, "/api/v1/exports/case", json!({}))
        .insert_header(("if-none-match", etag.clone()));
    let again = test::call_service(&app, again.to_request()).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let other = ask(&token, "/api/v1/exports/case", json!({"bom": true}))
        .insert_header(("if-none-match", etag));
    let other = test::call_service(&app, other.to_request()).await;
    assert_eq!(other.status(), StatusCode::OK);
}

#[actix_web::test]
async fn what_cannot_be_followed_is_refused_with_its_name() {
    let office = Office::open();
    let app = app!(office);
    let token = token!(app, "Dara");
    let cases = [
        ("/api/v1/exports/none", json!({}), 404, "not_found", None),
        (
            "/api/v1/exports/case",
            json!({"labels": "fr"}),
            422,
            "field_invalid",
            Some("/labels"),
        ),
        (
            "/api/v1/exports/case",
            json!({"state": []}),
            422,
            "field_invalid",
            None,
        ),
        (
            "/api/v1/exports/case",
            json!({"since": "999999"}),
            410,
            "export_cursor_invalid",
            None,
        ),
        (
            "/api/v1/exports/case/meta",
            json!({"tz": "Mars"}),
            422,
            "field_invalid",
            Some("/tz"),
        ),
    ];
    for (uri, options, status, code, pointer) in cases {
        let reply = test::call_service(&app, ask(&token, uri, options.clone()).to_request()).await;
        let got = reply.status().as_u16();
        let problem: Value = test::read_body_json(reply).await;
        let code_got = problem["code"].as_str().unwrap();
        assert_eq!((got, code_got), (status, code), "{options}");
        if let Some(pointer) = pointer {
            assert_eq!(problem["errors"][0]["pointer"], pointer);
        }
    }
    assert!(office.audit().is_empty());
}

#[actix_web::test]
async fn a_reader_who_goes_is_noticed_and_audited() {
    let office = Office::open();
    let app = app!(office);
    let token = token!(app, "Dara");
    let reply = test::call_service(
        &app,
        ask(&token, "/api/v1/exports/case", json!({})).to_request(),
    )
    .await;
    drop(reply);
    for _ in 0..200 {
        if office.audit().len() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let audit = office.audit();
    assert_eq!(audit[1].0, "export.end");
    assert!(audit[1].1.starts_with("cut after "), "{}", audit[1].1);
    assert!(audit[1].1.ends_with("export_cut"));
}

mod limits {
    use super::super::*;

    #[test]
    fn one_organisation_does_not_take_all_the_downloads() {
        let room: Arc<Shares<OrgId>> = Shares::new(ALL_MAX, ORGANISATION_MAX);
        let org = |n| OrgId::from_bytes([n; 16]);
        let _busy: Vec<_> = (0..ORGANISATION_MAX)
            .map(|_| room.take(org(1), 1).unwrap())
            .collect();
        assert!(room.take(org(1), 1).is_none());
        assert!(room.take(org(2), 1).is_some());
    }
}
