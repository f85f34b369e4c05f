//! The field app as browsers fetch it.

use tributary_tests::harness::{Client, Reply, TestServer};

fn get(client: &Client, path: &str, headers: &[(&str, &str)]) -> Reply {
    client.send("GET", path, headers, &[])
}

#[test]
fn an_enrolment_link_opens_the_field_app() {
    let server = TestServer::start();
    for path in ["/enrol", "/field"] {
        let reply = get(&server.client(), path, &[]);
        assert_eq!(reply.status, 302);
        // Without a fragment of its own, so that the browser takes along the one it was given.
        assert_eq!(reply.header("location"), Some("/field/"));
    }
    let reply = get(&server.client(), "/field/", &[]);
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let page = String::from_utf8(reply.body).unwrap();
    assert!(page.contains("src=\"app.js\"") && !page.contains("style="));
    assert!(!page.contains("<script>") && page.contains("enrolment link is as good as before"));
}

#[test]
fn the_app_runs_no_foreign_code_and_asks_this_server_alone() {
    let server = TestServer::start();
    let reply = get(&server.client(), "/field/", &[]);
    let policy = reply.header("content-security-policy").unwrap();
    for part in [
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval';",
        "style-src 'self';",
        "connect-src 'self';",
        "form-action 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    ] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    assert!(!policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'"));
    assert!(!policy.contains("http") && !policy.contains('*'));
    let may = reply.header("permissions-policy").unwrap();
    assert_eq!(may, "camera=(self), geolocation=(self), microphone=(self)");
    let opener = reply.header("cross-origin-opener-policy");
    assert_eq!(opener, Some("same-origin"));
    assert_eq!(reply.header("set-cookie"), None);
}

#[test]
fn files_are_packed_as_asked_and_sent_once() {
    let server = TestServer::start();
    let client = server.client();
    let form = |accepted: &str| {
        let reply = get(&client, "/field/app.js", &[("accept-encoding", accepted)]);
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("vary"), Some("accept-encoding"));
        assert_eq!(reply.header("cache-control"), Some("no-cache"));
        reply
    };
    let plain = form("identity");
    assert_eq!(plain.header("content-encoding"), None);
    let tag = plain.header("etag").unwrap().to_owned();
    for (accepted, coding, first) in [
        ("gzip, deflate", "gzip", [0x1f, 0x8b]),
        ("gzip, deflate, br, zstd", "zstd", [0x28, 0xb5]),
        ("zstd;q=0, gzip;q=0.5", "gzip", [0x1f, 0x8b]),
    ] {
        let reply = form(accepted);
        // The client that asks unpacks what it knows.
        if let Some(said) = reply.header("content-encoding") {
            assert_eq!(said, coding, "{accepted}");
            assert_eq!(reply.body[..2], first, "{accepted}");
            assert!(reply.body.len() < plain.body.len());
        } else {
            assert_eq!(reply.body, plain.body, "{accepted}");
        }
        assert_eq!(reply.header("etag"), Some(tag.as_str()));
    }
    let again = get(&client, "/field/app.js", &[("if-none-match", &tag)]);
    assert_eq!((again.status, again.body.len()), (304, 0));
    let policy = again.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("script-src 'self'"), "{policy}");
    let other = get(&client, "/field/app.js", &[("if-none-match", "W/\"x\"")]);
    assert_eq!(other.status, 200);
}

#[test]
fn names_that_are_no_file_of_the_app_are_not_there() {
    let server = TestServer::start();
    for path in [
        "/field/inputs.sha256",
        "/field/..%2f..%2fkeys",
        "/field/%2e%2e/Cargo.toml",
        "/field/app.js/",
        "/field/a/b",
    ] {
        get(&server.client(), path, &[]).expect_problem("route_unknown");
    }
}
