//! The watch of an intake thread, and what it does not see.

use std::fs::Metadata;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::thread::Intake;
use super::{Parts, ThreadQueue};
use crate::daemon::state::queue::Ticket;
use crate::intake::{Hint, Submounts, Volume, Watch};
use crate::photo::{Place, Root, RootId};

/// Makes the watch of a thread. `None` if the system has none.
pub fn new_watch(parts: &Parts, queue: &ThreadQueue) -> Option<Watch> {
    let (for_hints, hints) = (parts.clone(), queue.clone());
    let watch = Watch::new(parts.marker.path(), move |hint| match hint {
        Hint::Path(path, writing) => {
            if let Some(root) = hinted_root(&for_hints, &path) {
                hints.hint(path, writing, for_hints.queue.activity.begin(root), &for_hints.queue);
            }
        }
        Hint::Lost => hints.lose(&for_hints.queue),
        Hint::Marker => {
            hints.marked.store(for_hints.marker.raised(), Ordering::SeqCst);
            for_hints.queue.activity.announce();
        }
    });
    if let Err(e) = &watch {
        // Without events there is nothing to wait for.
        queue.marked.store(u64::MAX, Ordering::SeqCst);
        parts.health.set_problem("watch", Some(format!("new files are found by scans only: {e}")));
    }
    watch.ok()
}

impl Intake {
    /// Makes the watch again and starts all roots of this thread. After events were lost, nothing else tells which
    /// folders are still watched.
    pub(super) fn watch_anew(&mut self) {
        // First, because its watches count against the limit of the system.
        self.watch = None;
        let roots: Vec<(Root, Ticket)> =
            self.roots().into_iter().map(|root| (root.clone(), self.parts.queue.activity.begin(root.id))).collect();
        self.watch = new_watch(&self.parts, &self.queue);
        if self.watch.is_some() {
            // The scans find what earlier events were about.
            self.queue.marked.fetch_max(self.parts.marker.raised(), Ordering::SeqCst);
        }
        for (root, ticket) in roots {
            self.start(&root, ticket);
        }
    }

    /// Watches a folder that is about to be listed. After the first failure nothing more is tried.
    pub(super) fn watch_folder(&self, folder: &Path, found: &Metadata, failed: &mut Option<String>) {
        if let (Some(watch), None) = (&self.watch, &failed) {
            *failed = watch.enter(folder, found).err().map(|e| format!("{}: {e}", folder.display()));
        }
    }

    /// Records why new files may go unnoticed in a root, after a place of it was listed.
    pub(super) fn note_watched(&self, root: &Root, place: &Place, failed: Option<String>) {
        let is_whole = place.path.as_os_str().is_empty();
        let why = if is_whole {
            let submounts = Submounts::below(&root.path);
            let unseen = || Volume::silence(&root.path).or_else(|| submounts.any_closed()).or_else(|| submounts.silence());
            failed.or_else(unseen)
        } else {
            failed
        };
        let before = self.parts.roots.now().state(root.id).and_then(|state| state.unwatched.clone());
        if (is_whole || why.is_some()) && why != before {
            if let Some(why) = &why {
                tracing::warn!("{} is not watched: {why}", root.path.display());
            }
            self.parts.roots.change(|roots| roots.state_mut(root.id).into_iter().for_each(|state| state.unwatched = why.clone()));
        }
    }
}

/// Returns the root of a path with a file event. Returns `None` for excluded paths, and for the daemon's data
/// directory, where every access to the index would raise an event.
fn hinted_root(parts: &Parts, path: &Path) -> Option<RootId> {
    let roots = parts.roots.now();
    let root = roots.holding(path)?;
    let below = path.strip_prefix(&root.path).ok()?;
    let settings = &parts.configuration.settings;
    (!parts.configuration.live().rules.hide(below) && !path.starts_with(&settings.data_dir)).then_some(root.id)
}
