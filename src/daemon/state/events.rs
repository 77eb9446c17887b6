//! Events: emitted by the threads, listened to by clients.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Mutex;

use tokio::sync::broadcast;

use super::sync::lock;
use super::tuning::{TuningEnd, TuningProgress};
use crate::photo::Verdict;

/// Events kept for a listener that is slow or reconnects.
const HISTORY_EVENTS: usize = 1024;

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Counts up from 1 in each run of the daemon.
    pub id: u64,
    pub kind: EventKind,
}

/// What happened. Paths are absolute.
#[derive(Clone, Debug)]
pub enum EventKind {
    /// A photo was added to the index.
    Added(PathBuf),
    /// The bytes of a file changed.
    Changed(PathBuf),
    /// A file was moved. It was not read again.
    Moved {
        from: PathBuf,
        path: PathBuf,
    },
    /// A file could not be read.
    Failed {
        path: PathBuf,
        reason: String,
    },
    /// A file is gone.
    Gone(PathBuf),
    /// Photos that had no versions have some now.
    NewCluster {
        cluster: String,
        paths: Vec<PathBuf>,
    },
    /// Photos that had versions have more now.
    ClusterGrew {
        cluster: String,
        paths: Vec<PathBuf>,
    },
    /// A root went offline.
    Offline {
        path: PathBuf,
        reason: String,
    },
    /// A root is back, perhaps at another path.
    Online(PathBuf),
    ScanStarted(PathBuf),
    /// The files and folders that a longer scan has found.
    ScanProgress {
        path: PathBuf,
        entries: u64,
    },
    ScanFinished {
        path: PathBuf,
        changes: u64,
    },
    /// Decisions were made on this number of pairs.
    Decided {
        pairs: u64,
        verdict: Verdict,
    },
    Tuning(TuningProgress),
    Tuned(TuningEnd),
    /// Another head is in use.
    HeadChanged {
        name: String,
    },
    /// A listener was too slow for this number of events.
    Missed {
        count: u64,
    },
}

/// Called with every event, on the thread that emits it. It must not block.
pub type Observer = Box<dyn Fn(&EventKind) + Send + Sync>;

pub struct Events {
    sender: broadcast::Sender<Event>,
    history: Mutex<VecDeque<Event>>,
    observers: Vec<Observer>,
}

impl Events {
    pub fn new(observers: Vec<Observer>) -> Events {
        Events { sender: broadcast::channel(HISTORY_EVENTS).0, history: Mutex::default(), observers }
    }

    pub fn emit(&self, kind: EventKind) {
        self.observers.iter().for_each(|observe| observe(&kind));
        let mut history = lock(&self.history);
        let event = Event { id: history.back().map_or(1, |last| last.id + 1), kind };
        history.push_back(event.clone());
        if history.len() > HISTORY_EVENTS {
            history.pop_front();
        }
        // An error means that nobody listens. Sent under the lock, so that a new listener gets each event exactly once.
        let _ = self.sender.send(event);
    }

    /// Returns the kept events after the one with id `after`, and a receiver for new events. If some events after
    /// `after` are no longer kept, the first event returned has their number.
    pub fn listen(&self, after: Option<u64>) -> (Vec<Event>, broadcast::Receiver<Event>) {
        let history = lock(&self.history);
        let listener = self.sender.subscribe();
        let mut missed: Vec<Event> = after.map_or_else(Vec::new, |after| history.iter().filter(|e| e.id > after).cloned().collect());
        if let (Some(after), Some(oldest)) = (after, history.front()) {
            let lost = oldest.id.saturating_sub(after + 1);
            if lost > 0 {
                missed.insert(0, Event { id: after + lost, kind: EventKind::Missed { count: lost } });
            }
        }
        (missed, listener)
    }

    pub fn is_listened_to(&self) -> bool {
        self.sender.receiver_count() > 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_listener_that_comes_back_gets_what_it_missed_or_is_told_how_much_is_lost() {
        let seen = Arc::new(AtomicUsize::new(0));
        let seen_too = seen.clone();
        let observer: Observer = Box::new(move |_| {
            seen_too.fetch_add(1, Ordering::Relaxed);
        });
        let events = Events::new(vec![observer]);
        assert!(!events.is_listened_to());
        let total = HISTORY_EVENTS as u64 + 10;
        (0..total).for_each(|n| events.emit(EventKind::HeadChanged { name: n.to_string() }));
        assert_eq!(seen.load(Ordering::Relaxed) as u64, total);
        let (missed, mut listener) = events.listen(Some(total - 2));
        assert_eq!(missed.iter().map(|e| e.id).collect::<Vec<_>>(), [total - 1, total]);
        events.emit(EventKind::HeadChanged { name: "next".into() });
        assert_eq!(listener.try_recv().map(|e| e.id), Ok(total + 1));
        let (missed, _) = events.listen(Some(5));
        assert!(matches!(missed[0].kind, EventKind::Missed { count: 6 }) && missed[0].id == 11, "{:?}", missed[0]);
        assert_eq!(missed[1].id, 12);
        assert!(events.listen(None).0.is_empty());
    }
}
