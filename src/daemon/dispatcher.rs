//! The dispatcher: hands pending files from the store to the workers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use super::messages::{FileJob, Job, Purpose};
use super::state::{Health, Lifecycle, Part, Queue, SharedRoots, lock, read};
use crate::catalog::roots::Roots;
use crate::photo::{Decisions, PhotoId, Place, RootId, Stamp};
use crate::store::{self, Reader};

/// Files read from the store at once.
const FETCH_FILES: usize = 256;

/// Near photos handed out at once. New files come between.
const FETCH_PAIRS: usize = 32;

/// Moved files that are handed out at once. New files come between.
const FETCH_MOVED: usize = 32;

/// Sidecars that are handed out at once. New files come between.
const FETCH_SIDECARS: usize = 64;

/// How often the store is searched for pending files without a signal. So files that a worker left pending, for example
/// because no decoding process could be started, are tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How often the store is searched for what an older version did not read, if nothing was missing.
const SEARCH_INTERVAL: Duration = Duration::from_secs(30);

/// Photos without a kept picture whose files are handed out at once. New files come between.
const FETCH_PHOTOS: usize = 32;

/// How long to wait before trying again to find what is missing of photos.
const PICTURE_RETRY_INTERVAL: Duration = Duration::from_secs(600);

/// How long to wait before reading again a file that could not be read.
const FILE_RETRY_INTERVAL: Duration = Duration::from_secs(3600);

/// How long after its last request a client still counts as waiting.
const WAITING_CLIENT_TIMEOUT: Duration = Duration::from_secs(2);

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
                health.set_problem(Part::Dispatcher, Some(e.to_string()));
                Default::default()
            });
            // Checked regularly here, because any thread may notice damage.
            lifecycle.examine_index(health);
            let was_last = rest.len() < FETCH_FILES;
            if pending.is_empty() || was_last {
                after = rest.last().filter(|_| !was_last).map_or(start.clone(), |(place, _)| place.clone());
                pending.extend(rest);
            }
            let (Ok(compared), Ok(moved)) = (self.hand_out_uncompared(), self.hand_out_moved()) else { return };
            let Ok(noted) = self.hand_out_sidecars() else { return };
            let mut handed_out = compared || moved || noted;
            let roots = roots.now();
            pending.retain(|(place, _)| roots.is_online(place.root));
            let mut purpose = Purpose::Identify;
            if pending.is_empty() {
                let Ok(is_any) = self.hand_out_stale() else { return };
                handed_out |= is_any;
                if !handed_out {
                    (pending, purpose) = gaps.next(reader, &roots, decisions, health);
                }
            }
            for (place, stamp) in pending {
                let Some(path) = roots.path_of(&place) else { continue };
                if !lock(&queue.in_flight).places.insert(place.clone()) {
                    continue;
                }
                handed_out = true;
                if lifecycle.is_stopping() || jobs.send(Job::Read(FileJob { place, path, stamp, purpose })).is_err() {
                    return;
                }
            }
            if was_last || !handed_out {
                queue.pending.wait(RETRY_INTERVAL);
            }
        }
    }

    /// Hands out near photos that are to be compared, those of new photos first. Returns whether there were any that were not
    /// in flight already.
    ///
    /// # Errors
    /// If the daemon stops.
    fn hand_out_uncompared(&self) -> Result<bool, ()> {
        let mut is_any = false;
        for pair in self.reader.uncompared(FETCH_PAIRS).unwrap_or_default() {
            if lock(&self.queue.in_flight).compared.insert(pair.map(|(photo, _)| photo)) {
                is_any = true;
                if self.lifecycle.is_stopping() || self.jobs.send(Job::Compare(pair)).is_err() {
                    return Err(());
                }
            }
        }
        Ok(is_any)
    }

    /// Hands out files that were moved. Returns whether there were any.
    ///
    /// # Errors
    /// If the daemon stops.
    fn hand_out_moved(&self) -> Result<bool, ()> {
        let moved: Vec<(Place, Stamp)> = {
            let mut moved = lock(&self.queue.unproven);
            let count = moved.len().min(FETCH_MOVED);
            moved.drain(..count).collect()
        };
        let roots = self.roots.now();
        let is_any = !moved.is_empty();
        for (place, stamp) in moved {
            // What is not handed out has the ctime of before the move, and is read at the next scan.
            let Some(path) = roots.path_of(&place).filter(|_| roots.is_online(place.root)) else { continue };
            if lock(&self.queue.in_flight).places.insert(place.clone()) {
                let job = FileJob { place, path, stamp, purpose: Purpose::Prove };
                if self.lifecycle.is_stopping() || self.jobs.send(Job::Read(job)).is_err() {
                    return Err(());
                }
            }
        }
        Ok(is_any)
    }

    /// Hands out sidecars that are to be read. Returns whether there were any that were not in flight already.
    ///
    /// # Errors
    /// If the daemon stops.
    fn hand_out_sidecars(&self) -> Result<bool, ()> {
        let roots = self.roots.now();
        let mut is_any = false;
        for (place, stamp) in self.reader.unread_sidecars(&roots.online_scopes(), FETCH_SIDECARS).unwrap_or_default() {
            let Some(path) = roots.path_of(&place) else { continue };
            if lock(&self.queue.in_flight).places.insert(place.clone()) {
                is_any = true;
                let job = FileJob { place, path, stamp, purpose: Purpose::Note };
                if self.lifecycle.is_stopping() || self.jobs.send(Job::Read(job)).is_err() {
                    return Err(());
                }
            }
        }
        Ok(is_any)
    }

    /// Hands out stale photos. Returns whether there were any that were not in flight already.
    ///
    /// # Errors
    /// If the daemon stops.
    fn hand_out_stale(&self) -> Result<bool, ()> {
        let mut is_any = false;
        // Without an answer nothing is lost: the index is damaged, and the next search for pending files says so.
        for (photo, picture) in self.reader.stale_after(PhotoId(0), FETCH_FILES).unwrap_or_default() {
            if lock(&self.queue.in_flight).stale.insert(photo) {
                is_any = true;
                if self.lifecycle.is_stopping() || self.jobs.send(Job::Encode(photo, picture)).is_err() {
                    return Err(());
                }
            }
        }
        Ok(is_any)
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
    pictures: PhotoGaps,
    colours: PhotoGaps,
}

