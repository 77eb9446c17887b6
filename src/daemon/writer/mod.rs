//! The writer thread: carries out all changes of the store, in the order in which they were sent.

mod decided;
mod requests;

pub use requests::{TUNING_KNEW, TUNING_ORDER, unreadable};

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use super::messages::{Change, Outcome, Write};
use super::retry::until_stored;
use super::state::events::EventKind;
use super::state::{Configuration, Events, Heads, Health, Lifecycle, Part, Queue, SharedRoots, Tuning, lock};
use crate::catalog::generation::{Compare, descriptors, keep};
use crate::likeness::{Density, PairLimit, arrive};
use crate::photo::{Counters, Decisions, Descriptors, KeptPicture, PhotoId, PictureHash, Place, StoredFeatures};
use crate::store::{self, Batch, IsNew, SeenFile, Writer};

/// The most changes in one commit.
const BATCH_WRITES: usize = 128;

/// How long to wait for the next message. Stopping the daemon wakes the thread.
const IDLE_TIMEOUT: Duration = Duration::from_secs(60);
/// After this time without a message the store is at rest, and its write-ahead logs are emptied.
const REST_TIME: Duration = Duration::from_secs(1);
/// At shutdown the thread ends once nothing was sent for this long.
const DRAIN_TIME: Duration = Duration::from_millis(200);

pub struct WriterThread {
    pub configuration: Arc<Configuration>,
    pub roots: Arc<SharedRoots>,
    pub heads: Arc<Heads>,
    pub decisions: Arc<RwLock<Decisions>>,
    pub events: Arc<Events>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
    pub tuning: Arc<Tuning>,
    pub writer: Writer,
    pub writes: Receiver<Write>,
    /// Places whose file changed and was not read again yet.
    pub changed: HashSet<Place>,
    /// Whether the write-ahead logs may hold something.
    pub is_log_filled: bool,
}

impl WriterThread {
    /// Runs until the daemon stops and everything that was sent is committed.
    pub fn run(mut self) {
        if let Err(e) = self.catch_up() {
            tracing::warn!("decisions may not hold for photos that changed: {e}");
        }
        loop {
            self.health.writer_beat();
            let wait = match (self.lifecycle.is_stopping(), self.is_log_filled) {
                (true, _) => DRAIN_TIME,
                (false, true) => REST_TIME,
                (false, false) => IDLE_TIMEOUT,
            };
            let first = match self.writes.recv_timeout(wait) {
                Ok(first) => Some(first),
                Err(RecvTimeoutError::Timeout) if !self.lifecycle.is_stopping() => {
                    self.empty_logs();
                    continue;
                }
                Err(_) => None,
            };
            let mut batch: Vec<Write> = first.into_iter().collect();
            while batch.len() < BATCH_WRITES
                && let Ok(next) = self.writes.try_recv()
            {
                batch.push(next);
            }
            if batch.is_empty() {
                let _ = self.writer.checkpoint();
                return;
            }
            self.is_log_filled = true;
            self.commit(batch);
        }
    }

    /// Empties the write-ahead logs. If a reader or a full disk is in the way, it is tried again at the next rest.
    fn empty_logs(&mut self) {
        if self.is_log_filled {
            self.is_log_filled = !self.writer.checkpoint().unwrap_or_else(|e| {
                tracing::debug!("no checkpoint: {e}");
                false
            });
        }
    }

