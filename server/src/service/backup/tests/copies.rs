//! Making copies.

use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

fn entry(cellar: &Cellar, set: &str) -> OrgEntry {
    let sets = Sets::read(&cellar.target()).unwrap();
    sets.by_name(set)
        .unwrap()
        .manifest
        .organisation(cellar.org())
        .unwrap()
        .clone()
}

#[test]
fn a_copy_is_a_named_set_that_proves_itself_and_moves_the_mark() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    let before = dara.sync(&cellar.office);
    assert_eq!(before.receipt.copied_seq, Seq::ZERO, "on this machine only");
    let set = cellar.copy();
    let at = entry(&cellar, &set);
    assert_eq!(at.pos, before.head.pos);
    assert_eq!(at.log_hash, before.head.hash);
    assert_eq!(cellar.copied(), at.pos);
    let after = dara.sync(&cellar.office);
    assert_eq!(after.receipt.copied_seq, Seq::new(1).unwrap());
    let row = cellar
        .office
        .files
        .read::<_, StorageError>(cellar.org(), |t| Ok(t.audit_rows(0, 10)?.pop().unwrap()))
        .unwrap();
    assert_eq!(
        (row.action.as_str(), row.subject.as_deref()),
        ("backup.made", Some(set.as_str()))
    );
    let hash: [u8; 32] = hex::decode(&at.audit.hash).unwrap().try_into().unwrap();
    let signed = AuditHead::signed_bytes(cellar.org(), at.audit.n, &hash);
    assert!(
        cellar
            .office
            .env
            .signer
            .verify(cellar.org(), &signed, &at.audit.sig)
    );
}

#[test]
fn a_set_holds_keys_ledger_and_attachments_with_their_hashes() {
    let cellar = Cellar::open();
    let org = cellar.org();
    let attachments = cellar.data().join(format!("attachment/{org}/ab"));
    std::fs::create_dir_all(&attachments).unwrap();
    std::fs::write(attachments.join("abcdef"), b"a consent form, signed").unwrap();
    std::fs::create_dir_all(cellar.data().join(format!("keys/{org}"))).unwrap();
    std::fs::write(cellar.data().join(format!("keys/{org}/root.p8")), b"key").unwrap();
    let first = cellar.target().join(cellar.copy());
    assert_eq!(
        std::fs::read(first.join(format!("keys/{org}/root.p8"))).unwrap(),
        b"key"
    );
    assert!(
        first.join(format!("erased/{org}.ledger")).is_file(),
        "also when nothing was erased yet"
    );
    let inside = format!("attachment/{org}/ab/abcdef");
    let list = std::fs::read_to_string(first.join("attachments.sha256")).unwrap();
    assert_eq!(
        list,
        format!(
            "{}  {inside}\n",
            sets::hash_file(&first.join(&inside)).unwrap().0
        )
    );
    let second = cellar.target().join(cellar.copy());
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let inode = |set: &Path| std::fs::metadata(set.join(&inside)).unwrap().ino();
        assert_eq!(
            inode(&first),
            inode(&second),
            "what never changes is not copied twice"
        );
    }
}

#[test]
fn a_copy_under_write_load_is_one_moment_and_ends() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    for n in 1..=40 {
        dara.create(record(n), vec![(NAME, text(&"x".repeat(20_000)))], 10);
    }
    dara.sync(&cellar.office);
    let stop = AtomicBool::new(false);
    let made = std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut now = 20;
            while !stop.load(Ordering::Relaxed) {
                now += 1;
                dara.write(record(1), vec![(NAME, text("busy"))], now);
                dara.sync(&cellar.office);
            }
        });
        let made: Vec<Made> = (0..3).map(|_| cellar.backup()).collect();
        stop.store(true, Ordering::Relaxed);
        made
    });
    assert!(
        made.iter()
            .all(|m| m.set.is_some() && m.withheld.is_empty())
    );
    for set in cellar.sets() {
        let path = cellar
            .target()
            .join(&set)
            .join(format!("org/{}.db", cellar.org()));
        let report = read_file::<_, StorageError>(cellar.org(), &path, |t| t.check()).unwrap();
        assert_eq!(report.faults, []);
    }
    cellar.office.check();
}

