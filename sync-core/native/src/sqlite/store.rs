//! What a session keeps, in SQLite: changeset, clock and queue in one transaction.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, Params, Row};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tributary_sync_core::change::Changeset;
use tributary_sync_core::clock::Dot;
use tributary_sync_core::ids::{
    ActorId, ChainHash, FormHash, ItemHash, LogPos, RecordId, Seq, Tombstone,
};
use tributary_sync_core::policy::Policies;
use tributary_sync_core::record::Record;
use tributary_sync_core::session::{
    FormText, Held, OpenForm, Own, Person, Profile, Store, StoreError,
};
use tributary_sync_core::wire::message::{ChainPoint, PolicyEntry, SignedTombstone};

type Kept<T> = Result<T, StoreError>;

/// One step's view of the file.
#[derive(Debug)]
pub struct Tx<'a>(&'a Connection);

impl<'a> Tx<'a> {
    pub(super) fn new(db: &'a Connection) -> Self {
        Self(db)
    }
    pub(super) fn db(&self) -> &'a Connection {
        self.0
    }

    fn run(&self, sql: &str, params: impl Params) -> Kept<()> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        statement.execute(params).map_err(failed)?;
        Ok(())
    }
    fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Kept<Option<T>> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        statement.query_row(params, read).optional().map_err(failed)
    }
    fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Kept<Vec<T>> {
        let mut statement = self.0.prepare_cached(sql).map_err(failed)?;
        let rows = statement.query_map(params, read).map_err(failed)?;
        rows.collect::<Result<_, _>>().map_err(failed)
    }
}

