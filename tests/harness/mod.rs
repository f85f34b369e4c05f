//! A real server on a free port with its own folder, over TLS; users who signed in; devices with their own keys.

mod client;
mod device;
mod server;

pub use client::{Client, Reply};
pub use device::{DeviceKey, TestDevice};
pub use server::{Organisation, TestServer, TestUser};
