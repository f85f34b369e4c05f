//! Forms: import, publication, and what devices are given of them.

mod publish;

pub use publish::{NewVersion, PublishError, Published, preview, publish};
