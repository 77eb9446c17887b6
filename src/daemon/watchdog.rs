//! The watchdog: if a disk does not answer, it takes the roots of that disk offline and replaces stuck workers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::intake::schedule::BackOff;
use super::state::{Events, Health, Lifecycle, Queue, SharedRoots};
use super::worker::WorkerPool;

/// How often heartbeats are checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

pub struct Watchdog {
    pub roots: Arc<SharedRoots>,
    pub events: Arc<Events>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
    pub workers: WorkerPool,
}

impl Watchdog {
    /// Runs until the daemon stops.
    pub fn run(&self) {
        while !self.lifecycle.is_stopping() {
            std::thread::sleep(CHECK_INTERVAL);
            for (heartbeat, stuck) in self.health.heartbeats.stuck() {
                let roots = self.roots.now();
                for root in roots.list().iter().filter(|root| stuck.contains(&root.id) && roots.is_online(root.id)) {
                    tracing::warn!("{} does not answer", root.path.display());
                    self.roots.set_offline(root, "its disk or server does not answer".into(), &self.events, &self.queue);
                    self.roots.back_off(root.id, |timeouts| BackOff::DISK.next(timeouts, Instant::now()));
                }
                self.workers.replace(&heartbeat);
            }
        }
    }
}
