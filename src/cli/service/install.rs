//! Putting the service in place, or saying why not and leaving all as it was.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use owo_colors::OwoColorize;

use super::systemd::{Places, lingers, property, quoted, require, state_in_words, systemctl};
use super::{DROP_IN, OLD_DROP_IN, OWN_FILES, SERVICE, SOCKET, take_away};
use crate::api::client::Client;
use crate::api::types::Status;
use crate::cli::connect::{start_daemon, stop_running};
use crate::cli::failure::Failure;
use crate::config::{Overrides, Settings, own_program};

const UNITS: [(&str, &str); 2] =
    [(SERVICE, include_str!("../../../systemd/similard.service")), (SOCKET, include_str!("../../../systemd/similard.socket"))];

/// The program as the unit in the repository names it.
const PROGRAM: &str = "/usr/bin/simctl";

/// How long the first answer may take. An index that is read through first takes longer, and goes on.
const FIRST_ANSWER: Duration = Duration::from_secs(30);

pub async fn install(overrides: &Overrides, settings: &Settings) -> Result<ExitCode, Failure> {
    let is_ours = overrides.data_dir.is_none() && overrides.socket.is_none() && overrides.config.is_none();
    if !is_ours || ["SIMILARD_DATA_DIR", "SIMILARD_SOCKET", "SIMILARD_CONFIG"].iter().any(|name| std::env::var_os(name).is_some()) {
        return Err(Failure::usage("the service is for the usual places, and others are named here")
            .hint("leave out --data-dir, --socket, --config and their variables, or write a unit after the ones in systemd/"));
    }
    require()?;
    let places = Places::ask()?;
    let mut installation = Installation::begin(settings, &places);
    match installation.carry_out(&places).await {
        Ok(()) => Ok(ExitCode::SUCCESS),
        Err(failure) => {
            let code = failure.code;
            failure.report();
            installation.take_back().await;
            // It was said.
            Err(Failure { message: String::new(), hint: None, code })
        }
    }
}

/// What was there before, for taking all of it back.
struct Installation<'a> {
    settings: &'a Settings,
    folder: PathBuf,
    /// The files that may be written or removed, with what was in them.
    files: Vec<(PathBuf, Option<Vec<u8>>)>,
    was_enabled: bool,
    /// Whether a daemon that is not the service's was ended for it.
    took_over: bool,
}

impl<'a> Installation<'a> {
    fn begin(settings: &'a Settings, places: &Places) -> Installation<'a> {
        let folder = places.units();
        let files = OWN_FILES.iter().map(|name| folder.join(name)).map(|path| (path.clone(), fs::read(path).ok())).collect();
        let was_enabled = property(SOCKET, "UnitFileState") == "enabled";
        Installation { settings, folder, files, was_enabled, took_over: false }
    }

    async fn carry_out(&mut self, places: &Places) -> Result<(), Failure> {
        let (mut out, program) = (anstream::stdout(), own_program()?);
        if let Some(packaged) = packaged(&program, &self.folder, &mut out)? {
            writeln!(out, "found    {}", packaged.display())?;
        } else {
            // In ExecStart= a dollar sign begins a variable.
            let word = quoted(&program)?.replace('$', "$$");
            for (name, text) in UNITS {
                put(&self.folder.join(name), &text.replace(PROGRAM, &word), &mut out)?;
            }
        }
        // Of earlier versions; it would set what is not in the unit any more.
        take_away(&self.folder, &[OLD_DROP_IN], &mut out)?;
        self.say_places(places, &mut out)?;
        systemctl(&["daemon-reload"])?;
        self.require_our_socket()?;
        // One that simctl started would keep the socket from systemd.
        self.took_over = is_of_ones_own(self.settings).await;
        stop_running(self.settings).await?;
        let _ = systemctl(&["stop", SERVICE]);
        let _ = systemctl(&["reset-failed", SERVICE, SOCKET]);
        systemctl(&["enable", SOCKET])?;
        systemctl(&["restart", SOCKET]).map_err(explained)?;
        writeln!(out, "enabled  {SOCKET}: the first question starts the daemon")?;
        self.ask_first().await?;
        writeln!(out, "{}", "The daemon answers, and starts with your session. simctl service remove undoes this.".green())?;
        // On a desktop the session lasts as long as it is used.
        let has_desktop = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some());
        if !has_desktop && lingers() != Some(true) {
            writeln!(out, "{} it ends with your last session here; loginctl enable-linger keeps it running", "hint:".cyan())?;
        }
        Ok(())
    }