#[test]
fn a_file_that_was_rolled_back_is_not_copied_and_writing_stops() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    let image = cellar.image();
    dara.write(record(1), vec![(NAME, text("two"))], 11);
    dara.sync(&cellar.office);
    let last = cellar.copy();
    cellar.roll_back(&image);
    let made = cellar.backup();
    assert_eq!(made.set, None);
    assert_eq!(
        made.withheld,
        [(cellar.org(), Withheld::NotExtending { set: last.clone() })]
    );
    assert!(cellar.stopped());
    assert!(matches!(
        dara.send(&cellar.office, dara.request()),
        Err(Refusal::Stopped)
    ));
    assert_eq!(
        cellar.backup().withheld,
        [(cellar.org(), Withheld::Stopped)]
    );
    assert_eq!(cellar.sets(), [last], "the good copy stays");
}

#[test]
fn two_servers_on_copies_of_one_folder_are_found_by_their_common_target() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.sync(&cellar.office);
    let image = cellar.image();
    dara.create(record(1), vec![(NAME, text("here"))], 10);
    dara.sync(&cellar.office);
    cellar.copy();
    // The other server, on the folder as it was copied, took other changes meanwhile.
    cellar.roll_back(&image);
    let mut linh = cellar.office.worker(3);
    for n in 2..=5 {
        linh.create(record(n), vec![(NAME, text("there"))], 10);
    }
    linh.sync(&cellar.office);
    assert!(matches!(
        &cellar.backup().withheld[..],
        [(_, Withheld::NotExtending { .. })]
    ));
    assert!(cellar.stopped());
}

#[test]
fn one_damaged_organisation_does_not_keep_the_others_from_being_copied() {
    let cellar = Cellar::open();
    let broken = OrgId::from_bytes([9; 16]);
    std::fs::write(
        cellar.office.files.path(broken),
        b"this is no database, whatever it was before",
    )
    .unwrap();
    let made = cellar.backup();
    assert!(matches!(&made.withheld[..], [(org, Withheld::Unreadable { .. })] if *org == broken));
    assert_eq!(
        made.copied.iter().map(|c| c.org).collect::<Vec<_>>(),
        [cellar.org()]
    );
}

#[test]
fn a_cut_backup_leaves_no_set_and_the_next_one_clears_it_away() {
    let cellar = Cellar::open();
    let first = cellar.copy();
    let half = cellar.target().join(".20990101T000000000Z.part");
    std::fs::create_dir_all(half.join("org")).unwrap();
    std::fs::write(half.join("manifest.json"), b"{}").unwrap();
    assert_eq!(cellar.sets(), [first.as_str()]);
    let second = cellar.copy();
    assert!(!half.exists());
    assert_eq!(cellar.sets(), [first, second]);
}

#[test]
fn old_sets_go_and_the_newest_never() {
    let cellar = Cellar::open();
    let mut names = Vec::new();
    for keep in [3, 3, 3, 3, 3, 1, 0] {
        let plan = Plan {
            keep,
            ..cellar.plan()
        };
        backup(&cellar.office.files, &cellar.office.env, &plan, &mut |_| {}).unwrap();
        names = cellar.sets();
        assert!(names.len() <= keep.max(1));
    }
    assert_eq!(names.len(), 1);
    assert!(
        names[0].as_str() > "19700101T001640000Z",
        "each set is newer than the one before it: {names:?}"
    );
}

