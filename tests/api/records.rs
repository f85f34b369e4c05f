//! Records over HTTP: what people do with them, and who may.

use std::time::Duration;

use serde_json::{Value, json};
use tributary::service::By;
use tributary::service::access::Role;
use tributary_sync_core::clock::Clock;
use tributary_tests::harness::{Client, Organisation, TestServer};

use super::field::{Form, Phone, code, record, text, tombstone};

const CONTACT: &str = "safe_contact";

/// One interview that two phones of one worker's team answered crosswise: its maker, and another to whom it was assigned.
pub(crate) fn crossing(server: &TestServer, org: &Organisation<'_>, admin: &Client) -> Phone {
    let form = Form::publish(server, org);
    let mut dara = Phone::enrol(org, &form, "Dara");
    let (consent, contact) = (form.key("consent_store"), form.key(CONTACT));
    let made = dara.save(
        record(1),
        true,
        Clock::new(),
        vec![
            (consent, code("given")),
            (contact.clone(), text("call at noon")),
        ],
    );
    dara.push();
    let mut linh = Phone::enrol(org, &form, "Linh");
    let shown = get(admin, 1)["shown"].clone();
    let me = linh.device.client().get("/api/v1/device").expect(200);
    let user = me["user"]["id"].as_str().or(me["user"].as_str()).unwrap();
    let body = json!({"shown": shown, "assignee": format!("user:{user}")});
    admin.post(&at(1, "assign"), &body).expect(200);
    linh.push();
    let seen: Clock = [made].into_iter().collect();
    linh.save(
        record(1),
        false,
        Clock::new(),
        vec![(contact.clone(), text("<b>ຄຳ</b> never"))],
    );
    dara.save(
        record(1),
        false,
        seen,
        vec![(contact, text("call at night"))],
    );
    linh.push();
    dara.push();
    dara
}

fn at(n: u8, verb: &str) -> String {
    format!("/api/v1/records/{}/{verb}", record(n))
}

fn get(client: &Client, n: u8) -> Value {
    client
        .get(&format!("/api/v1/records/{}", record(n)))
        .expect(200)
}

#[test]
fn a_conflict_is_listed_shown_and_settled_once() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin).client;
    let mona = org.user("Mona", Role::Coordinator).client;
    crossing(&server, &org, &admin);
    let list = mona
        .post("/api/v1/records/list", &json!({"conflicts": true}))
        .expect(200);
    assert_eq!(list["items"][0]["id"], record(1).to_string());
    assert_eq!(list["items"][0]["maker_name"], "Dara");
    let seen = get(&mona, 1);
    let conflict = &seen["conflicts"][0];
    assert_eq!(
        conflict["question"]["label"],
        "What must we do and never do when we get in touch?"
    );
    let candidate = &conflict["candidates"][0];
    let given = &candidate["given"][0];
    assert!(["Dara", "Linh"].contains(&given["name"].as_str().unwrap()));
    let settle = json!({
        "shown": seen["shown"], "key": conflict["question"]["key"], "reason": "asked both",
        "candidate": {"actor": given["actor"], "seq": given["seq"]},
    });
    mona.post(&at(1, "settle"), &settle).expect(200);
    let changed = admin
        .post(&at(1, "settle"), &settle)
        .expect_problem("record_changed");
    assert_eq!(changed["changed"][0], conflict["question"]["key"]);
    assert_eq!(get(&mona, 1)["conflicts"], json!([]));
    mona.post(&at(1, "settle"), &json!({"shown": "nonsense"}))
        .expect_problem("field_invalid");
}

#[test]
fn lowering_a_consent_is_a_decision() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let mona = org.user("Mona", Role::Coordinator).client;
    let form = Form::publish(&server, &org);
    let consent = form.key("consent_store");
    let mut dara = Phone::enrol(&org, &form, "Dara");
    let answers = vec![
        (consent.clone(), code("withdrawn")),
        (form.key(CONTACT), text("hidden words")),
    ];
    let dot = dara.save(record(1), true, Clock::new(), answers);
    dara.push();
    let seen = get(&mona, 1);
    assert_eq!(seen["withheld"], true);
    assert!(!seen.to_string().contains("hidden words"));
    let lower = json!({"shown": seen["shown"], "key": consent.to_string(), "value": {"code": "given"}, "reason": "she agreed again"});
    let refused = mona
        .post(&at(1, "settle"), &lower)
        .expect_problem("lowering_refused");
    assert_eq!(refused["lowers"][0], consent.to_string());
    let mut decide = lower;
    decide["dots"] = json!([{"actor": dot.actor.0, "seq": dot.seq.get()}]);
    mona.post(&at(1, "decide"), &decide).expect(200);
    assert_eq!(get(&mona, 1)["withheld"], false);
}

