//! Files on their way in: begun for one record, brought in pieces, each durable before it is acknowledged, and kept when the
//! whole has the hash that was announced.

use serde::Serialize;
use tributary_sync_core::ids::RecordId;

use super::limits::{AttachmentLimits, MediaType};
use crate::service::Service;
use crate::service::access::Action;
use crate::service::ambient::random;
use crate::service::error::{Code, Result, ServiceError};
use crate::service::principal::Device;
use crate::service::shares::Share;
use crate::storage::{AttachmentHash, OrgTxn, RecordNo, UploadId, UploadRow};

/// How long a file on its way waits for its next piece, in milliseconds: a week.
const HALF_MS: u64 = 7 * 24 * 60 * 60 * 1_000;
/// How long a finished one is remembered, in milliseconds: 30 days.
const FINISHED_MS: u64 = 30 * 24 * 60 * 60 * 1_000;
/// Files that one device may have on their way.
const OPEN_MAX: u64 = 100;
/// Their bytes.
const OPEN_BYTES_MAX: u64 = 512 * 1024 * 1024;

/// A file that a device wants to bring.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// The record that it belongs to.
    pub record: RecordId,
    /// What it is.
    pub sha256: AttachmentHash,
    /// How long it is, in bytes; at least one.
    pub size: u64,
    /// Of which type it is.
    pub media_type: MediaType,
}

/// How far a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct UploadView {
    /// Its name.
    pub id: UploadId,
    /// How long it will be, in bytes.
    pub size: u64,
    /// How much of it is durable, in bytes.
    pub offset: u64,
    /// When it is forgotten, in milliseconds since 1970.
    pub expires: u64,
}

impl From<&UploadRow> for UploadView {
    fn from(row: &UploadRow) -> Self {
        Self {
            id: row.id,
            size: row.size,
            offset: row.received,
            expires: row.expires,
        }
    }
}

impl Service {
    /// Begins a file. What is too large, of a type that is not taken, or for a record that the device may not write to, is
    /// refused before a byte of it comes.
    pub fn begin_upload(&self, device: &Device, new: NewUpload) -> Result<UploadView> {
        device.require(Action::EditRecords)?;
        // Nothing would be brought, and nothing proven.
        if new.size == 0 {
            return Err(Code::ParameterInvalid.into());
        }
        let id = UploadId::from_bytes(random(&*self.ambient)?);
        let (profile, expires) = (device.profile, self.now() + HALF_MS);
        self.files.write(device.org, move |txn| {
            if txn.stopped()? {
                return Err(Code::OrganisationStopped.into());
            }
            let record = writable(txn, &new, profile)?;
            fits(txn, &new, profile)?;
            let row = UploadRow {
                id,
                profile,
                record,
                sha256: new.sha256,
                size: new.size,
                received: 0,
                finished: false,
                expires,
            };
            txn.add_upload(&row)?;
            Ok(UploadView::from(&row))
        })
    }

    /// How far a file is.
    pub fn upload(&self, device: &Device, id: UploadId) -> Result<UploadView> {
        let _one = self.one_at_a_time(id)?;
        let row = self.upload_row(device, id)?;
        // The bytes were durable, and then the server stopped.
        if row.received == row.size && !row.finished {
            return self.finish(device, row);
        }
        Ok(UploadView::from(&row))
    }

    /// Refuses a piece that cannot be taken, before it comes. `length`: how long it says it is, in bytes.
    pub fn expects_piece(
        &self,
        device: &Device,
        id: UploadId,
        offset: u64,
        length: Option<u64>,
    ) -> Result<()> {
        device.require(Action::EditRecords)?;
        let row = self.upload_row(device, id)?;
        if offset != row.received {
            return Err(ServiceError::from(Code::UploadOffsetWrong).member("offset", row.received));
        }
        match length.map(|length| offset.saturating_add(length)) {
            Some(end) if end > row.size => Err(Code::AttachmentTooLarge.into()),
            _ => Ok(()),
        }
    }

