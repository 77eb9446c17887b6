//! The lifecycle of the daemon: stopping, and starting again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::health::Health;
use super::sync::Signal;
use crate::store::{self, Location};

pub struct Lifecycle {
    stopping: AtomicBool,
    starts_again: AtomicBool,
    /// Notifies the API server that the daemon stops.
    pub stopped: Notify,
    /// The signals that other threads wait for.
    wake: Vec<Arc<Signal>>,
    location: Location,
}

impl Lifecycle {
    /// The signals in `wake` are raised when the daemon stops.
    pub fn new(location: Location, wake: Vec<Arc<Signal>>) -> Lifecycle {
        Lifecycle { stopping: AtomicBool::new(false), starts_again: AtomicBool::new(false), stopped: Notify::new(), wake, location }
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Returns whether the daemon stops to start again with a new index.
    pub fn starts_again(&self) -> bool {
        self.starts_again.load(Ordering::Relaxed)
    }

    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.wake.iter().for_each(|signal| signal.raise());
        self.stopped.notify_one();
    }

    /// If damage of the index was noticed, stops the daemon so that it starts again with a new index.
    pub fn examine_index(&self, health: &Health) {
        if store::damage::is_noticed() && !self.is_stopping() {
            tracing::error!("the index is damaged; the daemon starts again and makes a new one");
            match store::damage::request_check(&self.location) {
                Ok(()) => self.starts_again.store(true, Ordering::Relaxed),
                Err(e) => return health.set_problem("store", Some(format!("the index is damaged, and cannot be set aside: {e}"))),
            }
            self.stop();
        }
    }
}
