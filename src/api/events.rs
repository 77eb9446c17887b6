//! What happens, as server-sent events.

use std::collections::VecDeque;
use std::convert::Infallible;

use axum::http::HeaderMap;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use futures_util::{Stream, stream};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::Service;
use super::types::{Event, What};

/// Numbers of events are of one run of the daemon: who comes back says which run the last was of.
pub fn stream(service: &dyn Service, headers: &HeaderMap) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>> + use<>> {
    let run = service.version().run;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.split_once('-'));
    // After another run everything of this one is new.
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
    /// What came before it listened.
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
    // What was missed leaves the number of the last event as it is.
    if event.id > 0 {
        sse = sse.id(format!("{}-{}", listening.run, event.id));
    }
    Some((Ok(sse), listening))
}
