//! The messages of `POST /sync/v1/exchange` and its companions (§9.3, §9.4), and what their signatures cover.
//!
//! Fields are only ever added. Signatures are made and checked by the caller; this module says over which bytes.

use std::collections::HashSet;
use std::hash::Hash;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::item::{Item, read_item};
use crate::cbor::Writer;
use crate::change::Stored;
use crate::clock::Hlc;
use crate::error::ParseError;
use crate::form::{DecideRole, FieldRules, PolicySpec};
use crate::ids::{
    ActorId, ChainHash, EpochId, FieldId, FormHash, InstanceId, LogHash, LogPos, OrgId, RecordId,
    Seq, Tombstone, UserId,
};
use crate::record::Record;
use crate::value::limit;

/// Decompressed request bytes, at most (§1.8).
pub const REQUEST_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Items of one push, at most.
pub const ITEMS_MAX: usize = 5_000;
/// Records that one exchange says were emptied, at most.
pub const LEAVES_MAX: usize = 5_000;
/// Records that one exchange wants whole again, at most.
pub const REFETCH_MAX: usize = 500;
/// Actors of one comparison, at most.
pub const COMPARED_ACTORS_MAX: usize = 256;
/// Chain points of one comparison, of all its actors together, at most.
pub const COMPARED_POINTS_MAX: usize = 60_000;
/// Tombstones of one comparison, at most. Who holds more sends them first, in comparisons without an actor.
pub const TOMBSTONES_MAX: usize = 5_000;

/// A signature: ES256 in IEEE P1363 form (r ‖ s, 64 bytes), hexadecimal.
pub type Signature = String;

/// A point of an actor's chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainPoint {
    /// The number; 0 is the start of the chain.
    pub seq: Seq,
    /// h at that number.
    pub hash: ChainHash,
}

/// The signed state of an organisation's log: what a device keeps the highest of and shows first in every exchange.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// The epoch of the log.
    pub epoch: EpochId,
    /// When that epoch opened, in milliseconds since 1970: later epochs opened later, so that a server which never
    /// heard of an epoch can tell one that it lost from one that it replaced.
    pub opened: u64,
    /// Its last position.
    pub pos: LogPos,
    /// The hash of the log up to there.
    pub hash: LogHash,
    /// The log position inside the last finished copy off the server's machine.
    pub copied: LogPos,
    /// By the organisation's receipt key, over [`Head::signed_bytes`].
    pub sig: Signature,
}

impl Head {
    /// What the signature covers: `tributary-head-v1` and the CBOR of [organisation, epoch, opened, position, hash,
    /// copied].
    pub fn signed_bytes(&self, org: OrgId) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(6);
        w.bytes(org.as_bytes());
        w.bytes(self.epoch.as_bytes());
        w.uint(self.opened);
        w.uint(self.pos.get());
        w.bytes(self.hash.as_bytes());
        w.uint(self.copied.get());
        prefixed(b"tributary-head-v1", w)
    }
}

/// Proof of what the server holds of one actor (§5.4).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Whose.
    pub actor: ActorId,
    /// Up to which number everything is stored, quarantined or void.
    pub seq: Seq,
    /// h at that number.
    pub hash: ChainHash,
    /// In which epoch.
    pub epoch: EpochId,
    /// How much of the log is inside the last copy off the machine.
    pub copied: LogPos,
    /// The last number of this actor that is inside that copy.
    pub copied_seq: Seq,
    /// SHA-256 of attachments that are durable.
    pub attachments: Vec<String>,
    /// By the organisation's receipt key, over [`Receipt::signed_bytes`].
    pub sig: Signature,
}

impl Receipt {
    /// What the signature covers: `tributary-receipt-v1` and the CBOR of [organisation, actor, seq, hash, epoch, copied,
    /// copied seq, attachments].
    pub fn signed_bytes(&self, org: OrgId) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(8);
        w.bytes(org.as_bytes());
        w.uint(self.actor.0.into());
        w.uint(self.seq.get());
        w.bytes(self.hash.as_bytes());
        w.bytes(self.epoch.as_bytes());
        w.uint(self.copied.get());
        w.uint(self.copied_seq.get());
        w.array(self.attachments.len());
        self.attachments.iter().for_each(|a| w.text(a));
        prefixed(b"tributary-receipt-v1", w)
    }
}

