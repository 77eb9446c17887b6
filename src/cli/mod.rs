//! The command line: arguments, commands and output.

mod answers;
mod args;
mod badges;
mod broad;
mod checker;
mod commands;
mod connect;
mod disk;
mod divided_shots;
mod dupes_arguments;
mod failure;
mod files;
mod folders;
mod formats;
mod interrupt;
mod lifecycle;
mod listing;
mod log;
mod metrics;
mod missing;
mod output;
mod pager;
mod picasa;
mod progress;
mod removable;
mod report;
mod running;
mod session;
mod shot_files;
mod start;
mod suggestion;
mod summary;
mod systemd;
mod text;
mod whole;
mod whole_shots;
mod worth;

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

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
    if let Some(code) = decoding_process() {
        return code;
    }
    match parsed(Arguments::command(), env::args_os().collect()) {
        Ok(arguments) => finish(commands::run(arguments)),
        Err(e) => explain(&e),
    }
}

/// Runs `similard`: `simctl daemon`, with its options. It is a link to this program.
fn similard() -> ExitCode {
    if let Some(code) = decoding_process() {
        return code;
    }
    let mut arguments: Vec<OsString> = env::args_os().collect();
    arguments.insert(1.min(arguments.len()), "daemon".into());
    let named = |daemon: clap::Command| daemon.version(env!("CARGO_PKG_VERSION")).display_name("similard");
    match parsed(Arguments::command().name("similard").mut_subcommand("daemon", named), arguments) {
        Ok(arguments) => finish(commands::run(arguments)),
        Err(e) => explain(&e),
    }
}

/// Parses the arguments.
///
/// # Errors
/// The error names arguments. They may be names of files, as after `simctl *`, so what a terminal obeys is replaced.
fn parsed(command: clap::Command, arguments: Vec<OsString>) -> Result<Arguments, clap::Error> {
    let parse = |arguments: &[OsString]| {
        let matches = command.clone().try_get_matches_from(arguments)?;
        Arguments::from_arg_matches(&matches)
    };
    parse(&arguments).map_err(|error| {
        let shown: Vec<OsString> = arguments.iter().map(|argument| text::shown(&argument.to_string_lossy()).into()).collect();
        parse(&shown).err().unwrap_or(error)
    })
}

/// Prints what is wrong with the arguments, or the help that they ask for.
fn explain(error: &clap::Error) -> ExitCode {
    match error.print() {
        Err(e) if !error.use_stderr() => Failure::unwritten(&e).report(),
        _ => ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE)),
    }
}

/// Runs this process as a decoding process, if the daemon started it as one.
fn decoding_process() -> Option<ExitCode> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_the_arguments_shows_no_control_characters() {
        let parse = |arguments: &[&str]| parsed(Arguments::command(), arguments.iter().map(OsString::from).collect());
        for wrong in
            [&["simctl", "dupes", "--\u{1b}[2J\u{202e}gpj"][..], &["simctl", "\u{1b}]0;\n.jpg"], &["simctl", "similar", "a", "\u{9b}b"]]
        {
            let error = parse(wrong).expect_err("wrong").render().to_string();
            assert_eq!(error, text::shown_lines(&error));
            assert!(error.contains('\u{fffd}'), "{error}");
        }
        assert!(parse(&["simctl", "scan", "a\u{1b}b"]).is_ok(), "as an argument it is allowed");
    }
}
