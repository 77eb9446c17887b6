//! The watch of an intake thread, and what it does not see.

use std::fs::Metadata;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::schedule::Schedule;
use super::thread::Intake;
use super::{Parts, ThreadQueue};
use crate::daemon::messages::{Change, Order};
use crate::daemon::state::Part;
use crate::daemon::state::queue::Ticket;
use crate::intake::{Hint, Submounts, Volume, Watch};
use crate::photo::{Place, Root, RootId, Stamp};

/// How long the system may take to release the watches of a thread.
const RELEASE_TIMEOUT: Duration = Duration::from_secs(5);

/// How soon a root is scanned after a photo appeared and was removed before it was read.
const FLEETING_SCAN_DELAY: Duration = Duration::from_secs(10);

/// Makes the watch of a thread. `None` if the system has none.
pub fn new_watch(parts: &Parts, queue: &ThreadQueue) -> Option<Watch> {
    let (for_hints, hints) = (parts.clone(), queue.clone());
    let watch = Watch::new(parts.marker.path(), move |hint| match hint {
        Hint::Path(path, writing) => {
            if let Some(root) = hinted_root(&for_hints, &path) {
                hints.hint(path, writing, for_hints.queue.activity.begin(root), &for_hints.queue);
            }
        }
        // If there is no room, events are lost, and everything is scanned anyway.
        Hint::FolderMoved => drop(hints.orders.try_send(Order::Hint(Hint::FolderMoved, None))),
        Hint::Lost => hints.lose(&for_hints.queue),
        Hint::Marker => {
            // The watch before this one may still report.
            hints.marked.fetch_max(for_hints.marker.raised(), Ordering::SeqCst);
            for_hints.queue.activity.announce();
        }
    });
    let problem = watch.as_ref().err().map(|e| format!("new files are found by scans only: {e}"));
    if problem.is_some() {
        // Without events there is nothing to wait for.
        queue.marked.store(u64::MAX, Ordering::SeqCst);
    }
    parts.health.set_problem(Part::Watch, problem);
    watch.ok()
}

impl Intake {
    /// Makes the watch again and starts all roots of this thread. Where events were lost, or another folder is at the path
    /// of a root, nothing else tells which folders are still watched. A question that waits for the ticket waits for the
    /// start of its root.
    pub(super) fn watch_anew(&mut self, ticket: Option<&Ticket>) {
        let begin = |root: RootId| {
            ticket.filter(|ticket| ticket.root() == root).map_or_else(|| self.parts.queue.activity.begin(root), Ticket::share)
        };
        let tickets: Vec<(Root, Ticket)> = self.roots().into_iter().map(|root| (root.clone(), begin(root.id))).collect();
        self.make_watch();
        for (root, ticket) in tickets {
            self.start(&root, ticket);
        }
        self.scan_all_soon();
    }

    /// Scans all roots once more soon. A file may have been written to through a hard link in a folder that was not watched
    /// yet, after its own folder was listed, and the link may be gone.
    pub(super) fn scan_all_soon(&mut self) {
        let soon = Instant::now() + FLEETING_SCAN_DELAY;
        for root in &self.mine {
            self.scans.entry(*root).and_modify(|at| *at = soon.min(*at)).or_insert(soon);
        }
    }

    /// Doubts the moves of the last and the next seconds: a file was written to, and the event had the path of another one or
    /// of none.
    pub(super) fn doubt_moves(&mut self) {
        let now = Instant::now();
        let (moved, roots) = (self.moves.doubt(now), self.parts.roots.now());
        // One that must wait has the ctime of before the move, and so is read again later.
        let mut is_now =
            |place: &Place, stamp: &Stamp| roots.path_of(place).is_some_and(|path| self.rereads.allows(&path, stamp.size, now));
        let again: Vec<_> =
            moved.into_iter().filter(|(place, stamp)| is_now(place, stamp)).map(|(place, stamp)| (place, Some(stamp))).collect();
        if !again.is_empty() {
            self.write(Change::ReadAgain(again));
        }
    }

