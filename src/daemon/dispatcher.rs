//! The dispatcher: hands pending files from the store to the workers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use super::messages::{Job, Purpose};
use super::state::{Health, Lifecycle, Queue, SharedRoots, lock, read};
use crate::catalog::roots::Roots;
use crate::photo::{Decisions, Place, RootId, Stamp};
use crate::store::Reader;

/// Files read from the store at once.
const FETCH_FILES: usize = 256;

/// How often the store is searched for pending files without a signal. So files that a worker left pending, for example
/// because no decoding child could be started, are tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How often the store is searched for what an older version did not read, if nothing was missing.
const SEARCH_INTERVAL: Duration = Duration::from_secs(30);

/// How soon a file is read again for it that could not be read.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(3600);

/// How long after its last request a client still counts as waiting.
const WANTED_FOR: Duration = Duration::from_secs(2);

pub struct Dispatcher {
    pub roots: Arc<SharedRoots>,
    pub decisions: Arc<RwLock<Decisions>>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
    pub reader: Reader,
    pub jobs: SyncSender<Job>,
}

impl Dispatcher {
    /// Runs until the daemon stops. Files that a client waits for come first, then all others in the order of their
    /// places.
    pub fn run(&self) {
        let Dispatcher { roots, decisions, queue, health, lifecycle, reader, jobs } = self;
        let start = Place { root: RootId(0), path: PathBuf::new() };
        let mut after = start.clone();
        let mut gaps = Gaps::default();
        while !lifecycle.is_stopping() {
            let fetched =
                reader.pending_in(&wanted(queue), FETCH_FILES).and_then(|first| Ok((first, reader.pending_after(&after, FETCH_FILES)?)));
            let (mut pending, rest) = fetched.unwrap_or_else(|e| {
                health.set_problem("dispatcher", Some(e.to_string()));
                Default::default()
            });
            // Checked regularly here, because any thread may notice damage.
            lifecycle.examine_index(health);
            let was_last = rest.len() < FETCH_FILES;
            if pending.is_empty() || was_last {
                after = rest.last().filter(|_| !was_last).map_or(start.clone(), |(place, _)| place.clone());
                pending.extend(rest);
            }
            let roots = roots.now();
            pending.retain(|(place, _)| roots.is_online(place.root));
            let mut purpose = Purpose::Identify;
            if pending.is_empty() {
                (pending, purpose) = gaps.next(reader, &roots, decisions);
            }
            let mut handed_out = false;
            for (place, stamp) in pending {
                let Some(path) = roots.path_of(&place) else { continue };
                if !lock(&queue.in_flight).places.insert(place.clone()) {
                    continue;
                }
                handed_out = true;
                if lifecycle.is_stopping() || jobs.send(Job { place, path, stamp, purpose }).is_err() {
                    return;
                }
            }
            if was_last || !handed_out {
                queue.pending.wait(RETRY_INTERVAL);
            }
        }
    }
}

/// Finds the files of which an older version did not read what this one does. They are read when nothing else is to be
/// read.
#[derive(Default)]
struct Gaps {
    /// Files that were handed out, why, and when. One that cannot be read is not read over and over.
    tried: HashMap<(Place, Purpose), Instant>,
    /// When nothing was missing any more.
    none_at: Option<Instant>,
}

impl Gaps {
    fn next(&mut self, reader: &Reader, roots: &Roots, decisions: &RwLock<Decisions>) -> (Vec<(Place, Stamp)>, Purpose) {
        if self.none_at.is_some_and(|at| at.elapsed() < SEARCH_INTERVAL) {
            return (Vec::new(), Purpose::Describe);
        }
        self.tried.retain(|_, at| at.elapsed() < TRY_AGAIN_AFTER);
        let mut after = Place { root: RootId(0), path: PathBuf::new() };
        loop {
            // Without an answer nothing is lost: the index is damaged, and the next search for pending files says so.
            let found = reader.without_metadata_after(&after, FETCH_FILES).unwrap_or_default();
            let Some((last, _)) = found.last() else { break };
            after = last.clone();
            let new = self.untried(found, Purpose::Describe, roots);
            if !new.is_empty() {
                return (new, Purpose::Describe);
            }
        }
        let decided = read(decisions).pictures_without_pixels();
        let new = self.untried(reader.without_pixels(&decided).unwrap_or_default(), Purpose::Compare, roots);
        if new.is_empty() {
            self.none_at = Some(Instant::now());
        }
        (new, Purpose::Compare)
    }

    /// Returns the files that can be read and were not handed out before.
    fn untried(&mut self, found: Vec<(Place, Stamp)>, purpose: Purpose, roots: &Roots) -> Vec<(Place, Stamp)> {
        let mut is_new = |place: &Place| {
            let is_new = roots.is_online(place.root) && !self.tried.contains_key(&(place.clone(), purpose));
            is_new && self.tried.insert((place.clone(), purpose), Instant::now()).is_none()
        };
        found.into_iter().filter(|(place, _)| is_new(place)).collect()
    }
}

fn wanted(queue: &Queue) -> Vec<Place> {
    let mut wanted = lock(&queue.wanted);
    wanted.retain(|_, asked| asked.elapsed() < WANTED_FOR);
    wanted.keys().cloned().collect()
}