/// Goes through the photos of which something is missing, again and again.
#[derive(Default)]
struct PhotoGaps {
    /// The last photo that was handed out.
    after: PhotoId,
    /// When all photos had been handed out, and which roots were online then.
    ended: Option<(Instant, Vec<RootId>)>,
}

impl PhotoGaps {
    /// Returns a file of each of the next photos. `missing` lists the files of photos after a photo.
    fn next(&mut self, missing: impl Fn(PhotoId) -> store::Result<Vec<(PhotoId, Place, Stamp)>>, roots: &Roots) -> Vec<(Place, Stamp)> {
        let online: Vec<RootId> = roots.list().iter().map(|root| root.id).filter(|root| roots.is_online(*root)).collect();
        if self.ended.as_ref().is_some_and(|(at, then)| at.elapsed() < PICTURE_RETRY_INTERVAL && *then == online) {
            return Vec::new();
        }
        self.ended = None;
        loop {
            let photos = missing(self.after).unwrap_or_default();
            let Some((last, ..)) = photos.last() else {
                *self = PhotoGaps { after: PhotoId::default(), ended: Some((Instant::now(), online)) };
                return Vec::new();
            };
            self.after = *last;
            let mut here: Vec<(PhotoId, Place, Stamp)> = photos.into_iter().filter(|(_, place, _)| roots.is_online(place.root)).collect();
            here.dedup_by_key(|(photo, ..)| *photo);
            if !here.is_empty() {
                return here.into_iter().map(|(_, place, stamp)| (place, stamp)).collect();
            }
        }
    }
}

impl Gaps {
    fn next(&mut self, reader: &Reader, roots: &Roots, decisions: &RwLock<Decisions>, health: &Health) -> (Vec<(Place, Stamp)>, Purpose) {
        if self.none_at.is_some_and(|at| at.elapsed() < SEARCH_INTERVAL) {
            return (Vec::new(), Purpose::Describe);
        }
        self.tried.retain(|_, at| at.elapsed() < FILE_RETRY_INTERVAL);
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
        if !new.is_empty() {
            return (new, Purpose::Compare);
        }
        let new = self.colours.next(|after| reader.of_unknown_colours_after(after, FETCH_FILES), roots);
        if !new.is_empty() {
            return (new, Purpose::Colours);
        }
        // While pictures cannot be kept, one file at a time shows whether they can be again.
        let (can_keep, keeps) = (health.problem(Part::Pictures).is_none(), reader.keeps_pictures());
        let count = if can_keep { FETCH_PHOTOS } else { 1 };
        let new = if keeps { self.pictures.next(|after| reader.without_picture_after(after, count), roots) } else { Vec::new() };
        if new.is_empty() || !can_keep {
            self.none_at = Some(Instant::now());
        }
        (new, Purpose::Keep)
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
    wanted.retain(|_, asked| asked.elapsed() < WAITING_CLIENT_TIMEOUT);
    wanted.keys().cloned().collect()
}
