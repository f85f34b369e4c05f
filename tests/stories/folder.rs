//! The data folder in trouble: two servers want it, or its disk is full.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tributary_native::Device;
use tributary_tests::harness::{Installation, field, field_fails};

use super::{downloaded, interview, nothing_is_lost, phone};

#[test]
fn a_second_server_on_the_folder_is_refused_and_the_first_goes_on() {
    let mut here = Installation::init();
    here.serve();
    here.run(&["form", "publish"]);
    let home = phone(&here, "Sokha Chan");
    let epoch = ["epoch", "open", "--org", "first"];
    for command in [&["serve"][..], &epoch, &["restore", "--from", "."]] {
        let refused = here.fails(command);
        let why = "another Tributary server is using the data folder";
        assert!(refused.contains(why), "{command:?}: {refused}");
    }
    interview(&home, "while another knocked");
    field(&home, &["sync", "--quiet"]);
    here.end();
    assert_eq!(nothing_is_lost(&here, &Device::open(&home).unwrap()), 1);
}

/// A disk of a few megabytes, where the tests may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path) -> Option<Self> {
        std::fs::create_dir(at).unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(at)
            .output()
            .is_ok_and(|done| done.status.success());
        mounted.then(|| Self(at.to_owned()))
    }
    /// Takes all the room that is left.
    fn fill(&self) {
        let mut ballast = std::fs::File::create(self.0.join("ballast")).unwrap();
        while ballast.write_all(&[0x5a; 4_096]).is_ok() {}
    }
    fn make_room(&self) {
        std::fs::remove_file(self.0.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

#[test]
fn a_full_disk_fails_the_sync_and_the_queue_drains_when_there_is_room() {
    let mut disk = None;
    let mut here = Installation::init_on(|at| disk = SmallDisk::mount(at));
    let Some(disk) = disk else {
        // Standard error of a passing test is swallowed only when it goes through the macros.
        let _ = writeln!(
            std::io::stderr(),
            "a_full_disk_fails_the_sync_and_the_queue_drains_when_there_is_room did not run: no disk may be mounted here"
        );
        return;
    };
    here.serve();
    here.run(&["form", "publish"]);
    let home = phone(&here, "Sokha Chan");
    interview(&home, "while there was room");
    field(&home, &["sync", "--quiet"]);

    let admin = here.admin();
    disk.fill();
    let page = "ຍາວ".repeat(6_000);
    for n in 0..12 {
        interview(&home, &format!("{n} {page}"));
    }
    let refused = field_fails(&home, &["sync", "--quiet"]);
    assert!(refused.contains("trouble of its own"), "{refused}");
    assert!(refused.contains("All you recorded is safe"), "{refused}");
    let says = |path: &str| here.client().get(path).status;
    assert_eq!((says("/healthz"), says("/readyz")), (200, 503));
    // Every download is written down first, so there is none now; looking at users goes on.
    admin
        .post("/api/v1/exports/outreach_interview", &json!({}))
        .expect_problem("disk_full");
    admin.get("/api/v1/users").expect(200);
    let status = field(&home, &["status"]);
    assert!(!status.contains("Changes only here: 0"), "{status}");

    disk.make_room();
    field(&home, &["sync", "--quiet"]);
    assert_eq!(says("/readyz"), 200);
    let csv = downloaded(&admin, "outreach_interview");
    assert_eq!(csv.lines().count(), 14);
    here.end();
    assert_eq!(nothing_is_lost(&here, &Device::open(&home).unwrap()), 13);
}
