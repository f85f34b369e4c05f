//! `tributary-field`: record interviews without a network, and sync them when there is one.

use std::process::ExitCode;

fn main() -> ExitCode {
    tributary_native::program::run()
}
