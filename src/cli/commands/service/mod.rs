//! `simctl service`: similard as a systemd service of this user.

mod install;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::cli::args::ServiceCommand;
use crate::cli::failure::{Failure, UNREACHABLE};
use crate::cli::output::{Audience, opened};
use crate::cli::systemd::{Places, SERVICE, SOCKET, property, require, systemctl};
use crate::cli::text::{shown, shown_path};
use crate::config::{Overrides, Settings};

/// Sets the places of the index and the settings, if the user manager has others.
const DROP_IN: &str = "similard.service.d/places.conf";

/// A file that earlier versions wrote.
const OLD_DROP_IN: &str = "similard.service.d/no-namespaces.conf";

/// All files of the service, below the folder of this user's units.
const OWN_FILES: [&str; 4] = [SERVICE, SOCKET, DROP_IN, OLD_DROP_IN];

pub async fn run(command: ServiceCommand, overrides: &Overrides, settings: &Settings) -> Result<ExitCode, Failure> {
    match command {
        ServiceCommand::Install => install::install(overrides, settings).await,
        ServiceCommand::Remove => remove(),
        ServiceCommand::Status => status(),
    }
}

fn remove() -> Result<ExitCode, Failure> {
    require()?;
    let folder = Places::ask()?.units();
    let mut out = opened(Audience::Person);
    // This fails if the service is not installed, which is fine.
    let _ = systemctl(&["disable", "--now", SOCKET]);
    let _ = systemctl(&["stop", SERVICE]);
    take_away(&folder, &OWN_FILES, &mut out)?;
    systemctl(&["daemon-reload"])?;
    let _ = systemctl(&["reset-failed", SERVICE, SOCKET]);
    let unit = property(SOCKET, "FragmentPath");
    if !unit.is_empty() {
        writeln!(out, "disabled {unit}, which belongs to the package and stays")?;
    }
    writeln!(out, "Your index and decisions stay; simctl dupes DIR starts a daemon without systemd.")?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn status() -> Result<ExitCode, Failure> {
    let mut out = opened(Audience::Person);
    let is_there = Places::ask()?.units().join(SOCKET).exists() || property(SOCKET, "LoadState") == "loaded";
    // The units of a package exist before they are enabled.
    if !is_there || property(SOCKET, "UnitFileState") == "disabled" && property(SOCKET, "ActiveState") != "active" {
        writeln!(out, "not {}; simctl service install changes that", if is_there { "enabled" } else { "installed" })?;
        out.flush()?;
        return Ok(ExitCode::from(UNREACHABLE));
    }
    require()?;
    writeln!(out, "socket   {}, {}", property(SOCKET, "ActiveState"), property(SOCKET, "UnitFileState"))?;
    let process = match property(SERVICE, "MainPID").as_str() {
        "" | "0" => String::new(),
        pid => format!(", process {pid}"),
    };
    writeln!(out, "service  {} ({}){process}", property(SERVICE, "ActiveState"), property(SERVICE, "SubState"))?;
    let (says, restarts) = (property(SERVICE, "StatusText"), property(SERVICE, "NRestarts"));
    if !says.is_empty() {
        writeln!(out, "says     {}", shown(&says))?;
    }
    if !matches!(restarts.as_str(), "" | "0") {
        writeln!(out, "restarts {restarts}, after failures; journalctl --user -u similard shows why")?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Prints a step. A closed pipe must not stop the installation.
fn say(out: &mut impl Write, what: std::fmt::Arguments<'_>) {
    let _ = writeln!(out, "{what}");
}

/// Removes these files if they exist, and their folder if nothing else is in it.
fn take_away(folder: &Path, names: &[&str], out: &mut impl Write) -> io::Result<()> {
    for path in names.iter().map(|name| folder.join(name)) {
        match fs::remove_file(&path) {
            Ok(()) => say(out, format_args!("removed  {}", shown_path(&path))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    let _ = fs::remove_dir(folder.join(DROP_IN).parent().unwrap_or(folder));
    Ok(())
}
