//! Enrolment: a one-time code and a device's public key become a profile with an actor.
//!
//! The same code with the same key gets the same profile, and the same instance the same actor, however often a lost
//! answer makes the device ask. The profile is made in the directory first, the actor in the organisation's file next;
//! a crash in between is healed by the device's own repetition.

use std::net::IpAddr;

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, ParsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::{URL_SAFE, URL_SAFE_NO_PAD};
use tributary_sync_core::ids::{InstanceId, ProfileId};
use tributary_sync_core::wire::enrol::{EnrolOrganisation, EnrolReply, EnrolRequest, EnrolUser};

use super::Service;
use super::ambient::{rfc3339, uuid_v7};
use super::devices::code_hash;
use super::error::{Code, Result, ServiceError, invalid};
use super::exchange::{Caller, Refusal, grant, new_actor, owe_people};
use super::names::Name;
use crate::storage::AuditEntry;
use crate::storage::directory::{OrganisationRow, ProfileRow, Txn, UserRow};

/// The DER that stands before the point in a SubjectPublicKeyInfo of a P-256 key.
const SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// Reads a P-256 public key in any of the forms that devices have it in, and checks that it is a point of the curve.
pub(super) fn read_public_key(text: &str) -> Result<[u8; 65]> {
    let bad = || ServiceError::from(Code::PublicKeyInvalid);
    let text = text.trim();
    if text.len() > 400 {
        return Err(bad());
    }
    let bytes = hex::decode(text)
        .or_else(|_| URL_SAFE_NO_PAD.decode(text))
        .or_else(|_| URL_SAFE.decode(text))
        .map_err(|_| bad())?;
    let point = bytes.strip_prefix(&SPKI_PREFIX[..]).unwrap_or(&bytes);
    let mut key = [4; 65];
    match point.len() {
        64 => key[1..].copy_from_slice(point),
        65 if point[0] == 4 => key.copy_from_slice(point),
        _ => return Err(bad()),
    }
    ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key).map_err(|_| bad())?;
    Ok(key)
}

struct Seat {
    profile: ProfileRow,
    user: UserRow,
    organisation: OrganisationRow,
}

impl Service {
    /// Enrols a device.
    pub fn enrol(&self, request: &EnrolRequest, from: IpAddr) -> Result<EnrolReply> {
        // A code is too long to be guessed, so a whole team enrols at once behind one address: only wrong ones are counted.
        let not_good = |refusal| self.pacing.one_time_failed(from, refusal);
        let unknown = || not_good(Code::EnrolCodeUnknown.into());
        let hash = code_hash(&request.code).ok_or_else(unknown)?;
        // Most wrong codes end here, without the writer.
        self.directory
            .read(|view| view.code(&hash))?
            .ok_or_else(unknown)?;
        let key = read_public_key(&request.public_key)?;
        let label = request
            .label
            .as_deref()
            .map(|text| Name::new("/label", text))
            .transpose()?;
        if request.instance == InstanceId::default() {
            return Err(invalid(
                "/instance",
                "instance_invalid",
                "It is random and never zero.",
            ));
        }
        let id = ProfileId::from_bytes(uuid_v7(&*self.ambient)?);
        let seat = self
            .directory
            .write(|txn| self.take_seat(txn, &hash, &key, label, id))?;
        self.open_actor(seat, request.instance)
    }

    fn take_seat(
        &self,
        txn: &Txn<'_>,
        hash: &[u8; 32],
        key: &[u8; 65],
        label: Option<Name>,
        id: ProfileId,
    ) -> Result<Seat> {
        let now = self.now();
        let code = txn.code(hash)?.ok_or(Code::EnrolCodeUnknown)?;
        let organisation = txn.organisation(code.org)?.ok_or(Code::EnrolCodeUnknown)?;
        if organisation.suspended_at.is_some() {
            return Err(Code::OrganisationSuspended.into());
        }
        let user = txn
            .user_of(code.org, code.user)?
            .filter(|user| user.disabled_at.is_none());
        let user = user.ok_or(Code::EnrolCodeUnknown)?;
        if let Some(used) = code.profile {
            let profile = txn
                .profile(used)?
                .filter(|profile| profile.public_key == *key);
            let profile = profile.ok_or(Code::EnrolCodeUsed)?;
            return match profile.revoked_at {
                None => Ok(Seat {
                    profile,
                    user,
                    organisation,
                }),
                Some(_) => Err(Code::DeviceRevoked.into()),
            };
        }
        if code.expires_at <= now {
            return Err(Code::EnrolCodeExpired.into());
        }
        let profile = match txn.profile_by_key(key)? {
            // The same device, enrolled again for the same user.
            Some(known) if known.user == user.id && known.revoked_at.is_none() => known,
            Some(_) => return Err(Code::KeyInUse.into()),
            None => {
                let row = ProfileRow {
                    id,
                    org: code.org,
                    user: user.id,
                    public_key: *key,
                    label: label.map_or_else(|| "device".to_owned(), |l| l.as_str().to_owned()),
                    enrolled_at: now,
                    revoked_at: None,
                    last_seen_at: None,
                };
                txn.insert_profile(&row)?;
                row
            }
        };
        txn.use_code(hash, profile.id)?;
        Ok(Seat {
            profile,
            user,
            organisation,
        })
    }

