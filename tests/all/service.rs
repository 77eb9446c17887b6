//! Under a service manager: units, activation, notifications. Where no systemd of a user runs, its tools and
//! stand-ins for its two ends do.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use crate::photos;
use crate::support::{Instance, skip, wait_until};

const SIMCTL: &str = env!("CARGO_BIN_EXE_simctl");

fn units() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd")
}

/// Ended with the test, however that ends.
struct Ends(Child);

impl Drop for Ends {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn systemd_finds_no_fault_with_the_units() {
    let instance = Instance::new();
    let folder = instance.folder("units");
    let service = fs::read_to_string(units().join("similard.service")).expect("a unit").replace("/usr/bin/simctl", SIMCTL);
    fs::write(folder.join("similard.service"), service).expect("written");
    fs::copy(units().join("similard.socket"), folder.join("similard.socket")).expect("copied");
    let verify = || {
        let mut command = Command::new("systemd-analyze");
        command.args(["--user", "--man=no", "verify"]).arg(folder.join("similard.service")).arg(folder.join("similard.socket"));
        command.env("XDG_RUNTIME_DIR", instance.folder("run")).env("HOME", instance.folder("home")).output()
    };
    let Ok(verified) = verify() else { return skip("there is no systemd-analyze") };
    assert!(verified.status.success() && verified.stderr.is_empty(), "{}", String::from_utf8_lossy(&verified.stderr));
    // Also without the namespaces; and what is written there is really read.
    let drop_in = folder.join("similard.service.d/no-namespaces.conf");
    fs::create_dir(drop_in.parent().expect("a folder")).expect("made");
    let text = fs::read_to_string(units().join("similard.service.d/no-namespaces.conf")).expect("a drop-in");
    fs::write(&drop_in, &text).expect("written");
    assert!(verify().is_ok_and(|v| v.status.success() && v.stderr.is_empty()));
    fs::write(&drop_in, format!("{text}Nonsense=yes\n")).expect("written");
    let nonsense = verify().expect("runs");
    assert!(String::from_utf8_lossy(&nonsense.stderr).contains("Nonsense"), "{nonsense:?}");
}

#[test]
fn a_service_manager_hears_how_the_daemon_is() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let address = instance.folder("run").join("notify");
    let manager = UnixDatagram::bind(&address).expect("bound");
    manager.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let mut daemon = Ends(
        instance
            .command()
            .arg("daemon")
            .env("NOTIFY_SOCKET", &address)
            .env("WATCHDOG_USEC", "900000")
            .stderr(Stdio::null())
            .spawn()
            .expect("runs"),
    );
    let hear = || {
        let mut buffer = [0; 4096];
        let length = manager.recv(&mut buffer).expect("it says something");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert_eq!(hear().trim(), "READY=1", "the first word");
    assert!(UnixStream::connect(instance.socket()).is_ok());
    instance.dupes(&folder);
    let mut heard = String::new();
    while heard.matches("WATCHDOG=1").count() < 4 || !heard.contains("STATUS=5 photos, idle") {
        heard += &hear();
        heard.push('\n');
    }
    // A process that does not get on says nothing.
    let pid = daemon.0.id().to_string();
    let signal = |name: &str| assert!(Command::new("kill").args([name, &pid]).status().is_ok_and(|s| s.success()));
    signal("-STOP");
    manager.set_read_timeout(Some(Duration::from_secs(2))).expect("a timeout");
    let mut buffer = [0; 4096];
    while manager.recv(&mut buffer).is_ok() {}
    signal("-CONT");
    manager.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    assert!(hear().contains("WATCHDOG=1"));
    signal("-TERM");
    while !hear().contains("STOPPING=1") {}
    assert!(daemon.0.wait().is_ok_and(|ended| ended.success()));
}

#[test]
fn the_first_question_starts_it_and_the_socket_outlives_it() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    fs::create_dir_all(instance.data_dir()).expect("made");
    fs::set_permissions(instance.data_dir(), fs::Permissions::from_mode(0o700)).expect("ours");
    let start = || {
        let mut activate = Command::new("systemd-socket-activate");
        activate.arg("-l").arg(instance.socket()).args(["-E", "HOME", "-E", "SIMILARD_DATA_DIR", SIMCTL, "daemon"]);
        activate.env("HOME", instance.folder(".")).env("SIMILARD_DATA_DIR", instance.data_dir());
        activate.stdin(Stdio::null()).stderr(Stdio::null()).spawn().map(Ends)
    };
    let Ok(mut manager) = start() else { return skip("there is no systemd-socket-activate") };
    wait_until("it listens", || instance.socket().exists());
    std::thread::sleep(Duration::from_millis(300));
    assert!(!instance.data_dir().join("library.db").exists(), "nobody asked");
    assert_eq!(crate::support::names(&instance.dupes(&folder)), photos::expected(&["00003"]));
    assert_eq!(instance.pid(), manager.0.id(), "the one that systemd started");
    assert!(Command::new("kill").arg(manager.0.id().to_string()).status().is_ok_and(|s| s.success()));
    assert!(manager.0.wait().is_ok_and(|ended| ended.success()));
    assert!(instance.socket().exists(), "it is systemd's");
}

