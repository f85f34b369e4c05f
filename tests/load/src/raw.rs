//! The raw limits of this machine: what no server over it can go beyond.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Barrier;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection as Sqlite;

use crate::wire::{Call, Connection, Place};

/// Durable appends of 4 kB to one file, a second.
pub(crate) fn syncs(folder: &Path, times: usize) -> Result<f64> {
    let path = folder.join("syncs");
    let mut file = OpenOptions::new().create(true).append(true).open(&path)?;
    let page = [0x5a; 4096];
    let start = Instant::now();
    for _ in 0..times {
        file.write_all(&page)?;
        file.sync_data()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    std::fs::remove_file(&path)?;
    Ok(times as f64 / seconds)
}

/// Bodies as bare rows of one SQLite table on the same disk, `per` a commit, every commit synced: rows a second.
pub(crate) fn rows(folder: &Path, bodies: &[&[u8]], per: usize) -> Result<f64> {
    let path = folder.join("raw.db");
    let db = Sqlite::open(&path)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute_batch("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, body BLOB NOT NULL)")?;
    let start = Instant::now();
    for group in bodies.chunks(per) {
        db.execute_batch("BEGIN IMMEDIATE")?;
        for body in group {
            db.prepare_cached("INSERT INTO t (body) VALUES (?1)")?
                .execute([body])?;
        }
        db.execute_batch("COMMIT")?;
    }
    Ok(bodies.len() as f64 / start.elapsed().as_secs_f64())
}

/// Reading those rows and doing nothing with them: rows a second. Deletes the file.
pub(crate) fn scan(folder: &Path) -> Result<f64> {
    let path = folder.join("raw.db");
    let db = Sqlite::open(&path)?;
    let start = Instant::now();
    let (mut rows, mut bytes) = (0u32, 0usize);
    let mut statement = db.prepare("SELECT body FROM t ORDER BY n")?;
    let mut found = statement.query([])?;
    while let Some(row) = found.next()? {
        bytes += row.get_ref(0)?.as_blob()?.len();
        rows += 1;
    }
    ensure!(bytes > 0, "no raw rows were written");
    let seconds = start.elapsed().as_secs_f64();
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.join(format!("raw.db{end}")));
    }
    Ok(f64::from(rows) / seconds)
}

/// Requests a second of the most trivial route, over TLS, with so many keep-alive connections.
pub(crate) fn trivial(place: &Place, clients: usize, each: usize) -> Result<f64> {
    let gate = Barrier::new(clients + 1);
    std::thread::scope(|scope| {
        let open = (0..clients)
            .map(|_| Connection::open(place))
            .collect::<Result<Vec<_>>>()?;
        let mut threads = Vec::new();
        for mut connection in open {
            let gate = &gate;
            threads.push(scope.spawn(move || -> Result<()> {
                gate.wait();
                for _ in 0..each {
                    health(&mut connection)?;
                }
                Ok(())
            }));
        }
        gate.wait();
        let start = Instant::now();
        for thread in threads {
            thread.join().ok().context("a client panicked")??;
        }
        Ok((clients * each) as f64 / start.elapsed().as_secs_f64())
    })
}

/// One request of it.
pub(crate) fn health(connection: &mut Connection) -> Result<()> {
    let call = Call {
        method: "GET",
        path: "/healthz",
        headers: "",
        body: &[],
    };
    let answer = connection.call(&call, |_| ())?;
    ensure!(answer.status == 200, "/healthz said {}", answer.status);
    Ok(())
}