    fn open_actor(&self, seat: Seat, instance: InstanceId) -> Result<EnrolReply> {
        let Seat {
            profile,
            user,
            organisation,
        } = seat;
        let org = organisation.id;
        let env = self.env();
        let caller = Caller {
            org,
            profile: profile.id,
            user: user.id,
            role: user.role,
            revoked: false,
            device_key: profile.public_key.to_vec(),
        };
        let keys = self.keys.of_org(org)?.public().clone();
        let (now, audience) = (self.now(), self.audience().to_owned());
        // What is assigned to the user and their teams already is for this phone too.
        let teams = self.directory.read(|view| view.teams_of_user(user.id))?;
        let mut whom = vec![format!("user:{}", user.id)];
        whom.extend(teams.iter().map(|team| format!("team:{team}")));
        let owed = whom.clone();
        let (reply, known) = self.files.write(org, move |txn| {
            if txn.stopped()? {
                return Err(Refusal::Stopped.into());
            }
            let known = txn.actor_of_instance(caller.profile, instance)?.is_some();
            let actor = new_actor(txn, &env, &caller, instance)?;
            if !known {
                txn.audit(&enrolled(&caller), now)?;
                owe_people(txn, &owed)?;
            }
            let (forms, policies) = super::forms::handout(txn)?;
            let reply = EnrolReply {
                organisation: EnrolOrganisation {
                    id: org,
                    slug: organisation.slug,
                    name: organisation.name,
                },
                user: EnrolUser {
                    id: user.id,
                    name: user.name,
                    role: user.role.as_str().to_owned(),
                },
                profile: caller.profile,
                actor: actor.id,
                grant: grant(&env, &caller, &actor)?,
                epoch: txn.epoch()?.id,
                head: super::exchange::head(txn, &env)?,
                keys,
                audience,
                server_time: rfc3339(now),
                forms,
                policies,
            };
            Ok::<_, ServiceError>((reply, known))
        })?;
        if !known {
            self.follow_people(org, whom)?;
        }
        Ok(reply)
    }
}

fn enrolled(caller: &Caller) -> AuditEntry {
    AuditEntry {
        user: Some(caller.user),
        profile: Some(caller.profile),
        action: "device.enrol",
        subject: Some(caller.profile.to_string()),
        detail: None,
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};

    use super::*;

    #[test]
    fn a_public_key_is_read_in_every_form_and_only_when_it_is_on_the_curve() {
        let document =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new());
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.unwrap().as_ref());
        let point: [u8; 65] = pair.unwrap().public_key().as_ref().try_into().unwrap();
        let spki = [&SPKI_PREFIX[..], &point].concat();
        for bytes in [&point[..], &point[1..], &spki[..]] {
            assert_eq!(read_public_key(&hex::encode(bytes)).unwrap(), point);
            assert_eq!(
                read_public_key(&URL_SAFE_NO_PAD.encode(bytes)).unwrap(),
                point
            );
            assert_eq!(read_public_key(&URL_SAFE.encode(bytes)).unwrap(), point);
        }
        let mut off = point;
        off[64] ^= 1;
        for bad in [
            hex::encode(off),
            hex::encode([4; 65]),
            hex::encode([0; 64]),
            String::new(),
            "zz".repeat(300),
        ] {
            assert_eq!(
                read_public_key(&bad).unwrap_err().code,
                Code::PublicKeyInvalid
            );
        }
    }
}
