//! A full disk, on a small one that is really full: the request fails, nothing is stored by half, the server lives.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::*;

/// A small disk of its own, where the tests may mount one.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, size: &str) -> Option<Self> {
        let size = format!("size={size}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at)
            .output()
            .is_ok_and(|done| done.status.success());
        if !mounted {
            println!("did not run: mounting a small tmpfs is not permitted here");
        }
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).output();
    }
}

fn is_full(refusal: &Refusal) -> bool {
    refusal.code() == "disk_full"
}

#[test]
fn a_full_disk_refuses_whole_requests_and_works_again_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), "6m") else {
        return;
    };
    let ballast = disk.0.join("ballast");
    std::fs::write(&ballast, vec![1; 2 << 20]).unwrap();
    let office = Office::open_in(&disk.0);
    let mut dara = office.worker(2);
    let mut stored = 0u8;
    let refused = loop {
        let name = text(&char::from(b'a' + stored % 26).to_string().repeat(60_000));
        dara.create(record(stored + 1), vec![(NAME, name)], 10);
        match dara.send(&office, dara.request()) {
            Ok(reply) => {
                dara.take(&reply);
                stored += 1;
            }
            Err(refused) => break refused,
        }
        assert!(stored < 120, "the disk never filled");
    };
    assert!(is_full(&refused), "{refused}");
    assert!(
        office.row(record(stored + 1)).is_none(),
        "nothing is stored by half"
    );
    assert!(
        office.row(record(stored)).is_some(),
        "what was acknowledged is there, and reading goes on"
    );
    let again = dara.send(&office, dara.request()).unwrap_err();
    assert!(is_full(&again), "{again}");
    std::fs::remove_file(&ballast).unwrap();
    dara.sync(&office);
    assert!(
        office.row(record(stored + 1)).is_some(),
        "the phone kept its queue and sent it again"
    );
    office.check();
    office.files.close(office.org);
    drop(office);
}

#[test]
fn an_erasure_that_the_ledger_has_no_room_for_is_not_half_done() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(folder.path(), "2m") else {
        return;
    };
    let office = Office::open_in(&disk.0);
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&office);
    let ballast = disk.0.join("ballast");
    let mut rest = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write_all(&mut rest, &[1; 4096]).is_ok() {}
    drop(rest);
    let env = office.env.clone();
    let refused = office.files.write::<_, StorageError>(office.org, move |t| {
        let stone = record(1).tombstone();
        env.ledger.append(t.org(), stone, env.now)?;
        t.erase(stone, env.now)
    });
    assert!(matches!(refused, Err(StorageError::Full)), "{refused:?}");
    assert!(office.row(record(1)).is_some());
    std::fs::remove_file(&ballast).unwrap();
    office.erase(record(1));
    assert!(office.row(record(1)).is_none());
    office.check();
    drop(office);
}
