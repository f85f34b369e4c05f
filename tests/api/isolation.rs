//! An organisation sees its own and nothing else: another's ids answer exactly as absent ones.

use serde_json::{Value, json};
use tributary::service::access::Role;
use tributary_sync_core::wire::frame::FieldTable as _;
use tributary_tests::harness::{Client, Organisation, Reply, TestServer};

/// The answer without what differs between any two answers.
fn shape(reply: &Reply) -> (u16, Value, Vec<String>) {
    let mut body = reply.json();
    for own in ["request_id", "server_time"] {
        body.as_object_mut().unwrap().remove(own);
    }
    let mut headers: Vec<_> = reply.headers.iter().map(|(name, _)| name.clone()).collect();
    headers.sort();
    (reply.status, body, headers)
}

#[test]
fn another_organisations_ids_answer_as_absent_ones() {
    let server = TestServer::start();
    let ours = server.organisation("mekong");
    let theirs = server.organisation("river");
    let admin = ours.user("Chi", Role::OrgAdmin);
    let own = ours.invite("Lan", Role::Worker).to_string();
    let their_admin = theirs.user("Boss", Role::OrgAdmin);
    let their_user = theirs.invite("Lan", Role::Worker);
    let their_device = theirs.device(their_user).profile;
    let their_team = their_admin
        .client
        .post("/api/v1/teams", &json!({"name": "North"}))
        .expect(201);
    let their_team = their_team["id"].as_str().unwrap();
    let our_team = admin
        .client
        .post("/api/v1/teams", &json!({"name": "North"}))
        .expect(201);
    let our_team = our_team["id"].as_str().unwrap();
    let (their_user, their_device) = (their_user.to_string(), their_device.to_string());

    let asks = [
        ("GET /api/v1/users/{}", Value::Null, &*their_user),
        ("POST /api/v1/users/{}/reset", Value::Null, &their_user),
        ("POST /api/v1/users/{}/disable", Value::Null, &their_user),
        ("POST /api/v1/users/{}/enable", Value::Null, &their_user),
        (
            "POST /api/v1/users/{}/role",
            json!({"role": "worker"}),
            &their_user,
        ),
        (
            "POST /api/v1/devices/codes",
            json!({"user": "{}"}),
            &their_user,
        ),
        ("POST /api/v1/devices/{}/revoke", Value::Null, &their_device),
        ("PUT /api/v1/teams/{}/members/OWN", Value::Null, their_team),
        (
            "DELETE /api/v1/teams/{}/members/OWN",
            Value::Null,
            their_team,
        ),
        (
            "PUT /api/v1/teams/TEAM/members/{}",
            Value::Null,
            &their_user,
        ),
    ];
    let absent = "0".repeat(32);
    for (line, body, theirs) in asks {
        let line = line.replace("OWN", &own).replace("TEAM", our_team);
        let foreign = ask(&admin.client, &line, &body, theirs);
        foreign.expect_problem("not_found");
        let absent = ask(&admin.client, &line, &body, &absent);
        assert_eq!(shape(&foreign), shape(&absent), "{line}");
    }
    // And an id that is none.
    admin
        .client
        .get("/api/v1/users/nonsense")
        .expect_problem("not_found");
    // Nothing of theirs has changed.
    let lan = their_admin
        .client
        .get(&format!("/api/v1/users/{their_user}"))
        .expect(200);
    assert_eq!(lan["state"], "active");
    assert!(
        their_admin.client.get("/api/v1/devices").expect(200)["items"][0]["revoked_at"].is_null()
    );
}

fn ask(client: &Client, line: &str, body: &Value, id: &str) -> Reply {
    let line = line.replace("{}", id);
    let (method, path) = line.split_once(' ').unwrap();
    if body.is_null() {
        return client.send(method, path, &[], &[]);
    }
    let body = body.to_string().replace("{}", id);
    let json = ("content-type", "application/json");
    client.send(method, path, &[json], body.as_bytes())
}

#[test]
fn lists_hold_the_own_organisation_only() {
    let server = TestServer::start();
    let ours = server.organisation("mekong");
    let theirs = server.organisation("river");
    let admin = ours.user("Chi", Role::OrgAdmin);
    let stranger = theirs.user("Boss", Role::OrgAdmin);
    stranger
        .client
        .post("/api/v1/teams", &json!({"name": "North"}))
        .expect(201);
    theirs.device(stranger.id);
    assert_eq!(
        admin.client.get("/api/v1/users").expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    for path in ["/api/v1/teams", "/api/v1/devices"] {
        assert_eq!(
            admin.client.get(path).expect(200)["items"],
            json!([]),
            "{path}"
        );
    }
}

#[test]
fn the_fields_of_one_organisations_form_are_no_other_ones() {
    let server = TestServer::start();
    let (ours, theirs) = (server.organisation("mekong"), server.organisation("river"));
    let form = super::field::Form::publish(&server, &ours).hash();
    let fields = |org: &Organisation<'_>| server.service().field_table(org.id).fields(form);
    assert!(fields(&ours).is_some());
    assert!(fields(&theirs).is_none());
}
