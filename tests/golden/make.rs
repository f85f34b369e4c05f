//! Makes the golden folder of the version that runs: an organisation, two phones whose answers cross, a conflict, a
//! settled one, a deletion, an erasure, one body in quarantine, and on each phone one change that was not sent yet.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tributary::service::By;
use tributary::service::access::Role;
use tributary_native::answers::Answers;
use tributary_native::clock::SetClock;
use tributary_native::{Device, Quiet};
use tributary_sync_core::ids::{RecordId, UserId};
use tributary_tests::harness::{Organisation, TestServer, TestUser};

use super::{copy, downloads, lead};

pub(super) const ORGANISATION: &str = "mekong";
pub(super) const COORDINATOR: &str = "Mona";
const CHIEF: &str = "Chi";
pub(super) const PHONES: [&str; 2] = ["phone-dara", "phone-linh"];
/// What was written on each phone and not sent before the folder was made.
pub(super) const UNSENT: [&str; 2] = ["ຍັງບໍ່ໄດ້ສົ່ງ", "chưa gửi"];
const PHONE_MS: u64 = 1_699_990_000_000;

fn answers(given: &[&str]) -> Answers {
    let mut answers = Answers::default();
    given.iter().for_each(|a| answers.set(a).unwrap());
    answers
}

fn enrol(server: &TestServer, org: &Organisation<'_>, user: UserId, home: &Path) -> Device {
    let code = server
        .service()
        .enrol_code(By::Operator, org.id, user, None)
        .unwrap();
    let (_, rest) = code.link.split_once("/enrol#").unwrap();
    let link = format!("{}/enrol#{rest}", server.url());
    let mut device = Device::open_with(home, Arc::new(SetClock::new(PHONE_MS))).unwrap();
    device.enrol(&link.parse().unwrap(), None).unwrap();
    lead(&mut device, server);
    device
}

/// Something that is done with a record as it is now.
fn act(user: &TestUser, record: RecordId, verb: &str, mut body: serde_json::Value) {
    let path = format!("/api/v1/records/{record}");
    let seen = user.client.get(&path).expect(200);
    body["shown"] = seen["shown"].clone();
    if verb == "settle" {
        let question = &seen["conflicts"][0];
        let given = &question["candidates"][0]["given"][0];
        body["key"] = question["question"]["key"].clone();
        body["candidate"] = json!({"actor": given["actor"], "seq": given["seq"]});
    }
    user.client
        .post(&format!("{path}/{verb}"), &body)
        .expect(200);
}

/// What a worker does who looks at an interview and changes it.
fn edit(device: &mut Device, record: RecordId, given: &[&str]) {
    device.look(record).unwrap();
    device.edit(record, &answers(given)).unwrap();
}

fn sync(device: &mut Device) {
    device.sync(&mut Quiet).unwrap();
}

pub(super) fn make(folder: &Path) {
    let mut server = TestServer::start_with_manual_clock();
    let phones = tempfile::tempdir().unwrap();
    work(&server, &phones);
    // Another process writes nothing more, and what was written stands in the files themselves.
    server.restart();
    let [csv, lines] = downloads(&server);
    let data = server.stop();
    std::fs::create_dir_all(folder).unwrap();
    copy(data.path(), &folder.join("server"));
    PHONES
        .iter()
        .for_each(|p| copy(&phones.path().join(p), &folder.join(p)));
    std::fs::write(folder.join("merged.csv"), csv).unwrap();
    std::fs::write(folder.join("merged.jsonl"), lines).unwrap();
}

fn work(server: &TestServer, phones: &TempDir) {
    let org = server.organisation(ORGANISATION);
    let (service, chief) = (server.service(), org.user(CHIEF, Role::OrgAdmin));
    let mona = org.user(COORDINATOR, Role::Coordinator);
    service
        .publish_builtin_interview(By::Operator, org.id)
        .unwrap();
    let (dara_id, linh_id) = (
        org.invite("Dara", Role::Worker),
        org.invite("Linh", Role::Worker),
    );
    let mut dara = enrol(server, &org, dara_id, &phones.path().join(PHONES[0]));
    let mut linh = enrol(server, &org, linh_id, &phones.path().join(PHONES[1]));
    let form = dara.form(None).unwrap();
    let given: Vec<_> = ["ສຸກສະຫວັນ", "សុខា", "စန္ဒာ", "=1+1", "NA"]
        .iter()
        .map(|contact| {
            let contact = format!("safe_contact={contact}");
            let all = [
                "consent_store=given",
                &contact,
                "fee_amount=1200.50",
                "journey_legs[+].leg_from=KH",
                "journey_legs[+].leg_to=TH",
                "journey_legs[+].leg_date=2023-10-01",
                "_status=complete",
            ];
            dara.create(&form, &answers(&all)).unwrap().0
        })
        .collect();
    let [crossed, settled, deleted, erased, withheld] = given[..] else {
        unreachable!("five")
    };
    sync(&mut dara);
    let to_linh = json!({"assignee": format!("user:{linh_id}")});
    given
        .iter()
        .for_each(|r| act(&mona, *r, "assign", to_linh.clone()));
    sync(&mut linh);
    for record in [crossed, settled] {
        edit(&mut dara, record, &["safe_contact=by night"]);
        edit(&mut linh, record, &["safe_contact=never at home"]);
    }
    edit(&mut linh, withheld, &["consent_store=withdrawn"]);
    sync(&mut dara);
    sync(&mut linh);
    act(&mona, settled, "settle", json!({"reason": "asked both"}));
    act(&mona, deleted, "delete", json!({"reason": "entered twice"}));
    erase(server, &chief, erased);
    revoked(server, &org, phones);
    sync(&mut dara);
    sync(&mut linh);
    for (device, record, words) in [
        (&mut dara, crossed, UNSENT[0]),
        (&mut linh, settled, UNSENT[1]),
    ] {
        edit(device, record, &[&format!("notes={words}")]);
    }
}

fn erase(server: &TestServer, chief: &TestUser, record: RecordId) {
    let path = format!("/api/v1/records/{record}");
    chief
        .client
        .post_nothing(&format!("{path}/restrict"))
        .expect(200);
    server.pass(Duration::from_secs(8 * 24 * 3_600));
    let chief = server.sign_in(ORGANISATION, CHIEF, chief.id);
    chief
        .client
        .post(&format!("{path}/erase"), &json!({"reason": "request"}))
        .expect(200);
}

/// A lost phone: what it sends after it was revoked waits in quarantine.
fn revoked(server: &TestServer, org: &Organisation<'_>, phones: &TempDir) {
    let chan = org.invite("Chan", Role::Worker);
    let mut lost = enrol(server, org, chan, &phones.path().join("phone-lost"));
    let form = lost.form(None).unwrap();
    lost.create(
        &form,
        &answers(&["consent_store=given", "_status=complete"]),
    )
    .unwrap();
    let profile = lost.profile().unwrap().profile;
    server
        .service()
        .revoke_device(By::Operator, org.id, profile)
        .unwrap();
    lost.sync(&mut Quiet).unwrap();
}
