//! Events, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::http::HeaderMap;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use futures_util::{Stream, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::Service;
use super::types::{Event, What};

/// Event numbers are valid within one run of the daemon, so a client that reconnects also sends the run of its last
/// event.
pub fn stream(service: &dyn Service, headers: &HeaderMap) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>> + use<>> {
    let run = service.version().run;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.split_once('-'));
    // After a restart all events of this run are new.
    let after = last.map(|(of, id)| if of == run { id.parse().unwrap_or(0) } else { 0 });
    let (missed, next) = service.events(after);
    let mut before: VecDeque<Event> = missed.into();
    if last.is_some_and(|(of, _)| of != run) {
        before.push_front(Event { id: 0, what: What::Missed { count: 0 } });
    }
    Sse::new(stream::unfold(Listening { run, before, next }, next_event)).keep_alive(KeepAlive::default())
}

struct Listening {
    run: String,
    /// Events from before the client connected.
    before: VecDeque<Event>,
    next: broadcast::Receiver<Event>,
}

async fn next_event(mut listening: Listening) -> Option<(Result<SseEvent, Infallible>, Listening)> {
    let event = match listening.before.pop_front() {
        Some(event) => event,
        None => match listening.next.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => Event { id: 0, what: What::Missed { count } },
            Err(RecvError::Closed) => return None,
        },
    };
    let mut sse = SseEvent::default().json_data(&event).unwrap_or_default();
    // A `missed` event does not change the number of the last event.
    if event.id > 0 {
        sse = sse.id(format!("{}-{}", listening.run, event.id));
    }
    Some((Ok(sse), listening))
}
