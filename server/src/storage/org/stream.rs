//! Records as an export reads them: in stable order, their merged bodies as they lie in the file, one at a time.
//!
//! Not here: filters. An export also counts what it leaves out, so it looks at every record of its form.

use rusqlite::params;
use tributary_sync_core::ids::{FormHash, LogPos, ProfileId, UserId};

use super::{OrgTxn, RecordNo, Result, pos, sql, unsql};
use crate::storage::StorageError;

/// One record with its body unread.
#[derive(Clone, Copy)]
pub struct RawRecord<'a> {
    /// Its number in the file.
    pub no: RecordNo,
    /// The form version of its first changeset.
    pub form: FormHash,
    /// The profile that made it.
    pub maker: Option<ProfileId>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: u64,
    /// The position of its last change.
    pub pos: LogPos,
    /// Canonical bytes of the merged state.
    pub body: &'a [u8],
    /// When it was restricted, if it is.
    pub restricted_at: Option<u64>,
    /// Whether no consent lives now, by the policies in force now.
    pub withheld: bool,
}

impl OrgTxn<'_> {
    /// All records of a form lineage, deleted, withheld and restricted ones too, in the order in which they came, in
    /// constant memory, until `each` says stop.
    pub fn raw_records<E: From<StorageError>>(
        &self,
        form_id: &str,
        mut each: impl FnMut(RawRecord<'_>) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        self.each(
            "SELECT n, form, maker, created_at, pos, body, restricted_at, withheld FROM record WHERE form_id = ?1 ORDER BY n",
            [form_id],
            |r| {
                let body = r.get_ref(5).map_err(StorageError::from)?;
                let body = body.as_blob().map_err(rusqlite::Error::from);
                each(RawRecord {
                    no: RecordNo(r.get(0).map_err(StorageError::from)?),
                    form: FormHash::from_bytes(r.get(1).map_err(StorageError::from)?),
                    maker: r
                        .get::<_, Option<[u8; 16]>>(2)
                        .map_err(StorageError::from)?
                        .map(ProfileId::from_bytes),
                    created_at: unsql(r.get(3).map_err(StorageError::from)?),
                    pos: pos(r.get(4).map_err(StorageError::from)?),
                    body: body.map_err(StorageError::from)?,
                    restricted_at: r
                        .get::<_, Option<i64>>(6)
                        .map_err(StorageError::from)?
                        .map(unsql),
                    withheld: r.get(7).map_err(StorageError::from)?,
                })
            },
        )
    }

    /// The records that are restricted now, with the time since when: restricting is no log entry.
    pub fn restricted(&self) -> Result<Vec<(RecordNo, u64)>> {
        self.all(
            "SELECT n, restricted_at FROM record WHERE restricted_at IS NOT NULL ORDER BY n",
            [],
            |r| Ok((RecordNo(r.get(0)?), unsql(r.get(1)?))),
        )
    }

    /// The records of a form that are withheld now and changed after a position.
    pub fn withheld_after(&self, form_id: &str, after: LogPos) -> Result<Vec<RecordNo>> {
        self.all(
            "SELECT n FROM record WHERE form_id = ?1 AND pos > ?2 AND withheld = 1 ORDER BY n",
            params![form_id, sql(after.get())],
            |r| Ok(RecordNo(r.get(0)?)),
        )
    }

    /// Every user who ever wrote, in order of id.
    pub fn writers(&self) -> Result<Vec<UserId>> {
        self.all(
            "SELECT DISTINCT user FROM actor WHERE user IS NOT NULL ORDER BY user",
            [],
            |r| Ok(UserId::from_bytes(r.get(0)?)),
        )
    }

    /// When the entry at a log position was written, in milliseconds since 1970.
    pub fn log_time(&self, at: LogPos) -> Result<Option<u64>> {
        self.one(
            "SELECT received FROM log WHERE pos = ?1",
            params![sql(at.get())],
            |r| Ok(unsql(r.get(0)?)),
        )
    }
}
