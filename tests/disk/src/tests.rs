//! The disk itself: it loses what was not synced, and nothing else; SQLite as it ships is whole over it.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;

use crate::{Disk, Fault, lay};

struct Place {
    _folder: tempfile::TempDir,
    disk: Arc<Disk>,
    file: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let disk = lay(folder.path()).unwrap();
    Place {
        file: folder.path().canonicalize().unwrap().join("kept.db"),
        _folder: folder,
        disk,
    }
}

fn opened(place: &Place, journal: &str, synchronous: &str) -> rusqlite::Result<Connection> {
    let db = Connection::open(&place.file)?;
    db.pragma_update(None, "journal_mode", journal)?;
    db.pragma_update(None, "synchronous", synchronous)?;
    Ok(db)
}

/// Pairs, so that half a transaction shows.
fn pair(db: &mut Connection, n: i64) -> rusqlite::Result<()> {
    let tx = db.transaction()?;
    for half in [0, 1] {
        let body = vec![n as u8; 1_500];
        tx.execute("INSERT INTO pair VALUES (?1, ?2, ?3)", (n, half, body))?;
    }
    tx.commit()
}

/// How many pairs are there, none of them halved, and the file sound.
fn whole(place: &Place, journal: &str) -> i64 {
    let db = opened(place, journal, "FULL").unwrap();
    let sound: String = db
        .query_row("PRAGMA integrity_check", [], |r| r.get(0))
        .unwrap();
    assert_eq!(sound, "ok");
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name = 'pair'";
    if db.query_row(tables, [], |r| r.get::<_, i64>(0)).unwrap() == 0 {
        return 0;
    }
    let (rows, pairs): (i64, i64) = db
        .query_row("SELECT count(*), count(DISTINCT n) FROM pair", [], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .unwrap();
    assert_eq!(rows, 2 * pairs, "half a transaction");
    pairs
}

/// A short life of a file; how many pairs were acknowledged.
fn live(place: &Place, journal: &str, synchronous: &str) -> i64 {
    let mut told = 0;
    let _ = (|| {
        for n in 0..4 {
            let mut db = opened(place, journal, synchronous)?;
            db.execute_batch("CREATE TABLE IF NOT EXISTS pair (n, half, body)")?;
            for m in 0..3 {
                pair(&mut db, n * 3 + m)?;
                told += i64::from(!place.disk.is_off());
            }
            if journal == "WAL" && n == 1 {
                db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
            }
        }
        Ok::<_, rusqlite::Error>(())
    })();
    told
}

#[test]
fn a_file_that_syncs_loses_nothing_acknowledged_wherever_the_power_goes() {
    for journal in ["WAL", "DELETE"] {
        let here = place();
        here.disk.plan(None, 1);
        live(&here, journal, "FULL");
        let (writes, syncs) = (here.disk.counts().writes, here.disk.counts().syncs);
        let faults = (1..=writes).map(Fault::CutAtWrite);
        let faults =
            faults.chain((1..=syncs).flat_map(|n| [Fault::CutAtSync(n), Fault::CutAfterSync(n)]));
        for (seed, fault) in faults.enumerate() {
            let here = place();
            here.disk.plan(Some(fault), seed as u64);
            let told = live(&here, journal, "FULL");
            assert!(here.disk.has_struck(), "{fault:?}");
            here.disk.power_on();
            let found = whole(&here, journal);
            assert!(
                told <= found && found <= told + 1,
                "{journal} {fault:?}: {told} of {found}"
            );
        }
    }
}

#[test]
fn a_file_that_does_not_sync_loses_what_it_acknowledged() {
    let lost = (0..40u64).filter(|seed| {
        let here = place();
        here.disk.plan(None, *seed);
        let db = opened(&here, "WAL", "OFF").unwrap();
        db.execute_batch("CREATE TABLE pair (n, half, body)")
            .unwrap();
        let mut db = db;
        pair(&mut db, 1).unwrap();
        here.disk.cut();
        drop(db);
        here.disk.power_on();
        whole(&here, "WAL") == 0
    });
    let lost = lost.count();
    assert!((10..40).contains(&lost), "{lost} of 40");
}

#[test]
fn what_is_open_when_the_power_goes_is_dead_and_closing_it_changes_nothing() {
    let here = place();
    here.disk.plan(None, 3);
    let mut db = opened(&here, "WAL", "FULL").unwrap();
    db.execute_batch("CREATE TABLE pair (n, half, body)")
        .unwrap();
    pair(&mut db, 1).unwrap();
    here.disk.cut();
    assert!(pair(&mut db, 2).is_err());
    assert!(
        Connection::open(&here.file)
            .and_then(|c| pair(&mut { c }, 3))
            .is_err()
    );
    here.disk.power_on();
    assert!(pair(&mut db, 2).is_err(), "still dead");
    let before = std::fs::read(&here.file).unwrap();
    drop(db);
    assert_eq!(std::fs::read(&here.file).unwrap(), before);
    assert_eq!(whole(&here, "WAL"), 1);
}

#[test]
fn faults_come_where_they_are_planned_and_go_when_they_are_mended() {
    let here = place();
    let mut db = opened(&here, "WAL", "FULL").unwrap();
    db.execute_batch("CREATE TABLE pair (n, half, body)")
        .unwrap();
    here.disk.plan(Some(Fault::FullFrom(1)), 1);
    let full = pair(&mut db, 1).unwrap_err();
    assert_eq!(
        full.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DiskFull)
    );
    here.disk.mend();
    pair(&mut db, 1).unwrap();
    here.disk.plan(Some(Fault::Sync(1)), 1);
    let unsynced = pair(&mut db, 2).unwrap_err();
    assert_eq!(
        unsynced.sqlite_error_code(),
        Some(rusqlite::ErrorCode::SystemIoFailure)
    );
    drop(db);
    here.disk.plan(Some(Fault::Read(1)), 1);
    assert!(opened(&here, "WAL", "FULL").is_err());
    here.disk.mend();
    here.disk.cut();
    here.disk.power_on();
    assert_eq!(whole(&here, "WAL"), 1);
}
