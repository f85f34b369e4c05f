//! The merged state of each interview, with what lists and exports filter by.

use rusqlite::{Row, params};
use tributary_sync_core::conflict::Presence;
use tributary_sync_core::ids::{FormHash, LogPos, ProfileId, RecordId, UserId};
use tributary_sync_core::record::Record;

use super::{OrgTxn, RecordNo, Result, pos, sql, unsql};
use crate::storage::StorageError;

/// What lists and exports filter by; derived from the body at each change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordState {
    /// How many keys are in conflict.
    pub conflicts: u32,
    /// Whether it is there.
    pub presence: Presence,
    /// No live consent on a form that asks it.
    pub withheld: bool,
    /// draft, complete, returned, approved or rejected.
    pub status: String,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// Its number in the file.
    pub no: RecordNo,
    /// Its form lineage.
    pub form_id: String,
    /// The form version of its first changeset.
    pub form: FormHash,
    /// The profile that made it.
    pub maker: Option<ProfileId>,
    /// When it was made, in milliseconds since 1970.
    pub created_at: u64,
    /// The position of its last change.
    pub pos: LogPos,
    /// The merged state.
    pub record: Record,
    /// What lists filter by.
    pub state: RecordState,
    /// When it was restricted, if it is.
    pub restricted_at: Option<u64>,
    /// Who restricted it.
    pub restricted_by: Option<UserId>,
    /// When it may be erased.
    pub erase_after: Option<u64>,
}

/// Which records a list or an export wants. Empty wants all that are not deleted, restricted or withheld.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordFilter {
    /// Of this form lineage.
    pub form_id: Option<String>,
    /// In one of these states.
    pub statuses: Vec<String>,
    /// Only with conflicts.
    pub conflicts_only: bool,
    /// Changed after this log position.
    pub changed_after: Option<LogPos>,
    /// Also what is deleted.
    pub deleted: bool,
    /// Also what is withheld for lack of consent.
    pub withheld: bool,
    /// Also what is restricted.
    pub restricted: bool,
    /// Only records in scope of this profile or made by it.
    pub maker: Option<ProfileId>,
}

/// A restriction in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// Of which record.
    pub record: RecordId,
    /// Since when, in milliseconds since 1970.
    pub at: u64,
    /// Who restricted it.
    pub by: Option<UserId>,
    /// When the record may be erased.
    pub erase_after: Option<u64>,
}

const COLUMNS: &str = "n, id, form_id, form, maker, created_at, pos, body, conflicts, presence, withheld, status, \
                       restricted_at, restricted_by, erase_after";

