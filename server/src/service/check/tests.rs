//! A check that finds nothing on a damaged file is worth nothing: bits are flipped, rows deleted and bodies swapped, in
//! every table, and each must be found.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use tributary_sync_core::change::{Draft, Origin};
use tributary_sync_core::clock::{Clock, Dot};
use tributary_sync_core::ids::*;
use tributary_sync_core::wire::Item;

use super::*;
use crate::service::ambient::Manual;
use crate::service::exchange::tests::*;
use crate::service::organisations::CreateOrganisation;
use crate::service::{By, Service, ServiceOptions};
use crate::storage::AuditEntry;
use crate::storage::org::check::cells::{cells, tables, tamper};

/// An organisation with at least one row in every table; its file, closed and whole.
fn lived_in() -> (Office, PathBuf) {
    let office = Office::open();
    let (mut dara, mut linh) = (office.worker(2), office.worker(3));
    for n in 1..=6 {
        let name = format!("a name long enough to be worth a flip, {n}");
        let consent = if n == 1 { "given" } else { "withdrawn" };
        dara.create(
            record(n),
            vec![(NAME, text(&name)), (CONSENT, code(consent))],
            10,
        );
    }
    dara.sync(&office);
    linh.sync(&office);
    for on in [true, false, true] {
        office.assign(record(1), &linh, on);
    }
    linh.sync(&office);
    linh.write(record(1), vec![(NAME, text("crossing"))], 11);
    dara.write(record(1), vec![(NAME, text("edits"))], 12);
    dara.write(record(2), vec![(CONSENT, code("given"))], 12);
    linh.sync(&office);
    dara.sync(&office);
    linh.write(
        record(2),
        vec![(NAME, text("not in scope: quarantined"))],
        13,
    );
    let origin = Origin {
        dot: Dot::new(ActorId(77), Seq::new(5).unwrap()),
        hash: ItemHash::from_bytes([5; 32]),
    };
    let again = Draft {
        origin: Some(origin),
        ..linh.draft(
            record(1),
            Clock::new(),
            vec![(NAME, text("re-stamped"))],
            14,
        )
    };
    linh.queue(again.seal().unwrap());
    linh.sync(&office);
    let seq = Seq::new(dara.items.len() as u64 + 1).unwrap();
    let hash = ItemHash::from_bytes([8; 32]);
    dara.chain.push(tributary_sync_core::change::chain_next(
        *dara.chain.last().unwrap(),
        seq,
        hash,
    ));
    dara.items.push(Item::Opaque {
        seq,
        hash,
        bytes: b"\xff no changeset".to_vec(),
    });
    dara.sync(&office);
    office.erase(record(6));
    office
        .files
        .write::<_, StorageError>(office.org, |t| {
            t.set_lineage("interview", "[1,2]")?;
            t.audit(
                &AuditEntry {
                    action: "export.download",
                    ..AuditEntry::default()
                },
                20,
            )?;
            t.audit(
                &AuditEntry {
                    action: "form.publish",
                    subject: Some("interview".into()),
                    ..AuditEntry::default()
                },
                21,
            )?;
            t.open_epoch(EpochId::from_bytes([2; 16]), 22)
        })
        .unwrap();
    office.check();
    office.files.close(office.org);
    let path = office.files.path(office.org);
    assert!(!path.with_extension("db-wal").exists(), "closed and whole");
    (office, path)
}

fn faults(org: OrgId, path: &Path) -> Vec<Fault> {
    match read_file::<_, StorageError>(org, path, |t| t.check()) {
        Ok(report) => report.faults,
        Err(e) => vec![Fault {
            rule: "file.opens",
            place: e.to_string(),
        }],
    }
}

/// Numbers that repeat from run to run.
struct Dice(u64);
impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 += 1;
        let digest = Sha256::digest(self.0.to_be_bytes());
        usize::try_from(u64::from_be_bytes(digest[..8].try_into().unwrap()) % n as u64).unwrap()
    }
}

#[test]
fn a_flipped_bit_is_found_in_every_table_and_index() {
    const FLIPS: usize = 8;
    let (office, path) = lived_in();
    let sound = std::fs::read(&path).unwrap();
    let mut trees: BTreeMap<String, Vec<std::ops::Range<usize>>> = BTreeMap::new();
    for cell in cells(&path) {
        trees.entry(cell.of).or_default().push(cell.bytes);
    }
    for table in tables(&path) {
        assert!(trees.contains_key(&table), "{table} has rows to flip");
    }
    for table in [
        "actor",
        "audit",
        "epoch",
        "epoch_mark",
        "form",
        "item",
        "lineage",
        "log",
        "meta",
        "origin",
        "policy",
        "profile",
        "quarantine",
        "record",
        "scope",
        "scope_span",
        "tombstone",
    ] {
        assert!(trees.contains_key(table), "the scene has no row in {table}");
    }
    let copy = path.with_extension("flipped");
    let mut dice = Dice(0);
    let mut unseen = Vec::new();
    for (tree, cells) in &trees {
        for _ in 0..FLIPS {
            let cell = &cells[dice.below(cells.len())];
            let (at, bit) = (cell.start + dice.below(cell.len()), dice.below(8));
            let mut bytes = sound.clone();
            bytes[at] ^= 1 << bit;
            std::fs::write(&copy, bytes).unwrap();
            if faults(office.org, &copy).is_empty() {
                unseen.push(format!(
                    "{tree}: bit {bit} of byte {} of a cell of {}",
                    at - cell.start,
                    cell.len()
                ));
            }
        }
    }
    assert_eq!(unseen, Vec::<String>::new());
}

