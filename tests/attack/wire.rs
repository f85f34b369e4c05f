//! What is no request that a browser or a phone would send: byte by byte over TLS, and connections that only wait.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tributary::service::access::Role;
use tributary_tests::harness::TestServer;

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// How long the server may take before a test gives up on it.
const PATIENCE: Duration = Duration::from_secs(60);

fn tcp(server: &TestServer) -> TcpStream {
    let socket = TcpStream::connect(server.url().trim_start_matches("https://")).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn trusting(server: &TestServer) -> Arc<ClientConfig> {
    let pem = tributary::startup::certificate::own_certificate(&server.data()).unwrap();
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn tls(server: &TestServer, config: &Arc<ClientConfig>) -> Tls {
    let name = ServerName::try_from("127.0.0.1").unwrap();
    StreamOwned::new(
        ClientConnection::new(Arc::clone(config), name).unwrap(),
        tcp(server),
    )
}

/// Sends bytes as they are, hears all that is answered until the server hangs up.
fn say(server: &TestServer, config: &Arc<ClientConfig>, bytes: &[u8]) -> String {
    let mut stream = tls(server, config);
    // The server may hang up before all was sent.
    let _ = stream.write_all(bytes).and_then(|()| stream.flush());
    let mut heard = Vec::new();
    let mut chunk = [0; 4_096];
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => heard.extend_from_slice(&chunk[..n]),
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                panic!("the server neither answers nor hangs up")
            }
            Err(_) => break,
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

/// What stands behind a request that somebody tries to hide in another one.
const HIDDEN: &str = "GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n";

/// Heads that two parsers may read in two ways; what is hidden must not be answered as a request of its own, and none
/// of them gets what it asks for.
const AMBIGUOUS: [&str; 18] = [
    "Content-Length: 5\r\nContent-Length: 6\r\n",
    "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",
    "Content-Length: 40\r\nTransfer-Encoding: chunked\r\n",
    "Transfer-Encoding: chunked\r\nContent-Length: 40\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: identity\r\nContent-Length: 0\r\n",
    "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding: \x0bchunked\r\n",
    "Content-Length: +0\r\n",
    "Content-Length: -1\r\n",
    "Content-Length: 0x0\r\n",
    "Content-Length: 0, 0\r\n",
    "Content-Length: 99999999999999999999\r\n",
    "Content-Length : 0\r\n",
    "X: y\r\n Content-Length: 0\r\n",
    "X: a\0b\r\nContent-Length: 0\r\n",
];

#[test]
fn a_request_that_can_be_read_in_two_ways_is_refused_and_hides_nothing() {
    let server = TestServer::start();
    let config = trusting(&server);
    for head in AMBIGUOUS {
        let request = format!(
            "POST /api/v1/auth/nonce HTTP/1.1\r\nHost: here\r\n{head}\r\n0\r\n\r\n{HIDDEN}"
        );
        let heard = say(&server, &config, request.as_bytes());
        let answers = heard.matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{head:?}: {answers} answers: {heard}");
        assert!(
            !heard.contains("\r\n\r\nok\n"),
            "{head:?}: the hidden request was answered"
        );
        assert!(
            heard.is_empty() || heard.starts_with("HTTP/1.1 4"),
            "{head:?}: {heard}"
        );
    }
    assert_eq!(server.client().get("/healthz").status, 200);
}

#[test]
fn no_spelling_of_an_address_opens_what_the_address_itself_does_not() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    org.user("Somebody", Role::OrgAdmin);
    let config = trusting(&server);
    let long = format!("GET /{} HTTP/1.1", "a".repeat(70_000));
    let many = format!("GET /api/v1/users HTTP/1.1\r\n{}", "X-A: b\r\n".repeat(300));
    let wide = format!("GET /api/v1/users HTTP/1.1\r\nX-A: {}", "b".repeat(200_000));
    let lines = [
        "GET /healthz/../api/v1/users HTTP/1.1",
        "GET /api/v1/../v1/users HTTP/1.1",
        "GET /healthz/%2e%2e/api/v1/users HTTP/1.1",
        "GET //api/v1/users HTTP/1.1",
        "GET /api//v1/users HTTP/1.1",
        "GET /api/v1/users/ HTTP/1.1",
        "GET /api/v1/users%00 HTTP/1.1",
        "GET /api/v1/users%2f HTTP/1.1",
        "GET /api/v1/users;x=/healthz HTTP/1.1",
        "GET /api/v1/%75sers HTTP/1.1",
        "GET /API/V1/USERS HTTP/1.1",
        "GET /api\\v1\\users HTTP/1.1",
        "GET /page.css/../../keys/token-user.p8 HTTP/1.1",
        "GET /..%2f..%2fdirectory.db HTTP/1.1",
        "GET https://elsewhere.example/api/v1/users HTTP/1.1",
        "GET http://127.0.0.1/metrics HTTP/1.1\r\nX-Forwarded-For: 203.0.113.9",
        "CONNECT elsewhere.example:443 HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "OPTIONS /api/v1/users HTTP/1.1\r\nOrigin: https://elsewhere.example\r\nAccess-Control-Request-Method: GET",
        "TRACE /api/v1/users HTTP/1.1",
        "get /api/v1/users HTTP/1.1",
        "GET /api/v1/users HTTP/0.9",
        "GET /api/v1/users HTTP/3.0",
        "GET /api/v1/users HTTP/1.1\r\nUpgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        "POST /healthz HTTP/1.1\r\nX-HTTP-Method-Override: GET\r\nContent-Length: 0",
        "GET /healthz HTTP/1.1\r\nX-HTTP-Method-Override: DELETE\r\nX-Original-URL: /api/v1/users\r\nX-Rewrite-URL: /api/v1/users",
        long.as_str(),
        many.as_str(),
        wide.as_str(),
    ];
    for line in lines {
        let start: String = line.chars().take(80).collect();
        let heard = say(
            &server,
            &config,
            format!("{line}\r\nHost: here\r\nConnection: close\r\n\r\n").as_bytes(),
        );
        assert!(
            !heard.contains("Somebody") && !heard.contains("\"items\""),
            "{start}: {heard}"
        );
        assert!(
            !heard.to_lowercase().contains("access-control-allow"),
            "{start}: {heard}"
        );
        let health = line.starts_with("GET /healthz HTTP/1.1") && heard.ends_with("ok\n");
        assert!(
            health
                || heard.is_empty()
                || heard.starts_with("HTTP/1.1 4")
                || heard.starts_with("HTTP/1.0 4"),
            "{start}: {heard}"
        );
    }
}

#[test]
fn the_host_that_a_request_names_is_believed_nowhere() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let chi = org.user("Chi", Role::OrgAdmin);
    let config = trusting(&server);
    let token = chi.client.token().unwrap();
    let code = format!("{{\"user\":\"{}\"}}", chi.id);
    let ask = |line: &str, body: &str| {
        let more = format!(
            "Host: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Port: 81\r\n\
             Forwarded: host=evil.example\r\nOrigin: https://evil.example\r\nReferer: https://evil.example/\r\n\
             Authorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close",
            body.len()
        );
        say(
            &server,
            &config,
            format!("{line} HTTP/1.1\r\n{more}\r\n\r\n{body}").as_bytes(),
        )
    };
    for (line, body) in [
        ("GET /", ""),
        ("GET /reset", ""),
        ("GET /enrol", ""),
        ("GET /records", ""),
        ("GET /nowhere", ""),
        ("GET /api/v1/me", ""),
        ("POST /api/v1/auth/nonce", ""),
        ("POST /api/v1/devices/codes", code.as_str()),
        ("POST /api/v1/users", r#"{"name":"New","role":"worker"}"#),
    ] {
        let heard = ask(line, body);
        assert!(heard.starts_with("HTTP/1.1 "), "{line}: {heard}");
        assert!(
            !heard.contains("evil.example") && !heard.contains(":81"),
            "{line}: {heard}"
        );
        assert!(
            heard.to_lowercase().contains("cache-control: no-store"),
            "{line}: {heard}"
        );
    }
    let made = ask("POST /api/v1/devices/codes", &code);
    assert!(made.contains(&format!("{}/enrol#", server.url())), "{made}");
}

#[test]
fn whoever_only_waits_keeps_nobody_out() {
    let server = TestServer::start();
    let config = trusting(&server);
    // Some say nothing at all, some begin a handshake, some begin a request.
    let mut silent: Vec<TcpStream> = (0..1_000).map(|_| tcp(&server)).collect();
    assert_eq!(server.client().get("/healthz").status, 200);
    // Not because the server had given up on the silent ones first.
    silent[0].set_nonblocking(true).unwrap();
    let still = silent[0].read(&mut [0; 1]).map_err(|e| e.kind());
    assert_eq!(
        still,
        Err(ErrorKind::WouldBlock),
        "others waited until the silent ones were hung up on"
    );
    let begun: Vec<TcpStream> = (0..60)
        .map(|_| {
            let mut socket = tcp(&server);
            socket
                .write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00])
                .unwrap();
            socket
        })
        .collect();
    let waiting: Vec<Tls> = (0..120)
        .map(|n| {
            let mut stream = tls(&server, &config);
            let head =
                format!("POST /api/v1/auth/sign-in HTTP/1.1\r\nHost: here\r\nX-Number: {n}\r\n");
            stream.write_all(head.as_bytes()).unwrap();
            stream.flush().unwrap();
            stream
        })
        .collect();
    assert_eq!(server.client().get("/healthz").status, 200);
    drop((silent, begun, waiting));
    assert_eq!(server.client().get("/readyz").status, 200);
}
