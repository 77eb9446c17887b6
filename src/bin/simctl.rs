//! `simctl`: the command line. It also starts itself as the daemon.

use std::process::ExitCode;

fn main() -> ExitCode {
    similard::cli::simctl()
}
