//! Tuning on edits, for `dupes`.

use super::edited_versions::prepare;
use super::{Passed, Run, Why};
use crate::catalog::tuning::Library;
use crate::catalog::tuning::sample::draw;
use crate::catalog::tuning::tuning_data::{interleaved, tuning_data};
use crate::daemon::state::read;
use crate::daemon::state::tuning::Phase;
use crate::learn::acceptance::AcceptanceFigures;
use crate::learn::device::device;
use crate::learn::report::{HeadFigures, TuningReport};
use crate::learn::training::{Next, TrainingParameters};
use crate::learn::tuning::tune as learn;
use crate::likeness::MAX_PAIR_DISTANCE;
use crate::store::Reader;

/// Tunes the head in use so that versions of one photo are near each other.
pub fn tune(run: &Run<'_>) -> Result<Passed, Why> {
    let tuner = run.tuner;
    let reader = Reader::open(&tuner.switcher.configuration.location)?;
    run.report_progress(Phase::Preparing, 0, 0, None, None);
    let (roots, decisions, seed) = (tuner.switcher.roots.now(), read(&tuner.switcher.decisions).clone(), run.order.asked as u64);
    let library = Library { reader: &reader, roots: &roots, decisions: &decisions, generation: &tuner.switcher.heads.active };
    let sample = draw(&library, seed, run.order.photos)?;
    let versions = prepare(run, &reader, &interleaved(&sample))?;
    let (tuning_data, tuned_on) = tuning_data(&library, &sample, &versions, seed)?;
    let (old, old_threshold) = {
        let active = tuner.switcher.heads.active.now();
        (active.head.clone(), active.threshold)
    };
    let parameters = TrainingParameters { seed, ..TrainingParameters::default() };
    let mut steps = 0;
    let tuned = learn((&old, old_threshold), &run.order.name, &tuning_data, &parameters, &device(), MAX_PAIR_DISTANCE, |step, current| {
        steps = step.step;
        run.report_progress(Phase::Training, step.step, parameters.steps, Some(step.loss), Some(tuning_data.held_out.nearest(&current())));
        if run.is_over() { Next::Stop } else { Next::GoOn }
    });
    let (head, judgement) = tuned.map_err(|e| Why::Failed(format!("{e}; {} photos of the library could be read", versions.len())))?;
    if run.is_ending() {
        return Err(Why::Ending);
    }
    let report = TuningReport {
        tuned_on: tuned_on as u64,
        held_out: tuning_data.held_out.photos() as u64,
        versions: tuning_data.held_out.versions() as u64,
        decisions: tuning_data.decided.len() as u64,
        steps: steps as u64,
        seconds: run.seconds(),
        before: told(&judgement.before, old_threshold),
        after: told(&judgement.after, judgement.threshold),
        clusters: None,
    };
    match judgement.refused {
        Some(reason) => Err(Why::Refused(reason, Box::new(report))),
        None => Ok(Passed { weights: head.to_safetensors(), threshold: judgement.threshold, report }),
    }
}

fn told(figures: &AcceptanceFigures, threshold: f32) -> HeadFigures {
    HeadFigures {
        recall: figures.recall,
        found: figures.found as u64,
        false_pairs: figures.false_pairs as u64,
        agreed: figures.agreed as u64,
        threshold,
    }
}
