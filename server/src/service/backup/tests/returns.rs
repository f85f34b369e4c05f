//! The way back: nothing acknowledged is lost, nothing erased returns, no phone is stuck.

use serde_json::{Value, json};

use super::*;
use crate::service::access::Role;
use crate::service::records::restrict;
use crate::service::records::tests::desk;
use crate::storage::directory::{Directory, NewUser, SessionId, SessionKind};

/// Everything the server holds is what the phone holds.
fn in_step(phone: &mut Phone, cellar: &Cellar) {
    phone.sync(&cellar.office);
    for (id, shown) in &phone.records {
        assert_eq!(cellar.office.row(*id).unwrap().record, *shown);
    }
}

#[test]
fn phones_that_know_more_than_an_older_copy_bring_it_back_and_nothing_erased_returns() {
    let cellar = Cellar::open();
    let (mut dara, mut linh) = (cellar.office.worker(2), cellar.office.worker(3));
    dara.create(record(1), vec![(NAME, text("in the copy"))], 10);
    dara.create(record(2), vec![(NAME, text("to be erased"))], 10);
    dara.sync(&cellar.office);
    cellar.copy();
    dara.write(record(1), vec![(NAME, text("after the copy"))], 11);
    dara.create(record(3), vec![(NAME, text("new after the copy"))], 12);
    dara.sync(&cellar.office);
    cellar.office.assign(record(1), &linh, true);
    linh.sync(&cellar.office);
    linh.write(record(1), vec![(CONSENT, code("withdrawn"))], 13);
    linh.sync(&cellar.office);
    cellar.office.erase(record(2));
    dara.sync(&cellar.office);
    // A phone enrolled after the copy: the restored file never heard of it.
    let mut mei = cellar.office.worker(4);
    mei.create(record(4), vec![(NAME, text("of an unknown phone"))], 14);
    mei.sync(&cellar.office);

    cellar.lose_the_disk();
    let restored = cellar.restore(None, Overrides::default()).unwrap();
    assert_eq!(cellar.office.epoch(), restored.epoch);
    assert_eq!(cellar.copied(), restored.pos);
    assert!(
        cellar.office.row(record(2)).is_some(),
        "the ledger was lost with the disk after the last copy"
    );
    assert!(cellar.holds("to be erased"));

    for phone in [&mut dara, &mut mei, &mut linh] {
        rejoin(phone, &cellar);
    }
    assert!(
        cellar.office.row(record(2)).is_none(),
        "the tombstone came back with the phone"
    );
    assert!(
        !cellar.holds("to be erased"),
        "its words are still in the file"
    );
    assert_eq!(cellar.office.live(record(1), &NAME), ["after the copy"]);
    assert_eq!(cellar.office.live(record(3), &NAME), ["new after the copy"]);
    assert_eq!(
        cellar.office.live(record(4), &NAME),
        ["of an unknown phone"]
    );
    for phone in [&mut dara, &mut linh, &mut mei] {
        in_step(phone, &cellar);
        assert_eq!(phone.acked, phone.items.len(), "nothing is stuck");
    }
    cellar.office.check();
    cellar.copy();
}

#[test]
fn an_assignment_after_the_copy_is_gone_and_what_was_written_under_it_waits_in_quarantine() {
    let cellar = Cellar::open();
    let (mut dara, mut linh) = (cellar.office.worker(2), cellar.office.worker(3));
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    linh.sync(&cellar.office);
    cellar.copy();
    cellar.office.assign(record(1), &linh, true);
    linh.sync(&cellar.office);
    linh.write(record(1), vec![(NAME, text("two"))], 11);
    linh.sync(&cellar.office);
    cellar.lose_the_disk();
    cellar.restore(None, Overrides::default()).unwrap();
    rejoin(&mut linh, &cellar);
    assert_eq!(linh.acked, linh.items.len());
    let waiting = cellar
        .office
        .files
        .read::<_, StorageError>(cellar.org(), |t| t.quarantine_waiting());
    assert_eq!(
        waiting.unwrap(),
        1,
        "kept for the coordinator, who assigns it again and releases"
    );
    cellar.office.check();
}

