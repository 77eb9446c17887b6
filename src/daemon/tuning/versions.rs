//! Tuning on versions of photos: what `dupes` looks for.

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;

use super::sample::{Bond, Sample, draw};
use super::views::{features, prepare};
use super::{Passed, Run, Why};
use crate::api::types::{HeadFigures, Phase, TuningReport};
use crate::daemon::shared::read;
use crate::learn::device::device;
use crate::learn::edits::edit;
use crate::learn::gate::{Decided, Figures, HeldOut};
use crate::learn::material::Material;
use crate::learn::training::{Next, Recipe};
use crate::learn::tuning::{Lesson, tune as learn};
use crate::likeness::REACH;
use crate::photo::{Decision, Features, PhotoId};
use crate::store::{PhotoRecord, Reader, View};

/// Decisions that a head must agree with, at most: the latest.
const MOST_DECIDED: usize = 2_000;

/// Photos of the library that held-out ones are judged among.
const BACKGROUND: usize = 20_000;

/// Tunes the head that answers.
pub fn tune(run: &Run<'_>) -> Result<Passed, Why> {
    let reader = Reader::open(&run.shared.location)?;
    run.tell(Phase::Preparing, 0, 0, None, None);
    let sample = draw(run, &reader)?;
    let photos: Vec<&PhotoRecord> = interleaved(&sample);
    let views = prepare(run, &reader, &photos)?;
    let (heeding, tuned_on) = material(&sample, &views, Heed::Decisions);
    let lesson = Lesson {
        heeding,
        plain: material(&sample, &views, Heed::Nothing).0,
        held_out: held_out(&sample, &views),
        background: background(run, &reader)?,
        decided: decided(run, &reader)?,
    };
    let (old, old_threshold) = {
        let active = read(&run.shared.active);
        (active.head.clone(), active.threshold)
    };
    let recipe = Recipe { seed: run.order.asked as u64, ..Recipe::default() };
    let mut steps = 0;
    let tuned = learn((&old, old_threshold), &run.order.name, &lesson, &recipe, &device(), REACH, |step, current| {
        steps = step.step;
        run.tell(Phase::Training, step.step, recipe.steps, Some(step.loss), Some(lesson.held_out.nearest(&current())));
        if run.is_over() { Next::Stop } else { Next::GoOn }
    });
    let (head, judgement) = tuned.map_err(|e| Why::Failed(format!("{e}; {} photos of the library could be read for it", views.len())))?;
    if run.shared.is_stopping() {
        return Err(Why::Ending);
    }
    let report = TuningReport {
        tuned_on: tuned_on as u64,
        held_out: lesson.held_out.photos() as u64,
        copies: lesson.held_out.versions() as u64,
        decisions: lesson.decided.len() as u64,
        steps: steps as u64,
        seconds: run.seconds(),
        before: told(&judgement.before, old_threshold),
        after: told(&judgement.after, judgement.threshold),
        clusters: None,
    };
    match judgement.refused {
        Some(reason) => Err(Why::Refused(reason, Box::new(report))),
        None => Ok(Passed { head, threshold: judgement.threshold, report }),
    }
}

fn told(figures: &Figures, threshold: f32) -> HeadFigures {
    HeadFigures {
        recall: figures.recall,
        found: figures.found as u64,
        false_pairs: figures.false_pairs as u64,
        agreed: figures.agreed as u64,
        threshold,
    }
}

/// Taught and held-out photos in turns, so that a tuning cut short has some of both.
fn interleaved(sample: &Sample) -> Vec<&PhotoRecord> {
    let every = sample.taught.len().div_ceil(sample.held_out.len().max(1)).max(1);
    let mut held_out = sample.held_out.iter();
    let mut photos: Vec<&PhotoRecord> = Vec::new();
    for part in sample.taught.chunks(every) {
        photos.extend(part);
        photos.extend(held_out.next());
    }
    photos.extend(held_out);
    photos
}

/// Whether to believe what a person said.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Heed {
    Decisions,
    Nothing,
}

