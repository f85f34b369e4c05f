//! HTTP: parse, call one service function, shape the answer. The only place, with `startup`, that names actix.
//!
//! [`routes`] is the table; there is one file per noun. Everything that blocks happens in one hop ([`mod@blocking`]), and who
//! is asking is looked up inside that hop ([`extract`]). [`frame`] surrounds every request. Not here: any rule.

mod attachments;
mod audit;
mod auth;
mod blocking;
mod body;
pub mod connections;
mod description;
mod devices;
mod enrol;
mod erasures;
mod exports;
pub mod extract;
mod field;
mod forms;
pub mod frame;
mod health;
mod intake;
mod organisations;
mod page;
mod pipe;
mod problem;
mod quarantine;
mod range;
mod records;
pub mod routes;
mod sync;
mod teams;
mod users;

pub use blocking::blocking;
pub use body::{Json, RawBody};
pub use intake::Rooms;
pub use routes::openapi;

use crate::config::MetricsToken;

/// What HTTP is told from the configuration.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Whether `X-Forwarded-For` says who asks.
    pub behind_proxy: bool,
    /// Whether there is no certificate that browsers trust, so that they must not be told to insist on one.
    pub pinned: bool,
    /// What must be shown for the numbers of the server, from anywhere but this machine; without it nobody else gets them.
    pub metrics_token: Option<MetricsToken>,
    /// The memory that bodies share.
    pub rooms: Rooms,
}
