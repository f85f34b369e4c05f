//! Tokens that almost fit: signed with the server's own key and wrong in one thing, or right and brought to another door.
//! What a verifier does with one claim at a time stands beside it, in `server/src/service/tokens_tests.rs`.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tributary::service::access::Role;
use tributary_tests::harness::{Client, Reply, TestServer, TestUser};
use tributary_tests::reliability::Run;

/// A token from its texts, so that it may say anything, signed with the key of users' tokens or another one.
fn token(header: &str, claims: &str, key: &Ed25519KeyPair) -> String {
    let said = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let signature = URL_SAFE_NO_PAD.encode(key.sign(said.as_bytes()));
    format!("{said}.{signature}")
}

fn key(server: &TestServer, purpose: &'static str) -> Ed25519KeyPair {
    let pkcs8 = server.service().keys().token_key(purpose).unwrap().0;
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).unwrap()
}

/// What a token says.
fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn with(base: &Value, name: &str, value: Value) -> String {
    let mut claims = base.clone();
    claims[name] = value;
    claims.to_string()
}

const HEADER: &str = r#"{"typ":"tributary-user+jwt","alg":"EdDSA"}"#;

/// Headers that a token of the right key must not carry, and headers that ask for another key.
const HEADERS: [&str; 16] = [
    r#"{"typ":"tributary-user+jwt","alg":"none"}"#,
    r#"{"typ":"tributary-user+jwt","alg":"ES256"}"#,
    r#"{"typ":"tributary-user+jwt","alg":"RS256"}"#,
    r#"{"typ":"tributary-user+jwt","alg":"EdDSA","alg":"none"}"#,
    r#"{"typ":"tributary-user+jwt","alg":"none","alg":"EdDSA"}"#,
    r#"{"typ":"tributary-user+jwt","alg":["EdDSA"]}"#,
    r#"{"typ":"tributary-user+jwt","alg":"eddsa"}"#,
    r#"{"alg":"EdDSA"}"#,
    r#"{"typ":"JWT","alg":"EdDSA"}"#,
    r#"{"typ":"tributary-device+jwt","alg":"EdDSA"}"#,
    r#"{"typ":"TRIBUTARY-USER+JWT","alg":"EdDSA"}"#,
    r#"{"typ":"tributary-user+jwt","alg":"EdDSA","crit":["exp"]}"#,
    r#"{"typ":"tributary-user+jwt","alg":"EdDSA","crit":["b64"],"b64":false}"#,
    r#"{"typ":"tributary-user+jwt","typ":"JWT","alg":"EdDSA"}"#,
    "[]",
    "",
];

#[test]
fn a_token_signed_with_the_servers_own_key_and_wrong_in_one_thing_opens_nothing() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let chi = org.user("Chi", Role::OrgAdmin);
    let (user_key, device_key) = (key(&server, "user"), key(&server, "device"));
    let good = claims(chi.client.token().unwrap());
    let now = good["iat"].as_u64().unwrap();
    let sound = token(HEADER, &good.to_string(), &user_key);
    let me = |token: &str| server.client().with_token(token).get("/api/v1/me");
    me(&sound).expect(200);

    let mut bad: Vec<String> = HEADERS
        .map(|h| token(h, &good.to_string(), &user_key))
        .to_vec();
    // What follows a key id or a key in the header opens another door; here nobody follows.
    for more in [
        r#""kid":"../../keys/token-device""#,
        r#""kid":"' OR 1=1 --""#,
        r#""jku":"https://127.0.0.1:1/keys""#,
        r#""x5u":"file:///etc/passwd""#,
        r#""jwk":{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#,
    ] {
        let header = HEADER.replace('}', &format!(",{more}}}"));
        bad.push(token(&header, &good.to_string(), &device_key));
    }
    for (name, value) in [
        ("nbf", json!(now + 1)),
        ("nbf", json!("never")),
        ("exp", json!(now)),
        ("exp", json!(null)),
        ("exp", json!(1e300)),
        ("exp", json!(-1)),
        ("aud", json!([good["aud"], "https://elsewhere.example"])),
        ("aud", json!("client-authentication")),
        ("iss", json!(good["iss"].as_str().unwrap().to_uppercase())),
        ("sid", json!("00".repeat(16))),
        ("sid", json!("../../sid")),
        ("sub", json!("00".repeat(16))),
        (
            "sub",
            json!(format!("{}\u{0}", good["sub"].as_str().unwrap())),
        ),
        ("jti", json!(["a"])),
    ] {
        bad.push(token(HEADER, &with(&good, name, value), &user_key));
    }
    let text = good.to_string();
    for twice in ["sub", "exp", "sid", "aud"] {
        let first = text.replacen('{', &format!("{{\"{twice}\":{},", good[twice]), 1);
        bad.push(token(HEADER, &first, &user_key));
    }
    bad.push(token(HEADER, &text, &device_key));
    let (body, signature) = sound.rsplit_once('.').unwrap();
    bad.push(format!("{body}."));
    bad.push(format!("{sound}."));
    bad.push(format!("{body}.{signature}AA"));
    bad.push(format!("{sound}.{signature}"));
    bad.push(format!("{body}.{}", "A".repeat(signature.len())));
    bad.push(format!("{sound}{}", "A".repeat(5_000)));
    bad.push("A".repeat(1_000));
    for one in &bad {
        let reply = me(one);
        let code = reply.json()["code"].clone();
        let refused = ["token_invalid", "token_expired", "credential_missing"];
        assert!(
            refused.iter().any(|r| code == *r),
            "{one}: {} {code}",
            reply.status
        );
    }
    println!("{} forged tokens", bad.len());
    Run::new("forged tokens", 0)
        .count("requests", bad.len() as u64)
        .keep_if_asked("attacks");
    me(&sound).expect(200);
}

