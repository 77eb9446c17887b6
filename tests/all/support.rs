//! An instance of similard in its own home directory, and requests to it.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

#[path = "skip.rs"]
mod skip;

pub use skip::skip;

/// The longest wait in a test.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Takes an index back to the version before metadata.
pub const BEFORE_METADATA: &str = "DROP TRIGGER photo_went; DROP TABLE comparisons;
     ALTER TABLE photos DROP COLUMN quantisation; ALTER TABLE photos DROP COLUMN detail;
     DROP INDEX photos_without_picture; ALTER TABLE photos DROP COLUMN decoding;
     DROP INDEX photos_of_unknown_colours; ALTER TABLE photos DROP COLUMN converted;
     DROP INDEX photos_stale; ALTER TABLE photos DROP COLUMN stale; DELETE FROM settings WHERE name LIKE 'pictures%';
     DROP INDEX photos_by_pixels; ALTER TABLE photos DROP COLUMN pixels;
     DROP INDEX files_replaced; ALTER TABLE files DROP COLUMN replaced;
     DROP TABLE others; DROP INDEX files_unread_by_size;
     DROP TRIGGER content_went; DROP TRIGGER content_changed; DROP TABLE metadata; PRAGMA user_version = 7;";

pub struct Instance {
    home: TempDir,
}

impl Instance {
    pub fn new() -> Instance {
        Instance { home: tempfile::tempdir().expect("a home") }
    }

    /// A new folder for photos.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.home.path().join(name);
        fs::create_dir_all(&folder).expect("a folder");
        fs::canonicalize(folder).expect("it is there")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    pub fn socket(&self) -> PathBuf {
        self.data_dir().join("api.sock")
    }

