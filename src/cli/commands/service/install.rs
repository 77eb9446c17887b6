//! Installs the service. If it does not work, reports why and restores the state before.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use owo_colors::OwoColorize;
use tokio::signal::unix::{SignalKind, signal};

use super::{DROP_IN, OLD_DROP_IN, OWN_FILES, say, take_away};
use crate::api::client::Client;
use crate::api::types::Status;
use crate::cli::failure::Failure;
use crate::cli::lifecycle::stop_running;
use crate::cli::output::{Audience, output};
use crate::cli::running::{Found, find};
use crate::cli::start::start_daemon;
use crate::cli::systemd::{Places, SERVICE, SOCKET, lingers, listening, property, quoted, require, state_in_words, systemctl};
use crate::cli::text::{shown, shown_path, tell};
use crate::config::{Overrides, Settings};
use crate::sys::own_program;

const UNITS: [(&str, &str); 2] =
    [(SERVICE, include_str!("../../../../systemd/similard.service")), (SOCKET, include_str!("../../../../systemd/similard.socket"))];

/// The path of the program in the unit of the repository.
const PROGRAM: &str = "/usr/bin/simctl";

/// How long to wait for the first answer. Loading the index may take longer; then the start continues without a check.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

/// How long a daemon that systemd did not start may take to answer.
const OWN_DAEMON_TIMEOUT: Duration = Duration::from_secs(10);

pub async fn install(overrides: &Overrides, settings: &Settings) -> Result<ExitCode, Failure> {
    let is_ours = overrides.data_dir.is_none() && overrides.socket.is_none() && overrides.config.is_none();
    if !is_ours || ["SIMILARD_DATA_DIR", "SIMILARD_SOCKET", "SIMILARD_CONFIG"].iter().any(|name| std::env::var_os(name).is_some()) {
        return Err(Failure::usage("the service uses the usual places, but others are set")
            .hint("leave out --data-dir, --socket, --config and their environment variables, or write a unit of your own, based on those in systemd/"));
    }
    require()?;
    let places = Places::ask()?;
    let mut installation = Installation::begin(settings, &places);
    // From here on a signal does not end the process, so the state before can be restored.
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let carried_out = tokio::select! {
        carried_out = installation.carry_out(&places) => carried_out,
        _ = interrupt.recv() => Err(Failure::usage("the installation was interrupted")),
        _ = terminate.recv() => Err(Failure::usage("the installation was interrupted")),
    };
    match carried_out {
        Ok(closing) => {
            // The steps are done whether or not they can be printed; the end says if they cannot.
            output(Audience::Person, |out| closing.iter().try_for_each(|line| writeln!(out, "{line}")))?;
            Ok(ExitCode::SUCCESS)
        }
        Err(failure) => {
            let code = failure.code;
            failure.report();
            installation.take_back().await;
            // The failure was printed above.
            Err(Failure { message: String::new(), hint: None, code })
        }
    }
}

/// The state before the installation, to restore it.
struct Installation<'a> {
    settings: &'a Settings,
    folder: PathBuf,
    /// The files that may be written or removed, with their contents.
    files: Vec<(PathBuf, Option<Vec<u8>>)>,
    was_enabled: bool,
    was_active: bool,
    /// Whether a daemon that systemd did not start was stopped.
    took_over: bool,
}