/// The taught photos with their views, and how many they are; those that a person called the same are one
/// class.
fn material(sample: &Sample, views: &HashMap<PhotoId, Vec<View>>, heed: Heed) -> (Material, usize) {
    let here: Vec<(PhotoId, Vec<Features>)> = sample.taught.iter().filter_map(|p| Some((p.id, features(views.get(&p.id)?)))).collect();
    let place: HashMap<PhotoId, usize> = here.iter().enumerate().map(|(place, (photo, _))| (*photo, place)).collect();
    // Each photo goes with the first of those it is the same as, whatever the order of the decisions.
    let mut first: Vec<usize> = (0..here.len()).collect();
    for ((a, b), bond) in &sample.bonds {
        if let (Some(&a), Some(&b)) = (place.get(a), place.get(b))
            && *bond == Bond::Same
            && heed == Heed::Decisions
        {
            let (keep, join) = (first[a].min(first[b]), first[a].max(first[b]));
            first.iter_mut().filter(|f| **f == join).for_each(|f| *f = keep);
        }
    }
    let mut members: BTreeMap<usize, Vec<Features>> = BTreeMap::new();
    for ((_, features), first) in here.iter().zip(&first) {
        members.entry(*first).or_default().extend(features.iter().cloned());
    }
    let mut material = Material::default();
    let class: HashMap<usize, usize> = members.into_iter().map(|(first, members)| (first, material.add(members))).collect();
    let class_of: HashMap<PhotoId, usize> = place.into_iter().map(|(photo, place)| (photo, class[&first[place]])).collect();
    for (&(a, b), bond) in &sample.bonds {
        let (Some(&a), Some(&b)) = (class_of.get(&a), class_of.get(&b)) else { continue };
        match bond {
            _ if a == b => {}
            Bond::Moment => material.different(a, b),
            Bond::Different if heed == Heed::Decisions => material.different(a, b),
            _ => material.undecided(a, b),
        }
    }
    (material, here.len())
}

fn held_out(sample: &Sample, views: &HashMap<PhotoId, Vec<View>>) -> HeldOut {
    let mut held_out = HeldOut::default();
    let mut numbers: HashMap<PhotoId, usize> = HashMap::new();
    for photo in &sample.held_out {
        let Some([own, edited @ ..]) = views.get(&photo.id).map(Vec::as_slice) else { continue };
        let versions = edited.iter().filter_map(|view| Some((edit(&view.edit)?, view.features.clone())));
        numbers.insert(photo.id, held_out.add(own.features.clone(), versions));
    }
    for ((a, b), bond) in &sample.bonds {
        if let (Some(&a), Some(&b)) = (numbers.get(a), numbers.get(b))
            && matches!(bond, Bond::Same | Bond::Undecided)
        {
            held_out.undecided(a, b);
        }
    }
    held_out
}

/// Photos of the library by chance.
fn background(run: &Run<'_>, reader: &Reader) -> Result<Vec<Features>, Why> {
    let ids = read(&run.shared.active).index.photos().to_vec();
    let mut rng = Rng::with_seed(run.order.asked as u64);
    let mut chosen = rng.choose_multiple(ids, BACKGROUND);
    chosen.sort_unstable();
    Ok(reader.features_of(&chosen)?.into_iter().map(|(_, features)| features).collect())
}

fn decided(run: &Run<'_>, reader: &Reader) -> Result<Vec<Decided>, Why> {
    let mut decisions: Vec<Decision> = read(&run.shared.decisions).iter().copied().collect();
    decisions.sort_unstable_by_key(|d| (d.made, d.a, d.b));
    let mut decided = Vec::new();
    for decision in decisions.iter().rev().take(MOST_DECIDED) {
        let (Some(a), Some(b)) = (reader.photo_of_picture(&decision.a)?, reader.photo_of_picture(&decision.b)?) else { continue };
        let mut features = reader.features_of(&[a])?;
        features.extend(reader.features_of(&[b])?);
        if let Ok([(_, a), (_, b)]) = <[_; 2]>::try_from(features) {
            decided.push(Decided { a, b, verdict: decision.verdict });
        }
    }
    Ok(decided)
}
