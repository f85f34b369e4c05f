//! What a download was: what is in it, what was left out and why, and how to check it. A sidecar, never part of the data.

use serde::Serialize;
use tributary_sync_core::ids::{EpochId, FormHash, LogHash, LogPos, OrgId, RecordId, Tombstone};
use utoipa::ToSchema;

/// How many records there were, by what became of them. Each is counted once, under the first that applies:
/// restricted, withheld, deleted, draft, filtered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExportCounts)]
pub struct Counts {
    /// In the download.
    pub rows: u64,
    /// Left out: no consent lives.
    pub withheld: u64,
    /// Left out: hidden until it is decided whether they are erased.
    pub restricted: u64,
    /// Left out: drafts.
    pub drafts: u64,
    /// Left out: deleted.
    pub deleted: u64,
    /// Left out: the filter does not want them.
    pub filtered: u64,
    /// Left out: not changed after `since`.
    pub unchanged: u64,
}

/// With `since`: what an earlier download may have had and this one has not any more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExportLeft)]
pub struct Left {
    /// SHA-256 of the ids of records that were erased.
    #[schema(value_type = Vec<String>)]
    pub erased: Vec<Tombstone>,
    /// Records that were deleted.
    #[schema(value_type = Vec<String>)]
    pub deleted: Vec<RecordId>,
    /// Records that are in the filter no more, withheld or restricted.
    #[schema(value_type = Vec<String>)]
    pub gone: Vec<RecordId>,
}

/// One file of the download.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExportFile)]
pub struct FileSum {
    /// Its name.
    pub name: String,
    /// Its rows, without the header.
    pub rows: u64,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// A form version in the union.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExportVersion)]
pub struct VersionName {
    /// Its hash.
    #[schema(value_type = String)]
    pub hash: FormHash,
    /// What its author calls it.
    pub name: String,
    /// Whether its stored form could be read; without, its answers stand under `_unknown_answers`.
    pub readable: bool,
}

/// The head of the audit when the download was made, signed by the organisation's receipt key over
/// [`AuditHead::signed_bytes`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AuditHead {
    /// The number of its last row.
    pub n: u64,
    /// The hash of the audit up to there, in hexadecimal.
    pub hash: String,
    /// The signature.
    pub sig: String,
}

impl AuditHead {
    /// What the signature covers: `tributary-audit-head-v1`, organisation, epoch, the number as eight bytes, the hash.
    pub fn signed_bytes(org: OrgId, epoch: EpochId, n: u64, hash: &[u8; 32]) -> Vec<u8> {
        [
            b"tributary-audit-head-v1".as_slice(),
            org.as_bytes(),
            epoch.as_bytes(),
            &n.to_be_bytes(),
            hash,
        ]
        .concat()
    }
}

/// All of it. The part that two equal downloads share is everything but `server_time`, `audit`, `quarantine_waiting`
/// and `as_of`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ExportTrailer)]
pub struct Trailer {
    /// The version of the export's own rules.
    pub export_format: u32,
    /// The organisation.
    #[schema(value_type = String)]
    pub organisation: OrgId,
    /// The form.
    pub form_id: String,
    /// Its title in the newest version.
    pub title: String,
    /// Its versions, the oldest first.
    pub versions: Vec<VersionName>,
    /// The names of the filters in use; never what they say.
    pub filters: Vec<&'static str>,
    /// The time zone of instants.
    pub tz: String,
    /// The language of labels; none for codes.
    pub labels: Option<String>,
    /// The files.
    pub files: Vec<FileSum>,
    /// SHA-256 of the one file; of several, that of the lines `<sha256>  <name>` and a line feed.
    pub sha256: String,
    /// What is in it and what is not.
    pub counts: Counts,
    /// With `since`: what left.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
    /// With `since`: true where the policies changed after it, so that everything is in this download.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub whole_again: bool,
    /// The epoch.
    #[schema(value_type = String)]
    pub epoch: EpochId,
    /// The log position that this shows.
    #[schema(value_type = u64)]
    pub position: LogPos,
    /// The hash of the log up to there.
    #[schema(value_type = String)]
    pub log_hash: LogHash,
    /// What to give as `since` or `as_of` later.
    pub cursor: String,
    /// Whether it shows the past: as it was, but without what was erased or restricted since.
    pub as_of: bool,
    /// How many records were ever erased in the organisation.
    pub erasures: u64,
    /// Bodies that wait in quarantine, in the whole organisation: not in this download.
    pub quarantine_waiting: u64,
    /// The audit.
    pub audit: AuditHead,
    /// The validator of this download.
    pub etag: String,
    /// The server's time, in milliseconds since 1970.
    pub server_time: u64,
}
