//! What a coordinator and an admin do with records on the page.

use std::time::Duration;

use tributary::service::By;
use tributary::service::access::Role;
use tributary::service::teams::CreateTeam;
use tributary_sync_core::clock::Clock;
use tributary_tests::harness::{Organisation, TestServer};

use super::browser::Browser;
use super::field::{Form, Phone, code, record, text, tombstone};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One interview of Dara's, with consent.
fn interview(server: &TestServer, org: &Organisation<'_>, n: u8) -> Phone {
    let form = Form::publish(server, org);
    let mut dara = Phone::enrol(org, &form, "Dara");
    let answers = vec![
        (form.key("consent_store"), code("given")),
        (form.key("safe_contact"), text("call at noon")),
    ];
    dara.save(record(n), true, Clock::new(), answers);
    dara.push();
    dara
}

fn signed_in(server: &TestServer, name: &str) -> Browser {
    let mut browser = Browser::new(server.client());
    assert_eq!(browser.sign_in(name).status, 303);
    browser
}

/// Opens a record and does something with it; the page that follows.
fn act(browser: &mut Browser, n: u8, verb: &str, fields: &[(&str, &str)]) -> String {
    let path = format!("/records/{}", record(n));
    browser.open(&path);
    let shown = browser.hidden("shown");
    let mut all = vec![("shown", shown.as_str())];
    all.extend_from_slice(fields);
    let reply = browser.post(&format!("{path}/{verb}"), &all);
    assert_eq!(
        reply.status,
        303,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    assert_eq!(reply.header("location"), Some(path.as_str()));
    let html = browser.open(&path).to_owned();
    assert!(html.contains("role=\"status\""), "it says that it was done");
    assert!(!browser.open(&path).contains("role=\"status\""), "once");
    html
}

#[test]
fn a_coordinator_finds_an_interview_and_approves_returns_assigns_and_deletes_it() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    interview(&server, &org, 1);
    org.invite("Mona", Role::Coordinator);
    let team = CreateTeam {
        name: "ทีมเหนือ".to_owned(),
    };
    let team = server
        .service()
        .create_team(By::Operator, org.id, &team)
        .unwrap();
    let mut mona = signed_in(&server, "Mona");
    let html = mona.open("/records").to_owned();
    assert!(html.contains(&record(1).to_string()) && html.contains("Dara"));
    assert!(!html.contains("call at"), "lists hold no answer");
    let reply = mona.post("/records", &[("status", "approved")]);
    assert!(mona.take(reply, 200).contains("None."));

    assert!(act(&mut mona, 1, "approve", &[]).contains("Approved."));
    let path = format!("/records/{}", record(1));
    mona.open(&path);
    let shown = mona.hidden("shown");
    let fields = [("shown", shown.as_str()), ("words", " ")];
    let reply = mona.post(&format!("{path}/return"), &fields);
    assert!(mona.take(reply, 422).contains("Say what is wrong"));
    let html = act(&mut mona, 1, "return", &[("words", "Which noon? ໂມງໃດ")]);
    assert!(html.contains("Returned to be mended.") && html.contains("Which noon? ໂມງໃດ"));
    let html = act(
        &mut mona,
        1,
        "assign",
        &[("assignee", &format!("team:{}", team.id))],
    );
    assert!(html.contains("Assigned to Team ทีมเหนือ."));
    assert!(act(&mut mona, 1, "comment", &[("words", "Ask Linh.")]).contains("Ask Linh."));
    assert!(act(&mut mona, 1, "delete", &[("words", "twice the same")]).contains("It was deleted"));
    assert!(!mona.open("/records").contains(&record(1).to_string()));
    assert!(act(&mut mona, 1, "restore", &[("words", "not the same")]).contains("Restored."));
    let html = mona.open(&path).to_owned();
    assert!(html.contains("2 answers.") && html.contains("Because: "));
    assert!(!html.contains("Hide it"), "coordinators erase nothing");
}

#[test]
fn what_somebody_wrote_meanwhile_is_said_and_the_words_are_not_lost() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    interview(&server, &org, 1);
    org.invite("Mona", Role::Coordinator);
    let mut mona = signed_in(&server, "Mona");
    let path = format!("/records/{}", record(1));
    mona.open(&path);
    let shown = mona.hidden("shown");
    act(&mut mona, 1, "delete", &[("words", "first")]);
    let fields = [("shown", shown.as_str()), ("words", "a long reason")];
    let reply = mona.post(&format!("{path}/delete"), &fields);
    let html = mona.take(reply, 409).to_owned();
    assert!(html.contains("Somebody else wrote meanwhile"));
    assert!(html.contains("You had written: ") && html.contains("a long reason"));
}

#[test]
fn the_page_offers_what_a_role_may_and_refuses_the_rest() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    interview(&server, &org, 1);
    org.invite("Mona", Role::Coordinator);
    org.invite("Rev", Role::Reviewer);
    let mut mona = signed_in(&server, "Mona");
    let path = format!("/records/{}", record(1));
    mona.open(&path);
    let shown = mona.hidden("shown");
    for verb in ["restrict", "unrestrict"] {
        let reply = mona.post(&format!("{path}/{verb}"), &[("shown", &shown)]);
        assert_eq!(reply.status, 403, "{verb}");
    }
    mona.open(&path);
    let reply = mona.post(
        &format!("{path}/erase"),
        &[("reason", "request"), ("sure", "yes")],
    );
    assert_eq!(reply.status, 403);
    let mut rev = signed_in(&server, "Rev");
    let html = rev.open("/").to_owned();
    assert!(
        html.contains("None among the interviews that you see") && !html.contains("can be used")
    );
    assert_eq!(rev.send("GET", &path, "").status, 404, "of no team of hers");
    // Every form belongs to the sign-in that it was shown to.
    mona.open(&path);
    rev.html = mona.html.clone();
    let verbs = [
        "approve",
        "return",
        "reject",
        "comment",
        "assign",
        "delete",
        "restore",
        "restrict",
        "unrestrict",
        "erase",
    ];
    for verb in verbs {
        let fields = [
            ("shown", shown.as_str()),
            ("words", "x"),
            ("assignee", "nobody"),
            ("reason", "request"),
            ("sure", "yes"),
        ];
        assert_eq!(
            rev.post(&format!("{path}/{verb}"), &fields).status,
            403,
            "{verb}"
        );
    }
    let reply = mona.post(&format!("{path}/explode"), &[("shown", &shown)]);
    assert_eq!(reply.status, 404);
}

