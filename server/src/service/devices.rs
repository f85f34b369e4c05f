//! Devices as people see them: codes to enrol them, a list, revocation.

use std::collections::HashMap;

use serde::Serialize;
use sha2::{Digest, Sha256};
use tributary_sync_core::ids::{OrgId, ProfileId, UserId};
use utoipa::ToSchema;

use super::access::Action;
use super::ambient::{random, rfc3339};
use super::error::{Code, Result, ServiceError};
use super::paging::{Page, PageRequest};
use super::{By, Service};
use crate::storage::directory::{CodeRow, ProfileRow};

/// How long an enrolment code is good unless told otherwise.
pub const CODE_MS: u64 = 60 * 60 * 1_000;
/// The longest that an enrolment code may be good.
pub const CODE_MAX_MS: u64 = 14 * 24 * 60 * 60 * 1_000;

/// The letters of a code (Crockford's): none is taken for another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in fives.
const CODE_LETTERS: usize = 26;

/// A code with which one device enrols.
#[derive(Clone, Serialize, ToSchema)]
pub struct EnrolCode {
    /// The code, to type.
    pub code: String,
    /// The same as a link, to show as a QR code: address, organisation, code, and the fingerprints to pin. What is
    /// secret is behind the `#`.
    pub link: String,
    /// Until when it is good.
    pub expires_at: String,
    /// For whom.
    #[schema(value_type = String)]
    pub user: UserId,
}

/// A device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceView {
    /// The id.
    #[schema(value_type = String)]
    pub id: ProfileId,
    /// What it is called.
    pub label: String,
    /// Its user.
    #[schema(value_type = String)]
    pub user: UserId,
    /// Its user's name.
    pub user_name: String,
    /// When it enrolled.
    pub enrolled_at: String,
    /// Since when it is revoked.
    pub revoked_at: Option<String>,
    /// When it last proved itself.
    pub last_seen_at: Option<String>,
    /// When it last exchanged.
    pub last_sync_at: Option<String>,
    /// How far its clock runs ahead, in milliseconds; behind when negative.
    pub clock_skew_ms: Option<i64>,
    /// What program it says to be.
    pub version: Option<String>,
    /// Bytes it has in quarantine.
    pub quarantine_bytes: u64,
}

/// A code as it is typed: 26 letters, in groups of five or six for the eye.
fn spell(bits: [u8; 16]) -> String {
    let number = u128::from_be_bytes(bits);
    (0..CODE_LETTERS)
        .map(|i| {
            let shift = 5 * (CODE_LETTERS - 1 - i) as u32;
            char::from(LETTERS[((number >> shift) & 31) as usize])
        })
        .collect()
}

/// The hash of a code as somebody typed it: case, spaces and dashes do not count, and o is 0, i and l are 1.
pub(super) fn code_hash(typed: &str) -> Option<[u8; 32]> {
    if typed.len() > 100 {
        return None;
    }
    let letters = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            c => c,
        });
    let code: String = letters.collect();
    let sound = code.len() == CODE_LETTERS && code.bytes().all(|b| LETTERS.contains(&b));
    sound.then(|| Sha256::digest([&b"tributary-code-v1"[..], code.as_bytes()].concat()).into())
}

impl Service {
    /// A code for one device of a user. Only its hash is kept.
    pub fn enrol_code(
        &self,
        by: By<'_>,
        org: OrgId,
        user: UserId,
        good_for_ms: Option<u64>,
    ) -> Result<EnrolCode> {
        by.require(org, Action::ManageDevices)?;
        let row = self.directory.read(|view| view.user_of(org, user))?;
        let row = row
            .filter(|user| user.disabled_at.is_none())
            .ok_or(Code::NotFound)?;
        self.audit(by, org, "device.code", Some(row.id.to_string()), None)?;
        let code = spell(random(&*self.ambient)?);
        let hash = code_hash(&code)
            .ok_or_else(|| ServiceError::from(Code::Internal).because("an unreadable code"))?;
        let now = self.now();
        let expires_at = now + good_for_ms.unwrap_or(CODE_MS).clamp(60_000, CODE_MAX_MS);
        self.directory.write(|txn| {
            txn.delete_expired_codes(now.saturating_sub(CODE_MAX_MS))?;
            txn.insert_code(&CodeRow {
                hash,
                org,
                user,
                created_at: now,
                expires_at,
                profile: None,
            })
        })?;
        Ok(EnrolCode {
            link: self.enrol_link(org, &code)?,
            code,
            expires_at: rfc3339(expires_at),
            user,
        })
    }