impl<'a> Installation<'a> {
    fn begin(settings: &'a Settings, places: &Places) -> Installation<'a> {
        let folder = places.units();
        let files = OWN_FILES.iter().map(|name| folder.join(name)).map(|path| (path.clone(), fs::read(path).ok())).collect();
        let was_enabled = property(SOCKET, "UnitFileState") == "enabled";
        let was_active = property(SOCKET, "ActiveState") == "active";
        Installation { settings, folder, files, was_enabled, was_active, took_over: false }
    }

    /// Returns the lines that say how it went.
    async fn carry_out(&mut self, places: &Places) -> Result<Vec<String>, Failure> {
        let (mut out, program) = (anstream::stdout(), own_program()?);
        if let Some(packaged) = packaged(&program, &self.folder, &mut out)? {
            say(&mut out, format_args!("found    {}", shown_path(&packaged)));
        } else {
            let word = quoted(&program)?;
            for (name, text) in UNITS {
                put(&self.folder.join(name), &text.replace(PROGRAM, &word), &mut out)?;
            }
        }
        // A file of earlier versions. It sets options that the unit no longer has.
        take_away(&self.folder, &[OLD_DROP_IN], &mut out)?;
        self.say_places(places, &mut out)?;
        systemctl(&["daemon-reload"])?;
        self.require_our_socket()?;
        // An earlier service must stop first: a request to its socket would start it.
        let _ = systemctl(&["stop", SOCKET, SERVICE]);
        let _ = systemctl(&["reset-failed", SERVICE, SOCKET]);
        // A daemon that systemd did not start holds the socket that systemd needs.
        self.take_over().await?;
        systemctl(&["enable", SOCKET])?;
        systemctl(&["restart", SOCKET]).map_err(|failure| explained(failure, SOCKET))?;
        say(&mut out, format_args!("enabled  {SOCKET}: the first request starts the daemon"));
        let said = match self.ask_first().await? {
            First::Answered => "The daemon answers, and will start with your session. simctl service remove undoes this.",
            First::StillStarting => {
                "The daemon is starting, and will start with your session. simctl service status shows when it is ready."
            }
        };
        let mut closing = vec![said.green().to_string()];
        // On a desktop the session lasts while the machine is used.
        let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
        if !has_desktop && lingers() != Some(true) {
            let hint = "the daemon ends with your last session here; loginctl enable-linger keeps it running";
            closing.push(format!("{} {hint}", "hint:".cyan()));
        }
        Ok(closing)
    }

    /// Stops a daemon that systemd did not start, if one runs.
    async fn take_over(&mut self) -> Result<(), Failure> {
        let found = tokio::time::timeout(OWN_DAEMON_TIMEOUT, find(self.settings, OWN_DAEMON_TIMEOUT)).await;
        if let Ok(found) = found {
            self.took_over = matches!(found?, Found::Daemon(_, Ok(_)));
            return stop_running(self.settings).await;
        }
        Err(Failure::unreachable("the running daemon does not answer").hint("simctl restart, or kill it; nothing is lost"))
    }

    /// Writes the places of this process for the service, where the user manager has others.
    fn say_places(&self, places: &Places, out: &mut impl Write) -> Result<(), Failure> {
        let mut lines = String::new();
        let data_home = self.settings.data_dir.parent().unwrap_or(&self.settings.data_dir);
        let config_home = self.settings.config.parent().and_then(Path::parent).unwrap_or(&self.settings.config);
        for (name, ours, theirs) in
            [("XDG_DATA_HOME", data_home, places.data_home()), ("XDG_CONFIG_HOME", config_home, places.config_home())]
        {
            if ours != theirs {
                // The quotes enclose the whole assignment.
                lines += &format!("Environment=\"{name}={}\n", &quoted(ours)?[1..]);
            }
        }
        let path = self.folder.join(DROP_IN);
        if lines.is_empty() {
            return Ok(take_away(&self.folder, &[DROP_IN], out)?);
        }
        Ok(put(&path, &format!("# The places of the index and the settings when the service was installed.\n[Service]\n{lines}"), out)?)
    }

    /// Fails if systemd would listen at another socket. systemd's socket is in its own runtime directory.
    fn require_our_socket(&self) -> Result<(), Failure> {
        let listens = property(SOCKET, "Listen");
        let theirs = listening(&listens);
        if listens.is_empty() || theirs == self.settings.socket {
            return Ok(());
        }
        let runtime = shown_path(theirs.parent().and_then(Path::parent).unwrap_or(theirs));
        Err(Failure::usage(format!(
            "the service would listen at {}, but your socket is {}",
            shown_path(theirs),
            shown_path(&self.settings.socket)
        ))
        .hint(format!("XDG_RUNTIME_DIR is {runtime} in your systemd; set the same value here, or install from a login session")))
    }

    /// Sends the first request, which starts the daemon.
    async fn ask_first(&self) -> Result<First, Failure> {
        let client = Client::new(&self.settings.socket);
        let asked = tokio::time::timeout(FIRST_ANSWER, client.get::<Status>("/v1/status")).await;
        let status = match asked {
            Ok(Ok(status)) => status,
            // It loads its index. A daemon that crashes is in another substate or was restarted.
            Err(_) if property(SERVICE, "SubState") == "start" && property(SERVICE, "NRestarts") == "0" => {
                return Ok(First::StillStarting);
            }
            Ok(Err(_)) | Err(_) => return Err(explained(Failure::unreachable("the service does not answer"), SERVICE)),
        };
        if Path::new(&status.data_dir) == self.settings.data_dir {
            return Ok(First::Answered);
        }
        let ours = shown_path(&self.settings.data_dir);
        Err(Failure::unreachable(format!("the service would keep its index at {}, but yours is at {ours}", shown(&status.data_dir))).hint(
            "systemctl --user show-environment shows its variables; systemctl --user unset-environment SIMILARD_DATA_DIR removes one",
        ))
    }

    /// Restores the state before.
    async fn take_back(&self) {
        if !self.was_enabled {
            let _ = systemctl(&["disable", SOCKET]);
            // A systemd that is busy may not have answered.
            let _ = fs::remove_file(self.folder.join("sockets.target.wants").join(SOCKET));
        }
        let _ = systemctl(&["stop", SOCKET, SERVICE]);
        let mut failed = Vec::new();
        for (path, before) in &self.files {
            let put_back = match before {
                Some(bytes) => replace(path, bytes),
                None => fs::remove_file(path),
            };
            match put_back {
                Err(e) if before.is_some() || e.kind() != io::ErrorKind::NotFound => failed.push(format!("{}: {e}", shown_path(path))),
                _ => {}
            }
        }
        let _ = fs::remove_dir(self.folder.join(DROP_IN).parent().unwrap_or(&self.folder));
        let _ = systemctl(&["daemon-reload"]);
        let _ = systemctl(&["reset-failed", SERVICE, SOCKET]);
        if failed.is_empty() {
            tell("nothing was installed; what was there before is restored");
        } else {
            tell(format_args!("{} these files could not be restored: {}", "error:".red().bold(), failed.join(", ")));
        }
        if self.took_over {
            match start_daemon(self.settings).await {
                Ok(()) => tell("the earlier daemon runs again, without systemd"),
                Err(failure) => drop(failure.report()),
            }
        } else if self.was_active {
            let _ = systemctl(&["start", SOCKET]);
        }
    }
}

/// The outcome of the first request.
enum First {
    Answered,
    StillStarting,
}

/// Adds the state of the unit that failed.
fn explained(failure: Failure, unit: &str) -> Failure {
    let message = format!("{}: {}", failure.message, state_in_words(unit));
    Failure { message, ..failure }.hint("simctl dupes DIR starts the daemon without systemd")
}

/// The socket unit of the package that contains this program, if systemd uses it. Earlier units of this user would hide
/// it, and are removed.
fn packaged(program: &Path, folder: &Path, out: &mut impl Write) -> Result<Option<PathBuf>, Failure> {
    let Some(units) = program.parent().and_then(Path::parent).map(|prefix| prefix.join("lib/systemd/user")) else { return Ok(None) };
    let socket = units.join(SOCKET);
    if !socket.exists() || !units.join(SERVICE).exists() {
        return Ok(None);
    }
    take_away(folder, &[SERVICE, SOCKET], out)?;
    systemctl(&["daemon-reload"])?;
    Ok((Some(property(SOCKET, "FragmentPath").as_str()) == socket.to_str()).then_some(socket))
}

fn put(path: &Path, text: &str, out: &mut impl Write) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    replace(path, text.as_bytes())?;
    say(out, format_args!("wrote    {}", shown_path(path)));
    Ok(())
}

/// Writes a new file and renames it, so that a full disk leaves the old one as it is.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path)).inspect_err(|_| drop(fs::remove_file(&beside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_name_the_program_once() {
        assert_eq!(UNITS[0].1.matches(PROGRAM).count(), 1);
        assert_eq!(UNITS[1].1.matches(PROGRAM).count(), 0);
    }
}
