//! Holds our attributes against the field that they stand on: a policy that cannot work is refused at import.

use super::attr::PolicySpec;
use super::choices::Choice;
use super::error::{FormError, FormErrorKind, quote};
use super::model::{Field, FieldKind};

/// The most choices of a field whose codes are ranked or mean consent.
const RANKED_MAX: usize = 256;

/// Whether policy, consent, seal and codes of a field fit its kind and its choices, where those are known.
pub(super) fn fits(
    field: &Field,
    choices: Option<&[Choice]>,
    decides: bool,
) -> Result<(), FormError> {
    policy_fits(field, choices)?;
    let name = quote(&field.name);
    if decides && !matches!(field.policy, PolicySpec::Protective(_)) {
        let detail = format!("{name} has trib:decide but no protective policy.");
        return fail(FormErrorKind::Policy, detail);
    }
    if !field.consent.is_empty() && (field.kind != FieldKind::SelectOne || field.repeat.is_some()) {
        let detail =
            format!("{name} cannot hold consent: that is a select_one outside every repeat.");
        return fail(FormErrorKind::Consent, detail);
    }
    if !field.consent.is_empty() && choices.is_some_and(|c| c.len() > RANKED_MAX) {
        let detail = format!("{name} has too many choices to hold consent.");
        return fail(FormErrorKind::Consent, detail);
    }
    if let Some(code) = field.consent.iter().find(|c| !offers(choices, c)) {
        let detail = format!("{} is no choice of {name}.", quote(code));
        return fail(FormErrorKind::Consent, detail);
    }
    if field.seal && (field.policy.needs_reading() || !field.consent.is_empty()) {
        let detail = format!(
            "{name} cannot be sealed: the server must read consent, protective and union fields."
        );
        return fail(FormErrorKind::Seal, detail);
    }
    if field.seal && !field.kind.is_question() {
        let detail = format!("{name} is no question, so it cannot be sealed.");
        return fail(FormErrorKind::Seal, detail);
    }
    Ok(())
}

fn policy_fits(field: &Field, choices: Option<&[Choice]>) -> Result<(), FormError> {
    let name = quote(&field.name);
    match &field.policy {
        PolicySpec::Protective(_) if field.kind != FieldKind::SelectOne => {
            let detail = format!("{name} is no select_one, so it cannot be protective.");
            fail(FormErrorKind::Policy, detail)
        }
        PolicySpec::Protective(_) if choices.is_some_and(|c| c.len() > RANKED_MAX) => {
            let detail = format!("{name} has too many choices for a protective policy.");
            fail(FormErrorKind::Policy, detail)
        }
        PolicySpec::Protective(order) => {
            if let Some(code) = order.iter().find(|c| !offers(choices, c)) {
                let detail = format!("{} is no choice of {name}.", quote(code));
                return fail(FormErrorKind::Policy, detail);
            }
            // A code without a rank would silently be the most protective one.
            let unranked = |c: &&Choice| !order.contains(&c.code);
            match choices.and_then(|all| all.iter().find(unranked)) {
                Some(choice) => {
                    let code = quote(&choice.code);
                    let detail = format!("The policy of {name} does not rank its choice {code}.");
                    fail(FormErrorKind::Policy, detail)
                }
                None => Ok(()),
            }
        }
        PolicySpec::Union if field.kind != FieldKind::SelectMultiple => {
            let detail = format!("{name} is no select_multiple, so it cannot be a union.");
            fail(FormErrorKind::Policy, detail)
        }
        _ => Ok(()),
    }
}

fn offers(choices: Option<&[Choice]>, code: &str) -> bool {
    choices.is_none_or(|all| all.iter().any(|c| c.code == code))
}

fn fail(kind: FormErrorKind, detail: String) -> Result<(), FormError> {
    Err(FormError::new(kind, detail))
}
