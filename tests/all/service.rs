//! The service: the units under a real systemd of a user, and socket activation and notifications without one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::photos;
use crate::support::{Instance, skip, wait_until};
use crate::user_manager::{HOME, UserManager};

const SIMCTL: &str = env!("CARGO_BIN_EXE_simctl");

/// In the home directory of the user whose systemd runs.
const PICTURES: &str = "/home/tester/Pictures";
const UNITS: &str = "/home/tester/.config/systemd/user";

fn units() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd")
}

/// A process that is killed when the test ends, also after a panic.
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
    // systemd-analyze reports an unknown option.
    let unit = folder.join("similard.service");
    let text = fs::read_to_string(&unit).expect("a unit");
    fs::write(&unit, text.replace("[Service]", "[Service]\nNonsense=yes")).expect("written");
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
    assert_eq!(hear().trim(), "READY=1", "the first message");
    assert!(UnixStream::connect(instance.socket()).is_ok());
    instance.dupes(&folder);
    let mut heard = String::new();
    while heard.matches("WATCHDOG=1").count() < 4 || !heard.contains("STATUS=5 photos, idle") {
        heard += &hear();
        heard.push('\n');
    }
    // A stopped process does not feed the watchdog.
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
    assert!(!instance.data_dir().join("library.db").exists(), "there was no request");
    assert_eq!(crate::support::names(&instance.dupes(&folder)), photos::expected(&["00003"]));
    assert_eq!(instance.pid(), manager.0.id(), "another daemon answers");
    assert!(Command::new("kill").arg(manager.0.id().to_string()).status().is_ok_and(|s| s.success()));
    assert!(manager.0.wait().is_ok_and(|ended| ended.success()));
    assert!(instance.socket().exists(), "the socket was removed");
}

#[test]
fn the_service_is_installed_started_by_a_question_and_removed() {
    let Some(user) = UserManager::start() else { return };
    user.put_photos();
    assert_eq!(user.run(&["simctl", "service", "status"]).code, Some(3));
    let said = user.install();
    assert!(said.contains("service remove") && said.contains("enable-linger"), "{said}");
    let first = user.service_pid();
    // It has reported that it is ready.
    assert_eq!(user.property("SubState"), "running");
    let answer = user.ok(&["simctl", "dupes", "--format=json", PICTURES]);
    assert_eq!(crate::support::names(&serde_json::from_str(&answer).expect("JSON")), photos::expected(&["00003"]));
    wait_until("it says what it does", || user.property("StatusText").contains("photos, idle"));
    // It has a low priority, and its fence is complete as far as the kernel supports it.
    assert_eq!(user.property("Nice"), "10");
    let elsewhere = Instance::new();
    elsewhere.ok(["roots", "add", "/dev/shm"]);
    assert_eq!(user.status()["fence"], elsewhere.status()["fence"], "the unit weakens the fence of the daemon");
    // A closed pipe undoes nothing.
    assert_eq!(user.run(&["sh", "-c", "simctl service install | true"]).code, Some(0));
    let first = {
        assert_ne!(user.service_pid(), first);
        user.service_pid()
    };
    // After a crash.
    user.root(&["kill", "-9", &first]);
    let second = user.wait_for_another(&first);
    // A second installation, while the daemon of the first runs.
    user.install();
    let third = user.service_pid();
    assert_ne!(second, third);
    // A request starts a daemon that was stopped.
    user.ok(&["systemctl", "--user", "stop", "similard.service"]);
    assert_eq!((user.property("ActiveState"), user.property("Result")), ("inactive".into(), "success".into()));
    user.ok(&["simctl", "--no-start", "dupes", PICTURES]);
    user.service_pid();
    // simctl does the same, through systemd, also where a crontab runs it.
    let before = user.service_pid();
    user.ok(&["env", "--unset=XDG_RUNTIME_DIR", "simctl", "restart"]);
    assert_ne!(user.service_pid(), before);
    user.ok(&["simctl", "daemon", "--replace"]);
    assert_eq!(user.property("ActiveState"), "active");
    let said = user.ok(&["simctl", "stop"]);
    assert!(said.contains("similard.service is stopped") && said.contains("service remove"), "{said}");
    assert_eq!((user.property("ActiveState"), user.property("Result")), ("inactive".into(), "success".into()));
    assert!(user.ok(&["simctl", "stop"]).contains("no daemon runs"));
    assert_eq!(user.property("ActiveState"), "inactive", "stop started it");
    user.ok(&["simctl", "restart"]);
    user.service_pid();
    let said = user.ok(&["simctl", "service", "status"]);
    assert!(said.contains("socket   active, enabled") && said.contains("service  active (running), process"), "{said}");
    let said = user.ok(&["simctl", "service", "remove"]);
    assert!(said.contains("removed"), "{said}");
    assert_eq!(user.run(&["simctl", "--no-start", "status"]).code, Some(3), "the daemon still runs");
    assert_eq!(user.run(&["simctl", "service", "status"]).code, Some(3));
    assert_eq!(user.run(&["ls", "-A", UNITS]).text, "");
    assert!(user.path(HOME).join(".local/share/similard/library.db").exists(), "the library was removed");
}

