//! Rows and changesets on disk. The only place that names rusqlite.
//!
//! Not here: people, permissions, the rules of the protocol; those are the service's, over a transaction of this.

mod attachment_id;
pub mod attachments;
pub mod copy;
pub mod directory;
mod error;
pub mod folder;
mod ledger;
mod open;
pub(crate) mod org;
mod rowsum;
pub mod sets;
mod store;
pub mod tally;
mod writer;

pub use attachment_id::{AttachmentHash, UploadId};
pub use error::StorageError;
pub use ledger::Ledger;
pub use org::{
    ActorRow, AuditEntry, AuditRow, CheckReport, EpochRow, Erased, Fault, FormRow, ItemRow,
    ItemStatus, Judgement, Keeping, LogEntry, LogKind, LogLine, LogRow, NewActor, NewLog,
    NewQuarantine, OrgTxn, PolicyRow, ProfileRow, QuarantineRow, RawRecord, RecordFilter, RecordNo,
    RecordRow, RecordState, Restriction, ScopeRow, Stage, TombstoneRow, UploadRow, Usage,
    read_file,
};
pub use store::OrgFiles;