#[test]
fn another_organisations_records_answer_as_absent_ones() {
    let server = TestServer::start();
    let org = server.organisation("mekong");
    let admin = org.user("Chi", Role::OrgAdmin).client;
    crossing(&server, &org, &admin);
    let shown = get(&admin, 1)["shown"].clone();
    let boss = server
        .organisation("river")
        .user("Boss", Role::OrgAdmin)
        .client;
    let bodies = [
        (
            "settle",
            json!({"shown": shown, "key": "f1", "value": {"text": "x"}, "reason": "x"}),
        ),
        (
            "decide",
            json!({"shown": shown, "key": "f1", "dots": [{"actor": 1, "seq": 1}], "value": {"text": "x"}, "reason": "x"}),
        ),
        ("assign", json!({"shown": shown, "assignee": null})),
        ("comment", json!({"shown": shown, "text": "x"})),
        ("approve", json!({"shown": shown})),
        ("reject", json!({"shown": shown, "reason": "x"})),
        ("return", json!({"shown": shown, "reason": "x"})),
        ("delete", json!({"shown": shown, "reason": "x"})),
        ("restore", json!({"shown": shown, "reason": "x"})),
        ("erase", json!({"reason": "other"})),
    ];
    for (verb, body) in bodies {
        for n in [1, 77] {
            boss.post(&at(n, verb), &body).expect_problem("not_found");
        }
    }
    for verb in ["restrict", "unrestrict"] {
        boss.post_nothing(&at(1, verb)).expect_problem("not_found");
    }
    boss.get(&format!("/api/v1/records/{}", record(1)))
        .expect_problem("not_found");
    let list = boss.post("/api/v1/records/list", &json!({})).expect(200);
    assert_eq!(list["items"], json!([]));
    boss.post_nothing("/api/v1/quarantine/1/release")
        .expect_problem("not_found");
}

#[test]
fn a_record_waits_before_its_erasure_as_long_as_its_organisation_says() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let chief = org.user("Chi", Role::OrgAdmin);
    crossing(&server, &org, &chief.client);
    let ripe = || {
        let told = chief.client.post_nothing(&at(1, "restrict")).expect(200);
        let day = |of: &str| {
            told[of]
                .as_str()
                .unwrap()
                .split_once('T')
                .unwrap()
                .0
                .to_owned()
        };
        [day("restricted_at"), day("erase_after")]
    };
    let set = |days| {
        server
            .service()
            .set_restriction_days(By::Operator, org.id, days)
    };
    assert_eq!(ripe(), ["2023-11-14", "2023-11-21"]);
    set(30).unwrap();
    assert_eq!(ripe()[1], "2023-11-21", "one in force keeps its day");
    chief.client.post_nothing(&at(1, "unrestrict")).expect(204);
    assert_eq!(ripe(), ["2023-11-14", "2023-12-14"]);
    assert!(set(0).is_err() && set(367).is_err());
}

#[test]
fn a_record_is_restricted_waits_and_is_erased_with_a_password_typed_just_now() {
    let server = TestServer::start_with_manual_clock();
    let org = server.organisation("mekong");
    let chief = org.user("Chi", Role::OrgAdmin);
    let mut dara = crossing(&server, &org, &chief.client);
    chief.client.post_nothing(&at(1, "restrict")).expect(200);
    let mona = org.user("Mona", Role::Coordinator);
    mona.client
        .get(&format!("/api/v1/records/{}", record(1)))
        .expect_problem("not_found");
    mona.client
        .get("/api/v1/audit")
        .expect_problem("not_allowed");
    let why = json!({"reason": "request"});
    let early = chief
        .client
        .post(&at(1, "erase"), &why)
        .expect_problem("erase_too_early");
    assert_eq!(early["records"][0], record(1).to_string());
    server.pass(Duration::from_secs(8 * 24 * 3_600));
    let refresh = json!({"refresh_token": chief.refresh_token});
    let tokens = server
        .client()
        .post("/api/v1/auth/refresh", &refresh)
        .expect(200);
    let stale = server
        .client()
        .with_token(tokens["access_token"].as_str().unwrap());
    stale
        .post(&at(1, "erase"), &why)
        .expect_problem("sign_in_again");
    let body = json!({"organisation": "mekong", "name": "Chi", "password": "four unrelated words"});
    let tokens = server
        .client()
        .post("/api/v1/auth/sign-in", &body)
        .expect(200);
    let fresh = server
        .client()
        .with_token(tokens["access_token"].as_str().unwrap());
    let report = fresh.post(&at(1, "erase"), &why).expect(200);
    assert_eq!(report["erased"][0]["tombstone"], tombstone(record(1)));
    assert_eq!(report["scrubbed"], true);
    assert_eq!(report["unconfirmed"].as_array().unwrap().len(), 2);
    dara.save(record(1), false, Clock::new(), vec![]);
    let reply = dara.push();
    assert_eq!(
        reply.results[0].status,
        tributary_sync_core::wire::message::Status::Erased
    );
    let later = fresh
        .get(&format!("/api/v1/erasures/{}", tombstone(record(1))))
        .expect(200);
    assert_eq!(later["erased"][0]["late_edits"], 1);
    let audit = fresh.get("/api/v1/audit?limit=1000").expect(200);
    assert!(!audit.to_string().contains(&record(1).to_string()));
    let actions: Vec<_> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["action"].as_str().unwrap())
        .collect();
    assert!(actions.contains(&"record.restrict") && actions.contains(&"record.erase"));
}
