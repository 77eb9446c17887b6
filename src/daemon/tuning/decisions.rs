//! Tuning on decisions, for what `dupes` calls a version.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fastrand::Rng;

use super::threads::on_threads;
use super::{Passed, Run, Why};
use crate::catalog::relations::framed;
use crate::catalog::tuning::decisions::{DecisionData, decision_data};
use crate::daemon::state::tuning::Phase;
use crate::daemon::state::{lock, read};
use crate::learn::decisions::{DecisionFigures, Group, Judgement, learn};
use crate::learn::device::device;
use crate::learn::edits::edits;
use crate::learn::report::{HeadFigures, TuningReport};
use crate::likeness::{Member, compare};
use crate::photo::{Capture, Compared, Comparison, Format, Picture, PictureHash};
use crate::store::{PhotoRecord, Reader};
use crate::vision::kept::{keep, picture};
use crate::vision::keypoints::keypoints;

/// The number of edited versions of each photo.
const VERSIONS_PER_PHOTO: usize = 6;

/// The fewest versions by which a model is judged.
const MIN_TEST_VERSIONS: usize = 30;

/// Tunes the version model on decisions.
pub fn tune(run: &Run<'_>) -> Result<Passed, Why> {
    let switcher = &run.tuner.switcher;
    run.report_progress(Phase::Preparing, 0, 0, None, None);
    let (old, decisions, seed) = (read(&switcher.heads.versions).clone(), read(&switcher.decisions).clone(), run.order.asked as u64);
    let reader = Reader::open(&switcher.configuration.location)?;
    let DecisionData { decided, photos } = decision_data(&reader, &switcher.roots.now(), &decisions, old.made, seed, run.order.photos)?;
    if decided.iter().all(|decided| decided.is_known) {
        return Err(Why::Failed(
            "there are no new decisions on photos that were compared; simctl decide same A B and simctl decide different A B make new ones"
                .into(),
        ));
    }
    let (mut taught, mut held_out) = (Vec::new(), Vec::new());
    for (picture, group) in groups(run, photos)? {
        if picture.0[0].is_multiple_of(2) { taught.push(group) } else { held_out.push(group) }
    }
    run.report_progress(Phase::Training, 0, 0, None, None);
    let (learnt, judgement) = learn(&old.model, &decided, (&taught, &held_out), &device(), &|| !run.is_over());
    if run.is_ending() {
        return Err(Why::Ending);
    }
    let Judgement { versions, decisions, before, after, refused, .. } = judgement;
    if versions < MIN_TEST_VERSIONS {
        return Err(Why::Failed(format!("too few photos with kept pictures to test the model: {versions} versions could be made")));
    }
    let report = TuningReport {
        tuned_on: taught.len() as u64,
        held_out: held_out.len() as u64,
        versions: versions as u64,
        decisions: decisions as u64,
        steps: 0,
        seconds: run.seconds(),
        before: told(&before, versions),
        after: told(&after, versions),
        clusters: None,
    };
    match refused {
        Some(reason) => Err(Why::Refused(reason, Box::new(report))),
        None => Ok(Passed { weights: learnt.to_safetensors(), threshold: 0.0, report }),
    }
}

fn told(figures: &DecisionFigures, versions: usize) -> HeadFigures {
    HeadFigures {
        recall: figures.found as f64 / versions as f64,
        found: figures.found as u64,
        false_pairs: figures.joined as u64,
        agreed: figures.agreed as u64,
        threshold: 0.0,
    }
}

type Others = Vec<(Member, Comparison)>;

/// Makes the groups of photos with a kept picture, until the time for this is over.
fn groups(run: &Run<'_>, photos: Vec<(PhotoRecord, Others)>) -> Result<Vec<(PictureHash, Group)>, Why> {
    let (next, done, made) = (AtomicUsize::new(0), AtomicUsize::new(0), Mutex::new(Vec::new()));
    on_threads(run, "versions", || {
        let reader = Reader::open(&run.tuner.switcher.configuration.location)?;
        while let Some((photo, others)) = photos.get(next.fetch_add(1, Ordering::Relaxed)).filter(|_| run.may_prepare()) {
            let kept = reader.kept_picture(&photo.picture).and_then(|kept| picture(&kept).ok());
            if let Some(kept) = kept {
                lock(&made).push((photo.picture, group(&kept, others, run.order.asked as u64 ^ photo.id.0 as u64)));
            }
            run.report_progress(Phase::Preparing, 1 + done.fetch_add(1, Ordering::Relaxed), photos.len(), None, None);
        }
        Ok(())
    })?;
    let mut made = made.into_inner().unwrap_or_default();
    made.sort_by_key(|(picture, _)| *picture);
    Ok(made)
}

/// Makes edited versions of a photo and lays it over each. All are as large as kept pictures, and as if of one program: the hardest
/// versions to tell from frames of a camera.
fn group(kept: &Picture, others: &Others, seed: u64) -> Group {
    let mut rng = Rng::with_seed(seed);
    let member = |picture: &Picture, number: u8| Member {
        picture: PictureHash([number; 32]),
        dimensions: picture.dimensions,
        format: Format::Jpeg,
        quantisation: None,
        capture: Capture::default(),
        names: Vec::new(),
    };
    let points = keypoints(kept);
    let mut versions = Vec::new();
    for (number, edit) in (1..).zip(rng.choose_multiple(edits(), VERSIONS_PER_PHOTO)) {
        let edited = edit.apply(kept, rng.u64(..));
        let member = member(&edited, number);
        let Ok(edited) = picture(&keep(&edited, Format::Jpeg)) else { continue };
        let compared = compare(framed(kept, &points), framed(&edited, &keypoints(&edited)));
        versions.push((member, compared.map_or(Compared::Apart, Compared::Laid)));
    }
    let others = others.iter().map(|(other, comparison)| (other.clone(), Compared::Laid(*comparison)));
    Group::new(member(kept, 0), versions, others.collect())
}
