//! Makes the views of a tuning: the features of photos and of edited versions of them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;

use super::threads::on_threads;
use super::{Run, Why};
use crate::daemon::messages::{Request, request};
use crate::daemon::retry::while_full;
use crate::daemon::state::tuning::Phase;
use crate::daemon::worker::open;
use crate::learn::edits::edits;
use crate::photo::{PhotoId, Picture};
use crate::store::{PhotoRecord, Reader, View};
use crate::sys::SameProgram;
use crate::vision::backbone::Runner;
use crate::vision::kept::picture;
use crate::vision::sandbox::{self, Problem};

/// The number of edited views of each photo.
const VIEWS_PER_PHOTO: usize = 6;

/// Makes the views of the photos that have none yet, until the time for this is over. Returns all stored views. A photo
/// that cannot be read now gets none.
pub fn prepare(run: &Run<'_>, reader: &Reader, photos: &[&PhotoRecord]) -> Result<HashMap<PhotoId, Vec<View>>, Why> {
    let known = reader.views()?;
    let missing: Vec<&PhotoRecord> = photos.iter().filter(|p| !known.contains_key(&p.id)).copied().collect();
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(photos.len() - missing.len()));
    let work = || -> Result<(), Why> {
        let broken = |e: &dyn std::fmt::Display| Why::Failed(format!("views cannot be made: {e}"));
        let program = SameProgram::of_this_process().map_err(|e| broken(&e))?;
        let mut maker = Maker {
            store: Reader::open(&run.tuner.switcher.configuration.location).map_err(|e| broken(&e))?,
            reader: sandbox::Reader::new(program, run.tuner.switcher.configuration.settings.limits),
            runner: run.backbone.runner().map_err(|e| broken(&e))?,
            seed: run.order.asked as u64,
        };
        while let Some(&photo) = missing.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| run.may_prepare()) {
            // Tried twice, because the child may have been killed for a reason that is not in the photo.
            if let Some(views) = maker.views(run, photo).or_else(|_| maker.views(run, photo)).map_err(|e| broken(&e))? {
                store(run, photo.id, views)?;
            }
            run.tell(Phase::Preparing, 1 + done.fetch_add(1, Ordering::Relaxed), photos.len(), None, None);
        }
        Ok(())
    };
    on_threads(run, "tuning views", work)?;
    Ok(reader.views()?)
}

fn store(run: &Run<'_>, photo: PhotoId, views: Vec<View>) -> Result<(), Why> {
    let stored = while_full(
        &run.tuner.switcher.health,
        "tuning",
        "the views for tuning cannot be stored",
        || run.may_prepare(),
        || request(&run.tuner.switcher.writes, |reply| Request::AddViews(photo, views.clone(), reply)),
    );
    run.tuner.switcher.health.set_problem("tuning", None);
    Ok(stored?)
}

/// Makes views on one thread.
struct Maker {
    store: Reader,
    reader: sandbox::Reader,
    runner: Runner,
    seed: u64,
}

impl Maker {
    /// Makes the views of a photo, from its kept picture. Without one they are made from its first online file; returns
    /// `None` if that cannot be read or holds another photo by now.
    fn views(&mut self, run: &Run<'_>, photo: &PhotoRecord) -> Result<Option<Vec<View>>, std::io::Error> {
        let kept = self.store.kept_picture(&photo.picture).and_then(|kept| picture(&kept).ok());
        let Some(picture) = kept.map_or_else(|| self.decoded(run, photo), |picture| Ok(Some(picture)))? else { return Ok(None) };
        let mut rng = Rng::with_seed(self.seed ^ photo.id.0 as u64);
        let mut features = |picture: &Picture| self.runner.features(picture).map_err(std::io::Error::other);
        let mut views = vec![View { edit: String::new(), features: features(&picture)? }];
        for edit in rng.choose_multiple(edits(), VIEWS_PER_PHOTO) {
            let view = edit.version(&picture, rng.u64(..));
            views.push(View { edit: edit.name.clone(), features: features(&view)? });
        }
        Ok(Some(views))
    }

    /// Decodes the first online file of a photo. Returns `None` if it cannot be read or holds another photo by now.
    fn decoded(&mut self, run: &Run<'_>, photo: &PhotoRecord) -> Result<Option<Picture>, std::io::Error> {
        let roots = run.tuner.switcher.roots.now();
        let path = photo.files.iter().filter(|f| roots.is_online(f.place.root)).find_map(|f| roots.path_of(&f.place));
        let Some(file) = path.and_then(|path| open(&path).ok()) else { return Ok(None) };
        let or_none = |problem| match problem {
            Problem::Photo(_) => Ok(None),
            Problem::Child(e) => Err(e),
        };
        match self.reader.identify(&file) {
            Ok((identity, _)) if identity.picture == photo.picture => {}
            Ok(_) => return Ok(None),
            Err(problem) => return or_none(problem),
        }
        self.reader.decode().map(|decoded| Some(decoded.picture)).or_else(or_none)
    }
}
