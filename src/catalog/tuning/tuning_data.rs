//! Makes the training set and the held-out photos of a tuning on edits.

use std::collections::{BTreeMap, HashMap};

use fastrand::Rng;

use super::Library;
use super::sample::{PairLabel, Sample};
use crate::catalog::decided_photos;
use crate::learn::acceptance::{Decided, HeldOut};
use crate::learn::edits::edit;
use crate::learn::training_set::TrainingSet;
use crate::learn::tuning::TuningData;
use crate::photo::{Decision, Features, PhotoId};
use crate::store::{EditedVersion, PhotoRecord, Result};

/// The most decisions that a head is tested on. The latest are used.
const MAX_TESTED_DECISIONS: usize = 2_000;

/// The most photos of the library that the held-out photos are judged among.
const BACKGROUND_PHOTOS: usize = 20_000;

/// Makes the tuning data from a sample and the edited versions of its photos. Returns it with the number of training
/// photos.
///
/// # Errors
/// If the store cannot be read.
pub fn tuning_data(
    library: &Library<'_>,
    sample: &Sample,
    versions: &HashMap<PhotoId, Vec<EditedVersion>>,
    seed: u64,
) -> Result<(TuningData, usize)> {
    let (with_decisions, taught) = training_set(sample, versions, UseDecisions::Yes);
    let tuning_data = TuningData {
        with_decisions,
        without_decisions: training_set(sample, versions, UseDecisions::No).0,
        held_out: held_out(sample, versions),
        background: background(library, seed)?,
        decided: decided(library)?,
    };
    Ok((tuning_data, taught))
}

/// Returns the features of all versions.
fn features(versions: &[EditedVersion]) -> Vec<Features> {
    versions.iter().map(|version| version.features.clone()).collect()
}

/// Returns training and held-out photos in turn, so that a tuning that is stopped early has some of both.
pub fn interleaved(sample: &Sample) -> Vec<&PhotoRecord> {
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

/// Whether a training set uses the decisions of people.
#[derive(Clone, Copy, PartialEq, Eq)]
enum UseDecisions {
    Yes,
    No,
}

/// Makes a training set from the training photos and their edited versions, and returns it with the number of these
/// photos. Photos that a person decided to be the same are one class.
fn training_set(sample: &Sample, versions: &HashMap<PhotoId, Vec<EditedVersion>>, use_decisions: UseDecisions) -> (TrainingSet, usize) {
    let here: Vec<(PhotoId, Vec<Features>)> = sample.taught.iter().filter_map(|p| Some((p.id, features(versions.get(&p.id)?)))).collect();
    let place: HashMap<PhotoId, usize> = here.iter().enumerate().map(|(place, (photo, _))| (*photo, place)).collect();
    // The class of a photo is the first of all photos that are the same. It does not depend on the order of decisions.
    let mut first: Vec<usize> = (0..here.len()).collect();
    for ((a, b), label) in &sample.pair_labels {
        if let (Some(&a), Some(&b)) = (place.get(a), place.get(b))
            && *label == PairLabel::Same
            && use_decisions == UseDecisions::Yes
        {
            let (keep, join) = (first[a].min(first[b]), first[a].max(first[b]));
            first.iter_mut().filter(|f| **f == join).for_each(|f| *f = keep);
        }
    }
    let mut members: BTreeMap<usize, Vec<Features>> = BTreeMap::new();
    for ((_, features), first) in here.iter().zip(&first) {
        members.entry(*first).or_default().extend(features.iter().cloned());
    }
    let mut training_set = TrainingSet::default();
    let class: HashMap<usize, usize> = members.into_iter().map(|(first, members)| (first, training_set.add(members))).collect();
    let class_of: HashMap<PhotoId, usize> = place.into_iter().map(|(photo, place)| (photo, class[&first[place]])).collect();
    for (&(a, b), label) in &sample.pair_labels {
        let (Some(&a), Some(&b)) = (class_of.get(&a), class_of.get(&b)) else { continue };
        match label {
            _ if a == b => {}
            PairLabel::Series => training_set.different(a, b),
            PairLabel::Different if use_decisions == UseDecisions::Yes => training_set.different(a, b),
            _ => training_set.undecided(a, b),
        }
    }
    (training_set, here.len())
}

fn held_out(sample: &Sample, versions: &HashMap<PhotoId, Vec<EditedVersion>>) -> HeldOut {
    let mut held_out = HeldOut::default();
    let mut numbers: HashMap<PhotoId, usize> = HashMap::new();
    for photo in &sample.held_out {
        let Some([own, edited @ ..]) = versions.get(&photo.id).map(Vec::as_slice) else { continue };
        let edits = edited.iter().filter_map(|version| Some((edit(&version.edit)?, version.features.clone())));
        numbers.insert(photo.id, held_out.add(own.features.clone(), edits));
    }
    for ((a, b), label) in &sample.pair_labels {
        if let (Some(&a), Some(&b)) = (numbers.get(a), numbers.get(b))
            && matches!(label, PairLabel::Same | PairLabel::Undecided)
        {
            held_out.undecided(a, b);
        }
    }
    held_out
}

/// Returns the features of photos drawn at random.
fn background(library: &Library<'_>, seed: u64) -> Result<Vec<Features>> {
    let ids = library.generation.now().index.photos().to_vec();
    let mut rng = Rng::with_seed(seed);
    let mut chosen = rng.choose_multiple(ids, BACKGROUND_PHOTOS);
    chosen.sort_unstable();
    Ok(library.reader.features_of(&chosen)?.into_iter().map(|(_, features)| features).collect())
}

fn decided(library: &Library<'_>) -> Result<Vec<Decided>> {
    let reader = library.reader;
    let mut decisions: Vec<Decision> = library.decisions.iter().copied().collect();
    decisions.sort_unstable_by_key(|d| (d.made, d.a, d.b));
    let mut decided = Vec::new();
    for decision in decisions.iter().rev().take(MAX_TESTED_DECISIONS) {
        let photo = |picture| decided_photos(reader, library.decisions, picture);
        let (&[a, ..], &[b, ..]) = (&photo(decision.a)?[..], &photo(decision.b)?[..]) else { continue };
        let mut features = reader.features_of(&[a])?;
        features.extend(reader.features_of(&[b])?);
        if let Ok([(_, a), (_, b)]) = <[_; 2]>::try_from(features) {
            decided.push(Decided { a, b, verdict: decision.verdict });
        }
    }
    Ok(decided)
}
