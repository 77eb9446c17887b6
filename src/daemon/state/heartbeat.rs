//! Heartbeats of the threads that access disks, to detect one that is stuck on a disk or server that does not answer.
//! Such a thread may wait for ever, so no other thread must wait for it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::sync::lock;
use crate::photo::RootId;

/// The kind of thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// While it is stuck, all its roots are.
    Intake,
    /// While it is stuck, another worker replaces it. It ends when its disk answers.
    Worker,
}

/// The heartbeat of one thread, and its current access to a disk.
pub struct Heartbeat {
    kind: Kind,
    work: Mutex<Option<Work>>,
    /// The roots of an intake thread. Empty for a worker.
    roots: Mutex<HashSet<RootId>>,
    is_replaced: AtomicBool,
}

#[derive(Clone, Copy)]
struct Work {
    root: RootId,
    /// When the next beat is due.
    until: Instant,
    patience: Duration,
}

/// An access to the disk of a root. It ends when this is dropped.
pub struct Working<'a> {
    heartbeat: &'a Heartbeat,
    before: Option<Work>,
}

impl Heartbeat {
    /// Begins an access to the disk of a root. Within `patience` it must end, or there must be a
    /// [`beat`](Heartbeat::beat).
    pub fn work_on(&self, root: RootId, patience: Duration) -> Working<'_> {
        let work = Work { root, until: Instant::now() + patience, patience };
        Working { heartbeat: self, before: lock(&self.work).replace(work) }
    }

    /// Records progress, so that the time limit starts again.
    pub fn beat(&self) {
        if let Some(work) = lock(&self.work).as_mut() {
            work.until = Instant::now() + work.patience;
        }
    }

    /// Adds a root of this thread.
    pub fn look_after(&self, root: RootId) {
        lock(&self.roots).insert(root);
    }

    /// Returns the roots of this thread.
    pub fn roots(&self) -> HashSet<RootId> {
        lock(&self.roots).clone()
    }

    /// Returns the roots that wait while this thread is stuck. `None` if it is not stuck.
    pub fn stuck_on(&self) -> Option<HashSet<RootId>> {
        let work = lock(&self.work).filter(|work| work.until < Instant::now())?;
        let others = lock(&self.roots);
        Some(others.iter().copied().chain([work.root]).collect())
    }

    pub fn is_workers(&self) -> bool {
        self.kind == Kind::Worker
    }

    /// Makes this thread end when its disk answers, because another one replaces it. Returns whether it was not
    /// replaced yet.
    pub fn replace(&self) -> bool {
        !self.is_replaced.swap(true, Ordering::Relaxed)
    }

    pub fn is_replaced(&self) -> bool {
        self.is_replaced.load(Ordering::Relaxed)
    }
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        *lock(&self.heartbeat.work) = self.before.map(|work| Work { until: Instant::now() + work.patience, ..work });
    }
}

/// The heartbeats of all threads.
#[derive(Default)]
pub struct Heartbeats(Mutex<Vec<Weak<Heartbeat>>>);

impl Heartbeats {
    pub fn add(&self, kind: Kind) -> Arc<Heartbeat> {
        let heartbeat = Arc::new(Heartbeat { kind, work: Mutex::default(), roots: Mutex::default(), is_replaced: AtomicBool::new(false) });
        lock(&self.0).push(Arc::downgrade(&heartbeat));
        heartbeat
    }

    /// Returns the stuck threads, each with the roots that wait for it.
    pub fn stuck(&self) -> Vec<(Arc<Heartbeat>, HashSet<RootId>)> {
        let mut heartbeats = lock(&self.0);
        heartbeats.retain(|heartbeat| heartbeat.strong_count() > 0);
        heartbeats.iter().filter_map(Weak::upgrade).filter_map(|heartbeat| Some((heartbeat.clone(), heartbeat.stuck_on()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_beats_is_not_stuck() {
        let heartbeats = Heartbeats::default();
        let heartbeat = heartbeats.add(Kind::Worker);
        let outer = heartbeat.work_on(RootId(1), Duration::from_secs(60));
        assert!(heartbeats.stuck().is_empty());
        let inner = heartbeat.work_on(RootId(2), Duration::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(heartbeats.stuck().iter().map(|(_, roots)| roots.clone()).collect::<Vec<_>>(), [HashSet::from([RootId(2)])]);
        heartbeat.look_after(RootId(3));
        assert_eq!(heartbeat.stuck_on(), Some(HashSet::from([RootId(2), RootId(3)])));
        drop(inner);
        assert!(heartbeats.stuck().is_empty());
        drop(outer);
        assert!(heartbeat.replace() && !heartbeat.replace() && heartbeat.is_replaced());
        drop(heartbeat);
        assert!(heartbeats.stuck().is_empty());
    }
}
