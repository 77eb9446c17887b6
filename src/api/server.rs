//! The server. It accepts connections of this user only, and none can block the others.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::response::IntoResponse;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::time::Sleep;

use super::problem::{Code, Problem};
use super::{Service, routes};

/// The connections that are kept. Beyond this number the oldest idle one is closed, or else the oldest that is
/// receiving an answer.
const MAX_SERVED_CONNECTIONS: usize = 400;

/// The most connections, if all of them have requests. A process has 1,024 descriptors.
const MAX_CONNECTIONS: usize = 800;

/// The time for the request line and headers, also on a connection that is kept open.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long an answer may wait for the client to read.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a body is read on after an answer that did not need it, and for how long.
const MAX_READ_ON_BYTES: usize = 64 << 20;
const READ_ON_TIMEOUT: Duration = Duration::from_secs(5);

/// The buffer of a connection.
const BUFFER_BYTES: usize = 64 << 10;

/// Serves a bound socket until `stop` resolves.
///
/// # Errors
/// When the socket breaks.
pub async fn serve(listener: UnixListener, service: Arc<dyn Service>, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let app = routes::router(service);
    tokio::select! {
        broken = accept(listener, app) => broken,
        // Running answers, event streams included, do not delay the end.
        () = stop => Ok(()),
    }
}

async fn accept(listener: UnixListener, app: Router) -> io::Result<()> {
    let stranger = Router::new().fallback(async || Problem::new(Code::ForeignUser, "this is another user's library").into_response());
    let connections = Connections::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => continue,
            // No descriptor is free. Others will be closed soon.
            Err(e) if matches!(Errno::from_io_error(&e), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            Err(e) => return Err(e),
        };
        let app = if is_allowed(&stream) { app.clone() } else { stranger.clone() };
        // A connection beyond the limit is closed.
        if let Some(connection) = connections.admit() {
            tokio::spawn(serve_connection(stream, app, connection));
        }
    }
}

/// Whether the peer is this user or root.
fn is_allowed(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// Serves one connection until either side ends it.
async fn serve_connection(stream: UnixStream, app: Router, connection: Arc<Connection>) {
    let io = TokioIo::new(WithWriteTimeout { stream, timeout: WRITE_TIMEOUT, until: None });
    let service = TowerToHyperService::new(app);
    let for_requests = connection.clone();
    let counted = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (connection, service) = (for_requests.clone(), service.clone());
        async move {
            connection.enter(Stage::Asking);
            let answer = hyper::service::Service::call(&service, request.map(|body| ReadOn(Some(body))))
                .await
                .unwrap_or_else(|never| match never {});
            connection.enter(Stage::Answered);
            Ok::<_, Infallible>(answer.map(|body| Answer { body, connection }))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(BUFFER_BYTES);
    tokio::select! {
        // A client that disconnects or sends garbage affects only its own connection.
        _ = http.serve_connection(io, counted) => {}
        () = connection.must_close.notified() => {}
    }
}

/// The state of a connection.
#[derive(Default)]
struct Connection {
    stage: Mutex<Stage>,
    must_close: Notify,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// Idle: before its first request, or between two.
    #[default]
    Idle,
    /// Until the head of the answer is sent.
    Asking,
    /// Until the end of the answer. Event streams do not end.
    Answered,
}

impl Connection {
    fn enter(&self, stage: Stage) {
        *lock(&self.stage) = stage;
    }
}

/// All connections, oldest first.
#[derive(Default)]
struct Connections(Mutex<VecDeque<Weak<Connection>>>);

impl Connections {
    /// Adds a connection, and closes another if there are too many. `None` if far too many all have requests.
    fn admit(&self) -> Option<Arc<Connection>> {
        let connection = Arc::<Connection>::default();
        let mut connections = lock(&self.0);
        connections.retain(|connection| connection.strong_count() > 0);
        if connections.len() >= MAX_SERVED_CONNECTIONS {
            let oldest = |stage| {
                connections.iter().position(|connection| connection.upgrade().is_some_and(|connection| *lock(&connection.stage) == stage))
            };
            // It is not counted any more, although it takes a moment to close.
            let spared = oldest(Stage::Idle).or_else(|| oldest(Stage::Answered)).and_then(|at| connections.remove(at)?.upgrade());
            spared.into_iter().for_each(|connection| connection.must_close.notify_one());
            if connections.len() >= MAX_CONNECTIONS {
                return None;
            }
        }
        connections.push_back(Arc::downgrade(&connection));
        Some(connection)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body of a request. What the handler leaves of it is read on and dropped, up to a limit. A client that is still sending
/// when it is refused would otherwise find the connection closed, and might not see why.
struct ReadOn(Option<Incoming>);

impl HttpBody for ReadOn {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.0.as_mut().map_or(Poll::Ready(None), |body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

impl Drop for ReadOn {
    fn drop(&mut self) {
        let (Some(body), Ok(runtime)) = (self.0.take(), Handle::try_current()) else { return };
        if !body.is_end_stream() {
            runtime.spawn(tokio::time::timeout(READ_ON_TIMEOUT, read_on(body)));
        }
    }
}

async fn read_on(mut body: Incoming) {
    let mut left = MAX_READ_ON_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        match left.checked_sub(frame.data_ref().map_or(0, Bytes::len)) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}

/// The body of an answer. Its end is the end of the request.
struct Answer {
    body: Body,
    connection: Arc<Connection>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.connection.enter(Stage::Idle);
    }
}

/// A stream whose writes fail if the peer does not read for long.
struct WithWriteTimeout {
    stream: UnixStream,
    timeout: Duration,
    /// While a write waits.
    until: Option<Pin<Box<Sleep>>>,
}

impl WithWriteTimeout {
    fn patiently<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let timeout = self.timeout;
        let until = self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(until.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for WithWriteTimeout {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for WithWriteTimeout {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.patiently(context, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.patiently(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn a_write_ends_if_the_client_does_not_read() {
        let (stream, mut client) = UnixStream::pair().expect("a pair");
        let mut server = WithWriteTimeout { stream, timeout: Duration::from_millis(100), until: None };
        // A client that reads now and then gets all of it.
        let written = tokio::spawn(async move {
            server.write_all(&[1; 4 << 20]).await.expect("is read");
            server
        });
        let mut bytes = vec![0; 4 << 20];
        client.read_exact(&mut bytes).await.expect("is written");
        let mut server = written.await.expect("does not panic");
        let error = server.write_all(&bytes).await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
