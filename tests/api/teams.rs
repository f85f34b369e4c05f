//! Teams: what is assigned to them is on the phones of those who are in them, and on no others.

use serde_json::json;
use tributary::service::access::Role;
use tributary_sync_core::clock::Clock;
use tributary_sync_core::ids::RecordId;
use tributary_sync_core::wire::message::Entry;
use tributary_tests::harness::{Client, TestServer};

use super::field::{Form, Phone, code, record};

/// What a phone that asks for everything gets.
fn gets(phone: &mut Phone) -> Vec<RecordId> {
    let entries = phone.push().entries;
    let mut states: Vec<RecordId> = entries
        .iter()
        .filter_map(|e| match e {
            Entry::State { state, .. } => Some(state.id()),
            _ => None,
        })
        .collect();
    states.sort();
    states
}

fn assign(admin: &Client, n: u8, to: &str) {
    let path = format!("/api/v1/records/{}", record(n));
    let shown = admin.get(&path).expect(200)["shown"].clone();
    let body = json!({"shown": shown, "assignee": to});
    admin.post(&format!("{path}/assign"), &body).expect(200);
}

#[test]
fn what_a_team_has_follows_its_members_and_their_phones() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin).client;
    let form = Form::publish(&server, &org);
    let mut dara = Phone::enrol(&org, &form, "Dara");
    for n in [1, 2] {
        let consent = vec![(form.key("consent_store"), code("given"))];
        dara.save(record(n), true, Clock::new(), consent);
    }
    dara.push();
    let team = admin
        .post("/api/v1/teams", &json!({"name": "North"}))
        .expect(201);
    let team = team["id"].as_str().unwrap();
    assign(&admin, 1, &format!("team:{team}"));
    let lan = org.invite("Lan", Role::Worker);
    let mut phone = Phone::of(&org, &form, lan);
    assert_eq!(gets(&mut phone), []);
    let member = format!("/api/v1/teams/{team}/members/{lan}");
    admin.send("PUT", &member, &[], &[]).expect(200);
    assert_eq!(gets(&mut phone), [record(1)], "assigned before Lan joined");
    let mut second = Phone::of(&org, &form, lan);
    assert_eq!(gets(&mut second), [record(1)], "and before this phone came");
    // Kept out for a while; what is assigned meanwhile waits.
    let state = |word: &str| {
        let path = format!("/api/v1/users/{lan}/{word}");
        admin.post_nothing(&path).expect(200);
    };
    state("disable");
    assign(&admin, 2, &format!("user:{lan}"));
    assert_eq!(gets(&mut phone), []);
    state("enable");
    assert_eq!(gets(&mut phone), [record(1), record(2)]);
    admin.send("DELETE", &member, &[], &[]).expect(200);
    for phone in [&mut phone, &mut second] {
        assert_eq!(gets(phone), [record(2)], "Lan is not in the team any more");
    }
}
