//! One organisation knows another by heart: every id of it at every route answers as one that was never there, byte for
//! byte; nothing of it is heard, and nothing of it is changed.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tributary_tests::harness::{Reply, TestServer};
use tributary_tests::reliability::Run;

use super::estate::{Caller, Estate, Fill, ask, two};
use super::table::{Kind, ROWS, Row, Who};

/// The places where another organisation's id may stand, each with one that nobody has.
fn absent(name: &str, home: &Estate<'_>, shown: &str) -> Option<String> {
    Some(match name {
        "record" | "user" | "spare" | "spare_device" | "team" | "epoch" | "proposal"
        | "second_proposal" => "12".repeat(16),
        "hash" | "tombstone" => "12".repeat(32),
        "form" => "only-absent".to_owned(),
        "actor" => "4000000001".to_owned(),
        "judged" => "77".to_owned(),
        "shown" => {
            let shown = String::from_utf8(URL_SAFE_NO_PAD.decode(shown).unwrap()).unwrap();
            URL_SAFE_NO_PAD.encode(shown.replace(&home.fill["epoch"], &"12".repeat(16)))
        }
        _ => return None,
    })
}

/// The names of the places in a row.
fn places(row: &Row) -> Vec<&'static str> {
    let mut found: Vec<&str> = [row.path, row.body]
        .iter()
        .flat_map(|text| text.split('{').skip(1))
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .filter(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

/// An answer without what differs between any two.
fn shape(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let mut headers = reply.headers.clone();
    headers.retain(|(name, _)| name != "x-request-id" && name != "date");
    headers.sort();
    let body = match serde_json::from_slice::<Value>(&reply.body) {
        Ok(Value::Object(mut members)) => {
            members.remove("request_id");
            members.remove("server_time");
            Value::Object(members).to_string()
        }
        _ => String::from_utf8_lossy(&reply.body).into_owned(),
    };
    (reply.status, headers, body)
}

/// That two answers are the same to the byte, but for what differs between any two.
#[track_caller]
fn alike(foreign: &Reply, absent: &Reply, what: &str) {
    let start = |text: String| text.chars().take(2_000).collect::<String>();
    let (left, right) = (shape(foreign), shape(absent));
    let same = left == right;
    let (left, right) = (start(format!("{left:?}")), start(format!("{right:?}")));
    assert!(same, "{what}\n theirs: {left}\n absent: {right}");
}

/// That nothing of the organisation stands in an answer: neither its words nor its ids.
#[track_caller]
fn silent(reply: &Reply, home: &Estate<'_>, what: &str) {
    let mut all = String::from_utf8_lossy(&reply.body).into_owned();
    for (name, value) in &reply.headers {
        all.push_str(&format!("\n{name}: {value}"));
    }
    assert!(!all.to_lowercase().contains("mekong"), "{what}: {all}");
    for (name, id) in home
        .fill
        .iter()
        .filter(|(_, id)| id.len() >= 32 && !id.starts_with("abab"))
    {
        assert!(
            *name == "chain" || !all.contains(id.as_str()),
            "{what}: its {name} is in {all}"
        );
    }
}

/// The bytes of an organisation's file and of what stands beside it.
fn file_of(server: &TestServer, home: &Estate<'_>) -> Vec<[u8; 32]> {
    let folder = server.data().path().join("org");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.retain(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with(&home.org.id.to_string()) && !name.ends_with("-shm")
    });
    files.sort();
    assert!(!files.is_empty());
    files
        .iter()
        .map(|f| Sha256::digest(std::fs::read(f).unwrap()).into())
        .collect()
}

/// What the directory knows of it, as its own admin sees it.
fn directory_of(home: &Estate<'_>) -> Vec<Value> {
    let admin = &home.callers["admin"].client;
    ["users", "devices", "teams", "forms"]
        .map(|noun| admin.get(&format!("/api/v1/{noun}")).expect(200))
        .to_vec()
}

/// Who of the other organisation attacks at a row.
fn attackers<'e>(other: &'e Estate<'_>, row: &Row) -> Vec<(&'static str, &'e Caller)> {
    let names: &[&str] = match row.letter(Who::Device) {
        _ if row.kind == Kind::Page => &["admin", "coordinator", "worker"],
        '+' | 'r' if row.letter(Who::OrgAdmin) == 'x' => &["device", "revoked"],
        _ => &["admin", "coordinator", "reviewer", "worker"],
    };
    names.iter().map(|n| (*n, &other.callers[n])).collect()
}

