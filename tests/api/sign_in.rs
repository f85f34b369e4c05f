//! Users sign in, refresh, sign out, set passwords.

use std::time::Duration;

use serde_json::{Value, json};
use tributary::service::By;
use tributary::service::access::Role;
use tributary_tests::harness::{Client, TestServer};

const PASSWORD: &str = "four unrelated words";

fn body(organisation: &str, name: &str, password: &str) -> Value {
    json!({"organisation": organisation, "name": name, "password": password})
}

fn sign_in(client: &Client, organisation: &str, name: &str, password: &str) -> u16 {
    client
        .post("/api/v1/auth/sign-in", &body(organisation, name, password))
        .status
}

#[test]
fn a_user_signs_in_by_organisation_name_and_password() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    org.invite("Ánh", Role::Coordinator);
    // Names that differ in case are one name.
    let reply = server
        .client()
        .post("/api/v1/auth/sign-in", &body("mekong", " ánh ", PASSWORD))
        .expect(200);
    assert_eq!(reply["user"]["role"], "coordinator");
    assert_eq!(reply["expires_in"], 600);
    let me = server
        .client()
        .with_token(reply["access_token"].as_str().unwrap())
        .get("/api/v1/me")
        .expect(200);
    assert_eq!(me["name"], "Ánh");
    assert_eq!(me["organisation"], org.id.to_string());
}

#[test]
fn wrong_unknown_and_disabled_look_the_same() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    org.invite("Lan", Role::Worker);
    let gone = org.invite("Gone", Role::Worker);
    server
        .service()
        .set_user_disabled(By::Operator, org.id, gone, true)
        .unwrap();
    let mut seen = Vec::new();
    for (organisation, name, password) in [
        ("mekong", "Lan", "not the password"),
        ("mekong", "Nobody", PASSWORD),
        ("nowhere", "Lan", PASSWORD),
        ("mekong", "Gone", PASSWORD),
        ("server", "Lan", PASSWORD),
    ] {
        let mut problem = server
            .client()
            .post("/api/v1/auth/sign-in", &body(organisation, name, password))
            .expect_problem("sign_in_failed");
        for own in ["request_id", "server_time"] {
            problem.as_object_mut().unwrap().remove(own);
        }
        seen.push(problem);
    }
    assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:#?}");
}

#[test]
fn failures_are_slowed_and_nobody_is_locked_out() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    org.invite("Lan", Role::Worker);
    org.invite("Mai", Role::Worker);
    let client = server.client();
    for _ in 0..5 {
        assert_eq!(sign_in(&client, "mekong", "Lan", "wrong"), 401);
    }
    let slowed = client.post("/api/v1/auth/sign-in", &body("mekong", "Lan", "wrong"));
    assert_eq!(
        slowed.expect_problem("too_many_attempts")["retryable"],
        true
    );
    let wait: u64 = slowed.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&wait));
    // Somebody else behind the same address is not.
    assert_eq!(sign_in(&client, "mekong", "Mai", PASSWORD), 200);
    server.pass(Duration::from_secs(wait));
    assert_eq!(sign_in(&client, "mekong", "Lan", PASSWORD), 200);
    // And the success has cleared the count.
    for _ in 0..5 {
        assert_eq!(sign_in(&client, "mekong", "Lan", "wrong"), 401);
    }
}

#[test]
fn refresh_tokens_rotate_and_a_lost_answer_costs_nothing() {
    let server = TestServer::start_with_manual_clock();
    let user = server.organisation("mekong").user("Lan", Role::Worker);
    let client = server.client();
    let refresh =
        |token: &str| client.post("/api/v1/auth/refresh", &json!({"refresh_token": token}));
    let second = refresh(&user.refresh_token).expect(200);
    server.pass(Duration::from_secs(59));
    // The answer was lost: the same successor.
    let again = refresh(&user.refresh_token).expect(200);
    assert_eq!(again["refresh_token"], second["refresh_token"]);
    let third = refresh(second["refresh_token"].as_str().unwrap()).expect(200);
    assert_ne!(third["refresh_token"], second["refresh_token"]);
    client
        .with_token(third["access_token"].as_str().unwrap())
        .get("/api/v1/me")
        .expect(200);
}

#[test]
fn a_refresh_token_replayed_late_ends_its_whole_family() {
    let server = TestServer::start_with_manual_clock();
    let user = server.organisation("mekong").user("Lan", Role::Worker);
    let client = server.client();
    let refresh =
        |token: &str| client.post("/api/v1/auth/refresh", &json!({"refresh_token": token}));
    let second = refresh(&user.refresh_token).expect(200);
    let access = client.with_token(second["access_token"].as_str().unwrap());
    access.get("/api/v1/me").expect(200);
    server.pass(Duration::from_secs(61));
    refresh(&user.refresh_token).expect_problem("refresh_replayed");
    refresh(second["refresh_token"].as_str().unwrap()).expect_problem("refresh_invalid");
    access.get("/api/v1/me").expect_problem("token_invalid");
}

