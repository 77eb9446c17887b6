//! Ends the daemon, and starts it anew: through systemd where systemd runs it.

use std::time::{Duration, Instant};

use super::answers::Stopped;
use super::failure::Failure;
use super::running::{Found, find};
use super::start::{DAEMON_START_TIMEOUT, start_daemon};
use super::systemd::{self, SERVICE, systemctl};
use crate::api::client::Client;
use crate::config::Settings;
use crate::daemon::{Holder, holder};

/// How long a daemon may take to end. It finishes its transaction first.
const DAEMON_STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// Ends the running daemon. What it was given is stored first.
pub async fn stop(settings: &Settings) -> Result<Stopped, Failure> {
    match holder(&settings.data_dir) {
        // A connection would start it.
        Holder::Nobody if systemd::listens_at(&settings.socket) => return Ok(Stopped::default()),
        Holder::Daemon { pid, .. } | Holder::Busy { pid } => {
            if let Some(unit) = systemd::unit_of(pid) {
                systemctl(&["stop", &unit])?;
                return Ok(Stopped { process: Some(pid), unit: Some(unit) });
            }
        }
        Holder::Nobody | Holder::Unknown => {}
    }
    match find(settings, DAEMON_STOP_TIMEOUT).await? {
        Found::Daemon(client, version) => {
            end(&client, settings).await?;
            Ok(Stopped { process: version.ok().map(|version| version.pid), unit: None })
        }
        Found::Nobody(_) => Ok(Stopped::default()),
    }
}

/// Ends a daemon that systemd does not run, if there is one.
pub async fn stop_running(settings: &Settings) -> Result<(), Failure> {
    match find(settings, DAEMON_STOP_TIMEOUT).await? {
        Found::Daemon(client, _) => end(&client, settings).await,
        Found::Nobody(_) => Ok(()),
    }
}

async fn end(client: &Client, settings: &Settings) -> Result<(), Failure> {
    client.stop().await?;
    let deadline = Instant::now() + DAEMON_STOP_TIMEOUT;
    // The daemon holds its lock until everything is stored.
    while holder(&settings.data_dir) != Holder::Nobody {
        if Instant::now() > deadline {
            return Err(Failure::unreachable("the daemon does not end").hint("kill it; nothing is lost"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Ends the running daemon, if any, and starts this program in its place. Returns the process of the new one, once it
/// answers. Where systemd runs the daemon, or would start it, systemd restarts it.
pub async fn restart(settings: &Settings) -> Result<u32, Failure> {
    let unit = match holder(&settings.data_dir) {
        Holder::Daemon { pid, .. } | Holder::Busy { pid } => systemd::unit_of(pid),
        Holder::Nobody | Holder::Unknown => systemd::listens_at(&settings.socket).then(|| SERVICE.to_owned()),
    };
    if let Some(unit) = unit {
        systemctl(&["restart", &unit]).map_err(|failure| failure.hint("simctl service status shows more"))?;
    } else {
        stop_running(settings).await?;
        start_daemon(settings).await?;
    }
    match find(settings, DAEMON_START_TIMEOUT).await? {
        Found::Daemon(_, version) => Ok(version?.pid),
        Found::Nobody(e) => Err(e.into()),
    }
}
