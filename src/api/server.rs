//! The server: connections that are this user's, and none that costs the others anything.

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
use hyper::Request;
use hyper::body::{Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Notify;
use tokio::time::Sleep;

use super::problem::{Code, Problem};
use super::{Service, routes};

/// Connections at once; beyond, the oldest that asks nothing is closed, or else the oldest that is being answered.
const MAX_SERVED_CONNECTIONS: usize = 400;

/// Connections at once, if all of them ask; a process has 1,024 descriptors.
const MAX_CONNECTIONS: usize = 800;

/// How long a request's line and headers may take, also on a connection that is kept.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);

/// How long an answer may wait for whoever asked to read on.
const WRITE_TIMEOUT: Duration = Duration::from_secs(30);

/// Bytes buffered for one connection.
const BUFFER_BYTES: usize = 64 << 10;

/// Answers on a socket that is already bound until `stop` is done.
///
/// # Errors
/// When the socket breaks.
pub async fn serve(listener: UnixListener, service: Arc<dyn Service>, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let app = routes::router(service);
    tokio::select! {
        broken = accept(listener, app) => broken,
        // Answers under way (a listener of events among them) do not hold up the end.
        () = stop => Ok(()),
    }
}

async fn accept(listener: UnixListener, app: Router) -> io::Result<()> {
    let stranger = Router::new().fallback(async || Problem::new(Code::ForeignUser, "this is another user's library").into_response());
    let guests = Guests::default();
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(e) if e.kind() == io::ErrorKind::ConnectionAborted => continue,
            // No descriptor is left: others will give some back.
            Err(e) if matches!(Errno::from_io_error(&e), Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM)) => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            Err(e) => return Err(e),
        };
        let app = if is_allowed(&stream) { app.clone() } else { stranger.clone() };
        // Who cannot be taken up is hung up on.
        if let Some(guest) = guests.admit() {
            tokio::spawn(converse(stream, app, guest));
        }
    }
}

/// Whether this user, or root, is at the other end.
fn is_allowed(stream: &UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// Serves one connection until either side ends it.
async fn converse(stream: UnixStream, app: Router, guest: Arc<Guest>) {
    let io = TokioIo::new(Patient { stream, until: None });
    let service = TowerToHyperService::new(app);
    let for_requests = guest.clone();
    let counted = hyper::service::service_fn(move |request: Request<Incoming>| {
        let (guest, service) = (for_requests.clone(), service.clone());
        async move {
            guest.enter(Stage::Asking);
            let answer = hyper::service::Service::call(&service, request).await.unwrap_or_else(|never| match never {});
            guest.enter(Stage::Answered);
            Ok::<_, Infallible>(answer.map(|body| Answer { body, guest }))
        }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT).max_buf_size(BUFFER_BYTES);
    tokio::select! {
        // A client that breaks off, or talks rubbish, is nobody's business but its own.
        _ = http.serve_connection(io, counted) => {}
        () = guest.must_go.notified() => {}
    }
}

/// A connection, as the others see it.
#[derive(Default)]
struct Guest {
    stage: Mutex<Stage>,
    must_go: Notify,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    /// Before its first request, or between two.
    #[default]
    Idle,
    /// Until the head of the answer.
    Asking,
    /// Until the end of the answer: events have none.
    Answered,
}

impl Guest {
    fn enter(&self, stage: Stage) {
        *lock(&self.stage) = stage;
    }
}

/// All connections, oldest first.
#[derive(Default)]
struct Guests(Mutex<VecDeque<Weak<Guest>>>);

impl Guests {
    /// Takes up another, in place of one that can be spared where there are too many; nobody, where far too many all ask.
    fn admit(&self) -> Option<Arc<Guest>> {
        let guest = Arc::<Guest>::default();
        let mut guests = lock(&self.0);
        guests.retain(|guest| guest.strong_count() > 0);
        if guests.len() >= MAX_SERVED_CONNECTIONS {
            let oldest = |stage| guests.iter().position(|guest| guest.upgrade().is_some_and(|guest| *lock(&guest.stage) == stage));
            // It counts no longer, though it takes a moment to go.
            let spared = oldest(Stage::Idle).or_else(|| oldest(Stage::Answered)).and_then(|at| guests.remove(at)?.upgrade());
            spared.into_iter().for_each(|guest| guest.must_go.notify_one());
            if guests.len() >= MAX_CONNECTIONS {
                return None;
            }
        }
        guests.push_back(Arc::downgrade(&guest));
        Some(guest)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The body of an answer, whose end is the end of a request.
struct Answer {
    body: Body,
    guest: Arc<Guest>,
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
        self.guest.enter(Stage::Idle);
    }
}

/// A stream whose writing fails when nobody reads for long.
struct Patient {
    stream: UnixStream,
    /// While a write waits.
    until: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn patiently<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.until = None;
            return written;
        }
        let until = self.until.get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_TIMEOUT)));
        ready!(until.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Patient {
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
