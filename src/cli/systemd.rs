//! This user's systemd: its commands, the properties of a unit, and how paths are quoted in unit files.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use directories::BaseDirs;

use super::failure::Failure;
use super::text::shown_path;

/// The units of similard.
pub const SERVICE: &str = "similard.service";
pub const SOCKET: &str = "similard.socket";

/// Lines of the journal that an error shows.
const LAST_LINES: &str = "5";

/// # Errors
/// When no user manager answers, or there is no systemd.
pub fn require() -> Result<(), Failure> {
    let asked = command(&["show-environment"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match asked {
        Ok(ended) if ended.success() => Ok(()),
        Ok(_) => Err(Failure::unreachable("systemd does not answer for this user (systemctl --user)")
            .hint("simctl dupes DIR starts the daemon without systemd; or let your session start simctl daemon")),
        Err(_) => Err(Failure::unreachable("this system has no systemd")
            .hint("simctl dupes DIR starts the daemon without systemd; or let your session or another supervisor start simctl daemon")),
    }
}

/// # Errors
/// The message of `systemctl`, with its arguments.
pub fn systemctl(words: &[&str]) -> Result<(), Failure> {
    let output = command(words).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(Failure::unreachable(format!("systemctl --user {}: {said}", words.join(" "))))
}

/// A property of a unit. Empty if systemd does not know it.
pub fn property(unit: &str, name: &str) -> String {
    said(&mut command(&["show", "--value", "--property", name, unit])).unwrap_or_default()
}

/// Returns whether systemd listens at a socket, for the service.
pub fn listens_at(socket: &Path) -> bool {
    property(SOCKET, "ActiveState") == "active" && listening(&property(SOCKET, "Listen")) == socket
}

/// The path in the property `Listen` of a socket.
pub fn listening(listen: &str) -> &Path {
    Path::new(listen.strip_suffix(" (Stream)").unwrap_or(listen))
}

/// The unit of this user's systemd that runs a process as its main process. `None` for a process that was only started
/// by one of a unit, such as a terminal.
pub fn unit_of(pid: u32) -> Option<String> {
    let is_main = |unit: &str| property(unit, "MainPID") == pid.to_string();
    if is_main(SERVICE) {
        return Some(SERVICE.to_owned());
    }
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
    let units = groups.lines().filter_map(|line| line.rsplit('/').next()).filter(|name| name.ends_with(".service"));
    units.map(str::to_owned).find(|unit| is_main(unit))
}

/// The state of a unit, for people: how its last run ended, and the last lines of that run in the journal.
pub fn state_in_words(unit: &str) -> String {
    let of = |name| property(unit, name);
    let mut words = format!("{unit} is {} ({})", of("ActiveState"), of("SubState"));
    let (result, status) = (of("Result"), of("ExecMainStatus"));
    if !matches!(result.as_str(), "" | "success") {
        words.push_str(&format!(", {result}"));
    }
    // 2 and 3: ended by a signal, without and with a core file.
    if matches!(of("ExecMainCode").as_str(), "2" | "3") {
        words.push_str(&format!(", signal {status}"));
    } else if !matches!(status.as_str(), "" | "0") {
        words.push_str(&format!(", exit status {status}{}", named_status(&status)));
    }
    let restarts = of("NRestarts");
    if !matches!(restarts.as_str(), "" | "0") {
        words.push_str(&format!(", restarted {restarts} times"));
    }
    let mut journal = Command::new("journalctl");
    journal.args(["--user", "--quiet", "--no-pager", "--output", "cat", "--lines", LAST_LINES]);
    journal.arg(format!("_SYSTEMD_INVOCATION_ID={}", of("InvocationID")));
    for line in said(&mut journal).unwrap_or_default().lines() {
        words.push_str("\n  ");
        words.push_str(line);
    }
    words
}

/// The meaning of systemd's own exit statuses. Only those that a sandbox or a missing file can cause are named.
fn named_status(status: &str) -> &'static str {
    match status {
        "200" => " (its folder cannot be entered)",
        "203" => " (the program cannot be run)",
        "218" => " (its capabilities cannot be dropped)",
        "226" => " (its namespaces cannot be made)",
        "227" | "228" => " (its system calls cannot be limited)",
        _ => "",
    }
}

/// The base directories of programs that the user manager starts.
pub struct Places {
    home: PathBuf,
    variables: HashMap<String, String>,
}

impl Places {
    /// # Errors
    /// When there is no home directory.
    pub fn ask() -> Result<Places, Failure> {
        let text = said(&mut command(&["show-environment"])).unwrap_or_default();
        let variables: HashMap<String, String> = text.lines().filter_map(variable).collect();
        let own = || BaseDirs::new().map(|dirs| dirs.home_dir().to_owned());
        let home = variables.get("HOME").map(PathBuf::from).or_else(own);
        Ok(Places { home: home.ok_or_else(|| Failure::usage("there is no home directory to put units in"))?, variables })
    }

    pub fn config_home(&self) -> PathBuf {
        self.base("XDG_CONFIG_HOME", ".config")
    }

    pub fn data_home(&self) -> PathBuf {
        self.base("XDG_DATA_HOME", ".local/share")
    }

    /// The folder of this user's units.
    pub fn units(&self) -> PathBuf {
        self.config_home().join("systemd/user")
    }

    /// Relative paths are ignored, as the XDG base directory specification requires.
    fn base(&self, name: &str, below_home: &str) -> PathBuf {
        let named = self.variables.get(name).map(PathBuf::from).filter(|path| path.is_absolute());
        named.unwrap_or_else(|| self.home.join(below_home))
    }
}

/// Parses a line of `show-environment`. A value with special characters is quoted as for a shell.
fn variable(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once('=')?;
    let Some(quoted) = value.strip_prefix("$'").and_then(|rest| rest.strip_suffix('\'')) else {
        return Some((name.to_owned(), value.to_owned()));
    };
    let mut plain = String::new();
    let mut rest = quoted.chars();
    while let Some(c) = rest.next() {
        plain.push(if c == '\\' { rest.next()? } else { c });
    }
    Some((name.to_owned(), plain))
}

/// A path, quoted for a unit file.
///
/// # Errors
/// If it is not UTF-8, as unit files must be.
pub fn quoted(path: &Path) -> Result<String, Failure> {
    let text = path.to_str().ok_or_else(|| {
        Failure::usage(format!("{} is not UTF-8, so a systemd unit cannot name it", shown_path(path)))
            .hint("simctl dupes DIR starts the daemon without systemd")
    })?;
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '%' => out.push_str("%%"),
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            _ => out.push(c),
        }
    }
    out.push('"');
    Ok(out)
}