impl OrgTxn<'_> {
    /// One record by its id.
    pub fn record(&self, id: RecordId) -> Result<Option<RecordRow>> {
        self.record_where("id = ?1", id.as_bytes().as_slice())
    }
    /// One record by its number.
    pub fn record_by_no(&self, no: RecordNo) -> Result<Option<RecordRow>> {
        self.record_where("n = ?1", no.0)
    }
    fn record_where(
        &self,
        condition: &str,
        value: impl rusqlite::ToSql,
    ) -> Result<Option<RecordRow>> {
        let mut found = None;
        self.each::<StorageError>(
            &format!("SELECT {COLUMNS} FROM record WHERE {condition}"),
            [value],
            |r| {
                found = Some(read(r)?);
                Ok(false)
            },
        )?;
        Ok(found)
    }
    /// The number of a record without reading it.
    pub fn record_no(&self, id: RecordId) -> Result<Option<RecordNo>> {
        self.one("SELECT n FROM record WHERE id = ?1", [id.as_bytes()], |r| {
            Ok(RecordNo(r.get(0)?))
        })
    }
    /// Makes the row of a new record.
    pub fn add_record(
        &self,
        id: RecordId,
        form_id: &str,
        form: FormHash,
        maker: Option<ProfileId>,
        now: u64,
    ) -> Result<RecordNo> {
        self.execute(
            "INSERT INTO record (id, form_id, form, maker, created_at, pos, body, conflicts, presence, withheld, status)
             VALUES (?1, ?2, ?3, ?4, ?5, 0, ?6, 0, 0, 0, 'draft')",
            params![
                id.as_bytes(),
                form_id,
                form.as_bytes(),
                maker.as_ref().map(|m| m.as_bytes().as_slice()),
                sql(now),
                Record::new(id).to_bytes()
            ],
        )?;
        Ok(RecordNo(self.conn.last_insert_rowid()))
    }
    /// Saves the merged state of a record.
    pub fn save_record(
        &self,
        no: RecordNo,
        record: &Record,
        state: &RecordState,
        at: LogPos,
    ) -> Result<()> {
        self.execute(
            "UPDATE record SET body = ?2, conflicts = ?3, presence = ?4, withheld = ?5, status = ?6, pos = ?7 WHERE n = ?1",
            params![
                no.0,
                record.to_bytes(),
                state.conflicts,
                presence_number(state.presence),
                state.withheld,
                state.status,
                sql(at.get())
            ],
        )?;
        Ok(())
    }
    /// Judges anew which records of a form are withheld for lack of consent, after its policies have changed. Returns
    /// those of which another is true now.
    pub fn withhold(
        &self,
        form_id: &str,
        withheld: impl Fn(&Record) -> bool,
    ) -> Result<Vec<RecordNo>> {
        let mut changed = Vec::new();
        self.each::<StorageError>(
            "SELECT n, body, withheld FROM record WHERE form_id = ?1",
            [form_id],
            |r| {
                let body = r.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
                let record = Record::from_bytes(body).map_err(StorageError::damaged("record"))?;
                let now = withheld(&record);
                if now != r.get::<_, bool>(2)? {
                    changed.push((r.get::<_, i64>(0)?, now));
                }
                Ok(true)
            },
        )?;
        for (no, withheld) in &changed {
            self.execute(
                "UPDATE record SET withheld = ?2 WHERE n = ?1",
                params![no, withheld],
            )?;
        }
        Ok(changed.into_iter().map(|(no, _)| RecordNo(no)).collect())
    }
    /// The restrictions in force.
    pub fn restrictions(&self) -> Result<Vec<Restriction>> {
        self.all(
            "SELECT id, restricted_at, restricted_by, erase_after FROM record WHERE restricted_at IS NOT NULL ORDER BY n",
            [],
            |r| {
                Ok(Restriction {
                    record: RecordId::from_bytes(r.get(0)?),
                    at: unsql(r.get(1)?),
                    by: r.get::<_, Option<[u8; 16]>>(2)?.map(UserId::from_bytes),
                    erase_after: r.get::<_, Option<i64>>(3)?.map(unsql),
                })
            },
        )
    }
    /// Restricts a record, or lifts it.
    pub fn set_restricted(
        &self,
        no: RecordNo,
        at: Option<u64>,
        by: Option<UserId>,
        erase_after: Option<u64>,
    ) -> Result<()> {
        self.execute(
            "UPDATE record SET restricted_at = ?2, restricted_by = ?3, erase_after = ?4 WHERE n = ?1",
            params![no.0, at.map(sql), by.as_ref().map(|u| u.as_bytes().as_slice()), erase_after.map(sql)],
        )?;
        Ok(())
    }

    /// At most `limit` records that nobody hid and whose last change came in before a time, the oldest first, each with
    /// the position of that change; without those that somebody wanted kept until later than `now`.
    pub fn unchanged(&self, before: u64, now: u64, limit: u32) -> Result<Vec<(RecordNo, LogPos)>> {
        self.all(
            "SELECT r.n, r.pos FROM record r JOIN log l ON l.pos = r.pos
             WHERE r.restricted_at IS NULL AND l.received < ?1 AND (r.erase_after IS NULL OR r.erase_after < ?2)
             ORDER BY r.pos LIMIT ?3",
            params![sql(before), sql(now), limit],
            |r| Ok((RecordNo(r.get(0)?), pos(r.get(1)?))),
        )
    }

    /// The records that a filter wants, from behind `after`, in stable order, in constant memory, until `each` says stop.
    pub fn records<E: From<StorageError>>(
        &self,
        filter: &RecordFilter,
        after: RecordNo,
        mut each: impl FnMut(RecordRow) -> std::result::Result<bool, E>,
    ) -> std::result::Result<(), E> {
        let mut text = format!("SELECT {COLUMNS} FROM record WHERE n > ?1");
        let mut values: Vec<Box<dyn rusqlite::ToSql>> = vec![Box::new(after.0)];
        conditions(filter, &mut text, &mut values);
        text.push_str(" ORDER BY n");
        self.each(&text, rusqlite::params_from_iter(values), |r| {
            each(read(r)?)
        })
    }
    /// How many a filter wants.
    pub fn count_records(&self, filter: &RecordFilter) -> Result<u64> {
        let mut text = "SELECT count(*) FROM record WHERE n > ?1".to_owned();
        let mut values: Vec<Box<dyn rusqlite::ToSql>> = vec![Box::new(0i64)];
        conditions(filter, &mut text, &mut values);
        Ok(self
            .one(&text, rusqlite::params_from_iter(values), |r| r.get(0))?
            .map_or(0, unsql))
    }
}

