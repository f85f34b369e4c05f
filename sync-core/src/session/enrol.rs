//! The end of an enrolment: what the server gave is checked against the link, then kept. From then on records are made
//! without ever having synced (§9.6).
//!
//! Not here: the request, the link's text, the signatures themselves; the caller brings what checks them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::device::{Profile, Role};
use super::store::{FormText, Store, StoreError};
use crate::form::FormPackage;
use crate::ids::FormHash;
use crate::wire::enrol::{EnrolReply, FormDelivery, PublicKey};
use crate::wire::message::Grant;

/// What an enrolment link pins.
#[derive(Clone, Copy, Debug)]
pub struct Pinned<'a> {
    /// The organisation's short name or id.
    pub organisation: &'a str,
    /// SHA-256 of its root key, lower-case hexadecimal.
    pub root: &'a str,
}

/// Why an enrolment is not believed. Nothing of it is kept.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EnrolRefused {
    /// Another organisation, or keys that the pinned root did not sign.
    #[error("its keys are not those of the link")]
    Keys,
    /// The actor is not this organisation's gift.
    #[error("the number that it gave is not signed")]
    Grant,
    /// A role of a later version.
    #[error("a role that this program does not know")]
    Role,
    /// A form that is not whole.
    #[error("a form came damaged")]
    Form(#[from] FormDamaged),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A delivered form is not the one that its package names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("a form came damaged")]
pub struct FormDamaged;

impl FormText {
    /// Checks that a delivered form is whole, and names it.
    pub fn delivered(delivery: &FormDelivery) -> Result<Self, FormDamaged> {
        let package: FormPackage = again(&delivery.package).ok_or(FormDamaged)?;
        let bytes = package.to_bytes().map_err(|_| FormDamaged)?;
        if <[u8; 32]>::from(Sha256::digest(delivery.xform.as_bytes())) != package.xform_sha256 {
            return Err(FormDamaged);
        }
        Ok(Self {
            hash: FormHash::from_bytes(Sha256::digest(&bytes).into()),
            form_id: package.form_id,
            package: String::from_utf8(bytes).map_err(|_| FormDamaged)?,
            xform: delivery.xform.clone(),
        })
    }
}

/// Read once more as another type, by way of bytes: that is how everything else here is read, and less code in a browser
/// than a second way.
fn again<T: DeserializeOwned>(said: &impl Serialize) -> Option<T> {
    let bytes = serde_json::to_vec(said).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Keeps what an enrolment gave, if it is what the link pinned. `verify` says whether a key made a signature over bytes.
pub fn enrolled(
    store: &mut dyn Store,
    pinned: Pinned<'_>,
    device_key: &PublicKey,
    reply: &EnrolReply,
    verify: &mut dyn FnMut(&PublicKey, &[u8], &str) -> bool,
) -> Result<(), EnrolRefused> {
    let org = reply.organisation.id;
    let named = [reply.organisation.slug.as_str(), &org.to_string()].contains(&pinned.organisation);
    if !named || !reply.keys.is_vouched_for(org, pinned.root, &mut *verify) {
        return Err(EnrolRefused::Keys);
    }
    let grant = &reply.grant;
    let granted = Grant::signed_bytes(org, reply.profile, reply.actor, grant.epoch);
    let receipts = std::iter::once(&reply.keys.receipt).chain(&reply.keys.earlier);
    let signed = receipts
        .into_iter()
        .any(|k| verify(&k.key, &granted, &grant.sig));
    if grant.actor != reply.actor || !signed {
        return Err(EnrolRefused::Grant);
    }
    let role: Role = again(&reply.user.role).ok_or(EnrolRefused::Role)?;
    let profile = Profile::new(
        (org, reply.profile, reply.user.id),
        role,
        device_key.as_bytes(),
        reply.epoch,
        grant.clone(),
    );
    store.put_profile(&profile)?;
    let keys = serde_json::to_value(&reply.keys).map_err(StoreError::new)?;
    store.put_keys(&keys)?;
    for form in &reply.forms {
        store.put_form(&FormText::delivered(form)?)?;
    }
    for policy in &reply.policies {
        store.put_policy(policy)?;
    }
    Ok(())
}
