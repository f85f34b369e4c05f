//! The HTTP interface of a real server, one file per noun.

mod app_files;
mod attachments;
mod bodies;
pub(crate) mod browser;
mod devices;
mod edge;
pub(crate) mod field;
mod isolation;
mod openapi;
mod page;
mod page_acts;
mod page_links;
mod records;
mod server;
mod sign_in;
mod teams;
mod users;