/// A tombstone that the server signed: devices bring it back to a restored server (§3.3).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTombstone {
    /// SHA-256 of the erased record's id.
    pub hash: Tombstone,
    /// By the organisation's receipt key, over [`SignedTombstone::signed_bytes`].
    pub sig: Signature,
}

impl SignedTombstone {
    /// What the signature covers: `tributary-erased-v1` and the CBOR of [organisation, tombstone].
    pub fn signed_bytes(org: OrgId, hash: Tombstone) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(2);
        w.bytes(org.as_bytes());
        w.bytes(hash.as_bytes());
        prefixed(b"tributary-erased-v1", w)
    }
}

/// The grant of an actor number to a profile: lets a server that was restored from before the grant adopt it again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// The number.
    pub actor: ActorId,
    /// The epoch in which it was given.
    pub epoch: EpochId,
    /// By the organisation's receipt key, over [`Grant::signed_bytes`].
    pub sig: Signature,
}

impl Grant {
    /// What the signature covers: `tributary-grant-v1` and the CBOR of [organisation, profile, actor, epoch].
    pub fn signed_bytes(
        org: OrgId,
        profile: crate::ids::ProfileId,
        actor: ActorId,
        epoch: EpochId,
    ) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(4);
        w.bytes(org.as_bytes());
        w.bytes(profile.as_bytes());
        w.uint(actor.0.into());
        w.bytes(epoch.as_bytes());
        prefixed(b"tributary-grant-v1", w)
    }
}

fn prefixed(prefix: &[u8], w: Writer) -> Vec<u8> {
    [prefix, &w.finish()].concat()
}

/// Push, then pull. Everything in it may be repeated, cut, reordered or delayed for months.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ExchangeRequest {
    /// Which of the profile's actors pushes.
    pub actor: ActorId,
    /// The epoch that the device knows.
    pub epoch: EpochId,
    /// The highest head it was ever given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    /// Where its pull stands; none asks for everything in scope.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// The last changeset it ever made under this actor.
    pub chain: ChainPoint,
    /// The number of the first item.
    pub first: Seq,
    /// h just before the first item.
    pub before: ChainHash,
    /// The push, contiguous from `first`.
    pub items: Vec<Item>,
    /// Records that were emptied from the phone since, each once; at most [`LEAVES_MAX`].
    pub leaves: Vec<RecordId>,
    /// Records whose full state is wanted again, each once; at most [`REFETCH_MAX`]. What does not fit into the reply is
    /// left out of it and asked for again.
    pub refetch: Vec<RecordId>,
    /// How many bytes of entries the reply may carry, before compression.
    pub max_bytes: u32,
    /// The phone's wall clock in milliseconds since 1970: shown to the coordinator as skew, decides nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_time: Option<u64>,
    /// The program and its version, at most 100 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
}

/// An item of a push that could not be read: its batch is refused, and the device sends it as `opaque` (§5.2).
#[derive(Debug)]
pub struct ItemUnreadable {
    /// Its number, from its place in the batch.
    pub seq: Seq,
    /// What is wrong; quotes no answer.
    pub reason: String,
}

