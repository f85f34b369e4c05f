//! What a session keeps, as rows: JSON, with canonical bytes behind it where there are some.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
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

use crate::brief::Brief;
use crate::rows::{Row, Rows, Table};

type Kept<T> = Result<T, StoreError>;

#[derive(Serialize, Deserialize)]
struct HeldHead {
    form: FormHash,
    pos: LogPos,
}
/// A form version; `n` counts them in the order in which they came.
#[derive(Serialize, Deserialize)]
struct FormRow {
    n: u64,
    form_id: String,
    package: String,
    xform: String,
}

fn broken(e: impl std::fmt::Display) -> StoreError {
    StoreError::new(format!("a row of this device does not read: {e}"))
}
fn to_json<T: Serialize>(value: &T) -> Kept<Vec<u8>> {
    serde_json::to_vec(value).map_err(broken)
}
fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Kept<T> {
    serde_json::from_slice(bytes).map_err(broken)
}

/// JSON, a zero byte, which JSON never holds, and bytes.
fn pack<T: Serialize>(head: &T, body: Option<&[u8]>) -> Kept<Vec<u8>> {
    let mut out = to_json(head)?;
    if let Some(body) = body {
        out.push(0);
        out.extend_from_slice(body);
    }
    Ok(out)
}
fn unpack<T: DeserializeOwned>(bytes: &[u8]) -> Kept<(T, Option<&[u8]>)> {
    let mut parts = bytes.splitn(2, |b| *b == 0);
    let head = from_json(parts.next().unwrap_or_default())?;
    Ok((head, parts.next()))
}

// Keys sort as what they name.
fn own_key(dot: Dot) -> String {
    format!("{:08x}{:014x}", dot.actor.0, dot.seq.get())
}
pub(crate) fn dot_of(key: &str) -> Kept<Dot> {
    let number = |part: Option<&str>| {
        let part = part.ok_or_else(|| broken("a key"))?;
        u64::from_str_radix(part, 16).map_err(broken)
    };
    let actor = u32::try_from(number(key.get(..8))?).map_err(broken)?;
    let seq = Seq::new(number(key.get(8..))?).map_err(broken)?;
    Ok(Dot::new(ActorId(actor), seq))
}
fn session_key(session: u64) -> String {
    format!("{session:014x}")
}
fn person_key(actor: ActorId) -> String {
    format!("{:08x}", actor.0)
}

/// What stands before the fate of an own changeset: whether it has a record, the record, its hash, the chain.
const OWN_HEAD: usize = 1 + 16 + 32 + 32;

fn own_head(own: &Own) -> [u8; OWN_HEAD] {
    let mut out = [0; OWN_HEAD];
    let record = own.record.unwrap_or_default();
    out[0] = u8::from(own.record.is_some());
    out[1..17].copy_from_slice(record.as_bytes());
    out[17..49].copy_from_slice(own.hash.as_bytes());
    out[49..].copy_from_slice(own.chain.as_bytes());
    out
}
/// An own changeset without its body, and the bytes of that.
fn read_own(dot: Dot, value: &[u8]) -> Kept<(Own, Option<&[u8]>)> {
    let head = value.get(..OWN_HEAD).ok_or_else(|| broken("its head"))?;
    let (fate, body) = unpack(value.get(OWN_HEAD..).unwrap_or_default())?;
    let record = RecordId::from_slice(&head[1..17]).map_err(broken)?;
    let own = Own {
        dot,
        record: (head[0] == 1).then_some(record),
        hash: ItemHash::from_slice(&head[17..49]).map_err(broken)?,
        chain: ChainHash::from_slice(&head[49..]).map_err(broken)?,
        body: None,
        fate,
    };
    Ok((own, body))
}
/// An own changeset without its body.
pub(crate) fn read_fate(dot: Dot, value: &[u8]) -> Kept<Own> {
    Ok(read_own(dot, value)?.0)
}

