//! `simctl`: the command line, and, started by itself, the daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    similard::cli::simctl()
}
