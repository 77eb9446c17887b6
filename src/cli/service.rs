//! `simctl service`: similard as a systemd service of this user.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use directories::BaseDirs;
use owo_colors::OwoColorize;

use super::args::ServiceCommand;
use super::connect::stop_running;
use super::failure::{Failure, UNREACHABLE};
use crate::api::client::Client;
use crate::api::types::Version;
use crate::config::{Overrides, Settings, own_program};

const SERVICE: &str = "similard.service";
const SOCKET: &str = "similard.socket";
const WITHOUT_NAMESPACES: &str = "similard.service.d/no-namespaces.conf";

const UNITS: [(&str, &str); 2] =
    [(SERVICE, include_str!("../../systemd/similard.service")), (SOCKET, include_str!("../../systemd/similard.socket"))];
const DROP_IN: &str = include_str!("../../systemd/similard.service.d/no-namespaces.conf");

/// The program as the unit in the repository names it.
const PROGRAM: &str = "/usr/bin/simctl";

pub async fn run(command: ServiceCommand, overrides: &Overrides, settings: &Settings) -> Result<ExitCode, Failure> {
    match command {
        ServiceCommand::Install => install(overrides, settings).await,
        ServiceCommand::Remove => remove(),
        ServiceCommand::Status => status(),
    }
}

async fn install(overrides: &Overrides, settings: &Settings) -> Result<ExitCode, Failure> {
    let is_ours = overrides.data_dir.is_none() && overrides.socket.is_none() && overrides.config.is_none();
    if !is_ours || ["SIMILARD_DATA_DIR", "SIMILARD_SOCKET", "SIMILARD_CONFIG"].iter().any(|name| std::env::var_os(name).is_some()) {
        return Err(Failure::usage("the service is for the usual places, and others are named here")
            .hint("leave out --data-dir, --socket, --config and their variables, or write a unit after the ones in systemd/"));
    }
    require_manager()?;
    let (folder, program) = (folder()?, own_program()?);
    let mut out = anstream::stdout();
    if let Some(packaged) = packaged(&program, &folder, &mut out)? {
        writeln!(out, "found    {}", packaged.display())?;
    } else {
        for (name, text) in UNITS {
            put(&folder.join(name), &text.replace(PROGRAM, &quoted(&program)))?;
            writeln!(out, "wrote    {}", folder.join(name).display())?;
        }
    }
    // The service may write there and nowhere else.
    fs::create_dir_all(&settings.data_dir)?;
    // One that simctl started would keep the socket from systemd.
    stop_running(settings).await?;
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", SOCKET])?;
    systemctl(&["restart", SOCKET])?;
    writeln!(out, "enabled  {SOCKET}: the first question starts the daemon")?;
    if !answers(settings).await {
        // 226: the sandbox cannot be made, where users have no namespaces.
        if property(SERVICE, "ExecMainStatus").as_deref() == Some("226") {
            let drop_in = folder.join(WITHOUT_NAMESPACES);
            put(&drop_in, DROP_IN)?;
            writeln!(out, "wrote    {}: this system gives users no namespaces", drop_in.display())?;
            systemctl(&["daemon-reload"])?;
            systemctl(&["reset-failed", SERVICE, SOCKET])?;
            systemctl(&["restart", SOCKET])?;
        }
        if !answers(settings).await {
            return Err(Failure::unreachable("the service is installed and does not answer")
                .hint("journalctl --user -u similard says why; simctl service remove takes it away again"));
        }
    }
    writeln!(out, "{}", "The daemon answers, and starts with your session. simctl service remove undoes this.".green())?;
    Ok(ExitCode::SUCCESS)
}

/// Whether the daemon answers on the socket, started by it if need be.
async fn answers(settings: &Settings) -> bool {
    let client = Client::new(&settings.socket);
    let asked = tokio::time::timeout(std::time::Duration::from_secs(30), client.get::<Version>("/v1/version")).await;
    matches!(asked, Ok(Ok(_)))
}

