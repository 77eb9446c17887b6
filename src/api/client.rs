//! A client of the API: one connection for each request.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use http_body_util::{BodyExt, BodyStream, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use thiserror::Error;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::listing::NDJSON;
use super::types::{End, Event};
use crate::sys::own_file;

/// Why a request failed.
#[derive(Debug, Error)]
pub enum Error {
    /// No daemon listens.
    #[error("no daemon answers at {socket}: {source}")]
    Unreachable { socket: PathBuf, source: io::Error },
    /// The daemon ended, or its answer is not valid.
    #[error("the daemon's answer cannot be read: {0}")]
    Broken(String),
    /// The daemon refused.
    #[error("{}", .0.message)]
    Refused(ErrorText),
}

impl From<hyper::Error> for Error {
    fn from(error: hyper::Error) -> Error {
        Error::Broken(error.to_string())
    }
}

/// How long to wait for a connection. A running daemon accepts it at once.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest query in a URI. A longer one is sent as the body.
const MAX_URI_BYTES: usize = 8000;

const JSON: &str = "application/json";

/// The body of every refusal.
#[derive(Deserialize)]
struct ErrorBody {
    error: ErrorText,
}

/// The reason of a refusal.
#[derive(Clone, Debug, Deserialize)]
pub struct ErrorText {
    /// A [`Code`](super::Code), or one of a newer daemon.
    pub code: String,
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

/// What a line of a long answer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Piece {
    Begin,
    Item,
    End,
}

/// The lines of a long answer that are not items.
#[derive(Deserialize)]
struct Frame<'a> {
    #[serde(borrow)]
    begin: Option<&'a RawValue>,
    end: Option<End>,
}

/// A client of the daemon at a socket.
#[derive(Clone, Debug)]
pub struct Client {
    socket: PathBuf,
}

impl Client {
    pub fn new(socket: &Path) -> Client {
        Client { socket: socket.to_owned() }
    }

    /// # Errors
    /// See [`enum@Error`].
    pub async fn get<T: DeserializeOwned>(&self, target: &str) -> Result<T, Error> {
        self.call(Method::GET, target, Bytes::new()).await
    }

