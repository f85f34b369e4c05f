//! A phone is lost and revoked; another one is emptied; a third hands over a file. What each is told, and what the server
//! makes of it.

use std::path::Path;
use std::sync::mpsc;

use tributary_native::Device;
use tributary_tests::harness::{Installation, Reply, Way, field, field_fails, tributary_command};

use super::{downloaded, files_with, interview, nothing_is_lost, phone};

const FORM: &str = "outreach_interview";

fn begun() -> Installation {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    here
}

fn sync(home: &Path) -> String {
    field(home, &["sync", "--quiet"])
}

#[track_caller]
fn status_says(home: &Path, what: &[&str]) {
    let status = field(home, &["status"]);
    for line in what {
        assert!(status.contains(line), "{line} is missing in:\n{status}");
    }
}

/// The id of the only device, as the program lists it.
fn only_device(here: &Installation) -> String {
    let list = here.run(&["device", "list"]);
    let is_id = |word: &&str| word.len() == 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let ids: Vec<&str> = list.split_whitespace().filter(is_id).collect();
    assert_eq!(ids.len(), 1, "{list}");
    ids[0].to_owned()
}

#[test]
fn a_phone_revoked_in_the_middle_of_a_sync_only_fills_the_quarantine_until_it_is_released() {
    let mut here = begun();
    let lost = phone(&here, "Sokha Chan");
    let before = interview(&lost, "before the loss");
    sync(&lost);
    field(
        &lost,
        &["edit", &before, "--set", "notes=changed by the finder"],
    );
    interview(&lost, "not sent in time");

    // The admin is faster than the first byte that matters.
    let mut revoke = tributary_command(&here.place("data"));
    revoke.args(["device", "revoke", &only_device(&here)]);
    let (done, revoked) = mpsc::channel();
    here.wire()
        .arm(Way::Up, 1, move || done.send(revoke.output()).unwrap());
    let said = sync(&lost);
    assert!(revoked.recv().unwrap().unwrap().status.success());
    assert!(said.contains("This device was revoked"), "{said}");
    let waiting = ["Changes only here: 0", "Changes with your coordinator: 2"];
    status_says(&lost, &waiting);

    let admin = here.admin();
    let csv = downloaded(&admin, FORM);
    assert!(csv.contains("before the loss"), "{csv}");
    assert!(
        !csv.contains("finder") && !csv.contains("not sent"),
        "{csv}"
    );
    let refused = field_fails(&lost, &["empty"]);
    assert!(refused.contains("Waits for your coordinator"), "{refused}");

    // The coordinator reads both, takes one and destroys the other.
    let list = admin.get("/api/v1/quarantine").expect(200);
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2, "{list}");
    for item in items {
        assert_eq!(item["name"], "Sokha Chan");
        let verdict = match item["writes"].to_string().contains("finder") {
            true => "discard",
            false => "release",
        };
        let path = format!("/api/v1/quarantine/{}/{verdict}", item["no"]);
        let status = admin.post_nothing(&path).status;
        assert!([200, 204].contains(&status), "{status}");
        let twice = admin.post_nothing(&path);
        assert_eq!(twice.status, 409, "{path} a second time");
    }
    let csv = downloaded(&admin, FORM);
    assert!(csv.contains("not sent in time"), "{csv}");
    assert!(!csv.contains("finder"), "{csv}");
    assert_eq!(csv.lines().count(), 3, "{csv}");

    let said = field(&lost, &["empty", "--stored-is-enough"]);
    assert!(said.contains("2 records were taken off"), "{said}");
    assert_eq!(
        files_with(&lost, b"not sent in time"),
        Vec::<std::path::PathBuf>::new()
    );
    here.end();
}

#[test]
fn a_phone_is_emptied_when_a_copy_holds_all_of_it_and_goes_on_afterwards() {
    let mut here = begun();
    let home = phone(&here, "Sokha Chan");
    interview(&home, "the first night");
    interview(&home, "the second night");
    let refused = field_fails(&home, &["empty"]);
    assert_eq!(
        refused.matches("Only on this device").count(),
        2,
        "{refused}"
    );
    sync(&home);
    let stored = [
        "Changes only here: 0",
        "not yet in a copy: 2",
        "Wait for its copy",
    ];
    status_says(&home, &stored);
    let refused = field_fails(&home, &["empty"]);
    assert_eq!(refused.matches("in no copy yet").count(), 2, "{refused}");
    let list = field(&home, &["list"]);
    assert_eq!(list.lines().count(), 2, "{list}");

    here.run(&["backup", "--to", here.place("copies").to_str().unwrap()]);
    sync(&home);
    status_says(&home, &["in a copy that the server made: 2", "All is safe"]);
    let said = field(&home, &["empty"]);
    assert!(said.contains("2 records were taken off"), "{said}");
    let list = field(&home, &["list"]);
    assert!(list.contains("No records on this device"), "{list}");
    assert_eq!(
        files_with(&home, b"the second night"),
        Vec::<std::path::PathBuf>::new()
    );

    sync(&home);
    let list = field(&home, &["list"]);
    assert!(list.contains("No records on this device"), "{list}");
    interview(&home, "after it was emptied");
    sync(&home);
    status_says(
        &home,
        &["Records on this device: 1", "Changes only here: 0"],
    );
    assert_eq!(downloaded(&here.admin(), FORM).lines().count(), 4);
    here.end();
    let own = nothing_is_lost(&here, &Device::open(&home).unwrap());
    assert_eq!(own, 1, "what it still holds");
}