#[test]
fn the_ledger_of_the_data_folder_is_replayed_over_a_copy_from_before_the_erasure() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("words that were erased"))], 10);
    dara.sync(&cellar.office);
    cellar.copy();
    cellar.office.erase(record(1));
    cellar.office.files.close(cellar.org());
    std::fs::remove_file(cellar.office.files.path(cellar.org())).unwrap();
    let restored = cellar.restore(None, Overrides::default()).unwrap();
    assert_eq!(restored.erased_again, 1);
    assert!(cellar.office.row(record(1)).is_none());
    cellar.office.files.close(cellar.org());
    for file in sets::files_below(&cellar.data()).unwrap() {
        let bytes = std::fs::read(cellar.data().join(&file)).unwrap();
        let found = bytes.windows(22).any(|w| w == b"words that were erased");
        assert!(!found, "erased words in {file}");
    }
}

#[test]
fn a_restore_without_the_ledger_of_erasures_must_be_said() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    cellar.office.erase(record(1));
    let set = cellar.copy();
    cellar.lose_the_disk();
    std::fs::remove_file(
        cellar
            .target()
            .join(&set)
            .join(OrgEntry::ledger(cellar.org())),
    )
    .unwrap();
    std::fs::remove_dir_all(cellar.target().join("erased")).unwrap();
    let refused = cellar.restore(None, Overrides::default());
    assert!(
        matches!(
            refused,
            Err(BackupError::ErasureLedger {
                known: 0,
                expected: 1,
                ..
            })
        ),
        "{refused:?}"
    );
    assert!(
        !cellar.office.files.path(cellar.org()).exists(),
        "nothing was changed"
    );
    let accepted = Overrides {
        accept_erasure_loss: true,
        ..Overrides::default()
    };
    cellar.restore(None, accepted).unwrap();
}

#[test]
fn an_older_copy_must_be_said_and_copying_goes_on_after_it() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    let old = cellar.copy();
    dara.write(record(1), vec![(NAME, text("two"))], 11);
    dara.sync(&cellar.office);
    let newest = cellar.copy();
    cellar.lose_the_disk();
    match cellar.restore(Some(&old), Overrides::default()) {
        Err(BackupError::OlderCopy { chosen, newest: n }) => {
            assert_eq!((chosen, n), (old.clone(), newest))
        }
        other => panic!("{other:?}"),
    }
    let said = Overrides {
        older_copy: true,
        ..Overrides::default()
    };
    cellar.restore(Some(&old), said).unwrap();
    rejoin(&mut dara, &cellar);
    assert_eq!(cellar.office.live(record(1), &NAME), ["two"]);
    let next = cellar.copy();
    cellar.lose_the_disk();
    assert_eq!(
        cellar.restore(None, Overrides::default()).unwrap().set,
        next
    );
    cellar.office.check();
}

#[test]
fn a_file_that_has_all_of_the_copy_is_not_replaced_by_it() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    cellar.copy();
    dara.write(
        record(1),
        vec![(NAME, text("acknowledged after the copy"))],
        11,
    );
    dara.sync(&cellar.office);
    assert!(matches!(
        cellar.restore(None, Overrides::default()),
        Err(BackupError::AlreadyHere { .. })
    ));
    let said = Overrides {
        replace: true,
        ..Overrides::default()
    };
    let restored = cellar.restore(None, said).unwrap();
    let aside = restored
        .replaced
        .unwrap()
        .join(format!("{}.db", cellar.org()));
    let kept = read_file::<_, StorageError>(cellar.org(), &aside, |t| {
        t.history(crate::storage::RecordNo(1))
    })
    .unwrap();
    assert_eq!(kept.len(), 2, "what was here is put aside, not thrown away");
    rejoin(&mut dara, &cellar);
    assert_eq!(
        cellar.office.live(record(1), &NAME),
        ["acknowledged after the copy"]
    );
}

#[test]
fn a_damaged_copy_is_refused_and_nothing_is_changed() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("one"))], 10);
    dara.sync(&cellar.office);
    let set = cellar.copy();
    let before = cellar.image();
    let path = cellar
        .target()
        .join(&set)
        .join(OrgEntry::file(cellar.org()));
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 4;
    std::fs::write(&path, bytes).unwrap();
    let said = Overrides {
        replace: true,
        ..Overrides::default()
    };
    assert!(matches!(
        cellar.restore(None, said),
        Err(BackupError::SetDamaged { .. })
    ));
    assert_eq!(cellar.image(), before);
}

#[test]
fn a_restore_needs_the_folder_for_itself() {
    let cellar = Cellar::open();
    cellar.copy();
    let _server = DataFolder::at(cellar.data()).lock().unwrap();
    assert!(matches!(
        DataFolder::at(cellar.data()).lock(),
        Err(StorageError::Locked)
    ));
}