#[test]
fn what_is_anothers_answers_as_what_was_never_there() {
    let server = TestServer::start_with_manual_clock();
    let (home, other) = two(&server);
    let (directory, shown) = (directory_of(&home), home.shown());
    let file = file_of(&server, &home);
    let mut asked = BTreeMap::<&str, usize>::new();
    for row in ROWS {
        for place in places(row) {
            let Some(never) = absent(place, &home, &shown) else {
                continue;
            };
            if place == "shown" && row.path.ends_with("restrict") {
                continue; // Hiding looks at nothing that was shown.
            }
            let theirs = match place {
                "shown" => shown.clone(),
                // The third that waits: the others have two.
                "judged" => "3".to_owned(),
                _ => home.fill[place].clone(),
            };
            for (who, caller) in attackers(&other, row) {
                let mut fill: Fill = other.fill.clone();
                fill.insert("n", "x".to_owned());
                fill.entry("shown").or_insert_with(|| other.shown());
                let mut send = |id: &str| {
                    fill.insert(place, id.to_owned());
                    ask(&server, caller, row, &fill)
                };
                let what = format!("{} with their {place} by {who}", row.name());
                let (foreign, absent) = (send(&theirs), send(&never));
                alike(&foreign, &absent, &what);
                silent(&foreign, &home, &what);
                *asked.entry(place).or_default() += 1;
            }
        }
    }
    assert_eq!(
        file_of(&server, &home),
        file,
        "nothing of theirs was written"
    );
    assert_eq!(directory_of(&home), directory);
    let metrics = server.client().get("/metrics");
    silent(&metrics, &home, "/metrics");
    let attacks = asked.values().sum::<usize>();
    println!("{attacks} attacks: {asked:?}");
    Run::new("one organisation against another, all its ids known", 0)
        .count("requests", attacks as u64)
        .keep_if_asked("attacks");
    assert!(asked.len() >= 12, "{asked:?}");
}

/// What travels inside a sync: whose number, whose epoch, whose cursor.
#[test]
fn a_phone_of_another_organisation_gets_nothing_by_their_numbers_epochs_and_cursors() {
    let server = TestServer::start_with_manual_clock();
    let (mut home, mut other) = two(&server);
    let client = other.callers["device"].client.clone();
    let exchange = |body: &Value| client.post("/sync/v1/exchange", body);
    let own: Value = serde_json::from_str(&other.exchange()).unwrap();
    let theirs: Value = serde_json::from_str(&home.exchange()).unwrap();
    let reply = home.callers["device"]
        .client
        .post("/sync/v1/exchange", &theirs)
        .expect(200);
    let own_reply = exchange(&own).expect(200);
    let file = file_of(&server, &home);
    let their_cursor = reply["cursor"].clone();
    assert!(their_cursor.is_string(), "{reply}");
    let mut altered = their_cursor.as_str().unwrap().to_owned();
    let last = if altered.ends_with('A') { 'B' } else { 'A' };
    altered.pop();
    altered.push(last);
    let mut never = "12".repeat(16);
    for (what, foreign, absent) in [
        ("actor", theirs["actor"].clone(), json!(4_000_000_001_u32)),
        ("epoch", theirs["epoch"].clone(), json!(never)),
        ("cursor", their_cursor, json!(altered)),
        ("head", reply["head"].clone(), {
            let mut head = own_reply["head"].clone();
            head["sig"] = reply["head"]["sig"].clone();
            head
        }),
    ] {
        let with = |value: Value| {
            let mut body = own.clone();
            body[what] = value;
            exchange(&body)
        };
        let (foreign, absent) = (with(foreign), with(absent));
        assert!(
            foreign.status >= 400,
            "{what}: {}",
            String::from_utf8_lossy(&foreign.body)
        );
        alike(&foreign, &absent, what);
        silent(&foreign, &home, what);
    }
    // Their whole request as it stands, and one by nobody.
    let mut nobodys = theirs.clone();
    nobodys["actor"] = json!(4_000_000_001_u32);
    nobodys["epoch"] = json!(never);
    alike(&exchange(&theirs), &exchange(&nobodys), "their request");
    // Cursors of downloads and of lists.
    let admin = &other.callers["admin"].client;
    let download = |client: &tributary_tests::harness::Client, form: &str, body: Value| {
        client.post(&format!("/api/v1/exports/{form}"), &body)
    };
    let theirs = download(
        &home.callers["admin"].client,
        "outreach_interview",
        json!({}),
    );
    let cursor = theirs.header("tributary-cursor").unwrap().to_owned();
    assert_eq!(theirs.status, 200);
    let since = download(admin, "outreach_interview", json!({"since": cursor}));
    let (epoch, position) = cursor.split_at(32);
    assert_eq!(epoch, home.fill["epoch"], "{cursor}");
    never.push_str(position);
    let absent = download(admin, "outreach_interview", json!({"since": never}));
    alike(&since, &absent, "since");
    since.expect_problem("export_cursor_invalid");
    let list = |client: &tributary_tests::harness::Client, next: &Value| {
        let mut body = json!({"limit": 1, "restricted": true});
        if next.is_string() {
            body["next"] = next.clone();
        }
        client.post("/api/v1/records/list", &body)
    };
    let next = list(&home.callers["admin"].client, &Value::Null).expect(200)["next"].clone();
    assert!(next.is_string());
    silent(&list(admin, &next), &home, "next of a list");
    assert_eq!(file_of(&server, &home).len(), file.len());
}
