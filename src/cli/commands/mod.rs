//! The commands: one file each.

mod backup;
mod compare;
mod completions;
mod config;
mod daemon;
mod decide;
mod decisions;
mod dupes;
mod events;
mod failures;
mod heads;
mod man;
mod missing;
mod names;
mod openapi;
mod pairs;
mod reload;
mod restart;
mod roots;
mod scan;
mod schema;
mod service;
mod setup;
mod similar;
mod status;
mod stop;
mod tune;

use std::io::Write;
use std::process::ExitCode;

use owo_colors::OwoColorize;

use super::args::{Arguments, Command, DupesArguments, DupesFormat, EventsFormat, PairsFormat, StatusFormat};
use super::connect::Start;
use super::failure::Failure;
use super::output::{Audience, Done, output};
use super::session::Session;
use super::text::{shown_lines, tell};
use crate::config::Settings;

pub fn run(arguments: Arguments) -> Done {
    // These need no settings.
    match &arguments.command {
        Command::Completions { shell } => return put_out(completions::script(*shell).as_bytes()),
        Command::Schema { command, ndjson } => return schema::run(command, *ndjson),
        Command::Openapi => return openapi::run(),
        Command::Man { command } => return put_out(man::page(command.as_deref())?.as_bytes()),
        Command::Setup { prefix, remove } => return setup::run(prefix.as_deref(), *remove),
        _ => {}
    }
    let settings = settings(&arguments)?;
    if let Command::Daemon(options) = &arguments.command {
        return daemon::run(settings, options);
    }
    // Another thread receives the answers of the daemon, because this one may wait for the reader of standard output.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let done = runtime.block_on(ask(arguments, settings));
    // A thread that waits for a disk which does not answer would hold up the end.
    runtime.shutdown_background();
    done
}

/// The settings. The daemon is shown and stopped also with a file that cannot be used: nothing in it says where the daemon is.
fn settings(arguments: &Arguments) -> Result<Settings, Failure> {
    let overrides = arguments.instance.overrides();
    if !matches!(arguments.command, Command::Status { .. } | Command::Stop { .. }) {
        return Ok(Settings::load(&overrides)?);
    }
    let (settings, broken) = Settings::load_places(&overrides)?;
    if let Some(broken) = broken {
        let warning = shown_lines(&broken.to_string());
        tell(format_args!("{} {warning}; a daemon that is already running keeps its current settings", "warning:".yellow().bold()));
    }
    Ok(settings)
}

/// The commands that ask the daemon, or about it.
async fn ask(arguments: Arguments, settings: Settings) -> Done {
    let overrides = arguments.instance.overrides();
    let start = if arguments.instance.no_start { Start::Never } else { Start::IfNeeded };
    let session = Session { settings, start };
    match arguments.command {
        Command::Dupes(options) => {
            let format = if options.json { DupesFormat::Json } else { options.format };
            dupes::run(&session, &DupesArguments { format, ..options }).await
        }
        Command::Missing(options) => missing::run(&session, &options).await,
        Command::Pairs { paths, max_distance, format, json, no_wait, partial } => {
            let format = if json { PairsFormat::Json } else { format };
            pairs::run(&session, &paths, max_distance, format, no_wait, partial).await
        }
        Command::Similar { file, k, head, answer } => similar::run(&session, &file, k, head.as_deref(), answer.chosen()).await,
        Command::Compare { a, b, exit_code, answer } => compare::run(&session, &a, &b, answer.chosen(), exit_code).await,
        Command::Roots { command } => roots::run(&session, command).await,
        Command::Scan { path, forget, answer } => scan::run(&session, path, forget, answer.chosen()).await,
        Command::Status { format, json } => status::run(&session, if json { StatusFormat::Json } else { format }).await,
        Command::Events { format, json } => events::run(&session, if json { EventsFormat::Ndjson } else { format }).await,
        Command::Failures { path, answer } => failures::run(&session, path, answer.chosen()).await,
        Command::Decide(command) => decide::run(&session, command).await,
        Command::Decisions(command) => decisions::run(&session, command).await,
        Command::Tune(options) => tune::run(&session, &options).await,
        Command::Heads { command } => heads::run(&session, command).await,
        Command::Names { of } => names::run(&session, of).await,
        Command::Backup { file, answer } => backup::run(&session.settings, &file, answer.chosen()).await,
        Command::Config { answer } => config::run(&session.settings, answer.chosen()),
        Command::Stop { answer } => stop::run(&session.settings, answer.chosen()).await,
        Command::Restart { answer } => restart::run(&session.settings, answer.chosen()).await,
        Command::Reload { answer } => reload::run(&session, answer.chosen()).await,
        Command::Service(command) => service::run(command, &overrides, &session.settings).await,
        Command::Daemon(_)
        | Command::Schema { .. }
        | Command::Openapi
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Setup { .. } => unreachable!("they were run before"),
    }
}

/// Writes bytes that are made without the daemon.
fn put_out(bytes: &[u8]) -> Done {
    output(Audience::Program, |out| out.write_all(bytes))?;
    Ok(ExitCode::SUCCESS)
}