#[test]
fn a_missing_row_is_found_in_every_table_that_others_name() {
    let (office, path) = lived_in();
    let sound = std::fs::read(&path).unwrap();
    let rows = [
        "log WHERE pos = 5",
        "log WHERE pos = (SELECT max(pos) FROM log)",
        "log WHERE kind = 6",
        "item WHERE seq = 2 AND status = 1",
        "item WHERE status = 4 AND seq = (SELECT max(seq) FROM item i WHERE i.actor = item.actor)",
        "record WHERE n = 3",
        "scope WHERE record = 2",
        "scope_span",
        "quarantine WHERE readable",
        "tombstone",
        "form",
        "policy",
        "origin",
        "profile WHERE id = x'02020202020202020202020202020202'",
        "actor WHERE profile = x'03030303030303030303030303030303'",
        "actor WHERE profile IS NULL",
        "epoch WHERE ordinal = 1",
        "audit WHERE n = 1",
        "meta WHERE key = 'cursor_key'",
    ];
    for row in rows {
        std::fs::write(&path, &sound).unwrap();
        assert!(tamper(&path, &format!("DELETE FROM {row}")) > 0, "{row}");
        assert_ne!(faults(office.org, &path), [], "{row}");
    }
}

/// The rule that must find it, and what was done with every sum put right.
const CHANGES: &[(&str, &str)] = &[
    (
        "audit.chain",
        "UPDATE audit SET subject = 'other' WHERE n = 2",
    ),
    ("audit.chain", "UPDATE audit SET at = at + 1 WHERE n = 1"),
    (
        "log.entry",
        "UPDATE log SET body = (SELECT body FROM log o WHERE o.pos = 4) WHERE pos = 5",
    ),
    (
        "log.entry",
        "UPDATE log SET received = received + 1 WHERE pos = 4",
    ),
    (
        "log.entry",
        "UPDATE log SET effective_ms = effective_ms + 1 WHERE pos = 4",
    ),
    (
        "log.entry",
        "UPDATE log SET context = NULL WHERE kind = 1 AND length(context) > 0",
    ),
    (
        "log.chain",
        "UPDATE log SET entry_hash = zeroblob(32) WHERE pos = 4",
    ),
    ("log.body", "UPDATE log SET body = NULL WHERE pos = 5"),
    (
        "log.entry",
        "UPDATE log SET body = zeroblob(32) WHERE kind = 4",
    ),
    (
        "record.is_merge_of_log",
        "UPDATE record SET body = (SELECT body FROM record o WHERE o.n = 4) WHERE n = 3",
    ),
    (
        "log.record",
        "UPDATE record SET id = zeroblob(16) WHERE n = 3",
    ),
    (
        "record.state",
        "UPDATE record SET withheld = 1 - withheld WHERE n = 3",
    ),
    (
        "record.state",
        "UPDATE record SET conflicts = 0 WHERE n = 1",
    ),
    (
        "record.maker",
        "UPDATE record SET maker = zeroblob(16) WHERE n = 3",
    ),
    ("record.position", "UPDATE record SET pos = 1 WHERE n = 3"),
    (
        "item.status",
        "UPDATE item SET status = 2 WHERE status = 1 AND seq = 2",
    ),
    (
        "item.status",
        "UPDATE item SET effective_ms = 1 WHERE status = 1 AND seq = 2",
    ),
    (
        "actor.chain",
        "UPDATE item SET hash = zeroblob(32) WHERE status = 5 OR seq = 2",
    ),
    ("actor.head", "UPDATE actor SET chain = zeroblob(32)"),
    (
        "scope.follows_log",
        "UPDATE scope SET assigned = 0 WHERE assigned",
    ),
    (
        "scope.follows_log",
        "UPDATE scope SET since = since + 1 WHERE assigned",
    ),
    (
        "scope.holders",
        "UPDATE record SET restricted_at = 5 WHERE n = 1",
    ),
    ("scope.spans", "UPDATE scope_span SET to_pos = to_pos + 1"),
    (
        "quarantine.body",
        "UPDATE quarantine SET body = x'00' WHERE readable",
    ),
    (
        "quarantine.quota",
        "UPDATE profile SET quarantine_bytes = 1",
    ),
    (
        "tombstone.in_log",
        "UPDATE tombstone SET hash = zeroblob(32)",
    ),
    ("tombstone.record_gone", "UPDATE tombstone SET record = 3"),
    ("policy.in_log", "UPDATE policy SET body = '{}'"),
    (
        "epoch.marks",
        "UPDATE epoch_mark SET confirmed = confirmed + 100000",
    ),
    ("profile.confirmed", "UPDATE profile SET confirmed = 100000"),
    ("schema.as_made", "DROP INDEX record_pos"),
    ("schema.version", "PRAGMA user_version = 0"),
    ("schema.sequence", "UPDATE sqlite_sequence SET seq = 1"),
];

