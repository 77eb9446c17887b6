//! A daemon in its own home directory, as a child of this process.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::client;

/// The longest wait.
const PATIENCE: Duration = Duration::from_secs(180);

/// The home directory of a daemon, with its index and its photos.
pub struct Home {
    home: TempDir,
    simctl: PathBuf,
}

impl Home {
    pub fn new(simctl: &Path) -> Home {
        Home { home: tempfile::tempdir().expect("a home"), simctl: simctl.to_owned() }
    }

    /// The folder for photos.
    pub fn folder(&self) -> PathBuf {
        let folder = self.home.path().join("photos");
        fs::create_dir_all(&folder).expect("a folder");
        fs::canonicalize(folder).expect("it is there")
    }

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    pub fn socket(&self) -> PathBuf {
        self.data().join("api.sock")
    }

    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(&self.simctl);
        command.args(arguments).env_clear().env("HOME", self.home.path()).env("SIMILARD_DATA_DIR", self.data());
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Starts a daemon and waits for its first answer, a status.
    pub fn start(&self) -> Daemon {
        let began = Instant::now();
        let child = self.command(["daemon"]).stderr(self.log()).spawn().expect("simctl runs");
        let daemon = Daemon { child, socket: self.socket() };
        while !client::get(&daemon.socket, "/v1/status").is_ok_and(|answer| answer.status == 200) {
            assert!(began.elapsed() < PATIENCE, "the daemon does not start");
            thread::sleep(Duration::from_micros(500));
        }
        daemon
    }

    fn log(&self) -> Stdio {
        let log = fs::File::options().create(true).append(true).open(self.home.path().join("log"));
        log.map_or(Stdio::null(), Stdio::from)
    }

    /// The same as [`start`](Home::start), with the folder watched.
    pub fn watch(&self) -> Daemon {
        let daemon = self.start();
        let target = format!("/v1/roots?path={}", self.folder().display());
        assert_eq!(client::post(&daemon.socket, &target, b"").expect("an answer").status, 200);
        daemon
    }
}

/// A running daemon. It ends when this is dropped.
pub struct Daemon {
    child: Child,
    pub socket: PathBuf,
}

impl Daemon {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn json(&self, target: &str) -> Value {
        let answer = client::get(&self.socket, target).expect("an answer");
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// Waits until everything is read. Returns the coverage.
    pub fn settle(&self) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let progress = self.json("/v1/wait?timeout_ms=5000");
            if progress["settled"] == true {
                return progress["coverage"].clone();
            }
            assert!(Instant::now() < deadline, "it does not settle: {progress}");
        }
    }

    /// Sends SIGTERM and waits until the daemon has ended.
    pub fn end(&mut self) -> (Duration, ExitStatus) {
        let began = Instant::now();
        self.terminate().expect("a signal");
        let status = self.child.wait().expect("it ends");
        (began.elapsed(), status)
    }

    fn terminate(&self) -> io::Result<()> {
        let pid = Pid::from_raw(self.child.id() as i32).ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process(pid, Signal::TERM)?)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.terminate();
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