impl Rows {
    pub(crate) fn state<T: DeserializeOwned>(&self, key: &str) -> Kept<Option<T>> {
        let value = self.value(Table::State, key)?;
        value.map(|v| from_json(&v)).transpose()
    }
    pub(crate) fn put_state<T: Serialize>(&mut self, key: &str, value: &T) -> Kept<()> {
        self.write(Table::State, key.to_owned(), to_json(value)?)
    }
    fn write(&mut self, table: Table, key: String, value: Vec<u8>) -> Kept<()> {
        let row = Row {
            value: Some(value.into()),
            brief: [].into(),
        };
        self.change(table, key, Some(row))
    }
    fn each<T>(&self, table: Table, read: impl Fn(&str, &[u8]) -> Kept<T>) -> Kept<Vec<T>> {
        let rows = self.all(table);
        rows.filter_map(|(key, row)| Some(read(key, row.value.as_deref()?)))
            .collect()
    }

    /// All form versions, in the order in which they came.
    pub(crate) fn forms(&self) -> Kept<Vec<FormText>> {
        let mut all = self.each(Table::Form, |key, value| {
            let row: FormRow = from_json(value)?;
            Ok((row.n, form_text(key.parse().map_err(broken)?, row)))
        })?;
        all.sort_by_key(|(n, _)| *n);
        Ok(all.into_iter().map(|(_, form)| form).collect())
    }
    /// The policies of a form, as they came.
    pub(crate) fn policy_entries(&self, form_id: &str) -> Kept<Vec<PolicyEntry>> {
        let prefix = format!("{form_id}/");
        let rows = self.range(Table::Policy, prefix.clone());
        let of_form = rows
            .take_while(|((table, key), _)| *table == Table::Policy && key.starts_with(&prefix));
        of_form
            .filter_map(|(_, row)| row.value.as_deref().map(from_json))
            .collect()
    }
    /// Whether somebody has been enrolled here.
    pub(crate) fn is_enrolled(&self) -> bool {
        self.row(Table::State, "profile").is_some()
    }
}

fn form_text(hash: FormHash, row: FormRow) -> FormText {
    FormText {
        hash,
        form_id: row.form_id,
        package: row.package,
        xform: row.xform,
    }
}

impl Store for Rows {
    fn profile(&self) -> Kept<Profile> {
        self.state("profile")?.ok_or_else(|| broken("no profile"))
    }
    fn put_profile(&mut self, profile: &Profile) -> Kept<()> {
        self.put_state("profile", profile)
    }

    fn held(&self, record: RecordId) -> Kept<Option<Held>> {
        let Some(value) = self.value(Table::Held, &record.to_string())? else {
            return Ok(None);
        };
        let (head, body) = unpack::<HeldHead>(&value)?;
        Ok(Some(Held {
            state: Record::from_bytes(body.unwrap_or_default()).map_err(broken)?,
            form: head.form,
            pos: head.pos,
        }))
    }
    fn holds(&self, record: RecordId) -> Kept<bool> {
        Ok(self.row(Table::Held, &record.to_string()).is_some())
    }
    fn put_held(&mut self, held: &Held) -> Kept<()> {
        let head = HeldHead {
            form: held.form,
            pos: held.pos,
        };
        let row = Row {
            value: Some(pack(&head, Some(&held.state.to_bytes()))?.into()),
            brief: to_json(&Brief::of(held))?.into(),
        };
        self.change(Table::Held, held.state.id().to_string(), Some(row))
    }
    fn drop_held(&mut self, record: RecordId) -> Kept<()> {
        self.change(Table::Held, record.to_string(), None)
    }
    fn held_ids(&self) -> Kept<Vec<RecordId>> {
        let keys = self.all(Table::Held);
        keys.map(|(key, _)| key.parse().map_err(broken)).collect()
    }

