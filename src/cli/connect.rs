//! Connects to the daemon, starts it if none runs, and warns if it is another build.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write, stderr, stdin};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use owo_colors::OwoColorize;

use super::failure::Failure;
use crate::api::PROTOCOL;
use crate::api::client::{self, Client};
use crate::api::types::Version;
use crate::config::Settings;
use crate::daemon::own_version;
use crate::sys::own_program;

/// How long a daemon may take to start. Loading the encoder takes 0.2 s, a large index a second or two.
const START: Duration = Duration::from_secs(60);

/// The number of memory pools that glibc may use, as in the systemd unit. The default is eight per core, and each pool
/// keeps memory that was freed.
const ARENAS: &str = "4";

/// A longer log is renamed to `daemon.log.1` when the daemon starts.
const LONGEST_LOG_BYTES: u64 = 1 << 20;

/// How long a daemon may take to end. It finishes its transaction first.
const STOP: Duration = Duration::from_secs(10);

/// Whether a command may start the daemon.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Start {
    IfNeeded,
    Never,
}

/// Connects to a daemon that speaks this program's protocol.
pub async fn connect(settings: &Settings, start: Start) -> Result<Client, Failure> {
    let client = Client::new(&settings.socket);
    let mut asked = client.get::<Version>("/v1/version").await;
    if matches!(asked, Err(client::Error::Broken(_))) {
        // A daemon that is ending accepts the connection and drops it.
        tokio::time::sleep(Duration::from_millis(200)).await;
        asked = client.get("/v1/version").await;
    }
    let version = match asked {
        Ok(version) => version,
        Err(client::Error::Unreachable { .. }) if start == Start::IfNeeded => {
            start_daemon(settings).await?;
            client.get("/v1/version").await?
        }
        Err(e) => return Err(e.into()),
    };
    check_build(&client, settings, &version).await?;
    Ok(client)
}

/// Offers to restart a daemon of another build, or warns about it.
///
/// # Errors
/// If it speaks another protocol.
async fn check_build(client: &Client, settings: &Settings, theirs: &Version) -> Result<(), Failure> {
    let ours = own_version();
    let is_rebuilt = theirs.build != ours.build && (theirs.program == ours.program || theirs.program.is_empty());
    if theirs.protocol == PROTOCOL && theirs.version == ours.version && !is_rebuilt {
        return Ok(());
    }
    let what =
        format!("the daemon (version {}, process {}) is another build than this simctl ({})", theirs.version, theirs.pid, ours.version);
    if stdin().is_terminal() && stderr().is_terminal() {
        anstream::eprint!("{what}; restart it? [Y/n] ");
        stderr().flush()?;
        let mut answer = String::new();
        stdin().read_line(&mut answer)?;
        if !answer.trim_start().to_lowercase().starts_with('n') {
            stop(client, settings).await?;
            return start_daemon(settings).await;
        }
    } else {
        anstream::eprintln!("{} {what}", "warning:".yellow().bold());
        anstream::eprintln!(
            "{} simctl daemon --replace starts this one in its place; as a service: systemctl --user restart similard",
            "hint:".cyan()
        );
    }
    if theirs.protocol != PROTOCOL {
        return Err(Failure::unreachable(format!("the daemon speaks protocol {}, this program speaks {PROTOCOL}", theirs.protocol))
            .hint("simctl daemon --replace; as a service: systemctl --user restart similard"));
    }
    Ok(())
}

/// Stops the running daemon, if any.
pub async fn stop_running(settings: &Settings) -> Result<(), Failure> {
    match stop(&Client::new(&settings.socket), settings).await {
        Err(failure) if UnixStream::connect(&settings.socket).is_ok() => Err(failure),
        _ => Ok(()),
    }
}

