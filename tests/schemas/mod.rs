//! What `schemas/` says against what the code does: the protocol page's examples are replayed, its sources hashed, the
//! messages validated.

mod examples;
mod messages;
mod openapi;
mod page;
mod sources;
