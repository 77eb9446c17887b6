//! Serving: connections of this user, until told to stop.

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::serve::IncomingStream;
use tokio::net::UnixListener;

use super::{Problem, Service, routes};

/// Who is at the other end.
#[derive(Clone, Copy)]
struct Peer {
    uid: Option<u32>,
}

impl Connected<IncomingStream<'_, UnixListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, UnixListener>) -> Peer {
        Peer { uid: stream.io().peer_cred().ok().map(|c| c.uid()) }
    }
}

/// Answers on a socket that is already bound until `stop` is done.
///
/// # Errors
/// When the socket breaks.
pub async fn serve(listener: UnixListener, service: Arc<dyn Service>, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
    let app = routes::router(service).layer(middleware::from_fn(only_this_user)).into_make_service_with_connect_info::<Peer>();
    tokio::select! {
        served = axum::serve(listener, app) => served,
        // Answers under way (a listener of events among them) do not hold up the end.
        () = stop => Ok(()),
    }
}

async fn only_this_user(ConnectInfo(peer): ConnectInfo<Peer>, request: Request, next: Next) -> Response {
    let own = rustix::process::geteuid().as_raw();
    if peer.uid == Some(own) || peer.uid == Some(0) {
        return next.run(request).await;
    }
    Problem { status: StatusCode::FORBIDDEN, code: "foreign-user", message: "this is another user's library".into(), hint: None }
        .into_response()
}
