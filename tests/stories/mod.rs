//! Whole stories through the real programs: a stranger's first hour, processes killed in the middle of everything, forms
//! of other people.
//!
//! Not here: the rules one by one, which stand with the code; disasters over a clock that is moved by hand, which are
//! the simulation's.

mod folder;
mod htcds;
mod keys;
mod kills;
mod looks;
mod lost;
mod restore;
mod stranger;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tributary::service::ambient::System;
use tributary::service::{Service, ServiceOptions};
use tributary::storage::StorageError;
use tributary_native::Device;
use tributary_native::clock::SetClock;
use tributary_sync_core::session::Whereabouts;
use tributary_tests::harness::{Client, Installation, field};

/// 2024-07-01, the time on the phones: waiting for a bad link costs nothing there.
const PHONE_TIME: u64 = 1_719_800_000_000;

/// The device of a folder, with a clock that never waits.
fn device(home: &Path) -> Device {
    Device::open_with(home, Arc::new(SetClock::new(PHONE_TIME))).unwrap()
}

/// Every change on the device was acknowledged, and stands in the server's file under its number and hash.
fn nothing_is_lost(here: &Installation, device: &Device) -> usize {
    let data = here.data();
    let service = Service::open(&data, ServiceOptions::default(), Arc::new(System::new())).unwrap();
    let org = service.organisation_named("first").unwrap().id;
    let mut seen = 0;
    for record in device.records().unwrap() {
        for (own, place) in device.show(record).unwrap().own {
            let stored = matches!(place, Whereabouts::Stored | Whereabouts::Copied);
            assert!(stored, "{:?} is {place:?}", own.dot);
            let found = service.files().read::<_, StorageError>(org, |txn| {
                let no = txn.record_no(record)?.expect("the record");
                Ok((txn.item(own.dot)?, txn.change_by_dot(no, own.dot)?))
            });
            let (item, change) = found.unwrap();
            assert_eq!(item.expect("its number").hash, own.hash);
            assert!(change.is_some(), "{:?} is not in the log", own.dot);
            seen += 1;
        }
    }
    seen
}

/// A worker with a phone, enrolled by a link.
fn phone(here: &Installation, name: &str) -> PathBuf {
    let home = here.place(name);
    field(&home, &["enrol", &here.worker_link(name)]);
    home
}

/// A complete interview with live consent, recorded on a device; the record's id.
fn interview(home: &Path, notes: &str) -> String {
    let notes = format!("notes={notes}");
    let consent = ["--set", "consent_store=given"];
    let status = ["--set", "_status=complete"];
    let answers = ["new", "--set", &notes];
    recorded(&field(home, &[&answers[..], &consent, &status].concat()))
}

/// The record's id in what `tributary-field new` says.
fn recorded(said: &str) -> String {
    let id = said.split_once("Recorded as ").unwrap().1;
    id.split('.').next().unwrap().to_owned()
}

/// The user of that name.
fn user(admin: &Client, name: &str) -> String {
    let users = admin.get("/api/v1/users").expect(200);
    let mut users = users["items"].as_array().unwrap().iter();
    let found = users.find(|u| u["name"] == name).unwrap();
    found["id"].as_str().unwrap().to_owned()
}

/// Gives a record to a user too.
fn assign(admin: &Client, record: &str, name: &str) {
    let path = format!("/api/v1/records/{record}");
    let shown = admin.get(&path).expect(200)["shown"].clone();
    let assignee = format!("user:{}", user(admin, name));
    let body = json!({"shown": shown, "assignee": assignee});
    admin.post(&format!("{path}/assign"), &body).expect(200);
}

/// The whole dataset of a form, as a coordinator downloads it.
fn downloaded(admin: &Client, form: &str) -> String {
    let path = format!("/api/v1/exports/{form}");
    let reply = admin.post(&path, &json!({}));
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.body).unwrap()
}

/// The files below a folder that hold these bytes.
fn files_with(folder: &Path, bytes: &[u8]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, bytes));
        } else {
            let content = std::fs::read(&path).unwrap();
            if content.windows(bytes.len()).any(|part| part == bytes) {
                found.push(path);
            }
        }
    }
    found
}