#[test]
fn a_target_inside_the_data_or_in_use_is_refused() {
    let cellar = Cellar::open();
    let plan = Plan {
        target: cellar.data().join("copies"),
        ..cellar.plan()
    };
    let made = backup(&cellar.office.files, &cellar.office.env, &plan, &mut |_| {});
    assert!(matches!(made, Err(BackupError::TargetInside)));
    let lock = sets::lock_target(&cellar.target()).unwrap();
    let made = backup(
        &cellar.office.files,
        &cellar.office.env,
        &cellar.plan(),
        &mut |_| {},
    );
    assert!(matches!(made, Err(BackupError::TargetBusy)));
    drop(lock);
    cellar.copy();
}

#[test]
fn a_copy_is_due_once_a_day_whatever_restarts_in_between() {
    let mut cellar = Cellar::open();
    DataFolder::at(cellar.data()).create().unwrap();
    let schedule = Schedule::daily(cellar.data(), cellar.target());
    let directory =
        crate::storage::directory::Directory::create(&cellar.data().join("directory.db"));
    drop(directory.unwrap());
    let tick = |cellar: &Cellar| {
        schedule
            .tick(&cellar.office.files, &cellar.office.env)
            .unwrap()
    };
    assert!(tick(&cellar).is_some());
    assert!(tick(&cellar).is_none());
    cellar.office.env.now += 23 * 60 * 60 * 1000;
    assert!(tick(&cellar).is_none());
    cellar.office.env.now += 60 * 60 * 1000;
    assert!(tick(&cellar).is_some());
    assert_eq!(cellar.sets().len(), 2);
    // A clock that was a year ahead once does not end the copies.
    assert!(schedule.due(0).unwrap());
}

#[test]
fn what_is_erased_between_two_copies_stands_beside_them() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(&cellar.office);
    let directory =
        crate::storage::directory::Directory::create(&cellar.data().join("directory.db"));
    drop(directory.unwrap());
    let schedule = Schedule::daily(cellar.data(), cellar.target());
    schedule
        .tick(&cellar.office.files, &cellar.office.env)
        .unwrap();
    cellar.office.erase(record(1));
    schedule
        .tick(&cellar.office.files, &cellar.office.env)
        .unwrap();
    cellar.lose_the_disk();
    let restored = cellar.restore(None, Overrides::default()).unwrap();
    assert_eq!(restored.erased_again, 1);
    assert!(cellar.office.row(record(1)).is_none());
}

#[test]
fn what_went_into_quarantine_after_the_copy_is_not_called_copied_and_makes_the_copy_an_older_one() {
    let cellar = Cellar::open();
    let office = &cellar.office;
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(office);
    linh.sync(office);
    let before = cellar.copy();
    // Dara's phone is revoked while she is offline, and Linh writes to a record that is not hers: nothing else happens.
    dara.caller.revoked = true;
    dara.create(record(2), vec![(NAME, text("recorded offline"))], 11);
    let told = dara.send(office, dara.request()).unwrap();
    assert_eq!(statuses(&told), [Status::Quarantined]);
    assert_eq!(told.receipt.copied_seq.get(), 1);
    linh.write(record(1), vec![(NAME, text("two"))], 12);
    let told = linh.send(office, linh.request()).unwrap();
    assert_eq!(statuses(&told), [Status::Quarantined]);
    assert_eq!(told.receipt.copied_seq.get(), 0);
    office.check();
    cellar.copy();
    let repeated = dara.send(office, dara.request()).unwrap();
    assert_eq!(repeated.receipt.copied_seq.get(), 2);
    cellar.lose_the_disk();
    let older = cellar.restore(Some(&before), Overrides::default());
    assert!(
        matches!(older, Err(BackupError::OlderCopy { .. })),
        "{older:?}"
    );
    cellar.restore(None, Overrides::default()).unwrap();
    let waiting = office
        .files
        .read::<_, StorageError>(cellar.org(), |t| t.quarantine_waiting());
    assert_eq!(waiting.unwrap(), 2);
    office.check();
}
