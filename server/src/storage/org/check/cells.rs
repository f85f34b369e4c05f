//! For tests: where in a file the rows of each table and index lie, and statements that no honest program runs.

use std::ops::Range;
use std::path::Path;

use rusqlite::Connection;

use crate::storage::rowsum;

/// One stored row or index entry.
pub(crate) struct Cell {
    /// The table or index.
    pub(crate) of: String,
    /// Its bytes in the file, without what overflows to other pages.
    pub(crate) bytes: Range<usize>,
}

/// Runs statements behind the program's back, sums included.
pub(crate) fn tamper(path: &Path, sql: &str) -> usize {
    let conn = Connection::open(path).unwrap();
    rowsum::register(&conn).unwrap();
    let changed = conn.execute(sql, []).unwrap();
    conn.pragma_update(None, "wal_checkpoint", "TRUNCATE")
        .unwrap();
    changed
}

/// The tables of a file that have rows.
pub(crate) fn tables(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut statement = conn
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
        .unwrap();
    let names = statement.query_map([], |r| r.get::<_, String>(0)).unwrap();
    names
        .map(Result::unwrap)
        .filter(|name| {
            let count = format!("SELECT count(*) FROM {name}");
            conn.query_row(&count, [], |r| r.get::<_, i64>(0)).unwrap() > 0
        })
        .collect()
}

/// All leaf cells of all trees.
pub(crate) fn cells(path: &Path) -> Vec<Cell> {
    let conn = Connection::open(path).unwrap();
    let mut statement = conn
        .prepare("SELECT name, pageno, pgsize FROM dbstat WHERE pagetype = 'leaf' AND name NOT LIKE 'sqlite_s%' ORDER BY pageno")
        .unwrap();
    let pages = statement
        .query_map([], |r| {
            Ok((
                r.get::<_, String>(0)?,
                r.get::<_, u32>(1)? as usize,
                r.get::<_, u32>(2)? as usize,
            ))
        })
        .unwrap();
    let file = std::fs::read(path).unwrap();
    let mut out = Vec::new();
    for page in pages {
        let (of, number, size) = page.unwrap();
        let start = (number - 1) * size;
        let page = &file[start..start + size];
        let header = if number == 1 { 100 } else { 0 };
        let short = |at: usize| usize::from(u16::from_be_bytes([page[at], page[at + 1]]));
        let table = page[header] == 0x0d;
        for n in 0..short(header + 3) {
            let at = short(header + 8 + 2 * n);
            let bytes = start + at..start + at + length(&page[at..], table, size);
            out.push(Cell {
                of: of.clone(),
                bytes,
            });
        }
    }
    out
}

/// How long the local part of a leaf cell is.
fn length(cell: &[u8], table: bool, usable: usize) -> usize {
    let (payload, mut head) = varint(cell);
    if table {
        head += varint(&cell[head..]).1;
    }
    let most = if table {
        usable - 35
    } else {
        (usable - 12) * 64 / 255 - 23
    };
    if payload <= most {
        return head + payload;
    }
    let least = (usable - 12) * 32 / 255 - 23;
    let kept = least + (payload - least) % (usable - 4);
    head + if kept <= most { kept } else { least }
}

fn varint(bytes: &[u8]) -> (usize, usize) {
    let mut value = 0;
    for (n, byte) in bytes.iter().enumerate().take(8) {
        value = value << 7 | usize::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return (value, n + 1);
        }
    }
    (value << 8 | usize::from(bytes[8]), 9)
}
