//! Workers: each reads one file at a time, from opening it to its features.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::error::Error;
use super::intake::Intakes;
use super::messages::{Change, FileJob, Job, Made, Outcome, Purpose, Write};
use super::state::heartbeat::{Heartbeat, Kind};
use super::state::{Configuration, Health, Lifecycle, Part, Queue, SharedRoots, lock};
use crate::catalog::encoder::Encoder;
use crate::catalog::relations::framed;
use crate::intake::stamp_like;
use crate::likeness::{CropHead, compare};
use crate::photo::{
    Compared, Counters, Failure, Format, Identity, KeptPicture, Metadata, PhotoId, Picture, PictureHash, Stage, StoredFeatures,
};
use crate::store::{self, Uncompared};
use crate::sys::SameProgram;
use crate::sys::background::{Nice, vital};
use crate::sys::regular_file::{is_gone, open};
use crate::vision::Limits;
use crate::vision::backbone::{self, Backbone};
use crate::vision::kept::{keep_decoded, picture};
use crate::vision::sandbox::{self, DecodeError};

/// Spawns workers, and replaces stuck ones.
#[derive(Clone)]
pub struct WorkerPool {
    pub configuration: Arc<Configuration>,
    pub roots: Arc<SharedRoots>,
    pub queue: Arc<Queue>,
    pub health: Arc<Health>,
    pub lifecycle: Arc<Lifecycle>,
    pub tools: ReadingTools,
    pub jobs: Arc<Mutex<Receiver<Job>>>,
    pub writes: SyncSender<Write>,
    /// Checks the path of a file again that changed since it was seen.
    pub intakes: Arc<Intakes>,
}

/// What each worker needs to build its reader.
#[derive(Clone)]
pub struct ReadingTools {
    pub program: SameProgram,
    pub backbone: Backbone,
    pub crop_head: CropHead,
}

impl ReadingTools {
    /// Returns a decoding process, which is not started yet.
    fn decoder(&self, limits: Limits) -> sandbox::Decoder {
        sandbox::Decoder::new(self.program.clone(), limits)
    }

    fn encoder(&self) -> Result<Encoder, backbone::Error> {
        Ok(Encoder { runner: self.backbone.runner()?, crop_head: self.crop_head.clone() })
    }
}

impl WorkerPool {
    /// Starts one worker.
    ///
    /// # Errors
    /// If the thread cannot be started, or the store or the backbone cannot be opened.
    pub fn spawn(&self) -> Result<(), Error> {
        let worker = Worker {
            pool: self.clone(),
            store: store::Reader::open(&self.configuration.location)?,
            decoder: self.tools.decoder(self.configuration.settings.limits),
            encoder: self.tools.encoder()?,
            heartbeat: self.health.heartbeats.add(Kind::Worker),
        };
        vital("worker", Nice::ToPeople, move || worker.run())?;
        Ok(())
    }

    /// Starts a worker in place of one that is stuck.
    pub fn replace(&self, stuck: &Heartbeat) {
        if stuck.is_workers()
            && stuck.replace()
            && let Err(e) = self.spawn()
        {
            tracing::warn!("a stuck worker cannot be replaced: {e}");
        }
    }
}

struct Worker {
    /// The data that all workers share.
    pool: WorkerPool,
    store: store::Reader,
    decoder: sandbox::Decoder,
    encoder: Encoder,
    heartbeat: Arc<Heartbeat>,
}

impl Worker {
    /// Runs until the daemon stops.
    fn run(mut self) {
        loop {
            let job = lock(&self.pool.jobs).recv();
            let Ok(job) = job else { return };
            if self.pool.lifecycle.is_stopping() {
                return;
            }
            // The writer releases the file or photo after it has stored the outcome. Until then it is in flight.
            let done = match job {
                Job::Read(job) => {
                    let (outcome, counters) = tracing::debug_span!("file", path = %job.path.display()).in_scope(|| self.read(&job));
                    Change::Read { place: job.place, outcome: outcome.map(Box::new), counters }
                }
                Job::Encode(photo, picture) => self.encode_again(photo, &picture),
                Job::Compare(pair) => Change::Compared { photos: pair.map(|(photo, _)| photo), compared: self.compare(&pair) },
            };
            let is_replaced = self.heartbeat.is_replaced();
            if self.pool.writes.send(done.into()).is_err() {
                return;
            }
            if is_replaced {
                // The disk answered at last.
                drop(self.heartbeat);
                return self.pool.intakes.look_for_roots();
            }
        }
    }

