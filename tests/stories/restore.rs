//! The disk is lost, or was rolled back: copies, restores and epochs by the programs' own commands, while phones know more.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;
use tributary::service::ambient::{Ambient, Manual, System};
use tributary::service::names::Secret;
use tributary::service::sign_in::SignIn;
use tributary::service::{Service, ServiceOptions};
use tributary_native::Device;
use tributary_tests::harness::{Installation, PASSWORD, field, field_fails};

use super::{assign, downloaded, files_with, interview, nothing_is_lost, phone};

const FORM: &str = "outreach_interview";
const WEEK_AND_A_DAY_MS: u64 = 8 * 24 * 60 * 60 * 1_000;
/// Words of a person who will ask to be erased, on the server and on a phone that does not hear of it in time.
const ERASED: &str = "คำที่ต้องหายไป";
const STALE: &str = "ຄຳທີ່ມາຊ້າ";

/// Whose waiting time is over: restricted a week and a day ago, by a clock that is only here. Then erased by the server.
fn erase(here: &Installation, record: &str) {
    let clock = Manual::at(System::new().now() - WEEK_AND_A_DAY_MS);
    let service = Service::open(&here.data(), ServiceOptions::default(), Arc::new(clock)).unwrap();
    let admin = SignIn {
        organisation: "first".to_owned(),
        name: "admin".to_owned(),
        password: Secret::new(PASSWORD.to_owned()),
    };
    let signed = service.sign_in(&admin, IpAddr::V4(Ipv4Addr::LOCALHOST));
    let claim = service.user_claim(&signed.unwrap().access_token).unwrap();
    let user = service.user(claim).unwrap();
    let desk = service.desk(&user).unwrap();
    desk.restrict(record.parse().unwrap()).unwrap();
    drop(service);
    let body = json!({"reason": "request"});
    let path = format!("/api/v1/records/{record}/erase");
    let report = here.admin().post(&path, &body).expect(200);
    assert_eq!(report["scrubbed"], true);
}

fn sync(home: &Path) -> String {
    field(home, &["sync", "--quiet"])
}

fn edit(home: &Path, record: &str, notes: &str) {
    field(home, &["show", record]);
    field(home, &["edit", record, "--set", &format!("notes={notes}")]);
}

/// Nothing waits on the phone, and it says so.
fn at_rest(home: &Path) {
    let status = field(home, &["status"]);
    assert!(status.contains("Changes only here: 0"), "{status}");
    assert!(!status.contains("Do not delete anything"), "{status}");
}

fn is_gone(folder: &Path) {
    for words in [ERASED, STALE] {
        let left = files_with(folder, words.as_bytes());
        assert_eq!(left, Vec::<PathBuf>::new(), "{words} is still there");
    }
}

/// Two phones that share a record; a copy of it all; then both go on, one of them far from any network, and the shared
/// record is erased.
struct Drill {
    here: Installation,
    copies: PathBuf,
    near: PathBuf,
    far: PathBuf,
    doomed: String,
}

impl Drill {
    fn begun() -> Self {
        let mut here = Installation::init();
        here.serve();
        here.run(&["form", "publish"]);
        let (near, far) = (phone(&here, "Sokha Chan"), phone(&here, "Nok"));
        let kept = interview(&near, "first night");
        let doomed = interview(&near, ERASED);
        sync(&near);
        assign(&here.admin(), &doomed, "Nok");
        sync(&far);
        let copies = here.place("copies");
        here.run(&["backup", "--to", copies.to_str().unwrap()]);
        // Whatever comes now is in no copy.
        edit(&near, &kept, "second night");
        interview(&far, "after the copy");
        sync(&near);
        sync(&far);
        edit(&far, &doomed, STALE);
        interview(&far, "far from any network");
        erase(&here, &doomed);
        is_gone(&here.place("data"));
        Self {
            here,
            copies,
            near,
            far,
            doomed,
        }
    }
    fn lose_the_folder(&mut self) {
        self.here.kill();
        std::fs::remove_dir_all(self.here.place("data")).unwrap();
    }
    fn restore(&self, more: &[&str]) -> String {
        let from = self.copies.to_str().unwrap();
        let said = self
            .here
            .run(&[&["restore", "--from", from], more].concat());
        self.here.run(&["check"]);
        said
    }
    /// Everything is back, nothing erased is anywhere.
    fn ends(mut self) {
        for home in [&self.near, &self.far] {
            at_rest(home);
            is_gone(home);
            let list = field(home, &["list"]);
            assert!(!list.contains(&self.doomed), "{list}");
        }
        is_gone(&self.here.place("data"));
        let csv = downloaded(&self.here.admin(), FORM);
        assert_eq!(csv.lines().count(), 4, "{csv}");
        for words in ["second night", "after the copy", "far from any network"] {
            assert!(csv.contains(words), "{words} is missing: {csv}");
        }
        self.here.end();
        is_gone(&self.here.place("data"));
        let made = [&self.near, &self.far]
            .map(|home| nothing_is_lost(&self.here, &Device::open(home).unwrap()));
        assert_eq!(made, [2, 2]);
    }
}

