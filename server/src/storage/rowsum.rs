//! A checksum in every row, so that `check` finds a flipped bit where no chain, hash or second table would tell.
//!
//! SQLite fills the column `sum` itself, as a stored generated column over `row_sum(…)`, a function that every connection
//! of ours brings. Nothing that writes rows knows of it. It guards against failing disks, not against people: what must
//! hold against them is chained by SHA-256 and signed. Large bodies that such a hash covers are left out of the sum.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

use super::error::StorageError;

/// FNV-1a over 64 bits: one changed byte, of one length, always changes it.
struct Fnv(u64);

impl Fnv {
    const PRIME: u64 = 0x0000_0100_0000_01b3;

    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
    fn bytes(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(Self::PRIME);
        }
    }
    fn value(&mut self, value: ValueRef<'_>) {
        let mut sized = |tag: u8, bytes: &[u8]| {
            self.bytes(&[tag]);
            self.bytes(&(bytes.len() as u64).to_be_bytes());
            self.bytes(bytes);
        };
        match value {
            ValueRef::Null => sized(0, &[]),
            ValueRef::Integer(n) => sized(1, &n.to_be_bytes()),
            ValueRef::Real(x) => sized(2, &x.to_bits().to_be_bytes()),
            ValueRef::Text(text) => sized(3, text),
            ValueRef::Blob(blob) => sized(4, blob),
        }
    }
}

/// Brings `row_sum` to a connection; before any statement reads the schema.
pub(crate) fn register(conn: &Connection) -> Result<(), StorageError> {
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    conn.create_scalar_function("row_sum", -1, flags, |context| {
        let mut fnv = Fnv::new();
        for n in 0..context.len() {
            fnv.value(context.get_raw(n));
        }
        Ok(i64::from_be_bytes(fnv.0.to_be_bytes()))
    })
    .map_err(StorageError::classify)
}

/// The arguments of `row_sum` in the text of a table, if it has a sum.
pub(crate) fn columns(create_table: &str) -> Option<&str> {
    let (_, rest) = create_table.split_once("GENERATED ALWAYS AS (row_sum(")?;
    rest.split_once("))").map(|(columns, _)| columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(sql: &str) -> i64 {
        let conn = Connection::open_in_memory().unwrap();
        register(&conn).unwrap();
        conn.query_row(&format!("SELECT row_sum({sql})"), [], |r| r.get(0))
            .unwrap()
    }

    #[test]
    fn values_types_and_borders_count() {
        let all = [
            "1", "1.0", "'1'", "x'31'", "NULL", "'a', 'b'", "'ab'", "'', 'ab'", "''", "x''", "0",
        ];
        let sums: std::collections::BTreeSet<i64> = all.iter().map(|sql| sum(sql)).collect();
        assert_eq!(sums.len(), all.len());
    }

    #[test]
    fn the_stored_form_is_frozen() {
        assert_eq!(sum("1, 'a', x'00ff', NULL, 1.5"), 1_040_045_223_467_251_156);
    }
}
