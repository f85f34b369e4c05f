//! Devices enrol, prove themselves, are revoked.

use std::time::Duration;

use serde_json::json;
use tributary::service::By;
use tributary::service::access::Role;
use tributary_tests::harness::{DeviceKey, TestDevice, TestServer};

#[test]
fn a_device_enrols_with_a_code_and_gets_all_it_needs() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let worker = org.invite("Lan", Role::Worker);
    let device = org.device(worker);
    let got = &device.enrolment;
    assert_eq!(got["organisation"]["id"], org.id.to_string());
    assert_eq!(got["user"]["name"], "Lan");
    assert!(got["actor"].as_u64().unwrap() > 0);
    assert_eq!(got["grant"]["actor"], got["actor"]);
    assert_eq!(got["grant"]["epoch"], got["epoch"]);
    for member in ["keys", "audience", "server_time", "forms", "policies"] {
        assert!(!got[member].is_null(), "{member}");
    }
    let reply: tributary_sync_core::wire::enrol::EnrolReply =
        serde_json::from_value(got.clone()).unwrap();
    assert_eq!(reply.keys.root.fingerprint().len(), 64);
    let me = device.client().get("/api/v1/device").expect(200);
    assert_eq!(me["profile"], device.profile.to_string());
}

#[test]
fn the_link_pins_the_root_key_and_the_certificate() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin);
    let worker = org.invite("Lan", Role::Worker);
    let code = admin
        .client
        .post("/api/v1/devices/codes", &json!({"user": worker}))
        .expect(201);
    let link = code["link"].as_str().unwrap();
    let root = server
        .service()
        .keys()
        .of_org(org.id)
        .unwrap()
        .root_fingerprint();
    let start = format!(
        "{}/enrol#o=mekong&c={}&r={root}&t=",
        server.url(),
        code["code"].as_str().unwrap()
    );
    assert!(link.starts_with(&start), "{link}");
    assert_eq!(link.len(), start.len() + 64);
}

#[test]
fn a_code_is_good_once_and_idempotent_for_the_same_key() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let worker = org.invite("Lan", Role::Worker);
    let (code, key) = (org.code(worker), DeviceKey::generate());
    let body = TestDevice::enrol_body(&key, &code);
    let client = server.client();
    let first = client.post("/api/v1/enrol", &body).expect(200);
    // The answer was lost; the device asks again, with the same instance and the code typed differently.
    let mut again = body.clone();
    again["code"] = json!(code.to_uppercase());
    let second = client.post("/api/v1/enrol", &again).expect(200);
    for member in ["profile", "actor", "epoch", "organisation", "keys"] {
        assert_eq!(first[member], second[member], "{member}");
    }
    let other = TestDevice::enrol_body(&DeviceKey::generate(), &code);
    client
        .post("/api/v1/enrol", &other)
        .expect_problem("enrol_code_used");
}

#[test]
fn a_code_ends_in_time_but_not_for_the_device_that_used_it() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let worker = org.invite("Lan", Role::Worker);
    let (used, unused) = (org.code(worker), org.code(worker));
    let body = TestDevice::enrol_body(&DeviceKey::generate(), &used);
    let client = server.client();
    client.post("/api/v1/enrol", &body).expect(200);
    server.pass(Duration::from_secs(3_601));
    client.post("/api/v1/enrol", &body).expect(200);
    let late = TestDevice::enrol_body(&DeviceKey::generate(), &unused);
    client
        .post("/api/v1/enrol", &late)
        .expect_problem("enrol_code_expired");
}

#[test]
fn wrong_codes_and_wrong_keys_are_refused() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let worker = org.invite("Lan", Role::Worker);
    let client = server.client();
    let key = DeviceKey::generate();
    for code in ["", "nonsense", "00000000000000000000000000"] {
        client
            .post("/api/v1/enrol", &TestDevice::enrol_body(&key, code))
            .expect_problem("enrol_code_unknown");
    }
    let mut body = TestDevice::enrol_body(&key, &org.code(worker));
    body["public_key"] = json!("04".repeat(65));
    client
        .post("/api/v1/enrol", &body)
        .expect_problem("public_key_invalid");
    // The key of somebody else's device.
    let mai = org.invite("Mai", Role::Worker);
    let device = org.device(worker);
    let stolen = TestDevice::enrol_body(&device.key, &org.code(mai));
    client
        .post("/api/v1/enrol", &stolen)
        .expect_problem("key_in_use");
    // The code of a user who was disabled since.
    let code = org.code(mai);
    server
        .service()
        .set_user_disabled(By::Operator, org.id, mai, true)
        .unwrap();
    client
        .post("/api/v1/enrol", &TestDevice::enrol_body(&key, &code))
        .expect_problem("enrol_code_unknown");
}

#[test]
fn a_device_proves_itself_over_a_nonce_once() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let device = org.device(org.invite("Lan", Role::Worker));
    let claims = device.claims(&device.nonce());
    device.prove(&device.key.sign(&claims)).expect(200);
    device
        .prove(&device.key.sign(&claims))
        .expect_problem("nonce_invalid");
    let mut made_up = device.claims(&device.nonce());
    made_up["nonce"] = json!("bWFkZSB1cA");
    device
        .prove(&device.key.sign(&made_up))
        .expect_problem("nonce_invalid");
}

