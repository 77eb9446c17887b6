//! The lifecycle of the daemon: stopping, and starting again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::health::{Health, Part};
use super::sync::Signal;
use crate::store::{self, Files, Location};

pub struct Lifecycle {
    stopping: AtomicBool,
    starts_again: AtomicBool,
    /// Notifies the API server that the daemon stops.
    pub stopped: Notify,
    /// The signals that other threads wait for.
    wake: Vec<Arc<Signal>>,
    location: Location,
    /// The files that the daemon has open.
    files: Files,
}

impl Lifecycle {
    /// The signals in `wake` are raised when the daemon stops.
    pub fn new(location: Location, wake: Vec<Arc<Signal>>) -> Lifecycle {
        let files = location.files();
        Lifecycle { stopping: AtomicBool::new(false), starts_again: AtomicBool::new(false), stopped: Notify::new(), wake, location, files }
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

    /// If damage of the index was noticed, or another file is in its place, stops the daemon so that it starts again with
    /// a new index. Reports if another file is in the place of the library: a restart would begin a new one, so the
    /// person decides.
    pub fn examine_index(&self, health: &Health) {
        if self.is_stopping() {
            return;
        }
        let now = self.location.files();
        let has_library = !self.files.has_other_library(&now);
        let other_library = || store::Error::OtherLibrary(self.location.library()).to_string();
        health.set_problem(Part::LibraryFile, (!has_library).then(other_library));
        if has_library && self.files.has_other_index(&now) {
            tracing::error!("index.db was deleted or replaced; the daemon starts again");
            self.starts_again.store(true, Ordering::Relaxed);
            self.stop();
        } else if store::damage::is_noticed() {
            tracing::error!("the index is damaged; the daemon starts again and makes a new one");
            match store::damage::request_check(&self.location) {
                Ok(()) => self.starts_again.store(true, Ordering::Relaxed),
                Err(e) => return health.set_problem(Part::Store, Some(format!("the index is damaged, and cannot be set aside: {e}"))),
            }
            self.stop();
        }
    }
}
