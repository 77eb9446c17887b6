//! `simctl service`: similard as a systemd service of this user.

mod install;

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::cli::answers::ServiceStatus;
use crate::cli::args::{ServiceCommand, TextFormat};
use crate::cli::failure::{Failure, UNREACHABLE};
use crate::cli::output::{Audience, opened, show};
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
        ServiceCommand::Status { answer } => status(answer.chosen()),
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

fn status(format: TextFormat) -> Result<ExitCode, Failure> {
    let installed = Places::ask()?.units().join(SOCKET).exists() || property(SOCKET, "LoadState") == "loaded";
    // The units of a package exist before they are enabled.
    let enabled = installed && !(property(SOCKET, "UnitFileState") == "disabled" && property(SOCKET, "ActiveState") != "active");
    if !enabled {
        show(format, &ServiceStatus { installed, ..ServiceStatus::default() }, |out, _| {
            writeln!(out, "not {}; simctl service install changes that", if installed { "enabled" } else { "installed" })
        })?;
        return Ok(ExitCode::from(UNREACHABLE));
    }
    require()?;
    let says = property(SERVICE, "StatusText");
    let status = ServiceStatus {
        installed,
        enabled,
        socket: Some(format!("{}, {}", property(SOCKET, "ActiveState"), property(SOCKET, "UnitFileState"))),
        service: Some(format!("{} ({})", property(SERVICE, "ActiveState"), property(SERVICE, "SubState"))),
        process: property(SERVICE, "MainPID").parse().ok().filter(|pid| *pid > 0),
        says: (!says.is_empty()).then_some(says),
        restarts: property(SERVICE, "NRestarts").parse().unwrap_or(0),
    };
    show(format, &status, print)
}

fn print(out: &mut impl Write, status: &ServiceStatus) -> io::Result<()> {
    writeln!(out, "socket   {}", status.socket.as_deref().unwrap_or_default())?;
    let process = status.process.map_or_else(String::new, |pid| format!(", process {pid}"));
    writeln!(out, "service  {}{process}", status.service.as_deref().unwrap_or_default())?;
    if let Some(says) = &status.says {
        writeln!(out, "says     {}", shown(says))?;
    }
    if status.restarts > 0 {
        writeln!(out, "restarts {}, after failures; journalctl --user -u similard shows why", status.restarts)?;
    }
    Ok(())
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