    fn own(&self, dot: Dot) -> Kept<Option<Own>> {
        let value = self.value(Table::Own, &own_key(dot))?;
        let Some(value) = value else {
            return Ok(None);
        };
        let (own, body) = read_own(dot, &value)?;
        let body = body.map(Changeset::from_bytes).transpose();
        Ok(Some(Own {
            body: body.map_err(broken)?,
            ..own
        }))
    }
    fn put_own(&mut self, own: &Own) -> Kept<()> {
        let body = own.body.as_ref().map(Changeset::bytes);
        let rest = pack(&own.fate, body)?;
        let value = [&own_head(own)[..], &rest].concat();
        self.write(Table::Own, own_key(own.dot), value)
    }
    fn drop_own(&mut self, dot: Dot) -> Kept<()> {
        self.change(Table::Own, own_key(dot), None)
    }
    fn own_after(&self, actor: ActorId, after: Seq, limit: usize) -> Kept<Vec<Own>> {
        let from_there = self.own_index().range(Dot::new(actor, after)..);
        let later = from_there
            .map(|(dot, _)| *dot)
            .take_while(|dot| dot.actor == actor)
            .filter(|dot| dot.seq > after);
        later
            .take(limit)
            .filter_map(|dot| self.own(dot).transpose())
            .collect()
    }
    fn own_of(&self, record: RecordId) -> Kept<Vec<Own>> {
        self.own_dots(record)
            .filter_map(|dot| self.own(dot).transpose())
            .collect()
    }
    fn chain_after(&self, actor: ActorId, after: Seq) -> Kept<Vec<ChainPoint>> {
        let from_there = self.own_index().range(Dot::new(actor, after)..);
        let later = from_there
            .take_while(|(dot, _)| dot.actor == actor)
            .filter(|(dot, _)| dot.seq > after);
        let point = |(dot, own): (&Dot, &Own)| ChainPoint {
            seq: dot.seq,
            hash: own.chain,
        };
        Ok(later.map(point).collect())
    }
    fn own_records(&self) -> Kept<Vec<RecordId>> {
        Ok(Rows::own_records(self).collect())
    }

    fn open_forms(&self) -> Kept<Vec<OpenForm>> {
        self.each(Table::Open, |_, value| from_json(value))
    }
    fn put_open_form(&mut self, form: &OpenForm) -> Kept<()> {
        self.write(Table::Open, session_key(form.session), to_json(form)?)
    }
    fn drop_open_form(&mut self, session: u64) -> Kept<()> {
        self.change(Table::Open, session_key(session), None)
    }

    fn person(&self, actor: ActorId) -> Kept<Option<Person>> {
        let value = self.value(Table::Person, &person_key(actor))?;
        value.map(|v| from_json(&v)).transpose()
    }
    fn put_person(&mut self, actor: ActorId, person: &Person) -> Kept<()> {
        self.write(Table::Person, person_key(actor), to_json(person)?)
    }

    fn policies(&self, form_id: &str) -> Kept<Policies> {
        let mut out = Policies::default();
        for entry in self.policy_entries(form_id)? {
            out.set(entry.field, entry.field_policy());
        }
        Ok(out)
    }
    fn put_policy(&mut self, policy: &PolicyEntry) -> Kept<()> {
        let key = format!("{}/{:08x}", policy.form_id, policy.field.0);
        self.write(Table::Policy, key, to_json(policy)?)
    }

    fn form(&self, hash: FormHash) -> Kept<Option<FormText>> {
        let value = self.value(Table::Form, &hash.to_string())?;
        value
            .map(|v| Ok(form_text(hash, from_json(&v)?)))
            .transpose()
    }
    fn put_form(&mut self, form: &FormText) -> Kept<()> {
        if self.row(Table::Form, &form.hash.to_string()).is_some() {
            return Ok(());
        }
        let numbers = self.each(Table::Form, |_, v| Ok(from_json::<FormRow>(v)?.n))?;
        let row = FormRow {
            n: numbers.iter().max().map_or(0, |n| n.saturating_add(1)),
            form_id: form.form_id.clone(),
            package: form.package.clone(),
            xform: form.xform.clone(),
        };
        self.write(Table::Form, form.hash.to_string(), to_json(&row)?)
    }

    fn tombstones(&self) -> Kept<Vec<SignedTombstone>> {
        self.each(Table::Tombstone, |_, value| from_json(value))
    }
    fn put_tombstone(&mut self, tombstone: &SignedTombstone) -> Kept<()> {
        let key = tombstone.hash.to_string();
        self.write(Table::Tombstone, key, to_json(tombstone)?)
    }
    fn is_erased(&self, tombstone: Tombstone) -> Kept<bool> {
        Ok(self.row(Table::Tombstone, &tombstone.to_string()).is_some())
    }

    fn keys(&self) -> Kept<Option<serde_json::Value>> {
        self.state("keys")
    }
    fn put_keys(&mut self, keys: &serde_json::Value) -> Kept<()> {
        self.put_state("keys", keys)
    }
}