/// Whether this user's services continue after logout. `None` if that is not known.
pub fn lingers() -> Option<bool> {
    let mut asked = Command::new("loginctl");
    asked.args(["show-user", "--property", "Linger", "--value"]).arg(rustix::process::getuid().as_raw().to_string());
    match said(&mut asked).ok()?.as_str() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new("systemctl");
    command.arg("--user").args(words);
    // Without it, as in a crontab, systemctl does not find the user manager.
    if env::var_os("XDG_RUNTIME_DIR").is_none() {
        command.env("XDG_RUNTIME_DIR", format!("/run/user/{}", rustix::process::geteuid().as_raw()));
    }
    command
}

/// The standard output of a command.
fn said(command: &mut Command) -> io::Result<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output()?;
    if !output.status.success() {
        return Err(ErrorKind::Other.into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_is_a_word_of_a_unit() {
        let word = quoted(Path::new("/home/a b/100%/\"x\"/$y\\")).ok();
        assert_eq!(word.as_deref(), Some("\"/home/a b/100%%/\\\"x\\\"/$y\\\\\""));
    }

    #[test]
    fn variables_are_taken_out_of_their_quotes() {
        assert_eq!(variable("HOME=/home/me"), Some(("HOME".into(), "/home/me".into())));
        assert_eq!(variable("XDG_DATA_HOME=$'/home/it\\'s \\\\ me'"), Some(("XDG_DATA_HOME".into(), "/home/it's \\ me".into())));
        assert_eq!(variable("nothing"), None);
    }

    #[test]
    fn relative_base_directories_do_not_count() {
        let variables = [("XDG_DATA_HOME", "/data"), ("XDG_CONFIG_HOME", "config")].map(|(name, value)| (name.into(), value.into()));
        let places = Places { home: "/home/me".into(), variables: variables.into() };
        assert_eq!(places.data_home(), Path::new("/data"));
        assert_eq!(places.units(), Path::new("/home/me/.config/systemd/user"));
    }
}
