//! Two organisations with everything in them that has an id, and whoever asks for it.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::time::Duration;

use base64::Engine as _;
use serde_json::{Value, json};
use tributary::service::By;
use tributary::service::access::Role;
use tributary::service::names::Secret;
use tributary::service::sign_in::SignIn;
use tributary_sync_core::clock::Clock;
use tributary_sync_core::ids::{RecordId, UserId};
use tributary_tests::harness::{Client, Organisation, PASSWORD, Reply, TestServer};

use super::table::{Kind, Row};
use crate::api::field::{Form, Phone, code, text};

/// What stands in the place of `{user}`, `{record}` and so on.
pub(super) type Fill = HashMap<&'static str, String>;

/// Somebody who asks.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) client: Client,
    /// The cookie of the page.
    pub(super) cookie: Option<String>,
}

/// An organisation, furnished.
pub(super) struct Estate<'s> {
    server: &'s TestServer,
    pub(super) org: Organisation<'s>,
    pub(super) fill: Fill,
    records: Vec<RecordId>,
    pub(super) phone: Phone,
    pub(super) revoked: Phone,
    users: HashMap<&'static str, UserId>,
    pub(super) callers: HashMap<&'static str, Caller>,
}

const ONLY_FORM: &str = r#"<?xml version="1.0"?>
<h:html xmlns="http://www.w3.org/2002/xforms" xmlns:h="http://www.w3.org/1999/xhtml" xmlns:jr="http://openrosa.org/javarosa">
<h:head><h:title>Only NAME</h:title><model>
<instance><data id="only-NAME" version="1"><town/></data></instance>
<bind nodeset="/data/town" type="string"/></model></h:head>
<h:body><input ref="/data/town"><label>Town of NAME</label></input></h:body></h:html>"#;

/// The first byte of a record's id says of which organisation it is.
fn id(org: &str, n: u8) -> RecordId {
    let mut bytes = [n; 16];
    bytes[0] = org.bytes().fold(7, u8::wrapping_add);
    RecordId::from_bytes(bytes)
}

impl<'s> Estate<'s> {
    /// Before the time passes that an erasure waits: phones, interviews, one answer kept aside.
    pub(super) fn furnish(server: &'s TestServer, slug: &str) -> Self {
        let org = server.organisation(slug);
        let named = |who: &str| format!("{who} of {slug}");
        let form = Form::publish(server, &org);
        let contact = form.key("safe_contact");
        let users = HashMap::from([
            ("worker", org.invite(&named("Dara"), Role::Worker)),
            ("reviewer", org.invite(&named("Rev"), Role::Reviewer)),
            ("coordinator", org.invite(&named("Mona"), Role::Coordinator)),
            ("admin", org.invite(&named("Chi"), Role::OrgAdmin)),
            ("stopped", org.invite(&named("Gone"), Role::OrgAdmin)),
            ("spare", org.invite(&named("Spare"), Role::Worker)),
        ]);
        let mut phone = Phone::of(&org, &form, users["worker"]);
        let records: Vec<_> = (1..=22).map(|n| id(slug, n)).collect();
        for record in &records {
            let answers = vec![
                (form.key("consent_store"), code("given")),
                (contact.clone(), text(&format!("call {slug} at noon"))),
            ];
            phone.save(*record, true, Clock::new(), answers);
        }
        phone.push();
        let mut revoked = Phone::of(&org, &form, users["worker"]);
        let service = server.service();
        service
            .revoke_device(By::Operator, org.id, revoked.device.profile)
            .unwrap();
        // Numbers count in each organisation; this way one has a number that another has not.
        let late = if slug == "mekong" {
            101..=103
        } else {
            101..=102
        };
        for n in late {
            let late = text(&format!("late words of {slug}"));
            revoked.save(
                id(slug, n),
                true,
                Clock::new(),
                vec![(contact.clone(), late)],
            );
        }
        revoked.push();
        let fill = Fill::from([
            ("app_file", "sw.js".to_owned()),
            ("slug", slug.to_owned()),
            ("key", contact.to_string()),
            ("record", records[0].to_string()),
            ("user", users["worker"].to_string()),
            ("spare", users["spare"].to_string()),
            (
                "spare_device",
                org.device(users["spare"]).profile.to_string(),
            ),
            ("instance", "ab".repeat(16)),
            ("chain", "00".repeat(32)),
        ]);
        let callers = HashMap::new();
        Self {
            server,
            org,
            fill,
            records,
            phone,
            revoked,
            users,
            callers,
        }
    }

