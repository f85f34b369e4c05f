//! Files that travel apart from answers: brought in pieces by devices, kept by the SHA-256 of their bytes, read by whoever
//! may read a record that names them.
//!
//! Bytes are brought for one record, and only that opens them: to name a hash in an answer gives nothing and confirms
//! nothing. Not here: how pieces travel (http), where bytes lie (storage).

mod limits;
mod read;
mod sweep;
mod upload;

pub use crate::storage::{AttachmentHash, UploadId};
pub use limits::{AttachmentLimits, MediaType};
pub use read::ReadAttachment;
pub use upload::{NewUpload, UploadView};

use tributary_sync_core::record::Record;
use tributary_sync_core::value::{Attachment, Value};

/// The live answer of a record that names a file.
fn named(record: &Record, hash: AttachmentHash) -> Option<&Attachment> {
    let values = record.keys().flat_map(|(_, values)| values);
    values
        .filter_map(|(_, value)| match value {
            Value::Attachment(file) => Some(file),
            _ => None,
        })
        .find(|file| file.sha256 == *hash.as_bytes())
}
