//! The edge of the server: what somebody who has proven nothing can hold on to, and what the server tells them.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::json;
use tributary::service::By;
use tributary::service::access::Role;
use tributary::service::names::Secret;
use tributary::service::sign_in::SignIn;
use tributary::service::users::CreateUser;
use tributary_tests::harness::TestServer;

fn head(path: &str, length: usize, more: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {length}\r\n{more}\r\n")
}

/// The answer, as soon as there is one; until then `meanwhile` happens again and again.
fn answer(mut socket: TcpStream, meanwhile: impl Fn()) -> String {
    socket
        .set_read_timeout(Some(Duration::from_millis(200)))
        .unwrap();
    let mut out = [0; 4_096];
    loop {
        meanwhile();
        match socket.read(&mut out) {
            Ok(n) => return String::from_utf8_lossy(&out[..n]).into_owned(),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(e) => panic!("{e}"),
        }
    }
}

#[test]
fn whoever_shows_no_good_token_is_refused_before_the_body_comes() {
    let server = TestServer::start_plain();
    let json = "Content-Type: application/json\r\nAuthorization: Bearer x\r\n";
    for path in [
        "/sync/v1/exchange",
        "/sync/v1/lost",
        "/api/v1/forms",
        "/api/v1/users",
        "/api/v1/exports/htcds",
    ] {
        let socket = server.socket(head(path, 100_000, json).as_bytes());
        let answer = answer(socket, || {});
        assert!(answer.starts_with("HTTP/1.1 401"), "{path}: {answer}");
    }
}

#[test]
fn a_body_that_does_not_come_is_given_up() {
    let server = TestServer::start_plain();
    for (path, kind) in [
        ("/api/v1/auth/sign-in", "application/json"),
        ("/sign-in", "application/x-www-form-urlencoded"),
        ("/sync/v1/bundle", "application/octet-stream"),
    ] {
        let kind = format!("Content-Type: {kind}\r\n");
        let mut socket = server.socket(head(path, 1_000, &kind).as_bytes());
        socket.write_all(b"{\"organisation\":").unwrap();
        let answer = answer(socket, || server.pass(Duration::from_secs(31)));
        assert!(answer.starts_with("HTTP/1.1 4"), "{path}: {answer}");
    }
}

#[test]
fn what_strangers_send_takes_little_memory() {
    let server = TestServer::start_plain();
    let most = 8 * 1024 * 1024;
    let begin = || {
        let mut socket = server.socket(head("/sync/v1/bundle", most, "").as_bytes());
        // The server may hang up on what it does not take.
        let _ = socket.write_all(&vec![7; most - 1]);
        socket
    };
    // Room for two: one of three is refused, whichever came last.
    let mut held = [begin(), begin(), begin()];
    let mut out = [0; 4_096];
    let refused = 'told: loop {
        for socket in &mut held {
            socket
                .set_read_timeout(Some(Duration::from_millis(50)))
                .unwrap();
            match socket.read(&mut out) {
                Ok(n) => break 'told String::from_utf8_lossy(&out[..n]).into_owned(),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                // Hung up on before its answer was read: refused all the same.
                Err(_) => break 'told "HTTP/1.1 503".to_owned(),
            }
        }
    };
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    drop(held);
    // Whoever signs in meanwhile has room.
    let small = br#"{"organisation":"mekong","name":"Chi","password":"not the right one"}"#;
    let json = "Content-Type: application/json\r\n";
    let mut socket = server.socket(head("/api/v1/auth/sign-in", small.len(), json).as_bytes());
    socket.write_all(small).unwrap();
    let answer = answer(socket, || {});
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
}

#[test]
fn the_numbers_are_for_the_machine_itself() {
    let server = TestServer::start();
    let client = server.client();
    assert_eq!(client.get("/metrics").status, 200);
    for header in ["x-forwarded-for", "forwarded"] {
        client
            .send("GET", "/metrics", &[(header, "203.0.113.9")], &[])
            .expect_problem("credential_missing");
    }
}

