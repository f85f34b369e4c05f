//! The server itself: health, headers, unknown addresses, one server a folder, restarts, a graceful stop.

use tributary::service::By;
use tributary::service::access::Role;
use tributary::startup::Application;
use tributary_tests::harness::TestServer;

#[test]
fn it_says_that_it_lives_and_can_work() {
    let server = TestServer::start();
    assert_eq!(server.client().get("/healthz").status, 200);
    assert_eq!(server.client().get("/readyz").status, 200);
}

#[test]
fn it_is_not_ready_while_the_disk_takes_nothing_and_lives_all_the_same() {
    let server = TestServer::start();
    // Where the page would be written stands something else.
    let place = server.data().path().join(".ready");
    std::fs::create_dir(&place).unwrap();
    server.client().get("/readyz").expect_problem("overloaded");
    assert_eq!(server.client().get("/healthz").status, 200);
    std::fs::remove_dir(&place).unwrap();
    assert_eq!(server.client().get("/readyz").status, 200);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.client().send("HEAD", path, &[], b"").status, 200);
    }
}

#[test]
fn metrics_count_and_name_nobody() {
    let server = TestServer::start();
    let org = server.organisation("mekong-outreach");
    let chi = org.user("Chi Linh", Role::OrgAdmin);
    let device = org.device(org.invite("Dara Sok", Role::Worker));
    let form = server
        .service()
        .publish_builtin_interview(By::Operator, org.id);
    assert!(form.is_ok(), "something is stored");
    server
        .client()
        .get("/api/v1/users")
        .expect_problem("credential_missing");
    let reply = server.client().get("/metrics");
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/plain; version=0.0.4; charset=utf-8")
    );
    let text = String::from_utf8(reply.body).unwrap();
    for line in [
        "tributary_organisations 1",
        "tributary_organisations_never_copied 1",
        "tributary_organisations_stopped 0",
        "tributary_backup_configured 0",
        "tributary_quarantine_waiting 0",
        "tributary_refusals_total{code=\"credential_missing\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }
    let ids = [
        org.id.to_string(),
        chi.id.to_string(),
        device.profile.to_string(),
    ];
    let names = ["mekong", "MEKONG", "Chi", "Dara"].map(str::to_owned);
    for word in ids.into_iter().chain(names) {
        assert!(!text.contains(&word), "{word} is in\n{text}");
    }
    server
        .client()
        .send("POST", "/metrics", &[], b"")
        .expect_problem("method_not_allowed");
}

#[test]
fn a_second_server_on_the_same_folder_is_refused_in_plain_words() {
    let server = TestServer::start();
    let refused = Application::build(server.settings())
        .err()
        .expect("refused")
        .to_string();
    assert!(
        refused.contains("another Tributary server is using the data folder"),
        "{refused}"
    );
    assert_eq!(server.client().get("/healthz").status, 200);
}

#[test]
fn a_folder_without_init_is_refused_in_plain_words() {
    let folder = tempfile::tempdir().unwrap();
    let settings = tributary::config::Settings::on_loopback(folder.path());
    let refused = Application::build(settings)
        .err()
        .expect("refused")
        .to_string();
    assert!(refused.contains("tributary init"), "{refused}");
}

#[test]
fn headers_are_safe_on_answers_and_refusals() {
    let server = TestServer::start();
    for path in ["/healthz", "/nowhere", "/api/v1/users"] {
        let reply = server.client().get(path);
        assert_eq!(
            reply.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(reply.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(
            reply.header("referrer-policy"),
            Some("no-referrer"),
            "{path}"
        );
        assert!(
            reply
                .header("content-security-policy")
                .unwrap()
                .starts_with("default-src 'none'"),
            "{path}"
        );
        assert_eq!(reply.header("x-request-id").unwrap().len(), 16, "{path}");
        // The certificate is of its own making: browsers must not be told to insist.
        assert_eq!(reply.header("strict-transport-security"), None, "{path}");
        assert_eq!(reply.header("server"), None, "{path}");
    }
}

#[test]
fn unknown_addresses_and_methods_are_problem_documents() {
    let server = TestServer::start();
    let client = server.client();
    for path in [
        "/nowhere",
        "/api/v1/nowhere",
        "/api/v1/users/x/y/z",
        "/api/v2/users",
        "/%00",
        "/api/v1/users/%ff",
    ] {
        let reply = client.get(path);
        let code = reply.json()["code"].as_str().unwrap().to_owned();
        assert!(
            ["route_unknown", "credential_missing", "not_found"].contains(&code.as_str()),
            "{path}: {code}"
        );
        reply.expect_problem(&code);
    }
    client
        .send("DELETE", "/api/v1/users", &[], &[])
        .expect_problem("method_not_allowed");
    client
        .send("PATCH", "/healthz", &[], &[])
        .expect_problem("method_not_allowed");
}

#[test]
fn a_refusal_of_a_missing_credential_says_how_to_bring_one() {
    let server = TestServer::start();
    let reply = server.client().get("/api/v1/users");
    assert_eq!(reply.header("www-authenticate"), Some("Bearer"));
}

#[test]
fn what_was_stored_is_there_after_a_restart() {
    let mut server = TestServer::start();
    let user = server.organisation("mekong").user("Chi", Role::OrgAdmin);
    let token = user.client.token().unwrap().to_owned();
    server.restart();
    let me = server
        .client()
        .with_token(token)
        .get("/api/v1/me")
        .expect(200);
    assert_eq!(me["name"], "Chi");
}

#[test]
fn secrets_lie_in_the_folder_only_as_hashes() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let user = org.user("Chi", Role::OrgAdmin);
    let code = org.code(user.id);
    let access = user.client.token().unwrap();
    let words = ["four unrelated words", &user.refresh_token, &code, access];
    let mut folders = vec![server.data().path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            for word in words {
                let found = bytes
                    .windows(word.len())
                    .any(|window| window == word.as_bytes());
                assert!(!found, "a secret lies in {}", path.display());
            }
        }
    }
}