    fn read(&mut self, job: &FileJob) -> (Option<Outcome>, Counters) {
        let mut counters = Counters::default();
        let began = Instant::now();
        if job.purpose == Purpose::Note {
            return (self.note(job), counters);
        }
        let outcome = self.outcome(job, &mut counters);
        let milliseconds = began.elapsed().as_millis() as u64;
        let outcome = match outcome {
            Ok(outcome) => {
                let embedded = counters.embedded > 0;
                tracing::debug!(milliseconds, embedded, "{}", if outcome.is_some() { "read" } else { "left for later" });
                outcome
            }
            // The photo of the file is known, and stays as it is.
            Err(DecodeError::Photo(failure)) if job.purpose != Purpose::Identify => {
                tracing::debug!(milliseconds, stage = %failure.stage.name(), "not read again: {failure}");
                None
            }
            Err(DecodeError::Photo(failure)) => {
                tracing::debug!(milliseconds, stage = %failure.stage.name(), "not read: {failure}");
                Some(Outcome::Failed { stamp: job.stamp, failure })
            }
            Err(DecodeError::Child(e)) => {
                self.pool.health.set_problem(Part::Decode, Some(format!("photos cannot be read now: {e}")));
                None
            }
        };
        (outcome, counters)
    }

    /// Reads a file. `None` leaves it as it is.
    fn outcome(&mut self, job: &FileJob, counters: &mut Counters) -> Result<Option<Outcome>, DecodeError> {
        let stored = |e: store::Error| DecodeError::Child(io::Error::other(e));
        // Its outcome may have been stored after the dispatcher read the store.
        if self.store.is_pending(std::slice::from_ref(&job.place)).map_err(stored)? != (job.purpose == Purpose::Identify) {
            return Ok(None);
        }
        let patience = Duration::from_secs(self.pool.configuration.settings.limits.seconds + 10);
        let asking = self.heartbeat.work_on(job.place.root, patience);
        let file = match open(&job.path) {
            Ok(file) => file,
            Err(e) if is_of_another(&e) => {
                self.look_again(job);
                return Ok(None);
            }
            Err(e) => return Err(DecodeError::Photo(Failure::new(Stage::Open, e))),
        };
        if job.purpose == Purpose::Colours && !self.decoder.needs_conversion(&file)? {
            let is_unchanged = job.stamp.is_unchanged(&stamp_like(&file, &job.stamp)?);
            return Ok(is_unchanged.then_some(Outcome::Srgb));
        }
        counters.read = 1;
        let identity = self.decoder.identify(&file);
        // The result belongs to the stamp of the job only if the file still has that stamp.
        let stamp = stamp_like(&file, &job.stamp)?;
        drop(asking);
        if !job.stamp.is_unchanged(&stamp) {
            self.look_again(job);
            return Ok(None);
        }
        if job.purpose == Purpose::Prove {
            // What could be read before and cannot now has other bytes.
            let content = match identity {
                Ok((identity, _)) => Some(identity.content),
                Err(DecodeError::Photo(_)) => None,
                Err(e) => return Err(e),
            };
            return Ok(Some(Outcome::Moved { stamp, content }));
        }
        let (identity, metadata) = identity?;
        self.pool.health.set_problem(Part::Decode, None);
        check_name(&job.path, identity.format).map_err(DecodeError::Photo)?;
        if job.purpose != Purpose::Identify {
            // Other bytes with an unchanged stamp do not belong to the photo of the file. Nothing is reported of them.
            if self.store.content_of(&job.place).map_err(stored)? != Some(identity.content) {
                return Ok(None);
            }
            if !matches!(job.purpose, Purpose::Keep | Purpose::Colours) {
                self.decoder.confirm(&file, &identity, &metadata)?;
            }
            if job.purpose == Purpose::Describe {
                return Ok(Some(Outcome::Described { content: identity.content, metadata }));
            }
            let Some(photo) = self.store.photo_of_picture(&identity.picture).map_err(stored)? else { return Ok(None) };
            let decoded = self.decoder.decode()?;
            counters.decoded = 1;
            let kept = keep_decoded(&decoded, identity.format);
            let is_other = self.store.kept_picture(&identity.picture).is_some_and(|old| old.jpeg != kept.jpeg);
            return Ok(Some(Outcome::Decoded { photo, identity, pixels: decoded.pixels, detail: decoded.detail, kept, is_other }));
        }
        if let Some(photo) = self.store.photo_of_picture(&identity.picture).map_err(stored)? {
            // A person may delete all files of a picture except one, so one process alone is not trusted.
            if !self.store.has_content(photo, &identity.content).map_err(stored)? {
                self.confirm_first(photo, &identity)?;
                self.decoder.confirm(&file, &identity, &metadata)?;
            }
            return Ok(Some(Outcome::Known { stamp, photo, content: identity.content, metadata }));
        }
        if !lock(&self.pool.queue.in_flight).pictures.insert(identity.picture) {
            // Another worker has the same picture in another file. This file stays pending and comes later.
            return Ok(None);
        }
        let made = self.photo(&identity, metadata, counters);
        if made.is_err() {
            lock(&self.pool.queue.in_flight).pictures.remove(&identity.picture);
        }
        made.map(|made| Some(Outcome::New { stamp, made }))
    }