fn failed(e: rusqlite::Error) -> StoreError {
    StoreError::new(e)
}
fn broken(e: impl std::fmt::Display) -> StoreError {
    StoreError::new(format!("a row of the device's file does not read: {e}"))
}
fn to_json<T: Serialize>(value: &T) -> Kept<String> {
    serde_json::to_string(value).map_err(broken)
}
fn from_json<T: DeserializeOwned>(text: &str) -> Kept<T> {
    serde_json::from_str(text).map_err(broken)
}
/// Counters stay below 2^53, so they fit.
fn sql(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
fn counter(n: i64) -> u64 {
    u64::try_from(n).unwrap_or_default()
}
/// A limit as SQL wants it; −1 is none.
fn at_most(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(-1)
}

struct OwnRow {
    actor: u32,
    seq: i64,
    record: Option<[u8; 16]>,
    hash: [u8; 32],
    chain: [u8; 32],
    body: Option<Vec<u8>>,
    fate: String,
}

const OWN: &str = "SELECT actor, seq, record, hash, chain, body, fate FROM own";

fn own_row(r: &Row<'_>) -> rusqlite::Result<OwnRow> {
    Ok(OwnRow {
        actor: r.get(0)?,
        seq: r.get(1)?,
        record: r.get(2)?,
        hash: r.get(3)?,
        chain: r.get(4)?,
        body: r.get(5)?,
        fate: r.get(6)?,
    })
}

fn read_own(row: OwnRow) -> Kept<Own> {
    let body = row.body.map(|b| Changeset::from_bytes(&b)).transpose();
    Ok(Own {
        dot: Dot::new(
            ActorId(row.actor),
            Seq::new(counter(row.seq)).map_err(broken)?,
        ),
        record: row.record.map(RecordId::from_bytes),
        hash: ItemHash::from_bytes(row.hash),
        chain: ChainHash::from_bytes(row.chain),
        body: body.map_err(broken)?,
        fate: from_json(&row.fate)?,
    })
}

impl Store for Tx<'_> {
    fn profile(&self) -> Kept<Profile> {
        let text = self.one("SELECT value FROM state WHERE key = 'profile'", [], |r| {
            r.get::<_, String>(0)
        })?;
        from_json(&text.ok_or_else(|| broken("no profile"))?)
    }
    fn put_profile(&mut self, profile: &Profile) -> Kept<()> {
        self.run(
            "INSERT OR REPLACE INTO state (key, value) VALUES ('profile', ?1)",
            [to_json(profile)?],
        )
    }

    fn held(&self, record: RecordId) -> Kept<Option<Held>> {
        let row = self.one(
            "SELECT form, pos, body FROM record WHERE id = ?1",
            [record.as_bytes()],
            |r| {
                Ok((
                    r.get::<_, [u8; 32]>(0)?,
                    r.get::<_, i64>(1)?,
                    r.get::<_, Vec<u8>>(2)?,
                ))
            },
        )?;
        row.map(|(form, pos, body)| {
            Ok(Held {
                state: Record::from_bytes(&body).map_err(broken)?,
                form: FormHash::from_bytes(form),
                pos: LogPos::new(counter(pos)).map_err(broken)?,
            })
        })
        .transpose()
    }
    fn holds(&self, record: RecordId) -> Kept<bool> {
        let found = self.one(
            "SELECT 1 FROM record WHERE id = ?1",
            [record.as_bytes()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }
    fn put_held(&mut self, held: &Held) -> Kept<()> {
        self.run(
            "INSERT OR REPLACE INTO record (id, form, pos, body) VALUES (?1, ?2, ?3, ?4)",
            (
                held.state.id().as_bytes(),
                held.form.as_bytes(),
                sql(held.pos.get()),
                held.state.to_bytes(),
            ),
        )
    }
    fn drop_held(&mut self, record: RecordId) -> Kept<()> {
        self.run("DELETE FROM record WHERE id = ?1", [record.as_bytes()])
    }
    fn held_ids(&self) -> Kept<Vec<RecordId>> {
        self.all("SELECT id FROM record ORDER BY id", [], |r| {
            r.get(0).map(RecordId::from_bytes)
        })
    }

    fn own(&self, dot: Dot) -> Kept<Option<Own>> {
        let row = self.one(
            &format!("{OWN} WHERE actor = ?1 AND seq = ?2"),
            (dot.actor.0, sql(dot.seq.get())),
            own_row,
        )?;
        row.map(read_own).transpose()
    }
    fn put_own(&mut self, own: &Own) -> Kept<()> {
        self.run(
            "INSERT OR REPLACE INTO own (actor, seq, record, hash, chain, body, fate) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                own.dot.actor.0,
                sql(own.dot.seq.get()),
                own.record.as_ref().map(RecordId::as_bytes),
                own.hash.as_bytes(),
                own.chain.as_bytes(),
                own.body.as_ref().map_or(Sql::Null, |c| c.bytes().to_vec().into()),
                to_json(&own.fate)?,
            ),
        )
    }
    fn drop_own(&mut self, dot: Dot) -> Kept<()> {
        self.run(
            "DELETE FROM own WHERE actor = ?1 AND seq = ?2",
            (dot.actor.0, sql(dot.seq.get())),
        )
    }
    fn own_after(&self, actor: ActorId, after: Seq, limit: usize) -> Kept<Vec<Own>> {
        let rows = self.all(
            &format!("{OWN} WHERE actor = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3"),
            (actor.0, sql(after.get()), at_most(limit)),
            own_row,
        )?;
        rows.into_iter().map(read_own).collect()
    }
    fn own_of(&self, record: RecordId) -> Kept<Vec<Own>> {
        let rows = self.all(
            &format!("{OWN} WHERE record = ?1 ORDER BY actor, seq"),
            [record.as_bytes()],
            own_row,
        )?;
        rows.into_iter().map(read_own).collect()
    }
    fn chain_after(&self, actor: ActorId, after: Seq) -> Kept<Vec<ChainPoint>> {
        let rows = self.all(
            "SELECT seq, chain FROM own WHERE actor = ?1 AND seq > ?2 ORDER BY seq",
            (actor.0, sql(after.get())),
            |r| Ok((r.get::<_, i64>(0)?, r.get::<_, [u8; 32]>(1)?)),
        )?;
        let point = |(seq, chain)| {
            Ok(ChainPoint {
                seq: Seq::new(counter(seq)).map_err(broken)?,
                hash: ChainHash::from_bytes(chain),
            })
        };
        rows.into_iter().map(point).collect()
    }
    fn own_records(&self) -> Kept<Vec<RecordId>> {
        self.all(
            "SELECT DISTINCT record FROM own WHERE record IS NOT NULL ORDER BY record",
            [],
            |r| r.get(0).map(RecordId::from_bytes),
        )
    }

    fn open_forms(&self) -> Kept<Vec<OpenForm>> {
        let rows = self.all("SELECT body FROM open_form ORDER BY session", [], |r| {
            r.get::<_, String>(0)
        })?;
        rows.iter().map(|t| from_json(t)).collect()
    }
    fn put_open_form(&mut self, form: &OpenForm) -> Kept<()> {
        self.run(
            "INSERT OR REPLACE INTO open_form (session, body) VALUES (?1, ?2)",
            (sql(form.session), to_json(form)?),
        )
    }
    fn drop_open_form(&mut self, session: u64) -> Kept<()> {
        self.run("DELETE FROM open_form WHERE session = ?1", [sql(session)])
    }

    fn person(&self, actor: ActorId) -> Kept<Option<Person>> {
        let row = self.one("SELECT body FROM person WHERE actor = ?1", [actor.0], |r| {
            r.get::<_, String>(0)
        })?;
        row.map(|t| from_json(&t)).transpose()
    }
    fn put_person(&mut self, actor: ActorId, person: &Person) -> Kept<()> {
        self.run(
            "INSERT OR REPLACE INTO person (actor, body) VALUES (?1, ?2)",
            (actor.0, to_json(person)?),
        )
    }

    fn policies(&self, form_id: &str) -> Kept<Policies> {
        let rows = self.all(
            "SELECT body FROM policy WHERE form_id = ?1",
            [form_id],
            |r| r.get::<_, String>(0),
        )?;
        let mut out = Policies::default();
        for text in rows {
            let entry: PolicyEntry = from_json(&text)?;
            out.set(entry.field, entry.field_policy());
        }
        Ok(out)
    }
    fn put_policy(&mut self, policy: &PolicyEntry) -> Kept<()> {
        self.run(
            "INSERT OR REPLACE INTO policy (form_id, field, body) VALUES (?1, ?2, ?3)",
            (&policy.form_id, policy.field.0, to_json(policy)?),
        )
    }

    fn form(&self, hash: FormHash) -> Kept<Option<FormText>> {
        self.one(
            "SELECT form_id, package, xform FROM form WHERE hash = ?1",
            [hash.as_bytes()],
            |r| {
                Ok(FormText {
                    hash,
                    form_id: r.get(0)?,
                    package: r.get(1)?,
                    xform: r.get(2)?,
                })
            },
        )
    }
    fn put_form(&mut self, form: &FormText) -> Kept<()> {
        self.run(
            "INSERT OR IGNORE INTO form (hash, form_id, package, xform) VALUES (?1, ?2, ?3, ?4)",
            (
                form.hash.as_bytes(),
                &form.form_id,
                &form.package,
                &form.xform,
            ),
        )
    }

    fn tombstones(&self) -> Kept<Vec<SignedTombstone>> {
        self.all("SELECT hash, sig FROM tombstone ORDER BY hash", [], |r| {
            Ok(SignedTombstone {
                hash: Tombstone::from_bytes(r.get(0)?),
                sig: r.get(1)?,
            })
        })
    }
    fn put_tombstone(&mut self, tombstone: &SignedTombstone) -> Kept<()> {
        self.run(
            "INSERT OR REPLACE INTO tombstone (hash, sig) VALUES (?1, ?2)",
            (tombstone.hash.as_bytes(), &tombstone.sig),
        )
    }
    fn is_erased(&self, tombstone: Tombstone) -> Kept<bool> {
        let found = self.one(
            "SELECT 1 FROM tombstone WHERE hash = ?1",
            [tombstone.as_bytes()],
            |_| Ok(()),
        )?;
        Ok(found.is_some())
    }

    fn keys(&self) -> Kept<Option<serde_json::Value>> {
        let text = self.one("SELECT value FROM state WHERE key = 'keys'", [], |r| {
            r.get::<_, String>(0)
        })?;
        text.map(|t| from_json(&t)).transpose()
    }
    fn put_keys(&mut self, keys: &serde_json::Value) -> Kept<()> {
        self.run(
            "INSERT OR REPLACE INTO state (key, value) VALUES ('keys', ?1)",
            [to_json(keys)?],
        )
    }
}
