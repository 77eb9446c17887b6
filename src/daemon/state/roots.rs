//! The current roots, shared among threads. A reader gets a snapshot; changes happen one at a time.

use std::sync::{Arc, RwLock};
use std::time::Instant;

use super::events::{EventKind, Events};
use super::queue::Queue;
use super::sync::{read, write};
use crate::catalog::roots::Roots;
use crate::photo::{Root, RootId};

pub struct SharedRoots(RwLock<Arc<Roots>>);

impl SharedRoots {
    pub fn new(list: Vec<Root>) -> SharedRoots {
        SharedRoots(RwLock::new(Arc::new(Roots::new(list))))
    }

    /// Returns a snapshot of the roots. Later changes do not affect it.
    pub fn now(&self) -> Arc<Roots> {
        read(&self.0).clone()
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut Roots) -> T) -> T {
        change(Arc::make_mut(&mut write(&self.0)))
    }

    /// Records why a root is offline, and emits an event if it was online.
    pub fn set_offline(&self, root: &Root, why: String, events: &Events, queue: &Queue) {
        let was_online = self.change(|roots| {
            let state = roots.state_or_new(root.id);
            state.folder = None;
            state.offline.replace(why.clone()).is_none()
        });
        if was_online {
            events.emit(EventKind::Offline { path: root.path.clone(), reason: why });
        }
        queue.activity.announce();
    }

    /// Counts an I/O timeout of a root. `next` tells when to retry, by the number of timeouts before.
    pub fn back_off(&self, root: RootId, next: impl FnOnce(u32) -> Instant) {
        self.change(|roots| {
            let timeouts = &mut roots.state_or_new(root).timeouts;
            timeouts.retry_at = Some(next(timeouts.count));
            timeouts.count = timeouts.count.saturating_add(1);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_does_not_change_and_offline_is_emitted_once() {
        let root = Root::new(RootId(1), "/p");
        let (roots, events, queue) = (SharedRoots::new(vec![root.clone()]), Events::new(Vec::new()), Queue::default());
        let (_, mut listener) = events.listen(None);
        let before = roots.now();
        roots.set_offline(&root, "gone".into(), &events, &queue);
        roots.set_offline(&root, "still gone".into(), &events, &queue);
        assert!(before.is_online(root.id) && !roots.now().is_online(root.id));
        assert!(matches!(listener.try_recv().map(|e| e.kind), Ok(EventKind::Offline { reason, .. }) if reason == "gone"));
        assert!(listener.try_recv().is_err());
        let now = Instant::now();
        for timeouts in 0..2 {
            roots.back_off(root.id, |before| if before == timeouts { now } else { unreachable!("{before} timeouts") });
        }
        let timeouts = |roots: &Roots| roots.state(root.id).map(|state| (state.timeouts.count, state.timeouts.retry_at));
        assert_eq!(timeouts(&roots.now()), Some((2, Some(now))));
    }
}