    /// Reads a sidecar. `None` leaves it for later.
    fn note(&mut self, job: &FileJob) -> Option<Outcome> {
        let patience = Duration::from_secs(self.pool.configuration.settings.limits.seconds + 10);
        let _asking = self.heartbeat.work_on(job.place.root, patience);
        let file = match open(&job.path) {
            Ok(file) => file,
            Err(e) if is_of_another(&e) => {
                self.look_again(job);
                return None;
            }
            Err(_) => return Some(Outcome::Noted { stamp: job.stamp, facts: None }),
        };
        let read = self.decoder.sidecar(&file);
        if !stamp_like(&file, &job.stamp).is_ok_and(|now| job.stamp.is_unchanged(&now)) {
            self.look_again(job);
            return None;
        }
        match read {
            Ok(facts) => Some(Outcome::Noted { stamp: job.stamp, facts: Some(facts) }),
            Err(DecodeError::Photo(_)) => Some(Outcome::Noted { stamp: job.stamp, facts: None }),
            Err(DecodeError::Child(e)) => {
                self.pool.health.set_problem(Part::Decode, Some(format!("sidecars cannot be read now: {e}")));
                None
            }
        }
    }

    /// Confirms the picture of the first file of a photo, which only one process has reported. It is not done for a file that
    /// cannot be opened now.
    fn confirm_first(&mut self, photo: PhotoId, identity: &Identity) -> Result<(), DecodeError> {
        let roots = self.pool.roots.now();
        for (place, stamp) in self.store.files_of_one_content(photo).map_err(|e| DecodeError::Child(io::Error::other(e)))? {
            let Some(path) = roots.path_of(&place).filter(|_| roots.is_here(&place)) else { continue };
            let _asking = self.heartbeat.work_on(place.root, Duration::from_secs(self.pool.configuration.settings.limits.seconds + 10));
            let Ok(file) = open(&path) else { continue };
            if !stamp_like(&file, &stamp).is_ok_and(|now| stamp.is_unchanged(&now)) {
                continue;
            }
            match self.decoder.picture_anew(&file).map(|held| held.picture == identity.picture) {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(DecodeError::Photo(_)) => continue,
                Err(e) => return Err(e),
            }
            let _ = self.pool.writes.send(Change::ReadAgain(vec![(place, None)]).into());
            let why = format!("two decoding processes do not agree about {}, which seemed to be the same picture", path.display());
            return Err(DecodeError::Photo(Failure::new(Stage::Read, why)));
        }
        Ok(())
    }

    fn photo(&mut self, identity: &Identity, metadata: Metadata, counters: &mut Counters) -> Result<Made, DecodeError> {
        let decoded = self.decoder.decode()?;
        counters.decoded = 1;
        let kept = keep_decoded(&decoded, identity.format);
        let stored = self.encode(&kept, counters).map_err(DecodeError::Photo)?;
        Ok(Made { identity: *identity, pixels: decoded.pixels, detail: decoded.detail, kept, metadata, stored })
    }

    /// Makes all that is stored of a photo, from its kept picture.
    fn encode(&mut self, kept: &KeptPicture, counters: &mut Counters) -> Result<StoredFeatures, Failure> {
        let picture = picture(kept).map_err(|e| Failure::new(Stage::Embed, e))?;
        let encoded = survived(|| self.encoder.encode(&picture)).ok_or_else(|| Failure::new(Stage::Embed, "the encoder gave up"))?;
        let stored = encoded.map_err(|e| Failure::new(Stage::Embed, e))?;
        counters.embedded = 1;
        Ok(stored)
    }

