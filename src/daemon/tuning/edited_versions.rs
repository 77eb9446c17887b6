//! Makes what a tuning on edits learns from: the features of photos and of edited versions of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;

use super::threads::on_threads;
use super::{Run, Why};
use crate::daemon::messages::{Request, request};
use crate::daemon::retry::while_full;
use crate::daemon::state::Part;
use crate::daemon::state::tuning::Phase;
use crate::learn::edits::edits;
use crate::photo::{PhotoId, Picture};
use crate::store::{EditedVersion, PhotoRecord, Reader};
use crate::sys::SameProgram;
use crate::sys::regular_file::open;
use crate::vision::backbone::Runner;
use crate::vision::kept::picture;
use crate::vision::sandbox::{self, DecodeError};

/// The number of edited versions of each photo.
const EDITED_VERSIONS_PER_PHOTO: usize = 6;

/// Makes the edited versions of the photos that have none yet, until the time for this is over. Returns all stored ones.
/// A photo that cannot be read now gets none.
pub fn prepare(run: &Run<'_>, reader: &Reader, photos: &[&PhotoRecord]) -> Result<HashMap<PhotoId, Vec<EditedVersion>>, Why> {
    let known = reader.edited_versions()?;
    let missing: Vec<&PhotoRecord> = photos.iter().filter(|p| !known.contains_key(&p.id)).copied().collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(photos.len() - missing.len()));
    let work = || -> Result<(), Why> {
        let broken = |e: &dyn std::fmt::Display| Why::Failed(format!("edited versions cannot be made: {e}"));
        let program = SameProgram::of_this_process().map_err(|e| broken(&e))?;
        let mut maker = Maker {
            store: Reader::open(&run.tuner.switcher.configuration.location).map_err(|e| broken(&e))?,
            decoder: sandbox::Decoder::new(program, run.tuner.switcher.configuration.settings.limits),
            runner: run.backbone.runner().map_err(|e| broken(&e))?,
            seed: run.order.asked as u64,
        };
        while let Some(&photo) = missing.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| run.may_prepare()) {
            // Tried twice, because the decoding process may have been killed for a reason that is not in the photo.
            if let Some(versions) = maker.versions(run, photo).or_else(|_| maker.versions(run, photo)).map_err(|e| broken(&e))? {
                store(run, photo.id, versions)?;
            }
            run.report_progress(Phase::Preparing, 1 + done.fetch_add(1, Ordering::Relaxed), photos.len(), None, None);
        }
        Ok(())
    };
    on_threads(run, "tuning versions", work)?;
    Ok(reader.edited_versions()?)
}

fn store(run: &Run<'_>, photo: PhotoId, versions: Vec<EditedVersion>) -> Result<(), Why> {
    let stored = while_full(
        &run.tuner.switcher.health,
        Part::Tuning,
        "the edited versions for tuning cannot be stored",
        || run.may_prepare(),
        || request(&run.tuner.switcher.writes, |reply| Request::AddEditedVersions(photo, versions.clone(), reply)),
    );
    run.tuner.switcher.health.set_problem(Part::Tuning, None);
    Ok(stored?)
}

/// Makes edited versions on one thread.
struct Maker {
    store: Reader,
    decoder: sandbox::Decoder,
    runner: Runner,
    seed: u64,
}

impl Maker {
    /// Makes the edited versions of a photo, from its kept picture. Without one they are made from its first online file;
    /// returns `None` if that cannot be read or holds another photo by now.
    fn versions(&mut self, run: &Run<'_>, photo: &PhotoRecord) -> Result<Option<Vec<EditedVersion>>, std::io::Error> {
        let kept = self.store.kept_picture(&photo.picture).and_then(|kept| picture(&kept).ok());
        let Some(picture) = kept.map_or_else(|| self.decoded(run, photo), |picture| Ok(Some(picture)))? else { return Ok(None) };
        let mut rng = Rng::with_seed(self.seed ^ photo.id.0 as u64);
        let mut features = |picture: &Picture| self.runner.features(picture).map_err(std::io::Error::other);
        let mut versions = vec![EditedVersion { edit: String::new(), features: features(&picture)? }];
        for edit in rng.choose_multiple(edits(), EDITED_VERSIONS_PER_PHOTO) {
            let version = edit.version(&picture, rng.u64(..));
            versions.push(EditedVersion { edit: edit.name.clone(), features: features(&version)? });
        }
        Ok(Some(versions))
    }

    /// Decodes the first online file of a photo. Returns `None` if it cannot be read or holds another photo by now.
    fn decoded(&mut self, run: &Run<'_>, photo: &PhotoRecord) -> Result<Option<Picture>, std::io::Error> {
        let roots = run.tuner.switcher.roots.now();
        let path = photo.files.iter().filter(|f| roots.is_online(f.place.root)).find_map(|f| roots.path_of(&f.place));
        let Some(file) = path.and_then(|path| open(&path).ok()) else { return Ok(None) };
        let or_none = |problem| match problem {
            DecodeError::Photo(_) => Ok(None),
            DecodeError::Child(e) => Err(e),
        };
        match self.decoder.identify(&file) {
            Ok((identity, _)) if identity.picture == photo.picture => {}
            Ok(_) => return Ok(None),
            Err(problem) => return or_none(problem),
        }
        self.decoder.decode().map(|decoded| Some(decoded.picture)).or_else(or_none)
    }
}