#[test]
fn a_folder_without_copies_says_so() {
    let cellar = Cellar::open();
    let refused = cellar.restore(None, Overrides::default());
    assert!(matches!(refused, Err(BackupError::NoSet(_))));
}

#[test]
fn the_audit_of_a_restored_file_names_the_copy() {
    let cellar = Cellar::open();
    cellar
        .office
        .files
        .write::<_, StorageError>(cellar.org(), |t| {
            t.audit(
                &AuditEntry {
                    action: "before",
                    ..AuditEntry::default()
                },
                1,
            )
        })
        .unwrap();
    let set = cellar.copy();
    cellar.lose_the_disk();
    cellar.restore(None, Overrides::default()).unwrap();
    let rows = cellar
        .office
        .files
        .read::<_, StorageError>(cellar.org(), |t| t.audit_rows(0, 10))
        .unwrap();
    let seen: Vec<_> = rows
        .iter()
        .map(|r| (r.action.as_str(), r.subject.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [("before", None), ("backup.restored", Some(set.as_str()))]
    );
    cellar.office.check();
}

#[test]
fn a_whole_restore_takes_the_directory_from_the_newest_copy_that_has_one() {
    let cellar = Cellar::open();
    let directory = cellar.data().join("directory.db");
    signed_in(&directory);
    let of_org = format!("keys/{}/root.p8", cellar.org());
    std::fs::create_dir_all(cellar.data().join(&of_org).parent().unwrap()).unwrap();
    for key in [SERVER_KEYS[0], SERVER_KEYS[1], CERTIFICATE, &of_org] {
        std::fs::write(cellar.data().join(key), b"a key").unwrap();
    }
    cellar.copy();
    let one = Plan {
        which: Which::One(cellar.org()),
        ..cellar.plan()
    };
    let made = backup(&cellar.office.files, &cellar.office.env, &one, &mut |_| {}).unwrap();
    let newest = made.set.unwrap();
    assert!(!newest.join("directory.db").exists(), "nobody else's users");
    cellar.lose_the_disk();
    std::fs::remove_file(&directory).unwrap();
    std::fs::remove_dir_all(cellar.data().join("keys")).unwrap();
    let lock = DataFolder::at(cellar.data()).lock().unwrap();
    let source = Source {
        target: cellar.target(),
        set: None,
    };
    let data = cellar.data();
    let at = cellar.offline(&lock, &data);
    let restored = restore(at, &source, Which::All, Overrides::default(), &mut |_| {}).unwrap();
    assert!(
        newest.ends_with(&restored[0].set),
        "each organisation from its newest copy"
    );
    assert!(directory.is_file());
    assert!(data.join(&of_org).is_file());
    assert!(data.join(CERTIFICATE).is_file(), "phones pin it");
    assert_eq!(
        sign_ins(&directory),
        (false, false),
        "people sign in again after a restore"
    );
}

const SERVER_KEYS: [&str; 2] = ["keys/token-user.p8", "keys/refresh.secret"];
const CERTIFICATE: &str = "keys/tls.key";
const SESSION: SessionId = SessionId::from_bytes([4; 16]);

/// A directory with one user, who is signed in and has a one-time link.
fn signed_in(path: &Path) {
    let directory = Directory::create(path).unwrap();
    let id = UserId::from_bytes([3; 16]);
    let made = directory.write::<_, StorageError>(|txn| {
        txn.insert_user(&NewUser {
            id,
            org: None,
            name: "Root",
            name_key: "root",
            role: Role::ServerAdmin,
            created_at: 1,
        })?;
        txn.insert_session(SESSION, id, SessionKind::Api, 1)?;
        txn.insert_refresh(&[5; 32], SESSION, 1 << 50)?;
        txn.set_reset(id, &[6; 32], 1 << 50)
    });
    made.unwrap();
}

/// Whether somebody is signed in, and whether a one-time link is open.
fn sign_ins(path: &Path) -> (bool, bool) {
    let directory = Directory::open(path).unwrap();
    directory
        .read::<_, StorageError>(|view| {
            let open =
                view.refresh_token(&[5; 32])?.is_some() || view.open_session(SESSION)?.is_some();
            Ok((open, view.user_by_reset(&[6; 32])?.is_some()))
        })
        .unwrap()
}

#[test]
fn a_copy_signs_nobody_in() {
    let cellar = Cellar::open();
    let directory = cellar.data().join("directory.db");
    signed_in(&directory);
    assert_eq!(sign_ins(&directory), (true, true));
    for key in SERVER_KEYS {
        std::fs::write(cellar.data().join(key), b"a key").unwrap();
    }
    let set = cellar.target().join(cellar.copy());
    for key in SERVER_KEYS {
        assert!(!set.join(key).exists(), "{key}");
    }
    assert_eq!(
        sign_ins(&directory),
        (true, true),
        "who is signed in stays so"
    );
    assert_eq!(sign_ins(&set.join("directory.db")), (false, false));
}

#[test]
fn a_copy_of_an_earlier_program_does_not_bring_its_sign_ins_back() {
    let cellar = Cellar::open();
    let directory = cellar.data().join("directory.db");
    signed_in(&directory);
    assert_eq!(sign_ins(&directory), (true, true));
    let set = cellar.target().join(cellar.copy());
    // As earlier programs made it.
    let old = |inside: &str, bytes: &[u8]| {
        std::fs::create_dir_all(set.join(inside).parent().unwrap()).unwrap();
        std::fs::write(set.join(inside), bytes).unwrap();
        let (sha256, bytes) = sets::hash_file(&set.join(inside)).unwrap();
        json!({"path": inside, "bytes": bytes, "sha256": sha256})
    };
    let manifest = set.join("manifest.json");
    let mut json: Value = serde_json::from_slice(&std::fs::read(&manifest).unwrap()).unwrap();
    let files = json["files"].as_array_mut().unwrap();
    files.retain(|f| f["path"] != "directory.db");
    files.push(old("directory.db", &std::fs::read(&directory).unwrap()));
    files.extend(SERVER_KEYS.map(|key| old(key, b"a key")));
    std::fs::write(&manifest, json.to_string()).unwrap();
    cellar.lose_the_disk();
    std::fs::remove_file(&directory).unwrap();
    let lock = DataFolder::at(cellar.data()).lock().unwrap();
    let source = Source::at(&set);
    let data = cellar.data();
    let at = cellar.offline(&lock, &data);
    restore(at, &source, Which::All, Overrides::default(), &mut |_| {}).unwrap();
    assert_eq!(sign_ins(&directory), (false, false));
    for key in SERVER_KEYS {
        assert!(!data.join(key).exists(), "{key}");
    }
}

#[test]
fn what_was_restricted_after_the_copy_stays_hidden_on_phones_too() {
    let cellar = Cellar::open();
    let office = &cellar.office;
    let mut dara = office.worker(2);
    dara.create(record(1), vec![(NAME, text("Sokha"))], 10);
    dara.sync(office);
    cellar.copy();
    let admin = desk(office, 100, Role::OrgAdmin);
    let said = restrict(&office.files, &office.env, &admin, record(1)).unwrap();
    let over = Overrides {
        replace: true,
        ..Overrides::default()
    };
    cellar.restore(None, over).unwrap();
    let row = office.row(record(1)).unwrap();
    assert_eq!(row.restricted_at, Some(office.env.now));
    let again = restrict(&office.files, &office.env, &admin, record(1)).unwrap();
    assert_eq!(again, said, "it waits no longer than it did");
    office.check();
    // Another restore of the same copy finds it restricted here, and adds nothing to what is so.
    cellar.restore(None, over).unwrap();
    assert!(office.row(record(1)).unwrap().restricted_at.is_some());
    office.check();
}

#[test]
fn a_restore_that_was_cut_while_it_put_the_old_file_aside_is_ended_by_the_same_command() {
    let cellar = Cellar::open();
    let mut dara = cellar.office.worker(2);
    dara.create(record(1), vec![(NAME, text("in the copy"))], 10);
    dara.sync(&cellar.office);
    cellar.copy();
    dara.write(record(1), vec![(NAME, text("after the copy"))], 11);
    dara.sync(&cellar.office);
    let here = cellar.office.files.path(cellar.org());
    let log = here.with_extension("db-wal");
    let kept = std::fs::read(&log).unwrap();
    cellar.office.files.close(cellar.org());
    // The power went after the file was put aside and before its log was.
    std::fs::remove_file(&here).unwrap();
    std::fs::write(&log, kept).unwrap();
    let restored = cellar.restore(None, Overrides::default()).unwrap();
    let aside = restored.replaced.unwrap();
    assert!(aside.join(log.file_name().unwrap()).is_file());
    assert_eq!(cellar.office.epoch(), restored.epoch);
    let faults = cellar
        .office
        .files
        .read::<_, StorageError>(cellar.org(), |txn| txn.check());
    assert_eq!(faults.unwrap().faults, []);
    rejoin(&mut dara, &cellar);
    in_step(&mut dara, &cellar);
}
