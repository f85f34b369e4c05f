//! Where bytes go, counted and hashed on the way.

use std::io::{self, Write};

use aws_lc_rs::digest::{Context, SHA256};

use super::csv::Csv;
use super::trailer::FileSum;

/// How much is gathered before it is handed on.
const CHUNK: usize = 128 * 1024;

/// One file of a download on its way out.
pub(super) struct Sink<'w> {
    out: &'w mut dyn Write,
    hash: Context,
    bytes: u64,
}

impl<'w> Sink<'w> {
    pub(super) fn new(out: &'w mut dyn Write) -> Self {
        Self {
            out,
            hash: Context::new(&SHA256),
            bytes: 0,
        }
    }
    /// Hands rows on when there are enough of them.
    pub(super) fn rows(&mut self, csv: &mut Csv) -> io::Result<()> {
        if csv.bytes().len() >= CHUNK {
            self.all(csv)?;
        }
        Ok(())
    }
    /// Hands on all rows.
    pub(super) fn all(&mut self, csv: &mut Csv) -> io::Result<()> {
        self.write_all(csv.bytes())?;
        csv.clear();
        Ok(())
    }
    /// What went through.
    pub(super) fn sum(self, name: String, rows: u64) -> FileSum {
        FileSum {
            name,
            rows,
            bytes: self.bytes,
            sha256: hex::encode(self.hash.finish()),
        }
    }
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write_all(bytes)?;
        self.hash.update(bytes);
        self.bytes = self.bytes.saturating_add(bytes.len() as u64);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
