//! Users, teams and rights.

use serde_json::json;
use tributary::service::access::Role;
use tributary_tests::harness::TestServer;

#[test]
fn an_admin_makes_a_user_who_sets_a_password_by_the_link() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin);
    let made = admin
        .client
        .post("/api/v1/users", &json!({"name": "Lan", "role": "worker"}))
        .expect(201);
    assert_eq!(made["user"]["state"], "invited");
    let token = made["link"]["token"].as_str().unwrap();
    assert_eq!(
        made["link"]["url"],
        format!("{}/reset#t={token}", server.url())
    );
    let body = json!({"token": token, "password": "a long enough one"});
    server
        .client()
        .post("/api/v1/auth/reset", &body)
        .expect(204);
    let body = json!({"organisation": "mekong", "name": "Lan", "password": "a long enough one"});
    server
        .client()
        .post("/api/v1/auth/sign-in", &body)
        .expect(200);
    let path = format!("/api/v1/users/{}", made["user"]["id"].as_str().unwrap());
    assert_eq!(admin.client.get(&path).expect(200)["state"], "active");
}

#[test]
fn names_are_unique_inside_an_organisation_whatever_their_case() {
    let server = TestServer::start();
    let admin = server.organisation("mekong").user("Chi", Role::OrgAdmin);
    let create = |name: &str| {
        admin
            .client
            .post("/api/v1/users", &json!({"name": name, "role": "worker"}))
    };
    create("Đào").expect(201);
    create("đào").expect_problem("name_taken");
    server.organisation("river").user("Đào", Role::Worker);
    let problem = create("a\nb").expect_problem("field_invalid");
    assert_eq!(problem["errors"][0]["pointer"], "/name");
    let body = json!({"name": "Root", "role": "server_admin"});
    admin
        .client
        .post("/api/v1/users", &body)
        .expect_problem("field_invalid");
}

#[test]
fn rights_come_from_the_database_at_every_request() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin);
    let lan = org.user("Lan", Role::Worker);
    lan.client
        .get("/api/v1/users")
        .expect_problem("not_allowed");
    let role = |role: &str| {
        admin.client.post(
            &format!("/api/v1/users/{}/role", lan.id),
            &json!({"role": role}),
        )
    };
    role("coordinator").expect(200);
    // The same token, another right.
    assert_eq!(
        lan.client.get("/api/v1/users").expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let create = |name: &str| {
        lan.client
            .post("/api/v1/users", &json!({"name": name, "role": "worker"}))
    };
    create("Mai").expect_problem("not_allowed");
    role("org_admin").expect(200);
    create("Mai").expect(201);
    role("server_admin").expect_problem("field_invalid");
}

#[test]
fn the_last_admin_stays() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin);
    let own = |what: &str| format!("/api/v1/users/{}/{what}", admin.id);
    admin
        .client
        .post_nothing(&own("disable"))
        .expect_problem("last_admin");
    admin
        .client
        .post(&own("role"), &json!({"role": "worker"}))
        .expect_problem("last_admin");
    org.user("Mai", Role::OrgAdmin);
    admin
        .client
        .post(&own("role"), &json!({"role": "worker"}))
        .expect(200);
}

#[test]
fn teams_have_members() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin);
    let lan = org.user("Lan", Role::Worker);
    let team = admin
        .client
        .post("/api/v1/teams", &json!({"name": "North"}))
        .expect(201);
    let member = format!(
        "/api/v1/teams/{}/members/{}",
        team["id"].as_str().unwrap(),
        lan.id
    );
    let joined = admin.client.send("PUT", &member, &[], &[]).expect(200);
    assert_eq!(joined["members"], json!([lan.id]));
    assert_eq!(
        lan.client.get("/api/v1/me").expect(200)["teams"],
        json!([team["id"]])
    );
    let left = admin.client.send("DELETE", &member, &[], &[]).expect(200);
    assert_eq!(left["members"], json!([]));
}

#[test]
fn lists_come_in_pages() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin);
    for n in 0..4 {
        admin
            .client
            .post(
                "/api/v1/users",
                &json!({"name": format!("W{n}"), "role": "worker"}),
            )
            .expect(201);
    }
    let (mut names, mut next) = (Vec::new(), String::new());
    loop {
        let page = admin
            .client
            .get(&format!("/api/v1/users?limit=2{next}"))
            .expect(200);
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        names.extend(
            items
                .iter()
                .map(|user| user["name"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(token) => next = format!("&next={token}"),
            None => break,
        }
    }
    assert_eq!(names, ["Chi", "W0", "W1", "W2", "W3"]);
    admin
        .client
        .get("/api/v1/users?next=nonsense")
        .expect_problem("parameter_invalid");
    admin
        .client
        .get("/api/v1/users?limit=two")
        .expect_problem("parameter_invalid");
    admin
        .client
        .get("/api/v1/users?order=name")
        .expect_problem("parameter_invalid");
}

#[test]
fn a_server_admin_looks_after_organisations_and_sees_nothing_inside() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let chi = org.user("Chi", Role::OrgAdmin);
    let root = server.server_admin();
    assert_eq!(
        root.client.get("/api/v1/me").expect(200)["role"],
        "server_admin"
    );
    let made = root
        .client
        .post(
            "/api/v1/organisations",
            &json!({"slug": "river", "name": "ແມ່ນ້ຳ"}),
        )
        .expect(201);
    assert_eq!(made["root_fingerprint"].as_str().unwrap().len(), 64);
    assert_eq!(
        root.client.get("/api/v1/organisations").expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    for path in ["/api/v1/users", "/api/v1/teams", "/api/v1/devices"] {
        root.client.get(path).expect_problem("not_allowed");
    }
    chi.client
        .get("/api/v1/organisations")
        .expect_problem("not_allowed");
    root.client
        .post_nothing(&format!("/api/v1/organisations/{}/suspend", org.id))
        .expect(200);
    chi.client
        .get("/api/v1/users")
        .expect_problem("organisation_suspended");
    root.client
        .post_nothing(&format!("/api/v1/organisations/{}/resume", org.id))
        .expect(200);
    chi.client.get("/api/v1/users").expect(200);
    for slug in ["mekong", "server", "Bad Slug"] {
        let reply = root
            .client
            .post("/api/v1/organisations", &json!({"slug": slug, "name": "x"}));
        assert!(reply.status == 409 || reply.status == 422, "{slug}");
    }
}

#[test]
fn a_server_admin_is_kept_out_at_once_and_let_in_by_a_new_link() {
    let server = TestServer::start();
    let root = server.server_admin();
    let name = tributary::service::names::Name::new("/name", "root").unwrap();
    server.service().disable_server_admin(&name).unwrap();
    root.client
        .get("/api/v1/me")
        .expect_problem("token_invalid");
    let root = server.server_admin();
    root.client.get("/api/v1/organisations").expect(200);
}