fn carry(here: &Installation, file: &Path) -> Reply {
    let sealed = std::fs::read(file).unwrap();
    let kind = [("content-type", "application/octet-stream")];
    here.client()
        .send("POST", "/sync/v1/bundle", &kind, &sealed)
}

#[track_caller]
fn becomes(reply: &Reply, (stored, known, quarantined): (u32, u32, u32)) {
    let outcome = reply.expect(200);
    let counts = ["stored", "known", "quarantined"].map(|of| outcome[of].as_u64().unwrap());
    assert_eq!(
        counts,
        [stored, known, quarantined].map(u64::from),
        "{outcome}"
    );
}

#[test]
fn a_file_carries_what_a_phone_without_a_network_recorded_and_may_arrive_twice() {
    let mut here = begun();
    let home = phone(&here, "Sokha Chan");
    let file = |n: u8| here.place(&format!("{n}.bin"));
    let hand_over = |n: u8| field(&home, &["bundle", file(n).to_str().unwrap()]);
    let first = interview(&home, "carried by hand");
    interview(&home, "carried too");
    let said = hand_over(1);
    assert!(said.contains("2 changes are in"), "{said}");
    assert_eq!(
        files_with(&here.place("."), b"carried by hand").len(),
        files_with(&home, b"carried by hand").len(),
        "only the phone can read it"
    );
    let taken = field_fails(&home, &["bundle", file(1).to_str().unwrap()]);
    assert!(taken.contains("not taken"), "{taken}");

    becomes(&carry(&here, &file(1)), (2, 0, 0));
    becomes(&carry(&here, &file(1)), (0, 2, 0));
    status_says(&home, &["Changes only here: 2"]);
    // Nobody told the phone yet, so its next file has all of it.
    field(
        &home,
        &["edit", &first, "--set", "notes=carried and changed"],
    );
    hand_over(2);
    becomes(&carry(&here, &file(2)), (1, 2, 0));
    becomes(&carry(&here, &file(1)), (0, 2, 0));
    let csv = downloaded(&here.admin(), FORM);
    assert!(csv.contains("carried and changed"), "{csv}");
    assert!(!csv.contains("carried by hand"), "{csv}");

    // The server's own word comes with the next network, and nothing is sent twice into the log.
    sync(&home);
    status_says(&home, &["Changes only here: 0", "not yet in a copy: 3"]);
    let none = field_fails(&home, &["bundle", file(3).to_str().unwrap()]);
    assert!(none.contains("nothing to hand over"), "{none}");

    let mut changed = std::fs::read(file(2)).unwrap();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(file(4), changed).unwrap();
    carry(&here, &file(4)).expect_problem("bundle_invalid");
    interview(&home, "handed over after the loss");
    hand_over(5);
    here.run(&["device", "revoke", &only_device(&here)]);
    becomes(&carry(&here, &file(5)), (0, 0, 1));
    assert_eq!(downloaded(&here.admin(), FORM).lines().count(), 3);
    here.end();
}

#[test]
fn a_phone_hears_of_all_that_a_file_carried_though_one_request_has_no_room_for_it() {
    let mut here = begun();
    let home = phone(&here, "Sokha Chan");
    let page = "ဖြ".repeat(3_000);
    for n in 0..12 {
        interview(&home, &format!("{n} {page}"));
    }
    let file = here.place("many.bin");
    field(&home, &["bundle", file.to_str().unwrap()]);
    becomes(&carry(&here, &file), (12, 0, 0));
    sync(&home);
    let stored = ["Changes only here: 0", "not yet in a copy: 12"];
    status_says(&home, &stored);
    here.end();
    let own = nothing_is_lost(&here, &Device::open(&home).unwrap());
    assert_eq!(own, 12);
}