    /// Takes the next piece; it is durable when this returns. The last one is only taken if the whole is what was announced.
    pub fn append_upload(
        &self,
        device: &Device,
        id: UploadId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<UploadView> {
        let _one = self.one_at_a_time(id)?;
        let mut row = self.upload_row(device, id)?;
        if offset != row.received {
            return Err(ServiceError::from(Code::UploadOffsetWrong).member("offset", row.received));
        }
        let end = offset.checked_add(bytes.len() as u64);
        let end = end.filter(|end| *end <= row.size);
        let end = end.ok_or(Code::AttachmentTooLarge)?;
        if !bytes.is_empty() {
            let files = self.files.attachments();
            files.append(device.org, id, offset, bytes)?;
            let known = self
                .files
                .write::<_, ServiceError>(device.org, move |txn| {
                    Ok(txn.upload_received(id, offset, end)?)
                })?;
            if !known {
                // Its record was erased meanwhile, or its time was over.
                files.remove_half(device.org, id)?;
                return Err(Code::NotFound.into());
            }
        }
        row.received = end;
        if end == row.size && !row.finished {
            return self.finish(device, row);
        }
        Ok(UploadView::from(&row))
    }

    /// The device does not want to bring it any more.
    pub fn end_upload(&self, device: &Device, id: UploadId) -> Result<()> {
        let _one = self.one_at_a_time(id)?;
        self.upload_row(device, id)?;
        self.drop_upload(device, id)
    }

    fn drop_upload(&self, device: &Device, id: UploadId) -> Result<()> {
        self.files
            .write::<_, ServiceError>(device.org, move |txn| Ok(txn.drop_upload(id)?))?;
        Ok(self.files.wipe_files(device.org)?)
    }

    /// Two connections of one device must not write into one file.
    fn one_at_a_time(&self, id: UploadId) -> Result<Share<UploadId>> {
        let place = self.uploads.take(id, 1);
        place.ok_or_else(|| Code::UploadBusy.into())
    }

    fn upload_row(&self, device: &Device, id: UploadId) -> Result<UploadRow> {
        let row = self
            .files
            .read::<_, ServiceError>(device.org, |txn| Ok(txn.upload(id, device.profile)?))?;
        let row = row.filter(|row| row.expires > self.now());
        let row = row.ok_or(Code::NotFound)?;
        let files = self.files.attachments();
        let here = row.finished
            || row.received == 0
            || files.half_length(device.org, id)? >= row.received
            || (row.received == row.size && files.has(device.org, row.sha256));
        if here {
            return Ok(row);
        }
        // A restored server has the row and not the bytes: it is begun again.
        self.drop_upload(device, id)?;
        Err(Code::NotFound.into())
    }

    fn finish(&self, device: &Device, mut row: UploadRow) -> Result<UploadView> {
        let (org, id) = (device.org, row.id);
        let files = self.files.attachments();
        let moved = files.half_length(org, id)? == 0 && files.has(org, row.sha256);
        if !moved && files.half_hash(org, id, row.size)? != Some(row.sha256) {
            self.drop_upload(device, id)?;
            return Err(Code::AttachmentHashWrong.into());
        }
        let (profile, now) = (device.profile, self.now());
        row.finished = true;
        row.expires = now + FINISHED_MS;
        let done = row.clone();
        self.files.write::<_, ServiceError>(org, move |txn| {
            // What was erased meanwhile must not come back.
            if txn.upload(id, profile)?.is_none() {
                return Err(Code::NotFound.into());
            }
            files.keep(org, id, done.sha256)?;
            Ok(txn.finish_upload(&done, now)?)
        })?;
        Ok(UploadView::from(&row))
    }
}

/// The record, if the device may bring something for it: it has it, or once had it.
fn writable(
    txn: &OrgTxn<'_>,
    new: &NewUpload,
    profile: tributary_sync_core::ids::ProfileId,
) -> Result<RecordNo> {
    let no = txn.record_no(new.record)?.ok_or(Code::NotFound)?;
    match txn.scope(profile, no)? {
        Some(_) => Ok(no),
        None => Err(Code::NotFound.into()),
    }
}

fn fits(
    txn: &OrgTxn<'_>,
    new: &NewUpload,
    profile: tributary_sync_core::ids::ProfileId,
) -> Result<()> {
    let limits = AttachmentLimits::of(txn)?;
    if new.size > limits.file_bytes {
        let error = ServiceError::from(Code::AttachmentTooLarge);
        return Err(error.member("most", limits.file_bytes));
    }
    if !limits.takes(&new.media_type) {
        return Err(Code::AttachmentTypeRefused.into());
    }
    let (all, mine) = (txn.attachments_usage()?, txn.uploads_open(profile)?);
    let too_many = mine.count >= OPEN_MAX
        || mine.bytes.saturating_add(new.size) > OPEN_BYTES_MAX
        || all.bytes.saturating_add(new.size) > limits.quota_bytes;
    if too_many {
        return Err(Code::AttachmentQuotaFull.into());
    }
    Ok(())
}