#[test]
fn tokens_end_in_time() {
    let server = TestServer::start_with_manual_clock();
    let user = server.organisation("mekong").user("Lan", Role::Worker);
    user.client.get("/api/v1/me").expect(200);
    server.pass(Duration::from_secs(601));
    user.client
        .get("/api/v1/me")
        .expect_problem("token_expired");
    server.pass(Duration::from_secs(31 * 24 * 3_600));
    let body = json!({"refresh_token": user.refresh_token});
    server
        .client()
        .post("/api/v1/auth/refresh", &body)
        .expect_problem("refresh_invalid");
}

#[test]
fn signing_out_ends_both_tokens_at_once() {
    let server = TestServer::start();
    let user = server.organisation("mekong").user("Lan", Role::Worker);
    let body = json!({"refresh_token": user.refresh_token});
    server
        .client()
        .post("/api/v1/auth/sign-out", &body)
        .expect(204);
    user.client
        .get("/api/v1/me")
        .expect_problem("token_invalid");
    server
        .client()
        .post("/api/v1/auth/refresh", &body)
        .expect_problem("refresh_invalid");
    // A second time changes nothing.
    server
        .client()
        .post("/api/v1/auth/sign-out", &body)
        .expect(204);
}

#[test]
fn a_one_time_link_sets_a_password_once() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let user = org.user("Lan", Role::Worker);
    let client = server.client();
    let reset = |token: &str, password: &str| {
        client.post(
            "/api/v1/auth/reset",
            &json!({"token": token, "password": password}),
        )
    };
    let first = server
        .service()
        .reset_link(By::Operator, org.id, user.id)
        .unwrap();
    let second = server
        .service()
        .reset_link(By::Operator, org.id, user.id)
        .unwrap();
    reset(&first.token, "a new long password").expect_problem("reset_invalid");
    reset(&second.token, "short").expect_problem("password_weak");
    reset(&second.token, "a new long password").expect(204);
    reset(&second.token, "another long password").expect_problem("reset_invalid");
    // All earlier sign-ins have ended.
    user.client
        .get("/api/v1/me")
        .expect_problem("token_invalid");
    assert_eq!(sign_in(&client, "mekong", "Lan", PASSWORD), 401);
    assert_eq!(
        sign_in(&client, "mekong", "Lan", "a new long password"),
        200
    );
    let late = server
        .service()
        .reset_link(By::Operator, org.id, user.id)
        .unwrap();
    server.pass(Duration::from_secs(4 * 24 * 3_600));
    reset(&late.token, "too late for this one").expect_problem("reset_invalid");
}

#[test]
fn changing_the_own_password_ends_the_other_sign_ins() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let here = org.user("Lan", Role::Worker);
    let elsewhere = server
        .client()
        .post("/api/v1/auth/sign-in", &body("mekong", "Lan", PASSWORD))
        .expect(200);
    let elsewhere = server
        .client()
        .with_token(elsewhere["access_token"].as_str().unwrap());
    let change = |current: &str| {
        here.client.post(
            "/api/v1/auth/password",
            &json!({"current": current, "new": "another long one"}),
        )
    };
    change("wrong").expect_problem("sign_in_failed");
    change(PASSWORD).expect(204);
    here.client.get("/api/v1/me").expect(200);
    elsewhere.get("/api/v1/me").expect_problem("token_invalid");
}

#[test]
fn a_suspended_organisation_keeps_everybody_out_and_says_so_only_to_its_own() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let user = org.user("Lan", Role::Worker);
    server
        .service()
        .set_organisation_suspended(By::Operator, org.id, true)
        .unwrap();
    user.client
        .get("/api/v1/me")
        .expect_problem("organisation_suspended");
    let client = server.client();
    client
        .post("/api/v1/auth/sign-in", &body("mekong", "Lan", PASSWORD))
        .expect_problem("organisation_suspended");
    client
        .post("/api/v1/auth/sign-in", &body("mekong", "Lan", "wrong"))
        .expect_problem("sign_in_failed");
    server
        .service()
        .set_organisation_suspended(By::Operator, org.id, false)
        .unwrap();
    user.client.get("/api/v1/me").expect(200);
}

#[test]
fn nobody_gets_in_without_a_sound_token() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let user = org.user("Lan", Role::OrgAdmin);
    let device = org.device(user.id).client();
    let client = server.client();
    client
        .get("/api/v1/users")
        .expect_problem("credential_missing");
    client
        .send(
            "GET",
            "/api/v1/users",
            &[("authorization", "Basic YTpi")],
            &[],
        )
        .expect_problem("credential_missing");
    client
        .with_token("a.b.c")
        .get("/api/v1/users")
        .expect_problem("token_invalid");
    // A device's token is not a user's, and the other way round.
    device.get("/api/v1/device").expect(200);
    device.get("/api/v1/users").expect_problem("token_invalid");
    user.client
        .get("/api/v1/device")
        .expect_problem("token_invalid");
    // A token of another server is worth nothing here.
    let other = TestServer::start();
    other.organisation("mekong");
    other
        .client()
        .with_token(user.client.token().unwrap())
        .get("/api/v1/me")
        .expect_problem("token_invalid");
}