#[test]
fn a_nonce_of_before_a_restart_is_void() {
    let mut server = TestServer::start();
    let org = server.organisation("mekong");
    let device = org.device(org.invite("Lan", Role::Worker));
    let assertion = device.key.sign(&device.claims(&device.nonce()));
    server.restart();
    let body = json!({"assertion": assertion});
    server
        .client()
        .post("/api/v1/auth/device", &body)
        .expect_problem("nonce_invalid");
}

#[test]
fn a_phone_with_a_wrong_clock_gets_in_and_an_old_nonce_does_not() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let device = org.device(org.invite("Lan", Role::Worker));
    // The test's own clock is years ahead of the server's: the claims count from the nonce.
    device.client().get("/api/v1/device").expect(200);
    let claims = device.claims(&device.nonce());
    server.pass(Duration::from_secs(301));
    device
        .prove(&device.key.sign(&claims))
        .expect_problem("nonce_invalid");
    let mut own_clock = device.claims(&device.nonce());
    own_clock["iat"] = json!(4_000_000_000_u64);
    own_clock["exp"] = json!(4_000_000_060_u64);
    device
        .prove(&device.key.sign(&own_clock))
        .expect_problem("assertion_invalid");
}

#[test]
fn a_proof_by_another_key_or_for_another_device_is_refused() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let (lan, mai) = (
        org.device(org.invite("Lan", Role::Worker)),
        org.device(org.invite("Mai", Role::Worker)),
    );
    let other = server.organisation("river");
    let stranger = other.device(other.invite("Lan", Role::Worker));
    for key in [&mai.key, &stranger.key, &DeviceKey::generate()] {
        lan.prove(&key.sign(&lan.claims(&lan.nonce())))
            .expect_problem("assertion_invalid");
    }
    let mut elsewhere = lan.claims(&lan.nonce());
    elsewhere["aud"] = json!("https://elsewhere.example.org");
    lan.prove(&lan.key.sign(&elsewhere))
        .expect_problem("assertion_invalid");
    let mut as_mai = lan.claims(&lan.nonce());
    as_mai["sub"] = json!(mai.profile);
    lan.prove(&lan.key.sign(&as_mai))
        .expect_problem("assertion_invalid");
    lan.prove("nonsense").expect_problem("assertion_invalid");
    // None of that has spent a nonce of the right one.
    lan.client().get("/api/v1/device").expect(200);
}

#[test]
fn a_revoked_device_gets_nothing_more_at_once() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin);
    let device = org.device(org.invite("Lan", Role::Worker));
    let client = device.client();
    client.get("/api/v1/device").expect(200);
    let revoke = format!("/api/v1/devices/{}/revoke", device.profile);
    admin.client.post_nothing(&revoke).expect(204);
    client
        .get("/api/v1/device")
        .expect_problem("device_revoked");
    // It may still prove itself, to push what it holds into quarantine; nothing else.
    device
        .client()
        .get("/api/v1/device")
        .expect_problem("device_revoked");
    // What must come before a push after a fork or a restore; it says nothing of any record.
    let epoch = server
        .service()
        .files()
        .read(org.id, |txn| txn.epoch())
        .map_err(|e: tributary::storage::StorageError| e)
        .unwrap()
        .id;
    let compared = device
        .client()
        .post("/sync/v1/compare", &json!({"epoch": epoch, "actors": []}))
        .expect(200);
    assert_eq!(compared["actors"], json!([]));
    device
        .client()
        .post("/sync/v1/actor", &json!({"instance": "ab".repeat(16)}))
        .expect(200);
    let listed = admin.client.get("/api/v1/devices").expect(200);
    assert!(listed["items"][0]["revoked_at"].is_string());
    // A second time changes nothing.
    admin.client.post_nothing(&revoke).expect(204);
}

#[test]
fn a_disabled_users_devices_are_kept_out_too() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin);
    let lan = org.user("Lan", Role::Worker);
    let device = org.device(lan.id).client();
    admin
        .client
        .post_nothing(&format!("/api/v1/users/{}/disable", lan.id))
        .expect(200);
    device
        .get("/api/v1/device")
        .expect_problem("device_revoked");
    lan.client.get("/api/v1/me").expect_problem("token_invalid");
    admin
        .client
        .post_nothing(&format!("/api/v1/users/{}/enable", lan.id))
        .expect(200);
    device.get("/api/v1/device").expect(200);
}

#[test]
fn enrolment_and_revocation_stand_in_the_organisations_audit() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin);
    let device = org.device(org.invite("Lan", Role::Worker));
    admin
        .client
        .post_nothing(&format!("/api/v1/devices/{}/revoke", device.profile))
        .expect(204);
    let rows = server
        .service()
        .files()
        .read(org.id, |txn| txn.audit_rows(0, 100));
    let rows = rows
        .map_err(|e: tributary::storage::StorageError| e)
        .unwrap();
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    for action in [
        "organisation.create",
        "user.create",
        "device.code",
        "device.enrol",
        "device.revoke",
    ] {
        assert!(actions.contains(&action), "{action} in {actions:?}");
    }
    let last = rows.last().unwrap();
    assert_eq!(last.user, Some(admin.id));
    assert_eq!(last.subject, Some(device.profile.to_string()));
}