    /// Sends a query of any length.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn ask<T: DeserializeOwned>(&self, route: &str, query: String) -> Result<T, Error> {
        let (method, target, body) = question(route, query);
        self.call(method, &target, body).await
    }

    /// Requests a long answer, and passes its lines to `take` as they arrive. Returns the end of the answer.
    ///
    /// # Errors
    /// See [`enum@Error`]. An answer without an end is [`Broken`](Error::Broken). Also the errors of `take`.
    pub async fn list<E: From<Error>>(
        &self,
        route: &str,
        query: String,
        mut take: impl FnMut(Piece, &RawValue) -> Result<(), E>,
    ) -> Result<End, E> {
        let (method, target, body) = question(route, query);
        let broken = |e: serde_json::Error| Error::Broken(e.to_string());
        let mut end = None;
        let mut lines = lines(self.send(method, &target, body, NDJSON).await?);
        while let Some(line) = lines.recv().await {
            let line = line?;
            let piece = match serde_json::from_slice(&line).map_err(broken)? {
                Frame { begin: None, end: None } => Piece::Item,
                Frame { end: None, .. } => Piece::Begin,
                frame => {
                    end = frame.end;
                    Piece::End
                }
            };
            take(piece, serde_json::from_slice(&line).map_err(broken)?)?;
        }
        Ok(end.ok_or_else(|| Error::Broken("it broke off".into()))?)
    }

    /// # Errors
    /// See [`enum@Error`].
    pub async fn post<T: DeserializeOwned>(&self, target: &str, body: Vec<u8>) -> Result<T, Error> {
        self.call(Method::POST, target, body.into()).await
    }

    /// Sends lines of JSON, and returns the lines of the answer.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn post_lines<T: Serialize, U: DeserializeOwned>(&self, target: &str, items: &[T]) -> Result<Vec<U>, Error> {
        let broken = |e: serde_json::Error| Error::Broken(e.to_string());
        let mut body = Vec::new();
        for item in items {
            serde_json::to_writer(&mut body, item).map_err(broken)?;
            body.push(b'\n');
        }
        let response = self.send(Method::POST, target, body.into(), NDJSON).await?;
        let answer = response.into_body().collect().await?.to_bytes();
        let lines = answer.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_slice(line).map_err(broken)).collect()
    }

    /// # Errors
    /// See [`enum@Error`].
    pub async fn delete(&self, target: &str) -> Result<(), Error> {
        self.call(Method::DELETE, target, Bytes::new()).await
    }

    /// Deletes what a body names.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn take_back<T: DeserializeOwned>(&self, target: &str, body: Vec<u8>) -> Result<T, Error> {
        self.call(Method::DELETE, target, body.into()).await
    }

    /// Stops the daemon.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn stop(&self) -> Result<(), Error> {
        self.send(Method::POST, "/v1/stop", Bytes::new(), JSON).await.map(drop)
    }

    /// Calls `take` with every event until it returns false or the daemon ends.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn events(&self, mut take: impl FnMut(Event) -> bool) -> Result<(), Error> {
        let mut lines = lines(self.send(Method::GET, "/v1/events", Bytes::new(), "text/event-stream").await?);
        while let Some(line) = lines.recv().await {
            let line = line?;
            let Some(json) = line.strip_prefix(b"data:") else { continue };
            let event = serde_json::from_slice(json).map_err(|e| Error::Broken(e.to_string()))?;
            if !take(event) {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, target: &str, body: Bytes) -> Result<T, Error> {
        let response = self.send(method, target, body, JSON).await?;
        let is_empty = response.status() == StatusCode::NO_CONTENT;
        let body = response.into_body().collect().await?.to_bytes();
        let json: &[u8] = if is_empty { b"null" } else { &body };
        serde_json::from_slice(json).map_err(|e| Error::Broken(e.to_string()))
    }

    async fn send(&self, method: Method, target: &str, body: Bytes, accept: &str) -> Result<Response<Incoming>, Error> {
        let unreachable = |source| Error::Unreachable { socket: self.socket.clone(), source };
        // Root may speak to any user's daemon, as the daemon allows it.
        if !rustix::process::geteuid().is_root() || self.socket.is_symlink() {
            own_file::check(&self.socket).map_err(unreachable)?;
        }
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, UnixStream::connect(&self.socket)).await;
        let stream = connected.map_err(|e| unreachable(e.into()))?.map_err(unreachable)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(target).header("host", "similard").header("accept", accept);
        let request = request.body(Full::new(body));
        let request = request.map_err(|e| Error::Broken(e.to_string()))?;
        let response = sender.send_request(request).await?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        let refused = serde_json::from_slice::<ErrorBody>(&body).map(|b| b.error);
        Err(Error::Refused(refused.unwrap_or_else(|_| ErrorText {
            code: status.as_u16().to_string(),
            message: format!("the daemon answered {status}"),
            hint: None,
        })))
    }
}

/// A request with a query of any length.
fn question(route: &str, query: String) -> (Method, String, Bytes) {
    if query.len() <= MAX_URI_BYTES {
        (Method::GET, format!("{route}?{query}"), Bytes::new())
    } else {
        (Method::POST, route.to_owned(), query.into())
    }
}

/// The lines of an answer. They are received as they arrive, even if the caller reads slowly, because the daemon does
/// not wait long.
fn lines(response: Response<Incoming>) -> UnboundedReceiver<Result<Bytes, Error>> {
    let (out, lines) = unbounded_channel();
    tokio::spawn(async move {
        let mut body = Lines { body: BodyStream::new(response.into_body()), text: BytesMut::new() };
        while let Some(line) = body.next().await.transpose() {
            let is_last = line.is_err();
            if out.send(line).is_err() || is_last {
                return;
            }
        }
    });
    lines
}

/// The lines of a body, without line ends.
struct Lines {
    body: BodyStream<Incoming>,
    /// Received bytes that were not returned yet.
    text: BytesMut,
}

impl Lines {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut searched = 0;
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.text[searched..]) {
                let mut line = self.text.split_to(searched + end + 1);
                line.truncate(searched + end);
                return Ok(Some(line.freeze()));
            }
            searched = self.text.len();
            let Some(frame) = self.body.next().await else { return Ok(None) };
            if let Ok(data) = frame?.into_data() {
                self.text.extend_from_slice(&data);
            }
        }
    }
}