/// A request that could not be read.
#[derive(Debug)]
pub enum RequestUnreadable {
    /// The message itself.
    Message(serde_json::Error),
    /// One of its items.
    Item(ItemUnreadable),
    /// A limit or a counter.
    Parse(ParseError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExchangeRequestJson<'a> {
    actor: ActorId,
    epoch: EpochId,
    #[serde(default)]
    head: Option<Head>,
    #[serde(default)]
    cursor: Option<String>,
    chain: ChainPoint,
    first: Seq,
    before: ChainHash,
    #[serde(borrow, default)]
    items: Vec<&'a RawValue>,
    #[serde(default)]
    leaves: Vec<RecordId>,
    #[serde(default)]
    refetch: Vec<RecordId>,
    #[serde(default = "default_max_bytes")]
    max_bytes: u32,
    #[serde(default)]
    device_time: Option<u64>,
    #[serde(default)]
    client: Option<String>,
}

fn default_max_bytes() -> u32 {
    256 * 1024
}

impl ExchangeRequest {
    /// Reads the JSON form. Each item is read by itself, so that an unreadable one can be named.
    pub fn from_json(json: &str) -> Result<Self, RequestUnreadable> {
        let r: ExchangeRequestJson<'_> =
            serde_json::from_str(json).map_err(RequestUnreadable::Message)?;
        limit("items", r.items.len(), ITEMS_MAX).map_err(RequestUnreadable::Parse)?;
        check_records(&r.leaves, &r.refetch).map_err(RequestUnreadable::Parse)?;
        let mut items = Vec::with_capacity(r.items.len());
        let mut seq = r.first;
        for raw in r.items {
            let unreadable =
                |reason: String| RequestUnreadable::Item(ItemUnreadable { seq, reason });
            let item = read_item(raw, r.actor).map_err(|e| unreadable(describe(&e)))?;
            if item.seq() != seq {
                return Err(unreadable(
                    "the items of a push are numbered without a hole".to_owned(),
                ));
            }
            items.push(item);
            seq = seq.next().map_err(RequestUnreadable::Parse)?;
        }
        Ok(Self {
            actor: r.actor,
            epoch: r.epoch,
            head: r.head,
            cursor: r.cursor,
            chain: r.chain,
            first: r.first,
            before: r.before,
            items,
            leaves: r.leaves,
            refetch: r.refetch,
            max_bytes: r.max_bytes,
            device_time: r.device_time,
            client: r.client.filter(|c| c.len() <= 100),
        })
    }
}

/// The records that an exchange names beside its items: so many at most, each once.
pub(in crate::wire) fn check_records(
    leaves: &[RecordId],
    refetch: &[RecordId],
) -> Result<(), ParseError> {
    limit("records in leaves", leaves.len(), LEAVES_MAX)?;
    limit("records in refetch", refetch.len(), REFETCH_MAX)?;
    each_once("a record in leaves", leaves.iter())?;
    each_once("a record in refetch", refetch.iter())
}

fn each_once<T: Hash + Eq>(
    what: &'static str,
    named: impl Iterator<Item = T>,
) -> Result<(), ParseError> {
    let mut seen = HashSet::new();
    for one in named {
        if !seen.insert(one) {
            return Err(ParseError::Duplicate(what));
        }
    }
    Ok(())
}

/// What is wrong with an item, without serde's quotation of the input.
fn describe(e: &serde_json::Error) -> String {
    let kind = match e.classify() {
        serde_json::error::Category::Data => {
            "a member of the wrong type, missing, unknown, or beyond a limit"
        }
        serde_json::error::Category::Syntax | serde_json::error::Category::Eof => "not JSON",
        serde_json::error::Category::Io => "unreadable",
    };
    format!(
        "{kind}, at line {} column {} of the item",
        e.line(),
        e.column()
    )
}

/// What became of one pushed number, as of now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// In the log and in its record.
    Applied,
    /// The same, with something cut from its context: the device refetches the record.
    Cut,
    /// A changeset of the same origin was stored before, under another number.
    Duplicate,
    /// Kept aside for the coordinator; `code` says why.
    Quarantined,
    /// The number is used; there is no body.
    Void,
    /// Its record was erased.
    Erased,
}

/// One line of the answer to a push.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PushResult {
    /// The number.
    pub seq: Seq,
    /// Its status as of now.
    pub status: Status,
    /// Whether the number was already used before this request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub repeat: bool,
    /// Why it stands in quarantine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The clock that orders ties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Hlc>,
    /// Stored, but the record is not in this profile's scope, or no longer: the device drops it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_scope: bool,
    /// Its position in the log, for what is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pos: Option<LogPos>,
}

