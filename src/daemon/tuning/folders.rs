//! Tuning on folders, for `similar`.

use super::{Passed, Run, Why};
use crate::catalog::tuning::folders::{MIN_PHOTOS_PER_FOLDER, folders};
use crate::daemon::state::tuning::Phase;
use crate::learn::device::device;
use crate::learn::folders::{LabelledSet, NEAREST_PHOTOS, Precision};
use crate::learn::report::{HeadFigures, TuningReport};
use crate::learn::training::{MIN_CLASSES, Next, Step, TrainingParameters, train};
use crate::learn::training_set::TrainingSet;
use crate::likeness::Head;
use crate::photo::Features;
use crate::store::Reader;

/// One of this many photos of a folder is held out.
const HELD_OUT_EVERY: usize = MIN_PHOTOS_PER_FOLDER / 2;

/// Tunes the head in use so that photos of one folder are near each other. The new head is judged by held-out photos of
/// the same folders.
pub fn tune(run: &Run<'_>) -> Result<Passed, Why> {
    let reader = Reader::open(&run.tuner.switcher.configuration.location)?;
    run.report_progress(Phase::Preparing, 0, 0, None, None);
    let seed = run.order.asked as u64;
    let folders = folders(&reader, &run.tuner.switcher.roots.now(), seed, run.order.photos)?;
    let (mut training_set, mut held_out_set, mut known) = (TrainingSet::default(), LabelledSet::new(), LabelledSet::new());
    for (number, photos) in folders.into_iter().enumerate() {
        let (held_out, taught) = photos.into_iter().enumerate().partition::<Vec<_>, _>(|(place, _)| place % HELD_OUT_EVERY == 0);
        let plain = |part: Vec<(usize, Features)>| part.into_iter().map(|(_, features)| features).collect::<Vec<_>>();
        let taught = plain(taught);
        known.extend(taught.iter().map(|features| (number, features.clone())));
        training_set.add(taught);
        held_out_set.extend(plain(held_out).into_iter().map(|features| (number, features)));
    }
    let (old, threshold) = {
        let active = run.tuner.switcher.heads.active.now();
        (active.head.clone(), active.threshold)
    };
    let parameters = TrainingParameters { seed, ..TrainingParameters::folders() };
    let before = Precision::of(&old, &held_out_set, &known);
    let mut steps = 0;
    let head = train(&old, &run.order.name, &training_set, &parameters, &device(), &mut |step: Step, _: &dyn Fn() -> Head| {
        steps = step.step;
        run.report_progress(Phase::Training, step.step, parameters.steps, Some(step.loss), None);
        if run.is_over() { Next::Stop } else { Next::GoOn }
    });
    let head =
        head.map_err(|_| Why::Failed(format!("at least {MIN_CLASSES} folders with {MIN_PHOTOS_PER_FOLDER} photos or more are needed")))?;
    if run.is_ending() {
        return Err(Why::Ending);
    }
    let after = Precision::of(&head, &held_out_set, &known);
    let figures = |precision: &Precision| HeadFigures { recall: precision.mean(), found: 0, false_pairs: 0, agreed: 0, threshold };
    let report = TuningReport {
        tuned_on: known.len() as u64,
        held_out: held_out_set.len() as u64,
        versions: (held_out_set.len() * NEAREST_PHOTOS) as u64,
        decisions: 0,
        steps: steps as u64,
        seconds: run.seconds(),
        before: figures(&before),
        after: figures(&after),
        clusters: None,
    };
    match after.refused(&before) {
        Some(reason) => Err(Why::Refused(reason, Box::new(report))),
        None => Ok(Passed { weights: head.to_safetensors(), threshold, report }),
    }
}