    /// Makes the features of a stale photo again, from its kept picture.
    fn encode_again(&mut self, photo: PhotoId, picture: &PictureHash) -> Change {
        let mut counters = Counters::default();
        let stored = match self.store.kept_picture(picture).map(|kept| self.encode(&kept, &mut counters)) {
            Some(Ok(stored)) => Some(Box::new(stored)),
            Some(Err(e)) => {
                tracing::warn!("the files of a photo are read again, because its kept picture cannot be used: {e}");
                None
            }
            None => None,
        };
        Change::Encoded { photo, stored, counters }
    }

    /// Compares two near photos. `None` if there is no picture of one of them now.
    fn compare(&mut self, pair: &Uncompared) -> Option<Compared> {
        let points = self.store.keypoints_of(&pair.map(|(photo, _)| photo).into()).ok()?;
        let (a, b) = (self.picture_of(&pair[0].1)?, self.picture_of(&pair[1].1)?);
        let framed = |(photo, _): &(PhotoId, PictureHash), picture| Some(framed(picture, points.get(photo)?));
        let (a, b) = (framed(&pair[0], &a)?, framed(&pair[1], &b)?);
        // It would panic again, so the two are not compared once more.
        let compared = survived(|| compare(a, b)).flatten();
        Some(compared.map_or(Compared::Apart, Compared::Laid))
    }

    /// Returns the kept picture of a photo, or else the same from one of its files.
    fn picture_of(&mut self, hash: &PictureHash) -> Option<Picture> {
        if let Some(kept) = self.store.kept_picture(hash).and_then(|kept| picture(&kept).ok()) {
            return Some(kept);
        }
        let roots = self.pool.roots.now();
        for place in self.store.files_of_picture(hash).ok()? {
            let Some(path) = roots.path_of(&place).filter(|_| roots.is_online(place.root)) else { continue };
            let patience = Duration::from_secs(self.pool.configuration.settings.limits.seconds + 10);
            let _working = self.heartbeat.work_on(place.root, patience);
            let Ok(file) = open(&path) else { continue };
            let Ok((identity, _)) = self.decoder.identify(&file) else { continue };
            if identity.picture == *hash
                && let Ok(decoded) = self.decoder.decode()
            {
                return picture(&keep_decoded(&decoded, identity.format)).ok();
            }
        }
        None
    }

    /// Has intake check the path again. A worker must not report itself that a file changed or is gone. If the file is
    /// back in its stored state by then, intake sees no difference and would not correct the report.
    fn look_again(&self, job: &FileJob) {
        self.pool.intakes.hint(job.place.root, job.path.clone());
    }
}

/// Whether something else is at the path of a file by now, or nothing. What will be there again is not the worse for it: a folder and a
/// file may have changed places twice.
fn is_of_another(error: &io::Error) -> bool {
    let is_link = error.raw_os_error() == Some(Errno::LOOP.raw_os_error());
    is_link || is_gone(error) || error.kind() == io::ErrorKind::IsADirectory
}

/// A RAW file of a maker that is not known may look like a TIFF, and then it shows a thumbnail.
fn check_name(path: &Path, format: Format) -> Result<(), Failure> {
    if format == Format::Tiff && Format::from_name(path) == Some(Format::Raw) {
        let why = "by its name, and a TIFF by its content: it may show a thumbnail, so it is not read by this version; if it is not a RAW \
                   file, rename it to .tif";
        return Err(Failure::unsupported_kind(Format::Raw, why));
    }
    Ok(())
}

/// Returns what comes of work on a picture. `None` if it panics: one photo must not end the daemon at every start.
fn survived<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_that_leads_elsewhere_by_now_is_no_failure_of_the_file() {
        let home = tempfile::tempdir().expect("a folder");
        let at = |path: &str| home.path().join(path);
        fs::write(at("file.jpg"), "x").expect("written");
        fs::create_dir(at("folder.jpg")).expect("made");
        symlink("file.jpg", at("link.jpg")).expect("linked");
        for path in ["none.jpg", "file.jpg/below.jpg", "folder.jpg", "link.jpg"] {
            assert!(is_of_another(&open(&at(path)).expect_err(path)), "{path}");
        }
        assert!(open(&at("file.jpg")).is_ok() && !is_of_another(&io::ErrorKind::PermissionDenied.into()));
    }
}