    /// Has files that were moved a while ago read again, a few at a time. Their bytes are compared then.
    pub(super) fn look_at_moved(&mut self) {
        let (now, roots) = (Instant::now(), self.parts.roots.now());
        for (place, stamp) in self.moves.take_old(now) {
            if let Some(path) = roots.path_of(&place) {
                self.rereads.wait(path, stamp.size);
            }
        }
        for path in self.rereads.take_due(now) {
            self.debounce.hint(&path, None, now);
        }
    }

    /// Makes the watch, if this thread has none because all of its roots were offline. Returns whether it did.
    pub(super) fn wake(&mut self) -> bool {
        if !self.is_resting {
            return false;
        }
        self.is_resting = false;
        self.watch = new_watch(&self.parts, &self.queue);
        if self.watch.is_some() {
            // The scan that follows finds what earlier events were about.
            self.queue.marked.store(self.parts.marker.raised(), Ordering::SeqCst);
        }
        true
    }

    /// Gives the watch up while all roots of this thread are offline, because the system limits the watches of each
    /// user.
    pub(super) fn rest(&mut self) {
        let roots = self.parts.roots.now();
        if !self.roots().iter().any(|root| roots.is_online(root.id)) {
            (self.watch, self.is_resting) = (None, true);
            self.queue.marked.store(u64::MAX, Ordering::SeqCst);
        }
    }

    /// Makes the watch again, without any folder.
    pub(super) fn make_watch(&mut self) {
        // First, because its watches count against the limits of the system. They are released in the background.
        (self.watch, self.is_resting) = (None, false);
        let deadline = Instant::now() + RELEASE_TIMEOUT;
        loop {
            self.watch = new_watch(&self.parts, &self.queue);
            if self.watch.is_some() || Instant::now() > deadline {
                break;
            }
            std::thread::sleep(RELEASE_TIMEOUT / 50);
        }
        if self.watch.is_some() {
            // The scans that follow find what earlier events were about.
            self.queue.marked.store(self.parts.marker.raised(), Ordering::SeqCst);
        }
    }

    /// Watches a folder that is about to be listed. After the first failure nothing more is tried.
    pub(super) fn watch_folder(&self, folder: &Path, found: &Metadata, failed: &mut Option<String>) {
        if failed.is_none() {
            *failed = match &self.watch {
                Some(watch) => watch.enter(folder, found).err().map(|e| format!("{}: {e}", folder.display())),
                None => Some("the system has no more watches for this user".to_owned()),
            };
        }
    }

    /// Records why new files may go unnoticed in a root, after a place of it was listed.
    pub(super) fn note_watched(&mut self, root: &Root, place: &Place, failed: Option<String>) {
        let is_whole = place.path.as_os_str().is_empty();
        let why = if is_whole {
            let submounts = Submounts::below(&root.path);
            let roots = self.parts.roots.now();
            let is_root = |point: &Path| roots.at(&root.path.join(point)).next().is_some();
            let unseen =
                || Volume::why_unwatched(&root.path).or_else(|| submounts.any_barred(is_root)).or_else(|| submounts.why_unwatched());
            failed.or_else(unseen)
        } else {
            failed
        };
        let before = self.parts.roots.now().state(root.id).and_then(|state| state.unwatched.clone());
        if (is_whole || why.is_some()) && why != before {
            if let Some(why) = &why {
                tracing::warn!("{} is not watched: {why}", root.path.display());
                // From now on it is scanned more often.
                let soon = Instant::now() + Schedule::POLLED.shortest;
                self.scans.entry(root.id).and_modify(|at| *at = soon.min(*at)).or_insert(soon);
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
    (!parts.configuration.reloadable().rules.hide(&roots.path_for_rules(root, below)) && !path.starts_with(&settings.data_dir))
        .then_some(root.id)
}
