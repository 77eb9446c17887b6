//! Starts the daemon in the background. Of the command that starts it, it keeps the environment, and nothing else.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, setsid, umask};

use super::failure::Failure;
use super::running::{Found, find};
use crate::api::client::Client;
use crate::api::types::Version;
use crate::config::Settings;
use crate::daemon::data_directory;
use crate::sys::{own_file, own_program};

/// How long a daemon may take to start. Loading the encoder takes 0.2 s, a large index a second or two.
pub const DAEMON_START_TIMEOUT: Duration = Duration::from_secs(60);

/// The number of memory pools that glibc may use, as in the systemd unit. The default is eight per core, and each pool
/// keeps memory that was freed.
const ARENAS: &str = "4";

/// A longer log is renamed to `daemon.log.1` when the daemon starts.
const MAX_LOG_BYTES: u64 = 1 << 20;

/// Variables by which a service manager speaks to the caller alone.
const OF_THE_CALLER: [&str; 7] =
    ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "JOURNAL_STREAM"];

/// Limits that a caller may have lowered for itself, for example in a crontab.
const LIMITS: [Resource; 7] =
    [Resource::As, Resource::Cpu, Resource::Data, Resource::Fsize, Resource::Nofile, Resource::Nproc, Resource::Stack];

/// The most that these two limits are raised to. Some programs and systems take an unlimited one badly.
const MAX_FILES: u64 = 65_536;
const MAX_STACK_BYTES: u64 = 8 << 20;

/// Starts this program as the daemon, in the background, and waits until it answers.
pub async fn start_daemon(settings: &Settings) -> Result<(), Failure> {
    data_directory(&settings.data_dir)?;
    let log = settings.data_dir.join("daemon.log");
    let unwritable =
        |e| Failure::unreachable(format!("{} cannot be written: {e}", log.display())).hint("choose another place with --data-dir");
    let (log_file, written_before) = open_log(&log).map_err(unwritable)?;
    // A pipe or a lock of the caller would stay open or locked for as long as the daemon runs.
    close_fds::set_fds_cloexec(3, &[]);
    let mut command = Command::new(own_program()?);
    command.arg("daemon").arg("--background").arg("--data-dir").arg(&settings.data_dir).arg("--socket").arg(&settings.socket);
    if settings.config.exists() {
        command.arg("--config").arg(&settings.config);
    }
    for name in OF_THE_CALLER {
        command.env_remove(name);
    }
    command.env("MALLOC_ARENA_MAX", ARENAS);
    let mut daemon = command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_file).spawn()?;
    let client = Client::new(&settings.socket);
    let deadline = Instant::now() + DAEMON_START_TIMEOUT;
    loop {
        match client.get::<Version>("/v1/version").await {
            Ok(_) => return Ok(()),
            Err(e) if Instant::now() > deadline => return Err(e.into()),
            Err(_) => {}
        }
        if has_ended(&mut daemon) {
            // Another simctl may have started a daemon first. That one holds the lock and will answer.
            if let Found::Daemon(..) = find(settings, DAEMON_START_TIMEOUT).await? {
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
    if fs::symlink_metadata(log).is_ok_and(|m| m.is_file() && m.len() > MAX_LOG_BYTES) {
        fs::rename(log, log.with_extension("log.1"))?;
    }
    let file = own_file::open(File::options().create(true).append(true), log)?;
    let length = file.metadata()?.len();
    Ok((file, length as usize))
}

/// Gives up what a daemon in the background has from the command that started it: the session, the mask for new files,
/// and limits below the highest that are allowed.
pub fn leave_the_caller() {
    // In its own session it does not end when the terminal is closed.
    let _ = setsid();
    umask(Mode::from_raw_mode(0o077));
    for resource in LIMITS {
        let Rlimit { current, maximum } = getrlimit(resource);
        let most = match resource {
            Resource::Nofile => Some(MAX_FILES),
            Resource::Stack => Some(MAX_STACK_BYTES),
            _ => None,
        };
        let raised = lower(maximum, most);
        if lower(current, raised) == current {
            // A limit that cannot be raised stays.
            let _ = setrlimit(resource, Rlimit { current: raised, maximum });
        }
    }
}

/// The lower of two limits. `None` means that there is no limit.
fn lower(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (limit, None) | (None, limit) => limit,
    }
}

fn has_ended(daemon: &mut Child) -> bool {
    !matches!(daemon.try_wait(), Ok(None))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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
        file.write_all(&vec![b' '; MAX_LOG_BYTES as usize]).expect("written");
        assert_eq!(open_log(&log).expect("made").1, 0);
        assert!(fs::read(folder.path().join("daemon.log.1")).expect("kept").starts_with(b"panicked"));
    }
}
