//! The command line: arguments, commands, what people see.

mod args;
mod commands;
mod connect;
mod dupes;
mod failure;
mod log;
mod manual;
mod print;
mod progress;
mod service;
mod setup;
mod tuning;

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{self, ExitCode};

use clap::{CommandFactory, Parser};

use crate::config::{Settings, own_program};
use crate::vision::apart;
use crate::{daemon, vision};
use args::{Arguments, Command, DaemonArguments};
use failure::{AGAIN, Failure};

/// Runs `simctl` with this process's arguments; `similard` where that is the name it was called by, as a package
/// has one file for both.
pub fn simctl() -> ExitCode {
    if env::args_os().next().is_some_and(|name| Path::new(&name).file_name() == Some(OsStr::new("similard"))) {
        return similard();
    }
    if let Some(code) = decoding_child() {
        return code;
    }
    let arguments = Arguments::parse();
    finish(run(arguments))
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
        Ok(arguments) => finish(run(arguments)),
        Err(e) => e.exit(),
    }
}

/// Turns into a decoding child when the daemon asks for one.
fn decoding_child() -> Option<ExitCode> {
    let mut arguments = env::args_os().skip(1);
    if arguments.next()? != apart::COMMAND {
        return None;
    }
    let limits: Option<vision::Limits> = arguments.next().and_then(|json| serde_json::from_str(json.to_str()?).ok());
    let done = limits.is_some_and(|limits| apart::run_child(&limits).is_ok());
    Some(if done { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match &arguments.command {
        Command::Completions { shell } => return commands::put_out(&setup::completions(*shell)),
        Command::Man { command } => return commands::put_out(manual::page(command.as_deref())?.as_bytes()),
        Command::Setup { prefix, remove } => return setup::run(prefix.as_deref(), *remove),
        _ => {}
    }
    let settings = Settings::load(&arguments.instance.overrides())?;
    if let Command::Daemon(options) = &arguments.command {
        return run_daemon(settings, options);
    }
    // What comes from the daemon is taken by a thread of its own: this one may wait for whoever reads standard output.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(commands::run(arguments, settings))
}

fn run_daemon(settings: Settings, options: &DaemonArguments) -> Result<ExitCode, Failure> {
    if options.background {
        // A session of its own: closing the terminal that first asked must not end it.
        let _ = rustix::process::setsid();
    }
    if options.replace {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(connect::stop_running(&settings))?;
    }
    log::start();
    let started_in = env::current_dir();
    if daemon::run(settings)? == daemon::Ended::ToStartAgain {
        if daemon::is_supervised() {
            return Ok(ExitCode::from(AGAIN));
        }
        let arguments = env::args_os().skip(1).filter(|argument| argument != "--replace");
        let mut again = process::Command::new(own_program()?);
        // By the name that it has: similard's arguments are not simctl's.
        again.arg0(env::args_os().next().unwrap_or_default()).args(arguments);
        // Where its paths are from.
        if let Ok(folder) = started_in {
            again.current_dir(folder);
        }
        return Err(Failure::from(again.exec()));
    }
    Ok(ExitCode::SUCCESS)
}

fn finish(result: Result<ExitCode, Failure>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(failure) => failure.report(),
    }
}
