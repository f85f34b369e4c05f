//! What our own bind attributes say: `trib:policy`, `trib:decide`, `trib:consent`, `trib:sensitivity`, `trib:seal`.
//!
//! Not here: what a policy does to the live values of a record ([`crate::policy`]).

use std::fmt;

use serde::{Deserialize, Serialize};

/// How several live values of a field read as one, as its form says it.
///
/// Travels as its text.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum PolicySpec {
    /// The conflict winner.
    #[default]
    Single,
    /// The most protective value. Codes from the least to the most protective.
    Protective(Vec<String>),
    /// All codes of all live sets.
    Union,
    /// Reserved; reads as single.
    Intersection,
    /// Reserved; reads as single.
    Assertions,
}

impl PolicySpec {
    /// Reads `single`, `protective(given withdrawn)`, `union`, `intersection` or `assertions`. The error is a sentence.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if let Some(rest) = text.strip_prefix("protective") {
            let inner = rest
                .trim()
                .strip_prefix('(')
                .and_then(|r| r.strip_suffix(')'))
                .ok_or("Write the codes of a protective policy in brackets: protective(weakest … strongest).")?;
            let codes = distinct_words(inner).ok_or("A protective policy names one code twice.")?;
            return match codes.len() {
                0 | 1 => Err(
                    "A protective policy needs at least two codes, from the least to the most protective.",
                ),
                2..=64 => Ok(Self::Protective(codes)),
                _ => Err("A protective policy may have 64 codes at most."),
            };
        }
        Ok(match text {
            "single" => Self::Single,
            "union" => Self::Union,
            "intersection" => Self::Intersection,
            "assertions" => Self::Assertions,
            _ => {
                return Err(
                    "A policy is one of: single, protective(…), union, intersection, assertions.",
                );
            }
        })
    }

    /// Whether the server must be able to read the field, so that it may never be sealed.
    pub fn needs_reading(&self) -> bool {
        matches!(self, Self::Protective(_) | Self::Union)
    }

    /// Whether going from this policy to `next` protects less. A protective order may grow and may not lose or
    /// reorder what it had; the reserved policies count as single.
    pub fn weakened_by(&self, next: &Self) -> bool {
        match (self, next) {
            (Self::Protective(old), Self::Protective(new)) => {
                let kept: Vec<&String> = new.iter().filter(|c| old.contains(c)).collect();
                kept.len() != old.len() || kept.iter().zip(old).any(|(a, b)| *a != b)
            }
            (Self::Protective(_), _) => true,
            (Self::Union, next) => !next.needs_reading(),
            _ => false,
        }
    }
}

impl From<PolicySpec> for String {
    fn from(policy: PolicySpec) -> Self {
        policy.to_string()
    }
}

impl TryFrom<String> for PolicySpec {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        Self::parse(&text)
    }
}

impl fmt::Display for PolicySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single => f.write_str("single"),
            Self::Protective(codes) => write!(f, "protective({})", codes.join(" ")),
            Self::Union => f.write_str("union"),
            Self::Intersection => f.write_str("intersection"),
            Self::Assertions => f.write_str("assertions"),
        }
    }
}

/// Words apart by white space, or nothing if one stands twice.
pub(super) fn distinct_words(text: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        if words.iter().any(|w| w == word) {
            return None;
        }
        words.push(word.to_owned());
        if words.len() > 65 {
            break;
        }
    }
    Some(words)
}

/// Who may lower a protective value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecideRole {
    /// The worker who records interviews.
    Worker,
    /// Who reads and approves.
    Reviewer,
    /// Who settles and exports; the default.
    Coordinator,
    /// Who runs the organisation.
    OrgAdmin,
}

impl DecideRole {
    /// Reads `coordinator reviewer`. The error is a sentence.
    pub(super) fn parse_list(text: &str) -> Result<Vec<Self>, &'static str> {
        let words = distinct_words(text).ok_or("trib:decide names one role twice.")?;
        let mut roles = words
            .iter()
            .map(|w| match w.as_str() {
                "worker" => Ok(Self::Worker),
                "reviewer" => Ok(Self::Reviewer),
                "coordinator" => Ok(Self::Coordinator),
                "org_admin" => Ok(Self::OrgAdmin),
                _ => {
                    Err("trib:decide takes the roles worker, reviewer, coordinator and org_admin.")
                }
            })
            .collect::<Result<Vec<_>, _>>()?;
        if roles.is_empty() {
            return Err("trib:decide names no role.");
        }
        roles.sort();
        Ok(roles)
    }
}

/// How much an answer gives away about a person. Ordered: a group lifts what stands in it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// The form does not say. Whoever releases data treats it as the worst.
    #[default]
    Unmarked,
    /// About the work, not the person.
    Operational,
    /// Identifies together with others: age, nationality, a place.
    Quasi,
    /// Harms when known: what was done to a person.
    Sensitive,
    /// Identifies alone: a name, a phone number.
    Direct,
}

impl Sensitivity {
    /// Reads the marker of a form.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        Ok(match text.trim() {
            "operational" => Self::Operational,
            "quasi" => Self::Quasi,
            "sensitive" => Self::Sensitive,
            "direct" => Self::Direct,
            _ => return Err("trib:sensitivity is one of: operational, quasi, sensitive, direct."),
        })
    }
    /// The name in packages and codebooks.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unmarked => "unmarked",
            Self::Operational => "operational",
            Self::Quasi => "quasi",
            Self::Sensitive => "sensitive",
            Self::Direct => "direct",
        }
    }
}

/// Reads `true()`, `yes`, `false()` … of `trib:seal`.
pub(super) fn parse_flag(text: &str) -> Result<bool, &'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true()" | "true" | "yes" | "1" => Ok(true),
        "false()" | "false" | "no" | "0" => Ok(false),
        _ => Err("trib:seal is yes or no."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_have_one_spelling_each() {
        for text in [
            "single",
            "protective(not_asked given withdrawn)",
            "union",
            "intersection",
            "assertions",
        ] {
            assert_eq!(PolicySpec::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            PolicySpec::parse(" protective ( no  yes ) ")
                .unwrap()
                .to_string(),
            "protective(no yes)"
        );
        for bad in [
            "",
            "Single",
            "protective",
            "protective()",
            "protective(a)",
            "protective(a a)",
            "protective(a b",
            "unions",
        ] {
            assert!(PolicySpec::parse(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn what_counts_as_weaker() {
        let p = |t| PolicySpec::parse(t).unwrap();
        for (old, new, weaker) in [
            ("single", "union", false),
            ("single", "protective(a b)", false),
            ("union", "protective(a b)", false),
            ("union", "single", true),
            ("union", "assertions", true),
            ("protective(a b)", "union", true),
            ("protective(a b)", "protective(x a y b z)", false),
            ("protective(a b)", "protective(b a)", true),
            ("protective(a b c)", "protective(a b)", true),
        ] {
            assert_eq!(p(old).weakened_by(&p(new)), weaker, "{old} to {new}");
        }
    }
}