    pub fn command(&self) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_simctl"))
    }

    /// Another program, with the environment of this instance.
    pub fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("SIMILARD_DATA_DIR", self.data_dir())
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::null());
        command
    }

    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        self.command().args(arguments).output().expect("simctl runs")
    }

    /// Runs a command that must succeed. Returns its standard output.
    pub fn ok<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "exit {:?}: {errors}", output.status.code());
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn json<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Value {
        serde_json::from_str(&self.ok(arguments)).expect("JSON")
    }

    /// The answer about a folder, also if places are offline or not read yet.
    pub fn dupes(&self, folder: &Path) -> Value {
        self.json([OsStr::new("dupes"), OsStr::new("--format=json"), OsStr::new("--partial"), folder.as_os_str()])
    }

    /// Writes the settings file, before the daemon starts.
    pub fn configure(&self, settings: &str) {
        fs::write(self.folder(".config/similard").join("config.toml"), settings).expect("written");
    }

    /// Stops the daemon, and waits until it has ended.
    pub fn stop(&self) {
        let pid = self.pid();
        self.raw(b"POST /v1/stop HTTP/1.1\r\nhost: similard\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", PATIENCE);
        wait_until("the daemon has ended", || !Path::new(&format!("/proc/{pid}")).exists());
    }

    /// Writes the output of `events` from now on to a file.
    pub fn listen(&self, name: &str) -> Listener {
        let log = self.data_dir().join(name);
        let file = fs::File::create(&log).expect("a file");
        let process = self.command().args(["events", "--format=ndjson"]).stdout(file).spawn().expect("runs");
        let listener = Listener { log, process };
        // It is connected once it receives an event of a scan.
        wait_until("it listens", || {
            self.ok(["scan"]);
            listener.events().iter().any(|e| e["event"] == "scan-finished")
        });
        listener
    }

    pub fn status(&self) -> Value {
        let (code, status) = self.get("/v1/status");
        assert_eq!(code, 200, "{status}");
        status
    }

    pub fn counter(&self, name: &str) -> u64 {
        self.status()["counters"][name].as_u64().expect("a counter")
    }

    /// Sends bytes to the socket and reads until the daemon closes the connection, or sends nothing for `timeout`.
    pub fn raw(&self, request: &[u8], timeout: Duration) -> Vec<u8> {
        let mut socket = UnixStream::connect(self.socket()).expect("the daemon listens");
        socket.set_read_timeout(Some(timeout)).expect("a timeout");
        // The server may close the connection on invalid bytes before all are sent.
        let _ = socket.write_all(request);
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        answer
    }

    pub fn get(&self, target: &str) -> (u16, Value) {
        let (status, body) = self.ask("GET", target, "application/json");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    /// Sends a request. Returns the status and the body of the answer.
    pub fn ask(&self, method: &str, target: &str, accept: &str) -> (u16, String) {
        // With HTTP 1.0 the body is not sent in chunks.
        let request = format!("{method} {target} HTTP/1.0\r\nhost: similard\r\naccept: {accept}\r\ncontent-length: 0\r\n\r\n");
        let answer = self.raw(request.as_bytes(), Duration::from_secs(20));
        let text = String::from_utf8_lossy(&answer);
        let status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
        let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        (status, body.to_owned())
    }

    pub fn pid(&self) -> u32 {
        self.status()["pid"].as_u64().expect("a process") as u32
    }

    /// The decoding processes of the daemon. Each is a child of one of its threads.
    pub fn children(&self) -> Vec<Pid> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("the daemon runs").flatten();
        let children = threads.map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
        let numbers =
            children.flat_map(|list| list.split_whitespace().map(|number| number.parse().expect("a process")).collect::<Vec<_>>());
        numbers.filter_map(Pid::from_raw).collect()
    }

    /// Sends a signal to the decoding processes of the daemon, and returns how many it has.
    pub fn signal_children(&self, signal: Signal) -> usize {
        let children = self.children();
        for child in &children {
            // It may have ended just now.
            let _ = kill_process(*child, signal);
        }
        children.len()
    }

    /// Kills the daemon with SIGKILL, and waits until it is gone.
    pub fn kill(&self) {
        let pid = self.pid();
        let killed = Command::new("kill").args(["-9", &pid.to_string()]).status().expect("kill runs");
        assert!(killed.success());
        wait_until("the daemon is dead", || UnixStream::connect(self.socket()).is_err());
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if let Ok(mut socket) = UnixStream::connect(self.socket()) {
            let _ = socket.write_all(b"POST /v1/stop HTTP/1.1\r\nhost: similard\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = socket.read_to_end(&mut Vec::new());
        }
        let lock = self.data_dir().join("lock");
        let deadline = Instant::now() + Duration::from_secs(10);
        while fs::File::open(&lock).is_ok_and(|file| file.try_lock_shared().is_err()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// A running `simctl events`.
pub struct Listener {
    log: PathBuf,
    process: std::process::Child,
}

impl Listener {
    pub fn events(&self) -> Vec<Value> {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// Waits for an event.
    pub fn receives(&self, name: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let mut found = None;
        let what = format!("event {name} arrives");
        wait_until(&what, || {
            found = self.events().into_iter().find(|event| event["event"] == name && is_it(event));
            found.is_some()
        });
        found.expect("just found")
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    let mut pause = Duration::from_millis(10);
    while !holds() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(pause);
        // What takes long is asked for less often, because other tests need the processor.
        pause = pause.mul_f64(1.2).min(Duration::from_millis(150));
    }
}

/// The clusters of an answer as sets of file names, each sorted, all sorted.
pub fn names(answer: &Value) -> Vec<Vec<String>> {
    let file_name = |path: &Value| Path::new(path.as_str().expect("a path")).file_name().expect("a name").to_string_lossy().into_owned();
    let mut clusters: Vec<Vec<String>> = array(&answer["clusters"])
        .iter()
        .map(|cluster| {
            let mut names: Vec<String> = array(&cluster["photos"]).iter().flat_map(|p| array(&p["paths"])).map(file_name).collect();
            names.sort();
            names
        })
        .collect();
    clusters.sort();
    clusters
}

pub fn array(value: &Value) -> &[Value] {
    value.as_array().expect("an array")
}
