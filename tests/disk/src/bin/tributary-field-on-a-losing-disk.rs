//! The program `tributary-field` over a disk that can lose: what it did not sync is gone when it is killed.
//!
//! `LOSING_DISK` names the folder, `LOSING_SEED` the chance by which single writes reach the disk early.

use std::process::ExitCode;

fn main() -> ExitCode {
    match tributary_disk::lay_from_environment() {
        Ok(_disk) => tributary_native::program::run(),
        Err(_) => ExitCode::from(70),
    }
}
