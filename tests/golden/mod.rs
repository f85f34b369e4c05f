//! Data that an earlier version wrote, as it lies on the disks of people: `vN/` holds a server's whole data folder, the
//! folders of two phones, and what was downloaded then. Every later version opens them, changes nothing that was
//! answered, and lets the phones go on.
//!
//! A folder is made once, by the version that it is named after, and never again:
//! `TRIBUTARY_BLESS=1 cargo test -p tributary-tests --test all golden` makes the one that is missing.
//! Its keys are of these tests alone.

mod make;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tempfile::TempDir;
use tributary::service::check::check;
use tributary_native::clock::SetClock;
use tributary_native::https::Https;
use tributary_native::{Device, Quiet};
use tributary_sync_core::ids::UserId;
use tributary_tests::harness::TestServer;

/// The stored form that this version writes. A change of it is a new number, and a migration.
const STORED_FORM: u32 = 2;
/// When the later version runs: 2026-09-14.
const LATER_MS: u64 = 1_789_344_000_000;

fn folder(version: u32) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("golden/v{version}"))
}

/// Copies a folder; what is secret stays the owner's.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    owners(to, 0o700);
    for entry in std::fs::read_dir(from).unwrap() {
        let (source, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).unwrap();
            owners(&target, 0o600);
        }
    }
}

fn owners(path: &Path, mode: u32) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = (path, mode);
}

/// A server of this version over the golden data folder.
fn server(version: u32) -> TestServer {
    let data = tempfile::tempdir().unwrap();
    copy(&folder(version).join("server"), data.path());
    let report = check(
        &tributary::storage::folder::DataFolder::at(data.path()),
        &mut |_| (),
    )
    .unwrap();
    assert!(report.sound, "{report:?}");
    TestServer::over(data, LATER_MS)
}

/// A phone of the golden folder, led to where the server answers now.
fn phone(version: u32, name: &str, server: &TestServer, place: &TempDir) -> Device {
    let home = place.path().join(name);
    copy(&folder(version).join(name), &home);
    let clock = Arc::new(SetClock::new(LATER_MS));
    let mut device = Device::open_with(&home, clock).unwrap();
    lead(&mut device, server);
    device
}

fn lead(device: &mut Device, server: &TestServer) {
    let proof = device.account().unwrap().proof();
    let there = Https::new(server.url(), &proof).unwrap();
    device.set_transport(|_| Box::new(there)).unwrap();
}

/// Both downloads, as the coordinator gets them.
fn downloads(server: &TestServer) -> [Vec<u8>; 2] {
    let mona = server
        .sign_in(make::ORGANISATION, make::COORDINATOR, UserId::default())
        .client;
    ["csv", "json_lines"].map(|format| {
        let options = json!({"format": format, "states": ["draft", "complete"], "deleted": true});
        let reply = mona.post("/api/v1/exports/outreach_interview", &options);
        assert_eq!(
            reply.status,
            200,
            "{}",
            String::from_utf8_lossy(&reply.body)
        );
        reply.body
    })
}

fn downloaded(version: u32) -> [Vec<u8>; 2] {
    ["merged.csv", "merged.jsonl"].map(|f| std::fs::read(folder(version).join(f)).unwrap())
}

#[track_caller]
fn same(now: &[Vec<u8>; 2], then: &[Vec<u8>; 2]) {
    for (now, then) in now.iter().zip(then) {
        let (now, then) = (String::from_utf8_lossy(now), String::from_utf8_lossy(then));
        for (now, then) in now.lines().zip(then.lines()) {
            assert_eq!(now, then);
        }
        assert_eq!(now.len(), then.len());
    }
}

#[test]
fn golden_folders_open_whole_and_give_the_downloads_of_their_day() {
    if std::env::var_os("TRIBUTARY_BLESS").is_some() && !folder(STORED_FORM).exists() {
        make::make(&folder(STORED_FORM));
    }
    for version in 1..=STORED_FORM {
        same(&downloads(&server(version)), &downloaded(version));
    }
}

#[test]
fn phones_of_a_golden_folder_bring_what_they_had_not_sent_and_go_on() {
    for version in 1..=STORED_FORM {
        let (server, place) = (server(version), tempfile::tempdir().unwrap());
        for name in make::PHONES {
            let mut device = phone(version, name, &server, &place);
            assert_eq!(device.summary().unwrap().unsent, 1, "{name}");
            device.sync(&mut Quiet).unwrap();
            assert_eq!(device.summary().unwrap().unsent, 0, "{name}");
        }
        let [csv, _] = downloads(&server);
        let csv = String::from_utf8(csv).unwrap();
        assert!(
            csv.contains(make::UNSENT[0]) && csv.contains(make::UNSENT[1]),
            "{csv}"
        );
        let data = server.data();
        let folder = server.stop();
        let report = check(&data, &mut |_| ()).unwrap();
        assert!(report.sound, "{report:?}");
        drop(folder);
    }
}
