//! Connects to the daemon, starts it if none runs, and warns if it is another build.

use std::io::{IsTerminal, Write, stderr, stdin};
use std::time::Duration;

use owo_colors::OwoColorize;

use super::failure::Failure;
use super::lifecycle::restart;
use super::running::{Found, find};
use super::start::{DAEMON_START_TIMEOUT, start_daemon};
use super::text::tell;
use crate::api::PROTOCOL;
use crate::api::client::Client;
use crate::api::types::Version;
use crate::config::Settings;
use crate::daemon::own_version;

/// Whether a command may start the daemon.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    IfNeeded,
    Never,
}

/// Connects to a daemon that speaks this program's protocol.
pub async fn connect(settings: &Settings, start: Start) -> Result<Client, Failure> {
    let patience = if start == Start::IfNeeded { DAEMON_START_TIMEOUT } else { Duration::ZERO };
    let mut found = find(settings, patience).await?;
    if start == Start::IfNeeded && matches!(found, Found::Nobody(_)) {
        start_daemon(settings).await?;
        found = find(settings, patience).await?;
    }
    match found {
        Found::Daemon(client, version) => check_build(client, settings, &version?).await,
        Found::Nobody(e) => Err(e.into()),
    }
}

/// Offers to restart a daemon of another build, or warns about it. Returns a client of the daemon that then runs.
///
/// # Errors
/// If it speaks another protocol.
async fn check_build(client: Client, settings: &Settings, theirs: &Version) -> Result<Client, Failure> {
    let ours = own_version();
    let is_rebuilt = theirs.build != ours.build && (theirs.program == ours.program || theirs.program.is_empty());
    if theirs.protocol == PROTOCOL && theirs.version == ours.version && !is_rebuilt {
        return Ok(client);
    }
    let what =
        format!("the daemon (version {}, process {}) is another build than this simctl ({})", theirs.version, theirs.pid, ours.version);
    if stdin().is_terminal() && stderr().is_terminal() {
        anstream::eprint!("{what}; restart it? [Y/n] ");
        stderr().flush()?;
        let mut answer = String::new();
        stdin().read_line(&mut answer)?;
        if !answer.trim_start().to_lowercase().starts_with('n') {
            restart(settings).await?;
            return match find(settings, DAEMON_START_TIMEOUT).await? {
                Found::Daemon(client, _) => Ok(client),
                Found::Nobody(e) => Err(e.into()),
            };
        }
    } else {
        tell(format_args!("{} {what}", "warning:".yellow().bold()));
        tell(format_args!("{} simctl restart starts this one in its place", "hint:".cyan()));
    }
    if theirs.protocol != PROTOCOL {
        return Err(Failure::unreachable(format!("the daemon speaks protocol {}, this program speaks {PROTOCOL}", theirs.protocol))
            .hint("simctl restart starts this one in its place"));
    }
    Ok(client)
}