    /// Commits a batch: first all changes in one transaction, then each request. Retries the changes after an error,
    /// for example while the disk is full.
    fn commit(&mut self, batch: Vec<Write>) {
        let (mut changes, mut requests) = (Vec::new(), Vec::new());
        for write in batch {
            match write {
                Write::Change(change) => changes.push(change),
                Write::Request(request, claim) => requests.push((request, claim)),
            }
        }
        self.consider_decisions(&changes);
        let (queue, health, lifecycle) = (self.queue.clone(), self.health.clone(), self.lifecycle.clone());
        let is_wanted = || {
            queue.activity.announce();
            lifecycle.examine_index(&health);
            health.writer_beat();
            !lifecycle.is_stopping()
        };
        let what = format!("nothing can be stored in {}", self.configuration.settings.data_dir.display());
        if let Ok(joined) = until_stored(&health, Part::Store, &what, is_wanted, || Ok(self.write(&changes)?)) {
            if changes.iter().any(|change| !matches!(change, Change::Flush(_) | Change::Done { .. })) {
                self.queue.committed();
            }
            if !(joined.new.is_empty() && joined.densities.is_empty()) {
                self.heads.active.change(|active| active.index.join(&joined.new, &joined.densities));
            }
            self.changed.extend(joined.read_again);
            self.emit(&changes, joined.seen_files, &joined.outdated);
        }
        if let Err(e) = self.keep_decisions(&changes) {
            tracing::warn!("a decision may not hold for a photo that changed, until the daemon starts again: {e}");
        }
        self.queue.considers_decisions.store(false, Ordering::SeqCst);
        self.release(&changes);
        for change in &changes {
            if let Change::Flush(done) = change {
                // The channel has room for one answer, and only this thread sends.
                let _ = done.try_send(());
            }
        }
        // A file without an outcome stays pending. It does not wake the dispatcher, which would hand it out again at
        // once.
        let makes_work = changes.iter().any(|c| {
            matches!(
                c,
                Change::Files { .. }
                    | Change::Others { .. }
                    | Change::ReadAgain(_)
                    | Change::Retry(_)
                    | Change::Read { outcome: Some(_), .. }
                    | Change::Encoded { .. }
                    | Change::Compared { .. }
            )
        });
        drop(changes);
        if !requests.is_empty() {
            for (request, claim) in requests {
                if claim.take() {
                    self.carry_out(request);
                }
            }
            self.queue.committed();
        }
        self.queue.activity.announce();
        if makes_work {
            self.queue.pending.raise();
        }
    }

    /// Writes all changes in one transaction, with the embeddings, pairs and densities that result from new photos.
    fn write(&mut self, changes: &[Change]) -> store::Result<Joined> {
        let last_kept = self.keep_pictures(changes);
        let (active, recipe) = (self.heads.active.now(), &self.configuration.recipe);
        self.writer.batch(|batch| {
            let mut new: Vec<(PhotoId, Descriptors)> = Vec::new();
            let mut done = Counters::default();
            let (mut seen_files, mut outdated, mut read_again) = (Vec::new(), HashSet::new(), Vec::new());
            for change in changes {
                match change {
                    Change::Files { seen, gone, .. } => {
                        for (place, stamp) in seen {
                            seen_files.push((place.clone(), batch.upsert_seen(place, stamp)?));
                        }
                        gone.iter().try_for_each(|place| batch.forget(place))?;
                    }
                    Change::Others { seen, gone } => {
                        for (place, kind, stamp, was_closed) in seen {
                            batch.upsert_other(place, *kind, stamp, *was_closed)?;
                        }
                        gone.iter().try_for_each(|place| batch.forget_other(place))?;
                    }
                    Change::Hashed { place, stamp, content } => drop(batch.hash_undecoded(place, stamp, content)?),
                    Change::Renumbered(files) => files.iter().try_for_each(|(place, stamp)| batch.renumber(place, stamp))?,
                    Change::ReadAgain(places) => {
                        for (place, seen) in places {
                            read_again.extend(batch.read_again(place, seen.as_ref())?);
                        }
                    }
                    Change::Folders { listed, unreadable } => {
                        listed.iter().try_for_each(|place| batch.clear_failure(place))?;
                        unreadable.iter().try_for_each(|(place, failure)| batch.fail_folder(place, failure))?;
                    }
                    Change::Read { place, outcome, counters } => {
                        done.read += counters.read;
                        done.decoded += counters.decoded;
                        done.embedded += counters.embedded;
                        if let Some(outcome) = outcome {
                            let is_kept = last_kept.is_some();
                            let stored = store_outcome(batch, place, outcome, recipe, is_kept, &mut read_again)?;
                            new.extend(stored.new.map(|(photo, stored)| (photo, descriptors(&active.head, stored))));
                            outdated.extend((!stored.counts).then(|| place.clone()));
                        }
                    }
                    Change::Encoded { photo, stored, counters } => {
                        done.embedded += counters.embedded;
                        match stored {
                            Some(stored) => {
                                let renewed = batch.renew_photo(*photo, recipe, stored)?;
                                new.extend(renewed.map(|photo| (photo, descriptors(&active.head, stored))));
                            }
                            None => batch.read_files_again(*photo)?,
                        }
                    }
                    Change::Compared { photos, compared } => batch.set_compared(*photos, compared.as_ref())?,
                    Change::Retry(root) => batch.retry(*root)?,
                    Change::Done { .. } | Change::Flush(_) => {}
                }
            }
            let arrival = arrive(&active.index, &new, PairLimit::STORED, |photos| batch.keypoints_of(photos))?;
            keep(batch, active.number, &new, &arrival, Compare::Now)?;
            last_kept.map_or(Ok(()), |last| batch.set_last_kept(last))?;
            batch.count(&done)?;
            Ok(Joined { new, densities: arrival.densities, seen_files, read_again, outdated })
        })
    }

