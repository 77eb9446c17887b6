//! Clients: one that sends each request on its own connection, as `simctl` does, and one that listens to events.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;

/// The longest wait for the next bytes of an answer.
const PATIENCE: Duration = Duration::from_secs(60);

pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// The time from connecting to the last byte.
    pub seconds: f64,
}

pub fn get(socket: &Path, target: &str) -> io::Result<Answer> {
    ask(socket, "GET", target, b"")
}

pub fn post(socket: &Path, target: &str, body: &[u8]) -> io::Result<Answer> {
    ask(socket, "POST", target, body)
}

fn ask(socket: &Path, method: &str, target: &str, body: &[u8]) -> io::Result<Answer> {
    let began = Instant::now();
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    stream
        .write_all(format!("{method} {target} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n").as_bytes())?;
    stream.write_all(body)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let seconds = began.elapsed().as_secs_f64();
    let status = status_of(&answer).ok_or(io::ErrorKind::InvalidData)?;
    let head = answer.windows(4).position(|w| w == b"\r\n\r\n").ok_or(io::ErrorKind::InvalidData)?;
    Ok(Answer { status, body: answer.split_off(head + 4), seconds })
}

/// The status of the answer at the start of these bytes.
pub fn status_of(answer: &[u8]) -> Option<u16> {
    std::str::from_utf8(answer.get(..12)?).ok()?.strip_prefix("HTTP/1.1 ")?.parse().ok()
}

/// The times of answers.
#[derive(Clone, Default)]
pub struct Latencies(Vec<f64>);

impl Latencies {
    pub fn add(&mut self, seconds: f64) {
        self.0.push(seconds);
    }

    pub fn extend(&mut self, others: Latencies) {
        self.0.extend(others.0);
    }

    pub fn worst(&self) -> f64 {
        self.share(1.0)
    }

    pub fn median(&self) -> f64 {
        self.share(0.5)
    }

    /// The time within which this share of the answers came.
    fn share(&self, share: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let at = (share * sorted.len() as f64).ceil() as usize;
        sorted.get(at.saturating_sub(1)).copied().unwrap_or(0.0)
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |share: f64| 1000.0 * self.share(share);
        write!(f, "{} answers, median {:.1} ms, 99 % in {:.1}, worst {:.1}", self.0.len(), ms(0.5), ms(0.99), ms(1.0))
    }
}

/// A connection to `/v1/events`.
pub struct Listener {
    stream: BufReader<UnixStream>,
    line: Vec<u8>,
}

impl Listener {
    /// `after` is the id of the last event received, as the daemon wrote it.
    pub fn connect(socket: &Path, after: Option<&str>) -> io::Result<Listener> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(Duration::from_millis(250)))?;
        let after = after.map(|id| format!("last-event-id: {id}\r\n")).unwrap_or_default();
        stream.write_all(format!("GET /v1/events HTTP/1.1\r\nhost: x\r\n{after}\r\n").as_bytes())?;
        Ok(Listener { stream: BufReader::new(stream), line: Vec::new() })
    }

    /// The JSON of the next event, or its id. `None` if nothing arrives for a moment.
    ///
    /// # Errors
    /// If the daemon closed the connection.
    pub fn next(&mut self) -> io::Result<Option<Said>> {
        loop {
            match self.stream.read_until(b'\n', &mut self.line) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => return Ok(None),
                Err(e) => return Err(e),
            }
            let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
            if let Some(id) = line.strip_prefix("id: ") {
                return Ok(Some(Said::Id(id.trim().to_owned())));
            }
            if let Some(Ok(event)) = line.strip_prefix("data: ").map(serde_json::from_str) {
                return Ok(Some(Said::Event(event)));
            }
        }
    }
}

pub enum Said {
    Event(Value),
    /// The id of the event before.
    Id(String),
}
