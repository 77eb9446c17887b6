//! Finds the running daemon: by its data directory, and then by its socket. There is one daemon for each data directory,
//! wherever it listens: where it was started, `XDG_RUNTIME_DIR` may have been another.

use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use super::failure::Failure;
use crate::api::client::{self, Client};
use crate::api::types::Version;
use crate::config::Settings;
use crate::daemon::{Holder, holder};

/// How long a daemon that has named its socket may refuse connections. It may be about to end.
const SOCKET_REFUSAL_TIMEOUT: Duration = Duration::from_millis(700);

/// The pause between two attempts.
const DAEMON_SEARCH_INTERVAL: Duration = Duration::from_millis(20);

pub enum Found {
    /// A daemon answers, with its version. An answer that cannot be read is also an answer.
    Daemon(Client, Result<Version, client::Error>),
    /// No daemon runs.
    Nobody(client::Error),
}

/// Finds the running daemon. Waits up to `patience` for one that is starting or ending.
///
/// # Errors
/// If a daemon holds the data directory, but cannot be reached from here.
pub async fn find(settings: &Settings, patience: Duration) -> Result<Found, Failure> {
    let began = Instant::now();
    loop {
        let holder = holder(&settings.data_dir);
        let socket = match &holder {
            Holder::Daemon { socket, .. } if !settings.socket_is_named => socket,
            _ => &settings.socket,
        };
        let client = Client::new(socket);
        let source = match version(&client).await {
            Err(client::Error::Unreachable { source, .. }) => source,
            answered => return Ok(Found::Daemon(client, answered)),
        };
        let patience = match holder {
            Holder::Nobody => return Ok(Found::Nobody(client::Error::Unreachable { socket: socket.clone(), source })),
            Holder::Busy { .. } => patience.max(SOCKET_REFUSAL_TIMEOUT),
            Holder::Unknown | Holder::Daemon { .. } => SOCKET_REFUSAL_TIMEOUT,
        };
        if began.elapsed() > patience {
            return Err(elsewhere(settings, &holder, &source));
        }
        tokio::time::sleep(DAEMON_SEARCH_INTERVAL).await;
    }
}

async fn version(client: &Client) -> Result<Version, client::Error> {
    let asked = client.get("/v1/version").await;
    if matches!(asked, Err(client::Error::Broken(_))) {
        // A daemon that is ending accepts the connection and drops it.
        tokio::time::sleep(Duration::from_millis(200)).await;
        return client.get("/v1/version").await;
    }
    asked
}

/// A daemon holds the data directory, but does not answer here.
fn elsewhere(settings: &Settings, holder: &Holder, source: &io::Error) -> Failure {
    let data = settings.data_dir.display();
    match holder {
        Holder::Daemon { pid, socket } if settings.socket_is_named && *socket != settings.socket => {
            let (theirs, ours) = (socket.display(), settings.socket.display());
            Failure::unreachable(format!("the daemon of {data} (process {pid}) listens at {theirs}, and not at {ours}"))
                .hint("leave out --socket and SIMILARD_SOCKET to reach it")
        }
        Holder::Daemon { pid, socket } => Failure::unreachable(format!(
            "a daemon (process {pid}) runs on {data} and listens at {}, which cannot be reached from here: {source}",
            socket.display()
        ))
        .hint("use the session in which it was started, or end it; nothing is lost"),
        Holder::Busy { pid } => {
            Failure::unreachable(format!("the daemon of {data} (process {pid}) is starting or ending")).hint("try again in a moment")
        }
        Holder::Unknown | Holder::Nobody => {
            Failure::unreachable(format!("a daemon runs on {data}, but not at {}: {source}", settings.socket.display()))
                .hint(where_to_look(&settings.socket))
        }
    }
}

/// An earlier version does not say where it listens.
fn where_to_look(socket: &Path) -> String {
    let usual = format!("/run/user/{}", rustix::process::geteuid().as_raw());
    if socket.starts_with(&usual) {
        return "use the session in which it was started, or end it; nothing is lost".to_owned();
    }
    format!("it may belong to your session: set XDG_RUNTIME_DIR={usual}, or end it; nothing is lost")
}