/// simctl in the usual places of another home, with programs of its own.
fn simctl(instance: &Instance, path: &str, words: &[&str]) -> Output {
    let mut command = Command::new(SIMCTL);
    command.args(words).env_clear().env("HOME", instance.folder(".")).env("XDG_RUNTIME_DIR", instance.folder("run")).env("PATH", path);
    command.stdin(Stdio::null()).output().expect("runs")
}

#[test]
fn the_service_is_installed_and_removed() {
    let instance = Instance::new();
    let programs = instance.folder("programs");
    // What systemctl would do with the units: start what they say, and remember the rest.
    let script = format!(
        r#"#!/bin/sh
echo "$@" >> '{log}'
units="$HOME/.config/systemd/user"
case "$*" in
*"restart similard.socket"*)
    line=$(sed -n 's/^ExecStart=//p' "$units/similard.service")
    eval "exec setsid $line" < /dev/null > /dev/null 2>&1 &
    while [ ! -S "$XDG_RUNTIME_DIR/similard/api.sock" ]; do sleep 0.05; done ;;
*"stop similard.service"*) simctl=$(sed -n 's/^ExecStart="\(.*\)" daemon/\1/p' "$units/similard.service")
    kill $("$simctl" status --format json | sed 's/.*"pid":\([0-9]*\).*/\1/') ;;
*ActiveState*) echo active ;;
esac
"#,
        log = programs.join("log").display()
    );
    fs::write(programs.join("systemctl"), script).expect("written");
    fs::set_permissions(programs.join("systemctl"), fs::Permissions::from_mode(0o755)).expect("a program");
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap_or_default());
    let say = |words: &[&str]| {
        let output = simctl(&instance, &path, words);
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    assert_eq!(say(&["service", "status"]).0, Some(3));
    let (code, said) = say(&["service", "install"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("The daemon answers") && said.contains("service remove"), "{said}");
    let unit = instance.folder(".config/systemd/user").join("similard.service");
    assert!(fs::read_to_string(&unit).is_ok_and(|text| text.contains(&format!("ExecStart=\"{SIMCTL}\" daemon\n"))));
    let log = fs::read_to_string(programs.join("log")).expect("asked");
    assert!(log.contains("--user daemon-reload") && log.contains("--user enable similard.socket"), "{log}");
    // Again, over the first and with its daemon running.
    assert_eq!(say(&["service", "install"]).0, Some(0));
    let (code, said) = say(&["service", "status"]);
    assert!(code == Some(0) && said.contains("socket   active"), "{said}");
    let (code, said) = say(&["service", "remove"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!unit.exists() && said.contains("removed"), "{said}");
    wait_until("its daemon has ended", || say(&["status"]).0 == Some(3));
    // Not for other places, and not without systemd.
    let (code, said) = say(&["--data-dir", "/tmp/elsewhere", "service", "install"]);
    assert!(code == Some(2) && said.contains("usual places"), "{said}");
    let bare = simctl(&instance, "/nowhere", &["service", "install"]);
    let said = String::from_utf8_lossy(&bare.stderr).into_owned();
    assert!(bare.status.code() == Some(3) && said.contains("no systemd") && said.contains("simctl daemon"), "{said}");
}
