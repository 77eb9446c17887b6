//! A client of the API: one connection for each request.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt;
use http_body_util::{BodyExt, BodyStream, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use thiserror::Error;
use tokio::net::UnixStream;

use super::types::{ErrorBody, ErrorText, Event};

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum Error {
    /// No daemon listens.
    #[error("no daemon answers at {socket}: {source}")]
    Unreachable { socket: PathBuf, source: io::Error },
    /// It listened, then went away or spoke something else.
    #[error("the daemon's answer cannot be read: {0}")]
    Broken(String),
    /// It said no.
    #[error("{}", .0.message)]
    Refused(ErrorText),
}

impl From<hyper::Error> for Error {
    fn from(error: hyper::Error) -> Error {
        Error::Broken(error.to_string())
    }
}

/// How long to wait for a connection to be taken: a daemon that is there takes it at once.
const CONNECT: Duration = Duration::from_secs(5);

/// Queries up to this many bytes go in the request's line.
const LONGEST_URI: usize = 8000;

/// Speaks to the daemon behind a socket.
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

    /// Asks with a query of any length.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn ask<T: DeserializeOwned>(&self, route: &str, query: String) -> Result<T, Error> {
        if query.len() <= LONGEST_URI { self.get(&format!("{route}?{query}")).await } else { self.post(route, query.into()).await }
    }

    /// # Errors
    /// See [`enum@Error`].
    pub async fn post<T: DeserializeOwned>(&self, target: &str, body: Vec<u8>) -> Result<T, Error> {
        self.call(Method::POST, target, body.into()).await
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

    /// Asks the daemon to end.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn stop(&self) -> Result<(), Error> {
        self.send(Method::POST, "/v1/stop", Bytes::new()).await.map(drop)
    }

    /// Calls `take` with every event until it says false or the daemon ends.
    ///
    /// # Errors
    /// See [`enum@Error`].
    pub async fn events(&self, mut take: impl FnMut(Event) -> bool) -> Result<(), Error> {
        let response = self.send(Method::GET, "/v1/events", Bytes::new()).await?;
        let mut body = BodyStream::new(response.into_body());
        let mut pending = Vec::new();
        while let Some(frame) = body.next().await {
            let Ok(data) = frame?.into_data() else { continue };
            pending.extend_from_slice(&data);
            while let Some(end) = pending.iter().position(|&b| b == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                let Some(json) = line.strip_prefix(b"data:") else { continue };
                let event = serde_json::from_slice(json).map_err(|e| Error::Broken(e.to_string()))?;
                if !take(event) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn call<T: DeserializeOwned>(&self, method: Method, target: &str, body: Bytes) -> Result<T, Error> {
        let response = self.send(method, target, body).await?;
        let body = response.into_body().collect().await?.to_bytes();
        serde_json::from_slice(&body).map_err(|e| Error::Broken(e.to_string()))
    }

    async fn send(&self, method: Method, target: &str, body: Bytes) -> Result<Response<Incoming>, Error> {
        let unreachable = |source| Error::Unreachable { socket: self.socket.clone(), source };
        let connected = tokio::time::timeout(CONNECT, UnixStream::connect(&self.socket)).await;
        let stream = connected.map_err(|e| unreachable(e.into()))?.map_err(unreachable)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = Request::builder().method(method).uri(target).header("host", "similard").body(Full::new(body));
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
