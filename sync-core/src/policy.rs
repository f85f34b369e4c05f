//! Policies: how several live values read as one, and which writes lower a protection.
//!
//! They act on reading only; nothing is removed from a record. Decisions act on writing (§2).

use std::collections::BTreeMap;

use crate::change::Changeset;
use crate::clock::{Clock, Dot};
use crate::conflict::Candidate;
use crate::form::DecideRole;
use crate::ids::FieldId;
use crate::key::Key;
use crate::record::Record;
use crate::value::{Codes, Value};

/// How the live values of one field read as one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Policy {
    /// The conflict winner.
    #[default]
    Single,
    /// The most protective value, whatever any clock says. Codes from the least to the most protective; a code that is
    /// not in the list, and anything unreadable, ranks above all.
    Protective(Vec<String>),
    /// All codes of all live sets.
    Union,
}

/// The policy of one field with what hangs on it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct FieldPolicy {
    /// How it reads.
    pub policy: Policy,
    /// For the field that holds consent: the codes that count as live consent. Empty for every other field.
    pub consent: Vec<String>,
    /// The roles that may lower it beside the org admin; none means the coordinator.
    pub decide: Vec<DecideRole>,
}

impl FieldPolicy {
    /// Whether a user of this role may lower a protective value with a reason (§2.2).
    pub fn may_decide(&self, role: DecideRole) -> bool {
        role == DecideRole::OrgAdmin
            || self.decide.contains(&role)
            || self.decide.is_empty() && role == DecideRole::Coordinator
    }
}

/// The policies of a form lineage in force. A field that is not listed is `single`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Policies(BTreeMap<FieldId, FieldPolicy>);

/// How strongly a value protects: cleared, then the codes in order, then everything unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Protection(usize);

impl Policy {
    /// The rank of a value under a protective order.
    pub fn protection(order: &[String], value: &Value) -> Protection {
        let position = |code: &str| {
            order
                .iter()
                .position(|c| c == code)
                .map_or(order.len() + 1, |i| i + 1)
        };
        Protection(match value {
            Value::Null => 0,
            Value::Code(code) | Value::Text(code) => position(code.as_str()),
            Value::Bool(b) => position(if *b { "true" } else { "false" }),
            _ => order.len() + 1,
        })
    }

    /// What of the overwritten values `old` protects more than `new`, as one value.
    fn stronger<'v>(&self, old: impl Iterator<Item = &'v Value>, new: &Value) -> Option<Value> {
        match self {
            Policy::Single => None,
            Policy::Protective(order) => old
                .filter(|v| Self::protection(order, v) > Self::protection(order, new))
                .max_by_key(|v| Self::protection(order, v))
                .cloned(),
            Policy::Union => {
                let new_codes = codes(new);
                let mut taken = Vec::new();
                for value in old.filter(|v| *v != new) {
                    match (codes(value), &new_codes) {
                        // What cannot be read ranks above all, and so is lowered by anything but itself.
                        (None, _) => return Some(value.clone()),
                        (Some(set), Some(new)) if !new.contains(&set) => taken.push(set),
                        _ => {}
                    }
                }
                (!taken.is_empty()).then(|| Value::Codes(Codes::union(&taken)))
            }
        }
    }

    /// Whether going from this policy to `next` protects less: an audited act of an org admin (§2.1).
    pub fn weakened_by(&self, next: &Policy) -> bool {
        match (self, next) {
            (Policy::Protective(old), Policy::Protective(new)) => {
                // The old codes keep their order, and none moves below where it stood among the others.
                let kept: Vec<&String> = new.iter().filter(|c| old.contains(c)).collect();
                kept.len() != old.len() || kept.iter().zip(old).any(|(a, b)| *a != b)
            }
            (Policy::Protective(_), _) | (Policy::Union, Policy::Single) => true,
            _ => false,
        }
    }
}

impl FieldPolicy {
    /// Whether going from this to `next` protects less: by its policy, because more counts as consent, or because
    /// more roles may lower it.
    pub fn weakened_by(&self, next: &FieldPolicy) -> bool {
        use DecideRole::{Coordinator, OrgAdmin, Reviewer, Worker};
        let more_consent =
            next.consent.is_empty() || next.consent.iter().any(|c| !self.consent.contains(c));
        let more_roles = [Worker, Reviewer, Coordinator, OrgAdmin]
            .into_iter()
            .any(|role| next.may_decide(role) && !self.may_decide(role));
        self.policy.weakened_by(&next.policy)
            || (!self.consent.is_empty() && more_consent)
            || (self.policy != Policy::Single && more_roles)
    }
}

impl Policies {
    /// Sets or replaces the policy of a field.
    pub fn set(&mut self, field: FieldId, policy: FieldPolicy) {
        self.0.insert(field, policy);
    }
    /// The policy of a field.
    pub fn get(&self, field: FieldId) -> &FieldPolicy {
        const SINGLE: &FieldPolicy = &FieldPolicy {
            policy: Policy::Single,
            consent: Vec::new(),
            decide: Vec::new(),
        };
        self.0.get(&field).unwrap_or(SINGLE)
    }
    /// All fields with a policy of their own.
    pub fn iter(&self) -> impl Iterator<Item = (FieldId, &FieldPolicy)> {
        self.0.iter().map(|(f, p)| (*f, p))
    }