    fn enrol_link(&self, org: OrgId, code: &str) -> Result<String> {
        let organisation = self.directory.read(|view| view.organisation(org))?;
        let slug = organisation.ok_or(Code::NotFound)?.slug;
        let root = self.keys.of_org(org)?.root_fingerprint();
        let mut link = format!(
            "{}/enrol#o={slug}&c={code}&r={root}",
            self.options.public_url
        );
        if let Some(certificate) = &self.options.certificate {
            link.push_str("&t=");
            link.push_str(certificate);
        }
        Ok(link)
    }

    /// The devices of an organisation.
    pub fn devices(&self, by: By<'_>, org: OrgId, page: &PageRequest) -> Result<Page<DeviceView>> {
        by.require(org, Action::ReadDevices)?;
        let synced = self.files.read(org, |txn| txn.profiles())?;
        let mut synced: HashMap<_, _> = synced.into_iter().map(|row| (row.id, row)).collect();
        self.directory.read(|view| {
            page.page(
                |after, limit| Ok(view.profiles(org, after, limit)?),
                |row| row.id,
                |row: ProfileRow| {
                    let user = view.user_of(org, row.user)?;
                    let synced = synced.remove(&row.id);
                    Ok(DeviceView {
                        id: row.id,
                        label: row.label,
                        user: row.user,
                        user_name: user.map(|u| u.name).unwrap_or_default(),
                        enrolled_at: rfc3339(row.enrolled_at),
                        revoked_at: row.revoked_at.map(rfc3339),
                        last_seen_at: row.last_seen_at.map(rfc3339),
                        last_sync_at: synced.as_ref().and_then(|s| s.last_sync).map(rfc3339),
                        clock_skew_ms: synced.as_ref().and_then(|s| s.skew_ms),
                        version: synced.as_ref().and_then(|s| s.version.clone()),
                        quarantine_bytes: synced.map_or(0, |s| s.quarantine_bytes),
                    })
                },
            )
        })
    }

    /// Revokes a device, at once: it gets nothing more, and what it still sends is quarantined.
    pub fn revoke_device(&self, by: By<'_>, org: OrgId, device: ProfileId) -> Result<()> {
        by.require(org, Action::ManageDevices)?;
        let row = self.directory.read(|view| view.profile_of(org, device))?;
        let row = row.ok_or(Code::NotFound)?;
        if row.revoked_at.is_some() {
            return Ok(());
        }
        self.audit(by, org, "device.revoke", Some(device.to_string()), None)?;
        let now = self.now();
        Ok(self
            .directory
            .write(|txn| txn.revoke_profile(device, now))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_the_same_however_it_is_typed() {
        let code = spell([0xa7; 16]);
        assert_eq!(code.len(), CODE_LETTERS);
        let hash = code_hash(&code).unwrap();
        let typed = format!(" {}-{} ", code[..13].to_uppercase(), &code[13..]);
        assert_eq!(code_hash(&typed).unwrap(), hash);
        let zeros = spell([0; 16]);
        assert_eq!(code_hash(&zeros.replace('0', "O")), code_hash(&zeros));
        for bad in ["", "u", &code[1..], &format!("{code}0"), "ຄຳ"] {
            assert!(code_hash(bad).is_none());
        }
    }

    #[test]
    fn codes_hold_all_their_bits() {
        assert_ne!(
            spell([0; 16]),
            spell([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
        );
        assert_eq!(spell([0xff; 16]), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
    }
}
