//! Bodies that are larger, deeper or stranger than they look, at every route that may be sent one.

use std::collections::BTreeMap;
use std::io::Write;

use tributary::service::access::Role;
use tributary_tests::harness::{Reply, TestServer};
use tributary_tests::reliability::Run;

use super::estate::{Caller, Fill, filled, sign_in};
use super::table::{Kind, ROWS, Row, Who};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// Every place filled with an id that nobody has.
fn fill(server: &TestServer, cookie: &str) -> Fill {
    let mut fill: Fill = [
        "record",
        "instance",
        "user",
        "spare",
        "spare_device",
        "team",
        "proposal",
        "second_proposal",
        "other_organisation",
    ]
    .into_iter()
    .map(|name| (name, "12".repeat(16)))
    .collect();
    fill.insert("tombstone", "12".repeat(32));
    fill.insert("hash", "12".repeat(32));
    fill.insert("form", "outreach_interview".to_owned());
    fill.insert("judged", "1".to_owned());
    fill.insert("token", server.service().form_token(cookie));
    fill
}

struct Sender {
    user: Caller,
    device: Caller,
    fill: Fill,
}

impl Sender {
    fn of(server: &TestServer) -> Self {
        let org = server.organisation("mekong");
        let chi = org.invite("Chi", Role::OrgAdmin);
        let user = sign_in(server, "mekong", "Chi", chi);
        let device = Caller {
            client: org.device(chi).client(),
            cookie: None,
        };
        let fill = fill(server, user.cookie.as_deref().unwrap());
        Self { user, device, fill }
    }
    /// The routes that take a body, as whoever may go through them.
    fn rows(&self) -> impl Iterator<Item = (&'static Row, &Caller)> {
        ROWS.iter().filter(|r| !r.body.is_empty()).map(|row| {
            let device = row.letter(Who::OrgAdmin) == 'x';
            (row, if device { &self.device } else { &self.user })
        })
    }
    fn send(&self, row: &Row, caller: &Caller, encoding: &str, body: &[u8]) -> Reply {
        let kind = match row.kind {
            Kind::Page => "application/x-www-form-urlencoded",
            Kind::Api if row.body.starts_with('{') => "application/json",
            Kind::Api => "application/octet-stream",
        };
        let cookie = format!(
            "__Host-tributary={}",
            caller.cookie.as_deref().unwrap_or_default()
        );
        let mut headers = vec![("content-type", kind), ("content-encoding", encoding)];
        if row.kind == Kind::Page {
            headers.push(("cookie", &cookie));
        }
        caller
            .client
            .send(row.method, &filled(row.path, &self.fill), &headers, body)
    }
}

#[test]
fn bombs_and_abysses_are_refused_at_every_route_and_the_server_lives() {
    let server = TestServer::start_with_manual_clock();
    let sender = Sender::of(&server);
    let zeros = vec![b'0'; 40 << 20];
    let twice = gzip(&gzip(&zeros));
    let (packed, zstd) = (gzip(&zeros), zstd::encode_all(&zeros[..], 9).unwrap());
    let lists = b"[".repeat(100_000);
    let objects = br#"{"a":"#.repeat(40_000);
    let inside = [br#"{"shown":"#.as_slice(), &lists].concat();
    let bodies: [(&str, &[u8]); 8] = [
        ("gzip", &packed),
        ("gzip", &twice),
        ("gzip", &packed[..packed.len() / 2]),
        ("zstd", &zstd),
        ("zstd", &zstd[..zstd.len() - 3]),
        ("identity", &lists),
        ("identity", &objects),
        ("identity", &inside),
    ];
    let mut answers = BTreeMap::<u16, usize>::new();
    for (row, caller) in sender.rows() {
        for (n, (encoding, body)) in bodies.iter().enumerate() {
            let reply = sender.send(row, caller, encoding, body);
            let refused = (400..500).contains(&reply.status) || reply.status == 503;
            let ended = row.path == "/sign-out" && reply.status == 303;
            assert!(
                refused || ended,
                "{} body {n}: {}",
                row.name(),
                reply.status
            );
            *answers.entry(reply.status).or_default() += 1;
        }
    }
    println!("{answers:?}");
    Run::new("bombs and abysses", 0)
        .count("routes", sender.rows().count() as u64)
        .count("requests", answers.values().sum::<usize>() as u64)
        .keep_if_asked("attacks");
    assert_eq!(server.client().get("/healthz").status, 200);
    sender.user.client.get("/api/v1/me").expect(200);
}

#[test]
fn a_form_of_another_sign_in_or_of_none_does_nothing_at_any_address() {
    let server = TestServer::start_with_manual_clock();
    let sender = Sender::of(&server);
    let cookie = sender.user.cookie.clone().unwrap();
    let other = server.service().form_token("another-cookie");
    let mut tried = 0;
    for row in ROWS
        .iter()
        .filter(|r| r.kind == Kind::Page && r.method == "POST")
    {
        let mut fill = sender.fill.clone();
        fill.insert("shown", "WyIwMCIse31d".to_owned());
        for name in ["visit", "token"] {
            fill.insert(name, "{secret}".to_owned());
        }
        let body = filled(row.body, &fill);
        let without = body.replacen("token={secret}", "", 1);
        for (what, body) in [
            ("no token", without),
            ("an empty one", body.replace("{secret}", "")),
            ("the cookie itself", body.replace("{secret}", &cookie)),
            ("another's", body.replace("{secret}", &other)),
        ] {
            for more in [
                ("origin", "https://elsewhere.example"),
                ("sec-fetch-site", "cross-site"),
            ] {
                let cookies = format!("__Host-tributary={cookie}; __Host-tributary-visit=a-visit");
                let headers = [
                    ("content-type", "application/x-www-form-urlencoded"),
                    ("cookie", cookies.as_str()),
                    more,
                ];
                let path = filled(row.path, &fill);
                let reply = server
                    .client()
                    .send("POST", &path, &headers, body.as_bytes());
                assert!(
                    [400, 403].contains(&reply.status),
                    "{} with {what}: {}",
                    row.name(),
                    reply.status
                );
                assert!(
                    reply
                        .header("set-cookie")
                        .is_none_or(|c| !c.contains("__Host-tributary="))
                );
                tried += 1;
            }
        }
        // And as another kind of body, which another site may send without asking first.
        for kind in [
            "text/plain",
            "multipart/form-data; boundary=x",
            "application/json",
        ] {
            let cookies = format!("__Host-tributary={cookie}");
            let headers = [("content-type", kind), ("cookie", cookies.as_str())];
            let path = filled(row.path, &fill);
            let body = filled(row.body, &sender.fill);
            let reply = server
                .client()
                .send("POST", &path, &headers, body.as_bytes());
            assert!(
                (400..500).contains(&reply.status),
                "{} as {kind}: {}",
                row.name(),
                reply.status
            );
            tried += 1;
        }
    }
    println!("{tried} forged forms");
    Run::new("forged forms of the page", 0)
        .count("requests", tried)
        .keep_if_asked("attacks");
    // The sign-in was not ended by any of them.
    let cookies = format!("__Host-tributary={cookie}");
    let reply = server
        .client()
        .send("GET", "/records", &[("cookie", &cookies)], b"");
    assert_eq!(reply.status, 200);
}
