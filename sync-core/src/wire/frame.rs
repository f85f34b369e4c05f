//! The compact form of the exchange for our own clients: version 1 of the frame.
//!
//! Postcard's variable-length integers under our own tags; no derived enum, so that an unknown tag never fails whole.
//! What repeats stands once in tables at the front (records, form versions, epochs, actors, choices, fields that are in
//! no form package); times and numbers are differences. Each item of a push has its own length, so an unreadable one is
//! named and hides no other. A frame says exactly what the JSON form says, and canonical bytes and hashes are made
//! again from what was read. Tags below 32 are frozen with the version; from 32 up they carry their length.
//!
//! Not here: compression (outside, over the whole frame), bundles, the rarer messages, which stay JSON.

mod bytes;
mod change;
mod entry;
mod reply;
mod request;
mod tables;
mod value;
mod writes;

use std::sync::Arc;

use crate::ids::{FieldId, FormHash};

/// The media type of a frame.
pub const CONTENT_TYPE: &str = "application/vnd.tributary.frame";
/// The first byte of every frame that this build writes, and the only version that it reads.
pub const VERSION: u8 = 1;

/// What knows the form packages: a frame names a field by its place in the package of the changeset's form.
pub trait FieldTable {
    /// The ids of all fields of a form version in the order of its package (§9.5), which its hash fixes; none for a
    /// version that is not known here. A writer then names fields by their ids; a reader refuses the frame with
    /// [`crate::error::ParseError::UnknownForm`] if the writer knew more.
    fn fields(&self, form: FormHash) -> Option<Arc<[FieldId]>>;
}

/// Knows no form: every field is named by its id, once a frame.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoForms;

impl FieldTable for NoForms {
    fn fields(&self, _: FormHash) -> Option<Arc<[FieldId]>> {
        None
    }
}
