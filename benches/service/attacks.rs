//! Attacks by faulty or malicious clients. Each attack runs for its time, reopens connections that the daemon closed,
//! and counts the outcomes.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::client::{self, status_of};

pub struct Target<'a> {
    pub socket: &'a Path,
    pub until: Instant,
    /// A photo that is not in the library.
    pub photo: &'a [u8],
}

impl Target<'_> {
    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }
}

/// The number of each outcome.
pub type Outcomes = BTreeMap<String, u64>;

pub type Attack = fn(&Target<'_>) -> Outcomes;

pub const ALL: [(&str, Attack); 13] = [
    ("nobody else", |target| {
        thread::sleep(target.until.saturating_duration_since(Instant::now()));
        Outcomes::new()
    }),
    ("500 idle connections", |target| hold(target, 500, Reads::Yes, |_| Vec::new())),
    ("100 slow senders, a byte a second", |target| hold(target, 100, Reads::Yes, slowly)),
    ("50 clients that ask for clusters and never read", |target| hold(target, 50, Reads::No, endlessly)),
    ("50 senders of random bytes", |target| crowd(target, 50, random_bytes)),
    ("8 bodies of 1 GB, announced", |target| crowd(target, 8, |g, _| body(g, Frame::Announced(GIGABYTE), Pace::Fast))),
    ("8 bodies of 500 MB, announced", |target| crowd(target, 8, |g, _| body(g, Frame::Announced(GIGABYTE / 2), Pace::Fast))),
    ("8 bodies of 1 GB, in chunks", |target| crowd(target, 8, |g, _| body(g, Frame::Chunked, Pace::Fast))),
    ("8 bodies of 500 MB, announced, slowly", |target| crowd(target, 8, |g, _| body(g, Frame::Announced(GIGABYTE / 2), Pace::Slow))),
    ("8 bodies of 1 GB, in chunks, slowly", |target| crowd(target, 8, |g, _| body(g, Frame::Chunked, Pace::Slow))),
    ("40 clients that ask for similar photos without a pause", |target| crowd(target, 40, similar)),
    ("40 clients that ask for clusters without a pause", |target| crowd(target, 40, clusters)),
    ("20 clients of another user", strangers),
];

/// Whether a connection reads its answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reads {
    Yes,
    No,
}

/// Keeps `count` connections open. Every second each sends `words` of its age in seconds.
fn hold(target: &Target<'_>, count: usize, reads: Reads, words: fn(usize) -> Vec<u8>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let mut held: Vec<Option<(UnixStream, usize)>> = (0..count).map(|_| None).collect();
    while !target.is_over() {
        for place in &mut held {
            if place.is_none() {
                *place = connect(target.socket).ok().map(|stream| (stream, 0));
            }
            let Some((stream, age)) = place else { continue };
            let outcome = match stream.write_all(&words(*age)) {
                Err(e) if e.kind() != io::ErrorKind::WouldBlock => Some("closed".to_owned()),
                _ if reads == Reads::Yes => heard(stream),
                _ => None,
            };
            *age += 1;
            if let Some(outcome) = outcome {
                *outcomes.entry(outcome).or_default() += 1;
                *place = None;
            }
        }
        thread::sleep(Duration::from_secs(1).min(target.until.saturating_duration_since(Instant::now())));
    }
    outcomes.insert("open at the end".into(), held.iter().flatten().count() as u64);
    outcomes
}

fn connect(socket: &Path) -> io::Result<UnixStream> {
    let stream = UnixStream::connect(socket)?;
    stream.set_nonblocking(true)?;
    Ok(stream)
}

/// The answer on a connection, if there is one or the connection has ended.
fn heard(stream: &mut UnixStream) -> Option<String> {
    let mut answer = [0; 256];
    match stream.read(&mut answer) {
        Ok(length) => Some(status_of(&answer[..length]).map_or("closed".to_owned(), |status| status.to_string())),
        Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => None,
        Err(_) => Some("closed".to_owned()),
    }
}

fn slowly(age: usize) -> Vec<u8> {
    let request = b"GET /v1/status HTTP/1.1\r\nhost: x\r\n";
    vec![request.get(age).copied().unwrap_or(b'x')]
}

/// Many requests at first, then one each second, which fails if the daemon has closed the connection.
fn endlessly(age: usize) -> Vec<u8> {
    b"GET /v1/clusters HTTP/1.1\r\nhost: x\r\n\r\n".repeat(if age == 0 { 200 } else { 1 })
}