#[test]
fn a_daemon_that_hangs_is_started_again_and_settings_are_reloaded() {
    let Some(user) = UserManager::start() else { return };
    user.install();
    let first = user.service_pid();
    user.write(".config/similard/config.toml", "forget-at-once = 0.25\n");
    user.ok(&["systemctl", "--user", "reload", "similard.service"]);
    assert_eq!(user.service_pid(), first, "the daemon was restarted");
    user.write(".config/systemd/user/similard.service.d/watchdog.conf", "[Service]\nWatchdogSec=2\n");
    user.ok(&["systemctl", "--user", "daemon-reload"]);
    user.ok(&["systemctl", "--user", "restart", "similard.service"]);
    let second = user.service_pid();
    user.root(&["kill", "-STOP", &second]);
    user.wait_for_another(&second);
}

#[test]
fn the_service_sees_a_drive_that_comes_and_goes() {
    let Some(user) = UserManager::start() else { return };
    user.put_photos();
    user.install();
    user.ok(&["simctl", "dupes", PICTURES]);
    user.root(&["mkdir", "/run/card"]);
    assert_eq!(user.root(&["mount", "-t", "tmpfs", "-o", "mode=755", "none", "/run/card"]).code, Some(0));
    user.root(&["cp", "-r", &format!("{PICTURES}/."), "/run/card"]);
    let said = user.ok(&["simctl", "dupes", "--everywhere", "/run/card"]);
    assert!(said.contains("/run/card/") && said.contains("Pictures"), "{said}");
    let gone = user.root(&["umount", "/run/card"]);
    assert_eq!(gone.code, Some(0), "the drive is still in use: {}", gone.text);
    wait_until("it is offline", || user.ok(&["simctl", "roots", "list"]).contains("offline"));
}

#[test]
fn an_upgrade_counts_from_the_next_start_on() {
    let Some(user) = UserManager::start() else { return };
    user.put_photos();
    user.install();
    let build = || user.status()["build"].as_str().expect("a build").to_owned();
    let before = build();
    user.put(Path::new(SIMCTL), "bin/simctl");
    // The old daemon still reads photos, and reports its build.
    let said = user.ok(&["simctl", "dupes", PICTURES]);
    assert!(said.contains("another build") && said.contains("files"), "{said}");
    assert_eq!(build(), before);
    user.ok(&["systemctl", "--user", "restart", "similard.service"]);
    assert_ne!(build(), before);
    assert!(!user.ok(&["simctl", "dupes", PICTURES]).contains("another build"));
}

#[test]
fn a_service_that_cannot_start_leaves_all_as_it_was() {
    let Some(user) = UserManager::start() else { return };
    user.put_photos();
    // A daemon runs without systemd, with a decision in its library.
    user.ok(&["simctl", "dupes", PICTURES]);
    let photo = |name: &str| format!("{PICTURES}/{name}");
    let files: Vec<String> = photos::expected(&["00003"])[0].iter().map(|name| photo(name)).collect();
    user.ok(&["simctl", "decide", "different", &files[0], &files[1]]);
    // A drop-in for all services of the user. The service cannot start with it.
    user.write(".config/systemd/user/service.d/refuse.conf", "[Service]\nPrivateNetwork=yes\nExecStartPre=/bin/false\n");
    user.ok(&["systemctl", "--user", "daemon-reload"]);
    let failed = user.run(&["simctl", "service", "install"]);
    assert_eq!(failed.code, Some(3), "{}", failed.text);
    for words in ["does not answer", "similard.service is failed", "exit-code", "nothing was installed", "runs again"] {
        assert!(failed.text.contains(words), "{words}: {}", failed.text);
    }
    let left = user.run(&["find", &format!("{UNITS}/"), "-name", "similard*"]);
    assert_eq!(left.text, "", "files of the installation are left");
    let status = user.status();
    assert_eq!(status["decisions"], 1, "the earlier daemon does not run: {status}");
    assert_eq!(user.property("LoadState"), "not-found");
}

#[test]
fn an_installation_that_is_broken_off_leaves_nothing_behind() {
    let Some(user) = UserManager::start() else { return };
    // Make the start slow.
    user.write(".config/systemd/user/service.d/slow.conf", "[Service]\nExecStartPre=/bin/sleep 60\n");
    user.ok(&["systemctl", "--user", "daemon-reload"]);
    let broken_off = user.run(&["timeout", "--preserve-status", "--signal=INT", "5", "simctl", "service", "install"]);
    assert_eq!(broken_off.code, Some(2), "{}", broken_off.text);
    assert!(broken_off.text.contains("interrupted") && broken_off.text.contains("nothing was installed"), "{}", broken_off.text);
    assert_eq!(user.run(&["find", &format!("{UNITS}/"), "-name", "similard*"]).text, "");
    assert_eq!(user.property("LoadState"), "not-found");
}

