//! The HTTP interface of a real server, one file per noun.

mod bodies;
mod devices;
mod isolation;
mod openapi;
mod server;
mod sign_in;
mod users;
