//! Whether the threads that touch disks get on. A disk or server that does not answer keeps whoever asks it
//! waiting, for ever if it must: nobody else may wait with it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::shared::lock;
use crate::photo::RootId;

/// Whose pulse it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// All its roots wait with it.
    Intake,
    /// Another takes its place when it is stuck; it ends when its disk answers.
    Worker,
}

/// What one thread asks of a disk.
pub struct Pulse {
    kind: Kind,
    work: Mutex<Option<Work>>,
    /// An intake thread's.
    roots: Mutex<HashSet<RootId>>,
    is_replaced: AtomicBool,
}

#[derive(Clone, Copy)]
struct Work {
    root: RootId,
    /// When it must have got on.
    until: Instant,
    patience: Duration,
}

/// Work on a root; it ends when this is dropped.
pub struct Working<'a> {
    pulse: &'a Pulse,
    before: Option<Work>,
}

impl Pulse {
    /// Whoever asks a root's disk for something says so, and within what time it or a
    /// [`beat`](Pulse::beat) is to be expected.
    pub fn work_on(&self, root: RootId, patience: Duration) -> Working<'_> {
        let work = Work { root, until: Instant::now() + patience, patience };
        Working { pulse: self, before: lock(&self.work).replace(work) }
    }

    /// It got on.
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
        *lock(&self.pulse.work) = self.before.map(|work| Work { until: Instant::now() + work.patience, ..work });
    }
}

/// The pulses of all threads.
#[derive(Default)]
pub struct Pulses(Mutex<Vec<Weak<Pulse>>>);

impl Pulses {
    pub fn add(&self, kind: Kind) -> Arc<Pulse> {
        let pulse = Arc::new(Pulse { kind, work: Mutex::default(), roots: Mutex::default(), is_replaced: AtomicBool::new(false) });
        lock(&self.0).push(Arc::downgrade(&pulse));
        pulse
    }

    /// The threads that are stuck, and on which roots.
    pub fn stuck(&self) -> Vec<(Arc<Pulse>, HashSet<RootId>)> {
        let mut pulses = lock(&self.0);
        pulses.retain(|pulse| pulse.strong_count() > 0);
        pulses.iter().filter_map(Weak::upgrade).filter_map(|pulse| Some((pulse.clone(), pulse.stuck_on()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_gets_on_is_not_stuck() {
        let pulses = Pulses::default();
        let pulse = pulses.add(Kind::Worker);
        let outer = pulse.work_on(RootId(1), Duration::from_secs(60));
        assert!(pulses.stuck().is_empty());
        let inner = pulse.work_on(RootId(2), Duration::ZERO);
        std::thread::sleep(Duration::from_millis(2));
        assert_eq!(pulses.stuck().iter().map(|(_, roots)| roots.clone()).collect::<Vec<_>>(), [HashSet::from([RootId(2)])]);
        pulse.look_after(RootId(3));
        assert_eq!(pulse.stuck_on(), Some(HashSet::from([RootId(2), RootId(3)])));
        drop(inner);
        assert!(pulses.stuck().is_empty());
        drop(outer);
        assert!(pulse.replace() && !pulse.replace() && pulse.is_replaced());
        drop(pulse);
        assert!(pulses.stuck().is_empty());
    }
}
