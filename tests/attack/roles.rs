//! Every role against every route.

use std::collections::HashSet;

use serde_json::Value;
use tributary::service::By;
use tributary::service::access::Role;
use tributary_tests::harness::{Reply, TestServer};
use tributary_tests::reliability::Run;

use super::estate::{Caller, Fill, ask, filled, sign_in, two};
use super::table::{Kind, ROWS, Row, Who, fits};

/// What came of it: the code of a refusal, a redirect, or a status.
pub(super) fn outcome(reply: &Reply) -> String {
    // To a HEAD nobody says more than the status.
    if reply.body.is_empty() && reply.header("location").is_none() {
        return reply.status.to_string();
    }
    if reply.header("content-type") == Some("application/problem+json") {
        return reply.json()["code"].as_str().unwrap().to_owned();
    }
    match reply.header("location") {
        Some(to) => format!("{} {to}", reply.status),
        None => reply.status.to_string(),
    }
}

/// What a letter stands for.
fn expected(row: &Row, who: Who, fill: &Fill) -> String {
    let page = row.kind == Kind::Page;
    let words = match row.letter(who) {
        '+' => return filled(row.done, fill),
        '>' => "303 /",
        'i' => "200",
        '-' | 'x' if row.method == "HEAD" => "401",
        'r' if row.method == "HEAD" => "403",
        'f' | 's' if page => "403",
        'n' if page => "404",
        '-' => "credential_missing",
        'x' => "token_invalid",
        'f' => "not_allowed",
        'n' => "not_found",
        'r' => "device_revoked",
        's' => "organisation_suspended",
        'e' => "epoch_changed",
        'a' => "actor_unknown",
        'v' => "field_invalid",
        other => panic!("no letter of the table: {other}"),
    };
    words.to_owned()
}

/// Whether the API's description knows that this route may answer so.
fn documented(api: &Value, row: &Row, status: u16) -> bool {
    if row.kind == Kind::Page || row.method == "HEAD" {
        return true;
    }
    let paths = api["paths"].as_object().unwrap();
    let of = paths
        .iter()
        .find(|(path, _)| fits(row.path, path))
        .unwrap()
        .1;
    let responses = &of[row.method.to_lowercase()]["responses"];
    responses.get(status.to_string()).is_some()
}

/// What every answer says to browsers and caches, whatever it holds.
#[track_caller]
fn framed(reply: &Reply, row: &Row) {
    let app = row.path.starts_with("/field/");
    let fixed = app || ["/page.css", "/reset.js"].contains(&row.path);
    let cached = reply.header("cache-control");
    assert_eq!(
        cached == Some("no-store"),
        !fixed,
        "{}: {cached:?}",
        row.name()
    );
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(reply.header(name), Some(value), "{}", row.name());
    }
    let policy = reply.header("content-security-policy").unwrap_or_default();
    let closed = policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'");
    assert!(closed || policy == "sandbox", "{}: {policy}", row.name());
    for name in ["server", "access-control-allow-origin", "x-powered-by"] {
        assert_eq!(reply.header(name), None, "{}", row.name());
    }
    let cookie = reply.header("set-cookie");
    assert!(
        row.kind == Kind::Page || cookie.is_none(),
        "{} sets a cookie",
        row.name()
    );
}

#[test]
fn every_role_gets_at_every_route_what_the_table_says() {
    let server = TestServer::start_with_manual_clock();
    let (mut home, other) = two(&server);
    let lost = server.organisation("lost");
    let owner = lost.invite("Owner", Role::OrgAdmin);
    let suspended = sign_in(&server, "lost", "Owner", owner);
    server
        .service()
        .set_organisation_suspended(By::Operator, lost.id, true)
        .unwrap();
    let bearer_only = |client| Caller {
        client,
        cookie: None,
    };
    let root = server.server_admin().client;
    let idle = server.organisation("idle").id.to_string();
    home.fill.insert("other_organisation", idle);
    let api = serde_json::to_value(tributary::http::openapi()).unwrap();
    let mut wrong = Vec::new();
    let mut tried = HashSet::new();
    for (n, row) in ROWS.iter().enumerate() {
        for who in Who::ALL {
            let caller = match who {
                Who::Nobody => bearer_only(server.client()),
                Who::Worker => home.callers["worker"].clone(),
                Who::Reviewer => home.callers["reviewer"].clone(),
                Who::Coordinator => home.callers["coordinator"].clone(),
                Who::OrgAdmin => home.callers["admin"].clone(),
                Who::ServerAdmin => bearer_only(root.clone()),
                Who::Device => home.callers["device"].clone(),
                Who::Revoked => home.callers["revoked"].clone(),
                Who::Stopped => home.callers["stopped"].clone(),
                Who::Suspended => suspended.clone(),
                Who::Stranger => other.callers["admin"].clone(),
                Who::StrangeDevice => other.callers["device"].clone(),
            };
            let mut fill = home.fill.clone();
            fill.insert("n", format!("{n}-{}", who as usize));
            if row.body.contains("{shown}") {
                fill.insert("shown", home.shown());
            }
            if row.body.contains("{exchange}") {
                fill.insert("exchange", home.exchange());
            }
            if who == Who::Stranger {
                // What they publish is theirs.
                fill.insert("form_file", other.fill["form_file"].clone());
            }
            let reply = ask(&server, &caller, row, &fill);
            framed(&reply, row);
            if !documented(&api, row, reply.status) {
                wrong.push(format!(
                    "{} answers {}: describe it",
                    row.name(),
                    reply.status
                ));
            }
            if matches!(who, Who::Stranger | Who::StrangeDevice | Who::Suspended) {
                let body = String::from_utf8_lossy(&reply.body).to_lowercase();
                assert!(
                    !body.contains("mekong"),
                    "{} by {who:?}: {body}",
                    row.name()
                );
            }
            let (got, expected) = (outcome(&reply), expected(row, who, &fill));
            if got != expected {
                wrong.push(format!("{} by {who:?}: {got}, not {expected}", row.name()));
            }
            tried.insert((row.name(), who as usize));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        tried.len(),
        wrong.join("\n")
    );
    assert_eq!(tried.len(), ROWS.len() * Who::ALL.len());
    println!(
        "{} routes and methods × {} kinds of callers",
        ROWS.len(),
        Who::ALL.len()
    );
    Run::new("every role against every route", 0)
        .count("routes", ROWS.len() as u64)
        .count("callers", Who::ALL.len() as u64)
        .count("requests", tried.len() as u64)
        .keep_if_asked("attacks");
}