#[test]
fn a_lost_folder_is_restored_and_phones_bring_back_what_came_later() {
    let mut drill = Drill::begun();
    // This phone hears of the erasure and keeps the signed proof; no later copy knows of it.
    sync(&drill.near);
    is_gone(&drill.near);
    drill.lose_the_folder();
    let said = drill.restore(&[]);
    assert!(said.contains("in the new epoch"), "{said}");
    drill.here.serve();
    // The phone that never heard of it comes first, and brings its edit.
    let said = sync(&drill.far);
    assert!(said.contains("The server was restored"), "{said}");
    sync(&drill.near);
    is_gone(&drill.here.place("data"));
    sync(&drill.far);
    drill.ends();
}

#[test]
fn an_older_copy_is_restored_only_when_told_and_the_ledger_erases_again() {
    let mut drill = Drill::begun();
    drill
        .here
        .run(&["backup", "--to", drill.copies.to_str().unwrap()]);
    drill.lose_the_folder();
    let mut sets: Vec<PathBuf> = std::fs::read_dir(&drill.copies)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|set| set.join("manifest.json").is_file())
        .collect();
    sets.sort();
    let [older, _] = <[_; 2]>::try_from(sets).unwrap();
    let older = older.to_str().unwrap();
    let refused = drill.here.fails(&["restore", "--from", older]);
    assert!(refused.contains("--older-copy"), "{refused}");
    let said = drill
        .here
        .run(&["restore", "--from", older, "--older-copy"]);
    assert!(
        said.contains("1 record(s) in it had been erased since"),
        "{said}"
    );
    is_gone(&drill.here.place("data"));
    drill.here.serve();
    sync(&drill.far);
    sync(&drill.near);
    drill.ends();
}

/// The data folder as it was, put in the place of what is there now.
fn roll_back(here: &mut Installation, to: &Path) {
    here.kill();
    std::fs::remove_dir_all(here.place("data")).unwrap();
    copy(to, &here.place("data"));
    here.serve();
}

fn copy(from: &Path, to: &Path) {
    let done = std::process::Command::new("cp")
        .arg("-a")
        .args([from, to])
        .status();
    assert!(done.unwrap().success());
}

#[test]
fn a_rolled_back_folder_writes_nothing_until_an_epoch_is_opened() {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    let (near, far) = (phone(&here, "Sokha Chan"), phone(&here, "Nok"));
    interview(&far, "before");
    sync(&far);
    here.kill();
    let before = here.place("before");
    copy(&here.place("data"), &before);
    here.serve();
    interview(&near, "acknowledged, then rolled back");
    sync(&near);
    roll_back(&mut here, &before);

    // Who was shown nothing newer cannot know; who was, stops it.
    interview(&far, "written over the gap");
    sync(&far);
    interview(&near, "waits");
    interview(&far, "waits too");
    for home in [&near, &far] {
        let refused = field_fails(home, &["sync", "--quiet"]);
        assert!(refused.contains("stopped writing"), "{refused}");
        assert!(refused.contains("All you recorded is safe"), "{refused}");
    }
    let copies = here.place("copies");
    let copies = copies.to_str().unwrap();
    let withheld = here.fails(&["backup", "--to", copies]);
    assert!(withheld.contains("NOT copied"), "{withheld}");
    here.kill();
    let said = here.run(&["epoch", "open", "--org", "first"]);
    assert!(said.contains("first writes again"), "{said}");
    here.serve();
    for home in [&near, &far] {
        let said = sync(home);
        assert!(said.contains("The server was restored"), "{said}");
        at_rest(home);
    }
    here.run(&["backup", "--to", copies]);
    let csv = downloaded(&here.admin(), FORM);
    assert_eq!(csv.lines().count(), 6, "{csv}");
    here.end();
    let made = [&near, &far].map(|home| nothing_is_lost(&here, &Device::open(home).unwrap()));
    assert_eq!(made, [2, 3]);
}

#[test]
fn a_folder_older_than_the_newest_copy_is_not_copied_and_the_epoch_opens_from_the_copy() {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    let near = phone(&here, "Sokha Chan");
    here.kill();
    let before = here.place("before");
    copy(&here.place("data"), &before);
    here.serve();
    interview(&near, "in the copy");
    sync(&near);
    let copies = here.place("copies");
    let copies = copies.to_str().unwrap();
    here.run(&["backup", "--to", copies]);
    interview(&near, "in no copy");
    sync(&near);
    roll_back(&mut here, &before);

    let withheld = here.fails(&["backup", "--to", copies]);
    assert!(withheld.contains("rolled back"), "{withheld}");
    interview(&near, "waits");
    let refused = field_fails(&near, &["sync", "--quiet"]);
    assert!(refused.contains("stopped writing"), "{refused}");
    here.kill();
    let said = here.run(&["epoch", "open", "--org", "first", "--from", copies]);
    assert!(said.contains("restored from"), "{said}");
    here.serve();
    sync(&near);
    at_rest(&near);
    here.run(&["backup", "--to", copies]);
    here.end();
    assert_eq!(nothing_is_lost(&here, &Device::open(&near).unwrap()), 3);
}
