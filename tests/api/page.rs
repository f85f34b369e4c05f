//! The coordinator's plain page, as a browser without scripts sees it.

use tributary::service::access::Role;
use tributary_sync_core::clock::Clock;
use tributary_tests::harness::TestServer;

use super::browser::Browser;
use super::field::{Form, Phone, record, text};
use super::records::crossing;

#[test]
fn a_coordinator_signs_in_settles_a_conflict_downloads_and_signs_out() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin).client;
    crossing(&server, &org, &admin);
    org.invite("Mona", Role::Coordinator);

    let mut mona = Browser::new(server.client());
    assert_eq!(mona.sign_in("Mona").status, 303);
    let html = mona.open("/").to_owned();
    assert!(html.contains("Conflicts to settle") && html.contains("Dara"));
    assert!(html.contains("makes no copies off its machine"));
    assert!(!html.contains("call at"), "the overview holds no answer");
    assert!(
        !html.contains("Enrol a device"),
        "coordinators make no codes"
    );
    let path = format!("/records/{}", record(1));
    let html = mona.open(&path).to_owned();
    assert!(html.contains("&lt;b&gt;ຄຳ&lt;/b&gt;"), "answers are text");
    assert!(html.contains("What must we do and never do when we get in touch?"));
    let (shown, key) = (mona.hidden("shown"), mona.hidden("key"));
    let choice = html.split("name=\"choice\" value=\"").nth(1).unwrap();
    let choice = choice.split('"').next().unwrap().to_owned();
    let settle = |reason| {
        [
            ("shown", shown.as_str()),
            ("key", key.as_str()),
            ("choice", choice.as_str()),
            ("reason", reason),
        ]
    };
    let address = format!("{path}/settle");
    let reply = mona.post(&address, &settle(" "));
    assert!(mona.take(reply, 422).contains("Say why"));
    let reply = mona.post(&address, &settle("she said so"));
    assert_eq!(
        reply.status,
        303,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    assert!(mona.open(&path).contains("she said so"));
    let reply = mona.post(&address, &settle("once more"));
    let html = mona.take(reply, 409);
    assert!(html.contains("Nothing was written") && html.contains("role=\"alert\""));

    mona.open("/");
    let form_id = mona.hidden("form");
    let reply = mona.post("/downloads", &[("form", &form_id), ("format", "csv")]);
    assert_eq!(reply.status, 200);
    assert!(
        reply
            .header("content-disposition")
            .unwrap()
            .starts_with("attachment")
    );
    assert!(reply.body.starts_with("\u{feff}".as_bytes()));

    mona.open("/");
    let session = mona.cookies.clone();
    assert_eq!(mona.post("/sign-out", &[]).status, 303);
    assert!(mona.open("/").contains("Password"));
    mona.cookies = session;
    assert!(
        mona.open("/").contains("Password"),
        "the sign-in has ended on the server"
    );
}

#[test]
fn a_form_from_elsewhere_does_nothing() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    org.invite("Mona", Role::Coordinator);
    org.invite("Nary", Role::Coordinator);
    let mut mona = Browser::new(server.client());
    // Without the page's token, and with the token of another visit.
    let credentials = "organisation=mekong&name=Mona&password=four%20unrelated%20words";
    let reply = mona.send("POST", "/sign-in", &format!("token=x&{credentials}"));
    assert_eq!(reply.status, 403);
    let mut other = Browser::new(server.client());
    other.open("/");
    let token = other.hidden("token");
    mona.open("/");
    let reply = mona.send("POST", "/sign-in", &format!("token={token}&{credentials}"));
    assert_eq!(reply.status, 403);
    assert_eq!(mona.sign_in("Mona").status, 303);
    mona.open("/");
    let mut nary = Browser::new(server.client());
    assert_eq!(nary.sign_in("Nary").status, 303);
    nary.open("/");
    nary.html = mona.html.clone();
    for path in [
        "/quarantine/1/release",
        "/quarantine/1/discard",
        "/sign-out",
    ] {
        assert_eq!(nary.post(path, &[]).status, 403, "{path}");
    }
    // The API takes no cookie.
    let cookies: Vec<_> = mona
        .cookies
        .iter()
        .map(|(n, v)| format!("{n}={v}"))
        .collect();
    let headers = [("cookie", cookies.join("; "))];
    let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
    server
        .client()
        .send("GET", "/api/v1/me", &headers, b"")
        .expect_problem("credential_missing");
}

#[test]
fn an_admin_makes_a_code_and_a_wrong_password_is_told_apart_from_nothing() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    org.invite("Chi", Role::OrgAdmin);
    let lan = org.invite("Lan", Role::Worker).to_string();
    let mut chi = Browser::new(server.client());
    chi.open("/");
    let wrong = [
        ("organisation", "mekong"),
        ("name", "Chi"),
        ("password", "wrong"),
    ];
    let reply = chi.post("/sign-in", &wrong);
    assert!(chi.take(reply, 401).contains("do not go together"));
    assert_eq!(chi.sign_in("Chi").status, 303);
    assert!(chi.open("/").contains("Enrol a device"));
    let reply = chi.post("/devices/code", &[("user", &lan)]);
    let html = chi.take(reply, 200);
    assert!(html.contains("<svg class=\"code\"") && html.contains("Lan"));
}

#[test]
fn what_a_revoked_phone_sends_is_judged_on_the_page() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin).client;
    let form = Form::publish(&server, &org);
    let mut dara = Phone::enrol(&org, &form, "Dara");
    admin
        .post_nothing(&format!("/api/v1/devices/{}/revoke", dara.device.profile))
        .expect(204);
    let answers = vec![(form.key("safe_contact"), text("from a lost phone"))];
    dara.save(record(1), true, Clock::new(), answers.clone());
    dara.save(record(2), true, Clock::new(), answers);
    dara.push();
    org.invite("Mona", Role::Coordinator);
    let mut mona = Browser::new(server.client());
    assert_eq!(mona.sign_in("Mona").status, 303);
    assert!(mona.open("/").contains("2 changes wait"));
    let html = mona.open("/quarantine").to_owned();
    assert!(html.contains("from a lost phone") && html.contains("the device was revoked"));
    assert_eq!(mona.post("/quarantine/1/release", &[]).status, 303);
    mona.open("/quarantine");
    assert_eq!(mona.post("/quarantine/2/discard", &[]).status, 303);
    let html = mona.open("/quarantine").to_owned();
    assert!(html.contains("Nothing waits."));
    let reply = mona.post("/quarantine/1/release", &[]);
    assert_eq!(reply.status, 409);
}