fn cookie(client: &Client, name: &str, value: &str) -> Reply {
    let cookie = format!("{name}={value}");
    client.send("GET", "/records", &[("cookie", &cookie)], b"")
}

fn page_cookie(server: &TestServer, user: &TestUser) -> String {
    let signed_in = super::estate::sign_in(server, "mekong", &user.name, user.id);
    signed_in.cookie.unwrap()
}

#[test]
fn what_opens_one_door_opens_no_other() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let chi = org.user("Chi", Role::OrgAdmin);
    let device = org.device(org.invite("Lan", Role::Worker));
    let assertion = device.key.sign(&device.claims(&device.nonce()));
    let device_token = device.client().token().unwrap().to_owned();
    let access = chi.client.token().unwrap().to_owned();
    let (page, nonce) = (page_cookie(&server, &chi), device.nonce()["nonce"].clone());
    let code = org.code(chi.id);
    let client = server.client();
    assert_eq!(cookie(&client, "__Host-tributary", &page).status, 200);

    let secrets = [
        &chi.refresh_token,
        &device_token,
        &assertion,
        &page,
        &code,
        nonce.as_str().unwrap(),
    ];
    for secret in secrets {
        client
            .with_token(secret)
            .get("/api/v1/me")
            .expect_problem("token_invalid");
    }
    for secret in [&chi.refresh_token, &access, &assertion, &page, &code] {
        client
            .with_token(secret)
            .get("/api/v1/device")
            .expect_problem("token_invalid");
    }
    for secret in [&chi.refresh_token, &access, &device_token, &code] {
        let reply = cookie(&client, "__Host-tributary", secret);
        assert_eq!(reply.header("location"), Some("/"), "{}", reply.status);
    }
    // Not under the name of another cookie either, nor without what makes browsers keep it to this host.
    for name in [
        "tributary",
        "__Secure-tributary",
        "__Host-tributary-visit",
        "__host-tributary",
    ] {
        assert_eq!(cookie(&client, name, &page).status, 303, "{name}");
    }
    for secret in [&page, &access, &device_token, &assertion] {
        let body = json!({"refresh_token": secret});
        client
            .post("/api/v1/auth/refresh", &body)
            .expect_problem("refresh_invalid");
        let body = json!({"assertion": secret});
        if secret != &assertion {
            client
                .post("/api/v1/auth/device", &body)
                .expect_problem("assertion_invalid");
        }
        let body = json!({"token": secret, "password": "four other words"});
        client
            .post("/api/v1/auth/reset", &body)
            .expect_problem("reset_invalid");
    }
    // Where no credential belongs: in the address, in a cookie of the API, in another scheme.
    for path in [
        format!("/api/v1/me?access_token={access}"),
        format!("/api/v1/me?token={access}"),
    ] {
        client.get(&path).expect_problem("credential_missing");
    }
    for header in [
        ("cookie", format!("access_token={access}")),
        ("authorization", access.clone()),
        ("authorization", format!("Basic {access}")),
        ("authorization", format!("Bearer,{access}")),
        ("x-authorization", format!("Bearer {access}")),
        ("proxy-authorization", format!("Bearer {access}")),
    ] {
        let headers = [(header.0, header.1.as_str())];
        client
            .send("GET", "/api/v1/me", &headers, b"")
            .expect_problem("credential_missing");
    }
}

#[test]
fn a_proof_of_a_device_is_good_once_and_by_its_own_key_only() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let device = org.device(org.invite("Lan", Role::Worker));
    let nonce = device.nonce();
    let claims = device.claims(&nonce);
    let proof = device.key.sign(&claims);
    device.prove(&proof).expect(200);
    device.prove(&proof).expect_problem("nonce_invalid");
    // Signed once more over the same nonce, and with the other signature that ECDSA has for the same text.
    device
        .prove(&device.key.sign(&claims))
        .expect_problem("nonce_invalid");
    let at = nonce["issued_at"].as_u64().unwrap();
    for (name, value) in [
        ("nbf", json!(at + 100)),
        ("nonce", json!("AAAA")),
        ("nonce", json!(null)),
        ("exp", json!(at + 100_000)),
        ("exp", json!(at - 1)),
        ("iat", json!(at + 100_000)),
        ("iat", json!(0)),
        ("sub", json!(["a"])),
        ("aud", json!(["a"])),
    ] {
        let mut claims = device.claims(&device.nonce());
        claims[name] = value;
        let reply = device.prove(&device.key.sign(&claims));
        assert_eq!(
            reply.status,
            401,
            "{name}: {}",
            String::from_utf8_lossy(&reply.body)
        );
    }
    let elsewhere = TestServer::start_with_manual_clock();
    let foreign = elsewhere
        .client()
        .post_nothing("/api/v1/auth/nonce")
        .expect(200);
    let mut claims = device.claims(&device.nonce());
    claims["nonce"] = foreign["nonce"].clone();
    device
        .prove(&device.key.sign(&claims))
        .expect_problem("nonce_invalid");
    device.client().get("/api/v1/device").expect(200);
}
