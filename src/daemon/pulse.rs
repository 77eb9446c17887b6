//! Whether the threads that touch disks get on. A disk or server that does not answer keeps whoever asks it
//! waiting, for ever if it must: nobody else may wait with it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::shared::lock;
use crate::photo::RootId;

/// Whose pulse it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Intake,
    /// Another takes its place when it is stuck; it ends when its disk answers.
    Worker,
}

/// What one thread asks of a disk.
pub struct Pulse {
    kind: Kind,
    work: Mutex<Option<Work>>,
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

    /// The root whose disk does not answer this thread.
    pub fn stuck_on(&self) -> Option<RootId> {
        lock(&self.work).filter(|work| work.until < Instant::now()).map(|work| work.root)
    }

    /// Whether another worker is to take this one's place, which is said once.
    pub fn is_first_replaced(&self) -> bool {
        self.kind == Kind::Worker && !self.is_replaced.swap(true, Ordering::Relaxed)
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
        let pulse = Arc::new(Pulse { kind, work: Mutex::default(), is_replaced: AtomicBool::new(false) });
        lock(&self.0).push(Arc::downgrade(&pulse));
        pulse
    }

    /// The threads that are stuck, and on which roots.
    pub fn stuck(&self) -> Vec<(Arc<Pulse>, RootId)> {
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
        assert_eq!(pulses.stuck().iter().map(|(_, root)| *root).collect::<Vec<_>>(), [RootId(2)]);
        drop(inner);
        assert!(pulses.stuck().is_empty());
        drop(outer);
        assert!(pulse.is_first_replaced() && !pulse.is_first_replaced());
        drop(pulse);
        assert!(pulses.stuck().is_empty());
    }
}