/// One entry of a pull.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// A changeset of somebody else.
    Change {
        /// Its position.
        pos: LogPos,
        /// As the server stored it.
        stored: Box<Stored>,
    },
    /// A changeset of this profile, without its body.
    Own {
        /// Its position.
        pos: LogPos,
        /// Its actor.
        actor: ActorId,
        /// Its number.
        seq: Seq,
        /// The clock that orders ties.
        effective: Hlc,
        /// When the server received it, in milliseconds since 1970.
        received: u64,
        /// Whether its context was cut: the device refetches the record.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// The record came into scope; its `state` follows.
    Enter {
        /// Its position.
        pos: LogPos,
        /// The record.
        record: RecordId,
    },
    /// The whole record as of a position: it replaces what the device has. Change entries of this record up to `pos`
    /// are skipped.
    State {
        /// As of this position.
        pos: LogPos,
        /// The form version of its first changeset, which tells the form.
        form: FormHash,
        /// The record.
        state: Record,
    },
    /// The record left the scope: the device drops it unless it holds something unacknowledged.
    Leave {
        /// Its position.
        pos: LogPos,
        /// The record.
        record: RecordId,
    },
    /// A refetched record is not in scope (any more).
    Gone {
        /// The record.
        record: RecordId,
    },
    /// A record was erased.
    Erased {
        /// Its position.
        pos: LogPos,
        /// What remains of it.
        tombstone: SignedTombstone,
    },
    /// The policy of a field changed.
    Policy {
        /// Its position.
        pos: LogPos,
        /// The policy.
        policy: PolicyEntry,
    },
    /// A form version was published.
    Form {
        /// Its position.
        pos: LogPos,
        /// The version; fetch it by `GET /sync/v1/forms/{hash}`.
        hash: FormHash,
    },
    /// Who stands behind an actor.
    Actor {
        /// Its position; 0 when it only explains another entry.
        pos: LogPos,
        /// The actor.
        actor: ActorId,
        /// What to show of its user.
        name: String,
        /// The user, none for the server itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
    },
    /// Somebody judged an own changeset that stood in quarantine.
    Quarantine {
        /// Its position.
        pos: LogPos,
        /// Its actor.
        actor: ActorId,
        /// Its number.
        seq: Seq,
        /// Whether it was released (true) or discarded.
        released: bool,
    },
    /// The organisation's keys changed.
    Keys {
        /// Its position.
        pos: LogPos,
        /// The key set as enrolment gives it.
        keys: serde_json::Value,
    },
    /// The end of a pull without a cursor: everything in scope. The device drops others that hold nothing
    /// unacknowledged.
    Scope {
        /// All of them.
        records: Vec<RecordId>,
    },
}

/// The policy of one field, as a log entry (§2.1).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyEntry {
    /// The form.
    pub form_id: String,
    /// The field.
    pub field: FieldId,
    /// `single`, `protective` or `union`.
    pub policy: PolicyKind,
    /// Codes from the least to the most protective.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub order: Vec<String>,
    /// Codes that count as live consent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub consent: Vec<String>,
    /// The roles that may lower it beside the org admin; none means the coordinator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decide: Vec<DecideRole>,
}

/// The kinds of policy that this version evaluates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyKind {
    /// The conflict winner.
    Single,
    /// The most protective.
    Protective,
    /// All codes.
    Union,
}

impl PolicyEntry {
    /// The entry that puts the rules of a field into force.
    pub fn new(form_id: &str, field: FieldId, rules: &FieldRules) -> Self {
        let (policy, order) = match &rules.policy {
            PolicySpec::Protective(order) => (PolicyKind::Protective, order.clone()),
            PolicySpec::Union => (PolicyKind::Union, Vec::new()),
            // Reserved ones read as single until this version evaluates them.
            PolicySpec::Single | PolicySpec::Intersection | PolicySpec::Assertions => {
                (PolicyKind::Single, Vec::new())
            }
        };
        let (consent, decide) = (rules.consent.clone(), rules.decide.clone());
        Self {
            form_id: form_id.to_owned(),
            field,
            policy,
            order,
            consent,
            decide,
        }
    }

    /// What the merge reads.
    pub fn field_policy(&self) -> crate::policy::FieldPolicy {
        use crate::policy::{FieldPolicy, Policy};
        let policy = match self.policy {
            PolicyKind::Single => Policy::Single,
            PolicyKind::Protective => Policy::Protective(self.order.clone()),
            PolicyKind::Union => Policy::Union,
        };
        FieldPolicy {
            policy,
            consent: self.consent.clone(),
            decide: self.decide.clone(),
        }
    }
}

