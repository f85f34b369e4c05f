//! Bad input: a clear problem document with a stable code, the place named, nothing quoted, nothing stored.

use std::io::Write;

use serde_json::json;
use tributary::service::access::Role;
use tributary_tests::harness::TestServer;

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn broken_json_is_refused_with_its_place_and_without_its_content() {
    let server = TestServer::start();
    let admin = server.organisation("mekong").user("Chi", Role::OrgAdmin);
    let post = |body: &[u8]| admin.client.send("POST", "/api/v1/users", &[JSON], body);
    for (body, code, pointer) in [
        (&b"{\"name\": \"secret-word\""[..], "json_malformed", ""),
        (b"secret-word", "json_malformed", ""),
        (b"\xff\xfe", "json_malformed", ""),
        (
            b"{\"name\": \"\xff\", \"role\": \"worker\"}",
            "json_malformed",
            "/name",
        ),
        (
            b"{\"name\": [\"secret-word\"], \"role\": \"worker\"}",
            "field_invalid",
            "/name",
        ),
        (
            b"{\"name\": \"x\", \"role\": \"secret-word\"}",
            "field_invalid",
            "/role",
        ),
        (b"{\"name\": \"x\"}", "field_invalid", ""),
        (
            b"{\"name\": \"x\", \"name\": \"y\", \"role\": \"worker\"}",
            "field_invalid",
            "",
        ),
        (
            b"{\"name\": \"x\", \"role\": \"worker\"} {}",
            "json_malformed",
            "",
        ),
    ] {
        let reply = post(body);
        let problem = reply.expect_problem(code);
        let got = problem["errors"][0]["pointer"].as_str().unwrap();
        assert!(got.starts_with(pointer), "{problem}");
        assert!(!problem.to_string().contains("secret-word"), "{problem}");
    }
    // An unknown field is named by its place only.
    let problem = post(b"{\"name\": \"x\", \"role\": \"worker\", \"extra\": \"secret-word\"}")
        .expect_problem("field_invalid");
    assert_eq!(problem["errors"][0]["code"], "field_unknown");
    assert_eq!(
        admin.client.get("/api/v1/users").expect(200)["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn types_and_encodings_that_are_not_known_are_refused() {
    let server = TestServer::start();
    let client = server.client();
    let path = "/api/v1/auth/refresh";
    client
        .send("POST", path, &[("content-type", "text/plain")], b"{}")
        .expect_problem("content_type_unsupported");
    client
        .send("POST", path, &[], b"{}")
        .expect_problem("content_type_unsupported");
    client
        .send("POST", path, &[JSON, ("content-encoding", "br")], b"{}")
        .expect_problem("encoding_unsupported");
    client
        .send("POST", path, &[JSON, ("content-encoding", "gzip")], b"{}")
        .expect_problem("body_malformed");
    client
        .send("POST", path, &[JSON, ("content-encoding", "zstd")], b"{}")
        .expect_problem("body_malformed");
}

#[test]
fn compressed_requests_are_read() {
    let server = TestServer::start();
    let body = json!({"refresh_token": "AAAA"}).to_string();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(body.as_bytes()).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(body.as_bytes(), 3).unwrap();
    for (encoding, bytes) in [
        ("gzip", gzip),
        ("zstd", zstd),
        ("identity", body.into_bytes()),
    ] {
        let headers = [JSON, ("content-encoding", encoding)];
        server
            .client()
            .send("POST", "/api/v1/auth/refresh", &headers, &bytes)
            .expect_problem("refresh_invalid");
    }
}

#[test]
fn oversized_bodies_and_bombs_are_refused_and_the_server_lives() {
    let server = TestServer::start();
    let client = server.client();
    let zeros = vec![b' '; 40 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&zeros).unwrap();
    let gzip = gzip.finish().unwrap();
    let zstd = zstd::encode_all(&zeros[..], 9).unwrap();
    for (encoding, bytes) in [("gzip", &gzip), ("zstd", &zstd)] {
        let headers = [JSON, ("content-encoding", encoding)];
        client
            .send("POST", "/api/v1/auth/refresh", &headers, bytes)
            .expect_problem("body_too_large");
    }
    let reply = client.send(
        "POST",
        "/api/v1/auth/refresh",
        &[JSON],
        &vec![b' '; 300 * 1024],
    );
    reply.expect_problem("body_too_large");
    assert_eq!(client.get("/healthz").status, 200);
}
