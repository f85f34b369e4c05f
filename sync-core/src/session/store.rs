//! What a session needs to keep: an interface, implemented over memory, SQLite and IndexedDB.
//!
//! All calls of one step happen inside one local transaction of the caller, so no method commits. A method sees what
//! earlier ones of the same step wrote.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::device::Profile;
use crate::change::Changeset;
use crate::clock::{Clock, Dot, Hlc};
use crate::ids::{
    ActorId, ChainHash, EpochId, FormHash, ItemHash, LogPos, RecordId, Seq, Tombstone, UserId,
};
use crate::key::Key;
use crate::policy::Policies;
use crate::record::Record;
use crate::value::Value;
use crate::wire::message::{PolicyEntry, SignedTombstone, Status};

/// A failure below the session: a full disk, a broken file.
#[derive(Debug)]
pub struct StoreError(Box<dyn std::error::Error + Send + Sync>);

impl StoreError {
    /// Wraps what the store reported.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }
    /// What the store reported.
    pub fn source_ref(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        &*self.0
    }
}
impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the store of this device failed: {}", self.0)
    }
}
impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// A record on the device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Held {
    /// As the person sees it: what the server gave, with own changesets that it has not judged applied on top.
    pub state: Record,
    /// The form version of its first changeset.
    pub form: FormHash,
    /// Up to which log position it holds everything of this record; 0 for one that the server never gave.
    pub pos: LogPos,
}

/// What the server has said of an own changeset.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Fate {
    /// It was in a request: whether the server has it is not known without an answer.
    pub sent: bool,
    /// The server could not read it: it goes as `opaque`.
    pub opaque: bool,
    /// The verdict, as of the last answer.
    pub status: Option<Status>,
    /// Why it stands in quarantine.
    pub code: Option<String>,
    /// The clock that orders ties; a resend repeats it.
    pub effective: Option<Hlc>,
    /// Its log position.
    pub pos: Option<LogPos>,
    /// Somebody released it from quarantine (true) or discarded it.
    pub judged: Option<bool>,
    /// What it overwrote of protective values: until it is sent its author may take it back, but not below these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub floor: Vec<Floor>,
}

/// What an unsent changeset overwrote under one key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Floor {
    /// The key, as it travels.
    #[serde(with = "key_text")]
    pub key: Key,
    /// The values that stood there, and that others may know.
    pub values: Vec<Value>,
}

mod key_text {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    use crate::key::Key;

    pub(super) fn serialize<S: Serializer>(key: &Key, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(key)
    }
    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Key, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// An own changeset: in the queue until the server has used its number, kept until it is copied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Own {
    /// Its actor and number.
    pub dot: Dot,
    /// Its record; none after an erasure.
    pub record: Option<RecordId>,
    /// Its hash.
    pub hash: ItemHash,
    /// h at its number.
    pub chain: ChainHash,
    /// Its content; none once it is copied and forgotten, or erased.
    pub body: Option<Changeset>,
    /// The verdict.
    pub fate: Fate,
}

impl Own {
    /// Nothing is known of it on the server, and there is something to send.
    pub fn is_unsent(&self) -> bool {
        self.fate.status.is_none()
    }
    /// It waits for a coordinator.
    pub fn is_with_coordinator(&self) -> bool {
        self.fate.status == Some(Status::Quarantined) && self.fate.judged.is_none()
    }
    /// Its number and fate alone: the answers go, and what they had overwritten.
    pub(super) fn without_body(mut self) -> Self {
        self.body = None;
        self.fate.floor.clear();
        self
    }
    /// The record would be less without it: it is applied again after any full state.
    pub(super) fn holds_record(&self) -> bool {
        self.body.is_some() && (self.is_unsent() || self.is_with_coordinator())
    }
}

/// A record open in a form.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct OpenForm {
    /// The name of the session.
    pub session: u64,
    /// The record.
    pub record: RecordId,
    /// The form version that is being filled in.
    pub form: FormHash,
    /// Whether the first save makes the record.
    pub creates: bool,
    /// The epoch in which `seen` was taken.
    pub epoch: EpochId,
    /// What the person saw: the record's clock at opening, with this session's own saves.
    pub seen: Clock,
    /// The record as it was shown, with this session's own saves.
    pub view: Record,
}

