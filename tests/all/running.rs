//! The life of a daemon: how it is started, stopped and replaced, and what it keeps from its caller.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::photos;
use crate::support::{Instance, names, skip, wait_until};

const SIMCTL: &str = env!("CARGO_BIN_EXE_simctl");

#[test]
fn an_upgrade_or_a_deletion_of_the_program_changes_nothing_until_a_restart() {
    for is_replaced in [false, true] {
        let instance = Instance::new();
        let folder = instance.folder("photos");
        photos::library(&folder, &["00003"]);
        let program = instance.folder("bin").join("simctl");
        fs::copy(SIMCTL, &program).expect("copied");
        let started = instance.command_of(program.to_str().expect("text")).arg("dupes").arg(&folder).output().expect("runs");
        assert!(started.status.success(), "{started:?}");
        if is_replaced {
            let beside = program.with_extension("new");
            fs::write(&beside, "#!/bin/sh\nexit 0\n").expect("written");
            fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).expect("ours");
            fs::rename(beside, &program).expect("replaced");
        } else {
            fs::remove_file(&program).expect("deleted");
        }
        assert!(instance.signal_children(Signal::KILL) > 0, "the daemon has decoding processes");
        photos::library(&folder, &["00009"]);
        assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003", "00009"]), "replaced: {is_replaced}");
        assert_eq!(instance.json(["failures", "--format=json"])["failures"], serde_json::json!([]));
        assert_eq!(instance.status()["problems"], serde_json::json!([]));
    }
}

#[test]
fn the_daemon_keeps_nothing_of_the_command_that_started_it() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let lock = instance.folder("cron").join("lock");
    // A lock and a pipe, limits, a mask, a signal that is ignored, and a service manager.
    let script = "ulimit -S -n 64; ulimit -S -t 30; ulimit -S -f 200000; umask 0; exec 9>\"$2\"; flock -n 9; \
                  exec 8>&1; trap '' CHLD; exec \"$0\" dupes \"$1\" >&2";
    let mut caller = instance
        .command_of("sh")
        .args(["-c", script, SIMCTL])
        .args([&folder, &lock])
        .env("NOTIFY_SOCKET", instance.folder("cron").join("nobody"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("runs");
    let mut pipe = caller.stdout.take().expect("piped");
    assert!(caller.wait().is_ok_and(|ended| ended.success()));
    // A pipe ends when no process has its other end any more.
    let (ended, ends) = mpsc::channel();
    thread::spawn(move || ended.send(pipe.read_to_end(&mut Vec::new())));
    assert!(ends.recv_timeout(Duration::from_secs(10)).is_ok(), "the pipe of the caller is still open");
    File::open(&lock).expect("it is there").try_lock().expect("the lock is free");
    let process = Path::new("/proc").join(instance.pid().to_string());
    let text = |name: &str| fs::read_to_string(process.join(name)).unwrap_or_default();
    let (limits, status) = (text("limits"), text("status"));
    if limits.is_empty() || !status.contains("SigIgn") {
        return skip("this system does not say what a process has");
    }
    for limit in ["Max open files", "Max cpu time", "Max file size"] {
        let line = limits.lines().find(|line| line.starts_with(limit)).expect(limit);
        let [soft, hard] = [0, 1].map(|at| line[limit.len()..].split_whitespace().nth(at).expect("a limit"));
        assert!(soft == hard || soft.parse() == Ok(65_536), "{line}");
    }
    let of = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim().to_owned();
    assert_eq!(of("Umask:"), "0077");
    let ignored = u64::from_str_radix(&of("SigIgn:"), 16).expect("a mask");
    assert_eq!(ignored & (1 << 16), 0, "SIGCHLD is ignored");
    assert!(!text("environ").contains("NOTIFY_SOCKET"));
}

#[test]
fn a_running_daemon_is_found_by_its_data_directory() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    let run = instance.folder("run");
    fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).expect("ours");
    let simctl = |words: &[&str], run: Option<&Path>| {
        let mut command = instance.command();
        command.env_remove("SIMILARD_DATA_DIR").args(words).envs(run.map(|run| ("XDG_RUNTIME_DIR", run)));
        command.output().expect("runs")
    };
    let dupes = ["dupes", "--format=json", folder.to_str().expect("text")];
    assert!(simctl(&dupes, Some(&run)).status.success());
    let data = instance.folder(".local/share/similard");
    let log = fs::read(data.join("daemon.log")).expect("a log");
    // As in a crontab.
    let began = Instant::now();
    let found = simctl(&dupes, None);
    assert!(found.status.success() && began.elapsed() < Duration::from_secs(5), "{found:?} after {:?}", began.elapsed());
    // With another runtime directory, as in another session.
    assert!(simctl(&["--no-start", "status"], Some(&instance.folder("other"))).status.success());
    let said = fs::read(data.join("daemon.log")).expect("a log");
    assert!(said.starts_with(&log) && !String::from_utf8_lossy(&said).contains("already runs"), "another daemon was started");
    // With a socket that it does not have.
    let nowhere = instance.folder("run").join("none.sock");
    let refused = simctl(&["--socket", nowhere.to_str().expect("text"), "status"], None);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(3) && said.contains("listens at") && said.contains("--socket"), "{said}");
    // Where its socket is out of reach, that is said at once.
    let socket = run.join("similard/api.sock");
    fs::rename(&socket, run.join("moved")).expect("moved");
    let began = Instant::now();
    let refused = simctl(&dupes, None);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(refused.status.code() == Some(3) && said.contains(socket.to_str().expect("text")), "{said}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    fs::rename(run.join("moved"), &socket).expect("moved back");
    assert!(simctl(&["stop"], None).status.success());
    assert!(!socket.exists());
}

#[test]
fn the_daemon_is_stopped_and_started_anew() {
    let instance = Instance::new();
    let folder = instance.folder("photos");
    photos::library(&folder, &["00003"]);
    assert!(instance.ok(["stop"]).contains("no daemon runs"));
    instance.dupes(&folder);
    let first = instance.pid();
    assert!(instance.ok(["restart"]).contains("the daemon runs"));
    let second = instance.pid();
    // Its output is read to the end, so nothing of it waits for the daemon.
    let replaced = instance.ok(["daemon", "--replace"]);
    let third = instance.pid();
    assert!(first != second && second != third && replaced.contains(&third.to_string()), "{first} {second} {third}: {replaced}");
    assert!(instance.ok(["stop"]).contains(&third.to_string()));
    wait_until("the process has ended", || !Path::new(&format!("/proc/{third}")).exists());
    assert!(!instance.socket().exists());
    assert_eq!(instance.run(["status"]).status.code(), Some(3), "it was started again");
    // A restart starts it where none runs.
    instance.ok(["restart"]);
    assert_eq!(names(&instance.dupes(&folder)), photos::expected(&["00003"]));
}