    /// Everybody signs in; what needs their hands is made.
    pub(super) fn settle_in(&mut self) {
        let slug = self.org.slug.clone();
        for (role, who) in [
            ("worker", "Dara"),
            ("reviewer", "Rev"),
            ("coordinator", "Mona"),
            ("admin", "Chi"),
            ("stopped", "Gone"),
        ] {
            let caller = sign_in(
                self.server,
                &slug,
                &format!("{who} of {slug}"),
                self.users[role],
            );
            self.callers.insert(role, caller);
        }
        for (name, phone) in [("device", &self.phone), ("revoked", &self.revoked)] {
            let caller = Caller {
                client: phone.device.client(),
                cookie: None,
            };
            self.callers.insert(name, caller);
        }
        let admin = self.callers["admin"].client.clone();
        admin
            .post_nothing(&format!("/api/v1/users/{}/disable", self.users["stopped"]))
            .expect(200);
        let mut put = |name, value: &Value| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            self.fill.insert(name, text);
        };
        let team = admin
            .post(
                "/api/v1/teams",
                &json!({"name": format!("North of {slug}")}),
            )
            .expect(201);
        put("team", &team["id"]);
        for member in ["worker", "reviewer"] {
            let path = format!(
                "/api/v1/teams/{}/members/{}",
                team["id"].as_str().unwrap(),
                self.users[member]
            );
            admin.send("PUT", &path, &[], &[]).expect(200);
        }
        let file =
            base64::engine::general_purpose::STANDARD.encode(ONLY_FORM.replace("NAME", &slug));
        let published = admin
            .post(
                "/api/v1/forms",
                &json!({"file_name": "f.xml", "content": file}),
            )
            .expect(200);
        put("form_file", &json!(file));
        put("form", &json!(format!("only-{slug}")));
        put("hash", &published["hash"]);
        let waiting = admin.get("/api/v1/quarantine").expect(200);
        let no = waiting["items"][0]["no"].as_i64().unwrap();
        admin
            .post_nothing(&format!("/api/v1/quarantine/{no}/discard"))
            .expect(204);
        put("judged", &json!(no));
        put("actor", &self.phone.device.enrolment["actor"]);
        put("epoch", &self.phone.device.enrolment["epoch"]);
        let erase = |records: &[RecordId], status| {
            let body = json!({"records": records, "reason": "request"});
            admin.post("/api/v1/records/erase", &body).expect(status)
        };
        let gone = erase(&self.records[1..2], 200);
        put("tombstone", &gone["erased"][0]["tombstone"]);
        put("proposal", &erase(&self.records[2..12], 202)["id"]);
        put("second_proposal", &erase(&self.records[12..22], 202)["id"]);
    }

    /// Hides what will be erased.
    pub(super) fn hide(&self) {
        let chi = sign_in(
            self.server,
            &self.org.slug,
            &format!("Chi of {}", self.org.slug),
            self.users["admin"],
        );
        for record in &self.records[1..] {
            chi.client
                .post_nothing(&format!("/api/v1/records/{record}/restrict"))
                .expect(200);
        }
    }

    /// What the phone sends when it has nothing to send.
    pub(super) fn exchange(&mut self) -> String {
        serde_json::to_string(&self.phone.request()).unwrap()
    }

    /// The record as an admin is shown it now.
    pub(super) fn shown(&self) -> String {
        let path = format!("/api/v1/records/{}", self.fill["record"]);
        let shown = self.callers["admin"].client.get(&path);
        match shown.status {
            200 => shown.json()["shown"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            _ => String::new(),
        }
    }
}

/// Two organisations, alike in everything but their ids and names.
pub(super) fn two(server: &TestServer) -> (Estate<'_>, Estate<'_>) {
    let (mut home, mut other) = (
        Estate::furnish(server, "mekong"),
        Estate::furnish(server, "river"),
    );
    home.hide();
    other.hide();
    server.pass(Duration::from_secs(8 * 24 * 60 * 60));
    home.settle_in();
    other.settle_in();
    (home, other)
}

/// By the API and on the page.
pub(super) fn sign_in(server: &TestServer, slug: &str, name: &str, id: UserId) -> Caller {
    let user = server.sign_in(slug, name, id);
    let request = SignIn {
        organisation: slug.to_owned(),
        name: name.to_owned(),
        password: Secret::new(PASSWORD.to_owned()),
    };
    let page = server
        .service()
        .sign_in_page(&request, Ipv4Addr::LOCALHOST.into())
        .unwrap();
    Caller {
        client: user.client,
        cookie: Some(page.refresh_token),
    }
}

/// Fills the places of a text.
pub(super) fn filled(text: &str, fill: &Fill) -> String {
    let mut out = text.to_owned();
    for (name, value) in fill {
        out = out.replace(&format!("{{{name}}}"), value);
    }
    out
}

/// What somebody's visit before the sign-in is called.
const VISIT: &str = "a-visit";

/// Sends the request of a row.
pub(super) fn ask(server: &TestServer, caller: &Caller, row: &Row, fill: &Fill) -> Reply {
    let service = server.service();
    let mut fill = fill.clone();
    fill.insert("visit", service.form_token(VISIT));
    let token = caller
        .cookie
        .as_ref()
        .map(|cookie| service.form_token(cookie));
    fill.insert("token", token.unwrap_or_default());
    let (path, body) = (filled(row.path, &fill), filled(row.body, &fill));
    let mut headers = Vec::new();
    if !body.is_empty() {
        headers.push((
            "content-type",
            match row.kind {
                Kind::Page => "application/x-www-form-urlencoded",
                Kind::Api if body.starts_with('{') => "application/json",
                Kind::Api => "application/octet-stream",
            },
        ));
    }
    let cookies = match &caller.cookie {
        Some(cookie) => format!("__Host-tributary={cookie}; __Host-tributary-visit={VISIT}"),
        None => format!("__Host-tributary-visit={VISIT}"),
    };
    if row.kind == Kind::Page {
        headers.push(("cookie", &cookies));
    }
    caller
        .client
        .send(row.method, &path, &headers, body.as_bytes())
}
