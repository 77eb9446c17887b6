//! The command line: arguments, commands and output.

mod args;
mod broad;
mod commands;
mod connect;
mod failure;
mod files;
mod lifecycle;
mod log;
mod output;
mod progress;
mod removable;
mod running;
mod session;
mod start;
mod systemd;
mod text;
mod whole;

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::vision;
use crate::vision::sandbox;
use args::Arguments;
use failure::Failure;

/// Runs `simctl` with this process's arguments, or `similard` if the program was called by that name: a package has one
/// file for both.
pub fn simctl() -> ExitCode {
    if env::args_os().next().is_some_and(|name| Path::new(&name).file_name() == Some(OsStr::new("similard"))) {
        return similard();
    }
    if let Some(code) = decoding_child() {
        return code;
    }
    let arguments = Arguments::parse();
    finish(commands::run(arguments))
}

/// Runs `similard`: `simctl daemon`, with its options.
pub fn similard() -> ExitCode {
    if let Some(code) = decoding_child() {
        return code;
    }
    let mut arguments: Vec<OsString> = env::args_os().collect();
    arguments.insert(1.min(arguments.len()), "daemon".into());
    let parsed = Arguments::command()
        .name("similard")
        .try_get_matches_from(arguments)
        .and_then(|m| <Arguments as clap::FromArgMatches>::from_arg_matches(&m));
    match parsed {
        Ok(arguments) => finish(commands::run(arguments)),
        Err(e) => e.exit(),
    }
}

/// Runs this process as a decoding child, if the daemon started it as one.
fn decoding_child() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != sandbox::COMMAND {
        return None;
    }
    let limits: Option<vision::Limits> = arguments.next().and_then(|json| serde_json::from_str(json.to_str()?).ok());
    let done = limits.is_some_and(|limits| sandbox::run_child(&limits).is_ok());
    Some(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn finish(result: Result<ExitCode, Failure>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
