//! What a new version changes, for the person who is about to publish it.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::error::{FormError, FormErrorKind, quote};
use super::identity::{FieldIdentity, FieldRules};
use crate::ids::FieldId;

/// A field of one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Named {
    /// Its id.
    pub id: FieldId,
    /// Its path.
    pub path: String,
}

/// A field with another path than before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Moved {
    /// Its id, kept.
    pub id: FieldId,
    /// The path before.
    pub from: String,
    /// The path now.
    pub to: String,
}

/// A field whose type changed and which is therefore a new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Retyped {
    /// The path now.
    pub path: String,
    /// The old field, which keeps its answers.
    pub old: FieldId,
    /// The new field.
    pub new: FieldId,
    /// The type before.
    pub from: String,
    /// The type now.
    pub to: String,
}

/// A field that a person declared to be an old one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Renamed {
    /// Its id, kept.
    pub id: FieldId,
    /// The path before.
    pub from: String,
    /// The path now.
    pub to: String,
    /// The type before.
    pub from_type: String,
    /// The type now.
    pub to_type: String,
}

/// Whether new rules protect more or less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyStep {
    /// At least as much.
    Stricter,
    /// Less: an audited act of an org admin.
    Weaker,
}

/// Rules that change for a field that existed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RulesChange {
    /// The field.
    pub id: FieldId,
    /// Its path now.
    pub path: String,
    /// The rules before.
    pub from: FieldRules,
    /// The rules now.
    pub to: FieldRules,
    /// Which way.
    pub step: PolicyStep,
}

/// What a version changes.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize)]
pub struct Preview {
    /// Fields that are new.
    pub added: Vec<Named>,
    /// Fields that go; their answers stay.
    pub dropped: Vec<Named>,
    /// Fields that stand in another group.
    pub moved: Vec<Moved>,
    /// Fields that got another type, not mapped.
    pub retyped: Vec<Retyped>,
    /// Fields that were mapped.
    pub renamed: Vec<Renamed>,
    /// Fields whose rules change.
    pub rules: Vec<RulesChange>,
    /// Whether a field that held consent goes: its answers would no longer count, and records made with the new version
    /// would stay withheld. It is to be mapped to its successor.
    pub consent_dropped: bool,
}

impl Preview {
    /// Whether the version protects less than the one before.
    pub fn weakens(&self) -> bool {
        self.consent_dropped || self.rules.iter().any(|r| r.step == PolicyStep::Weaker)
    }

    /// Refuses what a plain publish may not do: protect less.
    pub fn plain(&self) -> Result<(), FormError> {
        if let Some(weaker) = self.rules.iter().find(|r| r.step == PolicyStep::Weaker) {
            let detail = format!(
                "{} would be protected less than before.",
                quote(&weaker.path)
            );
            return Err(FormError::new(FormErrorKind::Policy, detail));
        }
        if self.consent_dropped {
            let detail = "The question that held consent is gone; name its successor.";
            return Err(FormError::new(FormErrorKind::Consent, detail));
        }
        Ok(())
    }
}

pub(super) fn preview(
    previous: &[FieldIdentity],
    current: &[FieldIdentity],
    mapping: &BTreeMap<String, FieldId>,
) -> Preview {
    let before: HashMap<FieldId, &FieldIdentity> = previous.iter().map(|p| (p.id, p)).collect();
    let now: HashMap<FieldId, &FieldIdentity> = current.iter().map(|c| (c.id, c)).collect();
    let mut out = Preview {
        consent_dropped: previous
            .iter()
            .any(|p| p.live && !p.rules.consent.is_empty() && !now.contains_key(&p.id)),
        ..Preview::default()
    };
    let mut dropped: Vec<&FieldIdentity> = previous
        .iter()
        .filter(|p| p.live && !now.contains_key(&p.id))
        .collect();
    for field in current {
        let Some(old) = before.get(&field.id) else {
            let twin = dropped.iter().position(|d| {
                d.repeat == field.repeat && d.name == field.name && d.type_name != field.type_name
            });
            match twin {
                Some(at) => {
                    let old = dropped.remove(at);
                    out.retyped.push(Retyped {
                        path: field.path.clone(),
                        old: old.id,
                        new: field.id,
                        from: old.type_name.clone(),
                        to: field.type_name.clone(),
                    });
                }
                None => out.added.push(named(field)),
            }
            continue;
        };
        if mapping.contains_key(&field.path) {
            out.renamed.push(Renamed {
                id: field.id,
                from: old.path.clone(),
                to: field.path.clone(),
                from_type: old.type_name.clone(),
                to_type: field.type_name.clone(),
            });
        } else if old.path != field.path {
            out.moved.push(Moved {
                id: field.id,
                from: old.path.clone(),
                to: field.path.clone(),
            });
        }
        if let Some(step) = step(&old.rules, &field.rules) {
            out.rules.push(RulesChange {
                id: field.id,
                path: field.path.clone(),
                from: old.rules.clone(),
                to: field.rules.clone(),
                step,
            });
        }
    }
    out.dropped = dropped.into_iter().map(named).collect();
    out
}

fn named(field: &FieldIdentity) -> Named {
    Named {
        id: field.id,
        path: field.path.clone(),
    }
}

fn step(old: &FieldRules, new: &FieldRules) -> Option<PolicyStep> {
    if old == new {
        return None;
    }
    let more_may_lower =
        old.policy.needs_reading() && new.decide.iter().any(|r| !old.decide.contains(r));
    let consent_wider = !old.consent.is_empty()
        && (new.consent.is_empty() || new.consent.iter().any(|c| !old.consent.contains(c)));
    let weaker = old.policy.weakened_by(&new.policy) || more_may_lower || consent_wider;
    Some(if weaker {
        PolicyStep::Weaker
    } else {
        PolicyStep::Stricter
    })
}