/// The answer to an exchange.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExchangeReply {
    /// The epoch of the log.
    pub epoch: EpochId,
    /// The server's clock in milliseconds since 1970.
    pub server_time: u64,
    /// The log's signed head after the commit.
    pub head: Head,
    /// Up to where the actor's numbers are used now.
    pub acked: ChainPoint,
    /// What became of the items.
    pub results: Vec<PushResult>,
    /// Proof of it.
    pub receipt: Receipt,
    /// The pull.
    pub entries: Vec<Entry>,
    /// Where the next pull goes on; store it in one transaction with the entries.
    pub cursor: Option<String>,
    /// Whether there is more to pull.
    pub more: bool,
    /// The profile is revoked: what was pushed stands in quarantine, nothing is pulled, the app locks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub revoked: bool,
}

/// What a device tells of one actor when it must find out where it and the server agree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorChain {
    /// The actor.
    pub actor: ActorId,
    /// Its grant, if the device has it.
    #[serde(default)]
    pub grant: Option<Grant>,
    /// The points of its chain that the device still knows, strictly ascending; at least the last.
    pub points: Vec<ChainPoint>,
}

/// `POST /sync/v1/compare`: after a fork, and first thing in a new epoch, all actors of the profile.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareRequest {
    /// The epoch in which the device wants to go on: the server's.
    pub epoch: EpochId,
    /// The highest head it was given, if of this epoch.
    #[serde(default)]
    pub head: Option<Head>,
    /// All actors, the oldest first. None while tombstones go ahead that do not fit into one comparison.
    pub actors: Vec<ActorChain>,
    /// Tombstones it holds.
    #[serde(default)]
    pub tombstones: Vec<SignedTombstone>,
}

impl CompareRequest {
    /// Refuses what exceeds a limit, names one actor twice, or has points out of order.
    pub fn check(&self) -> Result<(), ParseError> {
        limit("actors", self.actors.len(), COMPARED_ACTORS_MAX)?;
        limit("tombstones", self.tombstones.len(), TOMBSTONES_MAX)?;
        let points = self.actors.iter().map(|a| a.points.len()).sum();
        limit("chain points", points, COMPARED_POINTS_MAX)?;
        each_once("an actor", self.actors.iter().map(|a| a.actor))?;
        let ascend = |a: &ActorChain| a.points.is_sorted_by(|one, next| one.seq < next.seq);
        match self.actors.iter().all(ascend) {
            true => Ok(()),
            false => Err(ParseError::Value("ascending chain points")),
        }
    }
}

/// Where one actor stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorAgreement {
    /// The actor.
    pub actor: ActorId,
    /// The last number at which device and server have the same chain.
    pub agreed: Seq,
    /// The last number that the server has used.
    pub acked: Seq,
    /// The status of the numbers that the request named, up to the agreeing one, as of now.
    pub results: Vec<PushResult>,
}

/// The answer to a comparison.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompareReply {
    /// The server's epoch.
    pub epoch: EpochId,
    /// In the order of the request.
    pub actors: Vec<ActorAgreement>,
}

/// `POST /sync/v1/actor`: a new actor after a fork or a loss. The same instance gets the same actor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorRequest {
    /// Random, chosen by the device.
    pub instance: InstanceId,
}

/// The new actor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActorReply {
    /// Its number.
    pub actor: ActorId,
    /// The proof of the grant.
    pub grant: Grant,
    /// The epoch.
    pub epoch: EpochId,
    /// The log's signed head, which now holds the grant: kept by the device as the highest it was given.
    pub head: Head,
}

/// `POST /sync/v1/lost` (only in an epoch newer than the actor's): what the device can never resend. It closes the
/// actor.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostRequest {
    /// The server's epoch.
    pub epoch: EpochId,
    /// The actor.
    pub actor: ActorId,
    /// The first lost number.
    pub first: Seq,
    /// The last lost number.
    pub last: ChainPoint,
}