async fn stop(client: &Client, settings: &Settings) -> Result<(), Failure> {
    client.stop().await?;
    let deadline = Instant::now() + STOP;
    // The daemon holds its lock until everything is stored.
    while is_locked(settings) {
        if Instant::now() > deadline {
            return Err(Failure::unreachable("the daemon does not end").hint("kill it; nothing is lost"));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Starts this program as the daemon, in the background, and waits until it answers.
pub async fn start_daemon(settings: &Settings) -> Result<(), Failure> {
    fs::create_dir_all(&settings.data_dir).map_err(|e| {
        Failure::unreachable(format!("{} cannot be created: {e}", settings.data_dir.display())).hint("--data-dir names another place")
    })?;
    let log = settings.data_dir.join("daemon.log");
    let unwritable = |e| Failure::unreachable(format!("{} cannot be written: {e}", log.display())).hint("--data-dir names another place");
    let (log_file, written_before) = open_log(&log).map_err(unwritable)?;
    let mut command = Command::new(own_program()?);
    command.arg("daemon").arg("--background").arg("--data-dir").arg(&settings.data_dir).arg("--socket").arg(&settings.socket);
    if settings.config.exists() {
        command.arg("--config").arg(&settings.config);
    }
    command.env("MALLOC_ARENA_MAX", ARENAS);
    let mut daemon = command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_file).spawn()?;
    let client = Client::new(&settings.socket);
    let deadline = Instant::now() + START;
    loop {
        match client.get::<Version>("/v1/version").await {
            Ok(_) => return Ok(()),
            Err(e) if Instant::now() > deadline => return Err(e.into()),
            Err(_) => {}
        }
        if has_ended(&mut daemon) {
            // Another simctl may have started a daemon first. That one holds the lock and will answer.
            if is_locked(settings) {
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            }
            if client.get::<Version>("/v1/version").await.is_ok() {
                return Ok(());
            }
            let said = fs::read(&log).unwrap_or_default();
            let said = String::from_utf8_lossy(said.get(written_before..).unwrap_or(&said)).into_owned();
            let lines: Vec<&str> = said.lines().filter(|l| !l.trim().is_empty()).collect();
            let strip = |line: &str, prefix: &str| line.trim().strip_prefix(prefix).map(|rest| rest.trim().to_owned());
            let error = lines.iter().rev().find_map(|l| strip(l, "error:"));
            let hint = lines.iter().rev().find_map(|l| strip(l, "hint:"));
            let message = format!(
                "the daemon did not start: {}",
                error.unwrap_or_else(|| lines.last().copied().unwrap_or("it printed nothing").to_owned())
            );
            return Err(Failure { hint, ..Failure::unreachable(message) });
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Opens the log for appending, so that the messages of a crash are kept, and returns its length. A log that has grown
/// too long is renamed first, and replaces the one renamed before.
fn open_log(log: &Path) -> io::Result<(File, usize)> {
    if fs::metadata(log).is_ok_and(|m| m.len() > LONGEST_LOG_BYTES) {
        fs::rename(log, log.with_extension("log.1"))?;
    }
    let file = File::options().create(true).append(true).open(log)?;
    let length = file.metadata()?.len();
    Ok((file, length as usize))
}

/// Whether a daemon uses the data directory.
fn is_locked(settings: &Settings) -> bool {
    File::open(settings.data_dir.join("lock")).is_ok_and(|file| file.try_lock_shared().is_err())
}

fn has_ended(daemon: &mut Child) -> bool {
    !matches!(daemon.try_wait(), Ok(None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_goes_on_and_is_set_aside_once_it_is_long() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("daemon.log");
        let (mut file, before) = open_log(&log).expect("made");
        assert_eq!(before, 0);
        file.write_all(b"panicked").expect("written");
        let (mut file, before) = open_log(&log).expect("opened");
        assert_eq!(before, 8);
        file.write_all(&vec![b' '; LONGEST_LOG_BYTES as usize]).expect("written");
        assert_eq!(open_log(&log).expect("made").1, 0);
        assert!(fs::read(folder.path().join("daemon.log.1")).expect("kept").starts_with(b"panicked"));
    }
}