#[test]
fn the_service_uses_the_places_of_who_installs_it() {
    let Some(user) = UserManager::start() else { return };
    let places = [format!("XDG_DATA_HOME={HOME}/my data/50%"), format!("XDG_CONFIG_HOME={HOME}/settings")];
    let places: Vec<&str> = places.iter().map(String::as_str).collect();
    user.write("settings/similard/config.toml", "workers = 1\n");
    let said = user.run_with(&places, &["simctl", "service", "install"]);
    assert!(said.code == Some(0) && said.text.contains("places.conf"), "{}", said.text);
    assert_eq!(user.property("ActiveState"), "active");
    let status = user.run_with(&places, &["simctl", "status"]).text;
    assert!(status.contains("/my data/50%/similard"), "{status}");
    let reloaded = user.run_with(&places, &["simctl", "reload"]).text;
    assert!(reloaded.contains("settings/similard/config.toml") && !reloaded.contains("restart"), "{reloaded}");
    assert!(!user.path(HOME).join(".local/share/similard").exists(), "there is a second library");
    // Back in the usual places, nothing of it is left.
    assert_eq!(user.run_with(&places, &["simctl", "service", "remove"]).code, Some(0));
    user.install();
    assert!(user.ok(&["simctl", "status"]).contains(".local/share/similard"));
    assert!(!user.path(UNITS).join("similard.service.d").exists());
    // systemd would not listen at a socket elsewhere.
    user.ok(&["simctl", "service", "remove"]);
    user.ok(&["mkdir", "-m", "700", &format!("{HOME}/run")]);
    let bus = user.ok(&["printenv", "XDG_RUNTIME_DIR"]);
    user.ok(&["ln", "-s", &format!("{}/systemd", bus.trim()), &format!("{HOME}/run/systemd")]);
    let refused = user.run_with(&[&format!("XDG_RUNTIME_DIR={HOME}/run")], &["simctl", "service", "install"]);
    assert!(refused.code == Some(2) && refused.text.contains("XDG_RUNTIME_DIR is /run/user/"), "{}", refused.text);
    assert_eq!(user.property("LoadState"), "not-found");
}

/// Installs a package, then runs `simctl service install`.
#[test]
fn the_service_of_a_package_is_enabled_as_it_came() {
    let Some(user) = UserManager::start() else { return };
    let Some(package) = crate::packages::package() else { return };
    user.root(&["rm", "-r", &format!("{HOME}/bin")]);
    fs::copy(package, user.path("/root/similard.deb")).expect("copied");
    let installed = user.root(&["dpkg", "-i", "/root/similard.deb"]);
    assert_eq!(installed.code, Some(0), "{}", installed.text);
    user.put_photos();
    user.ok(&["systemctl", "--user", "daemon-reload"]);
    let said = user.run(&["simctl", "service", "status"]);
    assert!(said.code == Some(3) && said.text.contains("not enabled"), "{}", said.text);
    // An earlier unit of the user would hide that of the package.
    user.write(".config/systemd/user/similard.socket", "[Socket]\nListenStream=%t/similard/api.sock\n");
    let said = user.install();
    assert!(said.contains("found    /usr/lib/systemd/user/similard.socket") && said.contains("removed"), "{said}");
    assert_eq!(user.property("FragmentPath"), "/usr/lib/systemd/user/similard.service");
    assert!(user.ok(&["simctl", "dupes", PICTURES]).contains("files"));
    user.service_pid();
    let said = user.ok(&["simctl", "service", "remove"]);
    assert!(said.contains("disabled") && user.path("/usr/lib/systemd/user/similard.socket").exists(), "{said}");
    assert_eq!(user.run(&["simctl", "service", "status"]).code, Some(3));
    // The same without simctl, as an administrator does it.
    user.ok(&["systemctl", "--user", "enable", "--now", "similard.socket"]);
    user.ok(&["simctl", "--no-start", "dupes", PICTURES]);
    user.service_pid();
    assert_eq!(user.root(&["dpkg", "--purge", "similard"]).code, Some(0));
}

#[test]
fn the_service_is_not_for_other_places_and_not_without_systemd() {
    let instance = Instance::new();
    let simctl = |path: &str, words: &[&str]| {
        let mut command = Command::new(SIMCTL);
        command.args(words).env_clear().env("HOME", instance.folder(".")).env("XDG_RUNTIME_DIR", instance.folder("run")).env("PATH", path);
        let output = command.stdin(Stdio::null()).output().expect("runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = simctl("/usr/bin", &["--data-dir", "/tmp/elsewhere", "service", "install"]);
    assert!(code == Some(2) && said.contains("usual places"), "{said}");
    let (code, said) = simctl("/nowhere", &["service", "install"]);
    assert!(code == Some(3) && said.contains("no systemd") && said.contains("simctl daemon"), "{said}");
}
