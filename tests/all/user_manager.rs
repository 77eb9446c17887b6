//! A real systemd of an ordinary user, in a temporary copy of this system (`tests/user-manager`).

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::photos;
use crate::support::{PATIENCE, skip, wait_until};

/// The next user id. Each user manager of a test run has its own.
static NEXT_USER: AtomicU32 = AtomicU32::new(47_000);

pub const HOME: &str = "/home/tester";

/// A user manager and its user, whose programs are in `~/bin`, first in the PATH.
pub struct UserManager {
    process: Child,
    /// The manager ends when this is closed.
    stdin: Option<ChildStdin>,
    /// A process in its namespaces.
    inside: String,
    uid: String,
}

/// The output and the exit code of a command.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard output, then standard error.
    pub text: String,
}

impl UserManager {
    /// `None`, with a message, if no user manager can run.
    pub fn start() -> Option<UserManager> {
        let uid = (NEXT_USER.fetch_add(1, Ordering::Relaxed) + std::process::id() % 1000 * 10).to_string();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/user-manager");
        let mut process = Command::new(script).args([&uid, HOME]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("bash runs");
        let mut first = String::new();
        BufReader::new(process.stdout.take().expect("piped")).read_line(&mut first).expect("text");
        if first.trim() != "running" {
            let _ = process.wait();
            skip("no systemd of a user can run here");
            return None;
        }
        let children = format!("/proc/{0}/task/{0}/children", process.id());
        let inside = fs::read_to_string(children).expect("its processes").split_whitespace().next().expect("one").to_owned();
        let manager = UserManager { stdin: process.stdin.take(), process, inside, uid };
        manager.put(Path::new(env!("CARGO_BIN_EXE_simctl")), "bin/simctl");
        Some(manager)
    }

    /// The path on this system of a path inside.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        Path::new("/proc").join(&self.inside).join("root").join(path.as_ref().strip_prefix("/").expect("absolute"))
    }

    /// Copies a file into the home.
    pub fn put(&self, file: &Path, to: &str) {
        let target = self.path(HOME).join(to);
        fs::create_dir_all(target.parent().expect("a folder")).expect("made");
        // Rename a new file, because a running program cannot be overwritten.
        let beside = target.with_extension("new");
        fs::copy(file, &beside).expect("copied");
        fs::rename(beside, &target).expect("renamed");
        self.own();
    }

    pub fn write(&self, to: &str, text: &str) {
        let target = self.path(HOME).join(to);
        fs::create_dir_all(target.parent().expect("a folder")).expect("made");
        fs::write(target, text).expect("written");
        self.own();
    }

    /// A small library in `~/Pictures`.
    pub fn put_photos(&self) {
        let pictures = self.path(HOME).join("Pictures");
        fs::create_dir_all(&pictures).expect("made");
        photos::library(&pictures, &["00003"]);
        self.own();
    }

    fn own(&self) {
        self.root(&["chown", "-R", &self.uid, HOME]);
    }

    /// Runs a command as the user.
    pub fn run(&self, words: &[&str]) -> Said {
        self.run_with(&[], words)
    }

    /// The same with more environment variables, `NAME=value` each.
    pub fn run_with(&self, variables: &[&str], words: &[&str]) -> Said {
        let (user, group) = (format!("--reuid={}", self.uid), format!("--regid={}", self.uid));
        let runtime = format!("XDG_RUNTIME_DIR=/run/user/{}", self.uid);
        let home = [format!("HOME={HOME}"), format!("PATH={HOME}/bin:/usr/bin:/bin"), "USER=tester".into()];
        let mut all = vec!["timeout", "120", "setpriv", &user, &group, "--clear-groups", "env", "-i", &runtime];
        all.extend(home.iter().map(String::as_str));
        all.extend(variables);
        all.extend(words);
        self.root(&all)
    }

    /// Runs a command as root.
    pub fn root(&self, words: &[&str]) -> Said {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.inside, "--mount", "--pid", "--"]).args(words);
        let output = command.stdin(Stdio::null()).output().expect("nsenter runs");
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let text = out.clone() + &String::from_utf8_lossy(&output.stderr);
        Said { code: output.status.code(), out, text }
    }

    pub fn ok(&self, words: &[&str]) -> String {
        let said = self.run(words);
        assert_eq!(said.code, Some(0), "{words:?}: {}", said.text);
        said.text
    }

    /// A property of the service.
    pub fn property(&self, name: &str) -> String {
        self.run(&["systemctl", "--user", "show", "similard.service", "--value", "-p", name]).text.trim().to_owned()
    }

    pub fn status(&self) -> serde_json::Value {
        let said = self.run(&["simctl", "--no-start", "status", "--json"]);
        serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {}", said.text))
    }

    /// The process id, inside, of the daemon that answers. It must be that of the service.
    pub fn service_pid(&self) -> String {
        let status = self.status();
        let pid = self.property("MainPID");
        assert_eq!(status["pid"].to_string(), pid, "the service's daemon answers");
        pid
    }

    pub fn install(&self) -> String {
        let text = self.ok(&["simctl", "service", "install"]);
        assert!(text.contains("The daemon answers") && self.property("ActiveState") == "active", "{text}");
        text
    }

    /// Waits until the service has another process.
    pub fn wait_for_another(&self, pid: &str) -> String {
        wait_until("the service is started again", || {
            self.property("ActiveState") == "active" && !["0", pid].contains(&self.property("MainPID").as_str())
        });
        self.service_pid()
    }
}

impl Drop for UserManager {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let deadline = std::time::Instant::now() + PATIENCE;
        while self.process.try_wait().is_ok_and(|ended| ended.is_none()) && std::time::Instant::now() < deadline {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
