//! Heartbeats of the threads that touch disks, to detect one that is stuck on a disk or server that does not answer.
//! Such a thread may wait for ever; no other may wait with it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::sync::lock;
use crate::photo::RootId;

/// Which thread's it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// All its roots wait with it.
    Intake,
    /// Another takes its place when it is stuck; it ends when its disk answers.
    Worker,
}

/// What one thread asks of a disk.
pub struct Heartbeat {
    kind: Kind,
    work: Mutex<Option<Work>>,
    /// An intake thread's.
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

/// Work on a root; it ends when this is dropped.
pub struct Working<'a> {
    heartbeat: &'a Heartbeat,
    before: Option<Work>,
}

impl Heartbeat {
    /// Before a thread asks a root's disk for something: within what time that ends, or a
    /// [`beat`](Heartbeat::beat) comes.
    pub fn work_on(&self, root: RootId, patience: Duration) -> Working<'_> {
        let work = Work { root, until: Instant::now() + patience, patience };
        Working { heartbeat: self, before: lock(&self.work).replace(work) }
    }

    /// There is progress.
    pub fn beat(&self) {
        if let Some(work) = lock(&self.work).as_mut() {
            work.until = Instant::now() + work.patience;
        }
    }

    /// A root waits for this thread from now on, too.
    pub fn look_after(&self, root: RootId) {
        lock(&self.roots).insert(root);
    }

    /// The roots that wait with this thread for a disk that does not answer.
    pub fn stuck_on(&self) -> Option<HashSet<RootId>> {
        let work = lock(&self.work).filter(|work| work.until < Instant::now())?;
        let others = lock(&self.roots);
        Some(others.iter().copied().chain([work.root]).collect())
    }

    pub fn is_workers(&self) -> bool {
        self.kind == Kind::Worker
    }

    /// Has this thread end when its disk answers, because another takes its place; whether that is new.
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

/// Those of all threads.
#[derive(Default)]
pub struct Heartbeats(Mutex<Vec<Weak<Heartbeat>>>);

impl Heartbeats {
    pub fn add(&self, kind: Kind) -> Arc<Heartbeat> {
        let heartbeat = Arc::new(Heartbeat { kind, work: Mutex::default(), roots: Mutex::default(), is_replaced: AtomicBool::new(false) });
        lock(&self.0).push(Arc::downgrade(&heartbeat));
        heartbeat
    }

    /// The threads that are stuck, and on which roots.
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
