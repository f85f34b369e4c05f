//! How large files may be, of which types, and how much they may take together: each organisation's own choice.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::access::Action;
use crate::service::error::{Code, Result, invalid};
use crate::service::{By, Service};
use crate::storage::{AuditEntry, OrgTxn, StorageError};
use tributary_sync_core::ids::OrgId;

/// The name of the setting.
const SETTING: &str = "attachments";
/// The largest file that any organisation may allow, in bytes.
const FILE_BYTES_MOST: u64 = 1024 * 1024 * 1024;
/// Types that may be listed.
const TYPES_MAX: usize = 50;
/// The longest type, in bytes.
const TYPE_BYTES_MAX: usize = 100;

/// What an organisation takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttachmentLimits {
    /// The largest file, in bytes.
    pub file_bytes: u64,
    /// All files together, in bytes.
    pub quota_bytes: u64,
    /// Types that are taken, such as `image/*` or `application/pdf`.
    pub types: Vec<String>,
}

impl Default for AttachmentLimits {
    fn default() -> Self {
        Self {
            file_bytes: 25 * 1024 * 1024,
            quota_bytes: 50 * 1024 * 1024 * 1024,
            types: ["image/*", "audio/*", "application/pdf"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

/// A media type without parameters: `image/jpeg`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType(String);

impl MediaType {
    /// Reads one; in lower case.
    pub fn parse(text: &str) -> Option<Self> {
        let part = |part: &str| {
            let letter = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b);
            !part.is_empty() && part.bytes().all(letter)
        };
        let (kind, rest) = text.split_once('/')?;
        let fits = text.len() <= TYPE_BYTES_MAX && part(kind) && part(rest);
        fits.then(|| Self(text.to_ascii_lowercase()))
    }
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AttachmentLimits {
    /// Those in force.
    pub(super) fn of(txn: &OrgTxn<'_>) -> Result<Self> {
        match txn.setting(SETTING)? {
            None => Ok(Self::default()),
            Some(json) => serde_json::from_str(&json).map_err(|_| Code::Internal.into()),
        }
    }
    /// Whether a type is taken.
    pub fn takes(&self, kind: &MediaType) -> bool {
        self.types.iter().any(|allowed| {
            let all_of = allowed.strip_suffix('*');
            all_of.map_or(allowed == kind.as_str(), |start| {
                kind.as_str().starts_with(start)
            })
        })
    }
    fn check(&self) -> Result<()> {
        if !(1..=FILE_BYTES_MOST).contains(&self.file_bytes) {
            let rule = format!("From 1 to {FILE_BYTES_MOST} bytes.");
            return Err(invalid("/file_bytes", "number_out_of_range", rule));
        }
        let pattern = |text: &String| match text.strip_suffix("/*") {
            Some(kind) => MediaType::parse(&format!("{kind}/x")).is_some(),
            None => MediaType::parse(text).is_some_and(|t| t.as_str() == text),
        };
        if self.types.len() > TYPES_MAX || !self.types.iter().all(pattern) {
            let rule = "At most 50 types such as `image/*` or `application/pdf`, in lower case.";
            return Err(invalid("/types", "media_type_invalid", rule));
        }
        Ok(())
    }
}

impl Service {
    /// What files the organisation takes.
    pub fn attachment_limits(&self, by: By<'_>, org: OrgId) -> Result<AttachmentLimits> {
        by.require(org, Action::ReadForms)?;
        self.files.read(org, AttachmentLimits::of)
    }
    /// Changes it. Files that are here stay.
    pub fn set_attachment_limits(
        &self,
        by: By<'_>,
        org: OrgId,
        limits: AttachmentLimits,
    ) -> Result<AttachmentLimits> {
        by.require(org, Action::ManageForms)?;
        limits.check()?;
        let json = serde_json::to_string(&limits).map_err(|_| Code::Internal)?;
        let (user, now) = (by.user(), self.now());
        self.files.write::<_, StorageError>(org, move |txn| {
            let row = AuditEntry {
                user,
                action: "attachments.limits",
                detail: Some(json.clone()),
                ..AuditEntry::default()
            };
            txn.audit(&row, now)?;
            txn.set_setting(SETTING, &json)
        })?;
        Ok(limits)
    }
}
