//! The `tributary` program: parse, hand over, exit code.

fn main() -> std::process::ExitCode {
    tributary::cli::run()
}