#[test]
fn changes_behind_the_programs_back_are_found_though_their_sums_are_right() {
    let (office, path) = lived_in();
    let sound = std::fs::read(&path).unwrap();
    for (rule, sql) in CHANGES {
        std::fs::write(&path, &sound).unwrap();
        tamper(&path, sql);
        let found = faults(office.org, &path);
        assert!(found.iter().any(|f| f.rule == *rule), "{sql}: {found:?}");
    }
}

#[test]
fn a_file_that_is_none_or_of_a_newer_program_is_a_finding() {
    let (office, path) = lived_in();
    tamper(&path, "PRAGMA user_version = 99");
    let found = faults(office.org, &path);
    assert!(found[0].place.contains("schema 99"), "{found:?}");
    std::fs::write(&path, b"not a database, and longer than a header of one hundred bytes would be, to be sure of it ......").unwrap();
    assert_eq!(faults(office.org, &path)[0].rule, "file.opens");
}

/// A data folder with one organisation as `init` makes it.
fn folder() -> (tempfile::TempDir, DataFolder, Service, OrgId) {
    let temporary = tempfile::tempdir().unwrap();
    let data = DataFolder::at(temporary.path().join("data"));
    let service = Service::create(
        &data,
        ServiceOptions::default(),
        Arc::new(Manual::at(1_700_000_000_000)),
    )
    .unwrap();
    let new = CreateOrganisation {
        slug: "mekong".into(),
        name: "Mekong".into(),
    };
    let org = service.create_organisation(By::Operator, &new).unwrap().id;
    (temporary, data, service, org)
}

fn rules(data: &DataFolder) -> (Vec<String>, Vec<String>) {
    let report = check(data, &mut |_| {}).unwrap();
    let mut faults: Vec<String> = report.faults.into_iter().map(|f| f.rule).collect();
    faults.extend(
        report
            .organisations
            .into_iter()
            .flat_map(|o| o.faults)
            .map(|f| f.rule),
    );
    assert_eq!(report.sound, faults.is_empty());
    (faults, report.notices.into_iter().map(|f| f.rule).collect())
}

#[test]
fn a_fresh_folder_is_sound_also_beside_a_running_server() {
    let (_temporary, data, service, org) = folder();
    assert_eq!(rules(&data), (vec![], vec![]));
    let stone = RecordId::from_bytes([1; 16]).tombstone();
    service.files().ledger().append(org, stone, 1).unwrap();
    assert_eq!(
        rules(&data).0,
        ["ledger.replayed"],
        "the file was open when the ledger grew behind it"
    );
    service.files().close(org);
    service
        .files()
        .read::<_, StorageError>(org, |t| t.head())
        .unwrap();
    assert_eq!(
        rules(&data),
        (vec![], vec![]),
        "opening it replays the ledger"
    );
}

#[test]
fn keys_strangers_and_lost_files_are_found() {
    let (_temporary, data, service, org) = folder();
    drop(service);
    let inside = |path: &str| data.path().join(path);
    std::fs::write(inside("org/notes.txt"), b"x").unwrap();
    std::fs::create_dir_all(inside("attachment/elsewhere")).unwrap();
    std::fs::write(inside("attachment/elsewhere/half"), b"x").unwrap();
    std::fs::create_dir_all(inside("replaced/old")).unwrap();
    std::fs::write(inside("replaced/old/old.db"), b"x").unwrap();
    assert_eq!(
        rules(&data),
        (
            vec![],
            vec![
                "folder.stranger".into(),
                "folder.stranger".into(),
                "folder.replaced".into()
            ]
        )
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = inside(&format!("keys/{org}/receipt.p8"));
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(rules(&data).0, ["keys.private"]);
        std::fs::remove_file(&key).unwrap();
        assert_eq!(rules(&data).0, ["keys.usable"]);
    }
    std::fs::remove_file(inside(&format!("org/{org}.db"))).unwrap();
    assert!(
        rules(&data)
            .0
            .contains(&"folder.organisation_missing".to_owned())
    );
    std::fs::remove_file(inside("directory.db")).unwrap();
    assert!(rules(&data).0.contains(&"directory.missing".to_owned()));
}

#[test]
fn a_flipped_bit_in_the_directory_is_found() {
    let (_temporary, data, service, _) = folder();
    drop(service);
    let path = data.directory();
    let sound = std::fs::read(&path).unwrap();
    let all = cells(&path);
    let mut dice = Dice(7);
    for table in ["server", "organisation"] {
        let cells: Vec<_> = all.iter().filter(|c| c.of == table).collect();
        for _ in 0..20 {
            let cell = &cells[dice.below(cells.len())].bytes;
            let mut bytes = sound.clone();
            bytes[cell.start + dice.below(cell.len())] ^= 1 << dice.below(8);
            std::fs::write(&path, bytes).unwrap();
            assert!(!rules(&data).0.is_empty(), "{table}");
        }
    }
}
