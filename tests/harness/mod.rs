//! A real server on a free port with its own folder, over TLS; users who signed in; devices with their own keys; and the
//! real programs as processes.

mod client;
mod device;
mod programs;
mod server;
mod tripwire;

pub use client::{Client, Reply};
pub use device::{DeviceKey, TestDevice};
pub use programs::{
    Installation, field, field_command, field_fails, field_on_a_losing_disk, program,
    tributary_command,
};
pub use server::{Organisation, PASSWORD, TestServer, TestUser};
pub use tripwire::{Tripwire, Way};