/// Repeats an action in `count` threads.
fn crowd(target: &Target<'_>, count: u64, act: fn(&Target<'_>, &mut Rng) -> String) -> Outcomes {
    let mut outcomes = Outcomes::new();
    thread::scope(|scope| {
        let one = |seed| {
            let (mut rng, mut outcomes) = (Rng::with_seed(seed), Outcomes::new());
            while !target.is_over() {
                *outcomes.entry(act(target, &mut rng)).or_default() += 1;
            }
            outcomes
        };
        let running: Vec<_> = (0..count).map(|seed| scope.spawn(move || one(seed))).collect();
        for thread in running {
            for (outcome, count) in thread.join().expect("no panic") {
                *outcomes.entry(outcome).or_default() += count;
            }
        }
    });
    outcomes
}

fn random_bytes(target: &Target<'_>, rng: &mut Rng) -> String {
    let Ok(mut stream) = UnixStream::connect(target.socket) else { return "not connected".into() };
    let bytes: Vec<u8> = (0..rng.usize(1..4000)).map(|_| rng.u8(..)).collect();
    let _ = stream.write_all(&bytes);
    let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
    heard(&mut stream).unwrap_or_else(|| "no answer in 200 ms".into())
}

/// How the end of a body is marked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    /// By its length, in bytes.
    Announced(usize),
    /// By its last chunk. The body is a gigabyte.
    Chunked,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    Fast,
    /// 64 KiB a second.
    Slow,
}

const MEBIBYTE: usize = 1 << 20;

const GIGABYTE: usize = 1_000_000_000;

fn body(target: &Target<'_>, frame: Frame, pace: Pace) -> String {
    let Ok(mut stream) = UnixStream::connect(target.socket) else { return "not connected".into() };
    let _ = stream.set_write_timeout(Some(Duration::from_millis(500)));
    let _ = stream.set_read_timeout(Some(Duration::from_millis(500)));
    let (size, length, block) = match frame {
        Frame::Announced(size) => (size, format!("content-length: {size}"), vec![7; MEBIBYTE]),
        Frame::Chunked => (GIGABYTE, "transfer-encoding: chunked".into(), [b"100000\r\n", &vec![7; MEBIBYTE][..], b"\r\n"].concat()),
    };
    let _ = stream.write_all(format!("POST /v1/similar HTTP/1.1\r\nhost: x\r\n{length}\r\n\r\n").as_bytes());
    let mut sent = 0;
    while sent < size && !target.is_over() {
        let from = sent % block.len();
        let to = block.len().min(from + if pace == Pace::Fast { size - sent } else { 64 << 10 });
        match stream.write(&block[from..to]) {
            Ok(length) => sent += length,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        if pace == Pace::Slow {
            thread::sleep(Duration::from_secs(1));
        }
    }
    heard(&mut stream).unwrap_or_else(|| "no answer by the end".into())
}

fn similar(target: &Target<'_>, _: &mut Rng) -> String {
    client::post(target.socket, "/v1/similar?k=3", target.photo).map_or("closed".into(), |answer| answer.status.to_string())
}

fn clusters(target: &Target<'_>, _: &mut Rng) -> String {
    client::get(target.socket, "/v1/clusters").map_or("closed".into(), |answer| answer.status.to_string())
}

/// Requests of another user. The modes of the socket and its directory are opened first, so that only the check of the
/// peer keeps the user out.
fn strangers(target: &Target<'_>) -> Outcomes {
    let mut outcomes = Outcomes::new();
    let directory = target.socket.parent().expect("a directory");
    let modes = |home: u32, socket: u32| {
        let set = |path: &Path, mode| fs::set_permissions(path, Permissions::from_mode(mode));
        let parent = directory.parent().expect("a home");
        set(parent, home).and(set(directory, home)).and(set(target.socket, socket)).expect("modes are changed");
    };
    modes(0o755, 0o666);
    let seconds = target.until.saturating_duration_since(Instant::now()).as_secs().to_string();
    let ask = || {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(std::env::current_exe()?);
        command.arg("stranger").arg(target.socket).arg(&seconds).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
    };
    let running: Vec<_> = (0..20).filter_map(|_| ask().ok()).collect();
    for process in running {
        let Ok(output) = process.wait_with_output() else { continue };
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let (outcome, count) = line.rsplit_once(' ').unwrap_or((line, "1"));
            *outcomes.entry(outcome.to_owned()).or_default() += count.parse::<u64>().unwrap_or(1);
        }
    }
    modes(0o700, 0o600);
    if outcomes.is_empty() {
        outcomes.insert("not tried: this needs root and setpriv".into(), 0);
    }
    outcomes
}

/// Sends requests, in a process of another user.
pub fn ask_as_a_stranger(socket: &Path, seconds: u64) {
    let target = Target { socket, until: Instant::now() + Duration::from_secs(seconds), photo: b"" };
    for (outcome, count) in
        crowd(&target, 1, |target, _| client::get(target.socket, "/v1/status").map_or("closed".into(), |answer| answer.status.to_string()))
    {
        println!("{outcome} {count}");
    }
}
