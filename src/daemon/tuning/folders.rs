//! Tuning on folders: photos that a person put together, for `similar`.

use std::collections::BTreeMap;

use fastrand::Rng;

use super::{Passed, Run, Why};
use crate::api::types::{HeadFigures, Phase, TuningReport};
use crate::daemon::shared::read;
use crate::learn::device::device;
use crate::learn::folders::{NEAREST, Precision, Shelf};
use crate::learn::material::Material;
use crate::learn::training::{Next, Recipe, Step, train};
use crate::likeness::Head;
use crate::photo::{Features, PhotoId, Place};
use crate::store::{Reader, Wanted};

/// Of so many photos of a folder one is held out.
const HELD_OUT: usize = 4;

/// Photos of one folder that are taken at most.
const MOST: usize = 200;

/// Tunes the head that answers to hold folders together; it judges by photos of the same folders that it
/// was not shown.
pub fn tune(run: &Run<'_>) -> Result<Passed, Why> {
    let reader = Reader::open(&run.shared.location)?;
    run.tell(Phase::Preparing, 0, 0, None, None);
    let folders = folders(run, &reader)?;
    let (mut material, mut shelf, mut known) = (Material::default(), Shelf::new(), Shelf::new());
    for (number, photos) in folders.into_iter().enumerate() {
        let (held_out, taught) = photos.into_iter().enumerate().partition::<Vec<_>, _>(|(place, _)| place % HELD_OUT == 0);
        let plain = |part: Vec<(usize, Features)>| part.into_iter().map(|(_, features)| features).collect::<Vec<_>>();
        let taught = plain(taught);
        known.extend(taught.iter().map(|features| (number, features.clone())));
        material.add(taught);
        shelf.extend(plain(held_out).into_iter().map(|features| (number, features)));
    }
    let (old, threshold) = {
        let active = read(&run.shared.active);
        (active.head.clone(), active.threshold)
    };
    let recipe = Recipe { seed: run.order.asked as u64, ..Recipe::folders() };
    let before = Precision::of(&old, &shelf, &known);
    let mut steps = 0;
    let head = train(&old, &run.order.name, &material, &recipe, &device(), &mut |step: Step, _: &dyn Fn() -> Head| {
        steps = step.step;
        run.tell(Phase::Training, step.step, recipe.steps, Some(step.loss), None);
        if run.is_over() { Next::Stop } else { Next::GoOn }
    });
    let head = head.map_err(|_| Why::Failed(format!("folders of at least {} photos are needed, and two dozen of them", 2 * HELD_OUT)))?;
    if run.shared.is_stopping() {
        return Err(Why::Ending);
    }
    let after = Precision::of(&head, &shelf, &known);
    let figures = |precision: &Precision| HeadFigures { recall: precision.mean(), found: 0, false_pairs: 0, agreed: 0, threshold };
    let report = TuningReport {
        tuned_on: known.len() as u64,
        held_out: shelf.len() as u64,
        copies: (shelf.len() * NEAREST) as u64,
        decisions: 0,
        steps: steps as u64,
        seconds: run.seconds(),
        before: figures(&before),
        after: figures(&after),
        clusters: None,
    };
    match after.refused(&before) {
        Some(reason) => Err(Why::Refused(reason, Box::new(report))),
        None => Ok(Passed { head, threshold, report }),
    }
}

/// The features of the photos of each folder that has enough of them, in an order drawn by the order's
/// time. A photo in two folders is of neither.
fn folders(run: &Run<'_>, reader: &Reader) -> Result<Vec<Vec<Features>>, Why> {
    let scopes: Vec<Place> = read(&run.shared.roots).iter().map(|root| Place { root: root.id, path: "".into() }).collect();
    let mut folders: BTreeMap<Place, Vec<PhotoId>> = BTreeMap::new();
    for photo in reader.photos(&scopes, Wanted::All)?.into_values() {
        let folder = |place: &Place| Place { root: place.root, path: place.path.parent().map(Into::into).unwrap_or_default() };
        let first = folder(&photo.files[0].place);
        if photo.files.iter().all(|file| folder(&file.place) == first) {
            folders.entry(first).or_default().push(photo.id);
        }
    }
    folders.retain(|_, photos| photos.len() >= 2 * HELD_OUT);
    let mut rng = Rng::with_seed(run.order.asked as u64);
    let share = (run.order.photos / folders.len().max(1)).clamp(2 * HELD_OUT, MOST);
    let mut out = Vec::new();
    for mut photos in folders.into_values() {
        photos.sort_unstable();
        rng.shuffle(&mut photos);
        photos.truncate(share);
        out.push(reader.features_of(&photos)?.into_iter().map(|(_, features)| features).collect());
    }
    Ok(out)
}