fn remove() -> Result<ExitCode, Failure> {
    require_manager()?;
    let folder = folder()?;
    let mut out = anstream::stdout();
    // What is not there need not be stopped.
    let _ = systemctl(&["disable", "--now", SOCKET]);
    let _ = systemctl(&["stop", SERVICE]);
    take_away(&folder, &[SERVICE, SOCKET, WITHOUT_NAMESPACES], &mut out)?;
    // It is not empty when somebody else put something there.
    let _ = fs::remove_dir(folder.join("similard.service.d"));
    systemctl(&["daemon-reload"])?;
    if let Some(unit) = property(SOCKET, "FragmentPath").filter(|unit| !unit.is_empty()) {
        writeln!(out, "disabled {unit}, which is of the package and stays")?;
    }
    writeln!(out, "Your index and decisions stay; simctl dupes starts a daemon of its own again.")?;
    Ok(ExitCode::SUCCESS)
}

fn status() -> Result<ExitCode, Failure> {
    let mut out = anstream::stdout();
    let of = |unit: &str, name: &str| property(unit, name).unwrap_or_default();
    let is_there = folder()?.join(SOCKET).exists() || of(SOCKET, "LoadState") == "loaded";
    // The package's units are there, and wait to be enabled.
    if !is_there || of(SOCKET, "UnitFileState") == "disabled" && of(SOCKET, "ActiveState") != "active" {
        writeln!(out, "not {}; simctl service install changes that", if is_there { "enabled" } else { "installed" })?;
        return Ok(ExitCode::from(UNREACHABLE));
    }
    require_manager()?;
    writeln!(out, "socket   {}, {}", of(SOCKET, "ActiveState"), of(SOCKET, "UnitFileState"))?;
    let process = match of(SERVICE, "MainPID").as_str() {
        "" | "0" => String::new(),
        pid => format!(", process {pid}"),
    };
    writeln!(out, "service  {} ({}){process}", of(SERVICE, "ActiveState"), of(SERVICE, "SubState"))?;
    let (says, restarts) = (of(SERVICE, "StatusText"), of(SERVICE, "NRestarts"));
    if !says.is_empty() {
        writeln!(out, "says     {says}")?;
    }
    if !matches!(restarts.as_str(), "" | "0") {
        writeln!(out, "started  again {restarts} times after failures; journalctl --user -u similard says why")?;
    }
    Ok(ExitCode::SUCCESS)
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
    Ok((property(SOCKET, "FragmentPath").as_deref() == socket.to_str()).then_some(socket))
}

fn take_away(folder: &Path, names: &[&str], out: &mut impl Write) -> io::Result<()> {
    for name in names {
        match fs::remove_file(folder.join(name)) {
            Ok(()) => writeln!(out, "removed  {}", folder.join(name).display())?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

/// Where this user's units are.
fn folder() -> Result<PathBuf, Failure> {
    let home = BaseDirs::new().ok_or_else(|| Failure::usage("there is no home directory to put units in"))?;
    Ok(home.config_dir().join("systemd/user"))
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(path))?;
    fs::write(path, text)
}

/// A path as a word of ExecStart=.
fn quoted(program: &Path) -> String {
    let mut out = String::from("\"");
    for c in program.to_string_lossy().chars() {
        match c {
            '%' => out.push_str("%%"),
            '$' => out.push_str("$$"),
            '"' | '\\' => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

fn require_manager() -> Result<(), Failure> {
    let asked = manager(&["show-environment"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match asked {
        Ok(ended) if ended.success() => Ok(()),
        Ok(_) => Err(Failure::unreachable("no systemd of this user answers (systemctl --user)")
            .hint("simctl dupes starts the daemon by itself; where a session can start programs, have it start: simctl daemon")),
        Err(_) => Err(Failure::unreachable("this system has no systemd")
            .hint("simctl dupes starts the daemon by itself; or have your session, or another supervisor, start: simctl daemon")),
    }
}

fn manager(words: &[&str]) -> Command {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(words).stdin(Stdio::null());
    command
}

fn systemctl(words: &[&str]) -> Result<(), Failure> {
    let output = manager(words).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::unreachable(format!("systemctl --user {}: {said}", words.join(" "))))
}

fn property(unit: &str, name: &str) -> Option<String> {
    let output = manager(&["show", "--value", "--property", name, unit]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_name_the_program_once_and_any_path_fits() {
        assert_eq!(UNITS[0].1.matches(PROGRAM).count(), 1);
        assert_eq!(quoted(Path::new("/home/a b/100%/\"x\"/$y")), "\"/home/a b/100%%/\\\"x\\\"/$$y\"");
    }
}
