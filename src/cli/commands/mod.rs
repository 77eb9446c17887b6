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
mod pairs;
mod reload;
mod restart;
mod roots;
mod scan;
mod service;
mod setup;
mod similar;
mod status;
mod stop;
mod tune;

use std::io::Write;
use std::process::ExitCode;

use super::args::{Arguments, Command, TextFormat};
use super::connect::Start;
use super::output::{Audience, Done, output};
use super::session::Session;
use crate::config::Settings;

pub fn run(arguments: Arguments) -> Done {
    // These need no settings.
    match &arguments.command {
        Command::Completions { shell } => return put_out(&completions::script(*shell)),
        Command::Man { command } => return put_out(man::page(command.as_deref())?.as_bytes()),
        Command::Setup { prefix, remove } => return setup::run(prefix.as_deref(), *remove),
        _ => {}
    }
    let settings = Settings::load(&arguments.instance.overrides())?;
    if let Command::Daemon(options) = &arguments.command {
        return daemon::run(settings, options);
    }
    if let Command::Backup { file } = &arguments.command {
        return backup::run(&settings, file);
    }
    // Another thread receives the answers of the daemon, because this one may wait for the reader of standard output.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let done = runtime.block_on(ask(arguments, settings));
    // A thread that waits for a disk which does not answer would hold up the end.
    runtime.shutdown_background();
    done
}

/// The commands that ask the daemon, or about it.
async fn ask(arguments: Arguments, settings: Settings) -> Done {
    let overrides = arguments.instance.overrides();
    let start = if arguments.instance.no_start { Start::Never } else { Start::IfNeeded };
    let session = Session { settings, start };
    match arguments.command {
        Command::Dupes(options) => dupes::run(&session, &options).await,
        Command::Pairs { paths, max_distance, format, no_wait, partial } => {
            pairs::run(&session, &paths, max_distance, format, no_wait, partial).await
        }
        Command::Similar { file, k, head, format } => similar::run(&session, &file, k, head.as_deref(), format).await,
        Command::Compare { a, b, format } => compare::run(&session, &a, &b, format).await,
        Command::Roots(command) => roots::run(&session, command).await,
        Command::Scan { path, forget } => scan::run(&session, path, forget).await,
        Command::Status { format, json } => status::run(&session, if json { TextFormat::Json } else { format }).await,
        Command::Events { format } => events::run(&session, format).await,
        Command::Failures { path, format } => failures::run(&session, path, format).await,
        Command::Decide(command) => decide::run(&session, command).await,
        Command::Decisions(command) => decisions::run(&session, command).await,
        Command::Tune(options) => tune::run(&session, &options).await,
        Command::Heads(command) => heads::run(&session, command).await,
        Command::Config => config::run(&session.settings),
        Command::Stop => stop::run(&session.settings).await,
        Command::Restart => restart::run(&session.settings).await,
        Command::Reload => reload::run(&session).await,
        Command::Service(command) => service::run(command, &overrides, &session.settings).await,
        Command::Backup { .. } | Command::Daemon(_) | Command::Completions { .. } | Command::Man { .. } | Command::Setup { .. } => {
            unreachable!("they were run before")
        }
    }
}

/// Writes bytes that are made without the daemon.
fn put_out(bytes: &[u8]) -> Done {
    output(Audience::Program, |out| out.write_all(bytes))?;
    Ok(ExitCode::SUCCESS)
}
