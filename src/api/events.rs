//! Events, as server-sent events.

use std::convert::Infallible;

use axum::http::HeaderMap;
use axum::response::sse::{Event as SseEvent, KeepAlive, Sse};
use futures_util::{Stream, StreamExt, stream};

use super::Service;
use super::types::{Event, EventKind, Versioned};

/// Event numbers are valid within one run of the daemon, so a client that reconnects also sends the run of its last
/// event.
pub fn stream(service: &dyn Service, headers: &HeaderMap) -> Sse<impl Stream<Item = Result<SseEvent, Infallible>> + use<>> {
    let run = service.version().run;
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.split_once('-'));
    // After a restart all events of this run are new.
    let after = last.map(|(of, id)| if of == run { id.parse().unwrap_or(0) } else { 0 });
    let events = service.events(after);
    let restarted = last.filter(|(of, _)| *of != run).map(|_| Event { id: 0, kind: EventKind::Missed { count: 0 } });
    let numbered = move |event: Event| {
        let id = event.id;
        let json = serde_json::to_value(Versioned::of(event)).unwrap_or_default();
        let sse = SseEvent::default().event(json["event"].as_str().unwrap_or_default()).data(json.to_string());
        // A `missed` event does not change the number of the last event.
        Ok(if id > 0 { sse.id(format!("{run}-{id}")) } else { sse })
    };
    Sse::new(stream::iter(restarted).chain(events).map(numbered)).keep_alive(KeepAlive::default())
}
