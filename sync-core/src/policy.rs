//! Policies: how several live values read as one, and which writes lower a protection.
//!
//! They act on reading only; nothing is removed from a record. Decisions act on writing (§2).

use std::collections::BTreeMap;

use crate::change::Changeset;
use crate::clock::{Clock, Dot};
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
            Some(Policy::Union) => {
                union(values).or_else(|| record.winner(key).map(|(v, _)| v.clone()))
            }
            _ => record.winner(key).map(|(v, _)| v.clone()),
        }
    }

    /// Whether the form asks consent and the record has none that lives (§8): such a record is withheld.
    pub fn withheld(&self, record: &Record) -> bool {
        self.0
            .iter()
            .filter(|(_, p)| !p.consent.is_empty())
            .any(
                |(field, policy)| match self.read(record, &Key::Field(*field)) {
                    Some(Value::Code(code)) => !policy.consent.iter().any(|c| c == code.as_str()),
                    _ => true,
                },
            )
    }

    /// What `change`, standing at `clock`, lowers without a decision that it may make: each key with the strongest
    /// value that it would take away. `allowed` tells for the dots of a decision whether this author may lower them.
    pub fn lowered(
        &self,
        record: &Record,
        change: &Changeset,
        clock: &Clock,
        allowed: impl Fn(&Key, Dot) -> bool,
    ) -> Vec<(Key, Value)> {
        let mut out = Vec::new();
        for (key, value) in &change.writes {
            let Some(order) = self.protective_order(key) else {
                continue;
            };
            let new = Policy::protection(order, value);
            let decided = change.decisions.iter().find(|d| d.key == *key);
            let permitted = |dot: Dot| {
                decided.is_some_and(|d| d.dots.binary_search(&dot).is_ok()) && allowed(key, dot)
            };
            let stronger = record
                .values(key)
                .iter()
                .filter(|(dot, old)| {
                    let overwritten =
                        record.live(*dot).is_some_and(|l| l.clock <= *clock) && *dot != change.dot;
                    overwritten && Policy::protection(order, old) > new && !permitted(*dot)
                })
                .max_by_key(|(_, old)| Policy::protection(order, old));
            if let Some((_, stronger)) = stronger {
                out.push((key.clone(), stronger.clone()));
            }
        }
        out
    }
}

fn union(values: &[(Dot, Value)]) -> Option<Value> {
    let mut all = Codes::default();
    for (_, value) in values {
        match value {
            Value::Codes(codes) => all = all.union(codes).ok()?,
            Value::Null => {}
            _ => return None,
        }
    }
    Some(Value::Codes(all))
}