    /// Keeps the pictures that were decoded. Returns their last number. `None` if there were none or they cannot be kept: then
    /// the photos are stored without them.
    fn keep_pictures(&mut self, changes: &[Change]) -> Option<i64> {
        let kept: Vec<(PictureHash, &KeptPicture)> = changes.iter().filter_map(kept_picture).collect();
        if kept.is_empty() {
            return None;
        }
        let last = self.writer.keep_pictures(&kept);
        self.health.set_problem(Part::Pictures, self.writer.pictures_problem());
        last
    }

    /// Removes files and pictures from those in flight, so that they can be read again.
    fn release(&self, changes: &[Change]) {
        let mut in_flight = lock(&self.queue.in_flight);
        for change in changes {
            match change {
                Change::Read { place, outcome, .. } => {
                    in_flight.places.remove(place);
                    if let Some(Outcome::New { made, .. }) = outcome.as_deref() {
                        in_flight.pictures.remove::<PictureHash>(&made.identity.picture);
                    }
                }
                Change::Encoded { photo, .. } => drop(in_flight.stale.remove(photo)),
                Change::Compared { photos, .. } => drop(in_flight.compared.remove(photos)),
                _ => {}
            }
        }
    }

    fn emit(&mut self, changes: &[Change], seen_files: Vec<(Place, SeenFile)>, outdated: &HashSet<Place>) {
        let (roots, events) = (self.roots.now(), self.events.clone());
        let path_of = |place: &Place| roots.path_of(place);
        let moved_from = |place: &Place| {
            changes.iter().find_map(|change| match change {
                Change::Files { moves, .. } => moves.from.get(place),
                _ => None,
            })
        };
        for (place, file) in seen_files {
            let Some(path) = path_of(&place) else { continue };
            match (moved_from(&place).and_then(path_of), file.holds_photo) {
                (Some(from), true) => events.emit(EventKind::Moved { from, path }),
                (None, true) if file.held_photo => events.emit(EventKind::Changed(path)),
                (None, true) => events.emit(EventKind::Added(path)),
                (_, false) => self.changed.extend(file.held_photo.then_some(place)),
            }
        }
        for change in changes {
            match change {
                Change::Files { gone, moves, .. } => {
                    for place in gone {
                        self.changed.remove(place);
                    }
                    let left = gone.iter().filter(|place| !moves.left.contains(place));
                    left.filter_map(path_of).for_each(|path| events.emit(EventKind::Gone(path)));
                }
                Change::Read { place, outcome: Some(outcome), .. } if !outdated.contains(place) => {
                    let was_known = self.changed.remove(place);
                    let Some(path) = path_of(place) else { continue };
                    match outcome.as_ref() {
                        Outcome::Moved { .. } | Outcome::Described { .. } | Outcome::Decoded { .. } => {}
                        Outcome::Noted { .. } | Outcome::Srgb => {}
                        Outcome::Failed { failure, .. } => events.emit(EventKind::Failed { path, reason: failure.reason.clone() }),
                        _ if was_known => events.emit(EventKind::Changed(path)),
                        _ => events.emit(EventKind::Added(path)),
                    }
                }
                _ => {}
            }
        }
    }
}

