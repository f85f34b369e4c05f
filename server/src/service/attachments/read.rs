//! Reading a file: only through a record that names it, has its bytes, and may be read. What is not there and what is
//! somebody else's answer alike.

use tributary_sync_core::ids::{OrgId, RecordId};

use super::limits::MediaType;
use super::named;
use crate::service::Service;
use crate::service::access::Action;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::principal::{Device, User};
use crate::service::records::sees_all;
use crate::storage::attachments::OpenAttachment;
use crate::storage::{AttachmentHash, AuditEntry, RecordRow};

/// A file, open for reading.
#[derive(Debug)]
pub struct ReadAttachment {
    /// Its bytes.
    pub file: OpenAttachment,
    /// What its record says that it is; nothing where that is no type.
    pub media_type: Option<MediaType>,
}

impl Service {
    /// A file for a device: through a record in its scope.
    pub fn device_attachment(
        &self,
        device: &Device,
        hash: AttachmentHash,
    ) -> Result<ReadAttachment> {
        device.require(Action::ReadRecords)?;
        let media_type = self.files.read::<_, ServiceError>(device.org, |txn| {
            for no in txn.records_of_attachment(hash)? {
                let live = txn.scope(device.profile, no)?.is_some_and(|s| s.live());
                let row = match live {
                    true => txn.record_by_no(no)?,
                    false => None,
                };
                if let Some(file) = row.as_ref().and_then(|row| named(&row.record, hash)) {
                    return Ok(MediaType::parse(file.media_type.as_str()));
                }
            }
            Err(Code::NotFound.into())
        })?;
        self.open_attachment(device.org, hash, media_type)
    }

    /// A file for somebody in the console: through a record that they see all of. Each reading is a row of the audit.
    pub fn user_attachment(
        &self,
        user: &User,
        record: RecordId,
        hash: AttachmentHash,
    ) -> Result<ReadAttachment> {
        let acting = self.acting(user)?;
        let now = self.now();
        let media_type = self.files.write::<_, ServiceError>(user.org, move |txn| {
            let row: RecordRow = sees_all(txn, &acting, record)?;
            let file = named(&row.record, hash).ok_or(Code::NotFound)?;
            if !txn.record_has_attachment(row.no, hash)? {
                return Err(Code::NotFound.into());
            }
            let entry = AuditEntry {
                user: Some(acting.user),
                action: "attachment.read",
                subject: Some(record.tombstone().to_string()),
                detail: Some(format!("bytes={}", file.size)),
                ..AuditEntry::default()
            };
            txn.audit(&entry, now)?;
            Ok(MediaType::parse(file.media_type.as_str()))
        })?;
        self.open_attachment(user.org, hash, media_type)
    }

    fn open_attachment(
        &self,
        org: OrgId,
        hash: AttachmentHash,
        media_type: Option<MediaType>,
    ) -> Result<ReadAttachment> {
        let file = self.files.attachments().open(org, hash)?;
        let file = file.ok_or_else(|| {
            ServiceError::from(Code::Internal).because("the bytes of a file are missing")
        })?;
        Ok(ReadAttachment { file, media_type })
    }
}