#[test]
fn whether_the_server_can_work_is_looked_at_every_few_seconds() {
    let server = TestServer::start_plain();
    let ready = || {
        let socket = server.socket(b"GET /readyz HTTP/1.1\r\nHost: here\r\n\r\n");
        answer(socket, || {})
    };
    assert!(ready().starts_with("HTTP/1.1 200"));
    let in_the_way = server.data().path().join(".ready");
    std::fs::create_dir(&in_the_way).unwrap();
    assert!(ready().starts_with("HTTP/1.1 200"), "not looked at again");
    server.pass(Duration::from_secs(6));
    assert!(ready().starts_with("HTTP/1.1 503"));
    std::fs::remove_dir(&in_the_way).unwrap();
    assert!(ready().starts_with("HTTP/1.1 200"), "seen at once");
}

#[test]
fn the_cookie_of_the_page_is_no_refresh_token_and_a_refresh_token_no_cookie() {
    let server = TestServer::start();
    let chi = server.organisation("mekong").user("Chi", Role::OrgAdmin);
    let request = SignIn {
        organisation: "mekong".to_owned(),
        name: "Chi".to_owned(),
        password: Secret::new("four unrelated words".to_owned()),
    };
    let from = std::net::Ipv4Addr::LOCALHOST.into();
    let page = server.service().sign_in_page(&request, from).unwrap();
    let refresh = json!({"refresh_token": page.refresh_token});
    server
        .client()
        .post("/api/v1/auth/refresh", &refresh)
        .expect_problem("refresh_invalid");
    assert!(server.service().page_user(&page.refresh_token).is_ok());
    assert!(server.service().page_user(&chi.refresh_token).is_err());
}

#[test]
fn a_one_time_link_does_not_outlive_a_user_who_was_kept_out() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let new = CreateUser {
        name: "Dara".to_owned(),
        role: Role::Worker,
    };
    let service = server.service();
    let made = service.create_user(By::Operator, org.id, &new).unwrap();
    for disabled in [true, false] {
        service
            .set_user_disabled(By::Operator, org.id, made.user.id, disabled)
            .unwrap();
    }
    let body = json!({"token": made.link.token, "password": "five unrelated words"});
    server
        .client()
        .post("/api/v1/auth/reset", &body)
        .expect_problem("reset_invalid");
}

#[test]
fn a_password_that_somebody_sets_for_themselves_is_written_down() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let chi = org.user("Chi", Role::OrgAdmin);
    let service = server.service();
    let link = service.reset_link(By::Operator, org.id, chi.id).unwrap();
    let body = json!({"token": link.token, "password": "five unrelated words"});
    server
        .client()
        .post("/api/v1/auth/reset", &body)
        .expect(204);
    let rows = service
        .files()
        .read::<_, tributary::storage::StorageError>(org.id, |txn| {
            txn.audit_about(&chi.id.to_string())
        })
        .unwrap();
    let last = rows.last().unwrap();
    assert_eq!(
        (last.action.as_str(), last.user),
        ("user.password", Some(chi.id))
    );
}

#[test]
fn guesses_at_codes_do_not_keep_a_team_behind_the_same_address_out() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let dara = org.invite("Dara", Role::Worker);
    let good = org.code(dara);
    let key = tributary_tests::harness::DeviceKey::generate();
    let guess =
        json!({"code": "0".repeat(good.len()), "public_key": "00", "instance": "11".repeat(16)});
    let codes: Vec<String> = (0..61)
        .map(|_| {
            let reply = server.client().post("/api/v1/enrol", &guess);
            reply.json()["code"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(codes[0], "enrol_code_unknown");
    assert_eq!(codes[60], "too_many_attempts");
    tributary_tests::harness::TestDevice::enrol(server.client(), key, &good);
}

#[cfg(unix)]
#[test]
fn nobody_else_on_the_machine_reads_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let server = TestServer::start();
    let org = server.organisation("mekong");
    org.user("Chi", Role::OrgAdmin);
    let mut folders = vec![server.data().path().to_owned()];
    let mut databases = 0;
    while let Some(folder) = folders.pop() {
        let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", folder.display());
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains(".db") {
                let mode = std::fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{}", path.display());
                databases += 1;
            }
        }
    }
    assert!(databases >= 2);
}