/// The result of a transaction, for the index in memory and for events.
struct Joined {
    new: Vec<(PhotoId, Descriptors)>,
    densities: Vec<(PhotoId, Density)>,
    /// Files that were seen, for events.
    seen_files: Vec<(Place, SeenFile)>,
    /// Files that are read again.
    read_again: Vec<Place>,
    /// Files that were read and have changed or disappeared since.
    outdated: HashSet<Place>,
}

/// The result of storing an outcome.
struct StoredOutcome<'a> {
    /// The photo, if it is new.
    new: Option<(PhotoId, &'a StoredFeatures)>,
    /// Whether the file still has the stamp that was read.
    counts: bool,
}

/// Returns a picture that was decoded, to be kept.
fn kept_picture(change: &Change) -> Option<(PictureHash, &KeptPicture)> {
    let Change::Read { outcome: Some(outcome), .. } = change else { return None };
    match outcome.as_ref() {
        Outcome::New { made, .. } => Some((made.identity.picture, &made.kept)),
        Outcome::Decoded { identity, kept, .. } => Some((identity.picture, kept)),
        _ => None,
    }
}

/// Stores the outcome of reading a file. `is_kept`: whether the pictures of this batch are kept. Adds the files that must be
/// read again.
fn store_outcome<'a>(
    batch: &mut Batch<'_>,
    place: &Place,
    outcome: &'a Outcome,
    recipe: &str,
    is_kept: bool,
    read_again: &mut Vec<Place>,
) -> store::Result<StoredOutcome<'a>> {
    let mark = |batch: &mut Batch<'_>, photo, kept: &KeptPicture| if is_kept { batch.set_kept(photo, kept.decoding) } else { Ok(()) };
    let (new, counts) = match outcome {
        Outcome::Known { stamp, photo, content, metadata } => (None, batch.link(place, stamp, content, *photo, metadata)?),
        Outcome::Moved { stamp, content } => {
            match content {
                Some(content) if batch.holds(place, content)? => batch.prove(stamp, content)?,
                _ => read_again.extend(batch.read_again(place, Some(stamp))?),
            }
            (None, true)
        }
        Outcome::Described { content, metadata } => {
            if batch.holds(place, content)? {
                batch.describe(content, metadata)?;
            }
            (None, true)
        }
        Outcome::Decoded { photo, identity, pixels, detail, kept, is_other } => {
            batch.set_pixels(*photo, pixels.as_ref(), *detail)?;
            batch.set_quantisation(*photo, identity.quantisation)?;
            let is_converted_now = batch.set_converted(*photo, kept.is_converted())? && kept.is_converted();
            mark(batch, *photo, kept)?;
            if *is_other && is_kept || is_converted_now {
                batch.outdate_features(*photo)?;
            }
            (None, true)
        }
        Outcome::Srgb => {
            batch.set_srgb(place)?;
            (None, true)
        }
        Outcome::Failed { stamp, failure } => (None, batch.fail(place, stamp, failure)?),
        Outcome::Noted { stamp, facts } => {
            batch.note_sidecar(place, stamp, facts.as_ref())?;
            (None, true)
        }
        Outcome::New { stamp, made } => {
            let (photo, is_new) = batch.add_photo(&made.identity, &made.metadata.capture, recipe, &made.stored)?;
            batch.set_pixels(photo, made.pixels.as_ref(), made.detail)?;
            batch.set_converted(photo, made.kept.is_converted())?;
            mark(batch, photo, &made.kept)?;
            let counts = batch.link(place, stamp, &made.identity.content, photo, &made.metadata)?;
            ((is_new == IsNew::Yes).then_some((photo, &made.stored)), counts)
        }
    };
    Ok(StoredOutcome { new, counts })
}
