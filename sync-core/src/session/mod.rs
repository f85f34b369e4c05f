//! The device's side of the sync protocol, as a state machine without I/O: shared by browser, native device and
//! simulator.
//!
//! All that a step reads and writes goes through a [`Store`]; the caller runs each step in one local transaction and
//! rolls it back when the step fails. Time and randomness are arguments. Not here: HTTP, files, keys, the form's
//! questions ([`crate::form`] knows them), the server's half.

mod actor;
mod device;
mod empty;
mod enrol;
mod epoch;
mod erase;
mod error;
mod look;
#[cfg(feature = "testing")]
mod memory;
mod open;
mod problem;
mod pull;
mod push;
mod rebase;
mod receive;
mod results;
mod rights;
mod run;
mod save;
mod speech;
mod status;
mod store;

pub use device::{ActorState, Lost, Phase, Plan, Profile, Role};
pub use empty::{Confirm, Obstacle, empty, obstacles};
pub use enrol::{EnrolRefused, FormDamaged, Pinned, enrolled};
pub use error::{ReplyRefused, SaveRefused, SessionError};
pub use look::{LOOKS_MAX, changed_since, forget_gone, last_shown, note_shown, resume};
#[cfg(feature = "testing")]
pub use memory::MemoryStore;
pub use open::{close_form, create_record, forms_open, open_form, refresh, take_over};
pub use problem::Problem;
pub use push::{Batch, Pace, batch};
pub use receive::Verifier;
pub use run::{Next, Reply, Request, Run};
pub use save::{Save, save};
pub use speech::{
    KnownForms, Unreadable, content_type, frame_not_understood, heard, is_frame, spoken,
};
pub use status::{Summary, Whereabouts, status, summary, whereabouts};
pub use store::{Fate, Floor, FormText, Held, OpenForm, Own, Person, Store, StoreError};