fn conditions(
    filter: &RecordFilter,
    text: &mut String,
    values: &mut Vec<Box<dyn rusqlite::ToSql>>,
) {
    let mut and = |condition: &str, value: Box<dyn rusqlite::ToSql>| {
        values.push(value);
        text.push_str(&format!(" AND {condition} ?{}", values.len()));
    };
    if let Some(form_id) = &filter.form_id {
        and("form_id =", Box::new(form_id.clone()));
    }
    if let Some(after) = filter.changed_after {
        and("pos >", Box::new(sql(after.get())));
    }
    if let Some(maker) = filter.maker {
        and("maker =", Box::new(maker.as_bytes().to_vec()));
    }
    if filter.conflicts_only {
        and("conflicts >", Box::new(0));
    }
    if !filter.deleted {
        and("presence <>", Box::new(presence_number(Presence::Deleted)));
    }
    if !filter.withheld {
        and("withheld =", Box::new(0));
    }
    if !filter.restricted {
        text.push_str(" AND restricted_at IS NULL");
    }
    if !filter.statuses.is_empty() {
        text.push_str(" AND status IN (");
        for (i, status) in filter.statuses.iter().enumerate() {
            values.push(Box::new(status.clone()));
            text.push_str(&format!(
                "{}?{}",
                if i == 0 { "" } else { ", " },
                values.len()
            ));
        }
        text.push(')');
    }
}

fn presence_number(p: Presence) -> u8 {
    match p {
        Presence::Present => 0,
        Presence::Deleted => 1,
        Presence::Contested => 2,
    }
}

fn read(r: &Row<'_>) -> Result<RecordRow> {
    let body = r.get_ref(7)?.as_blob().map_err(rusqlite::Error::from)?;
    Ok(RecordRow {
        no: RecordNo(r.get(0)?),
        record: Record::from_bytes(body).map_err(StorageError::damaged("record"))?,
        form_id: r.get(2)?,
        form: FormHash::from_bytes(r.get(3)?),
        maker: r.get::<_, Option<[u8; 16]>>(4)?.map(ProfileId::from_bytes),
        created_at: unsql(r.get(5)?),
        pos: pos(r.get(6)?),
        state: RecordState {
            conflicts: r.get(8)?,
            presence: match r.get::<_, u8>(9)? {
                0 => Presence::Present,
                1 => Presence::Deleted,
                _ => Presence::Contested,
            },
            withheld: r.get(10)?,
            status: r.get(11)?,
        },
        restricted_at: r.get::<_, Option<i64>>(12)?.map(unsql),
        restricted_by: r.get::<_, Option<[u8; 16]>>(13)?.map(UserId::from_bytes),
        erase_after: r.get::<_, Option<i64>>(14)?.map(unsql),
    })
}