/// Who stands behind an actor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Person {
    /// What to show.
    pub name: String,
    /// The user; none for the server itself.
    pub user: Option<UserId>,
}

/// A form version as it was fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FormText {
    /// Its name.
    pub hash: FormHash,
    /// The form.
    pub form_id: String,
    /// The canonical bytes of its package, as text.
    pub package: String,
    /// The XForm as served.
    pub xform: String,
}

type Kept<T> = Result<T, StoreError>;

/// What a session keeps.
pub trait Store {
    /// The profile.
    fn profile(&self) -> Kept<Profile>;
    /// Writes the profile.
    fn put_profile(&mut self, profile: &Profile) -> Kept<()>;

    /// A record.
    fn held(&self, record: RecordId) -> Kept<Option<Held>>;
    /// Whether a record is on the device; a store that reads records one by one knows it without reading.
    fn holds(&self, record: RecordId) -> Kept<bool> {
        Ok(self.held(record)?.is_some())
    }
    /// Writes a record.
    fn put_held(&mut self, held: &Held) -> Kept<()>;
    /// Drops a record.
    fn drop_held(&mut self, record: RecordId) -> Kept<()>;
    /// All records, by id.
    fn held_ids(&self) -> Kept<Vec<RecordId>>;

    /// An own changeset.
    fn own(&self, dot: Dot) -> Kept<Option<Own>>;
    /// Writes an own changeset.
    fn put_own(&mut self, own: &Own) -> Kept<()>;
    /// Forgets an own changeset.
    fn drop_own(&mut self, dot: Dot) -> Kept<()>;
    /// At most `limit` changesets of an actor with a number above `after`, ascending.
    fn own_after(&self, actor: ActorId, after: Seq, limit: usize) -> Kept<Vec<Own>>;
    /// The own changesets of a record, by dot.
    fn own_of(&self, record: RecordId) -> Kept<Vec<Own>>;
    /// The points of an actor's chain above `after`, ascending.
    fn chain_after(
        &self,
        actor: ActorId,
        after: Seq,
    ) -> Kept<Vec<crate::wire::message::ChainPoint>>;
    /// The ids of all records that own changesets name.
    fn own_records(&self) -> Kept<Vec<RecordId>>;

    /// The open forms.
    fn open_forms(&self) -> Kept<Vec<OpenForm>>;
    /// Writes an open form.
    fn put_open_form(&mut self, form: &OpenForm) -> Kept<()>;
    /// Closes a form.
    fn drop_open_form(&mut self, session: u64) -> Kept<()>;

    /// Who stands behind an actor.
    fn person(&self, actor: ActorId) -> Kept<Option<Person>>;
    /// Learns who stands behind an actor.
    fn put_person(&mut self, actor: ActorId, person: &Person) -> Kept<()>;

    /// The policies in force for a form.
    fn policies(&self, form_id: &str) -> Kept<Policies>;
    /// Learns the policy of a field.
    fn put_policy(&mut self, policy: &PolicyEntry) -> Kept<()>;

    /// A form version.
    fn form(&self, hash: FormHash) -> Kept<Option<FormText>>;
    /// Writes a form version.
    fn put_form(&mut self, form: &FormText) -> Kept<()>;

    /// The tombstones that the server signed.
    fn tombstones(&self) -> Kept<Vec<SignedTombstone>>;
    /// Keeps a tombstone.
    fn put_tombstone(&mut self, tombstone: &SignedTombstone) -> Kept<()>;
    /// Whether a record was erased.
    fn is_erased(&self, tombstone: Tombstone) -> Kept<bool>;

    /// The organisation's keys as it last told them.
    fn keys(&self) -> Kept<Option<serde_json::Value>>;
    /// Writes the organisation's keys.
    fn put_keys(&mut self, keys: &serde_json::Value) -> Kept<()>;
}