    /// The protective order of the field behind `key`, if it has one.
    pub fn protective_order(&self, key: &Key) -> Option<&[String]> {
        match &self.get(key.field()?).policy {
            Policy::Protective(order) => Some(order),
            _ => None,
        }
    }

    /// The value that an export shows for `key`.
    pub fn read(&self, record: &Record, key: &Key) -> Option<Value> {
        let values = record.values(key);
        if values.len() <= 1 {
            return values.first().map(|(_, v)| v.clone());
        }
        match key.field().map(|f| &self.get(f).policy) {
            Some(Policy::Protective(order)) => {
                let candidates = record.candidates(key);
                let top = candidates
                    .iter()
                    .map(|c| Policy::protection(order, c.value))
                    .max()?;
                // Candidates come winner first, so equal ranks fall to the conflict winner.
                candidates
                    .iter()
                    .find(|c| Policy::protection(order, c.value) == top)
                    .map(|c| c.value.clone())
            }
            Some(Policy::Union) => union(&record.candidates(key)),
            _ => record.winner(key).map(|(v, _)| v.clone()),
        }
    }

    /// Whether the form asks consent and the record has none that lives (§8): such a record is withheld. A consent
    /// field without a protective order counts only if every live value of it is consent: no clock decides that.
    pub fn withheld(&self, record: &Record) -> bool {
        let consents = |policy: &FieldPolicy, value: &Value| match value {
            Value::Code(code) => policy.consent.iter().any(|c| c == code.as_str()),
            _ => false,
        };
        self.0
            .iter()
            .filter(|(_, p)| !p.consent.is_empty())
            .any(|(field, policy)| {
                let key = Key::Field(*field);
                let lives = record.values(&key);
                match policy.policy {
                    Policy::Protective(_) => !self
                        .read(record, &key)
                        .is_some_and(|value| consents(policy, &value)),
                    _ => lives.is_empty() || lives.iter().any(|(_, v)| !consents(policy, v)),
                }
            })
    }

    /// What `change`, standing at `clock`, lowers without a decision that it may make: each key with the value that
    /// must be written again beside it: the strongest one of a protective field, the codes that were taken out of a
    /// union field. Deleting a row takes what is in it and in the rows inside it, so it lowers like clearing each of them;
    /// the decision then names the answer's key. `allowed` tells for the dots of a decision whether this author may lower them.
    pub fn lowered(
        &self,
        record: &Record,
        change: &Changeset,
        clock: &Clock,
        allowed: impl Fn(&Key, Dot) -> bool,
    ) -> Vec<(Key, Value)> {
        let mut out = Vec::new();
        for (key, value) in read_as(record, change) {
            let Some(policy) = key.field().map(|f| &self.get(f).policy) else {
                continue;
            };
            let decided = change.decisions.iter().find(|d| d.key == *key);
            let permitted = |dot: Dot| {
                decided.is_some_and(|d| d.dots.binary_search(&dot).is_ok()) && allowed(key, dot)
            };
            let overwritten =
                |dot: Dot| dot != change.dot && record.live(dot).is_some_and(|l| l.clock <= *clock);
            let taken = record
                .values(key)
                .iter()
                .filter(|(dot, _)| overwritten(*dot) && !permitted(*dot))
                .map(|(_, old)| old);
            if let Some(stronger) = policy.stronger(taken, value) {
                out.push((key.clone(), stronger));
            }
        }
        out
    }
}

/// What is read of each key after a change: what it writes, and nothing in the rows that it deletes.
fn read_as<'a>(record: &'a Record, change: &'a Changeset) -> BTreeMap<&'a Key, &'a Value> {
    const NOTHING: &Value = &Value::Null;
    let mut out: BTreeMap<&Key, &Value> = change.writes.iter().map(|(k, v)| (k, v)).collect();
    for (key, value) in &change.writes {
        if let (Key::RowMeta { group, row }, Value::Deleted(true)) = (key, value) {
            let gone = record.rows_within(*group, *row);
            let keys = record.keys().map(|(key, _)| key);
            let answers =
                keys.filter(|k| k.is_answer() && k.row().is_some_and(|r| gone.contains(&r)));
            out.extend(answers.map(|key| (key, NOTHING)));
        }
    }
    out
}

/// The codes of a value that is a set, a single choice being a set of one and a cleared answer an empty one; none for
/// what cannot be read as a set.
fn codes(value: &Value) -> Option<Codes> {
    match value {
        Value::Codes(codes) => Some(codes.clone()),
        Value::Code(code) => Codes::new([code.clone()]).ok(),
        Value::Null => Some(Codes::default()),
        _ => None,
    }
}

/// All codes of all candidates; one that cannot be read ranks above all, so it shows.
fn union(candidates: &[Candidate<'_>]) -> Option<Value> {
    let mut sets = Vec::with_capacity(candidates.len());
    for candidate in candidates {
        match codes(candidate.value) {
            Some(codes) => sets.push(codes),
            None => return Some(candidate.value.clone()),
        }
    }
    if candidates.iter().all(|c| *c.value == Value::Null) {
        return candidates.first().map(|c| c.value.clone());
    }
    Some(Value::Codes(Codes::union(&sets)))
}
