//! The events, for a client.

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::broadcast::error::RecvError;

use crate::api::types::Event;
use crate::daemon::state::Events;
use crate::daemon::state::events::{self, EventKind};
use crate::daemon::wire;

/// Returns the events after the one with id `after`, past and future. Lost ones are reported.
pub fn after(events: &Events, after: Option<u64>) -> BoxStream<'static, Event> {
    let (missed, listener) = events.listen(after);
    let next = stream::unfold(listener, |mut listener| async move {
        let event = match listener.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(count)) => events::Event { id: 0, kind: EventKind::Missed { count } },
            Err(RecvError::Closed) => return None,
        };
        Some((wire::event(event), listener))
    });
    stream::iter(missed).map(wire::event).chain(next).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::types;

    #[test]
    fn a_listener_gets_old_and_new_events_and_learns_how_many_it_was_too_slow_for() {
        let events = Events::new(Vec::new());
        let emit = |name: u64| events.emit(EventKind::HeadChanged { name: name.to_string() });
        (1..=3).for_each(emit);
        let mut listener = after(&events, Some(1));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut next = || runtime.block_on(listener.next()).expect("it goes on");
        assert_eq!([next().id, next().id], [2, 3]);
        (4..=2_000).for_each(emit);
        let lost = next();
        let types::EventKind::Missed { count } = lost.kind else { panic!("{lost:?}") };
        assert_eq!((lost.id, next().id), (0, 4 + count));
    }
}