    /// Has the service use the places that this process uses, where the user manager has others.
    fn say_places(&self, places: &Places, out: &mut impl Write) -> Result<(), Failure> {
        let mut lines = String::new();
        let data_home = self.settings.data_dir.parent().unwrap_or(&self.settings.data_dir);
        let config_home = self.settings.config.parent().and_then(Path::parent).unwrap_or(&self.settings.config);
        for (name, ours, theirs) in
            [("XDG_DATA_HOME", data_home, places.data_home()), ("XDG_CONFIG_HOME", config_home, places.config_home())]
        {
            if ours != theirs {
                // The quotes hold the whole assignment.
                lines += &format!("Environment=\"{name}={}\n", &quoted(ours)?[1..]);
            }
        }
        let path = self.folder.join(DROP_IN);
        if lines.is_empty() {
            return Ok(take_away(&self.folder, &[DROP_IN], out)?);
        }
        Ok(put(&path, &format!("# Where the index and the settings were when the service was installed.\n[Service]\n{lines}"), out)?)
    }

    /// The socket is where systemd has its runtime directory.
    fn require_our_socket(&self) -> Result<(), Failure> {
        let listens = property(SOCKET, "Listen");
        let theirs = Path::new(listens.strip_suffix(" (Stream)").unwrap_or(&listens));
        if listens.is_empty() || theirs == self.settings.socket {
            return Ok(());
        }
        let runtime = theirs.parent().and_then(Path::parent).unwrap_or(theirs).display();
        Err(Failure::usage(format!(
            "the service would listen at {}, and simctl asks at {}",
            theirs.display(),
            self.settings.socket.display()
        ))
        .hint(format!("XDG_RUNTIME_DIR is {runtime} for your systemd: set it so, or install from a login session of yours")))
    }

    /// The first question starts the daemon.
    async fn ask_first(&self) -> Result<(), Failure> {
        let client = Client::new(&self.settings.socket);
        let asked = tokio::time::timeout(FIRST_ANSWER, client.get::<Status>("/v1/status")).await;
        let status = match asked {
            Ok(Ok(status)) => status,
            Err(_) if property(SERVICE, "ActiveState") == "activating" => {
                anstream::eprintln!("{} it is still starting; simctl service status shows it", "note:".yellow());
                return Ok(());
            }
            Ok(Err(_)) | Err(_) => return Err(explained(Failure::unreachable("the service does not answer"))),
        };
        if Path::new(&status.data_dir) == self.settings.data_dir {
            return Ok(());
        }
        let ours = self.settings.data_dir.display();
        Err(Failure::unreachable(format!("the service would keep its index at {}, and yours is at {ours}", status.data_dir))
            .hint("systemctl --user show-environment shows what it was told: systemctl --user unset-environment SIMILARD_DATA_DIR"))
    }

    /// Leaves all as it was. What cannot be undone any more is not worth another error.
    async fn take_back(&self) {
        if !self.was_enabled {
            let _ = systemctl(&["disable", SOCKET]);
        }
        let _ = systemctl(&["stop", SOCKET, SERVICE]);
        for (path, before) in &self.files {
            let _ = match before {
                Some(bytes) => fs::write(path, bytes),
                None => fs::remove_file(path),
            };
        }
        let _ = fs::remove_dir(self.folder.join(DROP_IN).parent().unwrap_or(&self.folder));
        let _ = systemctl(&["daemon-reload"]);
        let _ = systemctl(&["reset-failed", SERVICE, SOCKET]);
        anstream::eprintln!("nothing was installed; what was there before is there again");
        if self.took_over {
            match start_daemon(self.settings).await {
                Ok(()) => anstream::eprintln!("the daemon that ran before runs again, without systemd"),
                Err(failure) => drop(failure.report()),
            }
        } else if self.was_enabled {
            let _ = systemctl(&["start", SOCKET]);
        }
    }
}

/// With how the service stands.
fn explained(failure: Failure) -> Failure {
    let message = format!("{}: {}", failure.message, state_in_words(SERVICE));
    Failure { message, ..failure }.hint("simctl dupes starts the daemon by itself, without systemd")
}

/// Whether a daemon answers that is not the service's.
async fn is_of_ones_own(settings: &Settings) -> bool {
    // Asking a socket of systemd's would start the service.
    if property(SOCKET, "ActiveState") == "active" && property(SERVICE, "MainPID") == "0" {
        return false;
    }
    let client = Client::new(&settings.socket);
    let answered = tokio::time::timeout(Duration::from_secs(5), client.get::<Status>("/v1/status")).await;
    matches!(answered, Ok(Ok(status)) if status.version.pid.to_string() != property(SERVICE, "MainPID"))
}

/// The socket's unit of the package that this program is from, where systemd looks at it. Units that were written for
/// this user before would hide those of the package, and are taken away.
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
    fs::write(path, text)?;
    writeln!(out, "wrote    {}", path.display())
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
