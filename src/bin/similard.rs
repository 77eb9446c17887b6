//! `similard`: the daemon in the foreground, the same as `simctl daemon`.

use std::process::ExitCode;

fn main() -> ExitCode {
    similard::cli::similard()
}
