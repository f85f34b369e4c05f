//! One-time links as people open them: in a browser.

use std::time::Duration;

use tributary::service::By;
use tributary::service::access::Role;
use tributary::service::users::CreateUser;
use tributary_tests::harness::TestServer;

use super::browser::Browser;

const NEW: &str = "another four plain words";

fn fill<'f>(link: &'f str, password: &'f str, again: &'f str) -> [(&'f str, &'f str); 3] {
    [("link", link), ("password", password), ("again", again)]
}

#[test]
fn a_first_sign_in_link_sets_a_password_once_and_says_how_to_sign_in() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let new = CreateUser {
        name: "ລານ".to_owned(),
        role: Role::Coordinator,
    };
    let made = server.service().create_user(By::Operator, org.id, &new);
    let link = made.unwrap().link;
    let (address, token) = link.url.split_once("#t=").unwrap();
    assert!(address.ends_with("/reset"), "{address}");
    let mut lan = Browser::new(server.client());
    let html = lan.open("/reset").to_owned();
    assert!(!html.contains(token) && html.contains("name=\"again\""));
    let script = lan.send("GET", "/reset.js", "");
    assert_eq!(
        script.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert!(String::from_utf8_lossy(&script.body).contains("history.replaceState"));

    let reply = lan.post("/reset", &fill(&link.url, NEW, "something quite else"));
    let html = lan.take(reply, 422).to_owned();
    assert!(html.contains("the link is still good") && lan.hidden("link") == token);
    let reply = lan.post("/reset", &fill(token, "short", "short"));
    assert!(lan.take(reply, 422).contains("at least 10 characters"));
    let reply = lan.post("/reset", &fill(&link.url, NEW, NEW));
    assert_eq!(reply.header("referrer-policy"), Some("no-referrer"));
    let html = lan.take(reply, 200).to_owned();
    assert!(html.contains("mekong") && html.contains("ລານ") && !html.contains(token));

    // Used: it says what to do, and nothing is changed.
    lan.open("/reset");
    let reply = lan.post(
        "/reset",
        &fill(&link.url, "a thief's own words", "a thief's own words"),
    );
    let html = lan.take(reply, 410).to_owned();
    assert!(html.contains("admin for a new link") && html.contains("tell your admin at once"));
    lan.open("/");
    let fields = [
        ("organisation", "mekong"),
        ("name", "ລານ"),
        ("password", NEW),
    ];
    assert_eq!(lan.post("/sign-in", &fields).status, 303);
}

#[test]
fn a_link_that_is_too_old_or_replaced_says_so() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let lan = org.invite("Lan", Role::Worker);
    let link = || {
        server
            .service()
            .reset_link(By::Operator, org.id, lan)
            .unwrap()
            .url
    };
    let (older, newer) = (link(), link());
    let mut browser = Browser::new(server.client());
    browser.open("/reset");
    let reply = browser.post("/reset", &fill(&older, NEW, NEW));
    assert!(
        browser
            .take(reply, 410)
            .contains("a newer one closes the older")
    );
    server.pass(Duration::from_secs(3 * 24 * 60 * 60 + 1));
    browser.open("/reset");
    let reply = browser.post("/reset", &fill(&newer, NEW, NEW));
    assert!(browser.take(reply, 410).contains("good for three days"));
    browser.open("/reset");
    let reply = browser.post("/reset", &fill("", NEW, NEW));
    assert_eq!(reply.status, 410);
}

#[test]
fn a_password_is_only_set_from_the_page_that_was_shown() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let lan = org.invite("Lan", Role::Worker);
    let link = server
        .service()
        .reset_link(By::Operator, org.id, lan)
        .unwrap();
    let mut other = Browser::new(server.client());
    other.open("/reset");
    let mut browser = Browser::new(server.client());
    browser.open("/reset");
    browser.html = other.html.clone();
    let reply = browser.post("/reset", &fill(&link.token, NEW, NEW));
    assert!(browser.take(reply, 403).contains("too old"));
}