#[test]
fn an_admin_hides_an_interview_waits_and_erases_it() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    interview(&server, &org, 1);
    org.invite("Chi", Role::OrgAdmin);
    let mut chi = signed_in(&server, "Chi");
    let html = act(&mut chi, 1, "restrict", &[]);
    assert!(html.contains("Hidden since") && !html.contains("call at noon"));
    let (path, sure) = (
        format!("/records/{}/erase", record(1)),
        [("reason", "request"), ("sure", "yes")],
    );
    assert!(chi.open(&path).contains("This cannot be taken back"));
    let reply = chi.post(&path, &sure);
    assert!(chi.take(reply, 409).contains("Too early"));
    server.pass(7 * DAY);
    // The sign-in was for a day: the form leads to the sign-in, which says that nothing was stored.
    assert_eq!(chi.post(&path, &sure).header("location"), Some("/"));
    assert!(chi.open("/").contains("Your sign-in has ended"));
    assert_eq!(chi.sign_in("Chi").status, 303);
    assert!(
        chi.open("/")
            .contains("1 hidden interview whose waiting time is over")
    );
    server.pass(Duration::from_secs(11 * 60));
    chi.open(&path);
    let reply = chi.post(&path, &sure);
    let html = chi.take(reply, 403).to_owned();
    assert!(html.contains("asks for a password typed just now") && html.contains("Sign out above"));
    assert_eq!(chi.post("/sign-out", &[]).status, 303);
    assert_eq!(chi.sign_in("Chi").status, 303);
    chi.open(&path);
    let reply = chi.post(&path, &[("reason", "request")]);
    assert!(
        chi.take(reply, 200).contains("I have read what this means"),
        "nothing yet"
    );
    let reply = chi.post(&path, &sure);
    let html = chi.take(reply, 200).to_owned();
    assert!(html.contains("<h1>Erased</h1>") && html.contains("Dara") && html.contains("held it"));
    assert!(
        !html.contains(&record(1).to_string()),
        "the report knows a hash only"
    );
    let report = format!("/erasures/{}", tombstone(record(1)));
    assert!(html.contains(&report) && chi.open(&report).contains("Dara"));
    assert_eq!(
        chi.send("GET", &format!("/records/{}", record(1)), "")
            .status,
        404
    );
}

#[test]
fn many_erasures_wait_on_the_page_for_a_second_admin() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let form = Form::publish(&server, &org);
    let mut dara = Phone::enrol(&org, &form, "Dara");
    for n in 1..=10 {
        dara.save(
            record(n),
            true,
            Clock::new(),
            vec![(form.key("safe_contact"), text("x"))],
        );
    }
    dara.push();
    let chi = org.user("Chi", Role::OrgAdmin);
    for n in 1..=10 {
        chi.client
            .post_nothing(&format!("/api/v1/records/{}/restrict", record(n)))
            .expect(200);
    }
    org.invite("Nary", Role::OrgAdmin);
    server.pass(8 * DAY);
    let mut first = signed_in(&server, "Chi");
    first.open("/");
    for n in 1..=10 {
        let path = format!("/records/{}/erase", record(n));
        first.open(&path);
        let reply = first.post(&path, &[("reason", "retention"), ("sure", "yes")]);
        let status = if n < 10 { 200 } else { 202 };
        let html = first.take(reply, status).to_owned();
        assert_eq!(html.contains("another admin"), n == 10);
    }
    let form = |html: &str, verb: &str| {
        let from = html.split("action=\"/erasure-proposals/").nth(1).unwrap();
        format!(
            "/erasure-proposals/{}/{verb}",
            from.split('/').next().unwrap()
        )
    };
    let html = first.open("/").to_owned();
    let reply = first.post(&form(&html, "confirm"), &[]);
    assert!(first.take(reply, 409).contains("Ask another org admin"));
    let mut second = signed_in(&server, "Nary");
    let html = second.open("/").to_owned();
    assert!(html.contains("1 erasure waits") && html.contains("Chi (org admin)"));
    let reply = second.post(&form(&html, "confirm"), &[]);
    assert!(second.take(reply, 200).contains("<h1>Erased</h1>"));
}

#[test]
fn times_are_of_the_organisations_zone_and_say_so() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    interview(&server, &org, 1);
    org.invite("Mona", Role::Coordinator);
    let mut mona = signed_in(&server, "Mona");
    assert!(mona.open("/records").contains("2023-11-14 22:13 UTC"));
    assert!(mona.html.contains("your organisation has set none"));
    let service = server.service();
    service
        .set_time_zone(By::Operator, org.id, "Asia/Phnom_Penh")
        .unwrap();
    assert!(mona.open("/records").contains("2023-11-15 05:13 +07:00"));
    assert!(mona.html.contains("time zone Asia/Phnom_Penh"));
    assert!(
        service
            .set_time_zone(By::Operator, org.id, "Asia/Nowhere")
            .is_err()
    );
}
