//! Work under way: busy roots, files in flight, and the places that clients wait for.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::sync::{Signal, lock};
use crate::photo::{PictureHash, Place, RootId};
use crate::store::{self, Reader};

#[derive(Default)]
pub struct Queue {
    /// The places that clients wait for, and when they last asked. Their files are read first.
    pub wanted: Mutex<HashMap<Place, Instant>>,
    pub in_flight: Mutex<InFlight>,
    pub activity: Arc<Activity>,
    /// Wakes the dispatcher: files may be pending.
    pub pending: Arc<Signal>,
    /// Counts commits. Data that was read before the last one may be outdated.
    commits: AtomicU64,
}

/// Files and pictures on their way from the dispatcher to the store.
#[derive(Default)]
pub struct InFlight {
    pub places: HashSet<Place>,
    pub pictures: HashSet<PictureHash>,
}

impl Queue {
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub fn committed(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    /// Returns whether no root of the scopes is busy and no file of the scopes is pending.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn is_settled(&self, reader: &Reader, scopes: &[Place]) -> store::Result<bool> {
        Ok(!scopes.iter().any(|scope| self.activity.is_busy(scope.root)) && !reader.is_pending(scopes)?)
    }
}

/// Counts the work on each root that is under way and that the store does not show as pending.
#[derive(Default)]
pub struct Activity {
    open: Mutex<HashMap<RootId, usize>>,
    changed: Condvar,
}

/// One unit of such work. It ends when this is dropped.
pub struct Ticket {
    activity: Arc<Activity>,
    root: RootId,
}

impl Activity {
    pub fn begin(self: &Arc<Activity>, root: RootId) -> Ticket {
        *lock(&self.open).entry(root).or_default() += 1;
        Ticket { activity: self.clone(), root }
    }

    pub fn is_busy(&self, root: RootId) -> bool {
        lock(&self.open).get(&root).is_some_and(|&open| open > 0)
    }

    /// Wakes the threads in [`wait`](Activity::wait).
    pub fn announce(&self) {
        self.changed.notify_all();
    }

    /// Waits until something changes, or for `timeout`.
    pub fn wait(&self, timeout: Duration) {
        let open = lock(&self.open);
        drop(self.changed.wait_timeout(open, timeout));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(open) = lock(&self.activity.open).get_mut(&self.root) {
            *open -= 1;
        }
        self.activity.announce();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_is_busy_until_its_last_ticket_is_dropped() {
        let activity: Arc<Activity> = Arc::default();
        let (first, second) = (activity.begin(RootId(1)), activity.begin(RootId(1)));
        drop(first);
        assert!(activity.is_busy(RootId(1)) && !activity.is_busy(RootId(2)));
        drop(second);
        assert!(!activity.is_busy(RootId(1)));
    }
}
